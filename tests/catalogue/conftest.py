"""Fixtures: a catalogue in either store. Every test that takes `make` or `catalogue` runs on both."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from own_postgresql import OwnPostgreSQL
from served import Served

Make = Callable[..., Served]
numbers = count(1)
MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgreSQL]:
    # Hundreds of databases of many small files, which take a minute to remove from a disk.
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30
    options = ("fsync=off", "shared_buffers=256MB", "max_wal_size=256MB")
    with ExitStack() as stack:
        server = OwnPostgreSQL(stack, tmp_path_factory.mktemp("postgresql"), *options, place=MEMORY if roomy else None)
        os.environ["PGPASSFILE"] = str(server.passfile)
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes a catalogue: make(records, ontology=file, **settings)."""
    made: list[Served] = []
    databases: list[str] = []

    def one(records: Any = (), ontology: Path | None = None, **settings: Any) -> Served:
        folder = tmp_path_factory.mktemp("catalogue")
        url = f"sqlite:{folder}/catalogue.sqlite"
        if request.param == "postgresql":
            server: OwnPostgreSQL = request.getfixturevalue("postgresql")
            name = f"catalogue_{next(numbers)}"
            with psycopg.connect(server.url("postgres"), autocommit=True) as db:
                db.execute(f"CREATE DATABASE {name}".encode())
            databases.append(name)
            url = server.url(name)
        served = Served(url, folder, **settings)
        made.append(served)
        if ontology:
            served.ontology(ontology)
        result = served.load(records)
        assert not result.rejected, result.rejected[0]
        return served.start()

    yield one
    for served in made:
        served.stop()
    if request.param == "postgresql":
        with psycopg.connect(request.getfixturevalue("postgresql").url("postgres"), autocommit=True) as db:
            for name in databases:
                db.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
