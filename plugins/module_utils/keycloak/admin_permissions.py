# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Fine-grained permissions of administrators: from a document, from a server, and back. Pure.

In between both have one form: names in place of ids, lists in order. Measured on 26.7.5: policies and permissions are kept
in the client `admin-permissions` and share their names; a permission for one object has that object's id as the name of
its resource, one for all objects the name of their type; its decision is always unanimous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .compare import as_list, filled, structure, text
from .errors import DocumentError

SECTION = "adminPermissions"
Named = dict[str, Any]
SCOPES = {
    "Clients": {"manage", "map-roles", "map-roles-client-scope", "map-roles-composite", "view"},
    "Groups": {
        "impersonate-members",
        "manage",
        "manage-members",
        "manage-membership",
        "manage-membership-of-members",
        "view",
        "view-members",
    },
    "Organizations": {"manage", "view"},
    "Roles": {"map-role", "map-role-client-scope", "map-role-composite"},
    "Users": {"impersonate", "manage", "manage-group-membership", "map-roles", "reset-password", "view"},
}
TIMES = {  # in the document, and in the config of a policy
    "notBefore": "nbf",
    "notOnOrAfter": "noa",
    **{key: key for key in ("dayMonth", "dayMonthEnd", "month", "monthEnd", "hour", "hourEnd", "minute", "minuteEnd")},
}
LISTS = {"group": "groups", "role": "roles", "user": "users", "client": "clients", "aggregate": "policies"}
FLAGGED = {"groups": ("path", "extendChildren"), "roles": ("name", "required")}  # name and flag of an entry
MORE = {"group": {"groupsClaim"}, "role": {"fetchRoles"}, "time": set(TIMES)}
COMMON = {"name", "type", "description", "logic", "decisionStrategy"}
USUAL = {"logic": "POSITIVE", "decisionStrategy": "UNANIMOUS"}
PERMISSIONS = ("scope", "resource")  # the types that are no policies


# From a document.


def policy(item: Named, where: str) -> Named:
    """A policy in the common form; refuses what it cannot be."""
    kind = item.get("type")
    if kind not in {*LISTS, "time"}:
        raise DocumentError(f"the type {kind!r} is not handled", where, f"One of {', '.join(sorted((*LISTS, 'time')))}")
    listed = LISTS.get(kind)
    _refuse_others(item, COMMON | MORE.get(kind, set()) | ({listed} if listed else set()), where)
    if (listed and not as_list(item.get(listed))) or (not listed and not TIMES.keys() & item.keys()):
        raise DocumentError(f"a policy of type {kind} needs {listed or 'a time'}", where, "Keycloak takes none without")
    found: Named = {key: value if value is None else text(value) for key, value in item.items() if key != listed}
    if listed:
        found[listed] = _in_order([_entry(one, listed, where) for one in as_list(item[listed])])
    return found


def permission(item: Named, where: str) -> Named:
    """A permission in the common form; refuses what it cannot be."""
    kind = item.get("resourceType")
    _refuse_others(item, {"name", "description", "logic", "resourceType", "scopes", "policies", "resources"}, where)
    if kind not in SCOPES:
        raise DocumentError(f"the resourceType is {kind!r}", where, f"One of {', '.join(SCOPES)}")
    unknown = sorted(set(as_list(item.get("scopes"))) - SCOPES[kind])
    if unknown or not as_list(item.get("scopes")):
        raise DocumentError(
            f"unknown scopes {unknown}" if unknown else "it has no scopes",
            where,
            f"{kind} have {', '.join(sorted(SCOPES[kind]))}",
        )
    if not as_list(item.get("policies")):
        raise DocumentError("it has no policies", where, "Without one nobody has it")
    lists: Named = {
        key: sorted(map(text, as_list(item[key]))) for key in ("scopes", "policies", "resources") if key in item
    }
    return {**item, **lists}


def _refuse_others(item: Named, known: set[str], where: str) -> None:
    unknown = sorted(set(item) - known)
    if unknown:
        raise DocumentError(f"keys {unknown} are not handled", where, f"Known: {', '.join(sorted(known))}")


