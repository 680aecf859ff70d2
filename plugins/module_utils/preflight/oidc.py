# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""An OpenID Connect provider: is it the one that the document means, does it know us, can its tokens be verified?

Specifications meant: OpenID Connect Core and Discovery 1.0, RFC 6749 (errors of the endpoints), RFC 7517 (keys).
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from .dates import utc_now
from .findings import ERROR, OK, UNKNOWN, WARNING, Finding
from .net import REDIRECTS, Answer, Line, UnreachedError, failed, judge_chain

WELL_KNOWN = "/.well-known/openid-configuration"
# Keycloak's name of an endpoint -> its name in a discovery document.
ENDPOINTS = {
    "authorizationUrl": "authorization_endpoint",
    "tokenUrl": "token_endpoint",
    "userInfoUrl": "userinfo_endpoint",
    "jwksUrl": "jwks_uri",
}
BASIC, UNENCODED, POST = "client_secret_basic", "client_secret_basic_unencoded", "client_secret_post"
SENT = {BASIC: BASIC, UNENCODED: BASIC, POST: POST}  # Keycloak's methods that send the secret -> their standard names
SMALLEST_RSA = 2048  # bits
NEEDS_A_LOGIN = {"login_required", "interaction_required", "consent_required", "account_selection_required"}
# Words of an error page that was sent as if all were well.
REFUSAL = re.compile(
    r"(invalid|unknown|mismatch|unregistered|not\W+registered|not\W+match)[^<]{0,60}redirect|redirect\W?ur[il][^<]{0,60}(invalid|mismatch|not\W)",
    re.IGNORECASE,
)
# A page that is a login, or that sends itself on to one.
LOGIN = re.compile(r"""<input[^>]+(name=["']?SAMLRequest\b|type=["']?password\b)""", re.IGNORECASE)
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True)
class Provider:
    """What the realm document says of one provider."""

    alias: str
    config: Mapping[str, str]
    redirect_uri: str
    secret: str = field(default="", repr=False)
    overridden: Collection[str] = ()  # endpoints in which the site knowingly departs from discovery

    @property
    def where(self) -> str:
        """Its place in the document."""
        return f"identityProviders[{self.alias}]"

    def endpoint(self, key: str, said: Mapping[str, Any]) -> str:
        """An address from the document, or else as discovered."""
        return self.config.get(key) or str(said.get(ENDPOINTS[key]) or "")


def probe(provider: Provider, line: Line) -> Iterator[Finding]:
    """Ask everything that can be asked without a login; each finding as soon as it is known."""
    asked = _Asked(provider, line)
    yield from asked.discovery()
    yield from asked.keys()
    yield from asked.secret()
    yield from asked.redirect_uri()
    yield from asked.userinfo()
    yield from asked.certificates()


