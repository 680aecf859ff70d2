"""An OpenID Connect provider with faults, really asked over TLS; each fault has its words and hides no other check."""

import json
import time

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line
from ansible_collections.panosc.facility.plugins.module_utils.preflight.oidc import (
    Provider,
    credentials,
    judge_keys,
    judge_redirect,
    judge_secret,
    probe,
    signs,
)
from cryptography.hazmat.primitives.asymmetric import rsa
from servers import SECRET, Op, closed_port, listening, serving, web_key

REDIRECT = Op.redirect_uri


def provider(base, secret=SECRET, overridden=(), **config):
    given = {
        "issuer": base,
        "authorizationUrl": f"{base}/authorize",
        "tokenUrl": f"{base}/token",
        "userInfoUrl": f"{base}/userinfo",
        "jwksUrl": f"{base}/jwks",
        "clientId": "facility",
        "clientAuthMethod": "client_secret_basic",
        "defaultScope": "openid email profile",
        "useJwksUrl": "true",
        "pkceEnabled": "true",
        "pkceMethod": "S256",
    }
    return Provider("op", {k: v for k, v in {**given, **config}.items() if v}, REDIRECT, secret, overridden)


def ask(op, authority, certificate=None, timeout=10.0, **given):
    """{what: finding} of one probe."""
    with serving(op, authority.context(**(certificate or {}))):
        found = list(probe(provider(op.base, **given), Line(str(authority.path), timeout=timeout)))
    assert len({finding.what for finding in found}) == len(found), found
    assert SECRET not in str(found)
    return {finding.what: finding for finding in found}


def levels(found):
    return {what: finding.level for what, finding in found.items() if finding.level != "ok"}


def test_a_provider_in_order(authority):
    op = Op()
    found = ask(op, authority)
    assert levels(found) == {}
    checks = "issuer, endpoints, signing keys, client secret, redirect URI, userinfo, TLS certificate"
    assert list(found) == checks.split(", ")
    assert "good for 90 more days" in found["TLS certificate"].message
    assert [path for _, path in op.seen if SECRET in path] == []


@pytest.mark.parametrize(
    ("fault", "given", "what", "level", "words"),
    [
        (Op(discovery={"issuer": "https://op.test/"}), {}, "issuer", "error", "calls itself 'https://op.test/'"),
        (Op(), {"issuer": None, "metadataDescriptorUrl": "set"}, "issuer", "error", "configured is ''"),
        (Op(answers={"/.well-known/openid-configuration": (404, {}, "")}), {}, "discovery", "error", "HTTP 404"),
        (Op(answers={"/.well-known/openid-configuration": (200, {}, "<html>")}), {}, "discovery", "error", "no discovery"),
        (Op(discovery={"token_endpoint": "https://op.test/t"}), {}, "endpoint tokenUrl", "error", "https://op.test/t"),
        (Op(discovery={"token_endpoint": "https://op.test/t"}), {"overridden": ["tokenUrl"]}, "endpoint tokenUrl", "warning", "https://op.test/t"),
        (Op(discovery={"jwks_uri": None}), {"jwksUrl": None}, "endpoint jwksUrl", "error", "jwks_uri"),
        (Op(discovery={"scopes_supported": ["openid"]}), {}, "scopes", "warning", "email, profile"),
        (Op(discovery={"token_endpoint_auth_methods_supported": ["client_secret_post"]}), {}, "client authentication", "error", "client_secret_basic"),
        (Op(discovery={"response_types_supported": ["id_token"]}), {}, "code flow", "error", "id_token"),
        (Op(discovery={"code_challenge_methods_supported": ["plain"]}), {}, "PKCE", "warning", "plain"),
        (Op(answers={"/jwks": (404, {}, "")}), {}, "signing keys", "error", "HTTP 404"),
        (Op(answers={"/jwks": (200, {}, '{"keys": []}')}), {}, "signing keys", "error", "none of the 0 keys"),
        (Op(), {"secret": "canary-wrong"}, "client secret", "error", "refuses client 'facility' with this secret"),
        (Op(answers={"/token": (400, {}, '{"error": "invalid_request"}')}), {}, "client secret", "unknown", "invalid_request"),
        (Op(answers={"/token": (503, {}, "")}), {}, "client secret", "error", "HTTP 503"),
        (Op(), {"clientAuthMethod": "private_key_jwt", "secret": ""}, "client secret", "unknown", "private_key_jwt"),
        (Op(redirect_uri="https://elsewhere.test/"), {}, "redirect URI", "error", "refuses it"),
        (Op(answers={"/authorize": (200, {}, "<h1>Redirect URI mismatch</h1>")}), {}, "redirect URI", "error", "refuses it"),
        (Op(answers={"/authorize": (302, {"Location": "/error?x=1"}, "")}), {}, "redirect URI", "error", "refuses it"),
        (Op(answers={"/authorize": (200, {}, '<form><input name="redirect_uri">')}), {}, "redirect URI", "unknown", "cannot be known"),
        (Op(answers={"/userinfo": (404, {}, "")}), {}, "userinfo", "error", "HTTP 404"),
    ],
)  # fmt: skip
def test_one_fault(authority, fault, given, what, level, words):
    found = {}
    with serving(fault, authority.context()):
        if given.get("metadataDescriptorUrl"):
            given = {**given, "metadataDescriptorUrl": f"{fault.base}/.well-known/openid-configuration"}
        listed = list(probe(provider(fault.base, **given), Line(str(authority.path), timeout=10)))
        found = {finding.what: finding for finding in listed}
    assert found[what].level == level, found
    assert words in found[what].message
    assert found[what].mend or level == "unknown"
    also = {"client authentication"} if given.get("clientAuthMethod") else set()
    assert set(levels(found)) <= {what, *also}, "another check was taken along"
    assert "canary-" not in str(listed)


