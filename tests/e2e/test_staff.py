"""Staff: nobody gets rights without a second factor, and the help desk looks without touching."""

from __future__ import annotations

import base64
import hmac
import html
import re
import struct
import time

import pytest
from accessibility import barriers

JANE = "28c5353b8bb34984a8bd4169ba94c606@umbrellaid.test"


def code(secret):
    """The one-time code of this moment (RFC 6238)."""
    key = base64.b32decode(secret.replace(" ", "") + "=" * (-len(secret.replace(" ", "")) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


@pytest.fixture
def staff(site):
    """Put people into groups of staff; afterwards they are strangers again."""
    made = []

    def join(username, group):
        user = site.admin.user(username)
        wanted = site.admin("GET", f"group-by-path/staff/{group}")
        site.admin("PUT", f"users/{user['id']}/groups/{wanted['id']}")
        made.append(username)
        return user

    site.admin.forget("carol", JANE)
    yield join
    site.admin.forget(*made)


def console(person):
    """Log in at the administration console. The browser is outside facility_admin_networks: it gets a code, but not the page."""
    return person.ask_service("security-admin-console", f"{person.site.auth}/admin/{person.site.realm}/console/")


def set_up(page):
    """Set up one-time codes on the page that demands it; return the key."""
    page.wait_for_selector("#kc-totp-settings-form")
    assert barriers(page) == []
    page.click("#mode-manual")
    key = page.inner_text("#kc-totp-secret-key")
    page.fill("#totp", code(key))
    page.fill("#userLabel", "telephone")
    page.click("#saveTOTPBtn")
    return key


def test_help_desk_sees_everything_and_changes_nothing(site, staff, window):
    staff("carol", "help-desk")
    person = window()
    at = console(person)
    person.give_password(site.people["carol"])
    set_up(person.page)
    token = at.tokens()["access_token"]
    other = site.admin.user("alice")["id"]
    answers = {}

    def ask(method, path, **arguments):
        url = f"{site.auth}/admin/realms/{site.realm}{path}"
        answer = site.http.request(method, url, headers={"Authorization": f"Bearer {token}"}, timeout=30, **arguments)
        answers[f"{method} {path.replace(other, 'alice')}"] = answer.status_code

    person_of = f"/users/{other}"
    for path in (
        *("/users?search=alice", person_of, f"{person_of}/federated-identity", f"{person_of}/groups"),
        *(f"{person_of}/sessions", f"{person_of}/credentials", "/events", "/identity-provider/instances"),
    ):
        ask("GET", path)
    assert set(answers.values()) == {200}, answers

    answers.clear()
    link = {"identityProvider": "umbrella", "userId": "x", "userName": "x"}
    ask("DELETE", f"{person_of}/federated-identity/umbrella")
    ask("POST", f"{person_of}/federated-identity/umbrella", json=link)
    ask("PUT", person_of, json={"email": "taken@over.test"})
    ask("PUT", f"{person_of}/reset-password", json={"type": "password", "value": "a-new-password-4711"})
    ask("PUT", f"{person_of}/groups/{site.admin('GET', 'group-by-path/staff/administrators')['id']}")
    ask("POST", f"{person_of}/role-mappings/realm", json=[])
    ask("POST", f"{person_of}/logout")
    ask("DELETE", person_of)
    ask("POST", "/users", json={"username": "somebody"})
    ask("PUT", "/identity-provider/instances/umbrella", json={"alias": "umbrella"})
    ask("PUT", "", json={"displayName": "Mine"})
    ask("DELETE", "/events")
    ask("GET", "/clients")
    assert set(answers.values()) == {403}, answers


def test_second_factor_is_asked_for_at_each_login(site, staff, window):
    staff("carol", "administrators")
    person = window()
    at = console(person)
    person.give_password(site.people["carol"])
    key = set_up(person.page)
    assert "code" in at.answer()
    later = window()
    at = console(later)
    later.give_password(site.people["carol"])
    later.page.wait_for_selector("#otp")
    assert barriers(later.page) == []
    later.page.fill("#otp", f"{(int(code(key)) + 1) % 1_000_000:06d}")
    later.page.click("#kc-login")
    later.page.wait_for_selector("#input-error-otp")
    assert at._came_back == []


def test_second_factor_is_asked_for_after_a_login_elsewhere(site, staff, window):
    first = window()
    first.open_console()
    first.through_umbrella(site.people["jane"])
    first.console_shows()  # nobody asks a scientist
    staff(JANE, "help-desk")
    person = window()
    at = console(person)
    person.through_umbrella(site.people["jane"])
    set_up(person.page)
    assert "code" in at.answer()
    later = window()
    console(later)
    later.through_umbrella(site.people["jane"])
    later.page.wait_for_selector("#otp")


def test_the_rights_of_staff_end_at_the_realm(site, staff):
    """Whoever administers people here administers nothing of the server: realm master knows nobody of them."""
    found = site.admin("GET", "roles/staff-administrator/composites")
    assert {role["name"] for role in found} == {
        *(
            "manage-clients",
            "manage-events",
            "manage-identity-providers",
            "manage-realm",
            "manage-users",
            "view-events",
        ),
    }


def test_break_glass_opens_closes_and_rings_the_bell(site):
    node = site.hosts("kc")[-1]
    shown = site.run(node, "/opt/keycloak/keycloak-break-glass", "open", "a", "rehearsal")
    name, password = (line.split()[1] for line in shown.splitlines()[:2])

    def logs_in():
        """From here, one of the administrators' networks; without a screen, since the browser is not in one."""
        http, base = site.session(), f"{site.auth}/realms/master/protocol/openid-connect/auth"
        challenge = {"code_challenge": "a" * 43, "code_challenge_method": "S256"}
        asked = {"client_id": "security-admin-console", "redirect_uri": f"{site.auth}/admin/master/console/"}
        page = http.get(base, params={**asked, **challenge, "response_type": "code", "scope": "openid"}, timeout=30)
        action = html.unescape(re.search(r'action="([^"]+)"', page.text)[1])
        form = {"username": name, "password": password}
        return http.post(action, data=form, allow_redirects=False, timeout=30).status_code == 302

    assert logs_in()
    other = site.run(node, "sh", "-c", "/opt/keycloak/keycloak-break-glass close admin 2>&1 || true")
    assert "begins with break-glass-" in other
    site.run(node, "/opt/keycloak/keycloak-break-glass", "close", name, "--url", f"https://{node}:8443")
    assert not logs_in()

    log = site.run(node, "journalctl", "--identifier=keycloak-break-glass", "--priority=alert", "--output=cat")
    assert f"root opens {name}: a rehearsal" in log
    assert f"{name} is closed" in log
    assert password not in site.run(node, "journalctl", "--no-pager", "--since=-10min")
