# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Does everything that the document refers to exist, or stand in the document itself? Pure.

Asked before the first write, so that a misspelt name is not found halfway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import admin_permissions
from .admin_permissions import role_key
from .compare import as_list, structure
from .document import AUTHORIZATION, AUTHORIZATION_LISTS, IDP_BINDINGS, OVERRIDES, Named, Wanted, role_keys
from .errors import DocumentError
from .flow_tree import unmarked
from .state import Live

Reference = tuple[str, str]  # what is named, and where


def check(live: Live, wanted: Wanted) -> None:
    """Raises one DocumentError that lists all names that lead nowhere."""
    known = {
        "client scope": live.scopes.keys() | wanted.scopes.keys(),
        "flow": {unmarked(alias) for alias in live.flows} | wanted.flows.keys(),
        "client": live.clients.keys() | wanted.clients.keys(),
        "role": {"/".join(key) for key in [*live.roles, *wanted.roles]},
        "group": live.groups.keys() | wanted.groups.keys(),
        "user": live.users.keys(),
        "organization": live.organizations.keys() | wanted.organizations.keys(),
        "admin policy": live.admin_policies.keys() | wanted.admin_policies.keys(),
        "authorization object": {*_authorization(live.authorization), *_authorization(wanted.authorization)},
    }
    named = {
        "client scope": _scopes(wanted),
        "flow": _flows(wanted),
        "client": [*_clients(wanted), *_administered(live, wanted, "clients")],
        "role": [
            *_roles(wanted),
            *(("/".join(role_key(name)), at) for name, at in _administered(live, wanted, "roles")),
        ],
        "group": _administered(live, wanted, "groups"),
        "user": _administered(live, wanted, "users"),
        "organization": _administered(live, wanted, "organizations"),
        "admin policy": _administered(live, wanted, "policies"),
        "authorization object": _permissions(wanted),
    }
    missing = [
        f"there is no {kind} {name if kind == 'group' else name.strip('/')!r} ({where})"
        for kind, references in named.items()
        for name, where in _distinct(references)
        if name not in known[kind]
    ]
    if missing:
        raise DocumentError(
            "; ".join(missing),
            f"realm {wanted.realm}",
            "Correct the names, or add what is missing. Nothing was written",
        )


def _distinct(references: Iterable[Reference]) -> Iterable[Reference]:
    return dict.fromkeys(references)


def _scopes(wanted: Wanted) -> Iterator[Reference]:
    for which, names in wanted.default_scopes.items():
        for name in names:
            yield name, f"default{which}ClientScopes"
    for client, item in wanted.clients.items():
        for key in ("defaultClientScopes", "optionalClientScopes"):
            for name in as_list(item.get(key)):
                yield name, f"clients[{client}].{key}"
    for holder, name, _ in wanted.scope_mappings:
        if holder == "clientScope":
            yield name, "scopeMappings"


def _flows(wanted: Wanted) -> Iterator[Reference]:
    bound = [(alias, key) for key, alias in wanted.bindings.items()]
    bound += [
        (item.get(key), f"identityProviders[{name}].{key}")
        for name, item in wanted.idps.items()
        for key in IDP_BINDINGS
    ]
    for name, item in wanted.clients.items():
        for key, alias in (item.get(OVERRIDES) or {}).items():
            bound.append((alias, f"clients[{name}].{OVERRIDES}.{key}"))
    yield from (reference for reference in bound if reference[0])


def _clients(wanted: Wanted) -> Iterator[Reference]:
    for owner, _ in wanted.roles:
        if owner:
            yield owner, "roles.client"
    for holder, name, owner in wanted.scope_mappings:
        if holder == "client":
            yield name, "scopeMappings"
        if owner:
            yield owner, "clientScopeMappings"
    for path, owned in wanted.group_roles.items():
        for owner in owned:
            if owner:
                yield owner, f"groups[{path}].clientRoles"
    for name, roles in wanted.service_roles.items():
        for owner in roles.get("client") or {}:
            yield owner, f"clients[{name}].serviceAccountRoles"


def _roles(wanted: Wanted) -> Iterator[Reference]:
    """As `<owner>/<role>`; a role of the realm has no owner."""
    for (owner, name), role in wanted.roles.items():
        for member in sorted(role_keys(role.get("composites") or {})):
            yield "/".join(member), f"composites of role {f'{owner}/{name}'.strip('/')}"
    for path, owned in wanted.group_roles.items():
        for owner, roles in owned.items():
            for role_name in roles:
                yield f"{owner}/{role_name}", f"groups[{path}]"
    for name, service in wanted.service_roles.items():
        for member in sorted(role_keys(service)):
            yield "/".join(member), f"clients[{name}].serviceAccountRoles"
    for (_, name, owner), roles in wanted.scope_mappings.items():
        for role_name in roles:
            yield f"{owner}/{role_name}", f"scopeMappings of {name}"


def _authorization(clients: Named) -> Iterator[str]:
    """`<client>/<list>/<name>` of everything in the authorization settings of clients."""
    for client, settings in clients.items():
        for key in AUTHORIZATION_LISTS:
            for item in settings.get(key) or []:
                yield f"{client}/{key}/{item['name']}"


def _permissions(wanted: Wanted) -> Iterator[Reference]:
    """The same of what permissions build on."""
    for client, settings in wanted.authorization.items():
        for item in settings.get("policies") or []:
            for key, of in (("resources", "resources"), ("scopes", "scopes"), ("applyPolicies", "policies")):
                for name in as_list(structure((item.get("config") or {}).get(key))):
                    yield f"{client}/{of}/{name}", f"clients[{client}].{AUTHORIZATION}.policies[{item['name']}]"


def _administered(live: Live, wanted: Wanted, kind: str) -> Iterator[Reference]:
    """What policies and permissions of administrators are about. Ids of what is gone stay in them on the server."""
    held = {name for of, name, _ in admin_permissions.names(live.admin_policies, live.admin_permissions) if of == kind}
    return ((name, where) for of, name, where in wanted.admin_named if of == kind and name not in held)
