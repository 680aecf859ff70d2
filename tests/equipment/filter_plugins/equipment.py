"""TEST EQUIPMENT: password hashes that both OpenLDAP and the home organisation's IdP can check."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

ROUNDS = 20_000  # the passwords are generated, 32 characters: the hash need not be slow


def pbkdf2(password: str, salt: str) -> str:
    """Hash a password in the format of OpenLDAP's pw-pbkdf2 module.

    Args:
        password: the clear text.
        salt: anything that differs between people; the same input gives the same hash, so a second run changes nothing.

    Returns:
        ``{PBKDF2-SHA512}rounds$salt$hash``, in base64 with ``.`` for ``+`` and no padding.
    """
    raw = hashlib.sha256(salt.encode()).digest()[:16]
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), raw, ROUNDS)

    def encode(data: bytes) -> str:
        return base64.b64encode(data).decode().rstrip("=").replace("+", ".")

    return f"{{PBKDF2-SHA512}}{ROUNDS}${encode(raw)}${encode(digest)}"


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Name the filters of this file."""
        return {"equipment_pbkdf2": pbkdf2}
