"""TEST EQUIPMENT: the SAML identity provider of a home organisation, with a login form. Never for production.

Run as a program it writes its metadata to the file named; served by gunicorn, ``home_idp:app`` is the site. The list of
people is read at every login, so that a test can change what the organisation says about them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.s_utils import UnknownPrincipal, UnsupportedBinding
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server

# SHA-1 is pysaml2's own default, and refused by present-day Java.
SIGNATURE = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
DIGEST = "http://www.w3.org/2001/04/xmlenc#sha256"
PASSWORD_OVER_TLS = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

StartResponse = Callable[[str, "list[tuple[str, str]]"], Any]

CONFIG = json.loads(Path("/etc/home-idp/config.json").read_text(encoding="utf-8"))

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}: sign in</title>
<style>
  body {{ font: 1.1rem/1.5 sans-serif; margin: 0; background: #f4f1ea; color: #222 }}
  .test {{ background: repeating-linear-gradient(-45deg, #ffd400 0 20px, #222 20px 40px); padding: .6rem }}
  .test p {{ background: #ffd400; margin: 0; padding: .2rem 1rem; font-weight: bold; text-align: center }}
  main {{ max-width: 24rem; margin: 3rem auto; padding: 1.5rem 2rem 2rem; background: #fff; border-radius: .5rem }}
  h1 {{ font-size: 1.4rem }}
  label, input, button {{ display: block; width: 100%; box-sizing: border-box; font: inherit }}
  input {{ padding: .4rem; margin-bottom: 1rem }}
  button {{ padding: .6rem; background: #1d4f91; color: #fff; border: 0; border-radius: .3rem }}
  #error {{ color: #a30000 }}
</style>
<div class="test"><p>TEST EQUIPMENT: this is not a real home organisation</p></div>
<main><h1>{name}</h1>{body}</main>
</html>"""

FORM = """{error}<form id="login" method="post" action="/login">
<input type="hidden" name="SAMLRequest" value="{request}">
<input type="hidden" name="RelayState" value="{relay_state}">
<input type="hidden" name="binding" value="{binding}">
<label for="username">User name</label><input id="username" name="username" autocomplete="username" autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password">
<button id="submit">Sign in</button></form>"""

BACK = """<form id="back" method="post" action="{destination}">
<input type="hidden" name="SAMLResponse" value="{response}">
<input type="hidden" name="RelayState" value="{relay_state}">
<button>Continue</button></form>
<script nonce="{nonce}">document.getElementById("back").submit()</script>"""


def saml_config(*, sp_metadata: list[str]) -> IdPConfig:
    """Describe this identity provider to pysaml2.

    Args:
        sp_metadata: metadata files of the service providers that may ask; none when only our own is to be written.
    """
    sso = CONFIG["url"] + "/sso"
    return IdPConfig().load(
        {
            "entityid": CONFIG["url"] + "/idp",
            "description": CONFIG["name"],
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "key_file": CONFIG["key"],
            "cert_file": CONFIG["certificate"],
            "signing_algorithm": SIGNATURE,
            "digest_algorithm": DIGEST,
            "metadata": {"local": sp_metadata},
            "service": {
                "idp": {
                    "name": CONFIG["name"],
                    "endpoints": {
                        "single_sign_on_service": [(sso, BINDING_HTTP_REDIRECT), (sso, BINDING_HTTP_POST)],
                    },
                    "policy": {
                        "default": {
                            "lifetime": {"minutes": 5},
                            "attribute_restrictions": None,
                            "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
                        },
                    },
                    "signing_algorithm": SIGNATURE,
                    "digest_algorithm": DIGEST,
                    "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                },
            },
        },
    )


def own_metadata() -> str:
    """What a service provider has to know about this identity provider."""
    return str(entity_descriptor(saml_config(sp_metadata=[])))


def password_matches(password: str, stored: str) -> bool:
    """Check a password against ``{PBKDF2-SHA512}rounds$salt$hash`` (OpenLDAP's format)."""

    def decode(text: str) -> bytes:
        return base64.b64decode(text.replace(".", "+") + "=" * (-len(text) % 4))

    rounds, salt, expected = stored.partition("}")[2].split("$")
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), decode(salt), int(rounds))
    return hmac.compare_digest(digest, decode(expected))


