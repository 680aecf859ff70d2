"""What administrators may, on a real server: a help desk sees people and changes none of them, as the document says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import PartialError
from realm_server import GIVEN, Server

PASSWORD = "canary-help-desk-0123456789"
TIMEOUT = 20


def document(name: str) -> dict[str, Any]:
    return {
        "realm": name,
        "enabled": True,
        "adminPermissionsEnabled": True,
        "roles": {"realm": []},
        "groups": [
            {"name": "help desk", "clientRoles": {"realm-management": ["query-users", "query-groups"]}},
            {"name": "guests"},
        ],
        "clients": [{"clientId": "desk", "publicClient": True, "directAccessGrantsEnabled": True}],
        "adminPermissions": {
            "policies": [{"name": "help desk", "type": "group", "groups": ["/help desk"]}],
            "permissions": [
                {"name": "see people", "resourceType": "Users", "scopes": ["view"], "policies": ["help desk"]}
            ],
        },
    }


def with_guests(name: str) -> dict[str, Any]:
    """The same, and the help desk may change who is a guest."""
    mend = {"name": "mend guests", "resourceType": "Groups", "resources": ["/guests"], "policies": ["help desk"]}
    wanted = document(name)
    wanted["adminPermissions"]["permissions"].append({**mend, "scopes": ["view-members", "manage-members"]})
    return wanted


class Desk:
    """Somebody of the help desk at the Admin API."""

    def __init__(self, realm: str) -> None:
        self.url = f"{GIVEN['URL']}/admin/realms/{realm}"
        login = {"client_id": "desk", "grant_type": "password", "username": "helper", "password": PASSWORD}
        token = f"{GIVEN['URL']}/realms/{realm}/protocol/openid-connect/token"
        answer = requests.post(token, data={**login, "scope": "openid"}, verify=GIVEN["CA"], timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        self.head = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(
            method, f"{self.url}{path}", headers=self.head, verify=GIVEN["CA"], timeout=TIMEOUT, **more
        )

    def people(self) -> set[str]:
        return {user["username"] for user in self.ask("GET", "/users").json()}

    def renames(self, user: str) -> int:
        return self.ask("PUT", f"/users/{user}", json={"firstName": "Changed"}).status_code


@pytest.fixture
def realm() -> Iterator[tuple[Server, str, str]]:
    """A realm with its document applied; ids of a guest and of somebody else."""
    server = Server()
    server.run(document(server.name))
    api = server.client()
    person = {"enabled": True, "firstName": "A", "lastName": "B", "emailVerified": True}

    def add(name: str, *groups: str) -> str:
        credentials = [{"type": "password", "value": PASSWORD, "temporary": False}]
        body = {**person, "username": name, "email": f"{name}@x.test", "groups": groups, "credentials": credentials}
        return api.create("/users", body, lambda: None)

    add("helper", "/help desk")
    yield server, add("guest", "/guests"), add("other")
    api.delete("")


def test_a_help_desk_sees_people_and_changes_none(realm: tuple[Server, str, str]) -> None:
    server, guest, other = realm
    wanted = document(server.name)
    assert server.run(wanted) == []
    desk = Desk(server.name)
    assert desk.people() == {"helper", "guest", "other"}
    assert desk.ask("GET", f"/users/{guest}").json()["username"] == "guest"
    assert desk.renames(guest) == 403
    assert desk.ask("DELETE", f"/users/{guest}").status_code == 403
    password = {"type": "password", "value": "another-0123456789"}
    assert desk.ask("PUT", f"/users/{guest}/reset-password", json=password).status_code == 403
    assert desk.ask("GET", "/clients").json() in ([], {"error": "HTTP 403 Forbidden"})
    # Guests are theirs to mend, and nobody else is.
    wanted = with_guests(server.name)
    assert [change.line() for change in server.run(wanted)] == ["create admin permission mend guests"]
    assert server.run(wanted) == []
    assert Desk(server.name).renames(guest) == 204
    assert Desk(server.name).renames(other) == 403


def test_what_the_document_drops_ends_at_once_and_what_people_made_stays(realm: tuple[Server, str, str]) -> None:
    server, guest, _ = realm
    api = server.client()
    ours = api.get("/clients", clientId="admin-permissions")[0]["id"]
    base = f"/clients/{ours}/authz/resource-server"
    by_hand = {"name": "by hand", "resourceType": "Users", "scopes": ["manage"], "policies": ["help desk"]}
    api.post(f"{base}/permission/scope", by_hand)
    assert Desk(server.name).renames(guest) == 204
    wanted = document(server.name)
    assert server.run(wanted) == []
    wanted["adminPermissions"] = {"policies": [], "permissions": []}
    changes = server.run(wanted)
    assert [change.line() for change in changes] == [
        "remove admin permission see people",
        "remove admin policy help desk (kept: it is in use: admin permission by hand)",
    ]
    assert [item["name"] for item in api.get(f"{base}/permission")] == ["by hand"]
    (left,) = api.get(f"{base}/permission")
    api.delete(f"{base}/permission/scope/{left['id']}")
    server.run(wanted)
    assert server.run(wanted) == []
    assert api.get(f"{base}/policy") == []
    assert Desk(server.name).people() == set()


def test_a_change_made_by_hand_is_taken_back(realm: tuple[Server, str, str]) -> None:
    server, guest, _ = realm
    api = server.client()
    ours = api.get("/clients", clientId="admin-permissions")[0]["id"]
    base = f"/clients/{ours}/authz/resource-server"
    permission = api.get(f"{base}/permission")[0]
    more = {"resourceType": "Users", "scopes": ["view", "manage"], "policies": ["help desk"], "description": "kept"}
    api.put(f"{base}/permission/scope/{permission['id']}", {"name": "see people", **more})
    assert Desk(server.name).renames(guest) == 204
    changes = server.run(document(server.name))
    assert [change.line() for change in changes] == ["update admin permission see people: scopes"]
    assert Desk(server.name).renames(guest) == 403
    assert api.get(f"{base}/permission")[0]["description"] == "kept"


def test_a_group_that_is_made_again_is_another_group_for_its_permission(realm: tuple[Server, str, str]) -> None:
    server, guest, _ = realm
    api, wanted = server.client(), with_guests(server.name)
    server.run(wanted)
    api.delete(f"/groups/{api.get('/group-by-path/guests')['id']}")
    assert [change.kind for change in server.run(wanted)] == ["group", "admin permission"]
    assert server.run(wanted) == []
    api.put(f"/users/{guest}/groups/{api.get('/group-by-path/guests')['id']}")
    assert Desk(server.name).renames(guest) == 204


def test_roles_of_administrators_can_be_given_while_it_is_off(realm: tuple[Server, str, str]) -> None:
    server, _, _ = realm
    wanted = document(server.name)
    wanted["groups"][0]["clientRoles"]["realm-management"].append("query-clients")
    with pytest.raises(PartialError, match=r"group roles /help desk: POST .*refused client .* \(403\)"):
        server.run(wanted)
    server.client().put("", {"adminPermissionsEnabled": False})
    assert Desk(server.name).people() == set()
    assert [change.kind for change in server.run(wanted)] == ["group roles", "admin permissions"]
    assert server.run(wanted) == []
    assert Desk(server.name).people() == {"helper", "guest", "other"}
