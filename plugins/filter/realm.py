"""Filters that turn what a site writes into one realm document. Pure functions on plain data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from ansible.errors import AnsibleFilterError

# An object in a list of the document is known by the first of these that it has.
NATURAL_NAMES = ("clientId", "alias", "name", "client", "clientScope")
# Lists of names to which each fragment adds, and the site too; any other list of plain values belongs to one fragment.
ADDED_UP = {"realmRoles", "roles"}
# Lists to which fragments add. What the site says replaces them.
GROWN = {"defaultClientScopes"}
# Where Keycloak's representation holds a secret: list in the document, name of its objects, way to the value.
SECRETS = (
    ("clients", "clientId", ("secret",)),
    ("identityProviders", "alias", ("config", "clientSecret")),
    ("userFederation", "name", ("config", "bindCredential")),
)
REFERENCE = "secret:"
# Keycloak's name of an endpoint -> its name in a discovery document.
ENDPOINTS = {
    "authorizationUrl": "authorization_endpoint",
    "tokenUrl": "token_endpoint",
    "userInfoUrl": "userinfo_endpoint",
    "jwksUrl": "jwks_uri",
}


def merge_realm(
    fragments: Iterable[Mapping[str, Any]],
    site: Mapping[str, Any] | None = None,
    languages: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Merge fragments of a realm into one document without secrets.

    Objects in lists (clients, scopes, mappers, flows ...) are merged by their natural name. Two fragments may name the same
    object, but not give the same field different values. The fragment of the site is merged last and wins.

    Args:
        fragments: Each with `source` (shown in errors) and `document` (a part of a Keycloak RealmRepresentation).
        site: A last document that may change what the fragments say.
        languages: Keep only the texts in these languages, and in those of which they are variants (`de-CH` of `de`).

    Returns:
        `document`, in which each secret is the text "secret:NAME", and `secrets`, NAME -> value.

    Raises:
        AnsibleFilterError: Fragments contradict each other, or a secret is empty. All cases are listed; no secret is shown.
    """
    merge = _Merge()
    for fragment in fragments:
        merge.add(str(fragment["source"]), fragment["document"])
    if site:
        merge.add("realm_extra", site, wins=True)
    if languages is not None and "localization" in merge.document:
        kept = {name for language in languages for name in (language, re.split("[-_]", language)[0])}
        texts = merge.document["localization"]
        merge.document["localization"] = {language: texts[language] for language in texts if language in kept}
    if merge.problems:
        raise AnsibleFilterError("The realm cannot be put together:\n- " + "\n- ".join(merge.problems))
    return {"document": merge.document, "secrets": merge.secrets}


class _Merge:
    """A document that grows fragment by fragment, and remembers who said what."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {}
        self.secrets: dict[str, str] = {}
        self.problems: list[str] = []
        self._said_by: dict[str, str] = {}

    def add(self, source: str, fragment: Mapping[str, Any], wins: bool = False) -> None:
        self._source, self._wins = source, wins
        plain = _plain(fragment)
        self._take_secrets(plain)
        self._mapping(self.document, plain, "")

    def _take_secrets(self, fragment: dict[str, Any]) -> None:
        places = [(fragment.get("smtpServer") or {}, "password", "smtp")]
        for section, natural, (*way, key) in SECRETS:
            for item in fragment.get(section) or []:
                holder = item
                for step in way:
                    holder = holder.get(step) or {}
                places.append((holder, key, f"{section}/{item[natural]}"))
        for holder, key, name in places:
            if key not in holder or str(holder[key]).startswith(REFERENCE):
                continue
            value = str(holder[key] or "")
            if not value:
                self.problems.append(f"{name}: {self._source} gives an empty {key}")
            elif self.secrets.get(name, value) != value and not self._wins:
                self.problems.append(f"{name}: {self._source} and {self._said_by[name]} give different values of {key}")
            self.secrets[name] = value
            self._said_by[name] = self._source
            holder[key] = f"{REFERENCE}{name}"

    def _mapping(self, into: dict[str, Any], new: dict[str, Any], path: str) -> None:
        for key, value in new.items():
            where = f"{path}/{key}".lstrip("/")
            if key not in into:
                into[key] = value
                self._remember(where, value)
            elif isinstance(value, dict) and isinstance(into[key], dict):
                self._mapping(into[key], value, where)
            elif _is_named(value) and _is_named(into[key]):
                self._named(into[key], value, where)
            elif (
                key in (ADDED_UP if self._wins else ADDED_UP | GROWN)
                and isinstance(value, list)
                and isinstance(into[key], list)
            ):
                into[key] += [item for item in value if item not in into[key]]
            elif self._wins:
                into[key] = value
            elif not _same(into[key], value):
                earlier = self._said_by.get(where) or "an earlier fragment"
                self.problems.append(f"{where}: {_short(into[key])} in {earlier}, {_short(value)} in {self._source}")

    def _named(self, into: list[Any], new: list[Any], path: str) -> None:
        known = {_name(item): item for item in into}
        for item in new:
            name = _name(item)
            if name in known:
                self._mapping(known[name], item, f"{path}/{name}")
            else:
                into.append(item)
                known[name] = item
                self._remember(f"{path}/{name}", item)

    def _remember(self, path: str, value: Any) -> None:
        self._said_by[path] = self._source
        if isinstance(value, dict):
            for key, inner in value.items():
                self._remember(f"{path}/{key}", inner)
        elif _is_named(value):
            for item in value:
                self._remember(f"{path}/{_name(item)}", item)


def _plain(value: Any) -> Any:
    """A deep copy in plain containers: templating hands out lazy ones."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(item) for item in value]
    return value


