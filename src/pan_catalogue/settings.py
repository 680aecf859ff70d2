"""The configuration: one TOML file. Every key has a default but the store; an unknown key is refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from .bounds import Bounds
from .errors import SettingsError

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Server(Struct, forbid_unknown_fields=True, frozen=True):
    """Where the service listens.

    Attributes:
        host: address; behind a proxy on the same host, 127.0.0.1.
        port: TCP port.
        workers: processes; as many as cores.
        proxies: addresses of proxies whose `X-Forwarded-For` is believed.
        url: address at which the world reaches the service, for links; empty: as the request says.
        stop_seconds: how long a request may go on after a stop or reload was asked for.
        certificate: TLS certificate with its chain, PEM; workers that a reload brings read it anew. Empty: clear text, for a proxy on the same host only.
        key: its private key, PEM.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8010
    workers: Positive = 2
    proxies: tuple[str, ...] = ("127.0.0.1",)
    url: str = ""
    stop_seconds: Positive = 10
    certificate: str = ""
    key: str = ""


class Facility(Struct, forbid_unknown_fields=True, frozen=True):
    """Who the service speaks for."""

    name: str = ""


class Techniques(Struct, forbid_unknown_fields=True, frozen=True):
    """The ontology of techniques.

    Attributes:
        panet: the PaNET table (PaNET.csv). Without it a technique stands for itself alone.
    """

    panet: str = ""


class Embargo(Struct, forbid_unknown_fields=True, frozen=True):
    """The facility's rule for datasets that say nothing themselves.

    Attributes:
        months: a public dataset without a release date may be seen so many months after its creation; 0: at once. A change counts for records that come in after it: take them in again.
    """

    months: Annotated[int, Meta(ge=0, le=1200)] = 0


class Scoring(Struct, forbid_unknown_fields=True, frozen=True):
    """How free-text queries are scored.

    Attributes:
        formula: `pss`, comparable between facilities, or `bm25`.
    """

    formula: Literal["pss", "bm25"] = "pss"


class Limits(Struct, forbid_unknown_fields=True, frozen=True):
    """What one request and one client may ask for.

    Attributes:
        seconds: longest time a database may take for one statement.
        page: most records of one answer; what has no limit gets as many.
        rows: most rows of one answer, included ones counted.
        filter_characters: longest filter.
        requests: requests a second of one client, on average; 0: no limit.
        burst: requests of one client at once.
        body_mb: longest body of records that are pushed.
        tolerant: unknown keys, fields and operators are taken as the reference provider does: ignored, or matching nothing.
    """

    seconds: Seconds = 1.5
    page: Positive = 10_000
    rows: Positive = 50_000
    filter_characters: Positive = 64_000
    requests: Annotated[float, Meta(ge=0)] = 0
    burst: Positive = 100
    body_mb: Positive = 64
    tolerant: bool = False


class Push(Struct, forbid_unknown_fields=True, frozen=True):
    """Records by HTTP.

    Attributes:
        tokens: a file with the SHA-256 of each token that may write, in hexadecimal, one a line; after it a name for people. Empty: nobody may.
    """

    tokens: str = ""


class Log(Struct, forbid_unknown_fields=True, frozen=True):
    """The log on standard error.

    Attributes:
        format: `json`, one object a line, or `text` for people.
        level: least severe messages shown.
    """

    format: Literal["json", "text"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Struct, forbid_unknown_fields=True, frozen=True):
    """All of it.

    Attributes:
        store: `sqlite:/var/lib/pan-catalogue/catalogue.sqlite` or `postgresql://user@host/database?sslmode=verify-full`. A password stands in a file of libpq
            (PGPASSFILE), never here.
    """

    store: str
    server: Server = Server()
    facility: Facility = Facility()
    techniques: Techniques = Techniques()
    embargo: Embargo = Embargo()
    scoring: Scoring = Scoring()
    limits: Limits = Limits()
    push: Push = Push()
    log: Log = Log()

    @property
    def bounds(self) -> Bounds:
        """How large a filter may be."""
        return Bounds(characters=self.limits.filter_characters, rows=self.limits.page, tolerant=self.limits.tolerant)


def load(path: Path) -> Settings:
    """Return the settings in a file.

    Raises:
        SettingsError: it cannot be read, or says something that is not allowed.
    """
    try:
        settings = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Settings)
    except (OSError, UnicodeError) as e:
        raise SettingsError(f"the configuration {path} cannot be read: {e}") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as e:
        raise SettingsError(f"{path}: {e}") from None
    if not settings.store.startswith(("sqlite:", "postgresql://")):
        raise SettingsError(f"{path}: store = {settings.store!r} must begin with sqlite: or postgresql://")
    if bool(settings.server.certificate) != bool(settings.server.key):
        raise SettingsError(f"{path}: server.certificate and server.key belong together: set both, or neither")
    if urlsplit(settings.store).password:
        raise SettingsError(
            f"{path}: store holds a password, which every process list and log may show; put it into a password file of libpq (PGPASSFILE)"
        )
    return settings
