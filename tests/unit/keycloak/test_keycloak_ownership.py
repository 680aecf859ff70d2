"""What was made here can go again; what people made stays, whatever happens in between."""

import copy
import json

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import ownership
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import KeycloakError, PartialError
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.kinds import KINDS
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.kinds.base import Removable
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.ownership import Prune
from fake_keycloak import Answer, FakeKeycloak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ALL = Prune(objects=True, users=True)


def removals(changes):
    return {(one.kind, one.name): one.kept for one in changes if one.action == "remove"}


def without(document, path, key, name):
    """The document without one named object."""
    place = document
    for step in path.split("."):
        place = place[int(step)] if isinstance(place, list) else place[step]
    index = next(number for number, item in enumerate(place) if item[key] == name)
    del place[index]
    return document


DROPPED = {
    "role": ("roles.realm", "name", "compute-approved", "compute-approved"),
    "client role": ("roles.client.visa", "name", "admin", "visa/admin"),
    "client scope": ("clientScopes", "name", "gate-compute", "gate-compute"),
    "client scope mapper": ("clientScopes.0.protocolMappers", "name", "voperson_id", "panosc/voperson_id"),
    "client": ("clients", "clientId", "scicat", "scicat"),
    "client mapper": ("clients.0.protocolMappers", "name", "facility_user_id", "visa/facility_user_id"),
    "group": ("groups.0.subGroups", "name", "reviewers", "/umbrella/reviewers"),
    "authentication flow": ("authenticationFlows", "alias", "facility browser", "facility browser"),
    "identity provider": ("identityProviders", "alias", "umbrella", "umbrella"),
    "identity provider mapper": ("identityProviders.0.mappers", "name", "orcid", "umbrella/orcid"),
    "organization": ("organizations", "alias", "partner", "partner"),
    "admin policy": ("adminPermissions.policies", "name", "portal", "portal"),
    "admin permission": ("adminPermissions.permissions", "name", "see people", "see people"),
    "user federation": ("userFederation", "name", "ldap", "ldap"),
    "user federation mapper": ("userFederation.0.mappers", "name", "facility group", "ldap/facility group"),
    "key provider": ("keyProviders", "name", "signing 2025", "signing 2025"),
    "client policy": ("clientPolicies.policies", "name", "facility web", "facility web"),
    "client profile": ("clientProfiles.profiles", "name", "facility web", "facility web"),
}


def dropped(document, kind):
    """The document without an object of that kind, and without what refers to it."""
    path, key, name, shown = DROPPED[kind]
    without(document, path, key, name)
    visa = document["clients"][0]
    if kind == "client scope":
        visa["defaultClientScopes"].remove("gate-compute")
    if kind == "authentication flow":
        visa["authenticationFlowBindingOverrides"] = {"browser": None}
    if kind == "group":
        document["adminPermissions"]["policies"][0]["groups"] = ["/umbrella"]
    if kind == "admin policy":
        document["adminPermissions"]["permissions"][2]["policies"] = ["reviewers"]
    if kind == "client profile":
        document["clientPolicies"]["policies"][0]["profiles"] = []
    if kind == "identity provider":
        document["organizations"][0]["identityProviders"] = []
    return (kind, shown)


def test_every_kind_that_can_be_removed_has_a_case():
    assert DROPPED.keys() == {kind.name for kind in KINDS if isinstance(kind, Removable)}


@pytest.mark.parametrize("kind", DROPPED)
def test_what_the_document_drops_is_shown_and_goes_only_with_prune(run, wanted_document, kind):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    gone = dropped(wanted_document, kind)
    run(fake, wanted_document)  # what referred to it
    before = fake.export(None)
    changes, _ = run(fake, wanted_document)
    assert removals(changes) == {gone: "prune is off"}
    assert [one.summary()["kept"] for one in changes] == ["prune is off"]
    assert fake.export(None)["attributes"] == before["attributes"]
    checked, _ = run(fake, wanted_document, check_mode=True, prune=ALL)
    changes, _ = run(fake, wanted_document, prune=ALL)
    assert removals(changes) == {gone: ""}
    assert [one.summary() for one in checked] == [one.summary() for one in changes]
    assert run(fake, wanted_document)[0] == []
    assert run(fake, wanted_document, prune=ALL)[0] == []


@pytest.mark.parametrize("kind", ["user federation", "identity provider"])
def test_what_people_hang_on_has_a_switch_of_its_own(run, wanted_document, kind):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    gone = dropped(wanted_document, kind)
    changes, _ = run(fake, wanted_document, prune=Prune(objects=True))
    assert "prune_users is off" in removals(changes)[gone]
    assert fake.idps
    assert any(item["name"] == "ldap" for item in fake.components.values())
    assert all("mapper" not in one.kind for one in changes), "it would be left without its mappers"


