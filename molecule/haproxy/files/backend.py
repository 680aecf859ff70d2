#!/usr/bin/python3
"""A server that answers with what it was asked, as JSON, on 8443; and on 9000 whether it is well.

Each request to 8443 is written down, so that a test can prove that a server was never reached. The file NAME.sick in the same folder
makes the server report itself unwell, though it goes on answering.
"""

import base64
import hashlib
import json
import os
import ssl
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESSES = {
    "b1": "127.0.0.2",
    "b2": "127.0.0.3",
    "data": "127.0.0.4",
    "ws": "127.0.0.5",
    "wrong-name": "127.0.0.6",
    "wrong-ca": "127.0.0.7",
}
FOLDER = "/var/lib/backend"
NAME = sys.argv[1]


class Service(BaseHTTPRequestHandler):
    """The service itself."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        with open(f"{FOLDER}/{NAME}.hits", "a", encoding="utf-8") as hits:
            hits.write(f"{self.command} {self.path}\n")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Upgrade"):
            key = self.headers.get("Sec-WebSocket-Key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.send_response(101)
            self.send_header("Upgrade", self.headers["Upgrade"])
            self.send_header("Connection", "Upgrade")
            self.send_header(
                "Sec-WebSocket-Accept",
                base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode(),
            )
            if "Sec-WebSocket-Protocol" in self.headers:
                self.send_header("Sec-WebSocket-Protocol", self.headers["Sec-WebSocket-Protocol"])
            self.end_headers()
            return
        seen = {
            "server": NAME,
            "method": self.command,
            "path": self.path,
            "body": len(body),
            "headers": [[k.lower(), v] for k, v in self.headers.items()],
        }
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Powered-By", "test")
        self.send_header("Strict-Transport-Security", "max-age=1")
        self.end_headers()
        self.wfile.write(body)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every method is answered alike."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Management(BaseHTTPRequestHandler):
    """Says whether the service is well."""

    def do_GET(self) -> None:
        well = not os.path.exists(f"{FOLDER}/{NAME}.sick")
        self.send_response((200 if well else 503) if self.path == "/health/ready" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(port: int, handler: type[BaseHTTPRequestHandler]) -> None:
    """Serve for ever; the handshake is left to the thread of the connection."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if NAME == "wrong-ca":
        context.load_cert_chain(f"{FOLDER}/wrong-ca.crt", f"{FOLDER}/wrong-ca.pem")
    else:
        context.load_cert_chain(f"/etc/facility/tls/{NAME}/bundle.pem")
    server = ThreadingHTTPServer((ADDRESSES[NAME], port), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


threading.Thread(target=serve, args=(9000, Management), daemon=True).start()
serve(8443, Service)