def _name(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    if isinstance(item.get("flow"), dict):  # an execution that is a flow below
        item = item["flow"]
    return next((str(item[key]) for key in NATURAL_NAMES if key in item), "")


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_name(item) for item in value)


def _same(one: Any, other: Any) -> bool:
    """Equality; Keycloak keeps lists of plain values as sets."""
    if (
        isinstance(one, list)
        and isinstance(other, list)
        and not any(isinstance(item, (dict, list)) for item in [*one, *other])
    ):
        return sorted(map(str, one)) == sorted(map(str, other))
    return bool(one == other)


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one line of a terminal


def services_with_login(services: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the services that need a client in the realm, each complete.

    Services of openness level `anonymous` have no login, hence no client. Keys that a service leaves out get their default:
    `preset` and `client_id` are the name of the service, `openness` is `authenticated`. `origin` is scheme and host of the URL.
    """
    complete = []
    for name, service in services.items():
        if not isinstance(service, Mapping):
            continue  # refused by the rules of the role `facility`
        openness = service.get("openness", "authenticated")
        if openness == "anonymous":
            continue
        url = urlsplit(str(service.get("url", "")))
        defaults = {
            "name": name,
            "preset": name,
            "client_id": name,
            "openness": openness,
            "origin": f"{url.scheme}://{url.netloc}",
            "redirect_uris": [],
            "logout_uris": [],
            "web_origins": [],
            "scopes": [],
        }
        complete.append({**defaults, **service})
    return complete


def brokered_providers(providers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the identity providers, each with its alias (default: the preset, with hyphens) and position on the login page."""
    return [
        {"alias": str(provider.get("preset")).replace("_", "-"), "position": number, **provider}
        for number, provider in enumerate(providers, 1)
    ]


def refused_identifiers(scopes: Iterable[str]) -> str:
    """Return the regular expression (Java, whole value) for values of `voperson_id` that may not log in.

    Monitoring accounts, `test@<scope>`, and with `scopes` all that stand outside them. AARC-G026 compares without regard to case.
    """
    allowed = "|".join(_literal(scope) for scope in scopes)
    return "(?i)test@.*" + (f"|(?![^@]+@({allowed})$).*" if allowed else "")


def gated_services(
    services: Iterable[Mapping[str, Any]], fragments: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the services at which people log in, but not everybody: those of level `authorised` or with an `assurance`.

    Args:
        services: Entries as `services_with_login` returns them.
        fragments: What the presets of these services add to the realm; the name that people read stands there.

    Returns:
        The entries, each with `display_name` and `role`.
    """
    clients = {
        str(client["clientId"]): client
        for fragment in fragments
        for client in fragment["document"].get("clients") or []
    }
    gated = []
    for service in services:
        client = clients.get(str(service["client_id"]), {})
        closed = service["openness"] == "authorised" or service.get("assurance")
        if closed and client.get("standardFlowEnabled") is not False:
            name = client.get("name") or service["name"]
            gated.append({"role": "compute-approved", **service, "display_name": name})
    return gated


def lost_gates(services: Iterable[Mapping[str, Any]], document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return those of the gated services whose client lacks its own browser login, or the scope that marks it for its gates."""
    clients = {client["clientId"]: client for client in document.get("clients") or []}

    def stands(service: Mapping[str, Any]) -> bool:
        client = clients.get(service["client_id"], {})
        bound = (client.get("authenticationFlowBindingOverrides") or {}).get("browser")
        return bool(bound) and f"gate-{service['name']}" in (client.get("defaultClientScopes") or [])

    return [service for service in services if not stands(service)]


def own_entitlements(groups: Iterable[str], namespace: str, authority: str) -> list[dict[str, Any]]:
    """Return what members of groups of this facility carry to others: one entry per group, ready for presets/own_entitlement.yml.

    `<namespace>:group:<group>[:<subgroup>...]#<authority>` (AARC-G069). Keycloak gives the attribute of a group to its members, and those
    of a group above it to them too.
    """
    entries = []
    for group in dict.fromkeys(groups):
        names = group.strip("/").split("/")
        urn = f"{namespace}:group:{':'.join(quote(name, safe='') for name in names)}#{authority}"
        entries.append({"group": group, "entitlement": urn, "groups": [_branch(names, eduperson_entitlement=[urn])]})
    return entries


def message_text(text: str) -> str:
    """Return text in the notation of Keycloak's messages (java.text.MessageFormat), where quotes and braces mean something."""
    return str(text).replace("'", "''").replace("{", "'{'").replace("}", "'}'")


def entitlement_grants(
    entitlements: Iterable[Mapping[str, Any]], providers: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return who grants which group: one entry per entitlement and provider, ready for presets/entitlement.yml.

    An entry that names no `provider` counts for each of them.
    """
    aliases = [provider["alias"] for provider in brokered_providers(providers)]
    return [
        {
            "alias": alias,
            "entitlement": item["entitlement"],
            "group": item["group"],
            "pattern": entitlement_pattern(item["entitlement"]),
            "groups": [_branch(item["group"].strip("/").split("/"))],
        }
        for item in entitlements
        for alias in aliases
        if item.get("provider", alias) == alias
    ]


def entitlement_pattern(entitlement: str) -> str:
    """Return the regular expression (Java, whole value) for an AARC-G069 group entitlement.

    `<namespace>:group:<group>[:<subgroup>...][:role=<role>][#<authority>]`. A role in the received value does not matter unless one is
    asked for; neither does the authority. A member of a subgroup is not a member of the group by that alone.
    """
    group, _, authority = str(entitlement).partition("#")
    role = "" if ":role=" in group else "(:role=[^#]+)?"
    return f"{_literal(group)}{role}" + (f"#{_literal(authority)}" if authority else "(#.*)?")


def _literal(text: str) -> str:
    """Escape what is special in a Java regular expression, and nothing else, so that it stays readable."""
    return re.sub(r"([\\.\[\]{}()*+?^$|])", r"\\\1", text)


def _branch(names: list[str], **attributes: list[str]) -> dict[str, Any]:
    """A group below others, by its path; the attributes are its own."""
    first, *rest = names
    if rest:
        return {"name": first, "subGroups": [_branch(rest, **attributes)]}
    return {"name": first, "attributes": attributes} if attributes else {"name": first}


def discovered_endpoints(answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a fragment for each identity provider whose endpoints were asked for, with those that it leaves out.

    Args:
        answers: Results of the module `uri` in a loop over identity providers of the document: `item` and `json`.

    Raises:
        AnsibleFilterError: A discovery document lacks an endpoint.
    """
    fragments = []
    for answer in answers:
        if "json" not in answer:
            continue  # skipped
        provider, said = answer["item"], answer["json"]
        missing = [key for key in ENDPOINTS.values() if not said.get(key)]
        if missing:
            raise AnsibleFilterError(
                f"The discovery document of {said['issuer']} (provider {provider['alias']}) has no {', '.join(missing)}: "
                "give the endpoints in facility_identity_providers"
            )
        config = {key: said[name] for key, name in ENDPOINTS.items() if key not in provider["config"]}
        document = {"identityProviders": [{"alias": provider["alias"], "config": config}]}
        fragments.append({"source": f"the discovery document of {said['issuer']}", "document": document})
    return fragments


def client_addresses(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return every address to which Keycloak would send somebody, or from which it would answer a browser, and for which client."""
    found = []
    for client in document.get("clients") or []:
        logout = (client.get("attributes") or {}).get("post.logout.redirect.uris") or ""
        fields = {
            "redirectUris": client.get("redirectUris") or [],
            "webOrigins": client.get("webOrigins") or [],
            "post.logout.redirect.uris": [uri for uri in logout.split("##") if uri],
        }
        found += [
            {"client": client["clientId"], "field": field, "address": address}
            for field, addresses in fields.items()
            for address in addresses
        ]
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {
            "brokered_providers": brokered_providers,
            "client_addresses": client_addresses,
            "discovered_endpoints": discovered_endpoints,
            "entitlement_grants": entitlement_grants,
            "entitlement_pattern": entitlement_pattern,
            "gated_services": gated_services,
            "lost_gates": lost_gates,
            "merge_realm": merge_realm,
            "message_text": message_text,
            "own_entitlements": own_entitlements,
            "refused_identifiers": refused_identifiers,
            "services_with_login": services_with_login,
        }
