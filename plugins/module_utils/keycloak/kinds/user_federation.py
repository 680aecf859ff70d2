# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""User federation (LDAP) and its mappers: components whose config values are lists of texts.

A PUT keeps config keys that are absent, so the bind password is sent only when its fingerprint differs.
The fingerprint is an attribute of the realm: unknown keys of this config are not returned.
When an LDAP provider is created Keycloak adds a set of default mappers; those are adopted by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..compare import differences, filled, plain
from ..document import Named, Wanted
from ..plan import Change, Key, change
from ..secrets import CHANGED, FINGERPRINT, PREFIX
from ..state import FEDERATION, FEDERATION_MAPPER, Live
from .base import Realm, Removable
from .realm_settings import with_fingerprint

MASKED = "config.bindCredential"
BUILT_IN = {
    "username",
    "first name",
    "last name",
    "email",
    "creation date",
    "modify date",
    "Kerberos principal attribute mapper",
    "MSAD account controls",
}


def _place(name: str) -> str:
    return f"ldap.{name}"


class UserFederation(Removable):
    """Providers by name."""

    name = "user federation"
    section = "userFederation"
    holds_people = True  # all users that came from it
    parallel = False  # each writes its fingerprint into the attributes of the realm

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys, and the bind password by its fingerprint."""
        for name, item in wanted.federation.items():
            now = live.federation.get(name, {})
            found = differences(item, now)
            secret, held = wanted.bind_secrets.get(name), live.attributes.get(f"{FINGERPRINT}.{_place(name)}")
            if secret and not secret.stored(_place(name), held, (now.get("config") or {}).get("bindCredential")):
                found[MASKED] = CHANGED
            yield from change(self.name, name, found, name in live.federation)

    def apply(self, realm: Realm, change: Change) -> None:
        """Writes the provider, then the fingerprint: if that fails, the password is simply written again."""
        client, live, name = realm.client, realm.live, change.name
        secret = realm.wanted.bind_secrets.get(name) if change.touches(MASKED) else None
        body = {**realm.wanted.federation[name], "providerType": FEDERATION, "parentId": live.id}
        if secret:
            body["config"] = {**body["config"], "bindCredential": [secret.reveal()]}
        if name in live.federation:
            now = live.federation[name]["id"]
            client.put(f"/components/{now}", {**body, "id": now})
        else:
            new = client.create("/components", body, lambda: _find(realm, name, live.id))
            live.federation[name] = {"name": name, "id": new}
            made = client.get("/components", parent=new, type=FEDERATION_MAPPER)
            live.federation_mappers.update({(name, item["name"]): item for item in made})
        if secret:
            attributes = with_fingerprint(live.attributes, _place(name), secret)
            client.put("", {"attributes": attributes})
            live.realm["attributes"] = attributes

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their names."""
        return wanted.federation

    def there(self, live: Live) -> Iterable[Key]:
        """Their names."""
        return live.federation

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the provider, and with it every user that came from it."""
        realm.client.delete(f"/components/{realm.live.federation[key]['id']}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Providers with their mappers and plain values, and a name for the password."""
        return {"userFederation": [_described(live, name, item) for name, item in live.federation.items()]}


def _described(live: Live, name: str, item: Named) -> Named:
    config = plain(item.get("config") or {})
    if config.get("bindCredential"):
        config["bindCredential"] = f"{PREFIX}userFederation/{name}"
    mappers = [
        {"name": mapper["name"], "providerId": mapper["providerId"], "config": plain(mapper.get("config") or {})}
        for (owner, _), mapper in live.federation_mappers.items()
        if owner == name
    ]
    mappers.sort(key=lambda one: str(one["name"]))
    return {"name": name, "providerId": item["providerId"], "config": config, **filled({"mappers": mappers})}


class FederationMappers(Removable):
    """Mappers, named `<provider>/<mapper>`."""

    name = "user federation mapper"
    section = "userFederation"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys."""
        for key, item in wanted.federation_mappers.items():
            have = live.federation_mappers
            yield from change(self.name, key, differences(item, have.get(key, {})), key in have)

    def apply(self, realm: Realm, change: Change) -> None:
        """Sends the named keys; what came with the provider is there by now, whatever the plan said."""
        owner, name = change.key
        parent = realm.live.federation[owner]["id"]
        now = realm.live.federation_mappers.get(change.key)
        body = {**realm.wanted.federation_mappers[change.key], "providerType": FEDERATION_MAPPER, "parentId": parent}
        if now:
            body = {"providerId": now["providerId"], **body, "id": now["id"]}
            realm.client.put(f"/components/{now['id']}", body)
        else:
            realm.client.create("/components", body, lambda: _find(realm, name, parent))

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """(provider, mapper)."""
        return wanted.federation_mappers

    def there(self, live: Live) -> Iterable[Key]:
        """(provider, mapper)."""
        return live.federation_mappers

    def owner(self, key: Key) -> tuple[str, Key]:
        """The provider."""
        return UserFederation.name, key[0]

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Not what Keycloak adds by itself: names and addresses of users would be gone."""
        return "it comes with Keycloak" if key[1] in BUILT_IN else ""

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes one mapper."""
        realm.client.delete(f"/components/{realm.live.federation_mappers[key]['id']}")


def _find(realm: Realm, name: str, parent: str) -> str:
    found = realm.client.get("/components", parent=parent, name=name)
    return next((item["id"] for item in found if item["name"] == name), "")
