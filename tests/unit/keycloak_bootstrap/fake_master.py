"""Realm master of a Keycloak in memory, spoken to like a requests.Session: clients, service accounts, their roles, tokens."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

URL = "https://kc.test"
FIRST = ("facility-bootstrap", "first-secret")
ADMIN_ROLES = ("manage-realm", "manage-clients", "manage-users", "view-users")


class Killed(BaseException):
    """The process is gone: nothing in the module may catch it."""


class Answer:
    def __init__(self, status: int, body: Any = None, location: str = "") -> None:
        self.status_code = status
        self.headers = {"Location": f"{URL}/{location}"} if location else {}
        self.text = json.dumps(body)

    def json(self) -> Any:
        return json.loads(self.text)


class FakeMaster:
    """`kill` is the number of the request at which the caller dies, `done` whether that request still has its effect."""

    def __init__(self) -> None:
        self.realm: dict[str, Any] = {
            "realm": "master",
            "sslRequired": "external",
            "bruteForceProtected": False,
            "displayName": "mine",
        }
        self.clients: dict[str, dict[str, Any]] = {}
        self.accounts: dict[
            str, dict[str, set[str]]
        ] = {}  # service account -> client, or "master" for realm roles -> roles
        self.realms = {"master"}
        self.log: list[tuple[str, str]] = []
        self.kill, self.done = 0, False
        self._new_client({"clientId": "admin-cli", "publicClient": True, "directAccessGrantsEnabled": True})
        self._new_client({"clientId": "account", "publicClient": True})
        self._new_realm_client("master")
        self._new_client({"clientId": FIRST[0], "secret": FIRST[1], "serviceAccountsEnabled": True})
        self.accounts[f"account-{FIRST[0]}"]["master"].add("admin")

    # What a test asks.

    def roles_of(self, client: str) -> dict[str, set[str]]:
        return {place: roles for place, roles in self.accounts.get(f"account-{client}", {}).items() if roles}

    def writes(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path in self.log if method != "GET" and not path.endswith("/token")]

    # The session.

    def request(
        self, method: str, url: str, data: Any = None, params: Any = None, headers: Any = None, **_: Any
    ) -> Answer:
        path, query = urlsplit(url).path, dict(parse_qsl(urlsplit(url).query))
        self.log.append((method, path))
        last = len(self.log) == self.kill
        if last and not self.done:
            raise Killed
        answer = self._answer(method, path, data, {**query, **(params or {})}, headers or {})
        if last:
            raise Killed
        return answer

    def _answer(self, method: str, path: str, data: Any, query: Any, headers: Any) -> Answer:
        if path == "/realms/master/protocol/openid-connect/token":
            return self._token(data)
        who = self._bearer(headers)
        if who not in self.clients:
            return Answer(401, {"error": "HTTP 401 Unauthorized"})
        if "admin" not in self.accounts[f"account-{who}"]["master"]:
            return Answer(403, {"error": "forbidden"})
        body: Any = json.loads(data) if data else None
        steps = path.removeprefix("/admin/realms").strip("/").split("/")
        if steps == [""] and method == "POST":
            return self._new_realm(body["realm"])
        assert steps[0] == "master", path
        answer: Answer = getattr(self, f"_{method.lower()}_{steps[1] if len(steps) > 1 else 'realm'}")(
            steps[2:], body, query
        )
        return answer

    def _token(self, form: Any) -> Answer:
        client = self.clients.get(form["client_id"])
        if not client or client.get("secret") != form["client_secret"] or not client.get("serviceAccountsEnabled"):
            return Answer(401, {"error": "invalid_client"})
        roles = self.roles_of(form["client_id"])
        claims: dict[str, Any] = {
            "azp": form["client_id"],
            "resource_access": {p: {"roles": sorted(r)} for p, r in roles.items() if p != "master"},
        }
        if "master" in roles:
            claims["realm_access"] = {"roles": sorted(roles["master"])}
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return Answer(200, {"access_token": f"x.{payload}.x", "expires_in": 60})

    @staticmethod
    def _bearer(headers: Any) -> str:
        payload = headers["Authorization"].split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["azp"])

    # What the server does.

    def _new_client(self, body: dict[str, Any]) -> str:
        name = body["clientId"]
        self.clients[name] = {"id": f"id-{name}", "attributes": {}, **body}
        if body.get("serviceAccountsEnabled"):
            # A new service account has the default roles of the realm, which no automation needs.
            self.accounts[f"account-{name}"] = {"master": {"default-roles-master"}, "account": set()}
        return f"id-{name}"

    def _new_realm_client(self, realm: str) -> None:
        self._new_client({"clientId": f"{realm}-realm", "bearerOnly": True})
        self.realms.add(realm)

    def _new_realm(self, name: str) -> Answer:
        if name in self.realms:
            return Answer(409, {"errorMessage": "Conflict detected"})
        self._new_realm_client(name)
        return Answer(201, location=f"admin/realms/{name}")

    def _named(self, identity: str) -> str:
        return next(name for name, client in self.clients.items() if client["id"] == identity)

    def _get_realm(self, *_: Any) -> Answer:
        return Answer(200, self.realm)

    def _put_realm(self, _: Any, body: Any, __: Any) -> Answer:
        self.realm.update(body)
        return Answer(204)

    def _get_clients(self, steps: list[str], _: Any, query: Any) -> Answer:
        if not steps:
            wanted = query.get("clientId")
            return Answer(200, [client for name, client in self.clients.items() if wanted in (None, name)])
        if steps[1] == "roles":
            return Answer(200, [{"id": f"role-{role}", "name": role} for role in ADMIN_ROLES])
        return Answer(200, {"id": f"account-{self._named(steps[0])}"})

    def _post_clients(self, _: Any, body: Any, __: Any) -> Answer:
        if body["clientId"] in self.clients:
            return Answer(409, {"errorMessage": "Client already exists"})
        return Answer(201, location=f"clients/{self._new_client(body)}")

    def _put_clients(self, steps: list[str], body: Any, _: Any) -> Answer:
        client = self.clients[self._named(steps[0])]
        attributes = {**client["attributes"], **body.get("attributes", {})}
        client.update(body, attributes=attributes)
        return Answer(204)

    def _delete_clients(self, steps: list[str], *_: Any) -> Answer:
        name = self._named(steps[0])
        del self.clients[name]
        self.accounts.pop(f"account-{name}", None)
        return Answer(204)

    def _get_users(self, steps: list[str], *_: Any) -> Answer:
        account = self.accounts[steps[0]]
        mappings = {
            place: {"id": f"id-{place}", "mappings": [{"id": f"role-{role}", "name": role} for role in roles]}
            for place, roles in account.items()
            if roles and place != "master"
        }
        answer: dict[str, Any] = {"clientMappings": mappings} if mappings else {}
        if account["master"]:
            answer["realmMappings"] = [{"id": role, "name": role} for role in account["master"]]
        return Answer(200, answer)

    def _place(self, steps: list[str]) -> set[str]:
        place = "master" if steps[2] == "realm" else self._named(steps[3])
        return self.accounts[steps[0]].setdefault(place, set())

    def _post_users(self, steps: list[str], body: Any, _: Any) -> Answer:
        self._place(steps).update(role["name"] for role in body)
        return Answer(204)

    def _delete_users(self, steps: list[str], body: Any, _: Any) -> Answer:
        self._place(steps).difference_update(role["name"] for role in body)
        return Answer(204)
