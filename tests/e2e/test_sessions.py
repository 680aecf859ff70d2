"""How sessions and tokens end, whom tokens are for, and keys that change (checks 7, 8, 19 and 21)."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator

import jwt
import pytest
from faulty_realm import FAY, HUB, VISA
from site_under_test import Login, claims
from visitor import Visitor

LOGOUT = "/service/logout"


@pytest.fixture
def realm(faulty):
    faulty.admin.forget(FAY, "carol", "bob")
    yield faulty
    faulty.admin.forget(FAY, "carol", "bob")


def log_in(realm, login=None, *, service=HUB, scope="openid", visitor=None):
    """Log in through the provider, or with a directory password; returns the browser and the tokens."""
    visitor = visitor or Visitor(realm)
    page = visitor.ask(service, scope=scope)
    if page:
        visitor.give_password(login) if login else visitor.through("faulty")
    return visitor, visitor.tokens()


def keys(realm):
    return realm.http.get(f"{realm.issuer}/protocol/openid-connect/certs", timeout=30).json()["keys"]


def verified(realm, token, **options):
    kid = jwt.get_unverified_header(token)["kid"]
    (key,) = [jwt.PyJWK(key) for key in keys(realm) if key["kid"] == kid]
    return jwt.decode(token, key, ["RS256"], issuer=realm.issuer, **options)


def ended(visitor, tokens):
    """Neither the refresh token nor the browser's session gets anything."""
    answer = visitor.ask_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    page = visitor.ask(HUB)
    assert page, "the browser still has a session"
    return page


# --- 7: logging out --------------------------------------------------------------------------------------------------------


def test_logging_out_of_one_service_ends_all_and_tells_the_others(realm):
    """The provider has no logout of its own, and nobody meets an error page for that."""
    since = time.time()
    visitor, hub = log_in(realm)
    _, visa = log_in(realm, visitor=visitor, service=VISA)
    assert claims(hub["id_token"])["sid"] == claims(visa["id_token"])["sid"]
    visitor._service = (VISA[0], "https://visa.facility.test/login")
    visitor.go(
        "GET",
        f"{realm.issuer}/protocol/openid-connect/logout?id_token_hint={visa['id_token']}"
        "&post_logout_redirect_uri=https://visa.facility.test/login&state=bye",
    )
    assert visitor.answer == {"state": "bye"}
    (told,) = realm.seen(LOGOUT, since)
    token = verified(realm, told["fields"]["logout_token"], audience="hub")
    assert token["sid"] == claims(hub["id_token"])["sid"]
    assert "http://schemas.openid.net/event/backchannel-logout" in token["events"]
    visitor._service = HUB
    assert ended(visitor, hub).form("username", "password")


def test_logging_out_without_a_hint_asks_first(realm):
    visitor, tokens = log_in(realm)
    page = visitor.go("GET", f"{realm.issuer}/protocol/openid-connect/logout")
    assert page.status == 200
    visitor.go("POST", page.forms[0]["action"], {**page.forms[0]["fields"], "confirmLogout": "x"})
    assert visitor.page.status == 200
    ended(visitor, tokens)


def test_logging_out_leads_to_no_address_that_is_not_registered(realm):
    visitor, tokens = log_in(realm)
    query = f"id_token_hint={tokens['id_token']}&post_logout_redirect_uri=https://evil.test/"
    page = visitor.go("GET", f"{realm.issuer}/protocol/openid-connect/logout?{query}")
    assert page.status == 400


# --- Refresh tokens --------------------------------------------------------------------------------------------------------


