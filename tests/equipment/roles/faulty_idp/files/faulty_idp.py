"""TEST EQUIPMENT: an identity provider, OpenID Connect and SAML, that does wrong whatever it is told to. Never for production.

What ``faults.json`` says at the moment of a login holds for that login, so no test needs a restart. An empty object makes an
honest provider. README.md of the test equipment lists the keys.

usage: faulty_idp.py CONFIG_FOLDER
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from xml.etree import ElementTree

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Json = dict[str, Any]

# The layout of eduTEAMS, so that the preset `umbrella` fits.
AUTHORIZATION = "/saml2sp/OIDC/authorization"
TOKEN = "/OIDC/token"
USERINFO = "/OIDC/userinfo"
KEYS = "/OIDC/jwks"
DISCOVERY = "/.well-known/openid-configuration"
SAML_METADATA = "/saml/metadata"
SAML_LOGIN = "/saml/login"
SERVICE_LOGOUT = "/service/logout"  # not part of a provider: a service that is told of logouts over the back channel
SEEN = "/seen"

PERSON: Json = {
    "sub": "f1a4c0de5b7e4d0f8a6b2c9d3e1f7a58@umbrellaid.test",
    "voperson_id": ["f1a4c0de5b7e4d0f8a6b2c9d3e1f7a58@umbrellaid.test"],
    "email": "fay.fault@uni.test",
    "name": "Fay Fault",
    "given_name": "Fay",
    "family_name": "Fault",
    "eduperson_assurance": ["https://refeds.org/assurance", "https://refeds.org/assurance/IAP/medium"],
}


def b64(data: bytes) -> str:
    """Base64 as JOSE writes it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def changed(good: Json, change: Json) -> Json:
    """Return `good` with some values replaced; null takes a key away."""
    return {name: value for name, value in {**good, **change}.items() if value is not None}


