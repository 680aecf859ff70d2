"""Authorization services and service accounts on a real server: nothing is lost, and what Keycloak drops is said."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import PartialError
from realm_document import SECRETS
from realm_server import GIVEN, Server


def settings(server: Server) -> dict[str, Any]:
    api = server.client()
    scicat = api.get("/clients", clientId="scicat")[0]["id"]
    found: dict[str, Any] = api.get(f"/clients/{scicat}/authz/resource-server/settings")
    for key in ("resources", "scopes", "policies"):
        found[key] = {item["name"]: item for item in found[key]}
    return found


def test_settings_survive_a_change_of_their_client(server: Server) -> None:
    wanted = server.document()
    before = settings(server)
    scicat = wanted["clients"][1]
    for key in ("serviceAccountRoles", "authorizationSettings"):
        del scicat[key]
    scicat["description"] = "Other"
    scicat["authenticationFlowBindingOverrides"] = {"browser": "facility browser"}
    assert [change.kind for change in server.run(wanted)] == ["client", "flow binding"]
    assert settings(server) == before
    scicat["description"], scicat["authenticationFlowBindingOverrides"] = "", {"browser": None}
    server.run(wanted)
    assert server.run() == []


def test_a_change_keeps_what_the_document_does_not_name(server: Server) -> None:
    before = settings(server)
    wanted = server.document()
    wanted["clients"][1]["authorizationSettings"] = {
        "scopes": [{"name": "read", "iconUri": "https://x.test/i"}],
        "resources": [{"name": "proposals", "uris": ["/other/*"]}],
        "policies": [{"name": "facility staff", "description": "Other"}],
    }
    assert len(server.run(wanted)) == 1
    after = settings(server)
    assert after["policyEnforcementMode"] == "PERMISSIVE"
    assert after["scopes"]["read"] == {**before["scopes"]["read"], "iconUri": "https://x.test/i"}
    assert after["policies"]["facility staff"] == {**before["policies"]["facility staff"], "description": "Other"}
    assert after["policies"].keys() == before["policies"].keys()
    resource = after["resources"]["proposals"]
    resource["scopes"].sort(key=str)
    before["resources"]["proposals"]["scopes"].sort(key=str)
    assert resource == {**before["resources"]["proposals"], "uris": ["/other/*"]}
    assert [change.kind for change in server.run()] == ["authorization"]
    assert server.run() == []


def test_a_group_that_does_not_exist_is_an_error_and_not_a_policy_without_groups(server: Server) -> None:
    wanted = server.document()
    wanted["clients"][1]["authorizationSettings"]["policies"][0]["config"]["groups"] = [{"path": "/nobody"}]
    with pytest.raises(PartialError, match=r"did not take policies\[facility staff\]\.config\.groups"):
        server.run(wanted)
    server.run()
    assert server.run() == []


def test_the_service_account_has_its_roles_and_the_services_permission(server: Server) -> None:
    url = f"{GIVEN['URL']}/realms/{server.name}/protocol/openid-connect/token"
    form = {"client_id": "scicat", "client_secret": SECRETS["scicat"], "grant_type": "client_credentials"}
    token = requests.post(url, data=form, verify=GIVEN["CA"], timeout=20).json()["access_token"]
    body = {
        "grant_type": "urn:ietf:params:oauth:grant-type:uma-ticket",
        "audience": "scicat",
        "permission": "proposals#read",
    }
    head = {"Authorization": f"Bearer {token}"}
    answer = requests.post(url, data=body, headers=head, verify=GIVEN["CA"], timeout=20)
    assert answer.status_code == 403, "it is not one of the staff"
    wanted = server.document()
    roles = {"fetchRoles": True, "roles": [{"id": "open-data", "required": True}]}  # its token has a narrow scope
    wanted["clients"][1]["authorizationSettings"]["policies"] = [
        {"name": "open data", "type": "role", "config": roles},
        {"name": "staff write proposals", "type": "scope", "config": {"applyPolicies": ["open data"]}},
    ]
    server.run(wanted)
    answer = requests.post(url, data=body, headers=head, verify=GIVEN["CA"], timeout=20)
    assert answer.status_code == 200, answer.text
    server.run()
