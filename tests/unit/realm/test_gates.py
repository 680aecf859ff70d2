"""Who is refused, and what goes out: the filters behind presets/gates and presets/own_entitlement.yml."""

import re

import pytest
from ansible_collections.panosc.facility.plugins.filter import realm

SERVICES = realm.services_with_login(
    {
        "visa": {"url": "https://visa.example", "openness": "authorised"},
        "cloud": {"url": "https://cloud.example", "openness": "authorised", "role": "cloud-user"},
        "wiki": {"url": "https://wiki.example"},
        "lab": {"url": "https://lab.example", "assurance": "medium"},
        "icat": {"url": "https://icat.example", "openness": "authorised"},
        "search": {"url": "https://search.example", "openness": "anonymous"},
    }
)
FRAGMENTS = [
    {"source": "visa", "document": {"clients": [{"clientId": "visa", "name": "VISA", "standardFlowEnabled": True}]}},
    {"source": "cloud", "document": {"clients": [{"clientId": "cloud"}]}},
    {"source": "icat", "document": {"clients": [{"clientId": "icat", "standardFlowEnabled": False}]}},
]


def test_services_that_do_not_let_everybody_in():
    gated = {item["name"]: item for item in realm.gated_services(SERVICES, FRAGMENTS)}
    assert {name: item["role"] for name, item in gated.items()} == {
        "visa": "compute-approved",
        "cloud": "cloud-user",
        "lab": "compute-approved",  # not asked for: its level is `authenticated`
    }
    assert gated["visa"]["display_name"] == "VISA"
    assert gated["cloud"]["display_name"] == "cloud"


@pytest.mark.parametrize(
    ("client", "lost"),
    [
        ({"authenticationFlowBindingOverrides": {"browser": "f"}, "defaultClientScopes": ["gate-visa"]}, False),
        ({"authenticationFlowBindingOverrides": {"browser": ""}, "defaultClientScopes": ["gate-visa"]}, True),
        ({"authenticationFlowBindingOverrides": {"browser": "f"}, "defaultClientScopes": ["basic"]}, True),
        ({"defaultClientScopes": ["gate-visa"]}, True),
        ({}, True),
    ],
)
def test_a_lost_gate_is_found(client, lost):
    found = realm.lost_gates(SERVICES[:1], {"clients": [{"clientId": "visa", **client}]})
    assert [item["name"] for item in found] == (["visa"] if lost else [])


@pytest.mark.parametrize(
    ("identifier", "scopes", "refused"),
    [
        ("0123@umbrellaid.org", [], False),
        ("test@umbrellaid.org", [], True),
        ("TEST@umbrellaid.org", ["umbrellaid.org"], True),
        ("testing@umbrellaid.org", [], False),
        ("0123@umbrellaid.org", ["umbrellaid.org", "egi.eu"], False),
        ("0123@egi.eu", ["umbrellaid.org", "egi.eu"], False),
        ("0123@UmbrellaID.org", ["umbrellaid.org"], False),
        ("0123@umbrellaidxorg", ["umbrellaid.org"], True),
        ("0123@umbrellaid.org.evil.example", ["umbrellaid.org"], True),
        ("0123@evil@umbrellaid.org", ["umbrellaid.org"], True),
        ("no-scope", ["umbrellaid.org"], True),
    ],
)
def test_identifiers_that_may_not_log_in(identifier, scopes, refused):
    # Java's regular expressions agree with Python's in everything that is used here.
    assert bool(re.fullmatch(realm.refused_identifiers(scopes), identifier)) is refused


def test_groups_go_out_as_entitlements():
    first, second = realm.own_entitlements(
        ["/facility", "/lab/laser users", "/facility"], "urn:x:f.example", "auth.f.example"
    )
    assert first["entitlement"] == "urn:x:f.example:group:facility#auth.f.example"
    assert second["entitlement"] == "urn:x:f.example:group:lab:laser%20users#auth.f.example"
    assert second["groups"] == [
        {
            "name": "lab",
            "subGroups": [{"name": "laser users", "attributes": {"eduperson_entitlement": [second["entitlement"]]}}],
        }
    ]


def test_a_message_means_what_it_says():
    assert realm.message_text("l'accès {1}") == "l''accès '{'1'}'"


def test_preset_names_with_underscores_make_aliases_with_hyphens():
    assert realm.brokered_providers([{"preset": "egi_checkin"}, {"preset": "umbrella", "alias": "u"}]) == [
        {"alias": "egi-checkin", "position": 1, "preset": "egi_checkin"},
        {"alias": "u", "position": 2, "preset": "umbrella"},
    ]
