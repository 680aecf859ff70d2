# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Client scopes with their mappers, and the realm's two lists of default scopes.

A PUT of a scope ignores its mappers, so they have calls of their own; those not named stay.
"""

from __future__ import annotations

from typing import Iterable

from ..client import part
from ..compare import as_list, differences, merged, named_differences, same, top_level
from ..document import Wanted
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm

MAPPERS = "protocolMappers"


def scope_differences(wanted: dict, live: dict) -> dict:
    """Fields of a client or client scope that differ, mappers by name."""
    found = differences({key: value for key, value in wanted.items() if key != MAPPERS}, live)
    found.update(named_differences(wanted.get(MAPPERS) or [], live.get(MAPPERS) or [], MAPPERS))
    return found


class ClientScopes(Kind):
    name = "client scope"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for name, item in wanted.scopes.items():
            yield from change(self.name, name, scope_differences(item, live.scopes.get(name, {})), name in live.scopes)

    def apply(self, realm: Realm, change: Change) -> None:
        client, live, wanted = realm.client, realm.live.scopes, realm.wanted.scopes[change.name]
        if change.action == "create":
            new = client.create("/client-scopes", merged({}, wanted), lambda: self._find(realm, change.name))
            live[change.name] = {**wanted, "id": new}
            return
        now = live[change.name]
        path = f"/client-scopes/{now['id']}"
        fields = top_level(change.after) - {MAPPERS}
        if fields:
            client.put(path, {"name": change.name, **{key: wanted[key] for key in fields}})
        have = {mapper["name"]: mapper for mapper in now.get(MAPPERS) or []}
        new_ones = []
        for mapper in wanted.get(MAPPERS) or []:
            old = have.get(mapper["name"])
            if old is None:
                new_ones.append(merged({}, mapper))
            elif differences(mapper, old):
                client.put(f"{path}/protocol-mappers/models/{part(old['id'])}", merged(old, mapper))
        if new_ones:
            client.post(f"{path}/protocol-mappers/add-models", new_ones)

    @staticmethod
    def _find(realm: Realm, name: str) -> str:
        return next((item["id"] for item in realm.client.get("/client-scopes") if item["name"] == name), "")


class DefaultScopes(Kind):
    """Which scopes a new client gets, always or when asked for. A list that is named is the whole list."""

    name = "default client scopes"
    parallel = False

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        found = {}
        for which, names in wanted.default_scopes.items():
            key = f"default{which}ClientScopes"
            now = as_list(live.realm.get(key))
            if not same(names, now):
                found[key] = (sorted(now), sorted(names))
        return change(self.name, wanted.realm, found)

    def apply(self, realm: Realm, change: Change) -> None:
        live, wanted = realm.live, realm.wanted.default_scopes
        paths = {"Default": "/default-default-client-scopes", "Optional": "/default-optional-client-scopes"}
        now = {which: set(as_list(live.realm.get(f"default{which}ClientScopes"))) for which in paths}
        add = {which: set(names) - now[which] for which, names in wanted.items()}
        drop = {which: now[which] - set(names) for which, names in wanted.items()}
        # A scope may stand in one of the lists only: it leaves the other one first.
        for which, other in (("Default", "Optional"), ("Optional", "Default")):
            drop[which] = drop.get(which, set()) | (now[which] & add.get(other, set()))
        for which, path in paths.items():
            for name in sorted(drop[which]):
                realm.client.delete(f"{path}/{live.scope_id(name)}")
        for which, names in add.items():
            for name in sorted(names):
                realm.client.put(f"{paths[which]}/{live.scope_id(name)}")
