# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The wanted document, checked and taken apart. Nothing is read from a server here."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import admin_permissions, flow_tree
from .compare import as_list, lists, text, texts
from .errors import DocumentError
from .secrets import PREFIX, Keyring, Secret

BINDINGS = (
    "browserFlow",
    "registrationFlow",
    "directGrantFlow",
    "resetCredentialsFlow",
    "clientAuthenticationFlow",
    "dockerAuthenticationFlow",
    "firstBrokerLoginFlow",
)
SECTIONS = (
    "userProfile",
    "keyProviders",
    "clientScopes",
    "defaultDefaultClientScopes",
    "defaultOptionalClientScopes",
    "roles",
    "groups",
    "defaultGroups",
    "clients",
    "scopeMappings",
    "clientScopeMappings",
    "authenticationFlows",
    "requiredActions",
    "identityProviders",
    "organizations",
    "adminPermissions",
    "userFederation",
    "clientProfiles",
    "clientPolicies",
    "localization",
)
# Keys of a RealmRepresentation that would be ignored or would do harm in a PUT of the realm.
NOT_HERE = {
    "id": "Leave it out",
    "components": "Use userFederation for LDAP, keyProviders for keys",
    "keys": "Use keyProviders",
    "identityProviderMappers": "Use identityProviders[].mappers",
    "authenticatorConfig": "Use config inside the execution",
    "localizationTexts": "Use localization",
    "defaultRole": "Use composites of the role default-roles-<realm>",
    "users": "Users are not part of the document",
    "adminPermissionsClient": "Leave it out: Keycloak makes it with adminPermissionsEnabled",
}
IDP_BINDINGS = ("firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias")
OVERRIDES = "authenticationFlowBindingOverrides"  # of a client: by alias in the document, by id on the server
ADMIN_SWITCH = "adminPermissionsEnabled"
SERVICE_ROLES = "serviceAccountRoles"  # of a client; not Keycloak's own spelling, which hides them among the users
AUTHORIZATION = "authorizationSettings"  # of a client; not in the list of clients
AUTHORIZATION_LISTS = {"resources", "scopes", "policies"}
GROUP_ROLES = ("realmRoles", "clientRoles")
OIDC_PROVIDERS = ("oidc", "keycloak-oidc")
OPENID = "openid-connect"
KEY_SECRETS = ("privateKey", "keystorePassword", "keyPassword", "secret")  # in the config of a key provider
Named = dict[str, Any]


