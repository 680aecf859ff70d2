# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Comparing what is wanted with what Keycloak returns; pure functions on plain data.

Only keys that the wanted side names are looked at. Keycloak returns `true` as "true" inside config
and attributes, leaves out what is empty, and returns most lists in no stable order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

EMPTY: tuple[Any, ...] = (None, "", [])
Differences = dict[str, Any]  # {dotted field: (before, after)}


def text(value: Any) -> str:
    """A scalar as Keycloak stores it in config and attributes; structures become compact JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def same(wanted: Any, live: Any) -> bool:
    """Equal but for type of scalars, order of scalar lists, and empty against absent."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and not differences(wanted, live)
    if wanted in EMPTY and live in EMPTY:
        return True
    if isinstance(wanted, list) or isinstance(live, list):
        left, right = as_list(wanted), as_list(live)
        if any(isinstance(item, (dict, list)) for item in left + right):
            return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right))
        return sorted(map(text, left)) == sorted(map(text, right))
    return text(wanted) == text(live)


def structure(value: Any) -> Any:
    """What `text` made of a list or mapping; other values as they are."""
    try:
        found = json.loads(value)
    except (TypeError, ValueError):
        return value
    return found if isinstance(found, (list, dict)) else value


def as_list(value: Any) -> list[Any]:
    """A list of a list, of one scalar, or of nothing."""
    return [] if value is None else list(value) if isinstance(value, (list, tuple, set)) else [value]


def differences(wanted: Mapping[str, Any], live: Mapping[str, Any], under: str = "") -> Differences:
    """{field: (before, after)} of the keys of `wanted` that differ; mappings are compared key by key."""
    found: Differences = {}
    for key, value in wanted.items():
        field, now = f"{under}{key}", live.get(key)
        if isinstance(value, Mapping) and value and (isinstance(now, Mapping) or now is None):
            found.update(differences(value, now or {}, f"{field}."))
        elif not same(value, now):
            found[field] = (now, value)
    return found


def named_differences(wanted: list[Any], live: list[Any], under: str, key: str = "name") -> Differences:
    """The same for two lists of named objects; objects that only `live` has are left alone."""
    found: Differences = {}
    by_name = {item[key]: item for item in live}
    for item in wanted:
        now = by_name.get(item[key])
        if now is None:
            found[f"{under}[{item[key]}]"] = (None, item)
        else:
            found.update(differences(item, now, f"{under}[{item[key]}]."))
    return found


def merged(live: Any, wanted: Any) -> Any:
    """`live` with the keys of `wanted` laid over it at every level; a null removes the key."""
    if not isinstance(wanted, Mapping):
        return wanted
    result = dict(live) if isinstance(live, Mapping) else {}
    for key, value in wanted.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def merged_by_name(live: list[Any], wanted: list[Any], key: str = "name") -> list[Any]:
    """`merged` for lists of named objects: order of `live`, new ones at the end."""
    by_name = {item[key]: item for item in wanted}
    known = {item[key] for item in live}
    return [merged(item, by_name.get(item[key], {})) for item in live] + [
        merged({}, item) for item in wanted if item[key] not in known
    ]


def texts(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config or attributes mapping in Keycloak's form: text values, null kept as the sign to remove."""
    return {key: None if value is None else text(value) for key, value in config.items()}


def lists(config: Mapping[str, Any]) -> dict[str, Any]:
    """The same for components, groups and roles, where every value is a list of texts."""
    return {key: [text(item) for item in as_list(value)] for key, value in config.items()}


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of lists with single values taken out of their lists: what people write."""
    return {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in config.items()}


def filled(item: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """The keys of an object that have a value, but for some."""
    return {key: value for key, value in item.items() if key not in without and value not in (*EMPTY, {})}


def top_level(found: Differences) -> set[Any]:
    """The first names of dotted fields: which keys of the object must be sent."""
    return {field.split(".", 1)[0].split("[", 1)[0] for field in found}