def test_one_slash_too_many_is_another_issuer(authority):
    op = Op()
    with serving(op, authority.context()):
        op.discovery["issuer"] = f"{op.base}/"
        (found,) = [one for one in probe(provider(op.base), Line(str(authority.path))) if one.level != "ok"]
    assert (found.what, found.level) == ("issuer", "error")
    assert f"{op.base}/'" in found.mend


@pytest.mark.parametrize(
    "page",
    [
        (303, {"Location": "https://home.test/sso?SAMLRequest=x"}, ""),
        (200, {}, '<form action="https://home.test/sso"><input type="hidden" name="SAMLRequest" value="x"/></form>'),
        (200, {}, '<form><input name="redirect_uri"><input id=p type="password" name="p"></form>'),
    ],
)
def test_a_provider_that_sends_people_on_to_a_login(authority, page):
    """As a SATOSA does, which knows no prompt=none."""
    found = ask(Op(answers={"/authorize": page}), authority)["redirect URI"]
    assert (found.level, found.message) == ("ok", "accepted: the provider goes on to its login")


def test_an_error_that_comes_back_is_told(authority):
    back = Op(answers={"/authorize": (302, {"Location": f"{REDIRECT}?error=invalid_scope&state=x"}, "")})
    found = ask(back, authority)["redirect URI"]
    assert (found.level, found.message) == ("warning", "registered, but a login is answered by invalid_scope")


def test_endpoints_that_the_document_leaves_out_come_from_discovery(authority):
    left_out = dict.fromkeys(("authorizationUrl", "tokenUrl", "userInfoUrl", "jwksUrl"))
    assert levels(ask(Op(), authority, **left_out)) == {}


def test_discovery_may_be_somewhere_else(authority):
    op = Op(answers={"/.well-known/openid-configuration": (301, {"Location": "/moved"}, "")})
    with serving(op, authority.context()):
        op.answers["/moved"] = (200, {}, json.dumps(op.said()))
        found = list(probe(provider(op.base), Line(str(authority.path))))
    assert {finding.level for finding in found} == {"ok"}


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ({"name": "other.test"}, "is for another name"),
        ({"days": -0.5}, "has expired"),
    ],
)
def test_wrong_certificates(authority, certificate, words):
    found = ask(Op(), authority, certificate)
    assert words in found["discovery"].message
    assert {finding.level for finding in found.values()} == {"error"}


def test_a_stranger_s_certificate(authority, tmp_path):
    stranger = type(authority)(tmp_path, "Stranger")
    with serving(Op(), stranger.context()) as op:
        found = list(probe(provider(op.base), Line(str(authority.path))))
    assert "signed by nobody whom this host trusts" in found[0].message
    assert "facility_tls.ca_files" in found[0].mend


