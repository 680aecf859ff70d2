# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""User federation (LDAP) and its mappers: components whose config values are lists of texts.

A PUT keeps config keys that are absent, so the bind password is sent only when its fingerprint differs.
Creating an LDAP provider makes Keycloak add a set of default mappers; those are adopted by name.
"""

from __future__ import annotations

from typing import Iterable

from ..compare import differences, merged
from ..document import Wanted
from ..plan import Change, change
from ..secrets import FINGERPRINT
from ..state import FEDERATION, FEDERATION_MAPPER, Live
from .base import Kind, Realm
from .realm_settings import store_fingerprint

SECRET = "config.bindCredential"


def _place(name: str) -> str:
    return f"ldap.{name}"


class UserFederation(Kind):
    name = "user federation"
    parallel = False  # each writes its fingerprint into the attributes of the realm

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for name, item in wanted.federation.items():
            now = live.federation.get(name, {})
            config = {key: value for key, value in item["config"].items() if key != "bindCredential"}
            found = differences({**item, "config": config}, now)
            secret = item["config"].get("bindCredential")
            if secret:
                held = live.attributes.get(f"{FINGERPRINT}.{_place(name)}")
                if held != secret.fingerprint(_place(name)) or not (now.get("config") or {}).get("bindCredential"):
                    found[SECRET] = ("(a secret)" if now else None, "(changed)")
            yield from change(self.name, name, found, name in live.federation)

    def apply(self, realm: Realm, change: Change) -> None:
        live, wanted, name = realm.live, realm.wanted.federation[change.name], change.name
        secret = wanted["config"].get("bindCredential")
        config = {key: value for key, value in wanted["config"].items() if key != "bindCredential"}
        if change.touches(SECRET):
            config["bindCredential"] = [secret.reveal()]
        now = live.federation.get(name)
        body = {
            "name": name,
            **{key: value for key, value in wanted.items() if key != "config"},
            "providerType": FEDERATION,
            "parentId": live.id,
            "config": config,
        }
        if now:
            realm.client.put(f"/components/{now['id']}", {**body, "id": now["id"]})
        else:
            new = realm.client.create("/components", body, lambda: _find(realm, name, live.id))
            live.federation[name] = {"name": name, "id": new}
            made = realm.client.get("/components", parent=new, type=FEDERATION_MAPPER)
            live.federation_mappers.update({(name, item["name"]): item for item in made})
        if change.touches(SECRET):  # last: if this fails the password is simply written again
            store_fingerprint(realm, _place(name), secret.fingerprint(_place(name)))


class FederationMappers(Kind):
    """Named `<provider>/<mapper>`."""

    name = "user federation mapper"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for (owner, name), item in wanted.federation_mappers.items():
            now = live.federation_mappers.get((owner, name))
            yield from change(self.name, f"{owner}/{name}", differences(item, now or {}), now is not None)

    def apply(self, realm: Realm, change: Change) -> None:
        owner, name = next(key for key in realm.wanted.federation_mappers if "/".join(key) == change.name)
        parent = realm.live.federation[owner]["id"]
        now = realm.live.federation_mappers.get((owner, name))
        body = {**merged(now or {}, realm.wanted.federation_mappers[owner, name]), "parentId": parent}
        body.update(providerType=FEDERATION_MAPPER, name=name)
        if now:
            body["config"] = {key: value for key, value in body["config"].items()}
            realm.client.put(f"/components/{now['id']}", body)
        else:
            realm.client.create("/components", body, lambda: _find(realm, name, parent))


def _find(realm: Realm, name: str, parent: str) -> str:
    found = realm.client.get("/components", parent=parent, name=name)
    return next((item["id"] for item in found if item["name"] == name), "")
