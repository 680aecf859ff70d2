"""What the site promises, tried on the running demo by real logins and by attacks.

The numbers in the names of the sections are those of the AAI checklist the kit works by.
"""

from __future__ import annotations

import html
import json
import re
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
import requests
import yaml
from site_under_test import AUTOMATION, claims

JANE = "28c5353b8bb34984a8bd4169ba94c606@umbrellaid.test"
LARS = "7d1f60a2c7f14d0c9e0c5a4c6e9b1d37@umbrellaid.test"
SAME = "0b6c2f5e51f94f6e8f3f2a7d90c4e8ab@umbrellaid.test"
NOMAIL = "c3e9a1f0d2b84c6fa7d5e4b3c2a19087@umbrellaid.test"
BEAMLINE = "urn:geant:umbrellaid.test:group:beamline-users#umbrellaid.test"
HUB = ("jupyterhub", "https://jupyter.facility.test/hub/oauth_callback")
VISA = ("visa", "https://visa.facility.test/home")
SCICAT = ("scicat", "https://scicat.facility.test/api/v3/auth/oidc/callback")
ADMIN_ROLES = {
    *("manage-realm", "manage-clients", "manage-users", "manage-identity-providers"),
    *("view-events", "manage-events"),  # the settings of the event log are part of the realm
}


@pytest.fixture
def nobody(site):
    """People as before their first login, and again so afterwards."""
    everybody = ("alice", "bob", "carol", JANE, LARS, SAME, NOMAIL)
    site.admin.forget(*everybody)
    yield site
    site.admin.forget(*everybody)


def log_in(person, login, *, umbrella=True, service=HUB):
    """Log in at a service and return its tokens."""
    at = person.ask_service(*service)
    if umbrella:
        person.through_umbrella(login)
    else:
        person.give_password(login)
    return at.tokens()


def discovery(url, site, **headers):
    """What is published, its lists sorted: each node has its own order of what it read from the database."""
    answer = site.http.get(f"{url}/realms/{site.realm}/.well-known/openid-configuration", headers=headers, timeout=30)
    assert answer.ok, answer.status_code
    return {name: sorted(value) if isinstance(value, list) else value for name, value in answer.json().items()}


# --- 1: ready, and one issuer whichever way one comes ---------------------------------------------------------------


def test_every_node_says_that_it_is_ready(site):
    nodes = site.hosts("kc")
    assert len(nodes) == 2
    for node in nodes:
        url = f"https://{node}:9000/health/ready"
        shown = site.run(node, "curl", "-sS", "--cacert", "/etc/facility/tls/ca.pem", "-w", "\n%{http_code}", url)
        body, status = shown.rsplit("\n", 1)
        assert (status, json.loads(body)["status"]) == ("200", "UP")


def test_issuer_is_the_public_url_through_the_proxy_and_at_each_node(site):
    assert site.issuer == "https://auth.facility.test/realms/demo"
    published = discovery(site.auth, site)
    assert published["issuer"] == site.issuer
    (proxy,) = site.hosts("proxy")
    path = f"realms/{site.realm}/.well-known/openid-configuration"
    for node in site.hosts("kc"):
        shown = site.run(proxy, "curl", "-sS", "--cacert", "/etc/facility/tls/ca.pem", f"https://{node}:8443/{path}")
        direct = json.loads(shown)
        assert direct["issuer"] == site.issuer
        assert direct["token_endpoint"] == published["token_endpoint"]


# --- 4: somebody who comes through UmbrellaID -----------------------------------------------------------------------


def test_first_login_through_umbrellaid_makes_one_linked_user(nobody, window):
    site = nobody
    tokens = log_in(window(), site.people["jane"])
    user = site.admin.user(JANE)
    assert user["links"]["umbrella"]["userId"] == JANE
    assert user["attributes"]["voperson_id"] == [JANE]
    assert sorted(user["attributes"]["voperson_external_affiliation"]) == ["faculty@uni.test", "member@uni.test"]
    assert "https://refeds.org/assurance/IAP/medium" in user["attributes"]["eduperson_assurance"]
    assert user["attributes"]["eduperson_entitlement"] == [BEAMLINE]
    assert user["groups"] == ["/umbrella/beamline-users"]
    assert (user["email"], user["firstName"], user["lastName"]) == ("jane.doe@uni.test", "Jane", "Doe")
    assert user["emailVerified"] is False
    assert len(site.admin.by_email("jane.doe@uni.test")) == 1

    keys = site.http.get(discovery(site.auth, site)["jwks_uri"], timeout=30).json()["keys"]
    kid = jwt.get_unverified_header(tokens["id_token"])["kid"]
    key = jwt.PyJWK(next(k for k in keys if k["kid"] == kid))
    told = jwt.decode(tokens["id_token"], key, ["RS256"], audience="jupyterhub", issuer=site.issuer)
    assert told["sub"] == user["id"]
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    userinfo = site.http.get(f"{site.issuer}/protocol/openid-connect/userinfo", headers=bearer, timeout=30).json()
    assert userinfo["voperson_id"] == JANE
    assert userinfo["groups"] == ["/umbrella/beamline-users"]


