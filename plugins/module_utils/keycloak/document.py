# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The wanted document, checked and taken apart. Nothing is read from a server here."""

from __future__ import annotations

import copy
from typing import Any, Iterator, Mapping

from . import flow_tree
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
    "clientScopes",
    "defaultDefaultClientScopes",
    "defaultOptionalClientScopes",
    "roles",
    "groups",
    "clients",
    "scopeMappings",
    "clientScopeMappings",
    "authenticationFlows",
    "requiredActions",
    "identityProviders",
    "userFederation",
    "localization",
)
# Keys of a RealmRepresentation that would be ignored or would do harm in a PUT of the realm.
NOT_HERE = {
    "id": "leave it out",
    "components": "use userFederation for LDAP",
    "identityProviderMappers": "use identityProviders[].mappers",
    "authenticatorConfig": "use config inside the execution",
    "localizationTexts": "use localization",
    "defaultRole": "use composites of the role default-roles-<realm>",
    "users": "users are not part of the realm document",
    **dict.fromkeys(("clientPolicies", "clientProfiles", "organizations", "defaultGroups", "keys"), "not handled yet"),
}
OIDC_PROVIDERS = ("oidc", "keycloak-oidc")


class Wanted:
    """The document in pieces: `settings`, `bindings`, and one attribute for each section, by name."""

    def __init__(self, document: Mapping, keyring: Keyring) -> None:
        raw = copy.deepcopy(dict(document))
        self.realm = raw.pop("realm", None)
        if not isinstance(self.realm, str) or not self.realm:
            raise DocumentError("the document does not name the realm", "realm", "Give it the key realm")
        for key in sorted(NOT_HERE.keys() & raw.keys()):
            raise DocumentError(f"the key {key} is not handled", key, f"Instead: {NOT_HERE[key]}")
        self.sections = {key for key in SECTIONS if raw.get(key) is not None}
        parts = {key: raw.pop(key, None) for key in SECTIONS}
        self.bindings = {key: raw.pop(key) for key in BINDINGS if key in raw}
        self.settings = raw
        self.smtp_password = self._smtp(keyring)
        if "attributes" in raw:
            raw["attributes"] = texts(raw["attributes"] or {})
        self.profile = parts["userProfile"] or {}
        self.scopes = _named(parts, "clientScopes")
        self.default_scopes = {
            key: as_list(parts[f"default{key}ClientScopes"])
            for key in ("Default", "Optional")
            if parts[f"default{key}ClientScopes"] is not None
        }
        self.clients = _named(parts, "clients", "clientId")
        self.roles, self.client_roles = _roles(parts["roles"] or {})
        self.groups = dict(_groups(parts["groups"] or []))
        self.scope_mappings = dict(_scope_mappings(parts))
        self.flows = {
            alias: flow_tree.from_document(item)
            for alias, item in _named(parts, "authenticationFlows", "alias").items()
        }
        self.required_actions = _named(parts, "requiredActions", "alias")
        self.idps = _named(parts, "identityProviders", "alias")
        self.idp_mappers = _pull_mappers(self.idps, "identityProviders", texts)
        self.federation = _named(parts, "userFederation")
        self.federation_mappers = _pull_mappers(self.federation, "userFederation", lists)
        self.localization = {locale: texts(values or {}) for locale, values in (parts["localization"] or {}).items()}
        self._scopes_and_clients(keyring)
        self._idps(keyring)
        self._federation(keyring)
        self._unique_flow_names()
        _no_stray_reference([raw, *parts.values()])

    def _smtp(self, keyring: Keyring) -> Any:
        smtp = self.settings.get("smtpServer")
        if smtp is None:
            return None
        password = smtp.pop("password", None)
        self.settings["smtpServer"] = texts(smtp)
        return keyring.resolve(password, "smtpServer.password") if password is not None else None

    def _scopes_and_clients(self, keyring: Keyring) -> None:
        for section, objects in (("clientScopes", self.scopes), ("clients", self.clients)):
            for name, item in objects.items():
                item.setdefault("protocol", "openid-connect")
                if "attributes" in item:
                    item["attributes"] = texts(item["attributes"] or {})
                if item.get("protocolMappers") is not None:
                    item["protocolMappers"] = _mappers(item, f"{section}[{name}]")
                if item.get("secret") is not None:
                    item["secret"] = keyring.resolve(item["secret"], f"clients[{name}].secret")

    def _idps(self, keyring: Keyring) -> None:
        for alias, item in self.idps.items():
            where = f"identityProviders[{alias}]"
            config = dict(item.get("config") or {})
            secret = config.pop("clientSecret", None)
            item["config"] = texts(config)
            if secret is not None:
                item["config"]["clientSecret"] = keyring.resolve(secret, f"{where}.config.clientSecret")
            checks = {key for key in ("useJwksUrl", "validateSignature") if item["config"].get(key) == "true"}
            if item.get("providerId") in OIDC_PROVIDERS and checks and not item["config"].get("issuer"):
                raise DocumentError(
                    "the issuer is empty: Keycloak would accept tokens of any issuer",
                    f"{where}.config.issuer",
                    "Give the issuer exactly as the provider's discovery document spells it",
                )

    def _federation(self, keyring: Keyring) -> None:
        for name, item in self.federation.items():
            config = dict(item.get("config") or {})
            secret = config.pop("bindCredential", None)
            item["config"] = lists(config)
            item.setdefault("providerId", "ldap")
            if secret is not None:
                item["config"]["bindCredential"] = keyring.resolve(
                    secret, f"userFederation[{name}].config.bindCredential"
                )

    def _unique_flow_names(self) -> None:
        """Keycloak wants aliases of flows, and of configs, unique in the whole realm."""
        trees = list(self.flows.values())
        aliases = [flow.alias for tree in trees for flow in [tree, *tree.subflows()]]
        labels = [step.config_alias for tree in trees for step in tree.steps() if step.config]
        for what, names in (("flow", aliases), ("config", labels)):
            for name in names:
                if names.count(name) > 1:
                    raise DocumentError(
                        f"the {what} alias {name!r} stands twice",
                        "authenticationFlows",
                        "Aliases are unique in a realm",
                    )


