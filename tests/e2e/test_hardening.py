"""The hardening baseline, read from the live realm and tried on the live servers."""

from __future__ import annotations

import json
import secrets
import socket
import ssl
import time

import pytest
from site_under_test import Login
from visitor import Visitor

SCICAT = ("scicat", "https://scicat.facility.test/api/v3/auth/oidc/callback")
# Keycloak's own clients, which the kit does not make. It closes what they leave open (presets/services/account.yml).
OWN = {"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}
WITHOUT_PKCE = {"scicat"}  # its backend has it switched off in the code; the client is confidential


@pytest.fixture(scope="module")
def settings(site):
    return site.admin("GET", "")


@pytest.fixture(scope="module")
def clients(site):
    return {client["clientId"]: client for client in site.admin("GET", "clients")}


@pytest.mark.parametrize("where", ["proxy", "node"])
def test_nothing_older_than_tls_1_2_is_spoken(site, where):
    (host, port) = (site.hosts("proxy")[0], 443) if where == "proxy" else (site.hosts("kc")[0], 8443)
    name = "auth.facility.test" if where == "proxy" else host

    def speak(version):
        context = ssl.create_default_context(cafile=site.ca)
        context.set_ciphers("ALL:@SECLEVEL=0")  # else this side would refuse the old ones first
        context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, version
        with (
            socket.create_connection((host, port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=name) as tls,
        ):
            return tls.version()

    assert speak(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert speak(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.raises(OSError):  # noqa: PT011 (an alert, or a connection that is closed)
        speak(ssl.TLSVersion.TLSv1_1)


def test_a_node_takes_its_name_from_nobody(site):
    (proxy,) = site.hosts("proxy")
    for node in site.hosts("kc"):
        url = f"https://{node}:8443/realms/{site.realm}/.well-known/openid-configuration"
        shown = site.run(proxy, "curl", "-sS", "--cacert", "/etc/facility/tls/ca.pem", "-H", "Host: evil.test", url)
        assert json.loads(shown)["issuer"] == site.issuer


def test_a_node_believes_forwarded_headers_of_the_proxy_only(site):
    node = site.hosts("kc")[0]
    visitor = Visitor(site, node=node)
    visitor.http.headers.update({"X-Forwarded-For": "203.0.113.66", "X-Forwarded-Host": "evil.test"})
    name, since = f"nobody-{secrets.token_hex(4)}", time.time()
    page = visitor.ask(SCICAT)
    assert "evil.test" not in page.html
    visitor.give_password(Login(name, "x"))
    log = site.run(node, "journalctl", "-u", "keycloak", "--no-pager", "-o", "cat", "--since", f"@{since:.3f}")
    (line,) = [line for line in log.splitlines() if name in line]
    assert f'ipAddress="{site.own_address}"' in line


def test_settings_of_the_realm(settings):
    assert settings["sslRequired"] == "all"
    assert settings["bruteForceProtected"] is True
    assert settings["failureFactor"] <= 10
    assert "length(12)" in settings["passwordPolicy"]
    assert settings["revokeRefreshToken"] is True
    assert settings["refreshTokenMaxReuse"] == 0
    assert settings["accessTokenLifespan"] <= 300
    assert settings["offlineSessionMaxLifespanEnabled"] is True
    assert (settings["registrationAllowed"], settings["resetPasswordAllowed"]) == (False, False)
    assert settings["editUsernameAllowed"] is False


def test_events_are_kept_for_a_time_and_go_to_the_journal(settings):
    assert (settings["eventsEnabled"], settings["adminEventsEnabled"]) == (True, True)
    assert 86400 <= settings["eventsExpiration"] <= 366 * 86400
    assert "jboss-logging" in settings["eventsListeners"]


def test_clients_of_services_are_closed(clients):
    services = {name: client for name, client in clients.items() if name not in OWN}
    assert {"visa", "scicat", "jupyterhub"} <= set(services)
    for name, client in services.items():
        assert client["fullScopeAllowed"] is False, name
    for name, client in clients.items():
        assert not client["directAccessGrantsEnabled"], name
        assert not client["implicitFlowEnabled"], name
        assert not client["serviceAccountsEnabled"], name
        if (
            client["standardFlowEnabled"]
            and not client["bearerOnly"]
            and name not in WITHOUT_PKCE | {"broker", "realm-management"}
        ):
            assert client["attributes"].get("pkce.code.challenge.method") == "S256", name


def test_the_directory_is_asked_over_tls_that_is_verified(site):
    (ldap,) = site.admin("GET", "components", params={"type": "org.keycloak.storage.UserStorageProvider"})
    config = {key: values[0] for key, values in ldap["config"].items()}
    assert config["connectionUrl"].startswith("ldaps://")
    assert config["useTruststoreSpi"] == "always"
    assert (config["editMode"], config["cachePolicy"]) == ("UNSYNCED", "NO_CACHE")
    asked = {"action": "testConnection", "useTruststoreSpi": "always", "connectionTimeout": "3000", "startTls": "false"}
    asked |= {
        "componentId": ldap["id"],
        "authType": "simple",
        "bindDn": config["bindDn"],
        "bindCredential": "**********",
    }
    address = site.addresses[site.hosts("ldap")[0]]
    for url, good in ((config["connectionUrl"], True), (f"ldaps://{address}", False)):
        answer = site.http.post(
            f"{site.auth}/admin/realms/{site.realm}/testLDAPConnection",
            json={**asked, "connectionUrl": url},
            headers={"Authorization": f"Bearer {site.admin.token()}"},
            timeout=30,
        )
        assert answer.ok is good, f"{url}: {answer.status_code} {answer.text[:300]}"


@pytest.mark.parametrize("path", ["auth/device", "ext/ciba/auth"])
def test_protocols_that_nobody_uses_are_off(site, path):
    data = {"client_id": "visa", "scope": "openid", "login_hint": "alice"}
    answer = site.session().post(f"{site.issuer}/protocol/openid-connect/{path}", data=data, timeout=30)
    # 204: what Keycloak says where a feature that is off would have answered.
    assert answer.status_code in (204, 400, 401, 403, 404)
    assert "_code" not in answer.text
    assert "device_code" not in answer.text
    assert "auth_req_id" not in answer.text


def test_nobody_is_impersonated(site):
    visitor = Visitor(site)
    visitor.ask(SCICAT)
    visitor.give_password(site.people["alice"])
    user = site.admin.user("alice")
    answer = site.http.post(
        f"{site.auth}/admin/realms/{site.realm}/users/{user['id']}/impersonation",
        headers={"Authorization": f"Bearer {site.admin.token()}"},
        timeout=30,
    )
    assert not answer.ok
    assert "KEYCLOAK_IDENTITY" not in str(answer.headers)


def test_pages_forbid_frames_and_sniffing(site):
    answer = site.session().get(f"{site.issuer}/account/", timeout=30)
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_cookies_of_a_login_are_for_tls_only_and_not_for_scripts(site):
    visitor = Visitor(site)
    visitor.ask(SCICAT)
    visitor.give_password(site.people["alice"])
    found = {cookie.name: cookie for cookie in visitor.http.cookies if cookie.domain.startswith("auth.")}
    assert {"KEYCLOAK_IDENTITY", "AUTH_SESSION_ID"} <= set(found)
    for name, cookie in found.items():
        assert cookie.secure, name
        if name not in {"KEYCLOAK_SESSION", "KC_AUTH_SESSION_HASH"}:  # hashes, read by pages that watch for logouts
            assert cookie.has_nonstandard_attr("HttpOnly"), name
