"""A realm described: applied to itself it changes nothing, applied elsewhere it makes the same realm, and no secret is in it."""

import copy
import json

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import state
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.client import Client
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.describe import (
    describe,
    left_out,
    secrets_in,
    trimmed,
)
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import SECTIONS, Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import DocumentError
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from fake_keycloak import FakeKeycloak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realm_document import SECRETS, SIGNING_KEYS

VALUES = {
    "clients/visa": SECRETS["visa"],
    "clients/scicat": SECRETS["scicat"],
    "identityProviders/umbrella": SECRETS["umbrella"],
    "userFederation/ldap": SECRETS["ldap"],
    "smtp": SECRETS["smtp"],
    "keyProviders/signing 2025/privateKey": SECRETS["signing"],
}


def read(fake):
    client = Client(fake, "https://kc.test", "demo", "automation", "x", parallel=1)
    return state.read(client, Wanted({"realm": "demo"}, Keyring({}, "")), whole=True)


def in_order(value):
    """The same without the order of lists."""
    if isinstance(value, dict):
        return {key: in_order(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((in_order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value


def test_applied_to_itself_it_changes_nothing(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    found = describe(read(fake))
    assert {"realm", "displayName", *SECTIONS} <= found.keys() | {"defaultOptionalClientScopes"}
    changes, _ = run(fake, found, keep=secrets_in(found))
    assert changes == []
    assert run(fake, found, VALUES, check_mode=True)[0] == [], "the names of the secrets are the places"


def test_applied_to_nothing_it_makes_the_same_realm(run, wanted_document):
    fake, other = FakeKeycloak(), FakeKeycloak(seed=2)
    run(fake, wanted_document)
    found = describe(read(fake))
    run(other, copy.deepcopy(found), VALUES)
    assert in_order(describe(read(other))) == in_order(found)
    assert other.secrets == fake.secrets


def test_no_secret_and_no_id_is_in_it(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    text = json.dumps(describe(read(fake)))
    assert "canary" not in text
    assert SIGNING_KEYS[0][:40] not in text
    assert "**********" not in text
    assert "facility.fingerprint" not in text
    assert "facility.owned" not in text
    assert '"id":' not in text
    assert secrets_in(json.loads(text)) == sorted(VALUES)


def test_a_bound_copy_of_a_flow_is_described_as_the_flow_it_stands_for(run, wanted_document):
    fake = FakeKeycloak()
    run(fake, wanted_document)
    flow = fake._flow("facility browser")
    fake.put_flow(flow["id"], {**flow, "alias": "facility browser ~0123abcd"})
    found = describe(read(fake))
    assert "~" not in json.dumps(found)


def test_what_a_document_cannot_say_is_listed(run):
    fake = FakeKeycloak()
    fake._store_component("c", {"name": "c", "providerType": "x.Provider", "parentId": "r", "config": {}})
    fake.put_realm({"adminPermissionsEnabled": True})
    fake._store_policy("p", "regex", {"name": "by e-mail"})
    assert left_out(read(fake)) == ["adminPermissions.policies[by e-mail]", "components[x.Provider]"]


def test_permissions_of_administrators_are_not_taken_for_settings_of_a_client(run):
    """Their client answers with 400, and comes by itself with the setting of the realm."""
    fake = FakeKeycloak()
    fake.put_realm({"adminPermissionsEnabled": True})
    found = describe(read(fake))
    assert not [path for _, path in fake.log if path.endswith("/settings")]
    assert found["adminPermissionsEnabled"]
    assert "adminPermissions" not in found
    assert "admin-permissions" not in {client["clientId"] for client in found.get("clients", [])}


def test_permissions_that_are_switched_off_are_not_described(run, wanted_document):
    """They are still there, and a document that names them would have to switch them on."""
    fake = FakeKeycloak()
    run(fake, wanted_document)
    fake.put_realm({"adminPermissionsEnabled": False})
    assert "adminPermissions" not in describe(read(fake))


def test_people_in_policies_are_described_by_name(run):
    fake = FakeKeycloak()
    fake.users.update({"u": {"id": "u", "username": "anna"}, "v": {"id": "v", "username": "bert"}})
    fake.put_realm({"adminPermissionsEnabled": True})
    fake._store_policy("p", "user", {"name": "anna", "users": ["u"]})
    permission = {"name": "bert", "resourceType": "Users", "scopes": ["view"], "policies": ["anna"], "resources": ["v"]}
    fake._store_policy("q", "scope", {**permission})
    found = describe(read(fake))
    assert found["adminPermissions"] == {
        "policies": [{"name": "anna", "type": "user", "users": ["anna"]}],
        "permissions": [{**permission, "resources": ["bert"]}],
    }
    assert run(fake, found)[0] == []


def test_a_policy_about_a_group_that_is_gone_is_still_described(run):
    """Keycloak keeps the id; the same realm takes the description, another one says what is missing."""
    fake = FakeKeycloak()
    fake.put_realm({"adminPermissionsEnabled": True})
    fake._new_group({"name": "g"}, "")
    (gone,) = fake.groups
    fake._store_policy("p", "group", {"name": "of g", "groups": [{"id": gone}]})
    fake.delete_group(gone, None)
    found = describe(read(fake))
    assert found["adminPermissions"]["policies"][0]["groups"] == [gone]
    assert run(fake, copy.deepcopy(found))[0] == []
    with pytest.raises(DocumentError, match=f"there is no group '{gone}'"):
        run(FakeKeycloak(), found)


def test_settings_as_on_the_first_day_are_not_described(run):
    fake = FakeKeycloak()
    run(fake, {"realm": "demo", "clients": [{"clientId": "portal", "authorizationSettings": {}}]})
    found = describe(read(fake))
    assert "authorizationSettings" not in str(found)
    assert "uma_protection" not in str(found), "the role comes by itself"


FRESH = {
    "a": 1,
    "b": {"x": "1", "y": True},
    "list": ["p", "q"],
    "named": [{"name": "one", "v": 1, "w": 2}, {"name": "two", "config": {"k": "v"}}],
}


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (FRESH, {}),
        ({"a": 2}, {"a": 2}),
        ({"b": {"x": 1, "y": "true"}}, {}),
        ({"b": {"x": "2", "y": True, "z": 0}}, {"b": {"x": "2", "z": 0}}),
        ({"list": ["q", "p"]}, {}),
        ({"list": ["q"]}, {"list": ["q"]}),
        ({"named": [FRESH["named"][1], FRESH["named"][0]]}, {}),
        (
            {"named": [{"name": "one", "v": 2, "w": 2}, {"name": "three"}]},
            {"named": [{"name": "one", "v": 2}, {"name": "three"}]},
        ),
        (
            {"named": [{"name": "two", "config": {"k": "v", "l": "w"}}]},
            {"named": [{"name": "two", "config": {"l": "w"}}]},
        ),
    ],
)
def test_what_is_as_in_a_new_realm_is_left_out(value, left):
    assert trimmed(value, FRESH) == left


NAMES = st.sets(st.sampled_from("abcd"))
VALUE = st.one_of(st.booleans(), st.integers(0, 5), st.sampled_from(["x", "", "y z", "ü"]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(clients=NAMES, roles=NAMES, groups=NAMES, scopes=NAMES, members=NAMES, value=VALUE)
def test_any_realm_described_is_the_same_realm(run, clients, roles, groups, scopes, members, value):
    fake, other = FakeKeycloak(), FakeKeycloak(seed=5)
    composites = {"realm": sorted(roles & members), "client": {name: ["r"] for name in clients & members}}
    run(
        fake,
        {
            "realm": "demo",
            "attributes": {"k": value},
            "clients": [
                {
                    "clientId": name,
                    "attributes": {"k": value},
                    "protocolMappers": [{"name": m, "config": {"v": value}} for m in members],
                }
                for name in clients
            ],
            "roles": {
                "realm": [{"name": name, "attributes": {"k": [value, "z"]}} for name in roles]
                + [{"name": "all", "composites": composites}],
                "client": {name: [{"name": "r"}] for name in clients},
            },
            "groups": [
                {"name": name, "realmRoles": sorted(roles), "subGroups": [{"name": m} for m in members]}
                for name in groups
            ],
            "clientScopes": [{"name": f"scope {name}", "attributes": {"k": value}} for name in scopes],
            "defaultDefaultClientScopes": [f"scope {name}" for name in scopes],
            "identityProviders": [
                {"alias": name, "providerId": "saml", "config": {"k": value}, "mappers": [{"name": m} for m in members]}
                for name in groups
            ],
            "localization": {"en": dict.fromkeys(members, f"text {value}")},
        },
    )
    found = describe(read(fake))
    assert run(fake, copy.deepcopy(found))[0] == []
    run(other, copy.deepcopy(found))
    assert in_order(describe(read(other))) == in_order(found)
