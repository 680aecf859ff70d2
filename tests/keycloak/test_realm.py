"""The whole document on a real server: idempotence, secrets, check mode, drift, rights, issuer."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import (
    DocumentError,
    IssuerError,
    PartialError,
    RightsError,
    UnreachableError,
)
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.kinds import KINDS
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.kinds.admin_permissions import AdminSwitch
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.kinds.client_scopes import Mappers
from realm_document import OTHER_SECRETS, SECRETS, SIGNING_KEYS
from realm_server import GIVEN, Server


def summaries(changes: list) -> list:
    return [(change.kind, change.name, list(change.fields)) for change in changes]


def test_second_run_changes_nothing_with_few_requests(server: Server) -> None:
    assert server.run() == []
    assert server.requests <= 23


@pytest.mark.parametrize(
    ("secret", "kind", "name", "field"),
    [
        ("visa", "client", "visa", "secret"),
        ("umbrella", "identity provider", "umbrella", "config.clientSecret"),
        ("ldap", "user federation", "ldap", "config.bindCredential"),
        ("smtp", "realm", None, "smtpServer.password"),
        ("signing", "key provider", "signing 2025", "config.privateKey"),
    ],
)
def test_one_changed_secret_changes_one_object(
    server: Server, secret: str, kind: str, name: str | None, field: str
) -> None:
    other = {secret: "canary-another-value-0123456789" if secret != "signing" else SIGNING_KEYS[1]}
    name = name or server.name
    assert summaries(server.run(secrets=other)) == [(kind, name, [field])]
    assert server.run(secrets=other) == []
    assert summaries(server.run()) == [(kind, name, [field])]
    assert server.run() == []


def test_client_secret_on_the_server_is_the_given_one(server: Server) -> None:
    form = {"grant_type": "client_credentials", "client_id": "visa", "client_secret": SECRETS["visa"]}
    url = f"{GIVEN['URL']}/realms/{server.name}/protocol/openid-connect/token"
    assert requests.post(url, data=form, verify=GIVEN["CA"], timeout=20).status_code == 200
    form["client_secret"] = "**********"
    assert requests.post(url, data=form, verify=GIVEN["CA"], timeout=20).status_code == 401


def changed(wanted: dict[str, Any]) -> dict[str, Any]:
    """One difference in every kind of object."""
    wanted["displayName"] = "Another name"
    wanted["smtpServer"]["host"] = "other.facility.test"
    wanted["attributes"]["facility.ror"] = "https://ror.org/11zzz1111"
    wanted["userProfile"]["attributes"][1]["displayName"] = "Identifier"
    wanted["clientScopes"][0]["protocolMappers"][0]["config"]["claim.name"] = "vid"
    wanted["clientScopes"][1]["description"] = "Other"
    wanted["defaultDefaultClientScopes"].append("groups")
    wanted["defaultOptionalClientScopes"].remove("groups")
    wanted["roles"]["realm"][0]["description"] = "Other"
    wanted["roles"]["realm"][2]["composites"] = {"realm": ["compute-approved"], "client": {"visa": ["admin"]}}
    wanted["roles"]["client"]["visa"][1]["description"] = "Other"
    wanted["groups"][1]["subGroups"][0]["attributes"]["mail"] = ["b@x.test", "c@x.test"]
    wanted["groups"][0]["subGroups"].append({"name": "new"})
    wanted["groups"][1]["realmRoles"] = ["compute-approved"]
    wanted["groups"][1]["clientRoles"] = {"visa": ["admin"]}
    changed_permissions(wanted)
    visa = wanted["clients"][0]
    visa["redirectUris"] = ["https://visa.facility.test/new"]
    visa["defaultClientScopes"].remove("panosc")
    visa["optionalClientScopes"].append("panosc")
    visa["protocolMappers"][0]["config"]["claim.name"] = "uid"
    visa["attributes"]["pkce.code.challenge.method"] = None
    wanted["clientScopeMappings"]["account"][0]["roles"] = ["view-profile"]
    wanted["authenticationFlows"][0]["executions"][0]["config"] = {"update.profile.on.first.login": "on"}
    wanted["authenticationFlows"][1]["description"] = "Said anew"
    wanted["authenticationFlows"][2]["executions"].pop(1)
    idp = wanted["identityProviders"][0]
    idp["displayName"], idp["config"]["guiOrder"] = "Umbrella", 2
    idp["mappers"][1]["config"]["syncMode"] = "IMPORT"
    ldap = wanted["userFederation"][0]
    ldap["config"]["readTimeout"] = 6000
    ldap["mappers"][0]["config"]["ldap.attribute"] = "cn"
    wanted["keyProviders"][0]["config"]["priority"] = 210
    wanted["defaultGroups"] = ["/facility"]
    partner = wanted["organizations"][0]
    partner["domains"], partner["identityProviders"] = ["other.test"], []
    wanted["clientProfiles"]["profiles"][0]["description"] = "Other"
    wanted["clientPolicies"]["policies"][0]["enabled"] = False
    wanted["browserFlow"] = "facility browser"
    wanted["requiredActions"][2]["config"]["max_auth_age"] = 60
    wanted["localization"]["de"] = {"need-compute": None, "other": "Text"}
    return wanted


def changed_permissions(wanted: dict[str, Any]) -> None:
    """The same for what clients and administrators may."""
    scicat = wanted["clients"][1]
    scicat["serviceAccountRoles"] = {"realm": ["compute-approved"], "client": {"visa": ["admin", "operator"]}}
    settings = scicat["authorizationSettings"]
    settings["policyEnforcementMode"] = "ENFORCING"
    settings["resources"][0].update(uris=["/proposals/new"], scopes=["read"], displayName="Proposals")
    settings["policies"][0]["config"]["groups"] = [{"path": "/facility", "extendChildren": True}]
    settings["policies"].append({"name": "admins", "type": "role", "config": {"roles": [{"id": "visa/admin"}]}})
    settings["policies"][1]["config"]["scopes"] = ["read"]
    administrators = wanted["adminPermissions"]
    administrators["policies"][0]["groups"] = [{"path": "/umbrella", "extendChildren": True}]
    administrators["policies"][3].update(hour=None, hourEnd=None, dayMonth=1)
    administrators["permissions"][1].update(resources=["/umbrella"], scopes=["view"], policies=["operators"])
    administrators["permissions"][2].update(resources=[], description="All of them")


def test_check_mode_plans_what_a_real_run_does_and_neither_shows_a_secret(server: Server) -> None:
    wanted = changed(server.document())
    secrets = OTHER_SECRETS
    before = server.export()
    checked = server.run(wanted, secrets, check_mode=True)
    assert server.export() == before, "check mode wrote"
    real = server.run(wanted, secrets)
    assert [item.summary() for item in checked] == [item.summary() for item in real]
    assert [item.diff() for item in checked] == [item.diff() for item in real]
    kinds = {item.kind for item in real}
    written = {kind.name for kind in KINDS if not isinstance(kind, Mappers)}  # their owners write those
    assert kinds == written - {AdminSwitch.name}, "a kind without a change"  # off there would be no permissions
    shown = json.dumps([[item.summary(), item.diff()] for item in [*checked, *real]]) + repr(real)
    assert "canary" not in shown
    assert not any(key[:40] in shown for key in SIGNING_KEYS)
    assert server.run(wanted, secrets) == []
    server.run()
    # What the documents do not share is put back by hand.
    server.client().put("", {"browserFlow": "browser"})
    assert server.run() == []


def test_what_the_document_does_not_name_stays(server: Server) -> None:
    """Attributes, mappers, texts and objects made by hand survive a change of their neighbours."""
    api = server.client()
    api.put("", {"attributes": {**server.export()["attributes"], "by.hand": "kept"}})
    visa = api.get("/clients", clientId="visa")[0]
    mapper = {
        "name": "by hand",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": {"claim.name": "x", "claim.value": "y"},
    }
    api.post(f"/clients/{visa['id']}/protocol-mappers/add-models", [mapper])
    api.put(f"/clients/{visa['id']}", {"clientId": "visa", "attributes": {"by.hand": "kept"}, "description": "kept"})
    api.post("/localization/en", {"by-hand": "kept"})
    idp = api.get("/identity-provider/instances/umbrella")
    api.put("/identity-provider/instances/umbrella", {**idp, "config": {**idp["config"], "uiLocales": "kept"}})
    before = server.export()
    assert server.run() == []
    server.run(changed(server.document()), OTHER_SECRETS)
    server.run()
    api.put("", {"browserFlow": "browser"})
    after = server.export()
    assert after["attributes"]["by.hand"] == "kept"
    assert after["localizationTexts"]["en"]["by-hand"] == "kept"
    assert after["identityProviders"][0]["config"]["uiLocales"] == "kept"
    visa = api.get("/clients", clientId="visa")[0]
    assert visa["attributes"]["by.hand"] == visa["description"] == "kept"
    assert "by hand" in [item["name"] for item in visa["protocolMappers"]]
    # Settings of the realm that nobody named are the same, attribute by attribute.
    plain = {key: value for key, value in before.items() if not isinstance(value, (list, dict))}
    assert {key: after.get(key) for key in plain} == plain
    assert {key: after["attributes"].get(key) for key in before["attributes"]} == before["attributes"]


def test_a_change_made_by_hand_is_taken_back(server: Server) -> None:
    api = server.client()
    visa = api.get("/clients", clientId="visa")[0]
    api.put(
        f"/clients/{visa['id']}", {"clientId": "visa", "redirectUris": ["https://evil.test/*"], "secret": "by-hand"}
    )
    assert summaries(server.run()) == [("client", "visa", ["redirectUris", "secret"])]


def weak_login(server: Server, *roles: str) -> dict[str, Any]:
    """A service account inside the realm that has these roles of realm-management only."""
    api, name = server.client(), f"weak-{len(roles)}-{'-'.join(roles)}"
    body = {"clientId": name, "secret": "weak-secret", "serviceAccountsEnabled": True, "publicClient": False}
    new = api.create("/clients", body, lambda: None)
    user = api.get(f"/clients/{new}/service-account-user")["id"]
    management = api.get("/clients", clientId="realm-management")[0]["id"]
    granted = [item for item in api.get(f"/clients/{management}/roles") if item["name"] in roles]
    api.put("", {"adminPermissionsEnabled": False})  # while it is on only a realm-admin may give these roles
    api.post(f"/users/{user}/role-mappings/clients/{management}", granted)
    api.put("", {"adminPermissionsEnabled": True})
    return {"client_id": name, "client_secret": "weak-secret", "token_realm": server.name}


@pytest.mark.parametrize(
    ("roles", "missing"),
    [
        (("manage-realm", "manage-clients", "manage-users"), "manage-identity-providers"),
        (("manage-realm", "manage-clients", "manage-identity-providers", "query-groups"), "manage-users"),
        (("manage-realm", "query-clients", "manage-users", "manage-identity-providers"), "manage-clients"),
        (("query-clients",), "manage-realm"),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_missing_right_is_an_error_and_nothing_is_made_again(
    server: Server, roles: tuple, missing: str, check_mode: bool
) -> None:
    login = weak_login(server, *roles)
    before = server.export()
    with pytest.raises(RightsError, match=missing):
        server.run(changed(server.document()), client=server.client(**login), check_mode=check_mode)
    assert server.export() == before
    weak = server.client().get("/clients", clientId=login["client_id"])[0]["id"]
    server.client().delete(f"/clients/{weak}")


def test_four_manage_roles_are_enough(server: Server) -> None:
    login = weak_login(server, "manage-realm", "manage-clients", "manage-users", "manage-identity-providers")
    secrets = OTHER_SECRETS
    assert len(server.run(changed(server.document()), secrets, server.client(**login))) > 18
    server.run(client=server.client(**login))
    server.client().put("", {"browserFlow": "browser"})
    assert server.run(client=server.client(**login)) == []


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("new", [True, False])
def test_wrong_issuer_is_refused_before_anything_is_written(server: Server, check_mode: bool, new: bool) -> None:
    wanted = server.document()
    wanted["displayName"] = "must not be written"
    idp = wanted["identityProviders"][0]
    idp["config"]["issuer"] += "/"
    if new:
        idp["alias"] = "another"
    before = server.export()
    with pytest.raises(IssuerError) as caught:
        server.run(wanted, check_mode=check_mode)
    assert repr(server.issuer) in str(caught.value)
    assert repr(server.issuer + "/") in str(caught.value)
    assert server.export() == before


def test_provider_that_cannot_be_reached_is_named(server: Server) -> None:
    wanted = server.document()
    wanted["identityProviders"][0]["config"]["issuer"] = "https://127.0.0.1:9"
    with pytest.raises(UnreachableError, match=r"could not read https://127.0.0.1:9/"):
        server.run(wanted)
    server.run(wanted, verify_discovery=False)
    server.run()


def test_names_that_lead_nowhere_are_refused_before_anything_is_written(server: Server) -> None:
    wanted = server.document()
    wanted["displayName"] = "must not be written"
    wanted["clients"][0]["defaultClientScopes"].append("no-such-scope")
    wanted["browserFlow"] = "no-such-flow"
    before = server.export()
    with pytest.raises(DocumentError, match=r"no client scope 'no-such-scope'.*no flow 'no-such-flow'"):
        server.run(wanted, check_mode=True)
    with pytest.raises(DocumentError, match=r"no client scope 'no-such-scope'.*no flow 'no-such-flow'"):
        server.run(wanted)
    assert server.export() == before


def test_partial_failure_says_what_was_written(server: Server) -> None:
    wanted = server.document()
    wanted["displayName"] = "written first"
    wanted["noSuchSetting"] = 1
    with pytest.raises(PartialError, match=r"noSuchSetting.*Written before it: nothing"):
        server.run(wanted)
    wanted = server.document()
    wanted["displayName"] = "written first"
    wanted["authenticationFlows"][0]["executions"][0]["authenticator"] = "no-such-authenticator"
    with pytest.raises(PartialError, match=r"no-such-authenticator") as caught:
        server.run(wanted)
    assert [(item.kind, item.name) for item in caught.value.applied] == [("realm", server.name)]
    server.run()
    assert server.run() == []