def test_a_certificate_that_ends_soon(authority):
    found = ask(Op(), authority, {"days": 5.5})["TLS certificate"]
    assert (found.level, found.message[:41]) == ("warning", "the server's certificate ends in 5 days, ")


def test_nobody_there(authority):
    found = list(probe(provider(f"https://localhost:{closed_port()}"), Line(str(authority.path))))
    assert {finding.level for finding in found} == {"error"}
    assert all("refuses connections" in finding.message for finding in found)


def test_a_name_that_does_not_resolve(authority):
    found = list(probe(provider("https://nowhere.invalid"), Line(str(authority.path))))
    assert "the name nowhere.invalid does not resolve" in found[0].message


@pytest.mark.parametrize("path", ["/jwks", "/token"])
def test_slow_endpoints_end_in_time(authority, path):
    begun = time.monotonic()
    found = ask(Op(slow={path: 30}), authority, timeout=1)
    what = {"/jwks": "signing keys", "/token": "client secret"}[path]
    assert found[what].level == "error"
    assert "gave no answer within 1 s" in found[what].message
    assert time.monotonic() - begun < 15


def test_a_server_that_takes_connections_and_never_speaks_tls(authority):
    begun = time.monotonic()
    with listening() as port:
        found = list(probe(provider(f"https://localhost:{port}"), Line(str(authority.path), timeout=0.2)))
    assert all("gave no answer within 0.2 s" in finding.message for finding in found)
    assert time.monotonic() - begun < 15


def test_a_server_that_does_not_speak_tls(authority):
    with listening(lambda connection: connection.sendall(b"220 hello\r\n")) as port:
        found = list(probe(provider(f"https://localhost:{port}"), Line(str(authority.path), timeout=1)))
    assert "TLS with localhost:" in found[0].message
    assert "Is this a TLS port?" in found[0].mend


def test_keycloak_as_a_provider_calls_a_wrong_secret_unauthorized():
    found = judge_secret(provider("https://kc.test"), "https://kc.test/token", 401, {"error": "unauthorized_client"})
    assert found.level == "error"


def test_the_other_way_to_send_the_secret_is_named():
    basic = judge_secret(provider("https://op.test"), "https://op.test/token", 401, {})
    assert "client_secret_post (client_auth_method)" in basic.mend
    post = judge_secret(
        provider("https://op.test", clientAuthMethod="client_secret_post"), "https://op.test/token", 401, {}
    )
    assert "client_secret_basic (client_auth_method)" in post.mend


def test_how_secrets_are_sent():
    assert credentials("client_secret_post", "a b", "c&d") == ({"client_id": "a b", "client_secret": "c&d"}, {})
    # RFC 6749, 2.3.1: both are form-encoded first
    assert credentials("client_secret_basic", "a b", "c&d") == ({}, {"Authorization": "Basic YStiOmMlMjZk"})
    assert credentials("client_secret_basic_unencoded", "a b", "c&d") == ({}, {"Authorization": "Basic YSBiOmMmZA=="})


@pytest.mark.parametrize(
    ("key", "usable"),
    [
        (web_key(), True),
        (web_key(use="enc"), False),
        (web_key(key_ops=["encrypt"]), False),
        (web_key(n=""), False),
        ({"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}, True),
        ({"kty": "EC", "crv": "P-256"}, False),
        ({"kty": "oct", "k": "shared"}, False),
        ({}, False),
    ],
)
def test_keys_that_verify(key, usable):
    assert signs(key) is usable
    assert judge_keys("op", "https://op.test/jwks", 200, {"keys": [key]}).level == ("ok" if usable else "error")


def test_a_short_key_is_told():
    short = rsa.RSAPublicNumbers(65537, 2**1023 + 1)
    assert (
        judge_keys("op", "u", 200, {"keys": [web_key(), web_key(short)]}).message
        == "1 of 2 keys are RSA keys of less than 2048 bits"
    )


def test_a_redirect_uri_that_only_begins_like_ours_is_no_proof():
    found = judge_redirect(
        provider("https://op.test"), "https://op.test/a", 302, f"{REDIRECT}.evil.test?error=login_required", b""
    )
    assert found.level == "error"
