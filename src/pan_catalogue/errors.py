"""What can go wrong, and what a client is told.

::

    CatalogueError
    ├── RequestError             the client can mend it; becomes an HTTP answer
    │   ├── BadFilter            400  the filter, where or path says something that has no meaning
    │   ├── TooExpensive         400  it has a meaning, and answering would take too long or too much
    │   ├── NotFound             404  no such record, or one that is not public (nobody can tell which)
    │   ├── Unauthorised         401  no token, or an unknown one
    │   ├── TooLarge             413  the body or the filter is longer than allowed
    │   └── TooMany              429  this client asks more often than allowed
    ├── RecordError              a record that cannot be taken in: where it stands and why
    ├── SettingsError            the configuration file: which key, what is allowed
    ├── ProviderError            another provider that was to be tried: unreachable, or no search API
    └── StoreError               the database: unreachable, full, or newer than this program
        └── ConnectionLost       in the middle of a request, which may be done once more
"""

from __future__ import annotations

from typing import Any


class CatalogueError(Exception):
    """Base of all errors of the catalogue; its text is meant for people."""


class RequestError(CatalogueError):
    """A request that the client can mend.

    Attributes:
        status: HTTP status code of the answer.
        code: stable upper-case word for programs.
        key: what in the request is meant, such as `filter.include[0].relation`, or an empty text.
    """

    status = 400
    code = "BAD_REQUEST"

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(f"{key}: {message}" if key else message)
        self.key = key

    def body(self) -> dict[str, Any]:
        """Return the answer's body, in the shape the reference provider's framework gives (LoopBack 3 `strong-error-handler`)."""
        return {
            "error": {"statusCode": self.status, "name": type(self).__name__, "message": str(self), "code": self.code}
        }


class BadFilter(RequestError):
    """A filter without a meaning; `key` names the part of it."""

    code = "BAD_FILTER"


class TooExpensive(RequestError):
    """A filter whose answer would take too long or hold too many rows."""

    code = "TOO_EXPENSIVE"


class NotFound(RequestError):
    """No such record, or none that may be seen."""

    status = 404
    code = "MODEL_NOT_FOUND"


class Unauthorised(RequestError):
    """A request that needs a token and has none that is known."""

    status = 401
    code = "AUTHORIZATION_REQUIRED"


class TooLarge(RequestError):
    """A filter or body longer than allowed."""

    status = 413
    code = "TOO_LARGE"


class TooMany(RequestError):
    """A client that asks more often than allowed."""

    status = 429
    code = "TOO_MANY_REQUESTS"


class RecordError(CatalogueError):
    """A record that cannot be taken in.

    Attributes:
        where: file and line, or the HTTP body's position.
        why: what is wrong with it.
    """

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(f"{where}: {why}" if where else why)
        self.where = where
        self.why = why


class SettingsError(CatalogueError):
    """A configuration that cannot be used."""


class ProviderError(CatalogueError):
    """A provider that cannot be tried."""


class StoreError(CatalogueError):
    """A database that cannot be used."""


class ConnectionLost(StoreError):
    """A connection that ended, as when the server is restarted: another one may work."""
