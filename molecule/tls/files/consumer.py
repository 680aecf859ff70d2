#!/usr/bin/python3
"""A service that uses a certificate: HTTPS on a port, new files taken up on SIGHUP. consumer NAME PORT."""

import http.server
import signal
import ssl
import sys


def main() -> None:
    folder = f"/etc/facility/tls/{sys.argv[1]}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def load(*_: object) -> None:
        context.load_cert_chain(f"{folder}/bundle.pem")

    load()
    signal.signal(signal.SIGHUP, load)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), http.server.BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