def test_each_login_takes_over_what_the_home_organisation_says_now(nobody, window):
    site = nobody
    log_in(window(), site.people["jane"])
    first = site.admin.user(JANE)
    with site.home_organisation(
        jane={
            "eduPersonScopedAffiliation": ["alum@uni.test"],
            "eduPersonEntitlement": [],
            "eduPersonAssurance": ["https://refeds.org/assurance"],
            "mail": ["jane.smith@uni.test"],
        }
    ):
        log_in(window(), site.people["jane"])
        changed = site.admin.user(JANE)
    assert changed["id"] == first["id"]
    assert changed["attributes"]["voperson_external_affiliation"] == ["alum@uni.test"]
    assert changed["attributes"]["eduperson_assurance"] == ["https://refeds.org/assurance"]
    assert "eduperson_entitlement" not in changed["attributes"]
    assert changed["groups"] == []
    # Name and e-mail are taken once: overwriting them is what locks people out (see the linked user below).
    assert changed["email"] == "jane.doe@uni.test"

    log_in(window(), site.people["jane"])
    assert site.admin.user(JANE)["groups"] == ["/umbrella/beamline-users"]


@pytest.mark.parametrize(
    "entitlement",
    [
        "urn:geant:umbrellaid.test:group:beamline-users-emeriti#umbrellaid.test",
        "urn:geant:umbrellaid-test:group:beamline-users#umbrellaid.test",
        "x:urn:geant:umbrellaid.test:group:beamline-users#umbrellaid.test",
        "urn:geant:umbrellaid.test:res:beamline-users#umbrellaid.test",
        "urn:geant:umbrellaid.test:group:beamline-users:guests#umbrellaid.test",
    ],
)
def test_an_entitlement_that_only_looks_alike_opens_no_group(nobody, window, entitlement):
    site = nobody
    with site.home_organisation(jane={"eduPersonEntitlement": [entitlement]}):
        log_in(window(), site.people["jane"])
    user = site.admin.user(JANE)
    assert user["attributes"]["eduperson_entitlement"] == [entitlement]
    assert user["groups"] == []


def test_an_authorised_service_refuses_whom_nobody_approved(nobody, window):
    site = nobody
    for login, umbrella in ((site.people["jane"], True), (site.people["alice"], False)):
        person = window()
        person.ask_service(*VISA)
        if umbrella:
            person.through_umbrella(login)
        else:
            person.give_password(login)
        person.page.wait_for_selector("#kc-error-message")
        assert "VISA is for approved people" in person.reads()
        assert "help@facility.test" in person.reads()


# --- 5: the directory, and linking ----------------------------------------------------------------------------------


def test_somebody_of_the_directory_logs_in_with_the_directory_password(nobody, window):
    site = nobody
    token = log_in(window(), site.people["carol"], umbrella=False)
    user = site.admin.user("carol")
    assert claims(token["id_token"])["sub"] == user["id"]
    assert (user["firstName"], user["lastName"], user["email"]) == ("Carol", "Cell", "carol@facility.test")
    assert user["attributes"]["facility_user_id"] == ["10003"]
    assert user["groups"] == ["/facility"]


def test_wrong_directory_password_is_refused(nobody, window):
    person = window()
    person.ask_service(*HUB)
    login = nobody.people["carol"]
    person.page.fill("#username", login.username)
    person.page.fill("#password", nobody.people["bob"].password)
    person.page.click("#kc-login")
    assert "Invalid username or password" in person.page.inner_text("#input-error-username")


