"""Small servers on the loopback that are as wrong as a test wants them to be."""

import base64
import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa

SECRET = "canary-of-the-provider"
KEY = rsa.generate_private_key(65537, 2048).public_key().public_numbers()


def web_key(numbers=KEY, **more):
    def number(value):
        return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode().rstrip("=")

    return {
        "kty": "RSA",
        "kid": "one",
        "alg": "RS256",
        "use": "sig",
        "n": number(numbers.n),
        "e": number(numbers.e),
        **more,
    }


@dataclass
class Op:
    """An OpenID Connect provider; `answers` replaces what it says at a path by (status, headers, body)."""

    base: str = ""
    redirect_uri: str = "https://auth.facility.test/realms/demo/broker/op/endpoint"
    discovery: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)
    slow: dict = field(default_factory=dict)  # path -> seconds
    seen: list = field(default_factory=list)

    def said(self):
        document = {
            "issuer": self.base,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "userinfo_endpoint": f"{self.base}/userinfo",
            "jwks_uri": f"{self.base}/jwks",
            "response_types_supported": ["code"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "scopes_supported": ["openid", "email", "profile"],
            **self.discovery,
        }
        return {key: value for key, value in document.items() if value is not None}

    def answer(self, method, path, headers):
        """Status, headers and body for a request."""
        address = urlsplit(path)
        self.seen.append((method, path))
        time.sleep(self.slow.get(address.path, 0))
        usual = {
            "/.well-known/openid-configuration": lambda: (200, {}, json.dumps(self.said())),
            "/jwks": lambda: (200, {}, json.dumps({"keys": [web_key()]})),
            "/token": lambda: self._token(headers),
            "/userinfo": lambda: (401, {}, ""),
            "/authorize": lambda: self._authorize(parse_qs(address.query)),
        }
        return self.answers.get(address.path) or usual.get(address.path, lambda: (404, {}, "not here"))()

    def _token(self, headers):
        expected = base64.b64encode(f"facility:{SECRET}".encode()).decode()
        known = headers.get("Authorization") == f"Basic {expected}"
        return 400 if known else 401, {}, json.dumps({"error": "invalid_grant" if known else "invalid_client"})

    def _authorize(self, query):
        if query["redirect_uri"] != [self.redirect_uri] or query["client_id"] != ["facility"]:
            return 400, {}, "<h1>We are sorry</h1>Invalid parameter: redirect_uri"
        back = urlencode({"error": "login_required", "state": query["state"][0]})
        return 302, {"Location": f"{self.redirect_uri}?{back}"}, ""


@contextlib.contextmanager
def serving(op, context):
    """The provider on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = op.answer(self.command, self.path, self.headers)
            with contextlib.suppress(OSError):  # whoever asked has given up
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that does not trust us hangs up
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    op.base = op.base or f"https://localhost:{server.server_port}"
    yield op
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def listening(answer=None, context=None):
    """A port on which `answer(connection)` speaks; without it connections are taken and nothing is ever said. Gives the port."""
    server = socket.create_server(("127.0.0.1", 0))
    held = []

    def run():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                held.append(connection)
                if answer:
                    threading.Thread(target=speak, args=(connection,), daemon=True).start()

    def speak(connection):
        with contextlib.suppress(OSError):
            answer(context.wrap_socket(connection, server_side=True) if context else connection)

    threading.Thread(target=run, daemon=True).start()
    yield server.getsockname()[1]
    server.close()
    for connection in held:
        connection.close()


def closed_port():
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
