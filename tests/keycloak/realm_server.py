"""A Keycloak server given by environment variables, and a realm of its own on it."""

from __future__ import annotations

import os
import secrets
import socket
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.panosc.facility.plugins.module_utils.keycloak import client as http
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.ownership import Prune
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.plan import Change
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.reconcile import reconcile
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from realm_document import SECRETS, document  # type: ignore[import-not-found]  # pytest puts this folder on the path

VARIABLES = ("URL", "CA", "CLIENT_ID", "CLIENT_SECRET")
GIVEN = {name: os.environ.get(f"FACILITY_TEST_KEYCLOAK_{name}", "") for name in VARIABLES}
# An OIDC issuer that the server itself can reach; its own realm master unless a proxy keeps that closed.
ISSUER = os.environ.get("FACILITY_TEST_KEYCLOAK_ISSUER", f"{GIVEN['URL']}/realms/master")
# Where the name in the URL is, if this machine's resolver does not know it.
ADDRESS = os.environ.get("FACILITY_TEST_KEYCLOAK_ADDRESS")


def resolve(name: str, address: str) -> None:
    """Make this process find `name` at `address`."""
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        return system(address if host == name else host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


if ADDRESS:
    resolve(str(urlsplit(GIVEN["URL"]).hostname), ADDRESS)


class Server:
    """The server, with one realm of its own."""

    def __init__(self) -> None:
        self.name = f"test-{secrets.token_hex(4)}"
        self.issuer = ISSUER
        self.requests = 0

    def client(self, session: Any = None, **other: Any) -> http.Client:
        login = {"client_id": GIVEN["CLIENT_ID"], "client_secret": GIVEN["CLIENT_SECRET"]}
        session = session or http.new_session(GIVEN["CA"], 4)
        return http.Client(session, GIVEN["URL"], self.name, **{**login, **other})

    def document(self) -> dict[str, Any]:
        wanted: dict[str, Any] = document(self.name, self.issuer)
        return wanted

    def wanted(self, document: dict[str, Any], secrets: dict[str, str] | None = None) -> Wanted:
        return Wanted(document, Keyring({**SECRETS, **(secrets or {})}, "k" * 32))

    def run(
        self,
        wanted: dict[str, Any] | None = None,
        secrets: dict[str, str] | None = None,
        client: http.Client | None = None,
        **options: Any,
    ) -> list[Change]:
        """One call of the module's inner function."""
        client = client or self.client()
        options = {"prune": Prune(objects=True, users=True), **options}  # what people made stays all the same
        try:
            return reconcile(client, self.wanted(wanted or self.document(), secrets), **options)
        finally:
            self.requests = client.requests

    def export(self) -> dict[str, Any]:
        export: dict[str, Any] = self.client().read("/partial-export")
        return export
