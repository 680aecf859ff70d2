"""Jinja tests for what a site writes: addresses, names, secrets. Used by `meta/rules.yml` of the roles."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

# RFC 1123 host name with at least one dot, so that it can be in a certificate.
DOMAIN = re.compile(
    r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z", re.IGNORECASE
)
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?P<domain>.+)\Z")
ROR = re.compile(r"https://ror\.org/0(?P<number>[0-9abcdefghjkmnpqrstvwxyz]{6})(?P<check>[0-9]{2})\Z")
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
LOCAL = {"localhost", "127.0.0.1", "::1"}
# Passwords that stand in published examples, images and demo realms, and what people type instead of one.
PUBLISHED = (
    "admin",
    "change",
    "default",
    "demo",
    "example",
    "keycloak",
    "password",
    "passw0rd",
    "secret",
    "test",
    "visa",
    "scicat",
)
PUBLISHED_WHOLE = {"2jf70TPNZsS", "am2jf70TPNZsSan", "aman", "1q2w3e4r", "qwerty"}
LEAST_DIFFERENT = 6  # characters that a secret must at least consist of


def domain_name(value: Any) -> bool:
    """Whether the value is a fully qualified host or domain name."""
    return isinstance(value, str) and DOMAIN.match(value) is not None


def email(value: Any) -> bool:
    """Whether the value is one e-mail address without a display name."""
    match = EMAIL.match(value) if isinstance(value, str) else None
    return match is not None and domain_name(match["domain"])


def https_url(value: Any) -> bool:
    """Whether the value is an https URL without trailing slash, query, fragment, user or wildcard."""
    if not isinstance(value, str) or re.search(r"[\s*<>\"\\]", value):
        return False
    try:
        url = urlsplit(value)
        port_is_valid = url.port is None or url.port > 0
    except ValueError:
        return False
    bare = not (url.query or url.fragment or url.username or value.endswith(("/", "?", "#")))
    return (
        url.scheme == "https"
        and domain_name(url.hostname)
        and bare
        and port_is_valid
        and ".." not in url.path.split("/")
    )


def https_origin(value: Any) -> bool:
    """Whether the value is an https URL of scheme, host and perhaps port, nothing after it."""
    return https_url(value) and not urlsplit(value).path


def network(value: Any) -> bool:
    """Whether the value is an IPv4 or IPv6 network in CIDR notation, with a prefix length and no host bits."""
    try:
        return isinstance(value, str) and "/" in value and ipaddress.ip_network(value) is not None
    except ValueError:
        return False


def ror_id(value: Any) -> bool:
    """Whether the value is the URL of a Research Organization Registry id; its two check digits are verified (ISO 7064)."""
    match = ROR.match(value) if isinstance(value, str) else None
    if match is None:
        return False
    number = 0
    for character in match["number"]:
        number = number * 32 + CROCKFORD.index(character)
    return 98 - number * 100 % 97 == int(match["check"])


def redirect_uri(value: Any, allow_localhost: bool = False) -> bool:
    """Whether an identity server may send logins to this URI: exact, https; http only to this computer and only if allowed."""
    if not isinstance(value, str) or re.search(r"[\s*<>\"\\#+]", value):
        return False
    try:
        url = urlsplit(value)
        host = url.hostname or ""
    except ValueError:
        return False
    if url.username or ".." in url.path.split("/"):
        return False
    if host in LOCAL:
        return allow_localhost and url.scheme in {"http", "https"}
    return url.scheme == "https" and domain_name(host)


def web_origin(value: Any, allow_localhost: bool = False) -> bool:
    """Whether the value is one exact origin that may call the identity server from a browser; never `+` or `*`."""
    return redirect_uri(value, allow_localhost) and urlsplit(value).path == "" and not urlsplit(value).query


def strong_secret(value: Any, shortest: int = 16) -> bool:
    """Whether a secret is long enough, varied enough and not one that stands in a published example."""
    if not isinstance(value, str) or len(value) < shortest or len(set(value)) < min(LEAST_DIFFERENT, shortest):
        return False
    if value in PUBLISHED_WHOLE:
        return False
    # `Change-Me-Change-Me-1`, `admin123admin123`: nothing is left when the words and the padding go.
    rest = value.lower()
    for word in (*PUBLISHED, "me", "my", "password", "client", "user", "123456", "1234", "123"):
        rest = rest.replace(word, "")
    return len(set(re.sub(r"[^a-z0-9]", "", rest))) >= min(LEAST_DIFFERENT, shortest)


class TestModule:
    """Tests of this file."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Return name -> function."""
        return {
            "domain_name": domain_name,
            "email": email,
            "https_origin": https_origin,
            "https_url": https_url,
            "network": network,
            "redirect_uri": redirect_uri,
            "ror_id": ror_id,
            "strong_secret": strong_secret,
            "web_origin": web_origin,
        }
