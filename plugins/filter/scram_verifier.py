"""Filter `scram_verifier`: what PostgreSQL stores of a password, so that the password itself need not be sent."""

from __future__ import annotations

DOCUMENTATION = """
name: scram_verifier
short_description: SCRAM-SHA-256 verifier of a password, as PostgreSQL stores it
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
description:
  - Returns the text that PostgreSQL keeps in C(pg_authid.rolpassword) for a password (RFC 5802 and RFC 7677).
  - The same password and user always give the same verifier, so that a task with it changes nothing the second time. The salt is
    therefore taken from both by the same slow function that protects the password, and helps nobody to guess it faster.
positional: _input, user
options:
  _input:
    description: The password, printable ASCII.
    type: str
    required: true
  user:
    description: The user of the database.
    type: str
    required: true
"""

EXAMPLES = """
- name: Set a password without sending it
  community.postgresql.postgresql_user:
    name: catalogue
    password: "{{ catalogue_db_password | panosc.facility.scram_verifier('catalogue') }}"
  no_log: true
"""

RETURN = """
_value:
  description: The verifier, C(SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey).
  type: str
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable

from ansible.errors import AnsibleFilterError

ITERATIONS = 4096  # PostgreSQL's own number; clients repeat them at every login
SALT_LENGTH = 16


def scram_verifier(password: str, user: str) -> str:
    """Return the verifier of a user's password.

    Raises:
        AnsibleFilterError: the password has characters that clients would first have to normalise (SASLprep).
    """
    if not password or not password.isascii() or not password.isprintable():
        raise AnsibleFilterError(
            f"the password of database user {user} is empty or holds characters other than printable ASCII"
        )
    secret = password.encode()
    salt = hashlib.pbkdf2_hmac(
        "sha256", secret, b"panosc.facility.scram_verifier:" + user.encode(), ITERATIONS, SALT_LENGTH
    )
    return verifier(secret, salt)


def verifier(secret: bytes, salt: bytes) -> str:
    """Return the verifier of a password with this salt."""
    salted = hashlib.pbkdf2_hmac("sha256", secret, salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return name -> function."""
        return {"scram_verifier": scram_verifier}
