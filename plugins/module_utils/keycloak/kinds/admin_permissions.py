# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Policies and permissions of administrators (see ../admin_permissions.py).

A PUT resets what it leaves out, so the whole object is sent. With a policy Keycloak deletes the permissions that have no
other one: a policy stays as long as somebody's permission uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..admin_permissions import LISTS, SECTION, described, role_key, to_server
from ..compare import differences, merged
from ..document import ADMIN_SWITCH, Named, Wanted
from ..errors import DocumentError, KeycloakError
from ..plan import Change, Key, change
from ..state import ADMIN_PERMISSIONS, EVERY, Live, admin_server
from .base import Kind, Realm, Removable

POLICY, PERMISSION = "admin policy", "admin permission"


class AdminSwitch(Kind):
    """Whether the realm has them.

    Not with the other settings: once they are on, the manage roles do not suffice to give out roles of realm-management.
    """

    name = "admin permissions"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the setting, if it is named."""
        named = {key: value for key, value in wanted.settings.items() if key == ADMIN_SWITCH}
        yield from change(self.name, wanted.realm, differences(named, live.realm))

    def apply(self, realm: Realm, change: Change) -> None:
        """One PUT; with it Keycloak makes the client that holds them."""
        realm.client.put("", {ADMIN_SWITCH: realm.wanted.settings[ADMIN_SWITCH]})


class AdminPolicies(Removable):
    """Policies by name: who has a permission."""

    name = POLICY
    section = SECTION
    parallel = False  # one may be built of others

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys; a list is the whole list."""
        for name, item in wanted.admin_policies.items():
            now = live.admin_policies.get(name, {})
            if now and now["type"] != item["type"]:
                raise DocumentError(
                    f"it is of type {now['type']}, and a policy cannot change its type",
                    f"{SECTION}.policies[{name}]",
                    "Give the new one another name",
                )
            yield from change(self.name, name, differences(item, now), bool(now), _depth(wanted.admin_policies, name))

    def apply(self, realm: Realm, change: Change) -> None:
        """Writes one policy; what it is built of is there by now."""
        now, item = realm.live.admin_policies.get(change.key, {}), realm.wanted.admin_policies[change.key]
        _write(realm, f"policy/{item['type']}", now, item, item["type"])

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their names."""
        return wanted.admin_policies

    def there(self, live: Live) -> Iterable[Key]:
        """Their names."""
        return live.admin_policies

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Not what is used by something that stays: that would go too."""
        users = []
        for kind, now, want in (
            (POLICY, live.admin_policies, wanted.admin_policies),
            (PERMISSION, live.admin_permissions, wanted.admin_permissions),
        ):
            going = live.owned.get(kind, set()) - want.keys()
            users += [
                f"{kind} {name}"
                for name, item in now.items()
                if name not in going and key in (want.get(name) or item).get("policies", ())
            ]
        return f"it is in use: {', '.join(sorted(users))}" if users else ""

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the policy."""
        realm.client.delete(f"{_server(realm)}/policy/{realm.live.admin_policies[key]['id']}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Those of a type that the document has."""
        found = [described(item) for item in live.admin_policies.values() if item["type"] in {*LISTS, "time"}]
        return {SECTION: {"policies": found}} if found else {}


class AdminPermissions(Removable):
    """Permissions by name: what somebody may do with which objects."""

    name = PERMISSION
    section = SECTION
    parallel = False  # two may be about the same object, which Keycloak then notes down once

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys; a list is the whole list."""
        for name, item in wanted.admin_permissions.items():
            now = live.admin_permissions.get(name, {})
            yield from change(self.name, name, differences(item, now), bool(now))

    def apply(self, realm: Realm, change: Change) -> None:
        """Writes one permission."""
        now, item = realm.live.admin_permissions.get(change.key, {}), realm.wanted.admin_permissions[change.key]
        _write(realm, "permission/scope", now, item, "scope")

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their names."""
        return wanted.admin_permissions

    def there(self, live: Live) -> Iterable[Key]:
        """Their names."""
        return live.admin_permissions

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the permission; its policies stay."""
        realm.client.delete(f"{_server(realm)}/permission/scope/{realm.live.admin_permissions[key]['id']}")

    def describe(self, live: Live) -> dict[str, Any]:
        """All of them."""
        found = [described(item) for item in live.admin_permissions.values()]
        return {SECTION: {"permissions": found}} if found else {}


def _depth(policies: Named, name: str, above: tuple[str, ...] = ()) -> int:
    """0 for a policy that stands alone; one built of others comes after them."""
    parts = [part for part in policies.get(name, {}).get("policies", ()) if part not in above]
    return max((1 + _depth(policies, part, (*above, name)) for part in parts), default=0)


def _write(realm: Realm, path: str, now: Named, item: Named, kind: str) -> None:
    client, server = realm.client, _server(realm)
    body = to_server(merged(now, item), kind, lambda listed, name: _id(realm.live, listed, name))
    if now:
        client.put(f"{server}/{path}/{now['id']}", body)
        return

    def find() -> str | None:
        listed = client.get(f"{server}/policy", first=0, max=EVERY)
        return next((one["id"] for one in listed if one["name"] == item["name"]), None)

    client.create(f"{server}/{path}", body, find)


def _id(live: Live, listed: str, name: str) -> str:
    """The id of what is named; what the live object has and nobody names is an id already."""
    objects: dict[Any, Named] = getattr(live, listed)
    key: Key = role_key(name) if listed == "roles" else name
    return str(objects[key]["id"]) if key in objects else name


def _server(realm: Realm) -> str:
    """Path of the permissions; their client came with the setting of the realm, perhaps in this very run."""
    if not admin_server(realm.live):
        found = realm.client.get("/clients", clientId=ADMIN_PERMISSIONS)
        if not found:
            raise KeycloakError(f"there is no client {ADMIN_PERMISSIONS}", SECTION, "Keycloak has them since 26.2")
        realm.live.realm["adminPermissionsClient"] = found[0]
    return admin_server(realm.live)
