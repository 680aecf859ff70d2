# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The live realm, read with few requests and only where the document looks.

One partial export without parameters holds the realm, identity providers and their mappers, client
scopes, flows, components, required actions and texts. Clients come in pages of 50, groups and roles
as lists: no request per client, identity provider or mapper. The larger exports take half a minute
on a cold server and are not used.
"""

from __future__ import annotations

from typing import Any, Optional

from . import flow_tree
from .client import Client
from .document import Wanted
from .errors import KeycloakError

PAGE = 50
FEDERATION = "org.keycloak.storage.UserStorageProvider"
FEDERATION_MAPPER = "org.keycloak.storage.ldap.mappers.LDAPStorageMapper"


class Live:
    """What the server holds, by name. Kinds that create an object enter it here, so later kinds find its id."""

    def __init__(self, export: Optional[dict] = None) -> None:
        export = export or {}
        self.realm = export
        self.id = export.get("id", "")
        self.profile: dict = {}
        self.scopes = {item["name"]: item for item in export.get("clientScopes") or []}
        self.clients: dict = {}
        self.roles: dict = {}
        self.client_roles: dict = {}
        self.composites: dict = {}  # (owning client or "", role) -> {"realm": [..], "client": {..}}
        self.groups: dict = {}  # by path
        self.scope_mappings: dict = {}  # (client|clientScope, name, owning client or "") -> role names
        self.flows = flow_tree.from_export(export)
        self.required_actions = {item["alias"]: item for item in export.get("requiredActions") or []}
        self.idps = {item["alias"]: item for item in export.get("identityProviders") or []}
        self.idp_mappers = {
            (item["identityProviderAlias"], item["name"]): item for item in export.get("identityProviderMappers") or []
        }
        components = (export.get("components") or {}).get(FEDERATION) or []
        self.federation = {item["name"]: item for item in components}
        self.federation_mappers = {
            (item["name"], mapper["name"]): mapper
            for item in components
            for mapper in (item.get("subComponents") or {}).get(FEDERATION_MAPPER) or []
        }
        self.localization = export.get("localizationTexts") or {}

    @property
    def attributes(self) -> dict:
        """The realm's attributes; a PUT must carry all of them, so every writer goes through here."""
        return self.realm.setdefault("attributes", {})

    def client_id(self, name: str) -> str:
        return self._id(self.clients, "client", name)

    def scope_id(self, name: str) -> str:
        return self._id(self.scopes, "client scope", name)

    def role(self, name: str, client: str = "") -> dict:
        """{id, name} of a realm role, or of a role of a client: the form that role mappings are written in."""
        roles = self.client_roles.get(client, {}) if client else self.roles
        label = f"role of client {client}" if client else "realm role"
        return {"id": self._id(roles, label, name), "name": name}

    def _id(self, objects: dict, what: str, name: str) -> str:
        if name not in objects:
            raise KeycloakError(
                f"there is no {what} {name!r}", f"realm {self.realm.get('realm')}", "Add it to the document"
            )
        return objects[name]["id"]

    def flow_alias(self, flow_id: str) -> str:
        """Alias of a flow's id, a temporary copy under the name it stands for; "" when unknown."""
        return next((flow_tree.unmarked(flow.alias) for flow in self.flows.values() if flow.id == flow_id), "")


def read(client: Client, wanted: Wanted) -> Live:
    """Reads what the sections of `wanted` need."""
    has = wanted.sections
    with_overrides = any("authenticationFlowBindingOverrides" in item for item in wanted.clients.values())
    owners = _role_owners(wanted)
    need_clients = bool({"clients", "roles"} & has or owners or with_overrides or wanted.scope_mappings)
    jobs: dict[str, Any] = {"export": lambda: client.read("/partial-export")}
    if "userProfile" in has:
        jobs["profile"] = lambda: client.get("/users/profile")
    if "groups" in has:
        jobs["groups"] = lambda: client.get("/groups", briefRepresentation="false", max=-1)
    if "roles" in has or wanted.scope_mappings:
        jobs["roles"] = lambda: client.get("/roles", briefRepresentation="false")
    if need_clients:
        jobs["clients"] = lambda: client.get("/clients", first=0, max=PAGE)
    got = dict(zip(jobs, client.map(lambda job: job(), jobs.values())))

    live = Live(got["export"])
    for idp in live.idps.values():  # a copy left by an interrupted swap gets its name before these are written
        for key in ("firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias"):
            if flow_tree.unmarked(idp.get(key) or "") in wanted.flows:
                idp[key] = flow_tree.unmarked(idp[key])
    live.profile = got.get("profile") or {}
    live.roles = {item["name"]: item for item in got.get("roles") or []}
    live.clients = {item["clientId"]: item for item in _further_clients(client, got.get("clients") or [])}
    _groups(client, live, wanted, got.get("groups") or [])
    present = sorted(name for name in owners if name in live.clients)
    found = client.map(
        lambda name: client.get(f"/clients/{live.clients[name]['id']}/roles", briefRepresentation="false"), present
    )
    live.client_roles = {name: {role["name"]: role for role in roles} for name, roles in zip(present, found)}
    _composites(client, live, wanted)
    _scope_mappings(client, live, wanted)
    return live


