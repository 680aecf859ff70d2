#!/usr/bin/python3
"""Clients that curl cannot play. Prints one line of JSON.

client raw HOST           sends standard input as it is over TLS; gives status line and body
client stream HOST SECONDS SOURCE   a request every 50 ms, each on a new connection; gives counts and the slowest
client flood HOST PATH COUNT SOURCE    requests as fast as they go on one connection; gives the count of each status
"""

import collections
import http.client
import json
import socket
import ssl
import sys
import threading
import time
from typing import Any

CA = "/etc/facility/tls/ca.pem"


CONTEXT = ssl.create_default_context(cafile=CA)


def connect(host: str, source: str = "127.0.0.1", timeout: float = 15) -> ssl.SSLSocket:
    """A verified TLS connection to the proxy on this host."""
    raw = socket.create_connection(("127.0.0.1", 443), timeout, (source, 0))
    return CONTEXT.wrap_socket(raw, server_hostname=host)


def ask(sock: ssl.SSLSocket, host: str, path: str) -> int:
    """One GET on an open connection; gives the status."""
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    response = http.client.HTTPResponse(sock)
    response.begin()
    response.read()
    return response.status


def raw(host: str) -> dict[str, Any]:
    with connect(host, timeout=5) as sock:
        sock.sendall(sys.stdin.buffer.read())
        data = b""
        try:
            while part := sock.recv(65536):
                data += part
                sock.settimeout(1)  # the proxy keeps the connection for the next request
        except OSError:
            pass
    head, _, body = data.partition(b"\r\n\r\n")
    return {"status": int(head.split()[1]) if head else 0, "head": head.decode(), "body": body.decode(errors="replace")}


def stream(host: str, seconds: str, source: str) -> dict[str, Any]:
    results: list[tuple[float, object]] = []

    def one() -> None:
        started = time.monotonic()
        status: object
        try:
            with connect(host, source) as sock:
                status = ask(sock, host, "/realms/demo")
        except OSError as error:
            status = repr(error)
        results.append((time.monotonic() - started, status))

    threads: list[threading.Thread] = []
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        threads.append(threading.Thread(target=one))
        threads[-1].start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    failed = [status for _, status in results if status != 200]
    return {
        "sent": len(results),
        "failed": len(failed),
        "how": sorted(set(map(str, failed))),
        "slowest": round(max(t for t, _ in results), 2),
    }


def flood(host: str, path: str, count: str, source: str) -> dict[str, int]:
    with connect(host, source) as sock:
        return collections.Counter(str(ask(sock, host, path)) for _ in range(int(count)))


PLAYS: dict[str, Any] = {"raw": raw, "stream": stream, "flood": flood}
print(json.dumps(PLAYS[sys.argv[1]](*sys.argv[2:])))
