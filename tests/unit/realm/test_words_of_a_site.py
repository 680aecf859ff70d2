"""The Jinja tests behind the rules: what a site may write."""

import secrets

import pytest
from ansible_collections.panosc.facility.plugins.test import facility as words


@pytest.mark.parametrize("value", ["a@b.example", "first.last+tag@sub.facility.example"])
def test_email(value):
    assert words.email(value)


@pytest.mark.parametrize(
    "value", ["", None, "a", "a@b", "A <a@b.example>", "a@b.example, c@d.example", "a b@c.example"]
)
def test_no_email(value):
    assert not words.email(value)


@pytest.mark.parametrize("value", ["https://a.example", "https://a.example:8443", "https://a.example/b/c"])
def test_https_url(value):
    assert words.https_url(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "http://a.example",
        "https://a",
        "https://a.example/",
        "https://a.example/x/",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://*.a.example",
        "https://u:p@a.example",
        "https://a.example/../b",
        "https://a.example:99999",
        "https://a.example /x",
        "ftp://a.example",
        "javascript:alert(1)",
    ],
)
def test_no_https_url(value):
    assert not words.https_url(value)


def test_https_origin():
    assert words.https_origin("https://auth.facility.example:8443")
    assert not words.https_origin("https://auth.facility.example/realms")


@pytest.mark.parametrize("value", ["192.0.2.0/24", "192.0.2.1/32", "2001:db8::/32", "::1/128"])
def test_network(value):
    assert words.network(value)


@pytest.mark.parametrize("value", ["192.0.2.1", "192.0.2.1/24", "192.0.2.0/33", "0/0 ", "any", None, 1])
def test_no_network(value):
    assert not words.network(value)


@pytest.mark.parametrize("number", ["04wxnsj81", "02jbv0t02", "02550n020", "03eh3y714", "01js2sh04"])
def test_ror_id(number):
    assert words.ror_id(f"https://ror.org/{number}")


@pytest.mark.parametrize(
    "value", ["https://ror.org/04wxnsj82", "https://ror.org/04wxnjs81", "04wxnsj81", "https://ror.org/04wxnsj8", None]
)
def test_no_ror_id(value):
    assert not words.ror_id(value)


@pytest.mark.parametrize("value", ["https://a.example/cb", "https://a.example:8443/cb?x=1", "https://a.example"])
def test_redirect_uri(value):
    assert words.redirect_uri(value)


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "+",
        "",
        None,
        "/cb",
        "https://a.example/*",
        "https://*.example/cb",
        "http://a.example/cb",
        "https://a.example/cb#f",
        "https://a.example/x/../cb",
        "https://u@a.example/cb",
        "http://localhost:4200/cb",
        "https://localhost/cb",
        "http://localhost.a.example/cb",
        "app://cb",
    ],
)
def test_no_redirect_uri(value):
    assert not words.redirect_uri(value)


@pytest.mark.parametrize(
    "value", ["http://localhost:4200/cb", "http://127.0.0.1/cb", "http://[::1]:8080/cb", "https://a.example/cb"]
)
def test_redirect_uri_of_a_developer(value):
    assert words.redirect_uri(value, allow_localhost=True)


@pytest.mark.parametrize(
    "value", ["http://localhost/*", "http://a.example/cb", "http://localhost.a.example/cb", "app://localhost/cb"]
)
def test_no_redirect_uri_even_of_a_developer(value):
    assert not words.redirect_uri(value, allow_localhost=True)


def test_web_origin():
    assert words.web_origin("https://a.example:8443")
    assert not any(map(words.web_origin, ["+", "*", "https://a.example/x", "http://a.example", "https://*.a.example"]))


def test_random_secrets_are_strong():
    assert all(words.strong_secret(secrets.token_urlsafe(24)) for _ in range(2000))
    assert all(words.strong_secret(secrets.token_hex(16)) for _ in range(2000))


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        12345678901234567890,
        "Xy7-short",
        "a" * 40,
        "abababababababababab",
        "changeme-changeme-1234",
        "ChangeMe!ChangeMe!ChangeMe!",
        "my-client-secret-1234",
        "admin123admin123admin123",
        "keycloak-password",
        "passwordpassword1234",
    ],
)
def test_weak_secrets(value):
    assert not words.strong_secret(value)


def test_given_passwords_may_be_shorter():
    assert words.strong_secret("k3Zq-91x", 8)
    assert not words.strong_secret("password", 8)
    assert not words.strong_secret("2jf70TPNZsS", 8)  # stands in SciCat's example
