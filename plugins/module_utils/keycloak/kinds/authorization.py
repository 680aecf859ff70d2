# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Authorization services of a client: its resources, scopes, policies and permissions.

One import brings them to what is wanted and leaves other ones alone; nothing is removed here. Measured on 26.7.5: an import
sets what an entry, or the settings themselves, leave out back to Keycloak's default, changes a resource only if its `_id`
is given, and silently drops roles and groups that do not exist. So what is there is sent along, and the result read back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..compare import EMPTY, Differences, differences, filled, merged, named_differences, plain, structure, text
from ..document import AUTHORIZATION, AUTHORIZATION_LISTS, Named, Wanted
from ..errors import KeycloakError
from ..plan import Change, change
from ..state import EVERY, Live
from .base import Kind, Realm

USUAL = {"allowRemoteResourceManagement": True, "policyEnforcementMode": "ENFORCING", "decisionStrategy": "UNANIMOUS"}


class Authorization(Kind):
    """Settings by clientId."""

    name = "authorization"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys, and the entries of the lists by name."""
        for client, item in wanted.authorization.items():
            yield from change(self.name, client, _differences(item, live.authorization.get(client, {})))

    def apply(self, realm: Realm, change: Change) -> None:
        """Sends what is wanted laid over what is there, and looks whether Keycloak took it."""
        client, now = realm.client, realm.live.authorization.get(change.key, {})
        wanted, owner = realm.wanted.authorization[change.key], realm.live.client_id(change.key)
        base = f"/clients/{owner}/authz/resource-server"
        ids = {}
        if now.get("resources") and change.touches("resources"):
            listed = client.get(f"{base}/resource", first=0, max=EVERY)
            ids = {item["name"]: {"_id": item["_id"]} for item in listed if item["owner"]["id"] == owner}
        client.post(f"{base}/import", _body(wanted, now, ids))
        refused = _differences(wanted, client.get(f"{base}/settings"))
        if refused:
            raise KeycloakError(
                f"Keycloak did not take {', '.join(sorted(refused))}",
                f"clients[{change.key}].{AUTHORIZATION}",
                "Does all exist that is named there? A policy cannot change its type",
            )


def _differences(wanted: Named, live: Named) -> Differences:
    want, now = _comparable(wanted), _comparable(live)
    found = differences({key: value for key, value in want.items() if key not in AUTHORIZATION_LISTS}, now)
    for key in sorted(AUTHORIZATION_LISTS & want.keys()):
        found.update(named_differences(want[key], now.get(key) or [], key))
    return found


def _comparable(settings: Named) -> Named:
    """Settings without the order of what has none."""
    return {
        key: [_entry(item) for item in value or []] if key in AUTHORIZATION_LISTS else value
        for key, value in settings.items()
    }


def _entry(item: Named) -> Named:
    found = dict(item)
    if "config" in found:
        found["config"] = {key: _unordered(structure(value)) for key, value in found["config"].items()}
    if "scopes" in found:
        found["scopes"] = sorted(scope["name"] for scope in found["scopes"])
    return found


def _unordered(value: Any) -> Any:
    """A list in order, its objects without the flags that are false: Keycloak adds those."""
    if not isinstance(value, list):
        return value
    return sorted(
        text({key: item for key, item in sorted(one.items()) if item is not False})
        if isinstance(one, dict)
        else text(one)
        for one in value
    )


def _body(wanted: Named, now: Named, ids: Named) -> Named:
    body = {key: value for key, value in now.items() if key not in AUTHORIZATION_LISTS}
    for key, value in wanted.items():
        if key not in AUTHORIZATION_LISTS:
            body[key] = value
            continue
        held = {item["name"]: item for item in now.get(key) or []}
        known = ids if key == "resources" else {}
        body[key] = [{**merged(held.get(one["name"]), one), **known.get(one["name"], {})} for one in value]
    return body


def described(settings: Named) -> Named:
    """The document's form of what differs from a client that just got its authorization services."""
    found: Named = {}
    for key, value in settings.items():
        if key in AUTHORIZATION_LISTS and value:
            found[key] = [_described(item) for item in value]
        elif value not in EMPTY and value != USUAL.get(key):
            found[key] = value
    return found


def _described(item: Named) -> Named:
    found = dict(item)
    if item.get("config"):
        found["config"] = {key: structure(value) for key, value in item["config"].items()}
    if item.get("attributes"):
        found["attributes"] = plain(item["attributes"])
    if item.get("scopes"):
        found["scopes"] = [scope["name"] for scope in item["scopes"]]
    return filled(found)
