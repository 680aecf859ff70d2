"""Logins at the real server: by password, through a provider, by a session; who gets in, who is refused and what they read."""

import secrets

import pytest
from login import Site, claims

PASSWORD = f"Aa1-{secrets.token_urlsafe(16)}"
SERVICES = {
    "visa": ("visa", "https://visa.facility.test/home", ""),
    "scicat": ("scicat", "https://scicat.facility.test/api/v3/auth/oidc/callback", "CANARY-scicat-4tY8uE"),
    "jupyterhub": ("jupyterhub", "https://jupyter.facility.test/hub/oauth_callback", "CANARY-jupyter-1zA6oK"),
    "invenio": ("invenio", "https://invenio.facility.test/oauth/authorized/keycloak/", "CANARY-invenio-2zL7fJ4xV"),
    "keystone": ("keystone", "https://cloud.facility.test:5000/v3/redirect_uri", "CANARY-keystone-9gR5tC1pH"),
    "account": ("account-console", "https://auth.facility.test/realms/demo/account/", ""),
}
RAF = "https://refeds.org/assurance/IAP/"
APPROVED = "urn:geant:umbrellaid.test:group:approved#umbrella.test"
HELP = "help@facility.test"


@pytest.fixture(scope="module")
def site(host, tmp_path_factory):
    ca = tmp_path_factory.mktemp("ca") / "ca.pem"
    with host.sudo():
        ca.write_text(host.file("/etc/facility/tls/ca.pem").content_string)
    address = host.check_output("hostname -I").split()[0]
    return Site(host.check_output("hostname"), address, str(ca), SERVICES)


@pytest.fixture(scope="module")
def people(admin):
    """Make accounts with a password here, and forget whoever came; {user name: id}."""

    def find(username):
        return admin(f"/users?exact=true&username={username.replace('@', '%40')}")

    def make(username, groups=(), **attributes):
        body = {
            "username": username,
            "email": f"{username}@facility.test",
            "firstName": "Ada",
            "lastName": "Beam",
            "enabled": True,
            "groups": list(groups),
            "attributes": attributes,
            "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
        }
        for old in find(username):
            admin(f"/users/{old['id']}", "DELETE")
        admin("/users", "POST", body)
        (user,) = find(username)
        admin(f"/users/{user['id']}", "PUT", {**user, "requiredActions": []})  # they accepted the policy long ago
        return user

    yield make
    for user in admin("/users?max=200"):
        admin(f"/users/{user['id']}", "DELETE")


@pytest.fixture
def person():
    """Somebody whom no test has seen: claims of a community proxy."""
    name = secrets.token_hex(8)
    return {
        "sub": f"{name}@umbrella.test",
        "voperson_id": [f"{name}@umbrella.test"],
        "email": f"{name}@home.test",
        "given_name": "Jane",
        "family_name": "Doe",
        "eduperson_assurance": ["https://refeds.org/assurance", f"{RAF}low"],
    }


def accept(browser):
    """The acceptable use policy, which a first login asks for."""
    assert "kc-accept" in browser.page, browser.reads()
    return browser.press(accept="Accept")


# --- Openness: who gets in, by each way -----------------------------------------------------------------------------


def test_password_without_the_role_is_refused_and_told_whom_to_ask(site, people):
    people("refused")
    browser = site.browser().open("keystone").password("refused", PASSWORD)
    assert not browser.arrived
    assert browser.refusal().startswith("OpenStack is for approved people")
    assert HELP in browser.refusal()


def test_password_with_the_role_gets_in(site, people):
    people("approved", ["/cloud-user"])
    browser = site.browser().open("keystone").password("approved", PASSWORD)
    assert claims(browser.tokens()["access_token"])["roles"] == ["cloud-user"]


def test_a_session_of_another_service_does_not_open_the_gate(site, people):
    people("refused")
    browser = site.browser().open("scicat").password("refused", PASSWORD)
    browser.tokens()
    assert browser.open("keystone").refusal().startswith("OpenStack is for approved people")
    assert not browser.arrived


def test_a_session_passes_with_the_role(site, people):
    people("approved", ["/cloud-user"])
    browser = site.browser().open("scicat").password("approved", PASSWORD)
    browser.open("keystone").tokens()


def test_a_provider_does_not_open_the_gate(site, person):
    browser = site.browser().open("keystone").through("umbrella", **person)
    assert not browser.arrived
    assert browser.refusal().startswith("OpenStack is for approved people")
    # No session is left that another service could use.
    assert 'id="kc-form-login"' in browser.open("scicat").page


def test_approval_by_an_entitlement_opens_it_and_ends_with_the_entitlement(site, person):
    high = {**person, "eduperson_assurance": [f"{RAF}medium"]}
    browser = accept(site.browser().open("visa").through("umbrella", **high, eduperson_entitlement=[APPROVED]))
    assert claims(browser.tokens()["access_token"])["roles"] == ["compute-approved"]
    again = site.browser().open("visa").through("umbrella", **high)
    assert again.refusal().startswith("VISA is for approved people")


