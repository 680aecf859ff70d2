"""The test equipment answers its protocols, and refuses what it must refuse."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import secrets
import smtplib
import socket
import ssl
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests

from pan_facility.secrets import Vault, password_from

VAULT = Path(__file__).resolve().parents[2] / "inventories" / "demo" / "group_vars" / "all" / "vault.yml"
PROXY, FAULTY, PLAIN = (
    "https://proxy.umbrella.test",
    "https://faulty.umbrella.test:8445",
    "https://orcid.umbrella.test:8449",
)
MAIL, LDAP = "mail.facility.test", "ldap.facility.test"
CALLBACK = "https://auth.facility.test/realms/demo/broker/umbrella/endpoint"
SCOPES = (
    "openid email profile voperson_id voperson_external_affiliation eduperson_entitlement entitlements "
    "eduperson_assurance schac_home_organization orcid"
)
JANE = {
    "sub": "28c5353b8bb34984a8bd4169ba94c606@umbrellaid.test",
    "voperson_id": ["28c5353b8bb34984a8bd4169ba94c606@umbrellaid.test"],
    "email": "jane.doe@uni.test",
    "name": "Jane Doe",
    "given_name": "Jane",
    "family_name": "Doe",
    "voperson_external_affiliation": ["faculty@uni.test", "member@uni.test"],
    "eduperson_entitlement": ["urn:geant:umbrellaid.test:group:beamline-users#umbrellaid.test"],
    "entitlements": ["urn:geant:umbrellaid.test:group:beamline-users#umbrellaid.test"],
    "eduperson_assurance": [
        "https://refeds.org/assurance",
        "https://refeds.org/assurance/ID/unique",
        "https://refeds.org/assurance/IAP/medium",
    ],
    "schac_home_organization": ["uni.test"],
    "orcid": ["https://orcid.org/0000-0002-1825-0097"],
}


@pytest.fixture(scope="module")
def secret(site):
    """The secret of a user, or of `client`, `bind`, `mail`."""
    vault = Vault(VAULT, password_from(Path(os.environ["FACILITY_DEMO_STATE"]) / "vault-password")).read()
    others = {"client": "umbrella_client_secret", "bind": "ldap_bind_password", "mail": "mail_password"}
    return lambda name: vault[f"vault_equipment_{others.get(name, f'user_{name}_password')}"]


@pytest.fixture(scope="module")
def umbrella(site):
    return site.hosts("umbrella")[0]


class Browser(requests.Session):
    """A session that posts the forms it meets."""

    def __init__(self, site, secret):
        super().__init__()
        self.trust_env = False
        self.verify = site.ca
        self.secret = secret

    def submit(self, page, **fields):
        """Send the form on a page with some fields filled in."""
        action = html.unescape(re.search(r'<form[^>]* action="([^"]+)"', page.text).group(1))
        hidden = {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page.text)}
        return self.post(requests.compat.urljoin(page.url, action), data=hidden | fields, allow_redirects=False)

    def login_page(self):
        self.nonce, self.state = secrets.token_hex(8), secrets.token_hex(8)
        asked = {
            "client_id": "facility-demo",
            "response_type": "code",
            "scope": SCOPES,
            "redirect_uri": CALLBACK,
            "state": self.state,
            "nonce": self.nonce,
        }
        return self.get(f"{PROXY}/saml2sp/OIDC/authorization", params=asked)

    def assertion(self, user="jane"):
        """Log in at the home organisation; returns the page that carries the response back."""
        return self.submit(self.login_page(), username=user, password=self.secret(user))

    def token(self, code, client_secret):
        data = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.post(f"{PROXY}/OIDC/token", data=data, auth=("facility-demo", client_secret))


def saml_response(page):
    encoded = re.search(r'name="SAMLResponse" value="([^"]+)"', page.text).group(1)
    return base64.b64decode(encoded).decode()


def came_back_with(reply):
    """What the client gets in its callback."""
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(CALLBACK + "?")
    return dict(parse_qsl(urlsplit(reply.headers["Location"]).query))


@pytest.fixture
def browser(site, secret):
    return Browser(site, secret)


def test_discovery_has_the_url_layout_of_eduteams(browser):
    found = browser.get(f"{PROXY}/.well-known/openid-configuration").json()
    assert found["issuer"] == PROXY
    assert found["authorization_endpoint"] == f"{PROXY}/saml2sp/OIDC/authorization"
    assert found["token_endpoint"] == f"{PROXY}/OIDC/token"
    assert found["userinfo_endpoint"] == f"{PROXY}/OIDC/userinfo"
    assert found["jwks_uri"] == f"{PROXY}/OIDC/jwks"
    assert found["token_endpoint_auth_methods_supported"] == ["client_secret_basic"]
    assert "end_session_endpoint" not in found
    assert set(SCOPES.split()) <= set(found["scopes_supported"])


def test_login_gives_an_id_token_with_only_sub_and_the_rest_in_userinfo(browser):
    page = browser.login_page()
    assert "TEST EQUIPMENT" in page.text
    reply = browser.submit(browser.submit(page, username="jane", password=browser.secret("jane")))
    got = came_back_with(reply)
    assert got["state"] == browser.state
    tokens = browser.token(got["code"], browser.secret("client")).json()
    keys = browser.get(f"{PROXY}/OIDC/jwks").json()["keys"]
    header = jwt.get_unverified_header(tokens["id_token"])
    assert header["alg"] == "RS256"
    key = jwt.PyJWK(next(k for k in keys if k["kid"] == header["kid"]))
    claims = jwt.decode(tokens["id_token"], key, ["RS256"], audience="facility-demo", issuer=PROXY)
    assert claims.pop("nonce") == browser.nonce
    assert claims.pop("sub") == JANE["sub"]
    assert set(claims) <= {"iss", "aud", "exp", "iat", "auth_time", "at_hash", "c_hash", "acr"}
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert browser.get(f"{PROXY}/OIDC/userinfo", headers=bearer).json() == JANE


def test_userinfo_without_a_token_is_refused(browser):
    assert browser.get(f"{PROXY}/OIDC/userinfo", headers={"Authorization": "Bearer x"}).status_code == 401


def test_only_scopes_asked_for_are_released(browser, monkeypatch):
    monkeypatch.setattr("test_equipment.SCOPES", "openid email")
    code = came_back_with(browser.submit(browser.assertion()))["code"]
    bearer = {"Authorization": "Bearer " + browser.token(code, browser.secret("client")).json()["access_token"]}
    told = browser.get(f"{PROXY}/OIDC/userinfo", headers=bearer).json()
    assert told == {"sub": JANE["sub"], "email": JANE["email"]}


def test_a_person_without_mail_has_no_email_claim(browser):
    code = came_back_with(browser.submit(browser.assertion("nomail")))["code"]
    bearer = {"Authorization": "Bearer " + browser.token(code, browser.secret("client")).json()["access_token"]}
    told = browser.get(f"{PROXY}/OIDC/userinfo", headers=bearer).json()
    assert told["name"] == "Nomi Mail"
    assert "email" not in told


def test_wrong_client_secret_is_refused(browser):
    code = came_back_with(browser.submit(browser.assertion()))["code"]
    refused = browser.token(code, "not-the-secret")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_client_secret_in_the_body_is_refused(browser):
    code = came_back_with(browser.submit(browser.assertion()))["code"]
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": "facility-demo"}
    refused = browser.post(f"{PROXY}/OIDC/token", data=data | {"client_secret": browser.secret("client")})
    assert refused.status_code == 401


def test_wrong_password_is_refused(browser):
    page = browser.submit(browser.login_page(), username="jane", password="not-the-password")
    assert page.status_code == 401
    assert "Wrong user name or password" in page.text
    assert "SAMLResponse" not in page.text


def test_unknown_user_is_refused(browser):
    assert browser.submit(browser.login_page(), username="nobody", password="x").status_code == 401


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("tampered", lambda xml: xml.replace("jane.doe@uni.test", "boss.man@uni.test")),
        ("unsigned", lambda xml: re.sub(r"<(\w+:)Signature\b.*?</\1Signature>", "", xml, flags=re.DOTALL)),
    ],
)
def test_assertions_that_were_touched_are_refused(browser, what, change):
    page = browser.assertion()
    genuine = saml_response(page)
    forged = change(genuine)
    assert forged != genuine, f"the {what} assertion is the genuine one: this test would prove nothing"
    assert "rsa-sha1" not in genuine
    got = came_back_with(browser.submit(page, SAMLResponse=base64.b64encode(forged.encode()).decode()))
    assert got["error"] == "access_denied"
    assert "code" not in got


def test_another_redirect_uri_is_refused(browser):
    asked = {"client_id": "facility-demo", "response_type": "code", "scope": "openid", "redirect_uri": CALLBACK + "/x"}
    refused = browser.get(f"{PROXY}/saml2sp/OIDC/authorization", params=asked | {"state": "s"}, allow_redirects=False)
    assert refused.status_code == 400


def faulty(site, browser, umbrella, **faults):
    """Log in at the provider with faults; returns (its answer to the code, the code)."""
    site.run(umbrella, "tee", "/etc/faulty-idp/faults.json", stdin=json.dumps(faults))
    asked = {
        "client_id": "facility-faults",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "state": "s",
        "nonce": "n",
    }
    reply = browser.get(f"{FAULTY}/saml2sp/OIDC/authorization", params=asked, allow_redirects=False)
    code = dict(parse_qsl(urlsplit(reply.headers["Location"]).query))["code"]
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return browser.post(f"{FAULTY}/OIDC/token", data=data, auth=("facility-faults", browser.secret("client"))), code


def read_by_the_rules(browser, tokens):
    keys = browser.get(f"{FAULTY}/OIDC/jwks").json()["keys"]
    header = jwt.get_unverified_header(tokens["id_token"])
    key = jwt.PyJWK(next(k for k in keys if k["kid"] == header["kid"]))
    return jwt.decode(tokens["id_token"], key, ["RS256"], audience="facility-faults", issuer=FAULTY)


def test_the_faulty_provider_is_honest_until_told_otherwise(site, browser, umbrella):
    reply, code = faulty(site, browser, umbrella)
    claims = read_by_the_rules(browser, reply.json())
    told = browser.get(f"{FAULTY}/OIDC/userinfo", headers={"Authorization": f"Bearer {code}"}).json()
    assert claims["nonce"] == "n"
    assert claims["sub"] == told["sub"]
    assert told["email"] == "fay.fault@uni.test"


@pytest.mark.parametrize("signature", ["tampered", "missing", "hmac"])
def test_the_faulty_provider_signs_wrongly_when_told_to(site, browser, umbrella, signature):
    reply, _ = faulty(site, browser, umbrella, signature=signature)
    with pytest.raises(jwt.PyJWTError):
        read_by_the_rules(browser, reply.json())
    reply, _ = faulty(site, browser, umbrella)
    assert read_by_the_rules(browser, reply.json())


def test_the_faulty_provider_drops_and_keeps_silent(site):
    name = urlsplit(FAULTY).hostname
    with pytest.raises(TimeoutError):
        socket.create_connection((name, 8447), timeout=1)
    with socket.create_connection((name, 8446), timeout=5) as mute:
        mute.settimeout(1)
        mute.sendall(b"hello")
        with pytest.raises(TimeoutError):
            mute.recv(1)


def test_the_plain_provider_names_itself(browser):
    assert browser.get(f"{PLAIN}/.well-known/openid-configuration").json()["issuer"] == PLAIN


def test_the_mail_server_takes_mail_from_its_account_only(site, browser, umbrella):
    context = ssl.create_default_context(cafile=browser.verify)
    with smtplib.SMTP_SSL(MAIL, context=context, timeout=20) as server:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            server.login("aai", "**********")
        with pytest.raises(smtplib.SMTPSenderRefused):
            server.sendmail("aai@facility.test", ["somebody@uni.test"], "Subject: from a stranger\r\n\r\n")
        server.login("aai", browser.secret("mail"))
        server.sendmail("aai@facility.test", ["somebody@uni.test"], "Subject: from its account\r\n\r\n")
    kept = site.run(umbrella, "sh", "-c", "cat /var/lib/mail-sink/*.eml")
    assert "Subject: from its account" in kept
    assert "X-Sent-To: somebody@uni.test" in kept
    assert "Subject: from a stranger" not in kept


def ldapsearch(site, who, password, *what, name=LDAP):
    """(what was found, exit code)."""
    (host,) = site.hosts("ldap")
    asked = ["-x", "-LLL", "-H", f"ldaps://{name}", "-b", "dc=facility,dc=test", *what]
    if who:
        asked += ["-D", f"{who},dc=facility,dc=test", "-y", "/dev/stdin"]
    trust = ["env", "LDAPTLS_CACERT=/etc/facility/tls/ca.pem", "LDAPTLS_REQCERT=demand"]
    done = subprocess.run(
        [os.environ.get("FACILITY_ENGINE", "podman"), "exec", "--interactive", host, *trust, "ldapsearch", *asked],
        input=password,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout, done.returncode


def test_keycloak_account_reads_people_but_no_passwords(site, secret):
    found, code = ldapsearch(site, "cn=keycloak", secret("bind"), "uid=bob")
    assert code == 0
    for line in ("mail: bob@facility.test", "employeeNumber: 10002", "givenName: Bob", "sn: Beam", "cn: Bob Beam"):
        assert line in found.splitlines()
    assert "userPassword" not in found


def test_people_log_in_to_the_directory_and_read_nothing(site, secret):
    person = "uid=alice,ou=people"
    assert ldapsearch(site, person, secret("alice"))[1] == 32  # noSuchObject: bound, and sees nothing
    assert ldapsearch(site, person, secret("bob"))[1] == 49  # invalidCredentials


def test_directory_shows_nothing_to_strangers(site):
    found, code = ldapsearch(site, "", "")
    assert code != 0
    assert "dn:" not in found


def test_directory_certificate_is_checked_by_name(site, secret):
    assert ldapsearch(site, "cn=keycloak", secret("bind"), name="127.0.0.1")[1] == 255


def test_directory_has_no_plain_port(site):
    listening = site.run(site.hosts("ldap")[0], "ss", "-Hltn").split()
    assert "0.0.0.0:636" in listening
    assert not [address for address in listening if address.endswith(":389")]


def test_directory_identifiers_survive_a_restart(site, secret):
    def identifiers():
        return ldapsearch(site, "cn=keycloak", secret("bind"), "objectClass=inetOrgPerson", "entryUUID")[0]

    before = identifiers()
    site.run(site.hosts("ldap")[0], "systemctl", "restart", "ldap-standin")
    after = ""
    for _ in range(20):  # active is a moment before listening
        after = after or identifiers()
        time.sleep(0 if after else 0.2)
    assert before.count("entryUUID: ") == 3
    assert after == before


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        *(("umbrella", name) for name in ("umbrella-standin", "home-idp", "faulty-idp", "plain-op", "mail-sink")),
        ("ldap", "ldap-standin"),
    ],
)
def test_units_run_under_their_own_account_and_say_what_they_are(site, kind, unit):
    shown = site.run(site.hosts(kind)[0], "systemctl", "show", unit)
    properties = dict(line.partition("=")[::2] for line in shown.splitlines())
    assert (properties["ActiveState"], properties["UnitFileState"]) == ("active", "enabled")
    assert properties["Description"].startswith("TEST EQUIPMENT")
    assert properties["User"] not in ("", "root")
    assert properties["NoNewPrivileges"] == "yes"


FILES = {
    "umbrella": [
        "/etc/umbrella-standin/clients.json",
        "/etc/umbrella-standin/oidc.key",
        "/etc/umbrella-standin/sp.key",
        "/etc/umbrella-standin/state.env",
        "/etc/home-idp/users.json",
        "/etc/home-idp/signing.key",
        "/etc/faulty-idp/config.json",
        "/etc/faulty-idp/signing.key",
        "/etc/mail-sink/config.json",
    ],
    "ldap": ["/etc/ldap-standin/people.ldif", "/etc/ldap-standin/slapd.conf"],
}


@pytest.mark.parametrize("kind", FILES)
def test_files_with_secrets_are_closed(site, kind):
    modes = site.run(site.hosts(kind)[0], "stat", "--format", "%a", *FILES[kind]).split()
    assert modes == ["640"] * len(FILES[kind])
