"""A Keycloak in memory that has the traps of the real one, spoken to like a requests.Session.

What it does on reads and writes was measured on Keycloak 26.7.5; tests/keycloak runs the same document
against the real server. Lists come back in another order at every read.
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MASK = "**********"
ROLES = ("manage-realm", "manage-clients", "manage-users", "manage-identity-providers")
BUILT_IN_SCOPES = ("profile", "email", "roles", "web-origins", "acr", "basic", "address", "phone", "microprofile-jwt")
KEYS = "org.keycloak.keys.KeyProvider"
PROVIDER = "org.keycloak.storage.UserStorageProvider"
NEW_SETTINGS = {
    "allowRemoteResourceManagement": True,
    "policyEnforcementMode": "ENFORCING",
    "decisionStrategy": "UNANIMOUS",
}
ROUTES: list[tuple[str, Any, Callable[..., Any]]] = []


def route(method: str, pattern: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a handler; `*` in the pattern is one segment, handed over unquoted."""
    expression = re.compile("^" + pattern.replace("*", "([^/]+)") + "$")

    def keep(handler: Callable[..., Any]) -> Callable[..., Any]:
        ROUTES.append((method, expression, handler))
        return handler

    return keep


class Answer:
    def __init__(self, status: int, body: Any = None, location: str = "") -> None:
        self.status_code, self._body = status, body
        self.headers = {"Location": f"https://kc.test/{location}"} if location else {}
        self.text = "" if body is None else json.dumps(body)

    def json(self) -> Any:
        return json.loads(self.text)


def token(holder: str, roles: tuple[str, ...]) -> str:
    claims = {"resource_access": {holder: {"roles": list(roles)}}} if roles else {}
    return "x." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".x"