def test_an_open_service_lets_everybody_in(site, person):
    tokens = accept(site.browser().open("scicat").through("umbrella", **person)).tokens()
    assert claims(tokens["access_token"])["roles"] == ["open-data"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", "steht freigeschalteten Personen offen"),
        ("fr", "est réservé aux personnes autorisées"),
        ("pl", "is for approved people"),  # not a language of this realm
    ],
)
def test_a_refusal_is_in_the_language_of_the_browser(site, people, language, words):
    people("refused")
    refusal = site.browser(language).open("keystone").password("refused", PASSWORD).refusal()
    assert words in refusal
    assert HELP in refusal


# --- Assurance ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("assurance", "enters"), [("low", False), ("medium", True), ("high", True)])
def test_assurance_below_the_minimum_is_refused(site, person, assurance, enters):
    person["eduperson_assurance"] = ["https://refeds.org/assurance", f"{RAF}{assurance}"]
    browser = site.browser().open("visa").through("umbrella", **person, eduperson_entitlement=[APPROVED])
    if enters:
        accept(browser).tokens()
    else:
        assert "needs to know for certain who you are" in browser.refusal()
        assert HELP in browser.refusal()


def test_no_assurance_is_below_the_lowest(site, person):
    del person["eduperson_assurance"]
    browser = site.browser().open("invenio").through("umbrella", **person)
    assert browser.refusal().startswith("InvenioRDM needs to know for certain who you are")


def test_low_assurance_does_not_come_in_by_a_session(site, person):
    browser = accept(site.browser().open("scicat").through("umbrella", **person, eduperson_entitlement=[APPROVED]))
    browser.tokens()
    assert "needs to know for certain who you are" in browser.open("visa").refusal()
    browser.open("invenio").tokens()  # low is enough there


def test_the_facility_knows_the_people_of_its_directory(site, people):
    people("staff", ["/facility", "/compute-approved"])
    site.browser().open("visa").password("staff", PASSWORD).tokens()
    people("stranger", ["/compute-approved"])
    refused = site.browser().open("visa").password("stranger", PASSWORD)
    assert "needs to know for certain who you are" in refused.refusal()


# --- Identities that are nobody's -----------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["TEST@umbrella.test", "0123@elsewhere.test", "0123@notumbrella.test"])
def test_monitoring_accounts_and_foreign_identifiers_are_refused(site, person, identity):
    person.update(sub=identity, voperson_id=[identity])
    browser = site.browser().open("scicat").through("umbrella", **person)
    assert browser.refusal().startswith("This identity cannot be used here")
    assert HELP in browser.refusal()


def test_a_provider_without_a_list_passes_on_identifiers_of_others(site, person):
    accept(site.browser().open("scicat").through("egi-checkin", **person)).tokens()


# --- The same person, two ways --------------------------------------------------------------------------------------


def test_two_proxies_one_person(site, admin, person):
    """Another provider says the same voperson_id: linked after logging in by the first, never by the word of the second."""
    first = accept(site.browser().open("scicat").through("umbrella", **person)).tokens()
    other = {**person, "sub": "another-sub", "email": "other@elsewhere.test"}
    browser = site.browser().open("scicat").through("egi-checkin", **other)
    assert not browser.arrived
    assert "linkAccount" in browser.page, browser.reads()
    browser.press(submitAction="linkAccount")
    assert not browser.arrived
    browser.through("umbrella", **person)
    assert claims(browser.tokens()["id_token"])["sub"] == claims(first["id_token"])["sub"]
    user = claims(first["id_token"])["sub"]
    links = {link["identityProvider"] for link in admin(f"/users/{user}/federated-identity")}
    assert links == {"umbrella", "egi-checkin"}
    again = site.browser().open("scicat").through("egi-checkin", **other).tokens()
    assert claims(again["id_token"])["sub"] == user


def test_the_same_identifier_alone_gets_nothing(site, admin, person):
    accept(site.browser().open("scicat").through("umbrella", **person)).tokens()
    other = {**person, "sub": "a-thief"}
    thief = site.browser().open("scicat").through("egi-checkin", **other)
    thief.press(submitAction="linkAccount")
    thief.through("umbrella", **{**person, "sub": "not-the-victim", "voperson_id": ["not-the-victim@umbrella.test"]})
    assert not thief.arrived
    (user,) = admin(f"/users?exact=true&username={person['sub'].replace('@', '%40')}")
    assert [link["identityProvider"] for link in admin(f"/users/{user['id']}/federated-identity")] == ["umbrella"]


def test_a_link_to_orcid_fills_the_attribute(site, admin, people):
    user = people("author")
    browser = site.browser().open("account", kc_action="idp_link:orcid").password("author", PASSWORD)
    browser.claims = {"sub": "0000-0002-1825-0097"}
    browser.press(**{"continue": "Continue"})
    assert browser.arrived["kc_action_status"] == "success"
    assert admin(f"/users/{user['id']}")["attributes"]["orcid"] == ["0000-0002-1825-0097"]