def test_a_refresh_token_is_good_once_and_its_second_use_ends_the_session(realm):
    visitor, first = log_in(realm)
    second = visitor.refresh(first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    again = visitor.ask_token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    # Whoever has the newer one may be the thief: it is worth nothing any more either.
    newer = visitor.ask_token(grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert newer.status_code == 400


# --- 19: somebody who must not get in any more ------------------------------------------------------------------------------


def test_a_disabled_user_is_out_everywhere(realm):
    visitor, hub = log_in(realm, realm.people["carol"])
    _, visa = log_in(realm, visitor=visitor, service=VISA, scope="openid offline_access")
    assert claims(visa["refresh_token"])["typ"] == "Offline"
    user = realm.admin.user("carol")
    realm.admin("PUT", f"users/{user['id']}", json={"enabled": False})
    for service, tokens in ((HUB, hub), (VISA, visa)):
        visitor._service = service
        answer = visitor.ask_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), service
    assert visitor.ask(HUB), "the session is still good"
    userinfo = {"Authorization": f"Bearer {hub['access_token']}"}
    answer = realm.http.get(f"{realm.issuer}/protocol/openid-connect/userinfo", headers=userinfo, timeout=30)
    assert answer.status_code == 401
    other = Visitor(realm)
    other.ask(HUB)
    other.give_password(realm.people["carol"])
    assert other.answer == {}


@contextlib.contextmanager
def without(realm, uid: str) -> Iterator[None]:
    """Take somebody out of the directory for a while."""
    (host,) = realm.hosts("ldap")
    path = "/etc/ldap-standin/people.ldif"
    before = realm.run(host, "cat", path)
    entries = [entry for entry in before.split("\n\n") if f"\nuid: {uid}\n" not in f"{entry}\n"]
    assert len(entries) == len(before.split("\n\n")) - 1

    def become(text: str) -> None:
        realm.run(host, "tee", path, stdin=text)
        realm.run(host, "systemctl", "restart", "ldap-standin")
        realm.run(
            host,
            "sh",
            "-c",
            "for i in $(seq 50); do [ -S /run/ldap-standin/ldapi ] && break; sleep 0.1; done; sleep 0.3",
        )

    become("\n\n".join(entries) + "\n")
    try:
        yield
    finally:
        become(before)


def test_somebody_taken_out_of_the_directory_is_out_at_once(realm):
    """Guard: cached entries would go on."""
    visitor, tokens = log_in(realm, realm.people["carol"])
    _, visa = log_in(realm, visitor=visitor, service=VISA, scope="openid offline_access")
    _, other = log_in(realm, realm.people["bob"])
    with without(realm, "carol"):
        for service, kept in ((HUB, tokens), (VISA, visa)):
            visitor._service = service
            answer = visitor.ask_token(grant_type="refresh_token", refresh_token=kept["refresh_token"])
            assert answer.status_code == 400, service
        assert visitor.ask(HUB), "the session is still good"
        gone = Visitor(realm)
        gone.ask(HUB)
        gone.give_password(realm.people["carol"])
        assert gone.answer == {}
        assert realm.admin.user("carol") is None
        assert claims(other["id_token"])["sub"] == realm.admin.user("bob")["id"]  # others are where they were
    log_in(realm, realm.people["carol"])


# --- 21: whom tokens are for ----------------------------------------------------------------------------------------------


def test_a_token_names_the_services_it_is_for_and_no_other(realm):
    visitor, hub = log_in(realm)
    _, visa = log_in(realm, visitor=visitor, service=VISA)
    hub, visa = verified(realm, hub["access_token"], options={"verify_aud": False}), visa["access_token"]
    assert "icat" not in str(hub.get("aud", ""))
    assert hub["azp"] == "hub"
    assert verified(realm, visa, audience="icat")["azp"] == "visa"
    with pytest.raises(jwt.InvalidAudienceError):
        verified(realm, visa, audience="hub")
    assert len(visa) < 3500, "VISA keeps it in a cookie"


def test_a_service_that_is_switched_off_is_in_no_token(realm):
    (icat,) = realm.admin("GET", "clients", params={"clientId": "icat"})
    realm.admin("PUT", f"clients/{icat['id']}", json={"enabled": False})
    try:
        _, tokens = log_in(realm, service=VISA)
        assert "icat" not in str(claims(tokens["access_token"]).get("aud", ""))
    finally:
        realm.admin("PUT", f"clients/{icat['id']}", json={"enabled": True})


def test_one_service_can_do_nothing_with_what_another_was_given(realm):
    visitor, hub = log_in(realm)
    visitor._service = VISA
    answer = visitor.ask_token(grant_type="refresh_token", refresh_token=hub["refresh_token"])
    assert answer.status_code == 400
    other = Visitor(realm)
    other.ask(HUB)
    other.through("faulty")
    other._service = VISA
    answer = other.ask_token(
        grant_type="authorization_code", code=other.answer["code"], redirect_uri=HUB[1], code_verifier=other._verifier
    )
    assert answer.status_code == 400


def test_a_code_is_good_once_and_only_with_its_verifier(realm):
    visitor = Visitor(realm)
    visitor.ask(HUB)
    visitor.through("faulty")
    fields = {"grant_type": "authorization_code", "code": visitor.answer["code"], "redirect_uri": HUB[1]}
    assert visitor.ask_token(**fields, code_verifier="x" * 43).status_code == 400
    visitor.ask(HUB)
    tokens = visitor.tokens()
    assert visitor.ask_token(**fields, code_verifier=visitor._verifier).status_code == 400
    assert tokens["expires_in"] <= 300


# --- 8: the realm's keys change -------------------------------------------------------------------------------------------


def test_when_the_realms_key_changes_old_tokens_stay_good_and_new_ones_use_the_new_key(realm):
    visitor, before = log_in(realm)
    parent = realm.admin("GET", "")["id"]
    name = f"tests-{secrets.token_hex(3)}"
    made = {
        "name": name,
        "providerId": "rsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "parentId": parent,
        "config": {"priority": ["200"], "enabled": ["true"], "active": ["true"], "keySize": ["2048"]},
    }
    realm.admin("POST", "components", json=made)
    try:
        after = visitor.refresh(before["refresh_token"])
        old, new = (jwt.get_unverified_header(one["access_token"])["kid"] for one in (before, after))
        assert old != new
        assert {old, new} <= {key["kid"] for key in keys(realm)}
        for one in (before, after):
            assert verified(realm, one["id_token"], audience="hub")
        assert log_in(realm, visitor=visitor)  # the browser's session goes on
    finally:
        (component,) = realm.admin("GET", "components", params={"name": name})
        realm.admin("DELETE", f"components/{component['id']}")


# --- 9: guessing passwords ------------------------------------------------------------------------------------------------


def test_guesses_at_one_node_count_at_the_other(realm):
    log_in(realm, realm.people["carol"])
    user = realm.admin.user("carol")
    nodes, settings = realm.hosts("kc"), realm.admin("GET", "")
    assert settings["bruteForceProtected"]
    # Fewer, and not locked for being quick: only the number is to count here.
    realm.admin("PUT", "", json={"failureFactor": 4, "quickLoginCheckMilliSeconds": 0})
    state = f"attack-detection/brute-force/users/{user['id']}"
    try:
        for number in range(4):
            guesser = Visitor(realm, node=nodes[number % len(nodes)])
            guesser.ask(HUB)
            guesser.give_password(Login("carol", "not-the-password"))
            assert "Invalid username or password" in guesser.page.text
        found = realm.admin("GET", state)
        assert (found["numFailures"], found["disabled"]) == (4, True)
        for node in nodes:
            visitor = Visitor(realm, node=node)
            visitor.ask(HUB)
            visitor.give_password(realm.people["carol"])
            assert visitor.answer == {}, f"{node} lets in somebody who is locked out"
            assert "Invalid username or password" in visitor.page.text  # the guesser does not learn of the lock
        log_in(realm, realm.people["bob"])
    finally:
        realm.admin("DELETE", state)
        realm.admin("PUT", "", json={name: settings[name] for name in ("failureFactor", "quickLoginCheckMilliSeconds")})
    log_in(realm, realm.people["carol"])


# --- An identity that is only linked (ORCID) --------------------------------------------------------------------------------

ORCID = "0000-0002-1825-0097"


def test_orcid_can_be_linked_but_not_logged_in_with(realm):
    visitor = Visitor(realm)
    page = visitor.ask(HUB)
    assert not any("/broker/orcid/" in link for link in page.links)
    hinted = Visitor(realm)
    assert hinted.ask(HUB, kc_idp_hint="orcid").url.startswith(realm.issuer)  # Keycloak's error page, not ORCID's

    console = ("account-console", f"{realm.issuer}/account/")
    visitor.ask(console, kc_action="idp_link:orcid")
    visitor.give_password(realm.people["carol"])
    if visitor.page and "password" in str(visitor.page.forms):
        visitor.give_password(realm.people["carol"], username=False)
    visitor.go("POST", visitor.page.forms[0]["action"], {**visitor.page.forms[0]["fields"], "continue": ""})
    form = visitor.page.form("sub")
    visitor.go("POST", visitor.page.url, {**form["fields"], "sub": ORCID})
    assert visitor.answer["kc_action_status"] == "success", visitor.answer
    link = realm.admin.user("carol")["links"]["orcid"]
    assert link["userId"] == ORCID
    assert len(realm.admin("GET", "users", params={"search": ORCID})) == 0


def test_a_service_of_its_own_cannot_start_linking(realm):
    """Only clients that hold the role manage-account-links may."""
    visitor = Visitor(realm)
    visitor.ask(HUB, kc_action="idp_link:orcid")
    visitor.give_password(realm.people["carol"])
    assert visitor.page is None
    assert visitor.answer.get("kc_action_status") != "success"
    assert realm.admin.user("carol")["links"] == {}