class _Asked:
    """One provider while it is asked."""

    def __init__(self, provider: Provider, line: Line) -> None:
        self.provider, self.line = provider, line
        self.said: dict[str, Any] = {}  # the discovery document
        self.chains: dict[str, Answer] = {}  # host -> an answer from there

    def discovery(self) -> Iterator[Finding]:
        config = self.provider.config
        url = config.get("metadataDescriptorUrl") or config.get("issuer", "").rstrip("/") + WELL_KNOWN
        answer = yield from self._ask("discovery", url, follow=REDIRECTS)
        if answer is None:
            return
        self.said = answer.json() if answer.status == HTTPStatus.OK else {}
        if not self.said:
            yield Finding(
                self.provider.alias,
                "discovery",
                ERROR,
                f"{url} gives no discovery document (HTTP {answer.status})",
                url,
                "Check the issuer: the document must stand below it at /.well-known/openid-configuration",
            )
            return
        yield from judge_discovery(self.provider, self.said)

    def keys(self) -> Iterator[Finding]:
        url = self.provider.endpoint("jwksUrl", self.said)
        if not url or self.provider.config.get("useJwksUrl", "true") != "true":
            return
        answer = yield from self._ask("signing keys", url, follow=REDIRECTS)
        if answer is not None:
            yield judge_keys(self.provider.alias, url, answer.status, answer.json())

    def secret(self) -> Iterator[Finding]:
        """A code that cannot be right: a provider that checks our secret first tells which of the two it dislikes."""
        provider, url = self.provider, self.provider.endpoint("tokenUrl", self.said)
        method = provider.config.get("clientAuthMethod", POST)
        if method not in SENT or not provider.secret:
            why = f"not tried: the method {method} does not send a secret"
            yield Finding(provider.alias, "client secret", UNKNOWN, why, f"{provider.where}.config.clientAuthMethod")
        elif url:
            form = {
                "grant_type": "authorization_code",
                "code": f"preflight-{secrets.token_urlsafe(24)}",
                "redirect_uri": provider.redirect_uri,
                "code_verifier": secrets.token_urlsafe(48),
            }
            body, headers = credentials(method, provider.config.get("clientId", ""), provider.secret)
            answer = yield from self._ask(
                "client secret", url, "POST", urlencode({**form, **body}), {**FORM, **headers}
            )
            if answer is not None:
                yield judge_secret(provider, url, answer.status, answer.json())

    def redirect_uri(self) -> Iterator[Finding]:
        """As a browser would begin a login, but asking for no page: who is known is sent back to us at once."""
        provider, url = self.provider, self.provider.endpoint("authorizationUrl", self.said)
        if not url:
            return
        query = {
            "response_type": "code",
            "client_id": provider.config.get("clientId", ""),
            "redirect_uri": provider.redirect_uri,
            "scope": provider.config.get("defaultScope", "openid"),
            "state": secrets.token_urlsafe(16),
            "nonce": secrets.token_urlsafe(16),
            "prompt": "none",
        }
        if provider.config.get("pkceEnabled") == "true":
            query |= {"code_challenge": secrets.token_urlsafe(32), "code_challenge_method": "S256"}
        answer = yield from self._ask("redirect URI", f"{url}{'&' if '?' in url else '?'}{urlencode(query)}")
        if answer is not None:
            yield judge_redirect(provider, url, answer.status, answer.headers.get("location", ""), answer.body)

    def userinfo(self) -> Iterator[Finding]:
        url = self.provider.endpoint("userInfoUrl", self.said)
        if not url or self.provider.config.get("disableUserInfo") == "true":
            return
        answer = yield from self._ask("userinfo", url)
        if answer is not None:
            yield judge_userinfo(self.provider.alias, url, answer.status)

    def certificates(self) -> Iterator[Finding]:
        for host, answer in sorted(self.chains.items()):
            found = judge_chain(self.provider.alias, host, answer.chain, utc_now(), self.line.warn_days)
            if found:
                yield found

    def _ask(self, what: str, url: str, *request: Any, **more: Any) -> Generator[Finding, None, Answer | None]:
        """The answer, as the value of `yield from`; or nothing, and a finding that says why."""
        try:
            answer = self.line.fetch(url, *request, **more)
        except UnreachedError as error:
            yield failed(self.provider.alias, what, url.partition("?")[0], error)
            return None
        self.chains.setdefault(urlsplit(answer.url).netloc, answer)
        return answer


def credentials(method: str, client_id: str, secret: str) -> tuple[dict[str, str], dict[str, str]]:
    """Fields of the form and headers that prove who we are (RFC 6749, section 2.3.1), as Keycloak sends them."""
    if method == POST:
        return {"client_id": client_id, "client_secret": secret}, {}
    pair = (client_id, secret) if method == UNENCODED else (quote_plus(client_id), quote_plus(secret))
    return {}, {"Authorization": f"Basic {base64.b64encode(':'.join(pair).encode()).decode()}"}