def test_nobody_logs_in_with_orcid(site):
    browser = site.browser()
    browser.claims = {"sub": "0000-0002-1825-0097"}
    browser.open("scicat", kc_idp_hint="orcid")
    assert "social-orcid" not in browser.page
    assert not browser.arrived
    assert browser.refusal()


# --- The acceptable use policy --------------------------------------------------------------------------------------


def test_the_policy_is_asked_for_once_and_in_the_language_of_the_browser(site, person):
    browser = site.browser("fr").open("scicat").through("umbrella", **person)
    assert 'href="https://www.facility.test/aup"' in browser.page
    assert "vous acceptez sa charte" in browser.reads()
    assert "2.1" in browser.reads()
    accept(browser).tokens()
    site.browser().open("scicat").through("umbrella", **person).tokens()


def test_a_text_of_the_site_is_shown_as_it_is_written(site, person):
    assert (
        "Regeln der Demo Light Source, '{2.1}'"
        in site.browser("de").open("scicat").through("umbrella", **person).reads()
    )


def test_whoever_declines_does_not_get_in(site, person):
    browser = site.browser().open("scicat").through("umbrella", **person).press(cancel="Decline")
    assert browser.arrived["error"] == "access_denied"
    assert "kc-accept" in site.browser().open("scicat").through("umbrella", **person).page


# --- What each service reads, from its own tokens -------------------------------------------------------------------


@pytest.fixture(scope="module")
def member(people):
    """Somebody with everything that a community and the facility can say."""
    return people(
        "member",
        ["/facility", "/compute-approved", "/cloud-user", "/umbrella/beamline-users"],
        voperson_id=["0123abcd@umbrella.test"],
        facility_user_id=["uows/4711"],
        eduperson_entitlement=["urn:geant:umbrellaid.test:group:beamline-users#umbrella.test"],
        eduperson_assurance=[f"{RAF}medium"],
    )


@pytest.fixture
def at(site, member):
    """(ID token, access token, userinfo, size of the access token) that a service gets of that person."""

    def ask(service, **options):
        browser = site.browser().open(service, **options).password("member", PASSWORD)
        tokens = browser.tokens()
        return (
            claims(tokens["id_token"]),
            claims(tokens["access_token"]),
            browser.userinfo(tokens),
            len(tokens["access_token"]),
        )

    return ask


def test_visa(at):
    _, access, user, size = at("visa", scope="openid offline_access")
    assert size < 3500  # it goes into a cookie of 4 kB, with its name and attributes
    assert access["azp"] == "visa"
    assert access["employeeNumber"] == user["employeeNumber"] == "uows/4711"
    assert {"preferred_username", "given_name", "family_name", "email"} <= user.keys()
    assert sorted(access["roles"]) == ["compute-approved", "offline_access"]
    assert not {"groups", "eduperson_entitlement", "realm_access", "aud"} & access.keys()


def test_scicat_reads_the_id_token_and_calls_icat(at):
    token, access, _, _ = at("scicat")
    assert token["aud"] == "scicat"
    assert {"/compute-approved", "/umbrella/beamline-users"} <= set(token["groups"])
    assert token["voperson_id"] == "0123abcd@umbrella.test"
    assert token["email"] == "member@facility.test"
    # ICAT looks for these two in the access token, and verifies RS256 only.
    assert "aud-icat" in access["scope"].split()
    assert access["icat_user"] == "uows/4711"
    assert access["aud"] == "icat"


def test_jupyterhub_reads_userinfo(at):
    _, _, user, _ = at("jupyterhub")
    assert user["preferred_username"] == "member"
    assert "/umbrella/beamline-users" in user["groups"]


def test_inveniordm_reads_the_id_token(at):
    token, access, _, _ = at("invenio")
    assert token["aud"] == "invenio"
    assert {"sub", "email", "preferred_username", "name"} <= token.keys()
    assert "icat_user" not in access


def test_keystone_reads_id_token_and_userinfo(at):
    token, access, user, _ = at("keystone")
    assert token["groups"] == user["groups"]
    assert "/cloud-user" in user["groups"]
    assert access["roles"] == ["cloud-user"]


def test_groups_of_the_facility_go_out_as_entitlements(admin, member):
    (wiki,) = [client for client in admin("/clients?clientId=elog") if client["clientId"] == "elog"]
    told = admin(f"/clients/{wiki['id']}/evaluate-scopes/generate-example-userinfo?scope=openid&userId={member['id']}")
    assert sorted(told["eduperson_entitlement"]) == [
        "urn:geant:facility.test:group:cloud-user#auth.facility.test",
        "urn:geant:facility.test:group:compute-approved#auth.facility.test",
        "urn:geant:facility.test:group:facility#auth.facility.test",
        "urn:geant:umbrellaid.test:group:beamline-users#umbrella.test",
    ]
