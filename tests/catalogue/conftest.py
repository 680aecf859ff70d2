"""Fixtures: a catalogue in either store. Every test that takes `make` or `catalogue` runs on both."""

from __future__ import annotations

import os
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


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgreSQL]:
    with ExitStack() as stack:
        server = OwnPostgreSQL(stack, tmp_path_factory.mktemp("postgresql"), "fsync=off", "shared_buffers=256MB")
        os.environ["PGPASSFILE"] = str(server.passfile)
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes a catalogue: make(records, ontology=file, **settings)."""
    made: list[Served] = []

    def one(records: Any = (), ontology: Path | None = None, **settings: Any) -> Served:
        folder = tmp_path_factory.mktemp("catalogue")
        url = f"sqlite:{folder}/catalogue.sqlite"
        if request.param == "postgresql":
            server: OwnPostgreSQL = request.getfixturevalue("postgresql")
            name = f"catalogue_{next(numbers)}"
            with psycopg.connect(server.url("postgres"), autocommit=True) as db:
                db.execute(f"CREATE DATABASE {name}".encode())
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