def judge_discovery(provider: Provider, said: Mapping[str, Any]) -> Iterator[Finding]:
    """Does the discovery document say what the realm document says?"""
    alias, config, where = provider.alias, provider.config, provider.where
    issuer = config.get("issuer", "")
    if said.get("issuer") == issuer:
        yield Finding(alias, "issuer", OK, f"{issuer} is what the provider calls itself")
    else:
        yield Finding(
            alias,
            "issuer",
            ERROR,
            f"configured is {issuer!r}, but the provider calls itself {said.get('issuer')!r}",
            f"{where}.config.issuer",
            f"Every login would fail. Set issuer to {said.get('issuer')!r}, to the last character",
        )
    different = 0
    for key, name in ENDPOINTS.items():
        ours, theirs = config.get(key), said.get(name)
        if ours and theirs and ours != theirs:
            different += 1
            known = key in provider.overridden
            yield Finding(
                alias,
                f"endpoint {key}",
                WARNING if known else ERROR,
                f"configured is {ours}, but discovery says {theirs}",
                f"{where}.config.{key}",
                "The inventory says so; leave it out when the provider is in order again"
                if known
                else "Take the address of the discovery document",
            )
        elif not ours and not theirs:
            different += 1
            yield Finding(
                alias,
                f"endpoint {key}",
                ERROR,
                f"neither the inventory nor discovery ({name}) gives it",
                f"{where}.config.{key}",
                "Ask the operators of the provider for the address and set it in facility_identity_providers",
            )
    if not different:
        yield Finding(alias, "endpoints", OK, "as in the discovery document")
    yield from _judge_features(provider, said)


def _judge_features(provider: Provider, said: Mapping[str, Any]) -> Iterator[Finding]:
    """What we want, against the lists of what the provider can; a list that is not there says nothing."""
    config, where = provider.config, f"{provider.where}.config"
    method = config.get("clientAuthMethod", POST)
    wanted = [
        ("code flow", "response_types_supported", ["code"], ERROR, where),
        (
            "client authentication",
            "token_endpoint_auth_methods_supported",
            [SENT.get(method, method)],
            ERROR,
            f"{where}.clientAuthMethod",
        ),
        ("scopes", "scopes_supported", config.get("defaultScope", "").split(), WARNING, f"{where}.defaultScope"),
    ]
    if config.get("pkceEnabled") == "true":
        pkce = config.get("pkceMethod", "S256")
        wanted.append(("PKCE", "code_challenge_methods_supported", [pkce], WARNING, f"{where}.pkceMethod"))
    for what, name, ours, level, place in wanted:
        theirs = said.get(name)
        lacking = [item for item in ours if isinstance(theirs, list) and item not in theirs]
        if lacking and theirs:
            yield Finding(
                provider.alias,
                what,
                level,
                f"the provider does not name {', '.join(lacking)} among {', '.join(map(str, theirs))} ({name})",
                place,
                "Choose one that it names, or ask its operators",
            )


def judge_keys(alias: str, url: str, status: int, said: Mapping[str, Any]) -> Finding:
    """Can a signature be verified with these keys?"""
    keys = said.get("keys")
    if status != HTTPStatus.OK or not isinstance(keys, list):
        return Finding(
            alias,
            "signing keys",
            ERROR,
            f"no key set (HTTP {status})",
            url,
            "Take jwks_uri of the discovery document; without keys no token can be verified and every login fails",
        )
    usable = [key for key in keys if isinstance(key, Mapping) and signs(key)]
    weak = [key for key in usable if key.get("kty") == "RSA" and _bits(key) < SMALLEST_RSA]
    if not usable:
        return Finding(
            alias,
            "signing keys",
            ERROR,
            f"none of the {len(keys)} keys is a public key for signatures",
            url,
            "Its operators must publish the keys with which they sign tokens",
        )
    if weak:
        message = f"{len(weak)} of {len(usable)} keys are RSA keys of less than {SMALLEST_RSA} bits"
        return Finding(alias, "signing keys", WARNING, message, url, "Its operators should make longer ones")
    kinds = ", ".join(sorted({str(key.get("alg") or key["kty"]) for key in usable}))
    return Finding(alias, "signing keys", OK, f"{len(usable)} ({kinds})", url)


def signs(key: Mapping[str, Any]) -> bool:
    """Whether a JSON Web Key verifies signatures: a public key that is not set aside for encryption."""
    fields = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}.get(str(key.get("kty")))
    operations = key.get("key_ops")
    return (
        fields is not None
        and all(key.get(name) for name in fields)
        and key.get("use", "sig") == "sig"
        and (not isinstance(operations, list) or "verify" in operations)
    )