class Wanted:
    """The document in pieces, each by name and in the form in which Keycloak keeps it.

    Secrets are taken out of their objects and stand apart, so that no comparison can show one.
    """

    def __init__(self, document: Mapping[str, Any], keyring: Keyring) -> None:
        raw = copy.deepcopy(dict(document))
        realm = raw.pop("realm", None)
        if not isinstance(realm, str) or not realm:
            raise DocumentError("the document does not name the realm", "realm", "Give it the key realm")
        for key in sorted(NOT_HERE.keys() & raw.keys()):
            raise DocumentError(f"the key {key} has no place here", key, NOT_HERE[key])
        self.realm: str = realm
        self.sections = {key for key in SECTIONS if raw.get(key) is not None}
        parts = {key: raw.pop(key, None) for key in SECTIONS}
        self.bindings = {key: raw.pop(key) for key in BINDINGS if key in raw}
        self.settings: Named = raw
        self.profile: Named = parts["userProfile"] or {}
        self.scopes = _named(parts, "clientScopes")
        self.default_scopes = {
            which: as_list(names)
            for which in ("Default", "Optional")
            for names in [parts[f"default{which}ClientScopes"]]
            if names is not None
        }
        self.clients = _named(parts, "clients", "clientId")
        self.service_roles = {
            name: _roles_by_owner(item.pop(SERVICE_ROLES), f"clients[{name}].{SERVICE_ROLES}")
            for name, item in self.clients.items()
            if SERVICE_ROLES in item
        }
        self.authorization = {
            name: _authorization(item.pop(AUTHORIZATION) or {}, f"clients[{name}].{AUTHORIZATION}")
            for name, item in self.clients.items()
            if AUTHORIZATION in item
        }
        self.roles = dict(_roles(parts["roles"] or {}))
        self.groups = dict(_groups(parts["groups"] or []))
        self.group_roles = {
            path: roles
            for path, item in self.groups.items()
            for roles in [_owned_roles(item, f"groups[{path}]")]
            if roles
        }
        self.group_role_clients = {owner for roles in self.group_roles.values() for owner in roles if owner}
        self.scope_mappings = dict(_scope_mappings(parts))
        trees = _named(parts, "authenticationFlows", "alias")
        self.flows = {alias: flow_tree.from_document(item) for alias, item in trees.items()}
        self.required_actions = _named(parts, "requiredActions", "alias")
        self.idps = _named(parts, "identityProviders", "alias")
        self.idp_mappers = _mappers_apart(self.idps, texts)
        self.federation = _named(parts, "userFederation")
        self.federation_mappers = _mappers_apart(self.federation, lists)
        self.keys = _named(parts, "keyProviders")
        self.default_groups = sorted(map(text, as_list(parts["defaultGroups"])))
        self.organizations = {
            name: _organization(item) for name, item in _named(parts, "organizations", "alias").items()
        }
        self.organization_idps = {
            alias: sorted(map(text, as_list(item.pop("identityProviders"))))
            for alias, item in self.organizations.items()
            if "identityProviders" in item
        }
        self.client_profiles = _named(
            {"clientProfiles": _inside(parts, "clientProfiles", "profiles")}, "clientProfiles"
        )
        self.client_policies = _named(
            {"clientPolicies": _inside(parts, "clientPolicies", "policies")}, "clientPolicies"
        )
        self.admin_policies, self.admin_permissions = _admin_permissions(parts["adminPermissions"], self.settings)
        self.admin_named = list(admin_permissions.names(self.admin_policies, self.admin_permissions))
        self.localization = {locale: texts(values or {}) for locale, values in (parts["localization"] or {}).items()}
        self._take_secrets_out(keyring)
        self._refuse_unusable_client_keys()
        self._imply_accounts()
        self._normalise()
        self._refuse_doubled_flow_names()
        self._refuse_unusable_providers()
        _refuse_stray_references({**raw, **parts})
        self.warnings = list(self._doubtful_sync_modes())

    def _take_secrets_out(self, keyring: Keyring) -> None:
        def taken(holder: Any, key: str, where: str) -> Secret | None:
            reference = holder.pop(key, None) if isinstance(holder, dict) else None
            return None if reference is None else keyring.resolve(reference, f"{where}.{key}")

        def taken_of_all(objects: Named, key: str, section: str, inside: str = "") -> dict[str, Secret]:
            found = {}
            for name, item in objects.items():
                where = f"{section}[{name}].{inside}".rstrip(".")
                secret = taken(item.get(inside) if inside else item, key, where)
                if secret:
                    found[name] = secret
            return found

        self.smtp_secret = taken(self.settings.get("smtpServer"), "password", "smtpServer")
        self.client_secrets = taken_of_all(self.clients, "secret", "clients")
        self.idp_secrets = taken_of_all(self.idps, "clientSecret", "identityProviders", "config")
        self.bind_secrets = taken_of_all(self.federation, "bindCredential", "userFederation", "config")
        self.key_secrets = {
            name: secrets
            for name, item in self.keys.items()
            for secrets in [_key_secrets(item, f"keyProviders[{name}].config", keyring)]
            if secrets
        }

    def _normalise(self) -> None:
        """Gives every config and every set of attributes the form in which Keycloak returns it."""
        for key in ("attributes", "smtpServer"):
            if key in self.settings:
                self.settings[key] = texts(self.settings[key] or {})
        for section, objects in (("clientScopes", self.scopes), ("clients", self.clients)):
            for name, item in objects.items():
                if "attributes" in item:
                    item["attributes"] = texts(item["attributes"] or {})
                if section == "clientScopes":
                    item.setdefault("protocol", OPENID)
                if item.get("protocolMappers") is not None:
                    item["protocolMappers"] = _protocol_mappers(item, f"{section}[{name}]")
        for item in self.idps.values():
            item["config"] = texts(item.get("config") or {})
        for item in self.federation.values():
            item["config"] = lists(item.get("config") or {})
            item.setdefault("providerId", "ldap")
        for item in self.keys.values():
            item["config"] = lists(item.get("config") or {})
        for item in self.required_actions.values():
            if "config" in item:
                item["config"] = texts(item["config"] or {})

    def _refuse_unusable_client_keys(self) -> None:
        for name, item in self.clients.items():
            if "id" in item:
                raise DocumentError("the key id is not managed", f"clients[{name}].id", "Leave it out")
        for name in self.client_secrets:
            if text(self.clients[name].get("publicClient")) == "true":
                raise DocumentError(
                    "a public client has no secret", f"clients[{name}].secret", "Leave out one of the two"
                )

    def _imply_accounts(self) -> None:
        """Who has roles of its own has an account, and so has who decides: without it Keycloak answers with 500."""
        needed = [(name, SERVICE_ROLES, "serviceAccountsEnabled") for name in self.service_roles]
        for name in self.authorization:
            needed += [
                (name, AUTHORIZATION, flag) for flag in ("authorizationServicesEnabled", "serviceAccountsEnabled")
            ]
        for name, key, flag in needed:
            if text(self.clients[name].setdefault(flag, True)) != "true":
                raise DocumentError(f"this needs {flag}", f"clients[{name}].{key}", "Leave out one of the two")

    def _refuse_unusable_providers(self) -> None:
        for alias, item in self.idps.items():
            config = item["config"]
            if "hideOnLoginPage" in config:
                raise DocumentError(
                    "the key hideOnLoginPage is not kept any more",
                    f"identityProviders[{alias}].config",
                    "Use hideOnLogin of the provider itself",
                )
            verifies = "true" in {config.get("useJwksUrl"), config.get("validateSignature")}
            if item.get("providerId") in OIDC_PROVIDERS and verifies and not config.get("issuer"):
                raise DocumentError(
                    "the issuer is empty: Keycloak would accept tokens of any issuer",
                    f"identityProviders[{alias}].config.issuer",
                    "Give the issuer exactly as the provider's discovery document spells it",
                )

    def _doubtful_sync_modes(self) -> Iterator[str]:
        for (alias, name), mapper in self.idp_mappers.items():
            if mapper["config"].get("syncMode") == "IMPORT" and self.idps[alias]["config"].get("syncMode") == "FORCE":
                yield (
                    f"identityProviders[{alias}].mappers[{name}] imports once, but its provider forces: Keycloak overwrites "
                    "user name, names and e-mail at every login all the same. Give the provider syncMode IMPORT and FORCE to each mapper"
                )

    def _refuse_doubled_flow_names(self) -> None:
        """Keycloak wants the aliases of flows, and of configs, unique in the whole realm."""
        trees = list(self.flows.values())
        aliases = [flow.alias for tree in trees for flow in [tree, *tree.subflows()]]
        labels = [step.config_alias for tree in trees for step in tree.steps() if step.config]
        for what, names in (("flow", aliases), ("config", labels)):
            for name, times in Counter(names).items():
                if times > 1:
                    raise DocumentError(
                        f"the {what} alias {name!r} stands {times} times",
                        "authenticationFlows",
                        "Give each an alias of its own; they are unique in a realm",
                    )


