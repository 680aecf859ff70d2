"""A SAML identity provider that signs wrongly, or not at all, or for somebody else (check 15)."""

from __future__ import annotations

import base64
import time

import pytest
from faulty_realm import FAY, HUB, PROVIDER
from site_under_test import claims
from visitor import Visitor

VICTIM = "5e1f0c0ffee04d0f8a6b2c9d3e1f7a58@umbrellaid.test"


@pytest.fixture
def realm(faulty):
    """Nobody has come by the provider yet."""
    faulty.admin.forget(FAY, VICTIM)
    yield faulty
    faulty.admin.forget(FAY, VICTIM)


def come(realm, alias="saml", **saml):
    with realm.faults(saml=saml):
        visitor = Visitor(realm)
        visitor.ask(HUB)
        visitor.through(alias)
    return visitor


def refused(realm, visitor):
    assert visitor.answer.get("code") is None, "somebody got in"
    assert visitor.page.status in (400, 403, 500), visitor.page.text[:300]
    assert realm.admin.user(FAY) is None


@pytest.mark.parametrize("sign", ["assertion", "both"])
def test_without_a_fault_one_gets_in(realm, sign):
    """Else the refusals below would prove nothing."""
    got = claims(come(realm, sign=sign).tokens()["id_token"])
    user = realm.admin.user(FAY)
    assert got["sub"] == user["id"]
    assert user["links"]["saml"]["userId"] == FAY
    assert (user["email"], user["emailVerified"], user["firstName"]) == ("fay.fault@uni.test", False, "Fay")


# What the provider does wrong, and what Keycloak calls it. Its event is written to the journal, not kept in the database.
SIGNATURE, RESPONSE = "invalid_signature", "invalid_saml_response"
BAD = {
    "not signed": ({"sign": "none"}, SIGNATURE),
    "only the response signed": ({"sign": "response"}, SIGNATURE),
    "tampered": ({"replace": ["fay.fault@uni.test", "boss@facility.test"]}, SIGNATURE),
    "response tampered": ({"sign": "response", "replace": ["fay.fault@uni.test", "boss@facility.test"]}, SIGNATURE),
    "SHA-1": ({"hash": "sha1"}, SIGNATURE),
    "signed by a stranger": ({"key": "unknown"}, SIGNATURE),
    "signature broken": ({"replace": ["<ds:SignatureValue>", "<ds:SignatureValue>AAAA"]}, SIGNATURE),
    "for another audience": ({"audience": "https://somewhere.else.test/sp"}, RESPONSE),
    "over": ({"until": -120}, RESPONSE),
    "from another provider": ({"issuer": "https://evil.test/idp"}, RESPONSE),
    "answers another request": ({"in_response_to": "_0123456789abcdef0123456789abcdef"}, RESPONSE),
    "for another address": ({"recipient": "https://somewhere.else.test/acs"}, RESPONSE),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_assertion_lets_nobody_in(realm, fault):
    wrong, called = BAD[fault]
    since = time.time()
    refused(realm, come(realm, **wrong))
    events = [line for line in realm.log(since).splitlines() if "IDENTITY_PROVIDER_RESPONSE_ERROR" in line]
    assert any(f'realmName="{realm.realm}"' in line and f'error="{called}"' in line for line in events), events


def test_a_response_is_good_for_one_login_only(realm):
    assert come(realm).tokens()
    realm.admin.forget(FAY)
    refused(realm, come(realm, replay=True))


def test_a_response_that_nobody_asked_for_is_refused(realm):
    visitor = Visitor(realm)
    visitor.ask(HUB)
    visitor.go("GET", visitor.page.link("/broker/saml/login"))
    form = visitor.page.form("SAMLRequest")
    with realm.faults():
        answer = Visitor(realm).go("POST", form["action"], form["fields"])
    back = answer.form("SAMLResponse")
    stranger = Visitor(realm)
    stranger.go("POST", back["action"], {**back["fields"], "RelayState": ""})
    refused(realm, stranger)
    stranger = Visitor(realm)
    stranger.go("POST", back["action"], back["fields"])  # the right one, in another browser
    refused(realm, stranger)


@pytest.fixture
def victim(realm):
    """Somebody whose account is worth having."""
    told = {"sub": VICTIM, "voperson_id": VICTIM, "email": "victim@uni.test"}
    return claims(come(realm, name_id=VICTIM, attributes=told).tokens()["id_token"])["sub"]


@pytest.mark.parametrize("shape", ["before", "after", "around", "extensions", "moved signature", "object"])
def test_a_wrapped_signature_makes_nobody_somebody_else(realm, victim, shape):
    visitor = come(realm, wrap=shape, victim=VICTIM)
    if visitor.answer.get("code"):
        assert claims(visitor.tokens()["id_token"])["sub"] != victim
        assert realm.admin.user(FAY), "somebody got in who is neither the one signed for nor the victim"
    else:
        refused(realm, visitor)


def test_a_comment_in_the_name_makes_nobody_somebody_else(realm, victim):
    """Canonical XML has no comments, so the signature stays right; a reader may stop at one."""
    longer = VICTIM + ".evil.test"
    told = {"sub": longer, "voperson_id": longer, "email": "evil@uni.test"}
    comment = [longer, f"{VICTIM}<!---->.evil.test"]
    visitor = come(realm, name_id=longer, attributes=told, replace=comment)
    try:
        if visitor.answer.get("code"):
            assert claims(visitor.tokens()["id_token"])["sub"] != victim
    finally:
        realm.admin.forget(longer)


def test_while_certificates_change_the_new_one_is_good_and_a_strangers_is_not(realm):
    assert come(realm, "saml-rollover").tokens()
    realm.admin.forget(FAY)
    refused(realm, come(realm, "saml-rollover", key="unknown"))


def test_a_certificate_that_is_over_verifies_nothing(realm):
    """Although the provider's entry still names it."""
    since = time.time()
    refused(realm, come(realm, "saml-rollover", key="expired"))
    assert "Ignoring invalid certificate" in realm.log(since)


def test_the_request_names_the_realm_and_its_endpoint(realm):
    visitor = Visitor(realm)
    visitor.ask(HUB)
    visitor.go("GET", visitor.page.link("/broker/saml/login"))
    form = visitor.page.form("SAMLRequest")
    assert form["action"] == f"{PROVIDER}/saml/login"
    asked = base64.b64decode(form["fields"]["SAMLRequest"]).decode()
    assert f'AssertionConsumerServiceURL="{realm.issuer}/broker/saml/endpoint"' in asked
    assert f">{realm.issuer}<" in asked
