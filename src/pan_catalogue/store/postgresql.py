"""PostgreSQL: the same tables on a server."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from ..errors import ConnectionLost, StoreError, TooExpensive
from ..sql.dialects import PostgreSQL
from ..sql.fragment import Sql
from . import schema

LOCK = 0x50614E  # of the one writer (advisory, for a transaction)
# Seconds until a server that says nothing is given up: a reader that waits keeps its process from answering, a writer would have to begin anew.
READ_WAIT = 2
WRITE_WAIT = 20
PAUSE = 5.0  # seconds in which a reader does not ask such a server again


def connect(dsn: str, wait: int, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """Return a connection; a password comes from PGPASSFILE, never from the address.

    Args:
        dsn: the server's address.
        wait: seconds after which a server that is not heard of any more (its host is gone, packets are dropped) counts as lost; the kernel alone would take minutes.
        options: more of libpq's parameters.
    """
    try:
        return psycopg.connect(
            dsn,
            autocommit=True,
            application_name="pan-catalogue",
            connect_timeout=wait,
            tcp_user_timeout=wait * 1000,
            keepalives_idle=wait,
            keepalives_interval=1,
            keepalives_count=wait,
            **options,
        )
    except psycopg.Error as e:
        raise StoreError(f"cannot reach PostgreSQL: {e}".strip()) from e


def bound(statement: Sql) -> bytes:
    """Return the statement's text with psycopg's places for values."""
    return statement.text.replace("%", "%%").replace("?", "%s").encode()


class Reader:
    """Reads. It cannot write, and no statement runs longer than `seconds`."""

    dialect = PostgreSQL()

    def __init__(self, dsn: str, seconds: float) -> None:
        self.dsn = dsn
        self.seconds = seconds
        self.techniques: dict[str, int] = {}
        self.names: dict[int, str] = {}
        self._db: psycopg.Connection[tuple[Any, ...]] | None = None
        self._silent_until = 0.0

    def _connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._db is None or self._db.closed:
            begun = time.monotonic()
            if begun < self._silent_until:
                raise StoreError("PostgreSQL did not answer a moment ago")
            settings = {"default_transaction_read_only": "on", "statement_timeout": f"{int(self.seconds * 1000)}", "jit": "off", "random_page_cost": "1.1",
                        "plan_cache_mode": "force_custom_plan"}  # fmt: skip
            try:
                self._db = connect(self.dsn, READ_WAIT, options=" ".join(f"-c {k}={v}" for k, v in settings.items()))
            except StoreError:
                ended = time.monotonic()
                if ended - begun > READ_WAIT / 2:  # it was not refused, as while a server restarts
                    self._silent_until = ended + PAUSE
                raise
        return self._db

    def begin(self) -> None:
        """Start the clock of one request: PostgreSQL has its own for each statement."""

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT.

        Raises:
            TooExpensive: it took longer than allowed.
            ConnectionLost: the connection ended; the next statement makes another.
            StoreError: the database cannot be read.
        """
        try:
            return self._connection().execute(bound(statement), statement.values).fetchall()
        except psycopg.errors.QueryCanceled:
            raise TooExpensive(
                f"answering takes longer than {self.seconds:g} s; ask for less, or narrow it down"
            ) from None
        except psycopg.OperationalError as e:
            self.close()
            raise ConnectionLost(f"PostgreSQL: {e}".strip()) from e
        except psycopg.Error as e:
            raise StoreError(f"PostgreSQL: {e}".strip()) from e

    def tally(self, statement: Sql) -> dict[int | None, int]:
        """Return how often each value is in the one column of a SELECT; errors are those of `rows`."""
        return dict(self.rows("SELECT key, count(*) FROM (" + statement + ") found (key) GROUP BY key"))

    def close(self) -> None:
        """End the connection. What the next one finds may be another database: a copy that was put back."""
        self.techniques.clear()
        self.names.clear()
        if self._db is not None:
            self._db.close()
            self._db = None


class Writer:
    """Writes, in transactions."""

    dialect = PostgreSQL()

    def __init__(self, dsn: str) -> None:
        self._db = connect(dsn, WRITE_WAIT)
        self._migrate()

    def _migrate(self) -> None:
        try:
            with self.transaction():
                self._db.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                if self._db.execute("SELECT to_regclass('meta')").fetchone() == (None,):
                    for statement in schema.tables("postgresql"):
                        self._db.execute(statement.encode())
                    self._db.execute("INSERT INTO meta VALUES ('schema', %s)", (str(schema.VERSION),))
                found = self._db.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone()
                schema.check(int(found[0]) if found else 0, "the database")
                for statement in schema.indexes("postgresql"):
                    self._db.execute(statement.encode())
        except psycopg.Error as e:
            raise StoreError(f"PostgreSQL: {e}".strip()) from e

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the one place of a writer; all that is written inside is there afterwards, or nothing."""
        try:
            with self._db.transaction():
                self._db.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                yield
        except psycopg.Error as e:
            raise StoreError(f"nothing was written: PostgreSQL: {e}".strip()) from e

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT.

        Raises:
            StoreError: the database cannot be read; the connection may be lost.
        """
        try:
            return self._db.execute(bound(statement), statement.values).fetchall()
        except psycopg.Error as e:
            raise StoreError(f"PostgreSQL: {e}".strip()) from e

    def execute(self, statement: Sql) -> None:
        """Run one statement."""
        self._db.execute(bound(statement), statement.values)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows, in one stream."""
        if not rows:
            return
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with self._db.cursor().copy(copy) as stream:
            for row in rows:
                stream.write_row(row)

    def settle(self) -> None:
        """Bring the statistics of the query planner up to date, after many records came in."""
        self._db.execute("VACUUM (ANALYZE)")

    def close(self) -> None:
        """End the connection."""
        self._db.close()
