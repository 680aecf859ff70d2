"""Discovery documents of two identity providers, as Keycloak reads them when the realm is applied. Test equipment."""

import json
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CERTIFICATES = "/etc/facility/tls/provider"
# The issuer of the second ends in a slash, that of the first does not: both exist in the wild.
ISSUERS = {"proxy.umbrella.test:9443": "", "login.uni.test:9443": "/"}


class Provider(BaseHTTPRequestHandler):
    """Answers for the discovery document and the keys."""

    def do_GET(self) -> None:
        """Answer one request."""
        host = self.headers["Host"]
        base = f"https://{host}"
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
            "/OIDC/jwks": {"keys": []},
        }
        body = json.dumps(documents.get(self.path, {"error": "not_found"})).encode()
        self.send_response(200 if self.path in documents else 404)
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
