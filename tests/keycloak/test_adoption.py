"""A realm made by other means is described, and the description planned on it changes nothing."""

from __future__ import annotations

import json
from typing import Any

import yaml
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import describe, rights, state
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.ownership import Prune
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.reconcile import reconcile
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from realm_document import SIGNING_KEYS, claim
from realm_server import Server

CANARY = "canary-by-hand-0123456789"


def described(server: Server) -> dict[str, Any]:
    """The live realm as a document, through the file that a sysadmin would keep."""
    client = server.client()
    live = state.read(client, Wanted({"realm": server.name}, Keyring({}, "")), whole=True)
    document = yaml.safe_load(yaml.safe_dump(describe.describe(live), sort_keys=False))
    text = json.dumps(document)
    assert "canary" not in text
    assert "**********" not in text
    assert SIGNING_KEYS[0][:40] not in text
    return document  # type: ignore[no-any-return]


def adopted(server: Server, document: dict[str, Any], **options: Any) -> list[Any]:
    keyring = Keyring({}, "k" * 32, describe.secrets_in(document))
    return reconcile(server.client(), Wanted(document, keyring), prune=Prune(objects=True, users=True), **options)


def made_by_hand(server: Server) -> None:
    """What somebody may have made with the console, a partial import and a script, with a few of Keycloak's oddities."""
    api = server.client()
    body = {
        "displayName": "By hand",
        "adminPermissionsEnabled": True,
        "loginTheme": "keycloak",
        "bruteForceProtected": True,
        "organizationsEnabled": True,
    }
    smtp = {"host": "mail.test", "from": "a@b.test", "auth": "true", "user": "u", "password": CANARY}
    api.put("", {**body, "smtpServer": smtp, "attributes": {"own": "x"}, "otpPolicyDigits": 8})
    roles = [{"name": "staff", "attributes": {"a": ["1", "2"]}}, {"name": "boss"}]
    clients = [
        {
            "clientId": "portal",
            "secret": CANARY,
            "redirectUris": ["https://portal.test/*"],
            "serviceAccountsEnabled": True,
            "authorizationServicesEnabled": True,
            "attributes": {"saml.force.post.binding": "false"},
            "protocolMappers": [{**claim("orcid"), "protocol": "openid-connect"}],
        },
        {"clientId": "https://sp.test/metadata", "protocol": "saml", "attributes": {"saml.client.signature": "false"}},
        {"clientId": "spa", "publicClient": True, "fullScopeAllowed": False, "webOrigins": ["+"]},
    ]
    groups = [
        {
            "name": "lab",
            "path": "/lab",
            "attributes": {"k": ["v"]},
            "subGroups": [{"name": "beam", "path": "/lab/beam"}],
        }
    ]
    imported = {
        "roles": {"realm": roles, "client": {"portal": [{"name": "admin"}]}},
        "clients": clients,
        "groups": groups,
    }
    api.read("/partialImport", {"ifResourceExists": "FAIL", **imported})
    api.post("/roles/boss/composites", [api.get("/roles/staff")])
    spa = api.get("/clients", clientId="spa")[0]["id"]
    api.post(f"/clients/{spa}/scope-mappings/realm", [api.get("/roles/staff")])
    admin = next(item for item in api.get("/clients") if item["clientId"] == "admin-cli")
    api.put(f"/clients/{admin['id']}", {"clientId": "admin-cli", "directAccessGrantsEnabled": False})
    address = next(item for item in api.get("/client-scopes") if item["name"] == "role_list")
    api.put(f"/client-scopes/{address['id']}", {"name": "role_list", "description": "By hand"})
    _portal(api)
    _administrators(api)
    _flows(api, spa)
    _providers(api)
    _rest(api)


def _portal(api: Any) -> None:
    """Roles of a service account and of a group, resources and policies."""
    portal = api.get("/clients", clientId="portal")[0]["id"]
    account = api.get(f"/clients/{portal}/service-account-user")["id"]
    api.post(f"/users/{account}/role-mappings/realm", [api.get("/roles/staff")])
    group = api.get("/group-by-path/lab")["id"]
    api.post(f"/groups/{group}/role-mappings/clients/{portal}", [api.get(f"/clients/{portal}/roles/admin")])
    server = f"/clients/{portal}/authz/resource-server"
    api.post(f"{server}/scope", {"name": "read"})
    api.post(f"{server}/resource", {"name": "data", "uris": ["/d/*"], "attributes": {"a": ["b"]}, "scopes": ["read"]})
    api.post(f"{server}/policy/role", {"name": "staff only", "roles": [{"id": "staff", "required": True}]})
    api.post(f"{server}/policy/time", {"name": "by day", "hour": 8, "hourEnd": 18})
    api.post(f"{server}/policy/aggregate", {"name": "both", "policies": ["staff only", "by day"]})
    permission = {"name": "readers", "scopes": ["read"], "resources": ["data"], "policies": ["both"]}
    api.post(f"{server}/permission/scope", permission)


