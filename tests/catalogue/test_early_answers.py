"""An answer that comes before the body was read ends the connection: what follows on it would be taken for the rest of the body."""

import socket

import pytest

BODY = b"x" * 100


@pytest.fixture
def served(make):
    return make()


def answers(http, head, then):
    """Send a head, wait for its answer, then send something else; all that came back."""
    with socket.create_connection((http.base_url.host, http.base_url.port), 10) as s:
        s.sendall(head + b"\r\n\r\n")
        received = b""
        while b"}}" not in received and (part := s.recv(65536)):
            received += part
        try:
            s.sendall(then)
            while part := s.recv(65536):
                received += part
        except ConnectionError:
            pass
    return received


@pytest.mark.parametrize(
    ("line", "status"),
    [(b"POST /records", b"401"), (b"POST /api/Datasets", b"405"), (b"PUT /nothing", b"404"), (b"POST /", b"405")],
)
def test_a_body_that_nobody_reads_ends_the_connection(served, line, status):
    head = line + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 100"
    received = answers(served.http, head, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in received.lower()
    assert received.count(b"HTTP/1.1 ") == 1


def test_a_connection_is_kept_where_nothing_is_left_unread(served):
    answer = served.http.get("/api/Datasets/count")
    assert answer.status_code == 200
    assert "connection" not in answer.headers