def test_same_email_links_only_after_the_directory_password(nobody, window):
    """An identity that claims a directory user's address gets nothing without that user's password."""
    site = nobody
    own = window()
    before = claims(log_in(own, site.people["bob"], umbrella=False)["id_token"])["sub"]

    thief = window()
    thief.ask_service(*HUB)
    thief.through_umbrella(site.people["same"])
    thief.page.wait_for_selector("#linkAccount")
    assert "already exists" in thief.reads()
    thief.page.click("#linkAccount")
    thief.page.wait_for_selector("#kc-login")
    thief.page.fill("#password", "not-the-password")
    thief.page.click("#kc-login")
    thief.page.wait_for_selector("#input-error-username, #input-error-password, #input-error")
    assert site.admin.user("bob")["links"] == {}
    assert site.admin.user(SAME) is None
    thief.leave()

    bob = window()
    at = bob.ask_service(*HUB)
    bob.through_umbrella(site.people["same"])
    bob.page.click("#linkAccount")
    bob.page.wait_for_selector("#kc-login")
    bob.page.fill("#password", site.people["bob"].password)
    bob.page.click("#kc-login")
    linked = claims(at.tokens()["id_token"])
    user = site.admin.user("bob")
    assert linked["sub"] == before == user["id"]
    assert user["links"]["umbrella"]["userId"] == SAME
    assert site.admin.user(SAME) is None

    assert claims(log_in(window(), site.people["same"])["id_token"])["sub"] == before
    assert claims(log_in(window(), site.people["bob"], umbrella=False)["id_token"])["sub"] == before


def test_an_account_with_the_same_email_is_never_taken_over_silently(nobody, window):
    """Review Profile at the collision page: another address makes another account, not a link."""
    site = nobody
    log_in(window(), site.people["bob"], umbrella=False)
    person = window()
    at = person.ask_service(*HUB)
    person.through_umbrella(site.people["same"])
    person.page.click("#updateProfile")
    person.page.fill("#email", "another@uni.test")
    person.page.click("#kc-form-buttons input, #kc-form-buttons button")
    got = claims(at.tokens()["id_token"])
    assert got["sub"] != site.admin.user("bob")["id"]
    assert site.admin.user("bob")["links"] == {}


def link(site, person, login, upstream):
    """Link in the account console; the password is asked for although the login is fresh."""
    person.open_console("account-security/linked-accounts")
    person.give_password(login)
    person.link()
    person.page.wait_for_selector("#kc-login")
    assert site.admin.user(login.username)["links"] == {}
    person.give_password(login, username=False)
    person.page.click("#kc-continue")
    person.log_in_at_home(upstream)
    person.page.wait_for_selector("#umbrella-idp-unlink")


def test_linking_asks_for_the_password_again_and_refuses_a_wrong_one(nobody, window):
    site = nobody
    person = window()
    person.open_console("account-security/linked-accounts")
    person.give_password(site.people["alice"])
    person.link()
    person.page.wait_for_selector("#kc-login")
    assert "password once more" in person.reads()
    person.page.fill("#password", "not-the-password")
    person.page.click("#kc-login")
    person.page.wait_for_selector("#input-error-password, #input-error, #input-error-username")
    assert not person.page.query_selector("#kc-continue")
    assert site.admin.user("alice")["links"] == {}


def test_a_linked_directory_user_gets_the_attributes_and_keeps_sub_and_email(nobody, window):
    """READ_ONLY federation would refuse the attributes, and every login after it; FORCE on the provider would take the e-mail."""
    site = nobody
    before = claims(log_in(window(), site.people["alice"], umbrella=False)["id_token"])["sub"]
    link(site, window(), site.people["alice"], site.people["lars"])
    assert claims(log_in(window(), site.people["lars"])["id_token"])["sub"] == before
    user = site.admin.user("alice")
    assert user["attributes"]["voperson_id"] == [LARS]
    assert user["attributes"]["facility_user_id"] == ["10001"]
    assert (user["email"], user["firstName"]) == ("alice@facility.test", "Alice")
    assert claims(log_in(window(), site.people["alice"], umbrella=False)["id_token"])["sub"] == before


def test_a_linked_user_whose_email_at_home_becomes_somebody_elses_still_gets_in(nobody, window):
    site = nobody
    log_in(window(), site.people["bob"], umbrella=False)
    link(site, window(), site.people["alice"], site.people["lars"])
    with site.home_organisation(lars={"mail": ["bob@facility.test"]}):
        got = claims(log_in(window(), site.people["lars"])["id_token"])
    user = site.admin.user("alice")
    assert got["sub"] == user["id"]
    assert user["email"] == "alice@facility.test"


