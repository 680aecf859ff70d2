"""Identity providers that say whatever the test wants, as Keycloak and a browser meet them. Test equipment.

One process plays several OpenID Connect providers, told apart by host name, and serves the metadata of a SAML one. Nothing is kept: the
browser of the test brings the claims along, and they travel in the code and in the access token.
"""

import base64
import json
import ssl
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CERTIFICATES = "/etc/facility/tls/provider"
# What some hosts call themselves, behind their address; issuers with and without a slash exist in the wild.
ISSUERS = {"login.uni.test": "/", "checkin.test": "/auth/realms/egi"}
METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://{host}/saml">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>
<ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://{host}/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""


def encode(data: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The reverse."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Key:
    """A signing key, new at each start."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._openssl("genrsa", "-out", file, "2048")
        shown = self._openssl("rsa", "-in", file, "-noout", "-modulus").decode()
        modulus = bytes.fromhex(shown.strip().partition("=")[2])
        self.id = encode(modulus[-12:])
        self.jwk = {"kty": "RSA", "kid": self.id, "use": "sig", "alg": "RS256", "n": encode(modulus), "e": "AQAB"}

    def sign(self, claims: dict[str, Any]) -> str:
        """A JSON Web Token."""
        head = encode(json.dumps({"alg": "RS256", "kid": self.id}).encode())
        text = f"{head}.{encode(json.dumps(claims).encode())}"
        return f"{text}.{encode(self._openssl('dgst', '-sha256', '-sign', self.file, given=text.encode()))}"

    @staticmethod
    def _openssl(*arguments: str, given: bytes = b"") -> bytes:
        command = ["/usr/bin/openssl", *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout


class Provider(BaseHTTPRequestHandler):
    """One request at one of the providers."""

    key: Key
    certificate: str

    def do_GET(self) -> None:
        """Discovery, keys, metadata, userinfo, and the login page, which is answered before it is shown."""
        host = self.headers["Host"]
        issuer = f"https://{host}{ISSUERS.get(host.partition(':')[0], '')}"
        base = issuer.rstrip("/")
        url = urlsplit(self.path)
        if url.path.endswith("/.well-known/openid-configuration"):
            self._answer(
                {
                    "issuer": issuer,
                    "authorization_endpoint": f"{base}/saml2sp/OIDC/authorization",
                    "token_endpoint": f"{base}/OIDC/token",
                    "userinfo_endpoint": f"{base}/OIDC/userinfo",
                    "jwks_uri": f"{base}/OIDC/jwks",
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif url.path.endswith("/OIDC/jwks"):
            self._answer({"keys": [self.key.jwk]})
        elif url.path == "/metadata":
            self._answer(METADATA.format(host=host, certificate=self.certificate))
        elif url.path.endswith("/OIDC/userinfo"):
            token = self.headers.get("Authorization", "").partition(" ")[2]
            self._answer(
                json.loads(decode(token))["claims"] if token else {"error": "invalid_token"}, 200 if token else 401
            )
        elif url.path.endswith("/OIDC/authorization"):
            asked = {name: values[0] for name, values in parse_qs(url.query).items()}
            if "claims" not in asked:  # a proof before the realm is written: somebody would log in now
                self._redirect(f"{base}/login")
                return
            code = {"claims": json.loads(asked["claims"]), "nonce": asked.get("nonce"), "client": asked["client_id"]}
            back = {"state": asked["state"], "code": encode(json.dumps(code).encode())}
            self._redirect(f"{asked['redirect_uri']}?{urlencode(back)}")
        else:
            self._answer({"error": "not_found"}, 404)

    def do_POST(self) -> None:
        """The token endpoint. Like eduTEAMS, it says only `sub` in the ID token. Any secret is right, and only its own codes are."""
        host = self.headers["Host"]
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        try:
            code = json.loads(decode(form["code"][0]))
        except ValueError:
            known = "Authorization" in self.headers or "client_secret" in form
            self._answer({"error": "invalid_grant" if known else "invalid_client"}, 400 if known else 401)
            return
        now = int(time.time())
        claims = {
            "iss": f"https://{host}{ISSUERS.get(host.partition(':')[0], '')}",
            "aud": code["client"],
            "sub": code["claims"]["sub"],
            "nonce": code["nonce"],
            "iat": now,
            "exp": now + 300,
        }
        tokens = {"access_token": form["code"][0], "id_token": self.key.sign(claims)}
        self._answer({**tokens, "token_type": "Bearer", "expires_in": 300})

    def _redirect(self, where: str) -> None:
        self.send_response(303)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, what: dict[str, Any] | str, status: int = 200) -> None:
        body = (what if isinstance(what, str) else json.dumps(what)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml" if isinstance(what, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(folder: str = CERTIFICATES) -> None:
    """Serve until stopped."""
    Provider.key = Key(f"{tempfile.mkdtemp()}/signing.pem")
    with open(f"{folder}/fullchain.pem") as file:
        chain = file.read()
    Provider.certificate = chain.split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0].strip()
    server = ThreadingHTTPServer(("", 9443), Provider)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/fullchain.pem", f"{folder}/key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
