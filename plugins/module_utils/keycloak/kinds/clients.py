# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Clients: settings, secret, mappers and scope lists.

A PUT keeps absent keys and merges attributes, but makes `protocolMappers` equal to the list sent:
mappers of other people are sent along. It ignores the scope lists, which have calls of their own.
The secret is returned in the clear and compared; a mask is never sent, it would be stored.
Which flows a client uses is written later, when the flows exist (see bindings.py).
"""

from __future__ import annotations

from typing import Iterable

from ..compare import as_list, merged, merged_by_name, same, top_level
from ..document import Wanted
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm
from .client_scopes import MAPPERS, scope_differences

OVERRIDES = "authenticationFlowBindingOverrides"
SCOPE_LISTS = {"defaultClientScopes": "default-client-scopes", "optionalClientScopes": "optional-client-scopes"}
# Keycloak adds this scope by itself to every client with a service account.
SERVICE_ACCOUNT = "service_account"


class Clients(Kind):
    name = "client"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for name, item in wanted.clients.items():
            now = live.clients.get(name, {})
            apart = {"secret", OVERRIDES, *SCOPE_LISTS}
            found = scope_differences({key: value for key, value in item.items() if key not in apart}, now)
            secret = item.get("secret")
            if secret and not secret.matches(now.get("secret")):
                found["secret"] = ("(a secret)" if now.get("secret") else None, "(changed)")
            for key in SCOPE_LISTS:
                if item.get(key) is not None and not same(item[key], live_scopes(now, key, item[key])):
                    found[key] = (sorted(as_list(now.get(key))), sorted(item[key]))
            yield from change(self.name, name, found, name in live.clients)

    def apply(self, realm: Realm, change: Change) -> None:
        client, wanted, name = realm.client, realm.wanted.clients[change.name], change.name
        keys = set(wanted) - {OVERRIDES} if change.action == "create" else top_level(change.after)
        body = {key: wanted[key] for key in keys if key not in {"secret", *SCOPE_LISTS}}
        if "secret" in keys:
            body["secret"] = wanted["secret"].reveal()
        if change.action == "create":
            body.update({key: wanted[key] for key in keys & set(SCOPE_LISTS)})
            new = client.create("/clients", merged({}, body), lambda: self._find(realm, name))
            realm.live.clients[name] = {"clientId": name, "id": new}
            return
        now = realm.live.clients[name]
        if MAPPERS in body:
            body[MAPPERS] = merged_by_name(now.get(MAPPERS) or [], wanted[MAPPERS])
        if body:
            client.put(f"/clients/{now['id']}", {"clientId": name, **body})
        self._scope_lists(realm, now, {key: wanted[key] for key in keys & set(SCOPE_LISTS)})

    @staticmethod
    def _scope_lists(realm: Realm, now: dict, lists: dict) -> None:
        base = f"/clients/{now['id']}"
        have = {key: set(as_list(now.get(key))) for key in SCOPE_LISTS}
        for key, other in (
            ("defaultClientScopes", "optionalClientScopes"),
            ("optionalClientScopes", "defaultClientScopes"),
        ):
            leaving = have[key] & (set(lists.get(other, ())) - have[other])
            if key in lists:
                leaving |= set(live_scopes(now, key, lists[key])) - set(lists[key])
            for name in sorted(leaving):
                realm.client.delete(f"{base}/{SCOPE_LISTS[key]}/{realm.live.scope_id(name)}")
        for key, names in lists.items():
            for name in sorted(set(names) - have[key]):
                realm.client.put(f"{base}/{SCOPE_LISTS[key]}/{realm.live.scope_id(name)}")

    @staticmethod
    def _find(realm: Realm, name: str) -> str:
        return next((item["id"] for item in realm.client.get("/clients", clientId=name)), "")


def live_scopes(now: dict, key: str, wanted: list) -> list:
    """The client's list without the scope that Keycloak adds by itself, unless it is named."""
    names = as_list(now.get(key))
    own = now.get("serviceAccountsEnabled") and SERVICE_ACCOUNT not in wanted
    return [name for name in names if not (own and name == SERVICE_ACCOUNT)]
