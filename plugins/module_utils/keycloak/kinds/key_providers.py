# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Key providers: components that hold or make the keys of the realm.

Rotation is three documents, each applied in its time: a new provider of higher `priority`; when every session that the
old key signed has ended, the old one with `active: false`, which still verifies; later the old one left out, which with
`prune` removes it. A private key or a keystore password is masked on reads: its fingerprint is an attribute of the realm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..compare import as_list, differences, plain
from ..document import KEY_SECRETS, Named, Wanted
from ..plan import Change, Key, change
from ..secrets import CHANGED, FINGERPRINT, PREFIX
from ..state import KEYS, Live
from .base import Realm, Removable
from .realm_settings import with_fingerprint


def _place(name: str, key: str) -> str:
    return f"key.{name}.{key}"


class KeyProviders(Removable):
    """Key providers by name."""

    name = "key provider"
    section = "keyProviders"
    parallel = False  # each may write fingerprints into the attributes of the realm

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys, and secrets by their fingerprints."""
        for name, item in wanted.keys.items():
            now = live.keys.get(name, {})
            found = differences(item, now)
            for key, secret in wanted.key_secrets.get(name, {}).items():
                held = live.attributes.get(f"{FINGERPRINT}.{_place(name, key)}")
                if not secret.stored(_place(name, key), held, (now.get("config") or {}).get(key)):
                    found[f"config.{key}"] = CHANGED
            yield from change(self.name, name, found, name in live.keys)

    def apply(self, realm: Realm, change: Change) -> None:
        """Writes the provider, then the fingerprints; config keys that are not sent are kept."""
        client, live, name = realm.client, realm.live, change.name
        secrets = {
            key: secret
            for key, secret in realm.wanted.key_secrets.get(name, {}).items()
            if change.touches(f"config.{key}")
        }
        body = {**realm.wanted.keys[name], "providerType": KEYS, "parentId": live.id}
        body["config"] = {**body["config"], **{key: [secret.reveal()] for key, secret in secrets.items()}}
        if "privateKey" in secrets:  # the certificate of the old key would be refused; without one a new one is made
            body["config"] = {"certificate": [], **body["config"]}
        now = live.keys.get(name)
        if now:
            client.put(f"/components/{now['id']}", {"providerId": now["providerId"], **body, "id": now["id"]})
        else:

            def find() -> str | None:
                found = client.get("/components", parent=live.id, type=KEYS, name=name)
                return next((item["id"] for item in found if item["name"] == name), None)

            client.create("/components", body, find)
        if secrets:
            attributes = live.attributes
            for key, secret in secrets.items():
                attributes = with_fingerprint(attributes, _place(name, key), secret)
            client.put("", {"attributes": attributes})
            live.realm["attributes"] = attributes

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their names."""
        return wanted.keys

    def there(self, live: Live) -> Iterable[Key]:
        """Their names."""
        return live.keys

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Not a key that still signs: tokens that it signed could not be verified any more."""
        config = live.keys[key].get("config") or {}
        passive = {"active", "enabled"} & {name for name in config if as_list(config[name]) == ["false"]}
        return "" if passive else "it is in use: first name it with active false, until all it signed has expired"

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the provider and its key."""
        realm.client.delete(f"/components/{realm.live.keys[key]['id']}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Providers with plain values; what is masked is a secret."""
        return {"keyProviders": [_described(name, item) for name, item in live.keys.items()]}


def _described(name: str, item: Named) -> Named:
    config = plain(item.get("config") or {})
    secrets = {key: f"{PREFIX}keyProviders/{name}/{key}" for key in KEY_SECRETS if config.get(key)}
    return {"name": name, "providerId": item["providerId"], "config": {**config, **secrets}}
