# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Roles of the realm and of clients, members of composite roles, scope mappings, roles of groups and of service accounts.

A PUT of a role without its description removes it, so the whole role is sent. The members of a role,
the roles of a scope mapping, and those of a group or service account that the document names are whole lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..client import part
from ..compare import differences, filled, lists, merged, plain
from ..document import Wanted, role_keys
from ..plan import Change, Key, change
from ..state import Live
from .base import Kind, Realm, Removable

UMA = "uma_protection"  # Keycloak makes this role for a client with authorization services, and gives it to its account


class Roles(Removable):
    """Roles of the realm; with `of_clients` those of clients, named `<clientId>/<role>`."""

    section = "roles"

    def __init__(self, of_clients: bool) -> None:
        self.of_clients, self.name = of_clients, "client role" if of_clients else "role"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares description and attributes."""
        for key, role in wanted.roles.items():
            if bool(key[0]) == self.of_clients:
                yield from change(self.name, key, differences(_plain(role), live.roles.get(key, {})), key in live.roles)

    def apply(self, realm: Realm, change: Change) -> None:
        """Writes one role."""
        client, live, wanted = realm.client, realm.live, _plain(realm.wanted.roles[change.key])
        owner, name = change.key
        if change.key in live.roles:
            body = merged(live.roles[change.key], wanted)
            if "attributes" in body:
                body["attributes"] = {key: value for key, value in lists(body["attributes"]).items() if value}
            client.put(f"/roles-by-id/{body['id']}", body)
            return
        path = f"/clients/{live.client_id(owner)}/roles" if owner else "/roles"

        def find() -> str | None:
            return next((item["id"] for item in client.get(path, search=name) if item["name"] == name), None)

        client.create(path, merged({}, wanted), find)  # the answer names it, but gives no id
        live.roles[change.key] = client.get(f"{path}/{part(name)}")

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """(owner, role)."""
        return (key for key in wanted.roles if bool(key[0]) == self.of_clients)

    def there(self, live: Live) -> Iterable[Key]:
        """(owner, role)."""
        return (key for key in live.roles if bool(key[0]) == self.of_clients)

    def owner(self, key: Key) -> tuple[str, Key] | None:
        """The client whose role it is."""
        return ("client", key[0]) if self.of_clients else None

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Not what comes with Keycloak."""
        built_in = {"offline_access", "uma_authorization", f"default-roles-{wanted.realm}"}
        return "it comes with Keycloak" if not self.of_clients and key[1] in built_in else ""

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the role from everybody and everything that has it."""
        realm.client.delete(f"/roles-by-id/{realm.live.role(*key)['id']}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Roles with their members."""
        found: dict[str, list[Any]] = {}
        for (owner, name), role in live.roles.items():
            if bool(owner) == self.of_clients and not (name == UMA and owner in live.authorization):
                item = {
                    "name": name,
                    **filled(role, "id", "name", "composite", "clientRole", "containerId", "attributes"),
                }
                if role.get("attributes"):
                    item["attributes"] = plain(role["attributes"])
                if live.members.get((owner, name)):
                    item["composites"] = by_owner(live.members[owner, name])
                found.setdefault(owner, []).append(item)
        return {"roles": {"client": found} if self.of_clients else {"realm": found.get("", [])}}


class Composites(Kind):
    """Members of composite roles; named like the role that has them."""

    name = "composite role"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares whole sets of members."""
        for key, role in wanted.roles.items():
            if role.get("composites") is not None:
                want, now = role_keys(role["composites"]), live.members.get(key, set())
                yield from change(self.name, key, {} if want == now else {"composites": (_names(now), _names(want))})

    def apply(self, realm: Realm, change: Change) -> None:
        """Adds what is missing, then takes out what is too much."""
        want = role_keys(realm.wanted.roles[change.key]["composites"])
        path = f"/roles-by-id/{realm.live.role(*change.key)['id']}/composites"
        _set_roles(realm, path, want, realm.live.members.get(change.key, set()))


class ScopeMappings(Kind):
    """Roles that a client or client scope may put into tokens."""

    name = "scope mapping"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the roles of one owner at a time."""
        for key, names in wanted.scope_mappings.items():
            now = sorted(live.scope_mappings.get(key, []))
            yield from change(self.name, key, {} if now == names else {"roles": (now, names)})

    def apply(self, realm: Realm, change: Change) -> None:
        """Adds what is missing, then takes out what is too much."""
        live = realm.live
        holder, name, owner = change.key
        base = f"/clients/{live.client_id(name)}" if holder == "client" else f"/client-scopes/{live.scope_id(name)}"
        path = f"{base}/scope-mappings/{_place(live, owner)}"
        want, now = realm.wanted.scope_mappings[change.key], live.scope_mappings.get(change.key, [])
        _set_roles(realm, path, {(owner, role) for role in want}, {(owner, role) for role in now})

    def describe(self, live: Live) -> dict[str, Any]:
        """Those of the realm's roles, and those of clients' roles by client."""
        of_realm: list[Any] = []
        of_clients: dict[str, list[Any]] = {}
        for (holder, name, owner), roles in live.scope_mappings.items():
            if roles:
                entries = of_clients.setdefault(owner, []) if owner else of_realm
                entries.append({holder: name, "roles": sorted(roles)})
        return {"scopeMappings": of_realm, "clientScopeMappings": of_clients}