def test_an_identity_already_linked_cannot_be_linked_twice(nobody, window):
    site = nobody
    log_in(window(), site.people["jane"])
    person = window()
    person.open_console("account-security/linked-accounts")
    person.give_password(site.people["alice"])
    person.link()
    person.give_password(site.people["alice"], username=False)
    person.page.click("#kc-continue")
    person.log_in_at_home(site.people["jane"])
    person.page.wait_for_selector("text=already linked to another user")
    assert site.admin.user("alice")["links"] == {}


def test_keycloak_keeps_no_second_password_for_somebody_of_the_directory(nobody, window):
    """A password set here would replace the directory's."""
    site = nobody
    person = window()
    at = person.ask_service(*HUB, kc_action="UPDATE_PASSWORD")
    person.give_password(site.people["alice"])
    at.tokens()
    user = site.admin.user("alice")
    kept = [c for c in site.admin("GET", f"users/{user['id']}/credentials") if "federationLink" not in c]
    assert kept == []


# --- 11: who administers, and from where ----------------------------------------------------------------------------


def test_the_automation_client_has_its_roles_and_no_more(site):
    token = claims(site.admin.token())
    assert token["azp"] == AUTOMATION
    assert token["iss"] == f"{site.auth}/realms/master"
    roles = {client: set(access["roles"]) for client, access in token.get("resource_access", {}).items()}
    assert roles == {f"{site.realm}-realm": ADMIN_ROLES}
    assert token.get("realm_access", {}).get("roles", []) == []


def test_the_automation_client_cannot_touch_the_master_realm(site):
    bearer = {"Authorization": f"Bearer {site.admin.token()}"}
    for path in ("admin/realms/master/users", "admin/realms/master/clients"):
        answer = site.http.get(f"{site.auth}/{path}", headers=bearer, timeout=30)
        assert answer.status_code == 403, path
    made = site.http.post(f"{site.auth}/admin/realms", headers=bearer, json={"realm": "other"}, timeout=30)
    assert made.status_code == 403


def test_the_temporary_administrator_is_gone(site):
    (database,) = site.hosts("db")
    query = "select username from user_entity u join realm r on r.id = u.realm_id where r.name = 'master'"
    admins = site.run(database, "runuser", "-u", "postgres", "--", "psql", "-d", "keycloak", "-Atc", query).split()
    assert admins == [f"service-account-{AUTOMATION}"]
    clients = (
        "select client_id from client c join realm r on r.id = c.realm_id "
        "where r.name = 'master' and service_accounts_enabled"
    )
    found = site.run(database, "runuser", "-u", "postgres", "--", "psql", "-d", "keycloak", "-Atc", clients).split()
    assert found == [AUTOMATION]


CLOSED = [
    "/metrics",
    "/health",
    "/health/ready",
    "/health/live",
    "//metrics",
    "/%6detrics",
    "/realms/../metrics",
    "/realms/%2e%2e/metrics",
    "/realms/..;/metrics",
]
ADMINISTRATION = [
    "/admin",
    "/admin/",
    "/admin/master/console/",
    "/admin/realms",
    "/admin/realms/demo/users",
    "/realms/master",
    "/realms/master/.well-known/openid-configuration",
    "/realms/master/protocol/openid-connect/token",
    "/realms/master/account/",
    "//admin/master/console/",
    "/%61dmin/master/console/",
    "/%2561dmin/master/console/",
    "/ADMIN/master/console/",
    "/realms/../admin/master/console/",
    "/realms/demo/../master/account/",
    "/realms/demo/..;/..;/admin/master/console/",
    "/realms/demo/%2e%2e/%2e%2e/admin/master/console/",
    "/realms/demo/..%2f..%2fadmin/master/console/",
    "/realms//master/account/",
    "/realms/;x/master/account/",
    "/realms/m%61ster/account/",
    "/realms/MASTER/account/",
    "/realms/demo/%5c..%5c..%5cadmin/",
]


def status_from(site, host, path, *arguments):
    """What a request sent from a host of the demo gets, its path untouched on the way."""
    shown = ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", "--cacert", "/etc/facility/tls/ca.pem"]
    return int(site.run(host, "curl", *shown, *arguments, f"{site.auth}{path}"))


