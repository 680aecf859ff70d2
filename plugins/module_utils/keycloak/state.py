# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The live realm, read with few requests and only where the document looks.

One partial export without parameters holds the realm, identity providers and their mappers, client
scopes, flows, components, required actions and texts. Clients come in pages of 50, groups and roles
as lists: no request per client, identity provider or mapper. The larger exports take half a minute
on a cold server and are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

from . import admin_permissions, flow_tree, ownership
from .client import Client, part
from .compare import structure
from .document import IDP_BINDINGS, SECTIONS, Named, Wanted
from .errors import KeycloakError, RefusedError

PAGE = 50
EVERY = 10000  # children of a group: more than Keycloak lists by default
FEDERATION = "org.keycloak.storage.UserStorageProvider"
FEDERATION_MAPPER = "org.keycloak.storage.ldap.mappers.LDAPStorageMapper"
KEYS = "org.keycloak.keys.KeyProvider"
ADMIN_PERMISSIONS = "admin-permissions"  # a client of Keycloak's own, which shows no settings: it answers with 400
RoleKey = tuple[str, str]  # (owning client, or "" for the realm; name)


class Live:
    """What the server holds, by name. Kinds enter what they create, so that later kinds find its id."""

    def __init__(self, export: Named | None = None) -> None:
        export = export or {}
        self.realm: Named = export
        self.id: str = export.get("id", "")
        self.profile: Named = {}
        self.scopes: Named = {item["name"]: item for item in export.get("clientScopes") or []}
        self.clients: Named = {}
        self.roles: dict[RoleKey, Named] = {}
        self.members: dict[RoleKey, set[RoleKey]] = {}  # of composite roles
        self.scope_mappings: dict[tuple[str, str, str], list[str]] = {}  # keys as in Wanted
        self.service_roles: dict[str, set[RoleKey]] = {}  # of clients with a service account
        self.authorization: Named = {}  # by clientId
        self.admin_policies: Named = {}  # in the form of admin_permissions.py, like the next
        self.admin_permissions: Named = {}
        self.users: Named = {}  # those that policies name
        self.groups: Named = {}  # by path
        self.flows = flow_tree.from_export(export)
        self.required_actions: Named = {item["alias"]: item for item in export.get("requiredActions") or []}
        self.idps: Named = {item["alias"]: item for item in export.get("identityProviders") or []}
        self.idp_mappers: dict[tuple[str, str], Named] = {
            (item["identityProviderAlias"], item["name"]): item for item in export.get("identityProviderMappers") or []
        }
        self.organizations: Named = {}  # by alias
        self.client_profiles = _listed(export, "clientProfiles", "profiles")
        self.client_policies = _listed(export, "clientPolicies", "policies")
        self.owned = ownership.read(export.get("attributes") or {})
        self.logged_in_as = ""  # the client, if it is one of this realm
        self.keys: Named = {item["name"]: item for item in (export.get("components") or {}).get(KEYS) or []}
        components = (export.get("components") or {}).get(FEDERATION) or []
        self.federation: Named = {item["name"]: item for item in components}
        self.federation_mappers: dict[tuple[str, str], Named] = {
            (item["name"], mapper["name"]): mapper
            for item in components
            for mapper in (item.get("subComponents") or {}).get(FEDERATION_MAPPER) or []
        }
        self.localization: Named = export.get("localizationTexts") or {}

    @property
    def attributes(self) -> Named:
        """The realm's attributes. A PUT must carry all of them, so whoever adds one starts from here."""
        attributes: Named = self.realm.setdefault("attributes", {})
        return attributes

    def client_id(self, name: str) -> str:
        """Id of a client; raises KeycloakError like the next two."""
        return self._id(self.clients, name, f"client {name!r}")

    def scope_id(self, name: str) -> str:
        """Id of a client scope."""
        return self._id(self.scopes, name, f"client scope {name!r}")

    def role(self, owner: str, name: str) -> Named:
        """Id and name of a role: the form in which roles are mapped."""
        what = f"role {name!r}" + (f" of client {owner!r}" if owner else "")
        return {"id": self._id(self.roles, (owner, name), what), "name": name}

    def _id(self, objects: Mapping[Any, Named], key: Any, what: str) -> str:
        if key not in objects:
            raise KeycloakError(f"there is no {what}", f"realm {self.realm.get('realm')}", "Add it to the document")
        return str(objects[key]["id"])

    def flow_alias(self, flow_id: str) -> str:
        """Alias of a flow's id, a temporary copy under the name it stands for; "" when unknown."""
        return next((flow_tree.unmarked(flow.alias) for flow in self.flows.values() if flow.id == flow_id), "")