def _named(parts: Mapping[str, Any], section: str, key: str = "name") -> dict[str, Any]:
    """A section's list by name; refuses missing and doubled names."""
    found: dict[str, Any] = {}
    for number, item in enumerate(parts[section] or [], 1):
        name = item.get(key) if isinstance(item, Mapping) else None
        if not isinstance(name, str) or not name:
            raise DocumentError(f"entry {number} has no {key}", section)
        if name in found:
            raise DocumentError(f"{key} {name!r} stands twice", section)
        found[name] = item
    return found


def _inside(parts: Mapping[str, Any], section: str, key: str) -> Any:
    """The one list of a section that Keycloak keeps in an object."""
    raw = parts[section] or {}
    unknown = set(raw) - {key}
    if unknown:
        raise DocumentError(f"keys {sorted(unknown)} are not handled", section, f"Known: {key}")
    return raw.get(key)


def _organization(item: Named) -> Named:
    """An organization whose domains are objects, whichever way they were written."""
    found = {"name": item["alias"], **item}
    if "attributes" in item:
        found["attributes"] = lists(item["attributes"] or {})
    if "domains" in item:
        domains = as_list(item["domains"])
        found["domains"] = [dict(one) if isinstance(one, Mapping) else {"name": one} for one in domains]
    return found