def _role_owners(wanted: Wanted) -> set[str]:
    """Clients whose roles the document declares or refers to."""
    named = set(wanted.client_roles) | {owner for _, _, owner in wanted.scope_mappings if owner}
    for roles in [wanted.roles, *wanted.client_roles.values()]:
        for role in roles.values():
            named |= set((role.get("composites") or {}).get("client") or {})
    return named


def _further_clients(client: Client, first: list) -> list:
    """The pages after the first, `parallel` at a time, until one is not full."""
    found, start = list(first), PAGE
    full = len(first) == PAGE
    while full:
        starts = range(start, start + PAGE * client.parallel, PAGE)
        pages = client.map(lambda at: client.get("/clients", first=at, max=PAGE), starts)
        found += [item for page in pages for item in page]
        full, start = len(pages[-1]) == PAGE, starts[-1] + PAGE
    return found


def _groups(client: Client, live: Live, wanted: Wanted, level: list) -> None:
    """The tree, level by level, below groups whose children the document names."""
    parents = {path.rsplit("/", 1)[0] for path in wanted.groups}
    while level:
        live.groups.update({item["path"]: item for item in level})
        below = [item for item in level if item["path"] in parents and item.get("subGroupCount", 1)]
        children = client.map(
            lambda item: client.get(f"/groups/{item['id']}/children", briefRepresentation="false", first=0, max=10000),
            below,
        )
        level = [child for some in children for child in some]


def _composites(client: Client, live: Live, wanted: Wanted) -> None:
    """Members of the roles whose `composites` the document names."""
    declared = [("", name, role) for name, role in wanted.roles.items()]
    declared += [(owner, name, role) for owner, roles in wanted.client_roles.items() for name, role in roles.items()]
    asked = []
    for owner, name, role in declared:
        now = (live.client_roles.get(owner, {}) if owner else live.roles).get(name)
        if role.get("composites") is not None and now and now.get("composite"):
            asked.append((owner, name, now["id"]))
    by_id = {item["id"]: name for name, item in live.clients.items()}
    for (owner, name, _), members in zip(
        asked, client.map(lambda one: client.get(f"/roles-by-id/{one[2]}/composites"), asked)
    ):
        found: dict = {"realm": [], "client": {}}
        for member in members:
            if member.get("clientRole"):
                found["client"].setdefault(by_id.get(member["containerId"], ""), []).append(member["name"])
            else:
                found["realm"].append(member["name"])
        live.composites[owner, name] = found


def _scope_mappings(client: Client, live: Live, wanted: Wanted) -> None:
    """Those of client scopes are in the export; a client that the document names is asked for its own."""
    listed = [("", item) for item in live.realm.get("scopeMappings") or []]
    listed += [
        (owner, item) for owner, items in (live.realm.get("clientScopeMappings") or {}).items() for item in items
    ]
    for owner, item in listed:
        if item.get("clientScope"):
            live.scope_mappings["clientScope", item["clientScope"], owner] = item.get("roles") or []
    names = sorted({name for holder, name, _ in wanted.scope_mappings if holder == "client" and name in live.clients})
    for name, answer in zip(
        names, client.map(lambda one: client.get(f"/clients/{live.clients[one]['id']}/scope-mappings"), names)
    ):
        live.scope_mappings["client", name, ""] = [role["name"] for role in answer.get("realmMappings") or []]
        for owner, mapping in (answer.get("clientMappings") or {}).items():
            live.scope_mappings["client", name, owner] = [role["name"] for role in mapping["mappings"]]