@pytest.mark.parametrize("path", [*ADMINISTRATION, *CLOSED])
def test_what_is_not_for_the_public_is_not_reached_from_outside(site, path):
    (stranger,) = site.hosts("ldap")  # not in facility_admin_networks
    assert status_from(site, stranger, path) in (400, 403, 404)


@pytest.mark.parametrize("path", ["/admin/master/console/", "/realms/master/.well-known/openid-configuration"])
def test_a_claimed_address_opens_no_administration(site, path):
    (stranger,) = site.hosts("ldap")
    inside = site.own_address
    assert site.session().get(site.auth + path, timeout=30).status_code == 200, "this machine administers the demo"
    claimed = ["-H", f"X-Forwarded-For: {inside}", "-H", f"Forwarded: for={inside}", "-H", f"X-Real-IP: {inside}"]
    assert status_from(site, stranger, path, *claimed) == 403


def test_the_public_part_is_reached_from_outside(site):
    """Else the refusals above would prove nothing."""
    (stranger,) = site.hosts("ldap")
    assert status_from(site, stranger, f"/realms/{site.realm}/.well-known/openid-configuration") == 200
    assert status_from(site, stranger, f"/realms/{site.realm}/account/") == 200


@pytest.mark.parametrize("path", CLOSED)
def test_metrics_and_health_are_not_proxied_even_for_administrators(site, path):
    request = requests.Request("GET", site.auth).prepare()
    request.url = site.auth + path
    assert site.http.send(request, timeout=30, allow_redirects=False).status_code in (400, 404)


# --- 18: what a person may change about themselves ------------------------------------------------------------------


