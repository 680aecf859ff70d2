# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Which admin roles a document needs, and whether the token has them.

Without the right role Keycloak answers lists with 200 and nothing in them, and a realm with a stub.
So the roles are looked at before any list is believed.
"""

from __future__ import annotations

from typing import Any

from .client import Client
from .document import Wanted
from .errors import RightsError

REALM, CLIENTS, USERS, IDPS = "manage-realm", "manage-clients", "manage-users", "manage-identity-providers"
NEEDED = {
    "clientScopes": {CLIENTS},
    "defaultDefaultClientScopes": {CLIENTS},
    "defaultOptionalClientScopes": {CLIENTS},
    "clients": {CLIENTS},
    "roles": {CLIENTS},
    "scopeMappings": {CLIENTS},
    "clientScopeMappings": {CLIENTS},
    "groups": {USERS},
    "defaultGroups": {USERS},
    "identityProviders": {IDPS},
    "organizations": {IDPS},
    "adminPermissions": {CLIENTS, USERS},
    # A changed flow is swapped in: whatever is bound to the old one is bound anew.
    "authenticationFlows": {CLIENTS, IDPS},
}


def needed(wanted: Wanted) -> set[str]:
    """manage-realm for the export that everything is read from, and what each section needs."""
    beyond = {CLIENTS} if wanted.group_role_clients else set()
    beyond |= {USERS} if wanted.service_roles else set()  # the account of a client is a user
    return {REALM}.union(beyond, *(NEEDED.get(section, set()) for section in wanted.sections))


def held(claims: dict[str, Any], realm: str, token_realm: str) -> set[str]:
    """The admin roles on `realm` that the access token carries."""
    holder = "realm-management" if token_realm == realm else f"{realm}-realm"
    return set((claims.get("resource_access") or {}).get(holder, {}).get("roles") or [])


def check(client: Client, wanted: Wanted) -> bool:
    """True when the realm may be managed, False when there is no such realm; raises RightsError."""
    roles = held(client.claims(), wanted.realm, client.token_realm)
    if not roles and not client.exists():
        return False
    missing = sorted(needed(wanted) - roles)
    if missing:
        holder = "realm-management" if client.token_realm == wanted.realm else f"{wanted.realm}-realm"
        raise RightsError(
            f"the token of client {client.client_id!r} lacks {', '.join(missing)} on realm {wanted.realm!r}",
            f"realm {client.token_realm}",
            f"Give its service account these roles of client {holder!r}; the client needs the scope 'roles' "
            "and no lightweight access token. Nothing was read or written",
        )
    return True


def create_realm(client: Client, realm: str) -> None:
    """Makes an empty realm. Never with clientScopes: Keycloak would then leave out its own."""
    try:
        client.create_realm({"realm": realm, "enabled": True})
    except RightsError as error:
        raise RightsError(
            f"realm {realm!r} does not exist and client {client.client_id!r} may not create it",
            client.url,
            "Create the realm first (the role keycloak does), or give the client the role create-realm",
        ) from error