def _named(parts: Mapping, section: str, key: str = "name") -> dict:
    """A section's list by name; refuses missing and doubled names."""
    found: dict = {}
    for number, item in enumerate(parts[section] or [], 1):
        name = item.get(key) if isinstance(item, Mapping) else None
        if not isinstance(name, str) or not name:
            raise DocumentError(f"entry {number} has no {key}", section)
        if name in found:
            raise DocumentError(f"{key} {name!r} stands twice", section)
        found[name] = item
    return found


def _pull_mappers(owners: dict, section: str, form: Any) -> dict:
    """Takes `mappers` out of their owners: {(owner, mapper name): mapper}."""
    found = {}
    for owner, item in owners.items():
        mappers = _named({"mappers": item.pop("mappers", None)}, "mappers")
        for name, mapper in mappers.items():
            found[owner, name] = {**mapper, "config": form(mapper.get("config") or {})}
    return found


def _mappers(owner: Mapping, where: str) -> list:
    """The protocol mappers of a client or scope: protocol filled in, config in text."""
    found = _named({where: owner["protocolMappers"]}, where)
    return [
        {**mapper, "protocol": mapper.get("protocol") or owner["protocol"], "config": texts(mapper.get("config") or {})}
        for mapper in found.values()
    ]


def _roles(raw: Mapping) -> tuple[dict, dict]:
    def norm(items: Any, where: str) -> dict:
        found = _named({where: items}, where)
        return {
            k: {**v, **({"attributes": lists(v["attributes"] or {})} if "attributes" in v else {})}
            for k, v in found.items()
        }

    unknown = set(raw) - {"realm", "client"}
    if unknown:
        raise DocumentError(
            f"unknown keys {sorted(unknown)}", "roles", "Known: realm (a list), client (clientId: list)"
        )
    clients = {client: norm(items, f"roles.client[{client}]") for client, items in (raw.get("client") or {}).items()}
    return norm(raw.get("realm"), "roles.realm"), clients


def _groups(raw: list, parent: str = "") -> Iterator[tuple]:
    """(path, group) parents first; refuses what a group cannot carry here."""
    for name, item in _named({"groups": raw}, "groups").items():
        path = f"{parent}/{name}"
        unknown = set(item) - {"name", "attributes", "description", "subGroups"}
        if unknown:
            raise DocumentError(
                f"keys {sorted(unknown)} are not handled",
                f"groups[{path}]",
                "Known: name, description, attributes, subGroups",
            )
        own = {key: item[key] for key in ("name", "description") if key in item}
        if "attributes" in item:
            own["attributes"] = lists(item["attributes"] or {})
        yield path, own
        yield from _groups(item.get("subGroups") or [], path)


def _scope_mappings(parts: Mapping) -> Iterator[tuple]:
    """((client|clientScope, its name, client that owns the roles or ''), role names)."""
    listed = [("", item) for item in parts["scopeMappings"] or []]
    listed += [(owner, item) for owner, items in (parts["clientScopeMappings"] or {}).items() for item in items]
    for owner, item in listed:
        holder = "client" if "client" in item else "clientScope"
        if not item.get(holder):
            raise DocumentError("an entry names neither client nor clientScope", "scopeMappings")
        yield (holder, item[holder], owner), sorted(map(text, as_list(item.get("roles"))))


def _no_stray_reference(value: Any, trail: str = "") -> None:
    """A reference to a secret where none is understood would be stored as that very text."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _no_stray_reference(item, f"{trail}.{key}" if trail else str(key))
    elif isinstance(value, list):
        for item in value:
            name = item.get("name") or item.get("alias") or item.get("clientId") if isinstance(item, Mapping) else None
            _no_stray_reference(item, f"{trail}[{name}]" if name else trail)
    elif isinstance(value, str) and value.startswith(PREFIX):
        raise DocumentError(
            "no secret is understood at this place",
            trail,
            "Places: clients[].secret, identityProviders[].config.clientSecret, userFederation[].config.bindCredential, smtpServer.password",
        )


__all__ = ["BINDINGS", "OIDC_PROVIDERS", "SECTIONS", "Secret", "Wanted"]
