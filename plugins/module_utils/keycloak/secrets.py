# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Secrets of a realm: references in the document, values apart, fingerprints on the server.

Keycloak 26 returns a client's secret in the clear but masks those of identity providers, LDAP and
SMTP. Whether a masked one is still the wanted one is known by a keyed fingerprint stored beside it,
in a place that survives other people's updates: a key of the identity provider's config, and
attributes of the realm for LDAP and SMTP (unknown keys of an LDAP component are dropped).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import DocumentError

PREFIX = "secret:"
MASK = "**********"  # what Keycloak shows; sent back as a client's secret it would BECOME the secret
FINGERPRINT = "facility.fingerprint"
CHANGED = ("(a secret)", "(changed)")  # how a plan and a diff show one


class Secret:
    """A value that never shows itself: print, log, JSON and repr give its name only."""

    def __init__(self, name: str, value: str, key: str) -> None:
        self.name, self._value, self._key = name, value, key

    def reveal(self) -> str:
        """The clear value, for the body of a request and nothing else."""
        return self._value

    def matches(self, clear: Any) -> bool:
        """Whether this is the value that Keycloak showed in the clear."""
        return isinstance(clear, str) and hmac.compare_digest(clear.encode(), self._value.encode())

    def stored(self, place: str, fingerprint: Any, shown: Any) -> bool:
        """Whether a masked value is this one: something is there, with this one's fingerprint beside it."""
        return bool(shown) and fingerprint == self.fingerprint(place)

    def fingerprint(self, place: str) -> str:
        """HMAC-SHA256 over place and value: equal secrets in two places do not look equal."""
        text = f"{place}\0{self._value}".encode()
        return "v1:" + hmac.new(self._key.encode(), text, hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"<secret {self.name}>"


class Keyring:
    """Turns `secret:<name>` into a Secret; refuses what must not be sent."""

    def __init__(self, values: Mapping[str, Any], key: str, kept: Iterable[str] = ()) -> None:
        self._values, self._key, self._kept = values, key, set(kept)

    def resolve(self, reference: Any, where: str) -> Secret | None:
        """The Secret of a reference that stands at `where` in the document, None if it stays as it is; raises DocumentError."""
        if isinstance(reference, Secret):
            return reference
        if not isinstance(reference, str) or not reference.startswith(PREFIX):
            raise DocumentError(
                "a secret stands in the clear in the document",
                where,
                f"Write '{PREFIX}<name>' there and give the value in the option secrets",
            )
        name = reference[len(PREFIX) :]
        if name in self._kept:
            return None
        if name not in self._values:
            raise DocumentError(f"no secret is named {name!r}", where, "Add it to the option secrets")
        value = self._values[name]
        if not isinstance(value, str) or not value or set(value) == {"*"}:
            raise DocumentError(
                f"the secret {name!r} is empty, not text, or a mask of asterisks", where, "Give the real value"
            )
        return Secret(name, value, self._key)