class FakeKeycloak:
    """One realm. `log` has (method, path) of every request."""

    def __init__(self, realm: str = "demo", roles: tuple[str, ...] = ROLES, seed: int = 1) -> None:
        self.name, self.roles_held, self.random, self.count = realm, roles, random.Random(seed), 0  # noqa: S311
        self.log: list[tuple[str, str]] = []
        self.sent: list[str] = []  # bodies
        self.secrets: dict[str, str] = {}  # what is masked on reads
        self.realm: dict[str, Any] = {
            "id": "r",
            "realm": realm,
            "enabled": True,
            "browserFlow": "browser",
            "attributes": {"own": "x"},
        }
        self.profile: dict[str, Any] = {"attributes": [{"name": "username", "permissions": {"edit": ["user"]}}]}
        self.scopes: dict[str, dict[str, Any]] = {
            name: {"id": f"s-{name}", "name": name, "protocol": "openid-connect"} for name in BUILT_IN_SCOPES
        }
        self.default = {"default": {"profile", "email", "basic"}, "optional": {"address", "phone"}}
        self.clients: dict[str, Any] = {}
        self.roles: dict[str, Any] = {}
        self.members: dict[str, set[str]] = {}
        self.mappings: dict[str, set[str]] = {}  # holder id -> role ids
        self.accounts: dict[str, set[str]] = {}  # of clients: client id -> role ids
        self.authorization: dict[str, Any] = {}  # client id -> settings
        self.admin_policies: dict[str, Any] = {}  # and permissions, by id
        self.users: dict[str, Any] = {}
        self.groups: dict[str, Any] = {}
        self.flows: dict[str, Any] = {
            "f": {"id": "f", "alias": "browser", "topLevel": True, "builtIn": True, "steps": []}
        }
        self.configs: dict[str, Any] = {}
        self.idps: dict[str, Any] = {}
        self.components: dict[str, Any] = {}
        self.organizations: dict[str, Any] = {}
        self.policies: dict[str, list[Any]] = {"profiles": [], "policies": []}
        self.default_groups: set[str] = set()
        self.actions: dict[str, dict[str, Any]] = {
            name: {"alias": name, "enabled": True, "config": {}}
            for name in ("TERMS_AND_CONDITIONS", "UPDATE_PASSWORD", "idp_link")
        }
        self.texts: dict[str, dict[str, str]] = {}
        self.default_role = self._new_role("", {"name": f"default-roles-{realm}"})
        for name in ("account", "account-console", "admin-cli"):
            self._new_client({"clientId": name})
        for name in ("manage-account-links", "view-profile"):
            self._new_role(self._client("account")["id"], {"name": name})

    def request(self, method: str, url: str, timeout: float, data: Any = None, headers: Any = None) -> Answer:
        parts = urlsplit(url)
        if parts.path.endswith("/token"):
            holder = "realm-management" if f"/realms/{self.name}/" in parts.path else f"{self.name}-realm"
            return Answer(200, {"access_token": token(holder, self.roles_held), "expires_in": 60})
        path = parts.path.split(f"/admin/realms/{self.name}", 1)[1]
        self.log.append((method, unquote(path)))
        self.sent.append(data or "")
        for verb, expression, handler in ROUTES:
            found = expression.match(path) if verb == method else None
            if found:
                body, query = (json.loads(data) if data else None), dict(parse_qsl(parts.query))
                given = {"body": body} if method in {"POST", "PUT", "DELETE"} else {"query": query}
                answer = handler(self, *(one and unquote(one) for one in found.groups()), **given)
                return answer if isinstance(answer, Answer) else Answer(200 if answer is not None else 204, answer)
        raise AssertionError(f"the fake has no {method} {path}")

    def _id(self) -> str:
        self.count += 1
        return f"i{self.count}"

    def _shuffled(self, items: Any) -> list[Any]:
        found: list[Any] = json.loads(json.dumps(list(items)))
        self.random.shuffle(found)
        for item in found:
            if isinstance(item, dict):
                for value in item.values():
                    if isinstance(value, list):
                        self.random.shuffle(value)
        return found

    def _client(self, name: str) -> Any:
        return next(item for item in self.clients.values() if item["clientId"] == name)

    def _new_client(self, body: dict[str, Any]) -> str:
        new = {
            "id": self._id(),
            "defaultClientScopes": sorted(self.default["default"]),
            "optionalClientScopes": [],
            **body,
        }
        new.setdefault("attributes", {})
        if body.get("serviceAccountsEnabled"):
            new["defaultClientScopes"] = [*new["defaultClientScopes"], "service_account"]
        self.clients[new["id"]] = new
        self._name_mappers(new)
        self._give_account(new)
        return str(new["id"])

    def _give_account(self, client: dict[str, Any]) -> None:
        if client.get("serviceAccountsEnabled"):
            self.accounts.setdefault(client["id"], {self.default_role})
        if client.get("authorizationServicesEnabled") and client["id"] not in self.authorization:
            self.accounts[client["id"]].add(self._new_role(client["id"], {"name": "uma_protection"}))
            self.authorization[client["id"]] = {**NEW_SETTINGS, "resources": {}, "scopes": {}, "policies": {}}

    def _name_mappers(self, holder: dict[str, Any]) -> None:
        for mapper in holder.get("protocolMappers") or []:
            mapper.setdefault("id", self._id())

    def _new_role(self, owner: str, body: dict[str, Any]) -> str:
        new = {**body, "id": self._id(), "clientRole": bool(owner), "containerId": owner or "r"}
        new.pop("composites", None)
        self.roles[new["id"]] = new
        return str(new["id"])

    def _step(self, flow: str, body: dict[str, Any]) -> dict[str, Any]:
        step = {"id": self._id(), "requirement": "DISABLED", "priority": len(self.flows[flow]["steps"]), **body}
        self.flows[flow]["steps"].append(step)
        return step

    def _bound(self, flow: dict[str, Any]) -> bool:
        uses = [self.realm.get("browserFlow"), self.realm.get("firstBrokerLoginFlow")]
        uses += [
            idp.get(key)
            for idp in self.idps.values()
            for key in ("firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias")
        ]
        ids = [
            value
            for item in self.clients.values()
            for value in item.get("authenticationFlowBindingOverrides", {}).values()
        ]
        return flow["alias"] in uses or flow["id"] in ids

    # Realm, profile, texts, required actions.

    @route("POST", "/partial-export")
    def export(self, body: Any) -> Any:
        def flow(item: dict[str, Any]) -> dict[str, Any]:
            steps = []
            for step in item["steps"]:
                shown = {key: step[key] for key in ("requirement", "priority", "authenticator") if step.get(key)}
                if step.get("flow"):
                    shown.update(authenticatorFlow=True, flowAlias=self.flows[step["flow"]]["alias"])
                if step.get("config"):
                    shown["authenticatorConfig"] = self.configs[step["config"]]["alias"]
                steps.append(shown)
            return {**item, "authenticationExecutions": steps}

        scope_mappings: dict[str, list[Any]] = {"": []}
        for scope in self.scopes.values():
            for role in sorted(self.mappings.get(scope["id"], ())):
                owner = self.roles[role]["containerId"]
                key = self.clients[owner]["clientId"] if owner in self.clients else ""
                scope_mappings.setdefault(key, []).append(
                    {"clientScope": scope["name"], "roles": [self.roles[role]["name"]]}
                )
        realm_mappings = scope_mappings.pop("")
        components = [
            {
                **item,
                "subComponents": {
                    "org.keycloak.storage.ldap.mappers.LDAPStorageMapper": [
                        sub for sub in self.components.values() if sub["parentId"] == item["id"]
                    ]
                },
            }
            for item in self.components.values()
            if item["parentId"] == "r" and item["providerType"] == PROVIDER
        ]
        others = {
            item["providerType"]: [item]
            for item in self.components.values()
            if item["parentId"] == "r" and item["providerType"] not in {PROVIDER, KEYS}
        }
        keys = [item for item in self.components.values() if item["providerType"] == KEYS]
        return {
            **self.realm,
            "defaultGroups": [self.groups[item]["path"] for item in sorted(self.default_groups)],
            "clientProfiles": {"profiles": self.policies["profiles"]},
            "clientPolicies": {"policies": self.policies["policies"]},
            "clientScopes": self._shuffled(self.scopes.values()),
            "defaultDefaultClientScopes": self._shuffled(self.default["default"]),
            "defaultOptionalClientScopes": self._shuffled(self.default["optional"]),
            "scopeMappings": realm_mappings,
            "clientScopeMappings": scope_mappings,
            "authenticationFlows": [flow(item) for item in self._shuffled(self.flows.values())],
            "authenticatorConfig": self._shuffled(self.configs.values()),
            "requiredActions": self._shuffled(self.actions.values()),
            "identityProviders": self._shuffled(
                {k: v for k, v in idp.items() if k not in {"mappers", "organizationId"}} for idp in self.idps.values()
            ),
            "identityProviderMappers": self._shuffled(m for idp in self.idps.values() for m in idp["mappers"].values()),
            "components": {PROVIDER: components, KEYS: keys, **others},
            "localizationTexts": self.texts,
        }

    @route("GET", "")
    def get_realm(self, query: Any) -> Any:
        return self.realm

    @route("PUT", "")
    def put_realm(self, body: Any) -> Any:
        smtp = body.get("smtpServer")
        if smtp and "password" in smtp:
            if smtp["password"] != MASK:
                self.secrets["smtp"] = smtp["password"]
            smtp["password"] = MASK
        self.realm.update(body)
        if self.realm.get("adminPermissionsEnabled") and "adminPermissionsClient" not in self.realm:
            body = {"clientId": "admin-permissions", "serviceAccountsEnabled": True}
            new = self._new_client(body)
            self.clients[new]["authorizationServicesEnabled"] = True
            self.realm["adminPermissionsClient"] = {"id": new, "clientId": "admin-permissions"}

    @route("GET", "/users/profile")
    def get_profile(self, query: Any) -> Any:
        return self.profile

    @route("PUT", "/users/profile")
    def put_profile(self, body: Any) -> Any:
        self.profile = body

    @route("POST", "/localization/*")
    def post_texts(self, locale: str, body: Any) -> Any:
        self.texts.setdefault(locale, {}).update(body)

    @route("DELETE", "/localization/*/*")
    def delete_text(self, locale: str, key: str, body: Any) -> Any:
        self.texts[locale].pop(key)

    @route("PUT", "/authentication/required-actions/*/config")
    def put_action_config(self, alias: str, body: Any) -> Any:
        self.actions[alias]["config"] = body["config"]

    @route("PUT", "/authentication/required-actions/*")
    def put_action(self, alias: str, body: Any) -> Any:
        self.actions[alias] = {**body, "config": self.actions[alias]["config"]}

    # Client policies, organizations, default groups.

    @route("PUT", "/client-policies/(profiles|policies)")
    def put_policies(self, which: str, body: Any) -> Any:
        self.policies[which] = body[which]

    @route("GET", "/organizations")
    def get_organizations(self, query: Any) -> Any:
        assert self.realm.get("organizationsEnabled")
        return self._shuffled(self.organizations.values())

    @route("POST", "/organizations")
    def post_organization(self, body: Any) -> Any:
        if any(item["alias"] == body["alias"] for item in self.organizations.values()):
            return Answer(409, {"errorMessage": "exists"})
        new = self._id()
        self.organizations[new] = {**body, "id": new}
        return Answer(201, location=new)

    @route("PUT", "/organizations/*")
    def put_organization(self, key: str, body: Any) -> Any:
        self.organizations[key] = body

    @route("DELETE", "/organizations/*")
    def delete_organization(self, key: str, body: Any) -> Any:
        del self.organizations[key]

    @route("POST", "/organizations/*/identity-providers")
    def post_organization_idp(self, key: str, body: Any) -> Any:
        if self.idps[body].get("organizationId"):
            return Answer(409, {"errorMessage": "taken"})
        self.idps[body]["organizationId"] = key
        return None

    @route("GET", "/organizations/*/identity-providers")
    def get_organization_idps(self, key: str, query: Any) -> Any:
        return [{"alias": alias} for alias, idp in self.idps.items() if idp.get("organizationId") == key]

    @route("DELETE", "/organizations/*/identity-providers/*")
    def delete_organization_idp(self, key: str, alias: str, body: Any) -> Any:
        assert self.idps[alias].pop("organizationId") == key

    @route("PUT", "/default-groups/*")
    def put_default_group(self, group_id: str, body: Any) -> Any:
        self.default_groups.add(group_id)

    @route("DELETE", "/default-groups/*")
    def delete_default_group(self, group_id: str, body: Any) -> Any:
        self.default_groups.discard(group_id)

    # Client scopes.

    @route("GET", "/client-scopes")
    def get_scopes(self, query: Any) -> Any:
        return list(self.scopes.values())

    @route("POST", "/client-scopes")
    def post_scope(self, body: Any) -> Any:
        if body["name"] in self.scopes:
            return Answer(409, {"errorMessage": "exists"})
        self.scopes[body["name"]] = {**body, "id": self._id()}
        for mapper in self.scopes[body["name"]].get("protocolMappers", []):
            mapper["id"] = self._id()
        return Answer(201, location=self.scopes[body["name"]]["id"])

    def _scope(self, scope_id: str) -> Any:
        return next(item for item in self.scopes.values() if item["id"] == scope_id)

    @route("PUT", "/client-scopes/*")
    def put_scope(self, scope_id: str, body: Any) -> Any:
        scope = self._scope(scope_id)
        attributes = {**scope.get("attributes", {}), **body.pop("attributes", {})}
        body.pop("protocolMappers", None)
        scope.update(body, attributes=attributes)

    @route("POST", "/client-scopes/*/protocol-mappers/add-models")
    def post_mappers(self, scope_id: str, body: Any) -> Any:
        self._scope(scope_id).setdefault("protocolMappers", []).extend({**mapper, "id": self._id()} for mapper in body)

    @route("DELETE", "/client-scopes/*")
    def delete_scope(self, scope_id: str, body: Any) -> Any:
        name = self._scope(scope_id)["name"]
        del self.scopes[name]
        for names in self.default.values():
            names.discard(name)

    @route("DELETE", "/(clients|client-scopes)/*/protocol-mappers/models/*")
    def delete_mapper(self, of: str, owner: str, mapper_id: str, body: Any) -> Any:
        holder = self.clients[owner] if of == "clients" else self._scope(owner)
        holder["protocolMappers"] = [item for item in holder["protocolMappers"] if item["id"] != mapper_id]

    @route("PUT", "/client-scopes/*/protocol-mappers/models/*")
    def put_mapper(self, scope_id: str, mapper_id: str, body: Any) -> Any:
        mappers = self._scope(scope_id)["protocolMappers"]
        mappers[[mapper["id"] for mapper in mappers].index(mapper_id)] = body

    @route("PUT", "/default-(default|optional)-client-scopes/*")
    def put_default(self, which: str, scope_id: str, body: Any) -> Any:
        other = {"default": "optional", "optional": "default"}[which]
        if self._scope(scope_id)["name"] in self.default[other] | self.default[which]:
            return Answer(409, {"error": "Duplicate resource error"})
        self.default[which].add(self._scope(scope_id)["name"])
        return None

    @route("DELETE", "/default-(default|optional)-client-scopes/*")
    def delete_default(self, which: str, scope_id: str, body: Any) -> Any:
        self.default[which].discard(self._scope(scope_id)["name"])

    # Clients.

    @route("GET", "/clients")
    def get_clients(self, query: Any) -> Any:
        if "clientId" in query:
            return [item for item in self.clients.values() if item["clientId"] == query["clientId"]]
        first = int(query["first"])
        return self._shuffled(list(self.clients.values())[first : first + int(query["max"])])

    @route("POST", "/clients")
    def post_client(self, body: Any) -> Any:
        if any(item["clientId"] == body["clientId"] for item in self.clients.values()):
            return Answer(409, {"errorMessage": "exists"})
        return Answer(201, location=self._new_client(body))

    @route("PUT", "/clients/*")
    def put_client(self, client_id: str, body: Any) -> Any:
        client = self.clients[client_id]
        for key in ("attributes", "authenticationFlowBindingOverrides"):
            if key in body:
                body[key] = {k: v for k, v in {**client.get(key, {}), **body[key]}.items() if v not in (None, "")}
        body.pop("defaultClientScopes", None)
        body.pop("optionalClientScopes", None)
        client.update({key: value for key, value in body.items() if value is not None})
        self._name_mappers(client)
        if not body.get("authorizationServicesEnabled"):
            client.pop("authorizationServicesEnabled", None)
            self.authorization.pop(client_id, None)
        self._give_account(client)
        if body.get("webOrigins") is None and not client.get("webOrigins"):
            client["webOrigins"] = ["/".join(uri.split("/")[:3]) for uri in client.get("redirectUris", [])]

    @route("DELETE", "/clients/*")
    def delete_client(self, client_id: str, body: Any) -> Any:
        del self.clients[client_id]
        for role in [item["id"] for item in self.roles.values() if item["containerId"] == client_id]:
            self.delete_role(role, body)

    @route("PUT", "/clients/*/(default|optional)-client-scopes/*")
    def put_client_scope(self, client_id: str, which: str, scope_id: str, body: Any) -> Any:
        self.clients[client_id][f"{which}ClientScopes"].append(self._scope(scope_id)["name"])

    @route("DELETE", "/clients/*/(default|optional)-client-scopes/*")
    def delete_client_scope(self, client_id: str, which: str, scope_id: str, body: Any) -> Any:
        self.clients[client_id][f"{which}ClientScopes"].remove(self._scope(scope_id)["name"])

    @route("GET", "/clients/*/service-account-user")
    def get_account(self, client_id: str, query: Any) -> Any:
        assert client_id in self.accounts, "400"
        return {"id": f"account-{client_id}"}

    @route("GET", "/users/account-*/role-mappings")
    def get_account_roles(self, client_id: str, query: Any) -> Any:
        return self._mapped(self.accounts[client_id])

    @route("POST", "/users/account-*/role-mappings/(?:realm|clients/[^/]+)")
    def post_account_roles(self, client_id: str, body: Any) -> Any:
        self.accounts[client_id].update(item["id"] for item in body)

    @route("DELETE", "/users/account-*/role-mappings/(?:realm|clients/[^/]+)")
    def delete_account_roles(self, client_id: str, body: Any) -> Any:
        self.accounts[client_id] -= {item["id"] for item in body}

    # Authorization services.

    @route("GET", "/clients/*/authz/resource-server/settings")
    def get_settings(self, client_id: str, query: Any) -> Any:
        held = self.authorization[client_id]
        resources = [{key: value for key, value in one.items() if key != "_id"} for one in held["resources"].values()]
        lists = {"resources": resources, "scopes": held["scopes"].values(), "policies": held["policies"].values()}
        return {**held, **{key: self._shuffled(value) for key, value in lists.items()}}

    @route("GET", "/clients/*/authz/resource-server/resource")
    def get_resources(self, client_id: str, query: Any) -> Any:
        found = self.authorization[client_id]["resources"].values()
        return [{**one, "owner": {"id": client_id}} for one in found][: int(query.get("max", 100))]

    @route("POST", "/clients/*/authz/resource-server/import")
    def import_settings(self, client_id: str, body: Any) -> Any:
        held = self.authorization[client_id]
        held.update({key: body.get(key, value) for key, value in NEW_SETTINGS.items()})
        for scope in body.get("scopes", []):
            held["scopes"][scope["name"]] = scope
        for one in body.get("resources", []):
            now = held["resources"].get(one["name"])
            if now is None or one.get("_id") == now["_id"]:
                new = {"ownerManagedAccess": False, "attributes": {}, "uris": [], "scopes": [], **one}
                held["resources"][one["name"]] = {**new, "_id": now["_id"] if now else self._id()}
        for one in body.get("policies", []):
            config = {key: self._policy_value(held, key, value) for key, value in one.get("config", {}).items()}
            kept = {"type": held["policies"].get(one["name"], one)["type"]}
            usual = {"logic": "POSITIVE", "decisionStrategy": "UNANIMOUS"}
            held["policies"][one["name"]] = {**usual, **one, **kept, "config": config}

    def _policy_value(self, held: Any, key: str, value: str) -> str:
        """What of a config value Keycloak keeps: an unknown scope is an error, an unknown group is dropped."""
        if key in {"scopes", "resources"}:
            assert set(json.loads(value)) <= held[key].keys(), "500"
        if key == "groups":
            paths = {item["path"] for item in self.groups.values()}
            groups = [{"extendChildren": False, **item} for item in json.loads(value) if item["path"] in paths]
            return json.dumps(groups)
        return value

    # Permissions of administrators.

    def _policy(self, name: str) -> Any:
        return next(item for item in self.admin_policies.values() if item["name"] == name)

    @route("GET", "/clients/*/authz/resource-server/policy")
    def get_policies(self, client_id: str, query: Any) -> Any:
        assert int(query["max"]) > 100, "Keycloak lists few of them"
        found = []
        for item in self.admin_policies.values():
            config = {key: item[key] for key in ("hour", "hourEnd", "fetchRoles") if key in item}
            config.update(
                {key: json.dumps(item[key]) for key in ("groups", "roles", "users", "clients") if key in item}
            )
            new = {key: item[key] for key in ("id", "name", "type", "description", "logic") if key in item}
            new.update(decisionStrategy=item.get("decisionStrategy", "UNANIMOUS"), config=config)
            if item["type"] == "scope" and query.get("fields") == "*":
                config["defaultResourceType"] = item["resourceType"]
                new["scopesData"] = [{"id": self._id(), "name": name} for name in item["scopes"]]
                new["resourcesData"] = [
                    {"_id": "x", "name": name} for name in item["resources"] or [item["resourceType"]]
                ]
            found.append(new)
        return self._shuffled(found)

    @route("GET", "/clients/*/authz/resource-server/policy/*/associatedPolicies")
    def get_associated(self, client_id: str, policy_id: str, query: Any) -> Any:
        return [self.admin_policies[one] for one in self.admin_policies[policy_id]["policies"]]

    def _store_policy(self, key: str, kind: str, body: Any) -> None:
        ids = {*self.groups, *self.roles, *self.clients, *self.users, *self.organizations}
        listed = {"group": "groups", "role": "roles", "user": "users", "client": "clients", "scope": "resources"}.get(
            kind
        )
        for one in body.get(listed, []):
            assert (one["id"] if isinstance(one, dict) else one) in ids, "400"
        for known, flag in (("groups", "extendChildren"), ("roles", "required")):
            if known in body:
                body[known] = [{flag: False, **one} for one in body[known]]
        if "policies" in body:
            body["policies"] = [self._policy(name)["id"] for name in body["policies"]]
        self.admin_policies[key] = {"logic": "POSITIVE", **body, "id": key, "type": kind}

    @route("POST", "/clients/*/authz/resource-server/(?:policy|permission)/*")
    def post_policy(self, client_id: str, kind: str, body: Any) -> Any:
        if any(item["name"] == body["name"] for item in self.admin_policies.values()):
            return Answer(409, {"error": "Conflicting policy"})
        self._store_policy(self._id(), kind, body)
        return Answer(201)

    @route("PUT", "/clients/*/authz/resource-server/(?:policy|permission)/*/*")
    def put_policy(self, client_id: str, kind: str, key: str, body: Any) -> Any:
        assert self.admin_policies[key]["type"] == kind, "500"
        self._store_policy(key, kind, body)

    @route("DELETE", "/clients/*/authz/resource-server/(?:policy|permission/scope)/*")
    def delete_policy(self, client_id: str, key: str, body: Any) -> Any:
        del self.admin_policies[key]
        for one, item in list(self.admin_policies.items()):
            if item.get("policies") == [key]:
                self.delete_policy(client_id, one, body)
            elif key in item.get("policies", ()):
                item["policies"].remove(key)

    @route("GET", "/users")
    def get_users(self, query: Any) -> Any:
        return [item for item in self.users.values() if item["username"] == query["username"]]

    @route("GET", "/users/*")
    def get_user(self, user_id: str, query: Any) -> Any:
        return self.users[user_id]

    # Roles.

    def _roles(self, owner: str) -> list[Any]:
        return [
            {**item, "composite": bool(self.members.get(item["id"]))}
            for item in self.roles.values()
            if item["containerId"] == owner
        ]

    @route("GET", "/roles")
    def get_roles(self, query: Any) -> Any:
        return self._shuffled(self._roles("r"))

    @route("GET", "/clients/*/roles")
    def get_client_roles(self, client_id: str, query: Any) -> Any:
        return self._shuffled(self._roles(client_id))

    @route("GET", "/roles/*")
    def get_role(self, name: str, query: Any) -> Any:
        return next(item for item in self._roles("r") if item["name"] == name)

    @route("GET", "/clients/*/roles/*")
    def get_client_role(self, client_id: str, name: str, query: Any) -> Any:
        return next(item for item in self._roles(client_id) if item["name"] == name)

    @route("POST", "/roles")
    def post_role(self, body: Any) -> Any:
        self._new_role("", body)
        return Answer(201, location=f"roles/{body['name']}")

    @route("POST", "/clients/*/roles")
    def post_client_role(self, client_id: str, body: Any) -> Any:
        self._new_role(client_id, body)
        return Answer(201, location=f"roles/{body['name']}")

    @route("PUT", "/roles-by-id/*")
    def put_role(self, role_id: str, body: Any) -> Any:
        self.roles[role_id] = {**self.roles[role_id], "description": None, **body}

    @route("DELETE", "/roles-by-id/*")
    def delete_role(self, role_id: str, body: Any) -> Any:
        name = self.roles.pop(role_id)["name"]
        for members in (*self.members.values(), *self.mappings.values(), *self.accounts.values()):
            members.discard(role_id)
        for group in self.groups.values():
            for held in (group.get("realmRoles", []), *group.get("clientRoles", {}).values()):
                held[:] = [one for one in held if one != name]

    @route("GET", "/roles-by-id/*/composites")
    def get_members(self, role_id: str, query: Any) -> Any:
        return [self.roles[member] for member in sorted(self.members.get(role_id, ()))]

    @route("POST", "/roles-by-id/*/composites")
    def post_members(self, role_id: str, body: Any) -> Any:
        self.members.setdefault(role_id, set()).update(item["id"] for item in body)

    @route("DELETE", "/roles-by-id/*/composites")
    def delete_members(self, role_id: str, body: Any) -> Any:
        self.members[role_id] -= {item["id"] for item in body}

    @route("GET", "/clients/*/scope-mappings")
    def get_mappings(self, client_id: str, query: Any) -> Any:
        return self._mapped(self.mappings.get(client_id, set()))

    def _mapped(self, roles: set[str]) -> Any:
        found: dict[str, Any] = {"realmMappings": [], "clientMappings": {}}
        for role in sorted(roles):
            owner = self.clients.get(self.roles[role]["containerId"])
            if owner:
                found["clientMappings"].setdefault(owner["clientId"], {"mappings": []})["mappings"].append(
                    self.roles[role]
                )
            else:
                found["realmMappings"].append(self.roles[role])
        return found

    @route("POST", "/(?:clients|client-scopes)/*/scope-mappings/(?:realm|clients/[^/]+)")
    def post_mappings(self, holder: str, body: Any) -> Any:
        self.mappings.setdefault(holder, set()).update(item["id"] for item in body)

    @route("DELETE", "/(?:clients|client-scopes)/*/scope-mappings/(?:realm|clients/[^/]+)")
    def delete_mappings(self, holder: str, body: Any) -> Any:
        self.mappings[holder] -= {item["id"] for item in body}

    # Groups.

    def _children(self, parent: str) -> list[Any]:
        found = []
        for item in self.groups.values():
            if item["parent"] == parent:
                below = sum(one["parent"] == item["id"] for one in self.groups.values())
                found.append({**item, "subGroupCount": below})
        return self._shuffled(found)

    @route("GET", "/groups")
    def get_groups(self, query: Any) -> Any:
        return self._children("")

    @route("GET", "/groups/*/children")
    def get_children(self, group_id: str, query: Any) -> Any:
        return self._children(group_id)

    def _new_group(self, body: Any, parent: str) -> Answer:
        path = f"{self.groups[parent]['path'] if parent else ''}/{body['name']}"
        if any(item["path"] == path for item in self.groups.values()):
            return Answer(409, {"errorMessage": "exists"})
        body.pop("subGroups", None)
        body.pop("realmRoles", None)
        body.pop("clientRoles", None)
        new = {**body, "id": self._id(), "parent": parent, "path": path}
        self.groups[new["id"]] = new
        return Answer(201, location=new["id"])

    @route("POST", "/groups")
    def post_group(self, body: Any) -> Any:
        return self._new_group(body, "")

    @route("POST", "/groups/*/children")
    def post_child(self, group_id: str, body: Any) -> Any:
        return self._new_group(body, group_id)

    def _group_roles(self, group_id: str, client_id: str | None) -> Any:
        group = self.groups[group_id]
        if client_id is None:
            return group.setdefault("realmRoles", [])
        return group.setdefault("clientRoles", {}).setdefault(self.clients[client_id]["clientId"], [])

    @route("POST", "/groups/*/role-mappings/(?:realm|clients/*)")
    def post_group_roles(self, group_id: str, client_id: str | None, body: Any) -> Any:
        held = self._group_roles(group_id, client_id)
        held += [item["name"] for item in body if item["name"] not in held]

    @route("DELETE", "/groups/*/role-mappings/(?:realm|clients/*)")
    def delete_group_roles(self, group_id: str, client_id: str | None, body: Any) -> Any:
        gone, held = {item["name"] for item in body}, self._group_roles(group_id, client_id)
        held[:] = [name for name in held if name not in gone]

    @route("DELETE", "/groups/*")
    def delete_group(self, group_id: str, body: Any) -> Any:
        for child in [item["id"] for item in self.groups.values() if item["parent"] == group_id]:
            self.delete_group(child, body)
        del self.groups[group_id]
        self.default_groups.discard(group_id)

    @route("GET", "/group-by-path/(.+)")
    def group_by_path(self, path: str, query: Any) -> Any:
        found = [item for item in self.groups.values() if item["path"] == f"/{path}"]
        return found[0] if found else Answer(404, {"error": "Group path does not exist"})

    @route("PUT", "/groups/*")
    def put_group(self, group_id: str, body: Any) -> Any:
        self.groups[group_id].update(body)

    # Flows.

    def _flow(self, alias: str) -> Any:
        return next(item for item in self.flows.values() if item["alias"] == alias)

    @route("GET", "/authentication/flows")
    def get_flows(self, query: Any) -> Any:
        return [item for item in self.flows.values() if item["topLevel"]]

    @route("POST", "/authentication/flows")
    def post_flow(self, body: Any) -> Any:
        if any(item["alias"] == body["alias"] for item in self.flows.values()):
            return Answer(409, {"errorMessage": "exists"})
        new = {**body, "id": self._id(), "steps": []}
        self.flows[new["id"]] = new
        return Answer(201, location=new["id"])

    @route("PUT", "/authentication/flows/*")
    def put_flow(self, flow_id: str, body: Any) -> Any:
        if not body.get("providerId") or any(
            item["alias"] == body["alias"] and item["id"] != flow_id for item in self.flows.values()
        ):
            return Answer(409, {"error": "conflict"})
        old = self.flows[flow_id]["alias"]
        for holder in (self.realm, *self.idps.values()):  # bindings are by id and follow a new name
            renamed = {
                key: body["alias"] for key in holder if key.endswith(("Flow", "FlowAlias")) and holder[key] == old
            }
            holder.update(renamed)
        self.flows[flow_id].update(body)
        return None

    @route("DELETE", "/authentication/flows/*")
    def delete_flow(self, flow_id: str, body: Any) -> Any:
        if self._bound(self.flows[flow_id]):
            return Answer(500, {"error": "unknown_error"})
        for step in self.flows.pop(flow_id)["steps"]:
            self.configs.pop(step.get("config"), None)
            if step.get("flow"):
                self.delete_flow(step["flow"], body)
        return None

    @route("POST", "/authentication/executions")
    def post_execution(self, body: Any) -> Any:
        step = self._step(body["parentFlow"], {key: body[key] for key in ("authenticator", "requirement")})
        return Answer(201, location=step["id"])

    @route("POST", "/authentication/flows/*/executions/flow")
    def post_subflow(self, alias: str, body: Any) -> Any:
        made = self.post_flow(
            {"alias": body["alias"], "providerId": body["type"], "description": "", "topLevel": False, "builtIn": False}
        )
        if made.status_code == 201:
            flow_id = made.headers["Location"].rsplit("/", 1)[-1]
            self._step(self._flow(alias)["id"], {"flow": flow_id})
        return made

    @route("GET", "/authentication/flows/*/executions")
    def get_executions(self, alias: str, query: Any) -> Any:
        def rows(flow: Any, level: int) -> list[Any]:
            found = []
            for step in flow["steps"]:
                row = {"id": step["id"], "requirement": step["requirement"], "level": level}
                if step.get("flow"):
                    sub = self.flows[step["flow"]]
                    found += [
                        {**row, "displayName": sub["alias"], "authenticationFlow": True, "flowId": sub["id"]},
                        *rows(sub, level + 1),
                    ]
                else:
                    found.append(
                        {**row, "providerId": step["authenticator"], "authenticationConfig": step.get("config")}
                    )
            return found

        return rows(self._flow(alias), 0)

    @route("PUT", "/authentication/flows/*/executions")
    def put_execution(self, alias: str, body: Any) -> Any:
        step = next(step for flow in self.flows.values() for step in flow["steps"] if step["id"] == body["id"])
        step["requirement"] = body["requirement"]

    @route("POST", "/authentication/executions/*/config")
    def post_config(self, step_id: str, body: Any) -> Any:
        if any(item["alias"] == body["alias"] for item in self.configs.values()):
            return Answer(409, {"errorMessage": "exists"})
        step: dict[str, Any] = next(
            step for flow in self.flows.values() for step in flow["steps"] if step["id"] == step_id
        )
        step["config"] = self._id()
        self.configs[step["config"]] = {**body, "id": step["config"]}
        return Answer(201, location=step["config"])

    @route("PUT", "/authentication/config/*")
    def put_config(self, config_id: str, body: Any) -> Any:
        self.configs[config_id] = body

    # Identity providers and LDAP.

    @route("POST", "/identity-provider/import-config")
    def import_config(self, body: Any) -> Any:
        return {"issuer": body["fromUrl"].split("/.well-known")[0]}

    @route("GET", "/identity-provider/instances")
    def get_idps(self, query: Any) -> Any:
        return [{key: value for key, value in idp.items() if key != "mappers"} for idp in self.idps.values()]

    def _store_idp(self, alias: str, body: Any, mappers: Any) -> None:
        config = body.setdefault("config", {})
        if config.get("clientSecret") == MASK:
            assert alias in self.secrets, "a mask, and nothing behind it"
        elif config.get("clientSecret"):
            self.secrets[alias], config["clientSecret"] = config["clientSecret"], MASK
        else:
            self.secrets.pop(alias, None)
        kept = {key: value for key, value in self.idps.get(alias, {}).items() if key == "organizationId"}
        self.idps[alias] = {"internalId": alias, **kept, **body, "mappers": mappers}

    @route("POST", "/identity-provider/instances")
    def post_idp(self, body: Any) -> Any:
        if body["alias"] in self.idps:
            return Answer(409, {"errorMessage": "exists"})
        self._store_idp(body["alias"], body, {})
        return Answer(201, location=body["alias"])

    @route("PUT", "/identity-provider/instances/*")
    def put_idp(self, alias: str, body: Any) -> Any:
        self._store_idp(alias, body, self.idps[alias]["mappers"])

    @route("DELETE", "/identity-provider/instances/*")
    def delete_idp(self, alias: str, body: Any) -> Any:
        del self.idps[alias]

    @route("DELETE", "/identity-provider/instances/*/mappers/*")
    def delete_idp_mapper(self, alias: str, mapper_id: str, body: Any) -> Any:
        del self.idps[alias]["mappers"][mapper_id]

    @route("GET", "/identity-provider/instances/*/mappers")
    def get_idp_mappers(self, alias: str, query: Any) -> Any:
        return list(self.idps[alias]["mappers"].values())

    @route("POST", "/identity-provider/instances/*/mappers")
    def post_idp_mapper(self, alias: str, body: Any) -> Any:
        new = self._id()
        self.idps[alias]["mappers"][new] = {**body, "id": new}
        return Answer(201, location=new)

    @route("PUT", "/identity-provider/instances/*/mappers/*")
    def put_idp_mapper(self, alias: str, mapper_id: str, body: Any) -> Any:
        self.idps[alias]["mappers"][mapper_id] = body

    @route("GET", "/components")
    def get_components(self, query: Any) -> Any:
        return [item for item in self.components.values() if item["parentId"] == query["parent"]]

    def _store_component(self, key: str, body: Any) -> None:
        config = {**self.components.get(key, {}).get("config", {}), **body["config"]}
        for masked in ("bindCredential", "privateKey"):
            secret = config.get(masked)
            if secret and secret != [MASK]:
                self.secrets[body["name"]], config[masked] = secret[0], [MASK]
        config = {name: value for name, value in config.items() if value and not name.startswith("facility.")}
        self.components[key] = {**self.components.get(key, {}), **body, "id": key, "config": config}

    @route("POST", "/components")
    def post_component(self, body: Any) -> Any:
        new = self._id()
        self._store_component(new, body)
        if body["providerType"] == PROVIDER:
            for name, source in (("first name", "cn"), ("email", "mail")):
                mapper = {"name": name, "providerId": "user-attribute-ldap-mapper", "providerType": "", "parentId": new}
                self._store_component(
                    self._id(), {**mapper, "config": {"ldap.attribute": [source], "read.only": ["true"]}}
                )
        return Answer(201, location=new)

    @route("DELETE", "/components/*")
    def delete_component(self, component_id: str, body: Any) -> Any:
        for key in [key for key, item in self.components.items() if item["parentId"] == component_id]:
            del self.components[key]
        del self.components[component_id]

    @route("PUT", "/components/*")
    def put_component(self, component_id: str, body: Any) -> Any:
        assert "subComponents" not in body, "unknown field"
        self._store_component(component_id, body)