def _key_secrets(item: Named, where: str, keyring: Keyring) -> dict[str, Secret]:
    """Takes private keys and the passwords of keystores out of a key provider."""
    config = item.get("config")
    config = config if isinstance(config, dict) else {}
    found = {key: keyring.resolve(config.pop(key), f"{where}.{key}") for key in KEY_SECRETS if config.get(key)}
    return {key: secret for key, secret in found.items() if secret}


def _mappers_apart(owners: dict[str, Any], form: Callable[[Any], Any]) -> dict[tuple[str, str], Any]:
    """Takes `mappers` out of their owners: {(owner, mapper name): mapper}."""
    found = {}
    for owner, item in owners.items():
        mappers = _named({"mappers": item.pop("mappers", None)}, "mappers")
        for name, mapper in mappers.items():
            found[owner, name] = {**mapper, "config": form(mapper.get("config") or {})}
    return found


def _protocol_mappers(owner: Mapping[str, Any], where: str) -> list[Any]:
    """The protocol mappers of a client or scope: protocol filled in, config in text."""
    found = _named({where: owner["protocolMappers"]}, where)
    return [
        {
            **mapper,
            "protocol": mapper.get("protocol") or owner.get("protocol") or OPENID,
            "config": texts(mapper.get("config") or {}),
        }
        for mapper in found.values()
    ]