def _listed(export: Named, section: str, key: str) -> Named:
    """The list that Keycloak keeps in an object, by name."""
    return {item["name"]: item for item in (export.get(section) or {}).get(key) or []}


def read(client: Client, wanted: Wanted, whole: bool = False) -> Live:
    """Reads what the sections of `wanted` need; or the whole realm, with requests for each client, role and group."""
    has = set(SECTIONS) if whole else wanted.sections
    has = has | {kind for kind, _, _ in wanted.admin_named if kind in {"clients", "organizations", "roles"}}
    mappings = {"scopeMappings", "clientScopeMappings"}
    jobs: dict[str, Callable[[], Any]] = {"export": lambda: client.read("/partial-export")}
    if "userProfile" in has:
        jobs["profile"] = lambda: client.get("/users/profile")
    if "groups" in has:
        jobs["groups"] = lambda: client.get("/groups", briefRepresentation="false", max=-1)
    if has & {"roles", *mappings} or wanted.group_roles or wanted.service_roles:
        jobs["roles"] = lambda: client.get("/roles", briefRepresentation="false")
    if has & {"clients", "roles", *mappings} or wanted.group_role_clients:
        jobs["clients"] = lambda: client.get("/clients", first=0, max=PAGE)
    got = dict(zip(jobs, client.map(lambda job: job(), jobs.values())))

    live = Live(got["export"])
    live.logged_in_as = client.client_id if client.token_realm == client.realm else ""
    live.profile = got.get("profile") or {}
    live.roles = {("", item["name"]): item for item in got.get("roles") or []}
    live.clients = {item["clientId"]: item for item in _further_clients(client, got.get("clients") or [])}
    _settle_copies(live, wanted)
    _groups(client, live, wanted, got.get("groups") or [], whole)
    _client_roles(client, live, wanted, whole)
    _members(client, live, list(live.roles if whole else _composite(wanted)))
    _scope_mappings(client, live, wanted, whole)
    _service_roles(client, live, wanted, whole)
    _authorization(client, live, wanted, whole)
    if "organizations" in has and live.realm.get("organizationsEnabled"):
        _organizations(client, live)
    if "adminPermissions" in has:
        _named_by_policies(client, live, wanted)
        _admin_permissions(client, live, wanted, whole)
    return live


def _settle_copies(live: Live, wanted: Wanted) -> None:
    """A copy that an interrupted swap left bound gets its name before identity providers are written."""
    for idp in live.idps.values():
        for key in IDP_BINDINGS:
            alias = flow_tree.unmarked(idp.get(key) or "")
            if alias in wanted.flows:
                idp[key] = alias


def _further_clients(client: Client, first: list[Named]) -> list[Named]:
    """The pages after the first, `parallel` at a time, until one is not full."""
    found, start = list(first), PAGE
    full = len(first) == PAGE
    while full:
        starts = range(start, start + PAGE * client.parallel, PAGE)
        pages = client.map(lambda at: client.get("/clients", first=at, max=PAGE), starts)
        found += [item for page in pages for item in page]
        full, start = len(pages[-1]) == PAGE, starts[-1] + PAGE
    return found


def _groups(client: Client, live: Live, wanted: Wanted, level: list[Named], whole: bool) -> None:
    """The tree, level by level, below groups whose children the document names, and where some may have to go."""
    going = live.owned.get("group", set()) - wanted.groups.keys()
    parents = {path.rsplit("/", 1)[0] for path in wanted.groups} | going
    for path in going:
        steps = path.split("/")[:-1]
        parents |= {"/".join(steps[:number]) for number in range(2, len(steps) + 1)}

    def children(group: Named) -> Any:
        path = f"/groups/{group['id']}/children"
        return client.get(path, briefRepresentation="false", first=0, max=EVERY)

    while level:
        live.groups.update({item["path"]: item for item in level})
        below = [item for item in level if (whole or item["path"] in parents) and item.get("subGroupCount", 1)]
        level = [child for some in client.map(children, below) for child in some]


