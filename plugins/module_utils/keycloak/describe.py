# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The live realm as a document: the inverse of planning. Pure.

Each kind describes its own objects in the form in which the document takes them. What comes with a new realm and
was not changed is left out (see fresh_realm.py), and so is what only this tool writes. A secret is named and
never shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .admin_permissions import LISTS as POLICIES
from .compare import EMPTY, same
from .document import OPENID, SECTIONS
from .fresh_realm import CLIENT, REALM
from .kinds import KINDS
from .secrets import PREFIX
from .state import Live

NATURAL_NAMES = ("clientId", "alias", "name", "client", "clientScope")


def describe(live: Live) -> dict[str, Any]:
    """The document; applied to the realm that it describes it changes nothing."""
    name = live.realm["realm"]
    fresh = json.loads(REALM.replace("{realm}", name))
    document: dict[str, Any] = {}
    for kind in KINDS:
        for section, content in kind.describe(live).items():
            if section in document and isinstance(content, dict):
                document[section].update(content)
            elif content not in (*EMPTY, {}) or section in fresh:
                document[section] = content
    found = trimmed(document, fresh)
    built_in = {client["clientId"] for client in fresh.get("clients") or []}
    for client in found.get("clients") or []:
        if client["clientId"] not in built_in and client.get("protocol") == OPENID:
            for key in [key for key, value in CLIENT.items() if key in client and same(client[key], value)]:
                del client[key]
    order = [*(key for key in found if key not in SECTIONS), *(key for key in SECTIONS if key in found)]
    return {"realm": name, "enabled": bool(live.realm.get("enabled")), **{key: found[key] for key in order}}


def trimmed(value: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """`value` without what `fresh` has just so; an object that differs keeps its name and what differs."""
    found = {}
    for key, item in value.items():
        if key not in fresh:
            found[key] = item
        elif not _equal(item, fresh[key]):
            rest = _part(item, fresh[key])
            if rest not in ({}, []) or item == rest:
                found[key] = rest
    return found


def _part(item: Any, fresh: Any) -> Any:
    if isinstance(item, Mapping) and isinstance(fresh, Mapping):
        return trimmed(item, fresh)
    if _named(item) and _named(fresh):
        known = {_name(one): one for one in fresh}
        return [
            {**_identity(one), **rest}
            for one in item
            for rest in [trimmed(one, known[_name(one)]) if _name(one) in known else one]
            if rest
        ]
    return item


def _equal(one: Any, other: Any) -> bool:
    """Equal, lists of named objects in any order."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if _named(one) and _named(other):
        known = {_name(item): item for item in other}
        return len(one) == len(other) and all(_equal(item, known.get(_name(item))) for item in one)
    return same(one, other)


def _named(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) and _identity(item) for item in value)
    )


def _identity(item: Mapping[str, Any]) -> dict[str, Any]:
    """What an object keeps when the rest of it is as usual: its name, and the protocol that would be guessed."""
    name = next(({key: item[key]} for key in NATURAL_NAMES if key in item), {})
    return {**name, **{key: item[key] for key in ("protocol",) if name and key in item}}


def _name(item: Mapping[str, Any]) -> Any:
    return next(iter(_identity(item).items()))


def secrets_in(value: Any) -> list[str]:
    """Names of the secrets that a document refers to."""
    if isinstance(value, Mapping):
        return sorted({name for item in value.values() for name in secrets_in(item)})
    if isinstance(value, list):
        return sorted({name for item in value for name in secrets_in(item)})
    return [value[len(PREFIX) :]] if isinstance(value, str) and value.startswith(PREFIX) else []


def left_out(live: Live) -> list[str]:
    """What the realm has and a document cannot say."""
    return sorted(_unsaid(live))


def _unsaid(live: Live) -> Iterable[str]:
    for name, item in live.admin_policies.items():
        if item["type"] not in {*POLICIES, "time"}:
            yield f"adminPermissions.policies[{name}]"
    for provider in live.realm.get("components") or {}:
        if provider not in KNOWN_COMPONENTS:
            yield f"components[{provider}]"


KNOWN_COMPONENTS = {
    "org.keycloak.storage.UserStorageProvider",
    "org.keycloak.keys.KeyProvider",
    "org.keycloak.userprofile.UserProfileProvider",
    "org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy",  # as in every new realm
}