class HomeOrganisation:
    """The identity provider: who the people are, and assertions about them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._read_at = 0.0

    @property
    def server(self) -> Server:
        """pysaml2's server, made anew when the service provider's metadata changed (it may come after our start)."""
        metadata = Path(CONFIG["sp_metadata"])
        with self._lock:
            changed_at = metadata.stat().st_mtime
            if self._server is None or changed_at != self._read_at:
                self._server = Server(config=saml_config(sp_metadata=[str(metadata)]))
                self._read_at = changed_at
            return self._server

    def attributes_of(self, username: str, password: str) -> dict[str, list[str]] | None:
        """Return what the organisation says about a person who gave the right password, else None."""
        people = json.loads(Path(CONFIG["users"]).read_text(encoding="utf-8"))
        person = people.get(username)
        if person is None or not password_matches(password, person["password"]):
            return None
        return {name: values for name, values in person["attributes"].items() if values}

    def answer(self, request: str, binding: str, username: str, attributes: dict[str, list[str]]) -> tuple[str, str]:
        """Make the signed response to a request.

        Returns:
            where the browser has to take it, and the response in base64.
        """
        server = self.server
        message = server.parse_authn_request(request, binding).message
        where = server.response_args(message, [BINDING_HTTP_POST])
        response = server.create_authn_response(
            identity=attributes,
            userid=username,
            name_id=NameID(
                format=NAMEID_FORMAT_PERSISTENT, text=f"p-{username}", sp_name_qualifier=where["sp_entity_id"]
            ),
            authn={"class_ref": PASSWORD_OVER_TLS, "authn_auth": CONFIG["url"]},
            sign_assertion=True,
            sign_response=False,
            sign_alg=SIGNATURE,
            digest_alg=DIGEST,
            in_response_to=where["in_response_to"],
            destination=where["destination"],
            sp_entity_id=where["sp_entity_id"],
        )
        return where["destination"], base64.b64encode(str(response).encode()).decode()


ORGANISATION = HomeOrganisation()


def form(request: str, relay_state: str, binding: str, error: str = "") -> str:
    """The login form, carrying the request it answers."""
    return FORM.format(
        error=f'<p id="error" role="alert">{html.escape(error)}</p>' if error else "",
        request=html.escape(request),
        relay_state=html.escape(relay_state),
        binding=html.escape(binding),
    )


def sign_in(fields: dict[str, str], nonce: str) -> tuple[str, str]:
    """Handle the form that came back.

    Args:
        fields: what was sent.
        nonce: allows the script that takes the browser onwards.

    Returns:
        the HTTP status and what to show.
    """
    request, relay_state = fields["SAMLRequest"], fields.get("RelayState", "")
    binding, username = fields.get("binding", BINDING_HTTP_REDIRECT), fields.get("username", "")
    attributes = ORGANISATION.attributes_of(username, fields.get("password", ""))
    if attributes is None:
        return "401 Unauthorized", form(request, relay_state, binding, "Wrong user name or password.")
    try:
        destination, response = ORGANISATION.answer(request, binding, username, attributes)
    except (UnknownPrincipal, UnsupportedBinding):
        return "400 Bad Request", "<p>The service that asked is not known here.</p>"
    destination, relay_state = html.escape(destination), html.escape(relay_state)
    return "200 OK", BACK.format(destination=destination, response=response, relay_state=relay_state, nonce=nonce)


def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """WSGI: ``/metadata``, ``/sso`` (the request arrives), ``/login`` (the form comes back)."""
    path, posted = environ["PATH_INFO"], environ["REQUEST_METHOD"] == "POST"
    nonce = secrets.token_urlsafe(16)

    def reply(status: str, text: str, kind: str = "text/html") -> Iterable[bytes]:
        policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; frame-ancestors 'none'"
        headers = [
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Security-Policy", policy),
            ("Cache-Control", "no-store"),
        ]
        start_response(status, headers)
        return [text.encode()]

    def show(status: str, body: str) -> Iterable[bytes]:
        return reply(status, PAGE.format(name=html.escape(CONFIG["name"]), body=body))

    if path == "/metadata":
        return reply("200 OK", own_metadata(), "application/samlmetadata+xml")
    if path not in ("/sso", "/login") or (path == "/login" and not posted):
        return show("404 Not Found", "<p>Nothing here: a login starts at a service.</p>")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    sent = environ["wsgi.input"].read(length).decode() if posted else environ["QUERY_STRING"]
    fields = {name: values[0] for name, values in parse_qs(sent).items()}
    if "SAMLRequest" not in fields:
        return show("400 Bad Request", "<p>There is no SAML request here: a login starts at a service.</p>")
    if path == "/login":
        return show(*sign_in(fields, nonce))
    binding = BINDING_HTTP_POST if posted else BINDING_HTTP_REDIRECT
    return show("200 OK", form(fields["SAMLRequest"], fields.get("RelayState", ""), binding))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(own_metadata(), encoding="utf-8")
