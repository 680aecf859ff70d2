# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Errors that say what went wrong, where, and how to mend it."""

from __future__ import annotations

from typing import Any


class KeycloakError(Exception):
    """Base of all errors here; `str()` of it is the message meant for people."""

    def __init__(self, what: str, where: str = "", mend: str = "") -> None:
        self.what, self.where, self.mend = what, where, mend
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.mend}" if self.mend else text


class DocumentError(KeycloakError):
    """The wanted document is wrong; nothing was written."""


class UnreachableError(KeycloakError):
    """No usable answer: name, port, TLS, timeout."""


class ServerError(UnreachableError):
    """5xx to the last attempt."""


class LoginError(KeycloakError):
    """The automation client got no token."""


class RightsError(KeycloakError):
    """The token lacks an admin role that the document needs."""


class IssuerError(KeycloakError):
    """An identity provider calls itself by another name than the document does."""


class RefusedError(KeycloakError):
    """The server answered with 4xx."""

    def __init__(self, status: int, what: str, where: str = "", mend: str = "") -> None:
        self.status = status
        super().__init__(what, where, mend)


class PartialError(KeycloakError):
    """A change failed; `applied` lists the changes written before it."""

    def __init__(self, cause: KeycloakError, failed: str, applied: list[Any]) -> None:
        self.applied = applied
        done = ", ".join(f"{change.kind} {change.name}" for change in applied) or "nothing"
        mend = f"{cause.mend}. " if cause.mend else ""
        super().__init__(
            cause.what,
            f"{failed}: {cause.where}" if cause.where else failed,
            f"{mend}Written before it: {done}. The next run goes on from here",
        )
