"""A client of realm master that may create realms, made the way one recovers a lost administrator, and removed again."""

import contextlib
import secrets
import socket
from collections.abc import Callable, Iterator
from typing import Any

import requests

RECOVER = """
set -euo pipefail
set -a; . /etc/keycloak/secrets.env; set +a
export KC_HTTP_MANAGEMENT_PORT=19000 # the server is running and has 9000
export JAVA_OPTS_APPEND="-XX:TieredStopAtLevel=1 -XX:-UseG1GC -XX:+UseSerialGC" # as the role does
/opt/keycloak/current/bin/kc.sh bootstrap-admin service --optimized --no-prompt \\
  --client-id tests-recovery --client-secret:env TESTS_SECRET
"""


@contextlib.contextmanager
def master_client(host: str, address: str, ca: str, on: Callable[[str, str], str]) -> Iterator[dict[str, str]]:
    """Yield the environment that tests/keycloak reads.

    Args:
        host: name of the Keycloak node, as its certificate says.
        address: its IP address.
        ca: file with the CA to trust.
        on: runs a shell script as root on a host.
    """
    recovery, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    on(host, f"export TESTS_SECRET='{recovery}'\n{RECOVER}")
    url = f"https://{host}:8443"
    with finding(host, address), requests.Session() as session:
        session.verify, session.trust_env = ca, False

        def ask(method: str, path: str, body: Any = None) -> Any:
            token = session.post(
                f"{url}/realms/master/protocol/openid-connect/token",
                {"grant_type": "client_credentials", "client_id": "tests-recovery", "client_secret": recovery},
            ).json()["access_token"]
            answer = session.request(
                method, f"{url}/admin/realms/master/{path}", json=body, headers={"Authorization": f"Bearer {token}"}
            )
            answer.raise_for_status()
            return answer.json() if answer.text else answer.headers.get("Location", "").rsplit("/", 1)[-1]

        def remove() -> None:
            for name in ("tests-module", "tests-recovery"):
                for client in ask("GET", f"clients?clientId={name}"):
                    ask("DELETE", f"clients/{client['id']}")

        try:
            made = ask(
                "POST",
                "clients",
                {
                    "clientId": "tests-module",
                    "secret": secret,
                    "serviceAccountsEnabled": True,
                    "standardFlowEnabled": False,
                    "publicClient": False,
                },
            )
            user = ask("GET", f"clients/{made}/service-account-user")["id"]
            ask("POST", f"users/{user}/role-mappings/realm", [ask("GET", "roles/create-realm")])
            yield {
                "FACILITY_TEST_KEYCLOAK_URL": url,
                "FACILITY_TEST_KEYCLOAK_ADDRESS": address,
                "FACILITY_TEST_KEYCLOAK_CA": ca,
                "FACILITY_TEST_KEYCLOAK_CLIENT_ID": "tests-module",
                "FACILITY_TEST_KEYCLOAK_CLIENT_SECRET": secret,
            }
        finally:
            remove()


@contextlib.contextmanager
def finding(name: str, address: str) -> Iterator[None]:
    """Make this process find `name` at `address`."""
    system = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *args, **kwargs: system(address if host == name else host, *args, **kwargs)
    try:
        yield
    finally:
        socket.getaddrinfo = system
