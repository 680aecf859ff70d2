"""The pages that people meet: in their language, without barriers, the home organisation first, and saying what to do next."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from accessibility import barriers

HELP = "help@facility.test"
SAME = "3f0a7a5f5c284c1b9a2a6a2d8f7c1e55@umbrellaid.test"
WORDS = {  # what the kit says itself, and what Keycloak says
    "en-US": ("en", "Through your home organisation", "With an account at Demo Light Source", "Password"),
    "de-DE": ("de", "Über Ihre Heimatorganisation", "Mit einem Konto bei Demo Light Source", "Passwort"),
    "fr-FR": ("fr", "Par votre établissement", "Avec un compte de Demo Light Source", "Mot de passe"),
    "it-IT": ("en", "Through your home organisation", "With an account at Demo Light Source", "Password"),
}


def at_login(person, path=""):
    person.open_console(path)
    person.page.wait_for_selector("#social-umbrella")
    return person.page


def language(page):
    return page.get_attribute("html", "lang")


@pytest.mark.parametrize("locale", WORDS)
def test_login_page_speaks_the_language_of_the_browser(window, locale):
    person = window(locale=locale)
    page = at_login(person)
    spoken, *words = WORDS[locale]
    assert language(page) == spoken
    for word in words:
        assert word in person.reads()
    assert barriers(page) == []


def test_home_organisation_comes_first_for_eye_and_keyboard(window):
    page = at_login(window())
    page.wait_for_selector("[role=heading][aria-level='2']")  # the page's script has run
    below = [page.locator(f"#{name}").bounding_box()["y"] for name in ("social-umbrella", "username", "facility-help")]
    assert below == sorted(below)
    # The order of the document, which is that of the Tab key; where the cursor is at first is the browser's choice.
    order = page.evaluate(
        "[...document.querySelectorAll('select, a, input:not([type=hidden])')].map(found => found.id)"
    )
    expected = ["login-select-toggle", "social-umbrella", "username", "password"]
    assert [name for name in order if name in expected] == expected
    assert page.evaluate('document.querySelectorAll(\'[tabindex]:not([tabindex="0"], [tabindex="-1"])\').length') == 0
    titles = page.get_by_role("heading").all_inner_texts()
    assert titles == ["Log in", *WORDS["en-US"][1:3]]


def test_login_page_in_the_dark(window):
    page = at_login(window(dark=True))
    assert page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor") != "rgb(255, 255, 255)"
    assert barriers(page) == []


def test_login_page_fetches_nothing_from_elsewhere_and_shows_the_facility(site, window):
    person = window()
    fetched = []
    person.page.on("response", lambda answer: fetched.append((urlsplit(answer.url).netloc, answer.status, answer.url)))
    page = at_login(person)
    page.wait_for_load_state("networkidle")
    assert {host for host, _, _ in fetched} == {urlsplit(site.auth).netloc}
    assert [url for _, status, url in fetched if status >= 400] == []
    assert any(url.endswith("/img/logo.svg") for _, _, url in fetched), "no logo"
    assert page.inner_text("#kc-header-wrapper").strip() == "Demo Light Source"
    assert page.get_attribute("#facility-help", "href") == f"mailto:{HELP}"
    assert page.get_attribute("#facility-privacy", "href") == "https://www.facility.test/privacy"


def test_a_mistyped_password_puts_the_cursor_back(site, window):
    person = window()
    page = at_login(person)
    page.fill("#username", "nobody-at-all")
    page.fill("#password", "wrong")
    page.click("#kc-login")
    page.wait_for_selector("#input-error-username")
    assert page.evaluate("document.activeElement.id") == "username"
    assert barriers(page) == []


# --- First login and linking ----------------------------------------------------------------------------------------


@pytest.fixture
def strangers(site):
    """People as before their first login, and again so afterwards."""
    everybody = ("alice", "bob", "carol", *(user["username"] for user in known_to_umbrella(site)))
    site.admin.forget(*everybody)
    yield site
    site.admin.forget("alice", "bob", "carol", *(user["username"] for user in known_to_umbrella(site)))


def known_to_umbrella(site):
    return [
        user
        for user in site.admin("GET", "users", params={"max": 100})
        if user["username"].endswith("@umbrellaid.test")
    ]


def test_pages_of_a_first_login(strangers, window):
    site = strangers
    person = window()
    at_login(person)
    person.through_umbrella(site.people["nomail"])
    person.page.wait_for_selector("#kc-idp-review-profile-form")
    assert "Complete your details" in person.reads()
    assert barriers(person.page) == []

    site.admin("GET", "users", params={"username": "bob", "exact": "true"})  # takes him over from the directory
    bob = window(locale="de-DE")
    at_login(bob)
    bob.through_umbrella(site.people["same"])
    bob.page.wait_for_selector("#linkAccount")
    assert "Sie haben hier schon ein Konto" in bob.reads()
    assert [button.get_attribute("id") for button in bob.page.locator("main button").all()] == [
        "linkAccount",
        "updateProfile",
    ]
    assert barriers(bob.page) == []
    bob.page.click("#linkAccount")
    bob.page.wait_for_selector("#kc-login")
    assert "Zeigen Sie, dass das Konto Ihres ist" in bob.reads()
    assert barriers(bob.page) == []


def test_pages_of_linking(strangers, window):
    site = strangers
    alice = window(locale="fr-FR")
    at_login(alice, "account-security/linked-accounts")
    alice.give_password(site.people["alice"])
    alice.page.wait_for_selector("#umbrella-idp-link", timeout=30_000)
    assert "Rien n'est encore lié" in alice.reads()
    assert "Demo Light Source" in alice.page.evaluate(
        "getComputedStyle(document.querySelector('header a'), '::after').content"
    )
    assert barriers(alice.page) == []
    alice.link()
    alice.page.wait_for_selector("#kc-login")
    assert barriers(alice.page) == []
    alice.give_password(site.people["alice"], username=False)
    alice.page.wait_for_selector("#kc-continue")
    assert barriers(alice.page) == []


# --- What goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["unknown service", "lost cookie", "provider's answer", "no such page"])
def test_error_pages_say_what_to_do_next(site, window, trouble):
    person = window(locale="de-DE")
    page = person.page
    if trouble == "unknown service":
        page.goto(f"{site.issuer}/protocol/openid-connect/auth?client_id=nobody&response_type=code")
        wanted = f"sagen Sie {HELP}, welcher Dienst es war"
    elif trouble == "lost cookie":
        at_login(person)
        action = page.get_attribute("#kc-form-login", "action")
        page.context.clear_cookies()
        page.goto(action)
        wanted = "Gehen Sie zurück zum Dienst und melden Sie sich neu an"
    elif trouble == "provider's answer":
        page.goto(f"{site.issuer}/broker/umbrella/endpoint?code=x")
        wanted = f"schreiben Sie an {HELP}"
    else:
        page.goto(f"{site.issuer}/nowhere")
        wanted = f"schreiben Sie an {HELP}"
    page.wait_for_selector("#kc-error-message")
    assert "Das hat nicht geklappt" in person.reads()
    assert wanted in person.reads()
    assert page.get_attribute("#facility-help", "href") == f"mailto:{HELP}"
    assert barriers(page) == []