def _entry(one: Any, listed: str, where: str) -> Any:
    """An entry of a policy's list; a name alone stands for one whose flag is off."""
    if listed not in FLAGGED:
        return text(one)
    key, flag = FLAGGED[listed]
    entry = dict(one) if isinstance(one, Mapping) else {key: one}
    if set(entry) - {key, flag} or not entry.get(key):
        raise DocumentError(f"an entry of {listed} is no {key}", where, f"Give a {key}, or {key} and {flag}")
    return {key: text(entry[key]), flag: text(entry.get(flag, False)) == "true"}


def _in_order(entries: Iterable[Any]) -> list[Any]:
    return sorted(entries, key=text)


def names(policies: Named, permissions: Named) -> Iterator[tuple[str, str, str]]:
    """(groups|roles|clients|users|organizations|policies, name, where) of everything that is referred to."""
    for title, item in policies.items():
        for listed in LISTS.values():
            for one in item.get(listed) or []:
                name = one[FLAGGED[listed][0]] if listed in FLAGGED else one
                yield listed, name, f"{SECTION}.policies[{title}]"
    for title, item in permissions.items():
        where = f"{SECTION}.permissions[{title}]"
        yield from (("policies", name, where) for name in item["policies"])
        yield from ((item["resourceType"].lower(), name, where) for name in item.get("resources") or [])


def role_key(name: str) -> tuple[str, str]:
    """(owning client, role) of `clientId/role`; a role of the realm is a name alone."""
    owner, _, role = name.rpartition("/")
    return owner, role


# From a server, and back to one.


def from_server(item: Named, used: list[Named], known: Mapping[str, str]) -> Named:
    """A policy or permission in the common form, with its id. `used` are policies it refers to, `known` is names by id."""

    def named(one: str) -> str:
        return known.get(one, one)

    kind, config = item["type"], item.get("config") or {}
    found = {key: item[key] for key in ("id", *sorted(COMMON)) if item.get(key) is not None}
    if kind in PERMISSIONS:
        found["resourceType"] = item.get("resourceType") or config.get("defaultResourceType")
        found["scopes"] = sorted(scope["name"] for scope in item.get("scopesData") or [])
        resources = [resource["name"] for resource in item.get("resourcesData") or []]
        found["resources"] = sorted(named(one) for one in resources if one != found["resourceType"])
        found = {key: value for key, value in found.items() if key not in {"type", "decisionStrategy"}}
    if kind in PERMISSIONS or kind == "aggregate":
        found["policies"] = sorted(one["name"] for one in used)
    elif kind == "time":
        found.update({key: config[held] for key, held in TIMES.items() if held in config})
    elif kind in LISTS:
        listed = LISTS[kind]
        found[listed] = _in_order(_named_entry(one, listed, named) for one in structure(config.get(listed)) or [])
        found.update({key: config[key] for key in MORE.get(kind, ()) if key in config})
    return found


def _named_entry(one: Any, listed: str, named: Callable[[str], str]) -> Any:
    if listed not in FLAGGED:
        return named(one)
    key, flag = FLAGGED[listed]
    return {key: named(one["id"]), flag: bool(one.get(flag))}


def to_server(item: Named, kind: str, identify: Callable[[str, str], str]) -> Named:
    """The body of a request. `identify(list, name)` gives the id of what an entry names; policies go by name."""
    body = {key: value for key, value in item.items() if key not in {"id", "type"}}
    if kind in PERMISSIONS:
        body["resources"] = [identify(item["resourceType"].lower(), one) for one in item.get("resources") or []]
        return body
    listed = LISTS.get(kind)
    if listed in FLAGGED:
        key, flag = FLAGGED[listed]
        body[listed] = [{"id": identify(listed, one[key]), flag: one[flag]} for one in item[listed]]
    elif listed and listed != "policies":
        body[listed] = [identify(listed, one) for one in item[listed]]
    return body


def described(item: Named) -> Named:
    """The document's form: without ids, and without what goes without saying."""
    found = filled(item, "id")
    for listed, (key, flag) in FLAGGED.items():
        if listed in found:
            found[listed] = [one if one[flag] else one[key] for one in found[listed]]
    return {key: value for key, value in found.items() if value != USUAL.get(key)}