class Signer:
    """Keys by name, made when first asked for: any name may be published or used."""

    def __init__(self) -> None:
        self._keys: dict[str, rsa.RSAPrivateKey] = {}
        self._lock = threading.Lock()

    def key(self, name: str) -> rsa.RSAPrivateKey:
        """Return the key of this name."""
        with self._lock:
            if name not in self._keys:
                self._keys[name] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            return self._keys[name]

    def published(self, names: list[str]) -> Json:
        """Return a JSON Web Key Set."""
        keys = []
        for name in names:
            numbers = self.key(name).public_key().public_numbers()
            modulus, exponent = b64(numbers.n.to_bytes(256, "big")), b64(numbers.e.to_bytes(3, "big"))
            keys.append({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": modulus, "e": exponent})
        return {"keys": keys}

    def token(self, claims: Json, faults: Json) -> str:
        """Return a signed token, with the faults that are asked for.

        `key` signs and names itself as kid; `header` is written over the header that results; `signature` is `right`,
        `tampered`, `missing`, or `hmac`: HS256 with the published public key, which a careless verifier takes for a secret.
        """
        name, how = faults.get("key", "first"), faults.get("signature", "right")
        header = changed(
            {"alg": "HS256" if how == "hmac" else "RS256", "typ": "JWT", "kid": name}, faults.get("header", {})
        )
        signed = b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())
        if how == "missing":
            return signed + "."
        if how == "hmac":
            public = self.key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            return signed + "." + b64(hmac.new(public, signed.encode(), hashlib.sha256).digest())
        signature = self.key(name).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        if how == "tampered":  # the claims are, the signature is that of the honest token
            signed = (
                b64(json.dumps(header).encode()) + "." + b64(json.dumps({**claims, "sub": "somebody.else"}).encode())
            )
        return signed + "." + b64(signature)


# --- SAML ---------------------------------------------------------------------------------------------------------------

PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion"
HASHES = {
    "sha256": ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"),
    "sha1": ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"),
}
TO_SIGN = """<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="{signature}"/>
<ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms><ds:DigestMethod Algorithm="{digest}"/>
<ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"""
STATEMENT = (
    '<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="{now}">'
    "<saml:Issuer>{issuer}</saml:Issuer>{to_sign}<saml:Subject>"
    '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{name_id}</saml:NameID>'
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData'
    ' InResponseTo="{in_response_to}" NotOnOrAfter="{until}" Recipient="{recipient}"/></saml:SubjectConfirmation></saml:Subject>'
    '<saml:Conditions NotBefore="{since}" NotOnOrAfter="{until}"><saml:AudienceRestriction><saml:Audience>{audience}'
    "</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
    '<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="{session}"><saml:AuthnContext><saml:AuthnContextClassRef>'
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>"
    "</saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
)
ATTRIBUTE = '<saml:Attribute Name="{name}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>'
ANSWER = (
    '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="{id}" Version="2.0" IssueInstant="{now}"'
    ' InResponseTo="{in_response_to}" Destination="{recipient}"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">'
    "{issuer}</saml:Issuer>{to_sign}{extensions}<samlp:Status><samlp:StatusCode"
    ' Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{assertions}</samlp:Response>'
)
METADATA = (
    '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{issuer}"><md:IDPSSODescriptor'
    ' WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
    '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
    "<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{login}"/>'
    '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{login}"/>'
    "</md:IDPSSODescriptor></md:EntityDescriptor>"
)
BACK = """<!doctype html><title>TEST EQUIPMENT</title><p>TEST EQUIPMENT: this provider has faults.
<form id="back" method="post" action="{where}"><input type="hidden" name="SAMLResponse" value="{response}">
<input type="hidden" name="RelayState" value="{relay_state}"><button>Continue</button></form>
<script>document.getElementById("back").submit()</script>"""


@dataclass(frozen=True)
class Request:
    """What a service provider asked."""

    id: str
    where: str
    audience: str


def read_request(fields: Json, *, posted: bool) -> Request:
    """Take apart an AuthnRequest of either binding."""
    raw = base64.b64decode(fields["SAMLRequest"])
    tree = ElementTree.fromstring(raw if posted else zlib.decompress(raw, -15))  # noqa: S314 (see the import)
    issuer = tree.find(f"{{{ASSERTION}}}Issuer")
    return Request(
        tree.get("ID", ""), tree.get("AssertionConsumerServiceURL", ""), str(issuer.text) if issuer is not None else ""
    )


class Saml:
    """The SAML side: responses about `PERSON`, written by hand so that each part of them can be wrong."""

    def __init__(self, url: str, keys: Path) -> None:
        self._url, self._keys = url, keys
        self._last = ""

    def metadata(self, key: str) -> str:
        """What a service provider has to know; `key` is the one whose certificate is shown."""
        pem = (self._keys / f"{key}.crt").read_text(encoding="ascii")
        certificate = "".join(line for line in pem.splitlines() if "CERTIFICATE" not in line)
        return METADATA.format(issuer=self._url + SAML_METADATA, login=self._url + SAML_LOGIN, certificate=certificate)

    def response(self, request: Request, faults: Json) -> str:
        """Return the response to a request, in base64.

        Of `faults`: `sign` is `assertion`, `response`, `both` or `none`; `hash`, `key`; `audience`, `issuer`, `in_response_to`,
        `recipient`, `name_id`, `until` (seconds from now) stand in what is signed; `attributes` change the person;
        `replace` ([old, new]) is done after signing; `wrap` puts a forged assertion about `victim` where a service provider may
        look, and the signed one where it may verify; `replay` sends the previous response once more.
        """
        if faults.get("replay"):
            return self._last
        how = faults.get("sign", "assertion")
        assertion = self._assertion(request, faults, signed=how in ("assertion", "both"))
        if how in ("assertion", "both"):
            assertion = self._signed(assertion, ASSERTION + ":Assertion", faults)
        extensions = ""
        if "wrap" in faults:
            assertion, extensions = self._wrapped(request, faults, assertion)
        answer = self._answer(request, faults, assertion, extensions, signed=how in ("response", "both"))
        if how in ("response", "both"):
            answer = self._signed(answer, PROTOCOL + ":Response", faults)
        old, new = faults.get("replace", ("", ""))
        if old and old not in answer:
            raise ValueError(f"there is no {old!r} in the response: the fault would be none")
        self._last = base64.b64encode(answer.replace(old, new).encode() if old else answer.encode()).decode()
        return self._last

    def _assertion(self, request: Request, faults: Json, *, signed: bool) -> str:
        now = datetime.now(timezone.utc)
        person = changed({**PERSON, "voperson_id": PERSON["sub"]}, faults.get("attributes", {}))
        name, identifier = faults.get("name_id", PERSON["sub"]), "_" + secrets.token_hex(16)
        values = [(key, value if isinstance(value, list) else [value]) for key, value in person.items()]
        return STATEMENT.format(
            id=identifier,
            to_sign=self._to_sign(identifier, faults) if signed else "",
            issuer=faults.get("issuer", self._url + SAML_METADATA),
            name_id=html.escape(str(name)),
            in_response_to=faults.get("in_response_to", request.id),
            recipient=faults.get("recipient", request.where),
            audience=faults.get("audience", request.audience),
            session="_" + secrets.token_hex(8),
            now=when(now),
            since=when(now - timedelta(minutes=10)),
            until=when(now + timedelta(seconds=faults.get("until", 300))),
            attributes="".join(
                ATTRIBUTE.format(name=key, value=html.escape(value)) for key, listed in values for value in listed
            ),
        )

    def _answer(self, request: Request, faults: Json, assertions: str, extensions: str, *, signed: bool) -> str:
        identifier = "_" + secrets.token_hex(16)
        return ANSWER.format(
            id=identifier,
            now=when(datetime.now(timezone.utc)),
            in_response_to=faults.get("in_response_to", request.id),
            recipient=faults.get("recipient", request.where),
            issuer=faults.get("issuer", self._url + SAML_METADATA),
            to_sign=self._to_sign(identifier, faults) if signed else "",
            extensions=f"<samlp:Extensions>{extensions}</samlp:Extensions>" if extensions else "",
            assertions=assertions,
        )

    def _to_sign(self, identifier: str, faults: Json) -> str:
        signature, digest = HASHES[faults.get("hash", "sha256")]
        return TO_SIGN.format(id=identifier, signature=signature, digest=digest)

    def _signed(self, document: str, what: str, faults: Json) -> str:
        key = self._keys / faults.get("key", "signing")
        with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
            file.write(document)
            file.flush()
            command = ["/usr/bin/xmlsec1", "--sign", "--privkey-pem", f"{key}.key", "--id-attr:ID", what, file.name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"xmlsec1: {done.stderr.strip()}")
        return done.stdout.partition("?>")[2].strip()

    def _wrapped(self, request: Request, faults: Json, genuine: str) -> tuple[str, str]:
        """Return what stands for the assertions, and what stands in the extensions."""
        about = {"name_id": faults["victim"], "attributes": {"sub": faults["victim"], "voperson_id": faults["victim"]}}
        forged = self._assertion(request, {**faults, **about}, signed=False)
        signature = genuine[genuine.index("<ds:Signature") : genuine.index("</ds:Signature>") + len("</ds:Signature>")]
        bare = genuine.replace(signature, "")
        end = "</saml:Assertion>"
        with_signature = forged.replace("</saml:Issuer>", "</saml:Issuer>" + signature, 1)
        in_object = signature.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")
        shapes = {
            "before": (forged + genuine, ""),
            "after": (genuine + forged, ""),
            "around": (forged.replace(end, genuine + end), ""),
            "extensions": (forged, genuine),
            "moved signature": (with_signature + bare, ""),
            "object": (forged.replace("</saml:Issuer>", "</saml:Issuer>" + in_object, 1), ""),
        }
        return shapes[faults["wrap"]]


def when(time_: datetime) -> str:
    """A time as SAML writes it."""
    return time_.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- The server ---------------------------------------------------------------------------------------------------------


class Provider:
    """Both sides, what they have seen, and the logins that are under way."""

    def __init__(self, folder: Path) -> None:
        self.config: Json = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.url = str(self.config["url"])
        self.signer = Signer()
        self.saml = Saml(self.url, Path(self.config["saml_keys"]))
        self.seen: deque[Json] = deque(maxlen=500)
        self._faults = Path(self.config["faults"])
        self._logins: dict[str, Json] = {}

    def faults(self) -> Json:
        """What is to go wrong now."""
        found: Json = json.loads(self._faults.read_text(encoding="utf-8"))
        return found

    def begin(self, asked: Json) -> str:
        """Note a login that starts now, with the faults of this moment, and return its code."""
        code = secrets.token_urlsafe(16)
        self._logins[code] = {"asked": asked, "faults": self.faults()}
        return code

    def login(self, code: str) -> Json | None:
        """Find a login by its code, which is its access token too."""
        return self._logins.get(code)

    def knows(self, authorization: str) -> bool:
        """Whether this is our client with its secret (RFC 6749, 2.3.1)."""
        given = f"{self.config['client_id']}:{self.config['client_secret']}"
        return hmac.compare_digest(authorization, "Basic " + base64.b64encode(given.encode()).decode())


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 150  # seconds; the longest delay a test asks for
    provider: Provider

    def setup(self) -> None:
        """Shake hands here, in the thread of this connection."""
        self.request.settimeout(self.timeout)
        self.request.do_handshake()
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
        """Stay quiet: addresses carry codes."""

    def do_GET(self) -> None:
        """Answer a request without a body."""
        self._answer({}, posted=False)

    def do_POST(self) -> None:
        """Answer a form."""
        length = int(self.headers.get("Content-Length") or 0)
        self._answer(dict(parse_qsl(self.rfile.read(length).decode())), posted=True)

    def _answer(self, fields: Json, *, posted: bool) -> None:
        address = urlsplit(self.path)
        fields = {**dict(parse_qsl(address.query)), **fields}
        if address.path == SEEN:
            self._json(list(self.provider.seen))
            return
        code = fields.get("code") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        login = self.provider.login(code)
        faults = login["faults"] if login else self.provider.faults()
        hidden = {"code", "client_secret", "code_verifier", "SAMLRequest"}
        told = {name: value for name, value in fields.items() if name not in hidden}
        self.provider.seen.append({"time": time.time(), "path": address.path, "fields": told})
        time.sleep(faults.get("delay", {}).get(address.path, 0))
        if address.path in faults.get("hang_up", []):
            self.close_connection = True
            return
        if address.path in faults.get("status", {}):
            self._send(faults["status"][address.path], "text/plain", b"as told")
            return
        routes = {
            DISCOVERY: self._discovery,
            AUTHORIZATION: self._authorization,
            TOKEN: self._token,
            USERINFO: self._userinfo,
            KEYS: self._published,
            SAML_METADATA: self._saml_metadata,
            SAML_LOGIN: self._saml_login,
            SERVICE_LOGOUT: self._service_logout,
        }
        if address.path not in routes:
            self._send(404, "text/plain", b"TEST EQUIPMENT: nothing here")
            return
        routes[address.path](fields, faults, login, posted)

    # --- OpenID Connect -------------------------------------------------------------------------------------------------

    def _discovery(self, fields: Json, faults: Json, login: Json | None, posted: bool) -> None:
        url = self.provider.url
        good = {
            "issuer": url,
            "authorization_endpoint": url + AUTHORIZATION,
            "token_endpoint": url + TOKEN,
            "userinfo_endpoint": url + USERINFO,
            "jwks_uri": url + KEYS,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        self._json(changed(good, faults.get("discovery", {})))

    def _authorization(self, fields: Json, faults: Json, login: Json | None, posted: bool) -> None:
        back = str(fields.get("redirect_uri", ""))
        if not back.startswith(self.provider.config["redirect_prefix"]):
            self._send(400, "text/plain", b"TEST EQUIPMENT: this redirect_uri is not registered")
            return
        answer = {"code": self.provider.begin(fields), "state": fields.get("state")}
        self._send(
            302, "text/plain", b"", {"Location": f"{back}?{urlencode(changed(answer, faults.get('callback', {})))}"}
        )

    def _token(self, fields: Json, faults: Json, login: Json | None, posted: bool) -> None:
        if not self.provider.knows(self.headers.get("Authorization", "")):
            self._json({"error": "invalid_client"}, 401)
            return
        if not login or not self._proves(fields, login["asked"]):
            self._json({"error": "invalid_grant"}, 400)
            return
        now = int(time.time())
        asked, config = login["asked"], self.provider.config
        good = {
            "iss": self.provider.url,
            "aud": config["client_id"],
            "sub": PERSON["sub"],
            "iat": now,
            "exp": now + 300,
        }
        claims = changed({**good, "nonce": asked.get("nonce")}, faults.get("id_token", {}))
        answer = {
            "access_token": fields["code"],
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.provider.signer.token(claims, faults),
        }
        self._json(changed(answer, faults.get("token", {})))

    @staticmethod
    def _proves(fields: Json, asked: Json) -> bool:
        """Whether the code verifier is the one of the request (RFC 7636)."""
        digest = hashlib.sha256(str(fields.get("code_verifier", "")).encode()).digest()
        return "code_challenge" not in asked or bool(asked["code_challenge"] == b64(digest))

    def _userinfo(self, fields: Json, faults: Json, login: Json | None, posted: bool) -> None:
        if not login:
            self._json({"error": "invalid_token"}, 401)
            return
        self._json(changed(PERSON, faults.get("userinfo", {})))

    def _published(self, fields: Json, faults: Json, login: Json | None, posted: bool) -> None:
        self._json(self.provider.signer.published(faults.get("published", ["first"])))

    # --- SAML, and a service ----------------------------------------------------------------------------------------------

    def _saml_metadata(self, fields: Json, faults: Json, login: Json | None, posted: bool) -> None:
        shown = self.provider.saml.metadata(faults.get("saml", {}).get("shown", "signing"))
        self._send(200, "application/samlmetadata+xml", shown.encode())

    def _saml_login(self, fields: Json, faults: Json, login: Json | None, posted: bool) -> None:
        request = read_request(fields, posted=posted)
        if not request.where.startswith(self.provider.config["redirect_prefix"]):
            self._send(400, "text/plain", b"TEST EQUIPMENT: this service provider is not known")
            return
        response = self.provider.saml.response(request, faults.get("saml", {}))
        relay_state = html.escape(fields.get("RelayState", ""))
        page = BACK.format(where=html.escape(request.where), response=response, relay_state=relay_state)
        self._send(200, "text/html; charset=utf-8", page.encode())

    def _service_logout(self, fields: Json, faults: Json, login: Json | None, posted: bool) -> None:
        self._send(200, "text/plain", b"")  # what was told stands in /seen

    # --- HTTP -------------------------------------------------------------------------------------------------------------

    def _json(self, content: Any, status: int = 200) -> None:
        self._send(status, "application/json", json.dumps(content).encode())

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """HTTPS; a client that does not finish its handshake holds up nobody else."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, provider: Provider) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(provider.config["certificate"], provider.config["key"])
        super().__init__((provider.config.get("address", "0.0.0.0"), provider.config["port"]), Handler)  # noqa: S104

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        """Accept without shaking hands."""
        accepted, client = self.socket.accept()
        return self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False), client

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, without the trace of connections that the other side gave up."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handle_error(request, client_address)


def silence(address: str, port: int) -> None:
    """Accept connections and never say a word, not even TLS."""
    listener, kept = socket.create_server((address, port), backlog=64), []
    while True:
        kept.append(listener.accept())


def main(folder: Path) -> None:
    """Serve until the end."""
    Handler.provider = Provider(folder)
    config = Handler.provider.config
    for name in ("silent_port", "dropped_port"):  # for the second a packet filter swallows what would reach it
        arguments = (config.get("address", "0.0.0.0"), config[name])  # noqa: S104
        threading.Thread(target=silence, args=arguments, daemon=True).start()
    Server(Handler.provider).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