def _client_roles(client: Client, live: Live, wanted: Wanted, whole: bool) -> None:
    """Roles of the clients that the document declares roles of, or refers to, or that had some made here."""
    owners = {owner for owner, _ in wanted.roles} | {owner for _, _, owner in wanted.scope_mappings}
    if "roles" in wanted.sections:
        owners |= {owner for owner, _ in live.owned.get("client role", set())}
    composites = [role.get("composites") or {} for role in wanted.roles.values()]
    for members in (*composites, *wanted.service_roles.values()):
        owners |= set(members.get("client") or {})
    owners |= wanted.group_role_clients
    owners |= {admin_permissions.role_key(name)[0] for kind, name, _ in wanted.admin_named if kind == "roles"}
    present = sorted(live.clients if whole else owners & live.clients.keys())

    def roles(owner: str) -> Any:
        return client.get(f"/clients/{live.clients[owner]['id']}/roles", briefRepresentation="false")

    for owner, found in zip(present, client.map(roles, present)):
        live.roles.update({(owner, item["name"]): item for item in found})


def _composite(wanted: Wanted) -> Iterable[RoleKey]:
    """Roles whose `composites` the document names."""
    return (key for key, role in wanted.roles.items() if role.get("composites") is not None)


def _members(client: Client, live: Live, keys: Iterable[RoleKey]) -> None:
    """Members of those of the roles that are composite."""
    asked = [key for key in keys if live.roles.get(key, {}).get("composite")]
    owners = {item["id"]: name for name, item in live.clients.items()}
    for key, members in zip(asked, client.map(lambda one: client.get(_composites_of(live, one)), asked)):
        live.members[key] = set()
        for member in members:
            owner = owners.get(member["containerId"], "") if member.get("clientRole") else ""
            live.members[key].add((owner, member["name"]))
            live.roles.setdefault((owner, member["name"]), member)


def _composites_of(live: Live, key: RoleKey) -> str:
    return f"/roles-by-id/{live.roles[key]['id']}/composites"


def _service_roles(client: Client, live: Live, wanted: Wanted, whole: bool) -> None:
    """Two requests for each service account whose roles the document names."""
    names = live.clients.keys() if whole else wanted.service_roles.keys() & live.clients.keys()
    asked = sorted(name for name in names if live.clients[name].get("serviceAccountsEnabled"))

    def mappings(name: str) -> Any:
        account = client.get(f"/clients/{live.clients[name]['id']}/service-account-user")
        return client.get(f"/users/{account['id']}/role-mappings")

    for name, found in zip(asked, client.map(mappings, asked)):
        held = {"": found.get("realmMappings") or []}
        held.update({owner: mapping["mappings"] for owner, mapping in (found.get("clientMappings") or {}).items()})
        roles = {(owner, role["name"]): role for owner, some in held.items() for role in some}
        live.service_roles[name] = set(roles)
        for key, role in roles.items():
            live.roles.setdefault(key, role)


def _authorization(client: Client, live: Live, wanted: Wanted, whole: bool) -> None:
    """One request for each client whose authorization settings the document names, and that has some."""
    names = live.clients.keys() - {ADMIN_PERMISSIONS} if whole else wanted.authorization.keys() & live.clients.keys()
    asked = sorted(name for name in names if live.clients[name].get("authorizationServicesEnabled"))

    def settings(name: str) -> Any:
        return client.get(f"/clients/{live.clients[name]['id']}/authz/resource-server/settings")

    live.authorization = dict(zip(asked, client.map(settings, asked)))


def admin_server(live: Live) -> str:
    """Path of the permissions of administrators, or nothing as long as there is no client that has them."""
    held = live.realm.get("adminPermissionsClient")
    return f"/clients/{held['id']}/authz/resource-server" if held else ""


