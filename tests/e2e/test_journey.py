"""The demo's last step: people log in, in a real browser, and each step leaves a picture."""

from __future__ import annotations

LARS = "7d1f60a2c7f14d0c9e0c5a4c6e9b1d37@umbrellaid.test"
JANE = "28c5353b8bb34984a8bd4169ba94c606@umbrellaid.test"


def test_through_umbrellaid(site, window, diary):
    jane = window()
    jane.open_console()
    jane.page.wait_for_selector("#social-umbrella")
    print()
    diary(jane, "login-page", "The facility's login page offers UmbrellaID and a local login")
    jane.choose()
    jane.page.wait_for_selector("form#login")
    assert "TEST EQUIPMENT" in jane.reads()
    diary(jane, "home-organisation", "UmbrellaID sends Jane to her home organisation")
    jane.log_in_at_home(site.people["jane"])
    assert jane.console_shows() == {
        "username": JANE,
        "email": "jane.doe@uni.test",
        "firstName": "Jane",
        "lastName": "Doe",
    }
    diary(jane, "account-of-jane", "Jane is in: her account came from UmbrellaID")


def test_from_the_directory(site, window, diary):
    alice = window()
    alice.open_console()
    alice.give_password(site.people["alice"])
    shown = alice.console_shows()
    assert (shown["username"], shown["email"]) == ("alice", "alice@facility.test")
    diary(alice, "account-of-alice", "Alice is in: her account came from the facility's LDAP")


def test_linking_both(site, window, diary):
    site.admin.forget("alice", LARS)  # what earlier runs left
    alice = window()
    alice.open_console("account-security/linked-accounts")
    alice.give_password(site.people["alice"])
    alice.page.wait_for_selector("#umbrella-idp-link")
    diary(alice, "not-linked", "Alice sees that UmbrellaID is not linked to her account")
    alice.link()
    alice.page.wait_for_selector("#kc-login")
    diary(alice, "password-again", "Before linking she has to give her LDAP password again")
    alice.give_password(site.people["alice"], username=False)
    alice.page.click("#kc-continue")
    alice.log_in_at_home(site.people["lars"])
    alice.page.wait_for_selector("#umbrella-idp-unlink")
    diary(alice, "linked", "Linked: she is `lars` at her home organisation")

    later = window()
    later.open_console()
    later.through_umbrella(site.people["lars"])
    shown = later.console_shows()
    assert (shown["username"], shown["email"]) == ("alice", "alice@facility.test")
    diary(later, "same-account", "Next day she comes through UmbrellaID and is Alice: one account, two ways in")