class GroupRoles(Kind):
    """Roles that the members of a group have; named by the path of the group."""

    name = "group roles"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the realm's roles, and those of each client that the document names there."""
        for path, owned in wanted.group_roles.items():
            found = {}
            for owner, names in owned.items():
                now = sorted(_roles_of_group(live, path, owner))
                if now != names:
                    found[f"clientRoles.{owner}" if owner else "realmRoles"] = (now, names)
            yield from change(self.name, path, found)

    def apply(self, realm: Realm, change: Change) -> None:
        """Adds what is missing, then takes out what is too much, for each owner of roles."""
        group = realm.live.groups[change.key]["id"]
        for owner, names in realm.wanted.group_roles[change.key].items():
            want, now = names, _roles_of_group(realm.live, change.key, owner)
            path = f"/groups/{group}/role-mappings/{_place(realm.live, owner)}"
            _set_roles(realm, path, {(owner, role) for role in want}, {(owner, role) for role in now})


class ServiceAccountRoles(Kind):
    """Roles that a client itself has; named like the client."""

    name = "service account roles"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares whole sets of roles."""
        for name, roles in wanted.service_roles.items():
            want = role_keys(roles)
            now = chosen_roles(live, name, want)
            yield from change(self.name, name, {} if want == now else {"roles": (_names(now), _names(want))})

    def apply(self, realm: Realm, change: Change) -> None:
        """Adds what is missing, then takes out what is too much, for each owner of roles."""
        live = realm.live
        want = role_keys(realm.wanted.service_roles[change.key])
        now = chosen_roles(live, change.key, want)
        account = realm.client.get(f"/clients/{live.client_id(change.key)}/service-account-user")["id"]
        for owner in sorted({owner for owner, _ in want ^ now}):
            path = f"/users/{account}/role-mappings/{_place(live, owner)}"
            _set_roles(realm, path, *({key for key in keys if key[0] == owner} for keys in (want, now)))


def chosen_roles(live: Live, client: str, want: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Roles of a service account without those that Keycloak gives it by itself, unless they are named."""
    given = {("", f"default-roles-{live.realm.get('realm')}"), (client, UMA)}
    return live.service_roles.get(client, set()) - (given - want)


def _place(live: Live, owner: str) -> str:
    return f"clients/{live.client_id(owner)}" if owner else "realm"


def _set_roles(realm: Realm, path: str, want: set[tuple[str, str]], now: set[tuple[str, str]]) -> None:
    if want - now:
        realm.client.post(path, [realm.live.role(*key) for key in sorted(want - now)])
    if now - want:
        realm.client.delete(path, [realm.live.role(*key) for key in sorted(now - want)])


def _roles_of_group(live: Live, path: str, owner: str) -> list[str]:
    group = live.groups.get(path, {})
    return ((group.get("clientRoles") or {}).get(owner) if owner else group.get("realmRoles")) or []


def by_owner(members: set[tuple[str, str]]) -> dict[str, Any]:
    """The document's form of the keys of roles."""
    found: dict[str, Any] = {}
    for owner, name in sorted(members):
        (found.setdefault("client", {}).setdefault(owner, []) if owner else found.setdefault("realm", [])).append(name)
    return found


def _plain(role: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in role.items() if key not in {"composites", "composite"}}


def _names(members: set[tuple[str, str]]) -> list[str]:
    return sorted(f"{owner}/{name}" if owner else name for owner, name in members)
