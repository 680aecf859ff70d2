"""The whole of it against a Keycloak in memory that has the traps of the real one."""

import copy
import json
from contextlib import suppress

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import client as http
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import flow_tree
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import PartialError, RightsError
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.rights import needed
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from fake_keycloak import Answer, FakeKeycloak
from realm_document import FIRST_LOGIN, GATE, SECRETS


def summaries(changes):
    return [(change.kind, change.name, list(change.fields)) for change in changes]


def test_second_run_changes_nothing_whatever_the_order_of_lists(run, wanted_document):
    fake = FakeKeycloak()
    first, _ = run(fake, wanted_document)
    assert len(first) > 40
    for _ in range(5):
        again, client = run(fake, wanted_document)
        assert summaries(again) == []
        assert client.requests <= 23, (
            "three for one client's account and authorization, five for what administrators may"
        )


def test_what_few_clients_have_costs_nothing_when_it_is_not_named(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    for key in ("serviceAccountRoles", "authorizationSettings"):
        del wanted_document["clients"][1][key]
    del wanted_document["groups"][1]["clientRoles"]
    del wanted_document["adminPermissions"]
    fake.log.clear()
    changes, client = run(fake, wanted_document)
    assert changes == []
    assert client.requests <= 15
    assert not [path for _, path in fake.log if "account-" in path or "authz" in path]


@pytest.mark.parametrize(
    ("secret", "kind", "name", "field", "place"),
    [
        ("visa", "client", "visa", "secret", None),
        ("umbrella", "identity provider", "umbrella", "config.clientSecret", "umbrella"),
        ("ldap", "user federation", "ldap", "config.bindCredential", "ldap"),
        ("smtp", "realm", "demo", "smtpServer.password", "smtp"),
    ],
)
def test_a_changed_secret_is_one_change_and_arrives(run, wanted_document, secret, kind, name, field, place):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    before = dict(fake.secrets)
    changes, _ = run(fake, wanted_document, {secret: "canary-new"})
    assert summaries(changes) == [(kind, name, [field])]
    assert "canary" not in json.dumps([change.diff() for change in changes]) + repr(changes)
    stored = fake.secrets[place] if place else fake._client("visa")["secret"]
    assert stored == "canary-new"
    assert {key: value for key, value in fake.secrets.items() if key != place} == {
        key: value for key, value in before.items() if key != place
    }
    assert run(fake, wanted_document, {secret: "canary-new"})[0] == []


@pytest.mark.parametrize("named", [True, False])
def test_web_origins_stay_empty_when_something_else_changes(run, wanted_document, named):
    """Keycloak fills empty ones in from the redirect URIs when a PUT leaves them out."""
    fake = FakeKeycloak()
    wanted = next(item for item in wanted_document["clients"] if item["clientId"] == "visa")
    wanted["webOrigins"] = []
    run(fake, wanted_document)
    assert fake._client("visa")["webOrigins"] == []
    if not named:
        del wanted["webOrigins"]
    run(fake, wanted_document, {"visa": "canary-new"})
    assert fake._client("visa")["webOrigins"] == []
    assert run(fake, wanted_document, {"visa": "canary-new"})[0] == []


@pytest.mark.parametrize("gone", ["umbrella", "ldap", "smtp"])
def test_a_secret_that_is_gone_from_the_server_is_written_again(run, wanted_document, gone):
    """The fingerprint alone proves nothing when Keycloak no longer shows a mask."""
    fake = FakeKeycloak()
    run(fake, wanted_document)
    if gone == "umbrella":
        fake.idps["umbrella"]["config"].pop("clientSecret")
    elif gone == "ldap":
        next(item for item in fake.components.values() if item["name"] == "ldap")["config"].pop("bindCredential")
    else:
        fake.realm["smtpServer"].pop("password")
    assert len(run(fake, wanted_document)[0]) == 1
    assert fake.secrets[gone] == SECRETS[gone]


def test_other_fields_leave_masked_secrets_alone(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    wanted_document["smtpServer"]["host"] = "other.test"
    wanted_document["identityProviders"][0]["displayName"] = "Other"
    wanted_document["userFederation"][0]["config"]["readTimeout"] = 1
    fake.sent.clear()
    changes, _ = run(fake, wanted_document)
    assert len(changes) == 3
    assert "canary" not in "".join(fake.sent), "a secret that did not change was sent again"
    assert {key: fake.secrets[key] for key in ("smtp", "umbrella", "ldap")} == {
        key: SECRETS[key] for key in ("smtp", "umbrella", "ldap")
    }


def test_a_client_whose_stored_secret_is_the_mask_is_mended(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    fake._client("visa")["secret"] = "**********"
    assert summaries(run(fake, wanted_document)[0]) == [("client", "visa", ["secret"])]
    assert fake._client("visa")["secret"] == SECRETS["visa"]


def test_check_mode_writes_nothing_and_plans_the_same(run, wanted_document):
    fake = FakeKeycloak()
    checked, _ = run(fake, wanted_document, check_mode=True)
    reads = ("/partial-export", "/identity-provider/import-config")
    assert [entry for entry in fake.log if entry[0] != "GET" and entry[1] not in reads] == []
    real, _ = run(fake, wanted_document)
    assert [change.summary() for change in checked] == [change.summary() for change in real]


def test_objects_made_by_hand_stay(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    fake.realm["attributes"]["by.hand"] = "x"
    visa = fake._client("visa")
    visa["protocolMappers"].append({"id": "h", "name": "by hand", "config": {}})
    fake.idps["umbrella"]["config"]["byHand"] = "x"
    fake.profile["attributes"].append({"name": "byHand"})
    role = next(item for item in fake.roles.values() if item["name"] == "compute-approved")
    role.update(description="by hand", attributes={**role["attributes"], "by.hand": ["x"]})
    other = copy.deepcopy(wanted_document)
    other["attributes"]["facility.ror"] = "changed"
    other["clients"][0]["protocolMappers"][0]["config"]["claim.name"] = "changed"
    other["identityProviders"][0]["config"]["guiOrder"] = 9
    other["userProfile"]["attributes"][1]["displayName"] = "changed"
    other["roles"]["realm"][1]["attributes"]["source"] = "changed"
    assert len(run(fake, other, {"ldap": "new"})[0]) == 6
    role = fake.roles[role["id"]]
    assert role["description"] == "by hand"
    assert role["attributes"] == {"source": ["changed"], "by.hand": ["x"]}
    assert fake.realm["attributes"]["by.hand"] == "x"
    assert "by hand" in [mapper["name"] for mapper in visa["protocolMappers"]]
    assert fake.idps["umbrella"]["config"]["byHand"] == "x"
    assert "byHand" in [item["name"] for item in fake.profile["attributes"]]


@pytest.mark.parametrize("missing", ["manage-realm", "manage-clients", "manage-users", "manage-identity-providers"])
def test_a_missing_role_is_named_and_nothing_is_read(run, wanted_document, missing):
    roles = {"manage-realm", "manage-clients", "manage-users", "manage-identity-providers"} - {missing}
    fake = FakeKeycloak(roles=(*sorted(roles), "query-clients", "query-groups"))
    with pytest.raises(RightsError, match=missing):
        run(fake, wanted_document)
    assert fake.log == []


@pytest.mark.parametrize(
    ("parts", "roles"),
    [
        ({"groups": [{"name": "g", "realmRoles": ["r"]}]}, {"manage-users"}),
        ({"groups": [{"name": "g", "clientRoles": {"c": ["r"]}}]}, {"manage-users", "manage-clients"}),
        ({"clients": [{"clientId": "c"}]}, {"manage-clients"}),
        ({"clients": [{"clientId": "c", "serviceAccountRoles": {}}]}, {"manage-clients", "manage-users"}),
        ({"clients": [{"clientId": "c", "authorizationSettings": {}}]}, {"manage-clients"}),
        ({"adminPermissions": {}}, {"manage-clients", "manage-users"}),
    ],
)
def test_rights_follow_what_is_named_and_not_the_section_alone(parts, roles):
    assert needed(Wanted({"realm": "demo", **parts}, Keyring({}, "k"))) == {"manage-realm", *roles}


# Service accounts and authorization services.


def portal(**more):
    return {"realm": "demo", "clients": [{"clientId": "portal", **more}]}


def account(fake):
    return {fake.roles[held]["name"] for held in fake.accounts[fake._client("portal")["id"]]}


@pytest.mark.parametrize("named", [[], ["default-roles-demo"]])
def test_roles_that_keycloak_gives_a_service_account_stay_named_or_not(run, named):
    fake = FakeKeycloak()
    wanted = portal(serviceAccountRoles={"realm": named}, authorizationSettings={})
    run(fake, wanted)
    assert account(fake) == {"default-roles-demo", "uma_protection"}
    assert run(fake, wanted)[0] == []
    wanted = portal(serviceAccountRoles={"realm": named, "client": {"account": ["view-profile"]}})
    run(fake, wanted)
    assert account(fake) == {"default-roles-demo", "uma_protection", "view-profile"}
    assert run(fake, wanted)[0] == []


def test_a_role_that_a_service_account_has_is_still_whole(run):
    """The mappings show roles without attributes: written from those they would be lost."""
    fake = FakeKeycloak()
    role = {"name": "r", "description": "x", "attributes": {"k": "v", "l": "w"}}
    wanted = portal(serviceAccountRoles={"realm": ["r"]})
    run(fake, {**wanted, "roles": {"realm": [role]}})
    run(fake, {**wanted, "roles": {"realm": [{**role, "attributes": {"k": "z"}}]}})
    (found,) = [item for item in fake.roles.values() if item["name"] == "r"]
    assert found["attributes"] == {"k": ["z"], "l": ["w"]}


SETTINGS = {
    "allowRemoteResourceManagement": False,
    "policyEnforcementMode": "PERMISSIVE",
    "scopes": [{"name": "read", "displayName": "Read"}],
    "resources": [{"name": "data", "uris": ["/data/*"], "scopes": ["read"], "attributes": {"k": "v"}}],
    "policies": [
        {"name": "staff", "type": "group", "description": "d", "config": {"groups": [{"path": "/staff"}]}},
        {"name": "readers", "type": "scope", "config": {"scopes": ["read"], "applyPolicies": ["staff"]}},
    ],
}


@pytest.mark.parametrize(
    ("named", "fields"),
    [
        ({"decisionStrategy": "AFFIRMATIVE"}, ["decisionStrategy"]),
        ({"scopes": [{"name": "write"}]}, ["scopes[write]"]),
        ({"scopes": [{"name": "read", "iconUri": "i"}]}, ["scopes[read].iconUri"]),
        ({"resources": [{"name": "data", "uris": ["/new"]}]}, ["resources[data].uris"]),
        ({"resources": [{"name": "data", "attributes": {"l": "w"}}]}, ["resources[data].attributes.l"]),
        ({"policies": [{"name": "staff", "description": "e"}]}, ["policies[staff].description"]),
        ({"policies": [{"name": "readers", "config": {"scopes": []}}]}, ["policies[readers].config.scopes"]),
    ],
)
def test_authorization_settings_keep_what_the_document_does_not_name(run, named, fields):
    fake = FakeKeycloak()
    fake._new_group({"name": "staff"}, "")
    run(fake, portal(authorizationSettings=SETTINGS))
    assert run(fake, portal(authorizationSettings=SETTINGS))[0] == []
    before = copy.deepcopy(fake.authorization)
    changes, _ = run(fake, portal(authorizationSettings=named))
    assert summaries(changes) == [("authorization", "portal", fields)]
    assert fake.authorization != before
    run(fake, portal(authorizationSettings={**SETTINGS, "decisionStrategy": "UNANIMOUS"}))
    for (kind, name), key in {("scopes", "read"): "iconUri", ("resources", "data"): "attributes"}.items():
        for state in (before, fake.authorization):
            state[fake._client("portal")["id"]][kind][name].pop(key, None)
    fake.authorization[fake._client("portal")["id"]]["scopes"].pop("write", None)
    assert fake.authorization == before


def test_authorization_settings_survive_a_change_of_their_client(run, wanted_document):
    """Keycloak deletes them when a PUT does not say that they are there."""
    fake = FakeKeycloak()
    run(fake, wanted_document)
    before = copy.deepcopy(fake.authorization)
    scicat = wanted_document["clients"][1]
    for key in ("serviceAccountRoles", "authorizationSettings"):
        del scicat[key]
    scicat["authenticationFlowBindingOverrides"] = {"browser": "facility browser"}
    changes, _ = run(fake, wanted_document, {"scicat": "canary-new"})
    assert [change.kind for change in changes] == ["client", "flow binding"]
    assert fake.authorization == before


def test_what_keycloak_drops_from_a_policy_in_silence_is_an_error(run):
    fake = FakeKeycloak()
    with pytest.raises(
        PartialError,
        match=r"clients\[portal\]\.authorizationSettings: Keycloak did not take policies\[staff\]\.config\.groups",
    ):
        run(fake, portal(authorizationSettings=SETTINGS))


def test_a_token_without_any_role_is_not_taken_for_a_missing_realm(run, wanted_document):
    fake = FakeKeycloak(roles=())
    with pytest.raises(RightsError, match=r"manage-realm.*lightweight"):
        run(fake, wanted_document)
    assert fake.log == [("GET", "")]


# Interrupted swaps.


class Killed(BaseException):
    pass


class Mortal:
    def __init__(self, fake, life):
        self.fake, self.life = fake, life

    def request(self, *args, **more):
        if self.life <= 0:
            raise Killed
        self.life -= 1
        return self.fake.request(*args, **more)


def variant(document, number):
    """The part of the document that has to do with flows, in two variants."""
    keys = ("realm", "authenticationFlows", "identityProviders", "firstBrokerLoginFlow")
    document = copy.deepcopy({key: document[key] for key in keys})
    document["identityProviders"][0].pop("mappers")
    document["clients"] = [{"clientId": "visa", "authenticationFlowBindingOverrides": {"browser": "facility browser"}}]
    if number:
        first, gate, browser = document["authenticationFlows"]
        first["executions"][0]["config"] = {"update.profile.on.first.login": "on"}
        gate["executions"][0]["flow"]["executions"][1]["config"]["condUserRole"] = "staff"
        browser["executions"][2]["flow"]["alias"] = "forms renamed"
    return document


def outlines(fake):
    """What each place runs: the outline of the flow bound there."""
    flows = flow_tree.from_export(fake.export(None))
    by_id = {flow.id: flow for flow in flows.values()}
    idp = fake.idps["umbrella"]
    bound = {
        "realm": flows[fake.realm["firstBrokerLoginFlow"]],
        "first": flows[idp["firstBrokerLoginFlowAlias"]],
        "post": flows[idp["postBrokerLoginFlowAlias"]],
        "client": by_id[fake._client("visa")["authenticationFlowBindingOverrides"]["browser"]],
    }
    return {place: flow.renamed(flow_tree.unmarked).outline() for place, flow in bound.items()}


def complete(document):
    trees = {item["alias"]: flow_tree.from_document(item).outline() for item in document["authenticationFlows"]}
    return {
        "realm": trees[FIRST_LOGIN],
        "first": trees[FIRST_LOGIN],
        "post": trees[GATE],
        "client": trees["facility browser"],
    }


@pytest.mark.parametrize("back", [False, True], ids=["forward", "back to the old"])
def test_a_swap_killed_at_every_request_keeps_complete_flows_in_use(run, wanted_document, back):
    old, new = variant(wanted_document, 0), variant(wanted_document, 1)
    start = FakeKeycloak()
    run(start, old)
    life, finished = 0, False
    while not finished:
        fake = copy.deepcopy(start)
        life += 1
        try:
            run(fake, new, session=Mortal(fake, life))
            finished = True
        except Killed:
            pass
        for place, outline in outlines(fake).items():
            assert outline in (complete(old)[place], complete(new)[place]), f"{place} after {life} requests"
        target = old if back else new
        run(fake, target)
        assert outlines(fake) == complete(target), f"after {life} requests"
        assert run(fake, target)[0] == [], f"after {life} requests"
        names = [flow["alias"] for flow in fake.flows.values()] + [item["alias"] for item in fake.configs.values()]
        assert [name for name in names if "~" in name] == []
    assert life > 30


def test_a_copy_that_is_in_use_counts_as_the_flow_it_stands_for(run, wanted_document):
    """After a kill between binding and naming, only the flow is left to do."""
    start, new, seen = FakeKeycloak(), variant(wanted_document, 1), 0
    run(start, variant(wanted_document, 0))
    for life in range(10, 80):
        fake = copy.deepcopy(start)
        with suppress(Killed):
            run(fake, new, session=Mortal(fake, life))
        if "~" in fake.realm["firstBrokerLoginFlow"] and "~" in fake.idps["umbrella"]["firstBrokerLoginFlowAlias"]:
            seen += 1
            assert {change.kind for change in run(fake, new, check_mode=True)[0]} == {"authentication flow"}
    assert seen


def test_a_flow_that_was_not_stored_as_sent_is_not_bound(run, wanted_document):
    class Forgetful(FakeKeycloak):
        def request(self, method, url, timeout, data=None, headers=None):
            if self.forgets and method == "POST" and url.endswith("/config"):
                return Answer(201, location="lost")
            return super().request(method, url, timeout, data, headers)

    fake = Forgetful()
    fake.forgets = True
    with pytest.raises(PartialError, match=r"stored something else than was sent.*not put to use"):
        run(fake, variant(wanted_document, 0))
    assert "firstBrokerLoginFlow" not in fake.realm
    assert fake.idps == {}
    fake.forgets = False
    run(fake, variant(wanted_document, 0))
    before, fake.forgets = outlines(fake), True
    with pytest.raises(PartialError, match=r"stored something else than was sent.*not put to use"):
        run(fake, variant(wanted_document, 1))
    after = outlines(fake)
    assert {place: after[place] for place in ("realm", "first", "post")} == {
        place: before[place] for place in ("realm", "first", "post")
    }


def test_a_run_killed_at_every_request_of_the_first_deployment_converges(run, wanted_document):
    life, finished = 0, False
    while not finished:
        fake = FakeKeycloak()
        life += 7
        try:
            run(fake, wanted_document, session=Mortal(fake, life))
            finished = True
        except Killed:
            pass
        run(fake, wanted_document)
        assert run(fake, wanted_document)[0] == [], f"after {life} requests"


def test_lost_answers_make_nothing_twice(run, wanted_document):
    class Lossy:
        sent = 0

        def request(self, *args, **more):
            answer = fake.request(*args, **more)
            self.sent += 1
            if self.sent % 3 == 0:
                raise http.LOST[0]
            return answer

    fake = FakeKeycloak()
    run(fake, wanted_document, session=Lossy(), verify_discovery=False)  # that look-up is not repeated
    assert run(fake, wanted_document)[0] == []
    assert len(fake.idps["umbrella"]["mappers"]) == 8
    names = [(item["parentId"], item["name"]) for item in fake.components.values()]
    assert len(names) == len(set(names))
