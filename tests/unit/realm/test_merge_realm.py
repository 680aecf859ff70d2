"""Fragments of a realm become one document: what merges, what is refused, where secrets go."""

import copy
import json
import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.panosc.facility.plugins.filter import realm


def fragments(*documents):
    return [{"source": f"file{number}", "document": document} for number, document in enumerate(documents, 1)]


def merged(*documents, site=None):
    return realm.merge_realm(fragments(*documents), site)["document"]


def test_objects_are_merged_by_their_natural_names():
    one = {
        "realm": "demo",
        "clients": [{"clientId": "a", "enabled": True}],
        "groups": [{"name": "umbrella", "subGroups": [{"name": "x"}]}],
        "identityProviders": [{"alias": "u", "mappers": [{"name": "m", "config": {"k": "1"}}]}],
    }
    two = {
        "clients": [{"clientId": "a", "attributes": {"p": "S256"}}, {"clientId": "b"}],
        "groups": [{"name": "umbrella", "subGroups": [{"name": "y"}]}],
        "identityProviders": [{"alias": "u", "mappers": [{"name": "n"}]}],
    }
    assert merged(one, two) == {
        "realm": "demo",
        "clients": [{"clientId": "a", "enabled": True, "attributes": {"p": "S256"}}, {"clientId": "b"}],
        "groups": [{"name": "umbrella", "subGroups": [{"name": "x"}, {"name": "y"}]}],
        "identityProviders": [{"alias": "u", "mappers": [{"name": "m", "config": {"k": "1"}}, {"name": "n"}]}],
    }


def test_the_same_said_twice_is_no_contradiction():
    scope = {"clientScopes": [{"name": "s", "attributes": {"a": "1"}}], "supportedLocales": ["en", "de"]}
    assert merged(scope, {**copy.deepcopy(scope), "supportedLocales": ["de", "en"]}) == scope


def test_lists_of_roles_add_up():
    one = {"groups": [{"name": "g", "realmRoles": ["a"]}], "scopeMappings": [{"client": "c", "roles": ["a"]}]}
    two = {"groups": [{"name": "g", "realmRoles": ["b", "a"]}], "scopeMappings": [{"client": "c", "roles": ["b"]}]}
    result = merged(one, two)
    assert result["groups"][0]["realmRoles"] == ["a", "b"]
    assert result["scopeMappings"] == [{"client": "c", "roles": ["a", "b"]}]


def test_fragments_add_scopes_to_a_client_and_the_site_replaces_them():
    one = {"clients": [{"clientId": "c", "defaultClientScopes": ["basic"]}]}
    two = {"clients": [{"clientId": "c", "defaultClientScopes": ["gate-c", "basic"]}]}
    assert merged(one, two)["clients"][0]["defaultClientScopes"] == ["basic", "gate-c"]
    assert merged(one, site=two)["clients"][0]["defaultClientScopes"] == ["gate-c", "basic"]


def test_flows_below_a_flow_are_merged_by_alias():
    """So that each gate is a fragment; steps without a name belong to one fragment."""

    def flow(*executions):
        return {"authenticationFlows": [{"alias": "f", "executions": list(executions)}]}

    first = {"requirement": "REQUIRED", "flow": {"alias": "way in", "executions": [{"authenticator": "a"}]}}
    gates = [{"requirement": "CONDITIONAL", "flow": {"alias": f"gate {name}"}} for name in "xy"]
    assert merged(flow(first), flow(gates[0]), flow(gates[1])) == flow(first, *gates)


def test_texts_are_kept_in_the_languages_of_the_realm():
    texts = {"localization": {language: {"k": language} for language in ("en", "de", "fr")}}
    found = realm.merge_realm(fragments(texts), None, ["en", "de-CH"])["document"]
    assert set(found["localization"]) == {"en", "de"}
    assert set(realm.merge_realm(fragments(texts))["document"]["localization"]) == {"en", "de", "fr"}


@pytest.mark.parametrize(
    ("one", "two", "where"),
    [
        ({"accessTokenLifespan": 300}, {"accessTokenLifespan": 60}, "accessTokenLifespan: 300 in file1, 60 in file2"),
        (
            {"clients": [{"clientId": "a", "redirectUris": ["https://x"]}]},
            {"clients": [{"clientId": "a", "redirectUris": ["https://y"]}]},
            'clients/a/redirectUris: ["https://x"] in file1, ["https://y"] in file2',
        ),
        (
            {"identityProviders": [{"alias": "u", "mappers": [{"name": "m", "config": {"k": "1"}}]}]},
            {"identityProviders": [{"alias": "u", "mappers": [{"name": "m", "config": {"k": "2"}}]}]},
            'identityProviders/u/mappers/m/config/k: "1" in file1, "2" in file2',
        ),
        (
            {"authenticationFlows": [{"alias": "f", "executions": [{"authenticator": "a"}]}]},
            {"authenticationFlows": [{"alias": "f", "executions": [{"authenticator": "b"}]}]},
            "authenticationFlows/f/executions: ",
        ),
    ],
)
def test_contradictions_name_both_sources(one, two, where):
    with pytest.raises(AnsibleFilterError) as error:
        merged(one, two)
    assert where in str(error.value)
    assert "file1" in str(error.value)
    assert "file2" in str(error.value)


def test_all_contradictions_are_named_at_once():
    with pytest.raises(AnsibleFilterError) as error:
        merged({"a": 1, "b": 1}, {"a": 2, "b": 2})
    assert str(error.value).count("file2") == 2


