"""Tests of keycloak_realm against a real Keycloak.

FACILITY_TEST_KEYCLOAK_URL, _CA, _CLIENT_ID, _CLIENT_SECRET name the server and a client of its realm
master that may create realms (role create-realm, no lightweight token). Every test works in realms
that it makes and deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from realm_server import GIVEN, VARIABLES, Server

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a server one test stands for all, so that one line says what was not run."""
    if not all(GIVEN.values()):
        mine = [item for item in items if item.path.parent == HERE]
        items[:] = [item for item in items if item not in mine[1:]]
        for item in mine[:1]:
            reason = f"{len(mine)} tests of keycloak_realm need FACILITY_TEST_KEYCLOAK_{', _'.join(VARIABLES)}"
            item.add_marker(pytest.mark.skip(reason=reason))


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
