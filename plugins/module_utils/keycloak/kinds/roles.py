# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Roles of the realm and of clients, their members when composite, and who may see which (scope mappings).

A PUT of a role without its description removes it, so the whole role is sent. Lists of members and
of scope mappings that the document names are whole lists.
"""

from __future__ import annotations

from typing import Any, Iterable

from ..client import part
from ..compare import as_list, differences, lists, merged
from ..document import Wanted
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm


def _plain(role: dict) -> dict:
    return {key: value for key, value in role.items() if key not in ("composites", "composite")}


class RealmRoles(Kind):
    name = "role"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for name, role in wanted.roles.items():
            found = differences(_plain(role), live.roles.get(name, {}))
            yield from change(self.name, name, found, name in live.roles)

    def apply(self, realm: Realm, change: Change) -> None:
        write_role(realm, "/roles", realm.live.roles, _plain(realm.wanted.roles[change.name]))


class ClientRoles(Kind):
    """Named `<clientId>/<role>`."""

    name = "client role"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for owner, roles in wanted.client_roles.items():
            have = live.client_roles.get(owner, {})
            for name, role in roles.items():
                yield from change(
                    self.name, f"{owner}/{name}", differences(_plain(role), have.get(name, {})), name in have
                )

    def apply(self, realm: Realm, change: Change) -> None:
        owner, name = _find_role(realm.wanted.client_roles, change.name)
        path = f"/clients/{realm.live.client_id(owner)}/roles"
        have = realm.live.client_roles.setdefault(owner, {})
        write_role(realm, path, have, _plain(realm.wanted.client_roles[owner][name]))


def write_role(realm: Realm, path: str, have: dict, wanted: dict) -> None:
    name, now = wanted["name"], have.get(wanted["name"])
    if now:
        body = merged(now, wanted)
        if "attributes" in body:
            body["attributes"] = {key: value for key, value in lists(body["attributes"]).items() if value}
        realm.client.put(f"/roles-by-id/{now['id']}", body)
        return

    def find() -> Any:
        return next((item["id"] for item in realm.client.get(path, search=name) if item["name"] == name), None)

    realm.client.create(path, merged({}, wanted), find)
    have[name] = {**wanted, "id": realm.client.get(f"{path}/{part(name)}")["id"]}


class Composites(Kind):
    """Members of composite roles; named like the role that has them."""

    name = "composite role"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for owner, roles in {"": wanted.roles, **wanted.client_roles}.items():
            for name, role in roles.items():
                if role.get("composites") is None:
                    continue
                want, now = _members(role["composites"]), _members(live.composites.get((owner, name), {}))
                found = {} if want == now else {"composites": (_names(now), _names(want))}
                yield from change(self.name, f"{owner}/{name}" if owner else name, found)

    def apply(self, realm: Realm, change: Change) -> None:
        declared = {"": realm.wanted.roles, **realm.wanted.client_roles}
        owner, name = _find_role(declared, change.name)
        want = _members(declared[owner][name]["composites"])
        now = _members(realm.live.composites.get((owner, name), {}))
        path = f"/roles-by-id/{realm.live.role(name, owner)['id']}/composites"
        if want - now:
            realm.client.post(path, [realm.live.role(role, of) for of, role in sorted(want - now)])
        if now - want:
            realm.client.delete(path, [realm.live.role(role, of) for of, role in sorted(now - want)])


class ScopeMappings(Kind):
    """Roles that a client or client scope may put into tokens; named `client <id>` or `client scope <name>`."""

    name = "scope mapping"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for key, names in wanted.scope_mappings.items():
            now = sorted(live.scope_mappings.get(key, []))
            found = {} if now == names else {key[2] or "realm": (now, names)}
            yield from change(self.name, _label(key), found)

    def apply(self, realm: Realm, change: Change) -> None:
        key = next(one for one in realm.wanted.scope_mappings if _label(one) == change.name)
        holder, name, owner = key
        live = realm.live
        base = f"/clients/{live.client_id(name)}" if holder == "client" else f"/client-scopes/{live.scope_id(name)}"
        path = f"{base}/scope-mappings/" + (f"clients/{live.client_id(owner)}" if owner else "realm")
        want, now = set(realm.wanted.scope_mappings[key]), set(live.scope_mappings.get(key, []))
        if want - now:
            realm.client.post(path, [live.role(role, owner) for role in sorted(want - now)])
        if now - want:
            realm.client.delete(path, [live.role(role, owner) for role in sorted(now - want)])


def _label(key: tuple) -> str:
    holder, name, owner = key
    return f"{'client' if holder == 'client' else 'client scope'} {name}: {owner or 'realm'}"


def _find_role(declared: dict, label: str) -> tuple:
    """(owner, role) of a label; names may hold slashes, so the document decides."""
    return next((o, n) for o, roles in declared.items() for n in roles if label == (f"{o}/{n}" if o else n))


def _members(composites: dict) -> set:
    """{(owning client or "", role)}"""
    found = {("", name) for name in as_list(composites.get("realm"))}
    return found | {
        (owner, name) for owner, names in (composites.get("client") or {}).items() for name in as_list(names)
    }


def _names(members: set) -> list:
    return [f"{owner}/{name}" if owner else name for owner, name in sorted(members)]
