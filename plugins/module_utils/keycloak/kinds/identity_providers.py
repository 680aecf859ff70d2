# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Identity providers and their mappers.

A PUT replaces the whole provider and its whole config, so the live object is sent with the wanted
keys laid over it. The mask keeps the stored client secret; the fingerprint beside it says which one
that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..client import part
from ..compare import differences, filled, merged
from ..document import IDP_BINDINGS, Named, Wanted
from ..flow_tree import unmarked
from ..plan import Change, Key, change
from ..secrets import CHANGED, FINGERPRINT, MASK, PREFIX
from ..state import Live
from .base import Realm, Removable

MASKED = "config.clientSecret"
INSTANCES = "/identity-provider/instances"


class IdentityProviders(Removable):
    """Identity providers by alias."""

    name = "identity provider"
    section = "identityProviders"
    holds_people = True  # the links of users to it

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys, and the secret by its fingerprint."""
        for alias, item in wanted.idps.items():
            now = live.idps.get(alias, {})
            found = differences(item, now)
            secret, held = wanted.idp_secrets.get(alias), now.get("config") or {}
            if secret and not secret.stored(alias, held.get(FINGERPRINT), held.get("clientSecret")):
                found[MASKED] = CHANGED
            yield from change(self.name, alias, found, alias in live.idps)

    def apply(self, realm: Realm, change: Change) -> None:
        """Sends the whole provider; the fingerprint goes with the secret that it stands for."""
        alias, client = change.name, realm.client
        now, secret = realm.live.idps.get(alias, {}), realm.wanted.idp_secrets.get(alias)
        body = merged(now, realm.wanted.idps[alias])
        config = {key: value for key, value in body["config"].items() if value != ""}
        if secret:
            config["clientSecret"] = secret.reveal() if change.touches(MASKED) else MASK
            config[FINGERPRINT] = secret.fingerprint(alias)
        body["config"] = config
        if now:
            client.put(f"{INSTANCES}/{part(alias)}", body)
            return

        def find() -> str | None:
            return next((item["internalId"] for item in client.get(INSTANCES) if item["alias"] == alias), None)

        client.create(INSTANCES, body, find)

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their aliases."""
        return wanted.idps

    def there(self, live: Live) -> Iterable[Key]:
        """Their aliases."""
        return live.idps

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the provider with its mappers and the links of users to it."""
        realm.client.delete(f"{INSTANCES}/{part(key)}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Providers with their mappers, and a name for the secret."""
        return {"identityProviders": [_described(live, alias, item) for alias, item in live.idps.items()]}


def _described(live: Live, alias: str, item: Named) -> Named:
    found = filled(item, "internalId", "types", "organizationId", "config", *IDP_BINDINGS)
    found.update({key: unmarked(item[key]) for key in IDP_BINDINGS if item.get(key)})
    found["config"] = {key: value for key, value in (item.get("config") or {}).items() if key != FINGERPRINT}
    if found["config"].get("clientSecret"):
        found["config"]["clientSecret"] = f"{PREFIX}identityProviders/{alias}"
    mappers = [filled(one, "id", "identityProviderAlias") for key, one in live.idp_mappers.items() if key[0] == alias]
    return {**found, "mappers": sorted(mappers, key=lambda one: str(one["name"]))} if mappers else found


class IdentityProviderMappers(Removable):
    """Mappers, named `<alias>/<mapper>`."""

    name = "identity provider mapper"
    section = "identityProviders"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys."""
        for key, item in wanted.idp_mappers.items():
            yield from change(self.name, key, differences(item, live.idp_mappers.get(key, {})), key in live.idp_mappers)

    def apply(self, realm: Realm, change: Change) -> None:
        """Sends the whole mapper."""
        alias, name = change.key
        now, path = realm.live.idp_mappers.get(change.key, {}), f"{INSTANCES}/{part(alias)}/mappers"
        body = {**merged(now, realm.wanted.idp_mappers[change.key]), "identityProviderAlias": alias}
        if now:
            realm.client.put(f"{path}/{now['id']}", body)
            return

        def find() -> str | None:
            return next((item["id"] for item in realm.client.get(path) if item["name"] == name), None)

        realm.client.create(path, body, find)

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """(alias, mapper)."""
        return wanted.idp_mappers

    def there(self, live: Live) -> Iterable[Key]:
        """(alias, mapper)."""
        return live.idp_mappers

    def owner(self, key: Key) -> tuple[str, Key]:
        """The provider."""
        return IdentityProviders.name, key[0]

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes one mapper."""
        realm.client.delete(f"{INSTANCES}/{part(key[0])}/mappers/{realm.live.idp_mappers[key]['id']}")