def test_sections_that_are_absent_are_not_judged(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    assert run(fake, {"realm": "demo", "enabled": False}, prune=ALL)[0][0].name == "demo"
    assert len(fake.clients) == 7
    assert run(fake, {"realm": "demo", "identityProviders": []}, prune=ALL)[0][0].name == "umbrella"
    assert fake.idps == {}


def test_names_are_written_before_the_first_object(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    first = next(number for number, (method, path) in enumerate(fake.log) if method == "PUT" and path == "")
    assert [path for method, path in fake.log[:first] if method == "POST"] == [
        "/partial-export",
        "/identity-provider/import-config",
    ]
    held = ownership.read(json.loads(fake.sent[first])["attributes"])
    assert held.keys() == DROPPED.keys()
    assert held["client"] == {"visa", "scicat", "jupyterhub"}, "admin-cli was there before"


def test_one_changed_object_is_one_write(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    fake.log.clear()
    wanted_document["clients"][0]["description"] = "x"
    run(fake, wanted_document)
    assert len([entry for entry in fake.log if entry[0] != "GET" and entry[1] != "/partial-export"]) == 1


def test_what_was_there_before_is_used_and_never_owned(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    for key in list(fake.realm["attributes"]):
        if key.startswith(ownership.PREFIX):
            del fake.realm["attributes"][key]
    assert run(fake, wanted_document)[0] == []
    sections = ("clients", "identityProviders", "authenticationFlows", "groups", "userFederation", "clientScopes")
    nothing = {"realm": "demo", **{section: [] for section in sections}}
    assert run(fake, nothing, prune=ALL)[0] == []


def test_a_name_whose_object_is_gone_is_forgotten(run, wanted_document):
    """Else an object that somebody makes later by that name would count as ours."""
    fake = FakeKeycloak()
    run(fake, wanted_document)
    dropped(wanted_document, "client")
    fake.delete_client(fake._client("scicat")["id"], None)
    changes, _ = run(fake, wanted_document)
    assert [(one.kind, one.name, one.action) for one in changes] == [("ownership", "client/scicat", "update")]
    fake._new_client({"clientId": "scicat"})
    assert run(fake, wanted_document, prune=ALL)[0] == []


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("authentication flow", "it is in use: client visa"),
        ("client profile", "it is in use: client policy facility web"),
        ("key provider", "it is in use: first name it with active false"),
    ],
)
def test_what_is_in_use_stays(run, wanted_document, kind, why):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    path, key, name, shown = DROPPED[kind]
    if kind == "key provider":
        name = shown = "signing 2026"
    without(wanted_document, path, key, name)
    if kind == "authentication flow":  # still bound on the server, and the document says nothing of it
        del wanted_document["clients"][0]["authenticationFlowBindingOverrides"]
    changes, _ = run(fake, wanted_document, prune=ALL)
    assert removals(changes)[kind, shown].startswith(why)


def test_a_policy_stays_as_long_as_a_permission_made_by_hand_uses_it(run, wanted_document):
    """Keycloak would delete the permission with it."""
    fake = FakeKeycloak()
    run(fake, wanted_document)
    by_hand = {"name": "by hand", "resourceType": "Users", "scopes": ["view"], "policies": ["portal"], "resources": []}
    fake._store_policy("by hand", "scope", by_hand)
    wanted_document["adminPermissions"] = {"policies": [], "permissions": []}
    changes, _ = run(fake, wanted_document, prune=ALL)
    assert removals(changes)["admin policy", "portal"] == "it is in use: admin permission by hand"
    assert [item["name"] for item in fake.admin_policies.values()] == ["portal", "by hand"]
    changes, _ = run(fake, wanted_document, prune=ALL)
    assert [one.kept for one in changes] == ["it is in use: admin permission by hand"]
    fake.delete_policy("", "by hand", None)
    run(fake, wanted_document, prune=ALL)
    assert fake.admin_policies == {}


def test_a_flow_that_this_very_run_unbinds_goes(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    gone = dropped(wanted_document, "authentication flow")
    assert removals(run(fake, wanted_document, prune=ALL)[0]) == {gone: ""}
    assert run(fake, wanted_document)[0] == []


def test_what_comes_with_keycloak_stays_even_if_a_name_was_slipped_in(run):
    fake = FakeKeycloak()
    fake.realm["attributes"].update(
        {"facility.owned.client": '["account"]', "facility.owned.role": '[["", "default-roles-demo"]]'}
    )
    changes, _ = run(fake, {"realm": "demo", "clients": [], "roles": {}}, prune=ALL)
    assert set(removals(changes).values()) == {"it comes with Keycloak"}


def test_the_client_in_use_stays(run):
    fake = FakeKeycloak()
    fake.realm["attributes"]["facility.owned.client"] = '["automation"]'
    fake._new_client({"clientId": "automation"})
    changes, _ = run(fake, {"realm": "demo", "clients": []}, realm="demo", prune=ALL)
    assert removals(changes) == {("client", "automation"): "this run is logged in as it"}


def test_a_group_with_groups_made_by_hand_stays(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    parent = next(item for item in fake.groups.values() if item["path"] == "/umbrella/reviewers")
    fake._new_group({"name": "by hand"}, parent["id"])
    wanted_document["groups"].pop(0)
    wanted_document["defaultGroups"] = []
    changes, _ = run(fake, wanted_document, prune=ALL)
    why = "there are groups in it made by hand: /umbrella/reviewers/by hand"
    assert removals(changes) == {
        ("group", "/umbrella/beamline-users"): "",
        ("group", "/umbrella/reviewers"): why,
        ("group", "/umbrella"): why,
    }


def test_an_edited_list_of_names_is_an_error_that_says_how_to_mend(run):
    fake = FakeKeycloak()
    fake.realm["attributes"]["facility.owned.client"] = "visa"
    with pytest.raises(
        KeycloakError, match=r"facility.owned.client of the realm: .*no JSON list.*Remove the attribute"
    ):
        run(fake, {"realm": "demo", "clients": []})


def test_a_failed_removal_says_what_went_before_it(run, wanted_document):
    class Fussy(FakeKeycloak):
        def request(self, method, url, timeout, data=None, headers=None):
            if method == "DELETE" and "/client-scopes/" in url and "/protocol-mappers/" not in url:
                return Answer(400, {"errorMessage": "in use"})
            return super().request(method, url, timeout, data, headers)

    fake = Fussy()
    run(fake, wanted_document)
    dropped(wanted_document, "client scope")
    dropped(wanted_document, "client")
    with pytest.raises(PartialError, match=r"client scope gate-compute: .*in use.*client scicat"):
        run(fake, wanted_document, prune=ALL)


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


def test_pruning_killed_at_every_request_converges(run, wanted_document):
    start = FakeKeycloak()
    run(start, wanted_document)
    for kind in sorted(DROPPED, key=lambda kind: "mapper" not in kind):  # parts before what they are parts of
        if kind not in {"client profile", "organization"}:
            dropped(wanted_document, kind)
    life, finished = 0, False
    while not finished:
        fake, life = copy.deepcopy(start), life + 1
        try:
            run(fake, wanted_document, session=Mortal(fake, life), prune=ALL)
            finished = True
        except Killed:
            pass
        run(fake, wanted_document, prune=ALL)
        assert run(fake, wanted_document, prune=ALL)[0] == [], f"after {life} requests"
    assert life > 25


# Any realm, any two documents, any people beside them.

NAMES = st.sets(st.sampled_from("abcd"))


def small(names):
    """A document with objects of these names, one section for each letter-set."""
    clients, roles, groups, scopes, mappers = names
    return {
        "realm": "demo",
        "clients": [{"clientId": name, "protocolMappers": [{"name": m} for m in mappers]} for name in clients],
        "roles": {"realm": [{"name": name} for name in roles]},
        "groups": [{"name": name, "subGroups": [{"name": sub} for sub in roles]} for name in groups],
        "clientScopes": [{"name": name, "protocolMappers": [{"name": m} for m in mappers]} for name in scopes],
        "identityProviders": [
            {"alias": name, "providerId": "saml", "mappers": [{"name": m} for m in mappers]} for name in scopes
        ],
    }


def held(fake):
    """Names of everything that is there and does not come with Keycloak."""
    scopes = {name for name in fake.scopes if len(name) == 1}
    return {
        "clients": {item["clientId"] for item in fake.clients.values() if len(item["clientId"]) == 1},
        "roles": {item["name"] for item in fake.roles.values() if len(item["name"]) == 1},
        "groups": {item["path"] for item in fake.groups.values()},
        "scopes": scopes,
        "scope mappers": {(name, m["name"]) for name in scopes for m in fake.scopes[name].get("protocolMappers", [])},
        "idp mappers": {(alias, m["name"]) for alias, idp in fake.idps.items() for m in idp["mappers"].values()},
        "idps": set(fake.idps),
    }


def union(*many):
    return {key: set().union(*(one[key] for one in many)) for key in many[0]}


DOCUMENTS = st.tuples(NAMES, NAMES, NAMES, NAMES, NAMES)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(by_hand=DOCUMENTS, first=DOCUMENTS, second=DOCUMENTS)
def test_after_pruning_there_is_what_people_made_and_what_is_wanted(run, by_hand, first, second):
    def go(fake, names, **options):
        return run(fake, small(names), **options)[0]

    hand, alone = FakeKeycloak(), FakeKeycloak()
    go(hand, by_hand)
    fake = copy.deepcopy(hand)
    for key in list(fake.realm["attributes"]):
        if key.startswith(ownership.PREFIX):
            del fake.realm["attributes"][key]
    go(fake, first)
    assert go(fake, first, prune=ALL) == []
    before = held(fake)
    go(fake, second)
    assert all(one.kept for one in go(fake, second))
    assert held(fake) == union(before, held(fake)), "something went without prune"
    go(fake, second, prune=ALL)
    go(alone, second)
    there, expected = held(fake), union(held(hand), held(alone))
    assert there == expected
    assert go(fake, second, prune=ALL) == []