def _bits(key: Mapping[str, Any]) -> int:
    text = str(key["n"])
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big").bit_length()
    except ValueError:
        return 0


def judge_secret(provider: Provider, url: str, status: int, said: Mapping[str, Any]) -> Finding:
    """What an answer to a wrong code says of our secret."""
    alias, what, error = provider.alias, "client secret", str(said.get("error", ""))
    method = provider.config.get("clientAuthMethod", POST)
    if error == "invalid_grant":
        return Finding(alias, what, OK, f"accepted, sent by {method}", url)
    if error in {"invalid_client", "unauthorized_client"} or status == HTTPStatus.UNAUTHORIZED:
        client = provider.config.get("clientId", "")
        return Finding(
            alias,
            what,
            ERROR,
            f"the provider refuses client {client!r} with this secret ({error or f'HTTP {status}'})",
            url,
            f"Every login would fail. Compare client_id and client_secret of {alias} in facility_identity_providers with what the provider gave; "
            f"if they are right, ask whether it wants the secret by {POST if SENT.get(method) == BASIC else BASIC} (client_auth_method)",
        )
    if status == HTTPStatus.NOT_FOUND or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = f"the token endpoint does not work (HTTP {status})"
        return Finding(
            alias, what, ERROR, message, url, "Check the address; if it is right, ask the provider's operators"
        )
    message = (
        f"the answer to a wrong code ({error or 'no error'}, HTTP {status}) does not tell whether the secret is right"
    )
    return Finding(alias, what, UNKNOWN, message, url, "Only a login will tell")


def judge_redirect(provider: Provider, url: str, status: int, location: str, body: bytes) -> Finding:
    """What the beginning of a login says of our redirect URI.

    A provider may send an error to a redirect URI only if it is registered (RFC 6749, section 4.1.2.1). So being sent back is
    proof, being sent on to a login is as good, and an error page is a refusal.
    """
    alias, what, ours = provider.alias, "redirect URI", provider.redirect_uri
    target = urlsplit(location)
    if location.partition("?")[0].partition("#")[0] == ours:
        error = parse_qs(target.query or target.fragment).get("error", [""])[0]
        if error in {"", *NEEDS_A_LOGIN}:
            return Finding(alias, what, OK, "registered: the provider sends people back to it", ours)
        mend = "Compare the scopes and the kind of client with what was registered"
        return Finding(alias, what, WARNING, f"registered, but a login is answered by {error}", url, mend)
    redirected = bool(location) and 300 <= status < 400  # noqa: PLR2004
    if status == HTTPStatus.NOT_FOUND or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        mend = "Check the address; if it is right, ask the provider's operators"
        return Finding(alias, what, ERROR, f"the authorization endpoint does not work (HTTP {status})", url, mend)
    page = body.decode(errors="replace")
    to_error = redirected and ("error=" in target.query or "/error" in target.path)
    if to_error or status >= HTTPStatus.BAD_REQUEST or REFUSAL.search(page):
        mend = (
            f"Every login would end on its error page. Have exactly {ours} registered as redirect URI of client "
            f"{provider.config.get('clientId', '')!r}"
        )
        return Finding(alias, what, ERROR, f"the provider refuses it, or our client id (HTTP {status})", url, mend)
    message = f"the provider answers with a page (HTTP {status}), from which this cannot be known"
    return (
        Finding(alias, what, OK, "accepted: the provider goes on to its login", ours)
        if redirected or LOGIN.search(page)
        else Finding(alias, what, UNKNOWN, message, url)
    )


def judge_userinfo(alias: str, url: str, status: int) -> Finding:
    """Asked without a token: it must refuse, and thereby show that it is there."""
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Finding(alias, "userinfo", OK, "there, and refuses who has no token", url)
    message = f"answers HTTP {status} to a request without token, instead of refusing it"
    level = ERROR if status == HTTPStatus.NOT_FOUND or status >= HTTPStatus.INTERNAL_SERVER_ERROR else UNKNOWN
    mend = "E-mail, names and groups come from there: check userinfo_endpoint of the discovery document"
    return Finding(alias, "userinfo", level, message, url, mend)
