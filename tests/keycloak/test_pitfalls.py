"""What breaks idempotence elsewhere, one test for each known pitfall of the Admin API; the others stand where their name says.

1 masked secrets: here, and test_one_changed_secret_changes_one_object, test_client_secret_on_the_server_is_the_given_one
5 flows by alias and by id: here, and test_interrupted.py
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ansible_collections.panosc.facility.plugins.module_utils.keycloak import client as http
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import rights
from realm_document import FIRST_LOGIN, SECRETS
from realm_server import GIVEN, Server


class Recorder:
    """A session that keeps what was sent."""

    def __init__(self) -> None:
        self.inner = http.new_session(GIVEN["CA"], 4)
        self.sent: list[tuple[str, str, str]] = []

    def request(self, method: str, url: str, **more: Any) -> Any:
        self.sent.append((method, url, str(more.get("data") or "")))
        return self.inner.request(method, url, **more)

    def writes(self) -> list[str]:
        quiet = ("/partial-export", "/token", "/import-config")
        return [f"{method} {url}" for method, url, _ in self.sent if method != "GET" and not url.endswith(quiet)]


def test_pitfall_1_a_masked_secret_is_neither_sent_again_nor_replaced_by_its_mask(server: Server) -> None:
    wanted = server.document()
    wanted["smtpServer"]["host"] = "other.facility.test"
    wanted["identityProviders"][0]["displayName"] = "Other"
    wanted["userFederation"][0]["config"]["readTimeout"] = 7000
    wanted["clients"][0]["description"] = "Other"
    wanted["keyProviders"][1]["config"]["priority"] = 91
    recorder = Recorder()
    assert len(server.run(wanted, client=server.client(recorder))) == 5
    bodies = "".join(body for _, url, body in recorder.sent if not url.endswith("/token"))
    assert not any(value in bodies for value in SECRETS.values())
    visa = server.client().get("/clients", clientId="visa")[0]
    assert visa["secret"] == SECRETS["visa"], "of a client the mask would have become the secret"
    export = server.export()
    assert export["identityProviders"][0]["config"]["clientSecret"] == "**********", "left out it would be gone"
    assert export["smtpServer"]["password"] == "**********", "left out it would be gone"
    server.run()
    assert server.run() == []


def test_pitfall_2_a_write_keeps_what_other_people_set(server: Server) -> None:
    """A PUT of an identity provider replaces its config, one of the realm its attributes, one of a role its description."""
    api = server.client()
    kept = {"bruteForceStrategy": "LINEAR", "displayNameHtml": "<b>kept</b>", "defaultLocale": "de"}
    api.put(
        "",
        {
            **kept,
            "attributes": {**server.export()["attributes"], "actionTokenGeneratedByUserLifespan.verify-email": "600"},
        },
    )
    idp = api.get("/identity-provider/instances/umbrella")
    api.put("/identity-provider/instances/umbrella", {**idp, "config": {**idp["config"], "uiLocales": "kept"}})
    role = api.get("/roles/staff")
    api.put(f"/roles-by-id/{role['id']}", {**role, "description": "kept"})
    wanted = server.document()
    wanted.pop("defaultLocale")
    wanted["attributes"]["facility.ror"] = "https://ror.org/other"
    wanted["identityProviders"][0]["config"]["guiOrder"] = 9
    wanted["roles"]["realm"][2]["attributes"] = {"k": "v"}
    assert len(server.run(wanted)) == 3
    realm = api.get("")
    assert {key: realm.get(key) for key in kept} == kept
    assert realm["attributes"]["actionTokenGeneratedByUserLifespan.verify-email"] == "600"
    assert api.get("/identity-provider/instances/umbrella")["config"]["uiLocales"] == "kept"
    assert api.get("/roles/staff")["description"] == "kept"
    server.run()
    assert server.run() == []


def test_pitfall_3_a_change_makes_nothing_anew(server: Server) -> None:
    """partialImport would delete and make again: new ids, roles and mappers gone."""
    api = server.client()

    def ids() -> dict[str, Any]:
        visa = api.get("/clients", clientId="visa")[0]
        mappers = api.get("/identity-provider/instances/umbrella/mappers")
        roles = api.get(f"/clients/{visa['id']}/roles")
        return {
            "client": visa["id"],
            "user": api.get(f"/clients/{visa['id']}/service-account-user")["id"],
            "roles": {item["id"] for item in roles},
            "provider": api.get("/identity-provider/instances/umbrella")["internalId"],
            "mappers": {item["id"] for item in mappers},
        }

    before, wanted, recorder = ids(), server.document(), Recorder()
    wanted["clients"][0]["redirectUris"] = ["https://visa.facility.test/elsewhere"]
    wanted["identityProviders"][0]["config"]["guiOrder"] = 5
    server.run(wanted, client=server.client(recorder))
    assert ids() == before
    assert [line.split()[0] for line in recorder.writes()] == ["PUT", "PUT"]
    server.run()


def test_pitfall_4_what_keycloak_adds_by_itself_is_no_difference(new_server: Callable[[], Server]) -> None:
    server = new_server()
    server.run()
    visa = server.client().get("/clients", clientId="visa")[0]
    assert "realm_client" in visa["attributes"], "Keycloak has added something"
    assert "service_account" in visa["defaultClientScopes"]
    storage = server.export()["components"]["org.keycloak.storage.UserStorageProvider"][0]
    (mappers,) = storage["subComponents"].values()
    assert len(mappers) > len(server.document()["userFederation"][0]["mappers"]), "and mappers"
    for _ in range(3):  # lists come back in another order
        assert server.run() == []


def test_pitfall_5_a_flow_in_use_is_replaced_as_a_whole_and_its_override_follows_by_id(server: Server) -> None:
    api = server.client()

    def override() -> str:
        return str(api.get("/clients", clientId="visa")[0]["authenticationFlowBindingOverrides"]["browser"])

    before, wanted, recorder = override(), server.document(), Recorder()
    wanted["authenticationFlows"][2]["executions"].pop(1)
    server.run(wanted, client=server.client(recorder))
    flows = {item["id"]: item["alias"] for item in api.get("/authentication/flows")}
    assert override() != before
    assert flows[override()] == "facility browser"
    assert before not in flows
    bound = next(number for number, (_, _, body) in enumerate(recorder.sent) if "FlowBindingOverrides" in body)
    deleted = next(
        number for number, (method, url, _) in enumerate(recorder.sent) if method == "DELETE" and before in url
    )
    assert bound < deleted
    server.run()
    assert server.run() == []


def test_pitfall_6_everything_that_refers_to_something_new_is_made_in_one_run(new_server: Callable[[], Server]) -> None:
    server = new_server()
    wanted = server.document()
    default = {"realm": ["offline_access", "uma_authorization", "open-data"], "client": {"account": ["view-profile"]}}
    wanted["roles"]["realm"].insert(0, {"name": f"default-roles-{server.name}", "composites": default})
    wanted["roles"]["realm"][1]["composites"] = {"client": {"scicat": ["made-later"]}}
    wanted["roles"]["client"]["scicat"] = [{"name": "made-later"}]
    wanted["scopeMappings"].append({"client": "jupyterhub", "roles": ["compute-approved"]})
    server.run(copy.deepcopy(wanted))
    assert server.run(wanted) == []


def test_pitfall_7_more_providers_than_a_page_are_all_seen_and_an_alias_is_for_ever(
    new_server: Callable[[], Server],
) -> None:
    server = new_server()
    rights.create_realm(server.client(), server.name)
    saml = {
        "providerId": "saml",
        "hideOnLogin": True,
        "config": {"singleSignOnServiceUrl": "https://idp.test/", "idpEntityId": "x"},
    }
    wanted = {
        "realm": server.name,
        "identityProviders": [{"alias": f"idp{number:03}", **saml} for number in range(101)],
    }
    assert len(server.run(wanted)) == 101
    assert server.run(wanted) == []
    assert server.requests == 2
    assert all(item["hideOnLogin"] for item in server.export()["identityProviders"])
    wanted["identityProviders"][0]["alias"] = "renamed"
    changes = server.run(wanted)
    assert [(item.action, item.name) for item in changes] == [("create", "renamed"), ("remove", "idp000")]
    assert server.run(wanted) == []


def test_pitfall_8_each_mapper_has_its_own_sync_mode_under_a_provider_that_imports(server: Server) -> None:
    """Under a provider that forces, Keycloak overwrites e-mail and names whatever their mappers say: that is warned of."""
    export = server.export()
    modes = {item["name"]: item["config"]["syncMode"] for item in export["identityProviderMappers"]}
    assert export["identityProviders"][0]["config"]["syncMode"] == "IMPORT"
    assert modes.pop("username") == "IMPORT"
    assert set(modes.values()) == {"FORCE"}
    wanted = server.document()
    assert server.wanted(wanted).warnings == []
    wanted["identityProviders"][0]["config"]["syncMode"] = "FORCE"
    (warning,) = server.wanted(wanted).warnings
    assert "identityProviders[umbrella].mappers[username]" in warning
    assert export["firstBrokerLoginFlow"] == FIRST_LOGIN


def test_pitfall_9_many_writes_at_once_with_one_token(new_server: Callable[[], Server]) -> None:
    server = new_server()
    rights.create_realm(server.client(), server.name)
    saml = {"providerId": "saml", "config": {"singleSignOnServiceUrl": "https://idp.test/"}}
    mappers = [
        {
            "name": f"m{number}",
            "identityProviderMapper": "saml-user-attribute-idp-mapper",
            "config": {"attribute.name": "x"},
        }
        for number in range(5)
    ]
    wanted = {
        "realm": server.name,
        "clients": [{"clientId": f"c{number}", "protocolMappers": []} for number in range(20)],
        "identityProviders": [{"alias": f"i{number}", **saml, "mappers": mappers} for number in range(6)],
    }
    recorder = Recorder()
    server.run(copy.deepcopy(wanted), client=server.client(recorder, parallel=8))
    assert sum(url.endswith("/token") for _, url, _ in recorder.sent) == 1
    assert server.run(wanted) == []
