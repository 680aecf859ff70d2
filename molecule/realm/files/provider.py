"""Two identity providers as far as they are asked when the realm is applied: all but a login. Test equipment."""

import base64
import json
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CERTIFICATES = "/etc/facility/tls/provider"
# A public key of the right form, with which nobody ever signs.
KEY = {
    "kty": "RSA",
    "kid": "none",
    "use": "sig",
    "e": "AQAB",
    "n": base64.urlsafe_b64encode(b"\xff" * 256).decode().rstrip("="),
}
# The issuer of the second ends in a slash, that of the first does not: both exist in the wild.
ISSUERS = {"proxy.umbrella.test:9443": "", "login.uni.test:9443": "/"}


class Provider(BaseHTTPRequestHandler):
    """Answers what can be asked without a login."""

    def do_GET(self) -> None:
        """Discovery and keys; a login begins elsewhere, userinfo wants a token."""
        host = self.headers["Host"]
        base, path = f"https://{host}", self.path.partition("?")[0]
        documents: dict[str, dict[str, Any]] = {
            "/.well-known/openid-configuration": {
                "issuer": base + ISSUERS.get(host, ""),
                "authorization_endpoint": f"{base}/saml2sp/OIDC/authorization",
                "token_endpoint": f"{base}/OIDC/token",
                "userinfo_endpoint": f"{base}/OIDC/userinfo",
                "jwks_uri": f"{base}/OIDC/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            "/OIDC/jwks": {"keys": [KEY]},
        }
        if path in documents:
            self._answer(200, documents[path])
        elif path.endswith("/authorization"):
            self._answer(302, {}, location=f"{base}/login")
        else:
            self._answer(401 if path.endswith("/userinfo") else 404, {"error": "refused"})

    def do_POST(self) -> None:
        """Tokens: whoever brings a secret is known, and no code is right."""
        self.rfile.read(int(self.headers["Content-Length"]))
        known = "Authorization" in self.headers
        self._answer(400 if known else 401, {"error": "invalid_grant" if known else "invalid_client"})

    def _answer(self, status: int, document: dict[str, Any], location: str = "") -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until stopped."""
    server = ThreadingHTTPServer(("127.0.0.1", 9443), Provider)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{CERTIFICATES}/fullchain.pem", f"{CERTIFICATES}/key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
