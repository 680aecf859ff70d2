# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Organizations with their domains, and which identity providers belong to them.

They are in no export; without `organizationsEnabled` they cannot even be asked for. The list of identity providers says
to which organization each belongs, so no request is needed for each; a PUT of a provider leaves that as it is. Its config
has the domain that leads to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..client import part
from ..compare import differences, filled, merged, plain
from ..document import Named, Wanted
from ..plan import Change, Key, change
from ..state import EVERY, Live
from .base import Kind, Realm, Removable

ORGANIZATIONS = "/organizations"


class Organizations(Removable):
    """Organizations by alias."""

    name = "organization"
    section = "organizations"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys; the list of domains is the whole list."""
        for alias, item in wanted.organizations.items():
            now = live.organizations.get(alias, {})
            found = differences({key: value for key, value in item.items() if key != "domains"}, now)
            if "domains" in item and _by_name(item["domains"], now) != _by_name(now.get("domains"), now):
                found["domains"] = (_names(now.get("domains")), _names(item["domains"]))
            yield from change(self.name, alias, found, alias in live.organizations)

    def apply(self, realm: Realm, change: Change) -> None:
        """Sends the whole organization; its alias cannot change."""
        client, live, alias = realm.client, realm.live.organizations, change.name
        now, wanted = live.get(alias, {}), realm.wanted.organizations[alias]
        body = merged({"enabled": True, **now}, wanted)
        if "domains" in wanted:
            body["domains"] = list(_by_name(wanted["domains"], now).values())
        if now:
            client.put(f"{ORGANIZATIONS}/{now['id']}", body)
            return

        def find() -> str | None:
            found = client.get(ORGANIZATIONS, first=0, max=EVERY)
            return next((item["id"] for item in found if item["alias"] == alias), None)

        live[alias] = {**body, "id": client.create(ORGANIZATIONS, body, find)}

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their aliases."""
        return wanted.organizations

    def there(self, live: Live) -> Iterable[Key]:
        """Their aliases."""
        return live.organizations

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the organization; its members and identity providers stay."""
        realm.client.delete(f"{ORGANIZATIONS}/{realm.live.organizations[key]['id']}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Organizations with their identity providers."""
        found = []
        for alias, now in live.organizations.items():
            item = filled(now, "id", "attributes", "members", "membershipType")
            if now.get("attributes"):
                item["attributes"] = plain(now["attributes"])
            found.append({**item, **filled({"identityProviders": members(live, alias)})})
        return {"organizations": found}


class OrganizationProviders(Kind):
    """Identity providers of an organization; a list that is named is the whole list."""

    name = "organization identity providers"
    parallel = False  # a provider belongs to one organization at a time

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares aliases."""
        for alias, names in wanted.organization_idps.items():
            now = members(live, alias)
            yield from change(self.name, alias, {} if now == names else {"identityProviders": (now, names)})

    def apply(self, realm: Realm, change: Change) -> None:
        """Takes out what is too much, in other organizations too, and puts in what is missing."""
        client, live, alias = realm.client, realm.live, change.name
        path = f"{ORGANIZATIONS}/{live.organizations[alias]['id']}/identity-providers"
        want, now = set(realm.wanted.organization_idps[alias]), set(members(live, alias))
        for name in sorted(now - want):
            client.delete(f"{path}/{part(name)}")
            live.idps[name]["organizationId"] = None
        for name in sorted(want - now):
            other = live.idps.get(name, {}).get("organizationId")
            if other:
                client.delete(f"{ORGANIZATIONS}/{other}/identity-providers/{part(name)}")

            def find(linked: str = name) -> str | None:
                return next((item["alias"] for item in client.get(path) if item["alias"] == linked), None)

            client.create(path, name, find)  # sent twice it would be a conflict
            live.idps.setdefault(name, {"alias": name})["organizationId"] = live.organizations[alias]["id"]


def members(live: Live, alias: str) -> list[str]:
    """Aliases of the identity providers of an organization."""
    held = live.organizations.get(alias, {}).get("id")
    return sorted(name for name, idp in live.idps.items() if held and idp.get("organizationId") == held)


def _by_name(domains: Any, now: Named) -> Named:
    """Domains by name; whether one is verified is kept unless it is said."""
    held = {item["name"]: bool(item.get("verified")) for item in now.get("domains") or []}
    return {
        item["name"]: {"name": item["name"], "verified": bool(item.get("verified", held.get(item["name"], False)))}
        for item in domains or []
    }


def _names(domains: Any) -> list[str]:
    return sorted(f"{item['name']}{' (verified)' if item.get('verified') else ''}" for item in domains or [])