def _named_by_policies(client: Client, live: Live, wanted: Wanted) -> None:
    """Users, and groups that the document does not declare: one request for each."""

    def group(path: str) -> Any:
        return _perhaps(client, f"/group-by-path{'/'.join(map(part, path.split('/')))}")

    named = {kind: {name for of, name, _ in wanted.admin_named if of == kind} for kind in ("groups", "users")}
    paths = sorted(path for path in named["groups"] - live.groups.keys() - wanted.groups.keys() if path[0] == "/")
    live.groups.update({path: found for path, found in zip(paths, client.map(group, paths)) if found})
    users = client.map(lambda name: client.get("/users", username=name, exact="true"), sorted(named["users"]))
    live.users = {user["username"]: user for some in users for user in some}


def _admin_permissions(client: Client, live: Live, wanted: Wanted, whole: bool) -> None:
    """One request for all of them, and one for each that is built of others and named here, or looked at before a removal."""
    server = admin_server(live)
    if not server or (whole and not live.realm.get("adminPermissionsEnabled")):
        return
    listed = client.get(f"{server}/policy", first=0, max=EVERY, fields="*")
    named = wanted.admin_policies.keys() | wanted.admin_permissions.keys()
    every = whole or live.owned.get("admin policy", set()) - wanted.admin_policies.keys()
    built = [item for item in listed if item["type"] in {*admin_permissions.PERMISSIONS, "aggregate"}]
    asked = [item["id"] for item in built if every or item["name"] in named]
    used = dict(zip(asked, client.map(lambda one: client.get(f"{server}/policy/{one}/associatedPolicies"), asked)))
    if whole:
        live.users = _users(client, listed)
    known = {
        item["id"]: "/".join(filter(None, name)) if isinstance(name, tuple) else name
        for objects in (live.groups, live.clients, live.roles, live.users, live.organizations)
        for name, item in objects.items()
    }
    for item in listed:
        objects = live.admin_permissions if item["type"] in admin_permissions.PERMISSIONS else live.admin_policies
        objects[item["name"]] = admin_permissions.from_server(item, used.get(item["id"], []), known)


def _users(client: Client, listed: list[Named]) -> Named:
    """Users that policies and permissions refer to by id."""
    ids = {one for item in listed for one in structure((item.get("config") or {}).get("users")) or []}
    for item in listed:
        if (item.get("config") or {}).get("defaultResourceType") == "Users":
            ids |= {resource["name"] for resource in item.get("resourcesData") or []} - {"Users"}
    found = client.map(lambda one: _perhaps(client, f"/users/{one}"), sorted(ids))
    return {user["username"]: user for user in found if user}


def _perhaps(client: Client, path: str) -> Any:
    """JSON of a GET, or nothing when there is no such object."""
    try:
        return client.get(path)
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return None


def _organizations(client: Client, live: Live) -> None:
    """They are in no export, and neither is which identity provider belongs to one: the list of providers has that."""
    found = client.get("/organizations", briefRepresentation="false", first=0, max=EVERY)
    live.organizations = {item["alias"]: item for item in found}
    for idp in client.get("/identity-provider/instances") if found else []:
        live.idps.setdefault(idp["alias"], idp)["organizationId"] = idp.get("organizationId")


def _scope_mappings(client: Client, live: Live, wanted: Wanted, whole: bool) -> None:
    """Those of client scopes are in the export; a client that the document names is asked for its own."""
    exported = {"": live.realm.get("scopeMappings") or [], **(live.realm.get("clientScopeMappings") or {})}
    for owner, items in exported.items():
        for item in items:
            if item.get("clientScope"):
                live.scope_mappings["clientScope", item["clientScope"], owner] = item.get("roles") or []
    named = {name for holder, name, _ in wanted.scope_mappings if holder == "client"}
    if whole:  # without full scope they are what a client gets
        named = {name for name, item in live.clients.items() if not item.get("fullScopeAllowed")}
    names = sorted(named & live.clients.keys())

    def mappings(name: str) -> Any:
        return client.get(f"/clients/{live.clients[name]['id']}/scope-mappings")

    for name, found in zip(names, client.map(mappings, names)):
        live.scope_mappings["client", name, ""] = [role["name"] for role in found.get("realmMappings") or []]
        for owner, mapping in (found.get("clientMappings") or {}).items():
            live.scope_mappings["client", name, owner] = [role["name"] for role in mapping["mappings"]]
