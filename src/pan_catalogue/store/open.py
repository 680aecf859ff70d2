"""The store that the settings name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Union

from ..settings import Settings
from . import sqlite

if TYPE_CHECKING:
    from . import postgresql

Reader = Union["sqlite.Reader", "postgresql.Reader"]
Writer = Union["sqlite.Writer", "postgresql.Writer"]


def reader(settings: Settings) -> Reader:
    """Return a connection that reads.

    Raises:
        StoreError: the database is not there.
    """
    if settings.store.startswith("sqlite:"):
        return sqlite.Reader(file(settings), settings.limits.seconds)
    from . import postgresql

    return postgresql.Reader(settings.store, settings.limits.seconds)


def writer(settings: Settings) -> Writer:
    """Return a connection that writes, with all tables made.

    Raises:
        StoreError: the database cannot be written, or is newer than this program.
    """
    if settings.store.startswith("sqlite:"):
        return sqlite.Writer(file(settings))
    from . import postgresql

    return postgresql.Writer(settings.store)


def file(settings: Settings) -> Path:
    """Return the file of an SQLite store."""
    return Path(settings.store.removeprefix("sqlite:"))
