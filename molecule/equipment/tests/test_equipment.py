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
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests

SECRETS = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "secrets"
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


def secret(name: str) -> str:
    return (SECRETS / name).read_text().strip()


class Browser(requests.Session):
    """A session that knows the container's address, and posts the forms it meets."""

    def __init__(self, host, tmp_path, monkeypatch):
        super().__init__()
        self.name = host.check_output("hostname")
        self.proxy = f"https://proxy.{self.name}.test"
        address = host.check_output("hostname -I").split()[0]
        system = socket.getaddrinfo

        def resolve(name, *args, **kwargs):
            return system(address if str(name).endswith(f".{self.name}.test") else name, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        self.trust_env = False
        ca = tmp_path / "ca.pem"
        with host.sudo():
            ca.write_text(host.file("/etc/facility/tls/ca.pem").content_string)
        self.verify = str(ca)

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
        return self.get(f"{self.proxy}/saml2sp/OIDC/authorization", params=asked)

    def assertion(self, user="jane"):
        """Log in at the home organisation; returns the page that carries the response back."""
        return self.submit(self.login_page(), username=user, password=secret(user))

    def token(self, code, client_secret):
        data = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.post(f"{self.proxy}/OIDC/token", data=data, auth=("facility-demo", client_secret))


def saml_response(page):
    encoded = re.search(r'name="SAMLResponse" value="([^"]+)"', page.text).group(1)
    return base64.b64decode(encoded).decode()


def came_back_with(reply):
    """What the client gets in its callback."""
    assert reply.status_code == 303
    assert reply.headers["Location"].startswith(CALLBACK + "?")
    return dict(parse_qsl(urlsplit(reply.headers["Location"]).query))


@pytest.fixture
def browser(host, tmp_path, monkeypatch):
    return Browser(host, tmp_path, monkeypatch)


def test_discovery_has_the_url_layout_of_eduteams(browser):
    found = browser.get(f"{browser.proxy}/.well-known/openid-configuration").json()
    assert found["issuer"] == browser.proxy
    assert found["authorization_endpoint"] == f"{browser.proxy}/saml2sp/OIDC/authorization"
    assert found["token_endpoint"] == f"{browser.proxy}/OIDC/token"
    assert found["userinfo_endpoint"] == f"{browser.proxy}/OIDC/userinfo"
    assert found["jwks_uri"] == f"{browser.proxy}/OIDC/jwks"
    assert found["token_endpoint_auth_methods_supported"] == ["client_secret_basic"]
    assert "end_session_endpoint" not in found
    assert set(SCOPES.split()) <= set(found["scopes_supported"])


def test_login_gives_an_id_token_with_only_sub_and_the_rest_in_userinfo(browser):
    page = browser.login_page()
    assert "TEST EQUIPMENT" in page.text
    reply = browser.submit(browser.submit(page, username="jane", password=secret("jane")))
    got = came_back_with(reply)
    assert got["state"] == browser.state
    tokens = browser.token(got["code"], secret("client")).json()
    keys = browser.get(f"{browser.proxy}/OIDC/jwks").json()["keys"]
    header = jwt.get_unverified_header(tokens["id_token"])
    assert header["alg"] == "RS256"
    key = jwt.PyJWK(next(k for k in keys if k["kid"] == header["kid"]))
    claims = jwt.decode(tokens["id_token"], key, ["RS256"], audience="facility-demo", issuer=browser.proxy)
    assert claims.pop("nonce") == browser.nonce
    assert claims.pop("sub") == JANE["sub"]
    assert set(claims) <= {"iss", "aud", "exp", "iat", "auth_time", "at_hash", "c_hash", "acr"}
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert browser.get(f"{browser.proxy}/OIDC/userinfo", headers=bearer).json() == JANE


def test_userinfo_without_a_token_is_refused(browser):
    assert browser.get(f"{browser.proxy}/OIDC/userinfo", headers={"Authorization": "Bearer x"}).status_code == 401


def test_only_scopes_asked_for_are_released(browser, monkeypatch):
    monkeypatch.setattr("test_equipment.SCOPES", "openid email")
    code = came_back_with(browser.submit(browser.assertion()))["code"]
    bearer = {"Authorization": "Bearer " + browser.token(code, secret("client")).json()["access_token"]}
    told = browser.get(f"{browser.proxy}/OIDC/userinfo", headers=bearer).json()
    assert told == {"sub": JANE["sub"], "email": JANE["email"]}


def test_a_person_without_mail_has_no_email_claim(browser):
    code = came_back_with(browser.submit(browser.assertion("nomail")))["code"]
    bearer = {"Authorization": "Bearer " + browser.token(code, secret("client")).json()["access_token"]}
    told = browser.get(f"{browser.proxy}/OIDC/userinfo", headers=bearer).json()
    assert told["name"] == "Nomi Mail"
    assert "email" not in told


def test_wrong_client_secret_is_refused(browser):
    code = came_back_with(browser.submit(browser.assertion()))["code"]
    refused = browser.token(code, "not-the-secret")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_client_secret_in_the_body_is_refused(browser):
    code = came_back_with(browser.submit(browser.assertion()))["code"]
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": "facility-demo"}
    refused = browser.post(f"{browser.proxy}/OIDC/token", data=data | {"client_secret": secret("client")})
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
    refused = browser.get(
        f"{browser.proxy}/saml2sp/OIDC/authorization", params=asked | {"state": "s"}, allow_redirects=False
    )
    assert refused.status_code == 400


def faulty(browser, host, **faults):
    """Log in at the provider with faults; returns (its answer to the code, the code)."""
    with host.sudo():
        host.check_output("printf %%s %s > /etc/faulty-idp/faults.json", json.dumps(faults))
    url = f"https://faulty.{browser.name}.test:8445"
    asked = {
        "client_id": "facility-faults",
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "state": "s",
        "nonce": "n",
    }
    reply = browser.get(f"{url}/saml2sp/OIDC/authorization", params=asked, allow_redirects=False)
    code = dict(parse_qsl(urlsplit(reply.headers["Location"]).query))["code"]
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return browser.post(f"{url}/OIDC/token", data=data, auth=("facility-faults", secret("client"))), code, url


def read_by_the_rules(browser, tokens, url):
    keys = browser.get(f"{url}/OIDC/jwks").json()["keys"]
    header = jwt.get_unverified_header(tokens["id_token"])
    key = jwt.PyJWK(next(k for k in keys if k["kid"] == header["kid"]))
    return jwt.decode(tokens["id_token"], key, ["RS256"], audience="facility-faults", issuer=url)


def test_the_faulty_provider_is_honest_until_told_otherwise(browser, host):
    reply, code, url = faulty(browser, host)
    claims = read_by_the_rules(browser, reply.json(), url)
    told = browser.get(f"{url}/OIDC/userinfo", headers={"Authorization": f"Bearer {code}"}).json()
    assert claims["nonce"] == "n"
    assert claims["sub"] == told["sub"]
    assert told["email"] == "fay.fault@uni.test"


@pytest.mark.parametrize("signature", ["tampered", "missing", "hmac"])
def test_the_faulty_provider_signs_wrongly_when_told_to(browser, host, signature):
    reply, _, url = faulty(browser, host, signature=signature)
    with pytest.raises(jwt.PyJWTError):
        read_by_the_rules(browser, reply.json(), url)
    reply, _, url = faulty(browser, host)
    assert read_by_the_rules(browser, reply.json(), url)


def test_the_faulty_provider_drops_and_keeps_silent(browser, host):
    name = f"faulty.{browser.name}.test"
    with pytest.raises(TimeoutError):
        socket.create_connection((name, 8447), timeout=1)
    with socket.create_connection((name, 8446), timeout=5) as mute:
        mute.settimeout(1)
        mute.sendall(b"hello")
        with pytest.raises(TimeoutError):
            mute.recv(1)


def test_the_plain_provider_names_itself(browser):
    url = f"https://orcid.{browser.name}.test:8449"
    assert browser.get(f"{url}/.well-known/openid-configuration").json()["issuer"] == url


def test_the_mail_server_takes_mail_from_its_account_only(browser, host):
    context = ssl.create_default_context(cafile=browser.verify)
    with smtplib.SMTP_SSL(f"mail.{browser.name}.test", context=context, timeout=20) as server:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            server.login("aai", "**********")
        with pytest.raises(smtplib.SMTPSenderRefused):
            server.sendmail("aai@facility.test", ["somebody@uni.test"], "Subject: refused\r\n\r\n")
        server.login("aai", secret("mail"))
        server.sendmail("aai@facility.test", ["somebody@uni.test"], "Subject: kept\r\n\r\n")
    with host.sudo():
        kept = host.check_output("cat /var/lib/mail-sink/*.eml")
    assert "X-Sent-To: somebody@uni.test" in kept
    assert "refused" not in kept


def ldapsearch(host, who, password, *what, name=None):
    name = name or f"ldap.{host.check_output('hostname')}.test"
    return host.run(
        "LDAPTLS_CACERT=/etc/facility/tls/ca.pem LDAPTLS_REQCERT=demand "
        f"ldapsearch -x -LLL -H ldaps://{name} -D '{who},dc=facility,dc=test' -w '{password}' "
        f"-b dc=facility,dc=test {' '.join(what)}; exit $(($? == 255 ? 99 : $?))"  # 255 would mean a broken ssh
    )


def test_keycloak_account_reads_people_but_no_passwords(host):
    found = ldapsearch(host, "cn=keycloak", secret("bind"), "uid=bob")
    assert found.rc == 0
    for line in ("mail: bob@facility.test", "employeeNumber: 10002", "givenName: Bob", "sn: Beam", "cn: Bob Beam"):
        assert line in found.stdout.splitlines()
    assert "userPassword" not in found.stdout


def test_people_log_in_to_the_directory_and_read_nothing(host):
    person = "uid=alice,ou=people"
    assert ldapsearch(host, person, secret("alice")).rc == 32  # noSuchObject: bound, and sees nothing
    assert ldapsearch(host, person, secret("bob")).rc == 49  # invalidCredentials


def test_directory_shows_nothing_to_strangers(host):
    name = f"ldap.{host.check_output('hostname')}.test"
    nobody = host.run(f"LDAPTLS_CACERT=/etc/facility/tls/ca.pem ldapsearch -x -H ldaps://{name} -b dc=facility,dc=test")
    assert nobody.rc != 0
    assert "dn:" not in nobody.stdout


def test_directory_certificate_is_checked_by_name(host):
    assert ldapsearch(host, "cn=keycloak", secret("bind"), name="127.0.0.1").rc == 99


def test_directory_has_no_plain_port(host):
    assert not host.socket("tcp://389").is_listening
    assert host.socket("tcp://0.0.0.0:636").is_listening


def test_directory_identifiers_survive_a_restart(host):
    def identifiers():
        return ldapsearch(host, "cn=keycloak", secret("bind"), "objectClass=inetOrgPerson", "entryUUID").stdout

    before = identifiers()
    with host.sudo():
        host.run_expect([0], "systemctl restart ldap-standin")
    after = ""
    for _ in range(20):  # active is a moment before listening
        after = after or identifiers()
        time.sleep(0 if after else 0.2)
    assert before.count("entryUUID: ") == 3
    assert after == before


@pytest.mark.parametrize(
    "unit", ["umbrella-standin", "home-idp", "ldap-standin", "faulty-idp", "plain-op", "mail-sink"]
)
def test_units_run_under_their_own_account_and_say_what_they_are(host, unit):
    service = host.service(unit)
    assert service.is_running
    assert service.is_enabled
    properties = service.systemd_properties
    assert properties["Description"].startswith("TEST EQUIPMENT")
    assert properties["User"] not in ("", "root")
    assert properties["NoNewPrivileges"] == "yes"


def test_no_secret_in_the_journal_in_argv_or_in_a_world_readable_file(host):
    with host.sudo():
        journal = host.check_output("journalctl --no-pager")
        processes = host.check_output("ps -eo args")
        readable = host.check_output(
            "find /etc/umbrella-standin /etc/home-idp /etc/ldap-standin /etc/faulty-idp /etc/mail-sink /opt /var/lib/ldap-standin -type f -perm -o=r "
            "-not -path '*/site-packages/*' -exec cat {} + | tr -cd '[:print:]'"
        )
    for path in SECRETS.iterdir():
        value = secret(path.name)
        assert len(value) >= 20
        for where, text in (("journal", journal), ("argv", processes), ("readable files", readable)):
            assert value not in text, f"the secret {path.name} stands in the {where}"


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/etc/umbrella-standin/clients.json", 0o640),
        ("/etc/umbrella-standin/oidc.key", 0o640),
        ("/etc/umbrella-standin/sp.key", 0o640),
        ("/etc/umbrella-standin/state.env", 0o640),
        ("/etc/home-idp/users.json", 0o640),
        ("/etc/home-idp/signing.key", 0o640),
        ("/etc/faulty-idp/config.json", 0o640),
        ("/etc/faulty-idp/signing.key", 0o640),
        ("/etc/mail-sink/config.json", 0o640),
        ("/etc/ldap-standin/people.ldif", 0o640),
        ("/etc/ldap-standin/slapd.conf", 0o640),
    ],
)
def test_files_with_secrets_are_closed(host, path, mode):
    with host.sudo():
        assert host.file(path).mode == mode