def _administrators(api: Any) -> None:
    """Policies and permissions as the console writes them."""
    ours = api.get("/clients", clientId="admin-permissions")[0]["id"]
    server = f"/clients/{ours}/authz/resource-server"
    group, role = api.get("/group-by-path/lab/beam")["id"], api.get("/roles/staff")["id"]
    groups = [{"id": group, "extendChildren": True}]
    api.post(f"{server}/policy/group", {"name": "beam", "logic": "NEGATIVE", "groups": groups, "description": "d"})
    api.post(f"{server}/policy/role", {"name": "staff", "roles": [{"id": role, "required": True}], "fetchRoles": True})
    api.post(f"{server}/policy/time", {"name": "by day", "notBefore": "2026-01-01 00:00:00", "hour": 8, "hourEnd": 18})
    both = {"name": "both", "policies": ["beam", "by day"], "decisionStrategy": "CONSENSUS"}
    api.post(f"{server}/policy/aggregate", both)
    for name, kind, more in (("people", "Users", {}), ("lab", "Groups", {"resources": [group]})):
        permission = {"name": name, "resourceType": kind, "scopes": ["view"], "policies": ["both", "staff"], **more}
        api.post(f"{server}/permission/scope", permission)
    role = {"name": "give staff", "resourceType": "Roles", "scopes": ["map-role"], "resources": [role]}
    api.post(f"{server}/permission/scope", {**role, "policies": ["staff"], "logic": "NEGATIVE"})


def _flows(api: Any, spa: str) -> None:
    flow = "by hand browser"
    api.post("/authentication/flows/browser/copy", {"newName": flow})
    rows = api.get("/authentication/flows/by%20hand%20browser/executions")
    otp = next(row for row in rows if row.get("providerId") == "auth-otp-form")
    api.put("/authentication/flows/by%20hand%20browser/executions", {**otp, "requirement": "ALTERNATIVE"})
    redirector = next(row for row in rows if row.get("providerId") == "identity-provider-redirector")
    api.post(
        f"/authentication/executions/{redirector['id']}/config", {"alias": "to u", "config": {"defaultProvider": "u"}}
    )
    api.put("", {"browserFlow": flow})
    flows = {item["alias"]: item["id"] for item in api.get("/authentication/flows")}
    api.put(f"/clients/{spa}", {"clientId": "spa", "authenticationFlowBindingOverrides": {"browser": flows["browser"]}})


def _providers(api: Any) -> None:
    idp = {"alias": "u", "providerId": "oidc", "trustEmail": True, "firstBrokerLoginFlowAlias": "first broker login"}
    config = {
        "clientId": "x",
        "clientSecret": CANARY,
        "tokenUrl": "https://u.test/t",
        "authorizationUrl": "https://u.test/a",
    }
    api.post("/identity-provider/instances", {**idp, "config": {**config, "issuer": "https://u.test"}})
    mapper = {"name": "m", "identityProviderAlias": "u", "identityProviderMapper": "oidc-user-attribute-idp-mapper"}
    api.post("/identity-provider/instances/u/mappers", {**mapper, "config": {"claim": "c", "user.attribute": "orcid"}})
    ldap = {"vendor": ["ad"], "connectionUrl": ["ldaps://ad.test"], "bindCredential": [CANARY], "usersDn": ["dc=x"]}
    more = {
        "editMode": ["READ_ONLY"],
        "usernameLDAPAttribute": ["cn"],
        "rdnLDAPAttribute": ["cn"],
        "enabled": ["false"],
    }
    more.update(
        uuidLDAPAttribute=["objectGUID"], userObjectClasses=["person, user"], bindDn=["cn=a"], authType=["simple"]
    )
    storage = {"providerType": state.FEDERATION, "providerId": "ldap", "name": "ad", "parentId": api.get("")["id"]}
    api.post("/components", {**storage, "config": {**ldap, **more}})
    key = {"providerType": state.KEYS, "providerId": "rsa", "name": "own", "parentId": api.get("")["id"]}
    api.post(
        "/components", {**key, "config": {"privateKey": [SIGNING_KEYS[0]], "priority": ["50"], "algorithm": ["RS512"]}}
    )
    api.post("/organizations", {"name": "Lab", "alias": "lab", "domains": [{"name": "lab.test"}]})
    organization = api.get("/organizations")[0]["id"]
    api.post(f"/organizations/{organization}/identity-providers", "u")