def account(site, token, method="GET", body=None):
    """Keycloak's account REST API, as the console uses it."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return site.http.request(method, f"{site.issuer}/account/", headers=headers, json=body, timeout=30)


PROTECTED = {
    "voperson_id": ["somebody.else@umbrellaid.test"],
    "eduperson_entitlement": [BEAMLINE, "urn:geant:umbrellaid.test:group:admins#umbrellaid.test"],
    "eduperson_assurance": ["https://refeds.org/assurance/IAP/high"],
    "voperson_external_affiliation": ["staff@facility.test"],
    "facility_user_id": ["1"],
    "orcid": ["https://orcid.org/0000-0000-0000-0000"],
}


@pytest.mark.parametrize(("who", "username"), [("jane", JANE), ("alice", "alice")])
def test_nobody_changes_protected_attributes_of_their_own(nobody, window, who, username):
    site = nobody
    person = window()
    person.open_console()
    if who == "jane":
        person.through_umbrella(site.people[who])
    else:
        person.give_password(site.people[who])
    person.console_shows()
    token = person.console_token()
    mine = account(site, token).json()
    before = site.admin.user(username)
    for name, value in PROTECTED.items():
        attributes = {**mine.get("attributes", {}), name: value}
        answer = account(site, token, "POST", {**mine, "attributes": attributes})
        assert answer.status_code == 400, f"{name}: {answer.status_code} {answer.text[:200]}"
        assert "read-only" in answer.text, name
    renamed = account(site, token, "POST", {**mine, "username": "administrator"})
    assert renamed.status_code == 400
    # Leaving them out keeps them, an unknown name is dropped, and an honest change works: the API is not simply shut.
    unknown = account(site, token, "POST", {**mine, "attributes": {"is_admin": ["true"]}, "firstName": "Changed"})
    assert unknown.status_code == 204, unknown.text[:300]
    after = site.admin.user(username)
    assert after["attributes"] == before["attributes"]
    assert after["username"] == before["username"]
    assert after["groups"] == before["groups"]


def test_the_review_form_takes_no_attribute_that_was_slipped_in(nobody, window):
    site = nobody
    person = window()
    person.ask_service(*HUB)
    person.through_umbrella(site.people["nomail"])
    person.page.wait_for_selector("#kc-idp-review-profile-form")
    assert not person.page.query_selector("#username"), "the review page lets people choose a user name"
    person.page.fill("#email", "nomail@uni.test")
    slipped = {**{name: value[0] for name, value in PROTECTED.items()}, "username": "administrator", "is_admin": "true"}
    person.page.evaluate(
        """fields => {
            const form = document.querySelector('#kc-idp-review-profile-form');
            for (const [name, value] of Object.entries(fields)) {
                const input = document.createElement('input');
                input.type = 'hidden'; input.name = name; input.value = value;
                form.append(input);
            }
        }""",
        slipped,
    )
    person.page.click("#kc-form-buttons input, #kc-form-buttons button")
    person.page.wait_for_load_state("domcontentloaded")
    person.page.wait_for_timeout(500)
    for user in site.admin.by_email("nomail@uni.test"):
        assert user["username"] == NOMAIL
        for name, value in PROTECTED.items():
            assert user["attributes"].get(name) != value, name
    assert site.admin.user("administrator") is None


def test_somebody_without_email_is_asked_for_it_and_gets_in(nobody, window):
    site = nobody
    person = window()
    at = person.ask_service(*HUB)
    person.through_umbrella(site.people["nomail"])
    person.page.wait_for_selector("#kc-idp-review-profile-form")
    person.page.fill("#email", "nomail@uni.test")
    person.page.click("#kc-form-buttons input, #kc-form-buttons button")
    assert claims(at.tokens()["id_token"])["sub"] == site.admin.user(NOMAIL)["id"]
    user = site.admin.user(NOMAIL)
    assert user["attributes"]["voperson_id"] == [NOMAIL]
    assert user["emailVerified"] is False


# --- 20: where logins may return to ---------------------------------------------------------------------------------

TRICKS = {
    "another host": lambda u: "https://evil.test/",
    "plain http": lambda u: u.replace("https:", "http:"),
    "path below": lambda u: u + "/x",
    "path traversal": lambda u: u + "/../../evil",
    "path traversal, encoded": lambda u: u + "/%2e%2e/evil",
    "path traversal, twice encoded": lambda u: u + "/%252e%252e/evil",
    "path parameter": lambda u: u + ";x",
    "slash at the end": lambda u: u + "/",
    "user info": lambda u: u.replace("https://", "https://" + urlsplit(u).hostname + "@evil.test/"),
    "subdomain": lambda u: u.replace(urlsplit(u).hostname, urlsplit(u).hostname + ".evil.test"),
    "prefix": lambda u: u.replace("https://", "https://evil-"),
    "another port": lambda u: u.replace(urlsplit(u).hostname, urlsplit(u).hostname + ":8443"),
    "backslash": lambda u: u.replace("https://", "https://evil.test\\@"),
    "fragment": lambda u: u + "#x",
    "query": lambda u: u + "?next=https://evil.test/",
    "upper case path": lambda u: urlsplit(u)._replace(path=urlsplit(u).path.upper()).geturl(),
    "wildcard": lambda u: urlsplit(u)._replace(path="/*").geturl(),
    "script": lambda u: "javascript:alert(1)",
    "empty": lambda u: "",
}


def ask(site, client, redirect_uri):
    asked = {
        "client_id": client,
        "response_type": "code",
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        "redirect_uri": redirect_uri,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    url = f"{site.issuer}/protocol/openid-connect/auth"
    return site.session().get(url, params=asked, allow_redirects=False, timeout=30)


@pytest.mark.parametrize(("client", "redirect_uri"), [VISA, SCICAT, HUB], ids=["visa", "scicat", "jupyterhub"])
def test_the_right_redirect_uri_leads_to_the_login_page(site, client, redirect_uri):
    answer = ask(site, client, redirect_uri)
    assert answer.status_code == 200
    assert "kc-login" in answer.text


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize(("client", "redirect_uri"), [VISA, SCICAT, HUB], ids=["visa", "scicat", "jupyterhub"])
def test_redirect_uri_tricks_are_refused(site, client, redirect_uri, trick):
    answer = ask(site, client, TRICKS[trick](redirect_uri))
    assert answer.status_code == 400, trick
    assert "Location" not in answer.headers
    assert "redirect_uri" in answer.text


@pytest.mark.parametrize(("client", "redirect_uri"), [VISA, HUB], ids=["visa", "jupyterhub"])
def test_a_login_without_pkce_is_refused(site, client, redirect_uri):
    asked = {"client_id": client, "response_type": "code", "scope": "openid", "redirect_uri": redirect_uri}
    url = f"{site.issuer}/protocol/openid-connect/auth"
    answer = site.session().get(url, params=asked, allow_redirects=False, timeout=30)
    assert "error=invalid_request" in answer.headers.get("Location", "")


def test_no_client_takes_a_password_or_gives_tokens_without_code(site):
    for client in ("admin-cli", "visa", "account-console"):
        data = {"grant_type": "password", "client_id": client, **vars(site.people["alice"]), "scope": "openid"}
        answer = site.session().post(f"{site.issuer}/protocol/openid-connect/token", data=data, timeout=30)
        assert answer.status_code in (400, 401), client
        assert "access_token" not in answer.text
    implicit = {"client_id": VISA[0], "redirect_uri": VISA[1], "response_type": "token", "nonce": "n"}
    url = f"{site.issuer}/protocol/openid-connect/auth"
    answer = site.session().get(url, params=implicit, allow_redirects=False, timeout=30)
    assert "unauthorized_client" in answer.headers.get("Location", "") or answer.status_code == 400


def test_kcwarden_finds_nothing_beyond_the_allow_list(site, tmp_path):
    export = tmp_path / "realm.json"
    query = {"exportClients": "true", "exportGroupsAndRoles": "true"}
    export.write_text(json.dumps(site.admin("POST", "partial-export", params=query)))
    allowed = Path(__file__).with_name("kcwarden.yaml")
    listed = [line for line in allowed.read_text().splitlines() if re.match(r" +- (?!auditor)", line)]
    assert all(re.search(r" # .{20}", line) for line in listed), "a line of the allow-list gives no reason"
    command = [str(Path(sys.executable).with_name("kcwarden")), "audit", str(export), "-s", "MEDIUM", "-f", "json"]

    def audit(*extra):
        done = subprocess.run([*command, *extra], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return {(finding["reporting_auditor"], finding["entity"]) for finding in json.loads(done.stdout)}

    assert audit("-c", str(allowed)) == set()
    # Without the list it must find what the list names: an audit that is silent anyway would prove nothing.
    auditors = yaml.safe_load(allowed.read_text())["auditors"]
    wanted = {(entry["auditor"], name) for entry in auditors for name in entry["allowed"]}
    assert {known for known in wanted - audit() if "Version" not in known[0]} == set(), "not needed any more"


# --- 23: forwarded headers ------------------------------------------------------------------------------------------

SPOOFED = {
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "8080",
    "X-Forwarded-For": "203.0.113.66",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.test",
    "X-Original-URL": "/admin/",
    "X-Rewrite-URL": "/admin/",
    "X-Real-IP": "203.0.113.66",
    "Forwarded": "for=203.0.113.66;host=evil.test;proto=http",
}


def test_spoofed_headers_change_nothing_in_discovery(site):
    assert discovery(site.auth, site, **SPOOFED) == discovery(site.auth, site)


def test_spoofed_headers_change_nothing_in_the_login_page(site):
    url = f"{site.issuer}/protocol/openid-connect/auth"
    asked = {"client_id": "account-console", "response_type": "code", "redirect_uri": f"{site.issuer}/account/"}
    asked |= {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
    page = site.session().get(url, params=asked, headers=SPOOFED, timeout=30)
    assert page.status_code == 200
    assert "kc-login" in page.text
    assert "evil.test" not in page.text + str(page.headers)


def test_another_host_name_gets_no_page(site):
    answer = site.http.get(f"{site.issuer}/.well-known/openid-configuration", headers={"Host": "evil.test"}, timeout=30)
    assert not answer.ok
    assert "evil.test" not in answer.text


def test_spoofed_headers_do_not_change_the_address_in_the_log(site):
    url = f"{site.issuer}/protocol/openid-connect/auth"
    asked = {"client_id": "account-console", "response_type": "code", "redirect_uri": f"{site.issuer}/account/"}
    asked |= {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
    with site.session() as session:
        page = session.get(url, params=asked, headers=SPOOFED, timeout=30)
        action = html.unescape(re.search(r'action="([^"]+)"', page.text).group(1))
        name = f"nobody-{secrets.token_hex(6)}"
        session.post(action, data={"username": name, "password": "x"}, headers=SPOOFED, timeout=30)
    lines: list[str] = []
    for node in site.hosts("kc"):
        lines += [
            line for line in site.run(node, "journalctl", "-u", "keycloak", "--no-pager").splitlines() if name in line
        ]
    assert lines, "Keycloak logged no refused login: the check below would prove nothing"
    assert all("203.0.113.66" not in line for line in lines)
    assert all(f'ipAddress="{site.own_address}"' in line for line in lines), lines