def _roles(raw: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """((owning client or "" for the realm, name), role)."""
    unknown = set(raw) - {"realm", "client"}
    if unknown:
        raise DocumentError(
            f"unknown keys {sorted(unknown)}", "roles", "Known: realm (a list), client (clientId: list)"
        )
    for owner, roles in {"": raw.get("realm"), **(raw.get("client") or {})}.items():
        for name, role in _named({"roles": roles}, "roles").items():
            attributes = {"attributes": lists(role["attributes"] or {})} if "attributes" in role else {}
            yield (owner, name), {**role, **attributes}


def _groups(raw: list[Any], parent: str = "") -> Iterator[tuple[Any, ...]]:
    """(path, group) parents first; refuses what a group cannot carry here."""
    for name, item in _named({"groups": raw}, "groups").items():
        path = f"{parent}/{name}"
        unknown = set(item) - {"name", "attributes", "description", *GROUP_ROLES, "subGroups"}
        if unknown:
            raise DocumentError(
                f"keys {sorted(unknown)} are not handled",
                f"groups[{path}]",
                "Known: name, description, attributes, realmRoles, clientRoles, subGroups",
            )
        own = {key: item[key] for key in ("name", "description", *GROUP_ROLES) if key in item}
        if "attributes" in item:
            own["attributes"] = lists(item["attributes"] or {})
        yield path, own
        yield from _groups(item.get("subGroups") or [], path)


def _owned_roles(item: Named, where: str) -> dict[str, list[str]]:
    """Takes the roles out of a group: {client that owns them, or "" for the realm: names}."""
    found = {"": item.pop("realmRoles")} if "realmRoles" in item else {}
    found.update(_by_client(item.pop("clientRoles", None), f"{where}.clientRoles"))
    return {owner: sorted(map(text, as_list(names))) for owner, names in found.items()}


def role_keys(owned: Named) -> set[tuple[str, str]]:
    """(owning client or "" for the realm, name) of roles in the form of `composites`: realm (names), client (clientId: names)."""
    owners = {"": owned.get("realm"), **(owned.get("client") or {})}
    return {(owner, name) for owner, names in owners.items() for name in as_list(names)}


def _roles_by_owner(raw: Any, where: str) -> Named:
    """Roles in the form of `composites`."""
    found = {} if raw is None else raw
    if not isinstance(found, Mapping) or set(found) - {"realm", "client"}:
        raise DocumentError("these are no roles by owner", where, "Known: realm (names), client (clientId: names)")
    return {**found, "client": _by_client(found.get("client"), f"{where}.client")}


def _by_client(raw: Any, where: str) -> Named:
    if raw is not None and not isinstance(raw, Mapping):
        raise DocumentError("these are no roles by client", where, "Give clientId: names of its roles")
    return dict(raw or {})


def _authorization(raw: Any, where: str) -> Named:
    """Authorization settings in the form in which Keycloak exports them."""
    if not isinstance(raw, Mapping):
        raise DocumentError("these are no settings", where, "Give a mapping, as Keycloak exports it")
    found = dict(raw)
    for key in sorted(AUTHORIZATION_LISTS & found.keys()):
        found[key] = [
            _authorization_entry(item) for item in _named({f"{where}.{key}": found[key]}, f"{where}.{key}").values()
        ]
    return found


def _authorization_entry(item: Named) -> Named:
    """A resource, scope, policy or permission: config in text, attributes in lists, scopes as objects."""
    found = dict(item)
    if "config" in item:
        found["config"] = texts(item["config"] or {})
    if "attributes" in item:
        found["attributes"] = lists(item["attributes"] or {})
    if "scopes" in item:
        scopes = as_list(item["scopes"])
        found["scopes"] = [{"name": one["name"] if isinstance(one, Mapping) else one} for one in scopes]
    return found


def _admin_permissions(raw: Any, settings: Named) -> tuple[Named, Named]:
    """Policies and permissions by name; Keycloak keeps the two in one list."""
    where, given = admin_permissions.SECTION, raw or {}
    if not isinstance(given, Mapping) or set(given) - {"policies", "permissions"}:
        raise DocumentError("these are no permissions", where, "Known: policies (a list), permissions (a list)")
    parts = {f"{where}.{key}": given.get(key) for key in ("policies", "permissions")}
    policies, permissions = (_named(parts, section) for section in parts)
    if (policies or permissions) and text(settings.get(ADMIN_SWITCH)) != "true":
        raise DocumentError("the realm does not use them", where, "Give the realm adminPermissionsEnabled: true")
    for name in sorted(policies.keys() & permissions.keys()):
        raise DocumentError(f"{name!r} is a policy and a permission", where, "Give each a name of its own")
    return (
        {name: admin_permissions.policy(item, f"{where}.policies[{name}]") for name, item in policies.items()},
        {
            name: admin_permissions.permission(item, f"{where}.permissions[{name}]")
            for name, item in permissions.items()
        },
    )


def _scope_mappings(parts: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """((client|clientScope, its name, client that owns the roles or ''), role names)."""
    listed = [("", item) for item in parts["scopeMappings"] or []]
    listed += [(owner, item) for owner, items in (parts["clientScopeMappings"] or {}).items() for item in items]
    for owner, item in listed:
        holder = "client" if "client" in item else "clientScope"
        if not item.get(holder):
            raise DocumentError("an entry names neither client nor clientScope", "scopeMappings")
        yield (holder, item[holder], owner), sorted(map(text, as_list(item.get("roles"))))


def _refuse_stray_references(value: Any, trail: str = "") -> None:
    """A reference to a secret where none is understood would be stored as that very text."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_stray_references(item, f"{trail}.{key}" if trail else str(key))
    elif isinstance(value, list):
        for item in value:
            name = item.get("clientId") or item.get("alias") or item.get("name") if isinstance(item, Mapping) else None
            _refuse_stray_references(item, f"{trail}[{name}]" if name else trail)
    elif isinstance(value, str) and value.startswith(PREFIX):
        raise DocumentError(
            "no secret is understood at this place",
            trail,
            "Places: clients[].secret, identityProviders[].config.clientSecret, userFederation[].config.bindCredential, "
            f"smtpServer.password, keyProviders[].config: {', '.join(KEY_SECRETS)}",
        )