def _rest(api: Any) -> None:
    api.put(f"/default-groups/{api.get('/group-by-path/lab')['id']}")
    terms = next(
        item for item in api.get("/authentication/required-actions") if item["alias"] == "TERMS_AND_CONDITIONS"
    )
    api.put("/authentication/required-actions/TERMS_AND_CONDITIONS", {**terms, "enabled": True, "priority": 3})
    api.post("/localization/de", {"loginTitle": "Anmeldung ü"})
    profile = api.get("/users/profile")
    profile["attributes"].append({"name": "orcid", "permissions": {"view": ["admin"], "edit": ["admin"]}})
    api.put("/users/profile", profile)
    executor = {"executor": "secure-session", "configuration": {}}
    api.put("/client-policies/profiles", {"profiles": [{"name": "strict", "executors": [executor]}]})
    condition = {"condition": "any-client", "configuration": {}}
    policy = {"name": "all", "enabled": False, "conditions": [condition], "profiles": ["strict"]}
    api.put("/client-policies/policies", {"policies": [policy]})


def test_a_new_realm_is_described_by_its_name(new_server: Any) -> None:
    server = new_server()
    rights.create_realm(server.client(), server.name)
    assert described(server) == {"realm": server.name, "enabled": True}


def test_a_realm_made_by_hand_is_adopted_without_a_change(new_server: Any) -> None:
    server = new_server()
    rights.create_realm(server.client(), server.name)
    made_by_hand(server)
    document = described(server)
    assert adopted(server, document, check_mode=True) == []
    # Changed things of Keycloak's own are there, and nothing but the change.
    clients = {item["clientId"]: item for item in document["clients"]}
    assert clients["admin-cli"] == {
        "clientId": "admin-cli",
        "protocol": "openid-connect",
        "directAccessGrantsEnabled": False,
    }
    assert document["clientScopes"] == [{"name": "role_list", "protocol": "saml", "description": "By hand"}]
    assert describe.secrets_in(document) == [
        "clients/https://sp.test/metadata" if clients["https://sp.test/metadata"].get("secret") else "clients/portal",
        *(["clients/portal"] if clients["https://sp.test/metadata"].get("secret") else []),
        "identityProviders/u",
        "keyProviders/own/privateKey",
        "smtp",
        "userFederation/ad",
    ]
    assert clients["portal"]["serviceAccountRoles"] == {"realm": ["staff"]}
    settings = clients["portal"]["authorizationSettings"]
    assert [len(settings[key]) for key in ("scopes", "resources", "policies")] == [1, 1, 4]
    assert document["groups"][0]["clientRoles"] == {"portal": ["admin"]}
    assert document["roles"]["client"] == {"portal": [{"name": "admin"}]}
    assert [len(document["adminPermissions"][key]) for key in ("policies", "permissions")] == [4, 3]
    # It is the whole of it: the same document makes the same realm elsewhere, and nothing that people made is owned.
    assert adopted(server, document) == []
    assert not [key for key in server.export()["attributes"] if key.startswith("facility.owned")]
    other = new_server()
    values = dict.fromkeys(describe.secrets_in(document), CANARY)
    values["keyProviders/own/privateKey"] = SIGNING_KEYS[0]
    reconcile(
        other.client(), Wanted({**document, "realm": other.name}, Keyring(values, "k" * 32)), verify_discovery=False
    )
    copy = json.loads(json.dumps(described(other)).replace(other.name, server.name))
    assert sorted(copy) == sorted(document)
    for one in (copy, document):  # Keycloak gives a SAML client that it creates attributes of its own
        one["clients"] = [item for item in one["clients"] if item.get("protocol") != "saml"]
    for section, content in document.items():
        assert in_order(copy[section]) == in_order(content), section


def in_order(value: Any) -> Any:
    """The same without the order of lists."""
    if isinstance(value, dict):
        return {key: in_order(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((in_order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def test_the_kits_own_realm_is_described_and_adopted(server: Server) -> None:
    document = described(server)
    assert adopted(server, document, check_mode=True) == []
    kinds = {"clients", "identityProviders", "userFederation", "organizations", "keyProviders", "clientPolicies"}
    assert kinds <= document.keys()
