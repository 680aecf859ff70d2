"""Tests of keycloak_realm against a real Keycloak.

FACILITY_TEST_KEYCLOAK_URL, _CA, _CLIENT_ID, _CLIENT_SECRET name the server and a client of its realm
master that may create realms (role create-realm). Every test works in realms that it makes and deletes.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import client as http
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.plan import Change
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.reconcile import reconcile
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from realm_document import SECRETS, document

VARIABLES = ("URL", "CA", "CLIENT_ID", "CLIENT_SECRET")
GIVEN = {name: os.environ.get(f"FACILITY_TEST_KEYCLOAK_{name}", "") for name in VARIABLES}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not all(GIVEN.values()):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="FACILITY_TEST_KEYCLOAK_URL and its companions are not set"))


class Server:
    """The server, with one realm of its own."""

    def __init__(self) -> None:
        self.name = f"test-{secrets.token_hex(4)}"
        self.issuer = f"{GIVEN['URL']}/realms/master"
        self.requests = 0

    def client(self, session: Any = None, **other: Any) -> http.Client:
        login = {"client_id": GIVEN["CLIENT_ID"], "client_secret": GIVEN["CLIENT_SECRET"]}
        session = session or http.new_session(GIVEN["CA"], 4)
        return http.Client(session, GIVEN["URL"], self.name, **{**login, **other})

    def document(self) -> dict[str, Any]:
        return document(self.name, self.issuer)

    def run(
        self,
        wanted: dict[str, Any] | None = None,
        secrets: dict[str, str] | None = None,
        client: http.Client | None = None,
        **options: Any,
    ) -> list[Change]:
        """One call of the module's inner function."""
        client = client or self.client()
        keyring = Keyring({**SECRETS, **(secrets or {})}, "k" * 32)
        try:
            return reconcile(client, Wanted(wanted or self.document(), keyring), **options)
        finally:
            self.requests = client.requests

    def export(self) -> dict[str, Any]:
        return self.client().read("/partial-export")


@pytest.fixture
def new_server() -> Iterator[Callable[[], Server]]:
    """Makes servers with realms; the realms are deleted at the end."""
    made: list[Server] = []

    def make() -> Server:
        made.append(Server())
        return made[-1]

    yield make
    for server in made:
        server.client().delete("")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A realm that holds the whole document, shared by the tests of a file; each leaves it as it was."""
    one = Server()
    one.run()
    yield one
    one.client().delete("")
