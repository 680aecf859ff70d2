"""SQLite: one file, WAL, readers in every process and one writer at a time."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import CatalogueError, StoreError, TooExpensive
from ..sql.dialects import SQLite, short_grams
from ..sql.fragment import Sql
from . import schema

STEPS = 10_000  # of SQLite's virtual machine between two looks at the clock
WAIT = 60.0  # seconds that a writer waits for another


class Reader:
    """Reads. It cannot write, and no statement runs longer than `seconds`."""

    dialect = SQLite()

    def __init__(self, path: Path, seconds: float, cache_mb: int = 16) -> None:
        if not path.exists():
            raise StoreError(f"{path} does not exist; `pan-catalogue ingest` or `pan-catalogue serve` makes it")
        self.seconds = seconds
        self.techniques: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self._until = 0.0
        self._db = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro",
            uri=True,
            cached_statements=256,
            check_same_thread=False,
            isolation_level=None,
        )
        # No mmap: with a cold cache it reads tens of times slower, for it reads page by page.
        for pragma in (
            "query_only=1",
            f"cache_size=-{cache_mb * 1000}",
            "temp_store=MEMORY",
            "mmap_size=0",
            "busy_timeout=5000",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.set_progress_handler(self._late, STEPS)

    def _late(self) -> bool:
        return time.monotonic() > self._until

    def begin(self) -> None:
        """Start the clock of one request."""
        self._until = time.monotonic() + self.seconds

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT.

        Raises:
            TooExpensive: it took longer than allowed.
            StoreError: the database cannot be read.
        """
        try:
            return self._db.execute(statement.text, statement.values).fetchall()
        except sqlite3.OperationalError as e:
            raise self._told(e) from e

    def tally(self, statement: Sql) -> Counter[int | None]:
        """Return how often each value is in the one column of a SELECT; errors are those of `rows`. GROUP BY would sort the rows first, and take five times as long."""
        try:
            return Counter(map(itemgetter(0), self._db.execute(statement.text, statement.values)))
        except sqlite3.OperationalError as e:
            raise self._told(e) from e

    def _told(self, error: sqlite3.OperationalError) -> CatalogueError:
        if "interrupted" in str(error):
            return TooExpensive(f"answering takes longer than {self.seconds:g} s; ask for less, or narrow it down")
        return StoreError(str(error))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class Writer:
    """Writes, in transactions."""

    dialect = SQLite()

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=WAIT, isolation_level=None, cached_statements=256)
            for pragma in (
                "journal_mode=WAL",
                "synchronous=NORMAL",
                "cache_size=-64000",
                "temp_store=MEMORY",
                "mmap_size=0",
            ):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.create_function("short_grams", -1, short_grams, deterministic=True)
        except (OSError, sqlite3.Error) as e:
            raise StoreError(f"cannot write {path}: {e}") from e
        path.chmod(0o640)
        self.path = path
        self._migrate()

    def _migrate(self) -> None:
        schema.check(self._db.execute("PRAGMA user_version").fetchone()[0] or schema.VERSION, str(self.path))
        with self.transaction():
            if self._db.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in schema.tables("sqlite"):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {schema.VERSION}")
            for statement in schema.indexes("sqlite"):
                self._db.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the one place of a writer; all that is written inside is there afterwards, or nothing."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk has ended it already
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as e:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise StoreError(f"nothing was written to {self.path}: {e}") from e

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT.

        Raises:
            StoreError: the database cannot be read.
        """
        try:
            return self._db.execute(statement.text, statement.values).fetchall()
        except sqlite3.Error as e:
            raise StoreError(f"{self.path}: {e}") from e

    def execute(self, statement: Sql) -> None:
        """Run one statement."""
        self._db.execute(statement.text, statement.values)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows."""
        self._db.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows
        )

    def settle(self) -> None:
        """Bring the statistics of the query planner up to date and the log into the file, after many records came in."""
        self._db.execute("PRAGMA analysis_limit = 20000")
        self._db.execute("ANALYZE")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def backup(self, target: Path) -> None:
        """Copy the database into a new file while it is used."""
        if target.exists():
            raise StoreError(f"{target} exists")
        with sqlite3.connect(target) as copy:
            self._db.backup(copy)
        copy.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()