def test_the_site_wins_over_fragments():
    site = {"a": 2, "clients": [{"clientId": "c", "redirectUris": ["https://new"]}], "more": True}
    base = {"a": 1, "clients": [{"clientId": "c", "name": "C", "redirectUris": ["https://old"]}]}
    assert merged(base, site=site) == {
        "a": 2,
        "clients": [{"clientId": "c", "name": "C", "redirectUris": ["https://new"]}],
        "more": True,
    }


SECRETS = {
    "smtpServer": {"host": "h", "password": "S-smtp"},
    "clients": [{"clientId": "c", "secret": "S-client"}, {"clientId": "public"}],
    "identityProviders": [{"alias": "u", "config": {"clientSecret": "S-idp"}}, {"alias": "no-config"}],
    "userFederation": [{"name": "ldap", "config": {"bindCredential": "S-ldap"}}],
}


def test_secrets_stand_apart():
    result = realm.merge_realm(fragments(SECRETS))
    assert "S-" not in json.dumps(result["document"])
    assert result["secrets"] == {
        "smtp": "S-smtp",
        "clients/c": "S-client",
        "identityProviders/u": "S-idp",
        "userFederation/ldap": "S-ldap",
    }
    assert result["document"]["clients"][0]["secret"] == "secret:clients/c"
    assert result["document"]["userFederation"][0]["config"]["bindCredential"] == "secret:userFederation/ldap"


def test_a_reference_to_a_secret_is_kept():
    result = realm.merge_realm(fragments({"clients": [{"clientId": "c", "secret": "secret:mine"}]}))
    assert result == {"document": {"clients": [{"clientId": "c", "secret": "secret:mine"}]}, "secrets": {}}


def test_input_is_not_changed():
    given = copy.deepcopy(SECRETS)
    realm.merge_realm(fragments(given), {"smtpServer": {"port": 25}})
    assert given == SECRETS


def test_contradicting_secrets_are_refused_unseen():
    with pytest.raises(AnsibleFilterError) as error:
        merged({"clients": [{"clientId": "c", "secret": "S-one"}]}, {"clients": [{"clientId": "c", "secret": "S-two"}]})
    assert "clients/c: file2 and file1 give different values of secret" in str(error.value)
    assert "S-" not in str(error.value)


def test_empty_secret_is_refused():
    with pytest.raises(AnsibleFilterError, match="clients/c: file1 gives an empty secret"):
        merged({"clients": [{"clientId": "c", "secret": ""}]})


@pytest.mark.parametrize(
    ("entitlement", "received", "member"),
    [
        ("urn:x:group:a", "urn:x:group:a#auth", True),
        ("urn:x:group:a", "urn:x:group:a", True),
        ("urn:x:group:a", "urn:x:group:a:role=manager#auth", True),
        ("urn:x:group:a", "urn:x:group:a:b#auth", False),
        ("urn:x:group:a", "urn:x:group:ab#auth", False),
        ("urn:x.y:group:a", "urn:xzy:group:a#auth", False),
        ("urn:x:group:a:role=pi", "urn:x:group:a#auth", False),
        ("urn:x:group:a:role=pi", "urn:x:group:a:role=pi#auth", True),
        ("urn:x:group:a#auth", "urn:x:group:a#other", False),
        ("urn:x:group:a#auth", "urn:x:group:a#auth", True),
        ("urn:x:group:a#auth", "urn:x:group:a", False),
        ("urn:x:group:a", "evil:urn:x:group:a#auth", False),
    ],
)
def test_entitlement_pattern(entitlement, received, member):
    assert bool(re.fullmatch(realm.entitlement_pattern(entitlement), received)) is member


def test_grants_of_one_entitlement():
    entitlements = [{"entitlement": "urn:x:group:a", "group": "/u/a"}]
    providers = [{"preset": "umbrella"}, {"preset": "oidc", "alias": "uni"}]
    both = realm.entitlement_grants(entitlements, providers)
    assert [grant["alias"] for grant in both] == ["umbrella", "uni"]
    assert both[0]["groups"] == [{"name": "u", "subGroups": [{"name": "a"}]}]
    one = realm.entitlement_grants([{**entitlements[0], "provider": "uni"}], providers)
    assert [grant["alias"] for grant in one] == ["uni"]


def test_services_that_need_no_login_are_left_out():
    services = {
        "visa": {"url": "https://visa.x.example:8443/a"},
        "search": {"url": "https://s.x.example", "openness": "anonymous"},
        "broken": None,
    }
    assert realm.services_with_login(services) == [
        {
            "name": "visa",
            "preset": "visa",
            "client_id": "visa",
            "openness": "authenticated",
            "origin": "https://visa.x.example:8443",
            "url": "https://visa.x.example:8443/a",
            "redirect_uris": [],
            "logout_uris": [],
            "web_origins": [],
            "scopes": [],
        }
    ]


def test_addresses_of_clients():
    client = {
        "clientId": "c",
        "redirectUris": ["https://r"],
        "webOrigins": ["+"],
        "attributes": {"post.logout.redirect.uris": "https://a##https://b"},
    }
    found = realm.client_addresses({"clients": [client, {"clientId": "none"}]})
    assert [(item["field"], item["address"]) for item in found] == [
        ("redirectUris", "https://r"),
        ("webOrigins", "+"),
        ("post.logout.redirect.uris", "https://a"),
        ("post.logout.redirect.uris", "https://b"),
    ]
