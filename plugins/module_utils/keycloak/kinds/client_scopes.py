# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Client scopes with their mappers, and the realm's two lists of default scopes.

A PUT of a scope ignores its mappers, so they have calls of their own; those not named stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..client import part
from ..compare import Differences, as_list, differences, filled, merged, named_differences, same, top_level
from ..document import Wanted
from ..plan import CREATE, Change, Key, change
from ..state import Live
from .base import Kind, Realm, Removable

MAPPERS = "protocolMappers"
DEFAULTS = {"Default": "/default-default-client-scopes", "Optional": "/default-optional-client-scopes"}


def scope_differences(wanted: dict[str, Any], live: dict[str, Any]) -> Differences:
    """Fields of a client or client scope that differ, mappers by name."""
    found = differences({key: value for key, value in wanted.items() if key != MAPPERS}, live)
    found.update(named_differences(wanted.get(MAPPERS) or [], live.get(MAPPERS) or [], MAPPERS))
    return found


class ClientScopes(Removable):
    """Client scopes by name."""

    name = "client scope"
    section = "clientScopes"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys and mappers."""
        for name, item in wanted.scopes.items():
            yield from change(self.name, name, scope_differences(item, live.scopes.get(name, {})), name in live.scopes)

    def apply(self, realm: Realm, change: Change) -> None:
        """Creates the scope whole, or sends what differs: the scope, each changed mapper, all new ones at once."""
        client, live, name = realm.client, realm.live.scopes, change.name
        wanted = realm.wanted.scopes[name]
        if change.action == CREATE:

            def find() -> str | None:
                return next((item["id"] for item in client.get("/client-scopes") if item["name"] == name), None)

            live[name] = {"name": name, "id": client.create("/client-scopes", merged({}, wanted), find)}
            return
        path = f"/client-scopes/{live[name]['id']}"
        fields = top_level(change.after) - {MAPPERS}
        if fields:
            client.put(path, {"name": name, **{key: wanted[key] for key in fields}})
        have = {mapper["name"]: mapper for mapper in live[name].get(MAPPERS) or []}
        new = []
        for mapper in wanted.get(MAPPERS) or []:
            old = have.get(mapper["name"])
            if old is None:
                new.append(merged({}, mapper))
            elif differences(mapper, old):
                client.put(f"{path}/protocol-mappers/models/{part(old['id'])}", merged(old, mapper))
        if new:
            client.post(f"{path}/protocol-mappers/add-models", new)

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Names of scopes."""
        return wanted.scopes

    def there(self, live: Live) -> Iterable[Key]:
        """Names of scopes."""
        return live.scopes

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the scope, from all lists that it stands in too."""
        realm.client.delete(f"/client-scopes/{realm.live.scope_id(key)}")

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Not a scope that a client has once this plan is done: Keycloak would take it away silently."""
        going = live.owned.get("client", set()) - wanted.clients.keys()
        users = [
            name
            for name, client in live.clients.items()
            for item in [{**client, **wanted.clients.get(name, {})}]
            if name not in going
            and key in as_list(item.get("defaultClientScopes")) + as_list(item.get("optionalClientScopes"))
        ]
        return f"it is in use: client {', '.join(sorted(users))}" if users else ""

    def describe(self, live: Live) -> dict[str, Any]:
        """Scopes with their mappers."""
        return {"clientScopes": [with_plain_mappers(filled(item, "id")) for item in live.scopes.values()]}


class Mappers(Removable):
    """Protocol mappers of clients or client scopes, as `<owner>/<mapper>`: only their removal, for their owner writes them."""

    def __init__(self, of: str, section: str, path: str) -> None:
        self.name, self.section, self._of, self._path = f"{of} mapper", section, of, path

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Nothing: see their owner."""
        yield from ()

    def apply(self, realm: Realm, change: Change) -> None:
        """Nothing: see their owner."""

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """(owner, mapper)."""
        return _mapper_ids(wanted.clients if self._of == "client" else wanted.scopes)

    def there(self, live: Live) -> Iterable[Key]:
        """(owner, mapper)."""
        return self._there(live)

    def _there(self, live: Live) -> dict[Key, str]:
        return _mapper_ids(live.clients if self._of == "client" else live.scopes)

    def owner(self, key: Key) -> tuple[str, Key]:
        """The client or scope."""
        return self._of, key[0]

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes one mapper."""
        owners = realm.live.clients if self._of == "client" else realm.live.scopes
        mapper = self._there(realm.live)[key]
        realm.client.delete(f"{self._path}/{owners[key[0]]['id']}/protocol-mappers/models/{mapper}")


def with_plain_mappers(item: dict[str, Any]) -> dict[str, Any]:
    """A described client or scope whose mappers have no ids."""
    if MAPPERS in item:
        mappers = [filled(mapper, "id", "consentRequired") for mapper in item[MAPPERS]]
        item[MAPPERS] = sorted(mappers, key=lambda one: str(one["name"]))
    return item


def _mapper_ids(owners: dict[str, Any]) -> dict[Key, str]:
    """{(owner, mapper): id, "" in a document}."""
    return {
        (name, mapper["name"]): mapper.get("id", "")
        for name, item in owners.items()
        for mapper in item.get(MAPPERS) or []
    }


class DefaultScopes(Kind):
    """Which scopes a new client gets, always or when it asks. A list that is named is the whole list."""

    name = "default client scopes"
    parallel = False

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the two lists as sets."""
        found: Differences = {}
        for which, names in wanted.default_scopes.items():
            key = f"default{which}ClientScopes"
            now = as_list(live.realm.get(key))
            if not same(names, now):
                found[key] = (now, names)
        yield from change(self.name, wanted.realm, found)

    def apply(self, realm: Realm, change: Change) -> None:
        """A scope can be in one of the lists only: it leaves the other one first."""
        live = realm.live
        now = {which: set(as_list(live.realm.get(f"default{which}ClientScopes"))) for which in DEFAULTS}
        want = {which: set(realm.wanted.default_scopes.get(which, now[which])) for which in DEFAULTS}
        for which, other in (("Default", "Optional"), ("Optional", "Default")):
            if which not in realm.wanted.default_scopes:
                want[which] -= want[other]
        for which, path in DEFAULTS.items():
            for name in sorted(now[which] - want[which]):
                realm.client.delete(f"{path}/{live.scope_id(name)}")
        for which, path in DEFAULTS.items():
            for name in sorted(want[which] - now[which]):
                realm.client.link(f"{path}/{live.scope_id(name)}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Both lists."""
        keys = (f"default{which}ClientScopes" for which in DEFAULTS)
        return {key: sorted(as_list(live.realm.get(key))) for key in keys}
