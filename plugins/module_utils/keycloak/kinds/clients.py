# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Clients: settings, secret, mappers and scope lists.

A PUT keeps absent keys (all but those of SENT_ALONG) and merges attributes, but makes `protocolMappers` equal
to the list sent: mappers of other people are sent along. It ignores the scope lists, which have calls of their own.
The secret is returned in the clear and compared; a mask is never sent, it would be stored.
Which flows a client uses is written later, when the flows exist (see bindings.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..client import Client
from ..compare import as_list, filled, merged, merged_by_name, same, top_level
from ..document import AUTHORIZATION, OVERRIDES, SERVICE_ROLES, Wanted
from ..plan import CREATE, Change, Key, change
from ..secrets import CHANGED, PREFIX
from ..state import ADMIN_PERMISSIONS, Live
from .authorization import described
from .base import Realm, Removable
from .client_scopes import MAPPERS, scope_differences, with_plain_mappers
from .roles import by_owner, chosen_roles

SCOPE_LISTS = {"defaultClientScopes": "default-client-scopes", "optionalClientScopes": "optional-client-scopes"}
SENT_ALONG = ("webOrigins", "authorizationServicesEnabled")  # what a PUT that leaves it out does not keep
USUAL = {"defaultClientScopes": "defaultDefaultClientScopes", "optionalClientScopes": "defaultOptionalClientScopes"}
SERVER_MADE = {"client.secret.creation.time", "realm_client", "saml.artifact.binding.identifier"}  # attributes
APART = {OVERRIDES, *SCOPE_LISTS}
# Keycloak adds this scope by itself to every client with a service account.
SERVICE_ACCOUNT = "service_account"
BUILT_IN = {
    "account",
    "account-console",
    "admin-cli",
    ADMIN_PERMISSIONS,
    "broker",
    "realm-management",
    "security-admin-console",
}


class Clients(Removable):
    """Clients by clientId."""

    name = "client"
    section = "clients"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares settings and mappers by key, the secret by value, scope lists as sets."""
        for name, item in wanted.clients.items():
            now = live.clients.get(name, {})
            found = scope_differences({key: value for key, value in item.items() if key not in APART}, now)
            secret = wanted.client_secrets.get(name)
            if secret and not secret.matches(now.get("secret")):
                found["secret"] = CHANGED
            for key in SCOPE_LISTS:
                if item.get(key) is not None and not same(item[key], own_scopes(now, key, item[key])):
                    found[key] = (as_list(now.get(key)), item[key])
            yield from change(self.name, name, found, name in live.clients)

    def apply(self, realm: Realm, change: Change) -> None:
        """Creates the client whole, or sends the keys that differ."""
        client, name = realm.client, change.name
        wanted, secret = realm.wanted.clients[name], realm.wanted.client_secrets.get(name)
        keys = set(wanted) if change.action == CREATE else top_level(change.after)
        body = {key: wanted[key] for key in keys - APART - {"secret"}}
        if secret and change.touches("secret"):
            body["secret"] = secret.reveal()
        if change.action == CREATE:
            body.update({key: wanted[key] for key in SCOPE_LISTS if key in keys})
            new = client.create("/clients", merged({}, body), lambda: _find(realm, name))
            realm.live.clients[name] = {"clientId": name, "id": new, **{key: wanted.get(key) for key in SENT_ALONG}}
            return
        now = realm.live.clients[name]
        if MAPPERS in body:
            body[MAPPERS] = merged_by_name(now.get(MAPPERS) or [], wanted[MAPPERS])
        if body:
            put_client(client, now, body)
        _set_scopes(realm, now, {key: wanted[key] for key in SCOPE_LISTS if key in keys})

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their clientIds."""
        return wanted.clients

    def there(self, live: Live) -> Iterable[Key]:
        """Their clientIds."""
        return live.clients

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Neither what comes with Keycloak, nor the client as which this runs."""
        if key in BUILT_IN:
            return "it comes with Keycloak"
        return "this run is logged in as it" if key == live.logged_in_as else ""

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the client with its roles."""
        realm.client.delete(f"/clients/{realm.live.client_id(key)}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Clients with aliases for flows, and a name for the secret."""
        own = (entry for entry in live.clients.items() if entry[0] != ADMIN_PERMISSIONS)
        return {"clients": [_described(live, name, item) for name, item in own]}


def _described(live: Live, name: str, item: dict[str, Any]) -> dict[str, Any]:
    found = with_plain_mappers(filled(item, "id", "access", "secret", "attributes", *APART))
    found.update(filled({"attributes": filled(item.get("attributes") or {}, *SERVER_MADE)}))
    if item.get("secret") and not (item.get("publicClient") or item.get("bearerOnly")):
        found["secret"] = f"{PREFIX}clients/{name}"
    if item.get(OVERRIDES):
        found[OVERRIDES] = {key: live.flow_alias(flow_id) for key, flow_id in item[OVERRIDES].items()}
    found.update(filled({SERVICE_ROLES: by_owner(chosen_roles(live, name, set()))}))
    found.update(filled({AUTHORIZATION: described(live.authorization.get(name, {}))}))
    for key in SCOPE_LISTS:
        names = own_scopes(item, key, [])
        if not same(names, as_list(live.realm.get(USUAL[key]))):
            found[key] = sorted(names)
    return found


def put_client(client: Client, now: dict[str, Any], body: dict[str, Any]) -> None:
    """Sends some keys of a client, and those with them that would not stay.

    Measured on 26.7.5: a PUT without web origins fills empty ones in from the redirect URIs, and one that does not say that
    authorization services are on deletes all their resources and policies.
    """
    held = {key: body.get(key, now.get(key)) for key in SENT_ALONG}
    held = {key: value for key, value in held.items() if value is not None}
    client.put(f"/clients/{now['id']}", {"clientId": now["clientId"], **held, **body})
    now.update(held)


def _set_scopes(realm: Realm, now: dict[str, Any], wanted: dict[str, list[str]]) -> None:
    """Makes the lists that are named the whole lists; a scope can be in one of the two only."""
    base = f"/clients/{now['id']}"
    have = {key: set(as_list(now.get(key))) for key in SCOPE_LISTS}
    for key, (other,) in ((key, SCOPE_LISTS.keys() - {key}) for key in SCOPE_LISTS):
        leaving = have[key] & (set(wanted.get(other, ())) - have[other])
        if key in wanted:
            leaving |= set(own_scopes(now, key, wanted[key])) - set(wanted[key])
        for name in sorted(leaving):
            realm.client.delete(f"{base}/{SCOPE_LISTS[key]}/{realm.live.scope_id(name)}")
    for key, names in wanted.items():
        for name in sorted(set(names) - have[key]):
            realm.client.link(f"{base}/{SCOPE_LISTS[key]}/{realm.live.scope_id(name)}")


def own_scopes(now: dict[str, Any], key: str, wanted: list[str]) -> list[str]:
    """The client's list without the scope that Keycloak adds by itself, unless that one is named."""
    added = now.get("serviceAccountsEnabled") and SERVICE_ACCOUNT not in wanted
    return [name for name in as_list(now.get(key)) if not (added and name == SERVICE_ACCOUNT)]


def _find(realm: Realm, name: str) -> str:
    return next((item["id"] for item in realm.client.get("/clients", clientId=name)), "")
