"""Killed at any request, or losing answers: a complete flow stays in use, the next run converges, nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import cycle
from typing import Any

from ansible_collections.panosc.facility.plugins.module_utils.keycloak import client as http
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import flow_tree
from realm_document import FIRST_LOGIN, GATE
from realm_server import GIVEN, Server

FLOWS = (FIRST_LOGIN, GATE, "facility browser")


class Killed(BaseException):
    """Like SIGKILL: nothing may catch it."""


class Mortal:
    """A session that dies at its n-th request."""

    def __init__(self, life: int) -> None:
        self.inner, self.life = http.new_session(GIVEN["CA"], 1), life
        self.methods: list[str] = []

    def request(self, method: str, *args: Any, **more: Any) -> Any:
        if len(self.methods) == self.life:
            raise Killed
        self.methods.append(method)
        return self.inner.request(method, *args, **more)


class Lossy:
    """A session that loses every third answer after the server did its work."""

    def __init__(self) -> None:
        self.inner, self.sent = http.new_session(GIVEN["CA"], 1), 0

    def request(self, *args: Any, **more: Any) -> Any:
        answer = self.inner.request(*args, **more)
        self.sent += 1
        if self.sent % 3 == 0:
            raise http.LOST[0]("the answer was lost")
        return answer


def small(server: Server, variant: int) -> dict[str, Any]:
    """The part of the document that has to do with flows, in two variants."""
    whole = server.document()
    wanted = {key: whole[key] for key in ("realm", "authenticationFlows", "identityProviders", "firstBrokerLoginFlow")}
    visa = whole["clients"][0]
    wanted["clients"] = [
        {"clientId": "visa", "authenticationFlowBindingOverrides": visa["authenticationFlowBindingOverrides"]}
    ]
    if variant:
        first, gate, browser = wanted["authenticationFlows"]
        first["executions"][0]["config"] = {"update.profile.on.first.login": "on"}
        gate["executions"][0]["flow"]["executions"][1]["config"]["condUserRole"] = "staff"
        browser["executions"][2]["flow"]["alias"] = "facility forms renamed"
    return wanted


def flows_in_use(server: Server) -> dict[str, flow_tree.Flow]:
    """The flow at each of the four places where one of ours must be bound."""
    api = server.client()
    export = api.read("/partial-export")
    flows = flow_tree.from_export(export)
    by_id = {flow.id: flow for flow in flows.values()}
    idp = export["identityProviders"][0]
    visa = api.get("/clients", clientId="visa")[0]
    return {
        "realm": flows[export["firstBrokerLoginFlow"]],
        "first": flows[idp["firstBrokerLoginFlowAlias"]],
        "post": flows[idp["postBrokerLoginFlowAlias"]],
        "client": by_id[visa["authenticationFlowBindingOverrides"]["browser"]],
    }


def complete(wanted: dict[str, Any]) -> dict[str, list[str]]:
    trees = {item["alias"]: flow_tree.from_document(item).outline() for item in wanted["authenticationFlows"]}
    first, gate, browser = FLOWS
    return {"realm": trees[first], "first": trees[first], "post": trees[gate], "client": trees[browser]}


def after_writes(server: Server, variant: int) -> list[int]:
    """Go over to a variant; after which of its requests the server had been told something. A kill after one that reads leaves what it found."""
    session = Mortal(1000)
    server.run(small(server, variant), client=server.client(session, parallel=1))
    return [number for number, method in enumerate(session.methods, 1) if method != "GET"]


def test_a_swap_killed_after_every_write_keeps_a_complete_flow_in_use(server: Server) -> None:
    lives = {variant: after_writes(server, variant) for variant in (1, 0)}
    kills = min(map(len, lives.values()))
    assert kills > 20, "too few kills to prove anything"
    for number, variant in zip(range(kills), cycle((1, 0))):
        old, new = complete(small(server, 1 - variant)), complete(small(server, variant))
        life = lives[variant][number]
        with suppress(Killed):
            server.run(small(server, variant), client=server.client(Mortal(life), parallel=1))
        for place, flow in flows_in_use(server).items():
            assert flow.renamed(flow_tree.unmarked).outline() in (old[place], new[place]), (
                f"{place} after {life} requests"
            )
        server.run(small(server, variant))
        assert {place: flow.outline() for place, flow in flows_in_use(server).items()} == new
        left = server.export()
        names = [item["alias"] for item in [*left["authenticationFlows"], *left["authenticatorConfig"]]]
        assert [name for name in names if flow_tree.unmarked(name) != name] == [], f"after {life} requests"
        if number % 3 == 0:  # the flows were compared already; this is about everything else
            assert server.run(small(server, variant)) == [], f"after {life} requests"
    server.run()


def test_going_back_to_the_old_flow_after_a_kill_converges(server: Server) -> None:
    for life in range(8, 40, 4):
        with suppress(Killed):
            server.run(small(server, 1), client=server.client(Mortal(life), parallel=1))
        server.run(small(server, 0))
        assert {place: flow.outline() for place, flow in flows_in_use(server).items()} == complete(small(server, 0))
        assert server.run(small(server, 0)) == [], f"after {life} requests"


def test_lost_answers_make_nothing_twice(new_server: Callable[[], Server]) -> None:
    server = new_server()
    client = server.client(Lossy(), parallel=1, sleep=lambda seconds: None)
    server.run(client=client, verify_discovery=False)  # that look-up is not repeated
    assert server.run() == []
    export = server.export()
    mappers = [(item["identityProviderAlias"], item["name"]) for item in export["identityProviderMappers"]]
    assert len(mappers) == len(set(mappers)) == 8
    components = export["components"]["org.keycloak.storage.UserStorageProvider"]
    names = [item["name"] for some in components[0]["subComponents"].values() for item in some]
    assert len(components) == 1
    assert len(names) == len(set(names))


def test_first_deployment_killed_again_and_again_converges(new_server: Callable[[], Server]) -> None:
    server = new_server()
    for life in range(5, 95, 9):
        try:
            server.run(client=server.client(Mortal(life), parallel=1))
            break
        except Killed:
            pass
    server.run()
    assert server.run() == []


def test_pruning_killed_again_and_again_removes_what_was_made_and_nothing_else(
    new_server: Callable[[], Server],
) -> None:
    server = new_server()
    whole = server.document()
    keys = (
        "realm",
        "clientScopes",
        "roles",
        "groups",
        "identityProviders",
        "authenticationFlows",
        "organizationsEnabled",
    )
    wanted = {key: whole[key] for key in (*keys, "organizations", "clientProfiles", "clientPolicies")}
    wanted["clients"] = [{"clientId": "visa", "protocolMappers": whole["clients"][0]["protocolMappers"]}]
    server.run(wanted)
    api = server.client()
    api.create("/clients", {"clientId": "by hand"}, lambda: None)
    api.create("/groups", {"name": "by hand"}, lambda: None)
    nothing = {key: [] for key in wanted if key not in {"realm", "organizationsEnabled"}}
    nothing.update(realm=server.name, roles={}, clientProfiles={}, clientPolicies={})
    kills = 0
    for life in range(7, 60, 4):
        try:
            server.run(nothing, client=server.client(Mortal(life), parallel=1))
            break
        except Killed:
            kills += 1
    assert kills > 3
    server.run(nothing)
    assert server.run(nothing) == []
    export = server.export()
    assert {"by hand"} == {item["name"] for item in api.get("/groups")}
    assert "by hand" in {item["clientId"] for item in api.get("/clients")}
    assert "visa" not in {item["clientId"] for item in api.get("/clients")}
    assert not export.get("identityProviders")
    assert not [key for key in export["attributes"] if key.startswith("facility.owned")]
