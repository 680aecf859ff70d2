"""The search API without HTTP: each call is one request, from its texts to its objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from . import grammar
from .errors import BadFilter, ConnectionLost, NotFound
from .facets import Facets
from .model import MODELS, relation_of
from .plan import Plan
from .query import Find, Include
from .rows import Fetch, Object
from .score import Scorer
from .settings import Settings
from .sql.dialects import Dialect
from .sql.fragment import Sql, bracketed, every
from .sql.sets import Sets


class Reader(Protocol):
    """A connection that reads.

    Attributes:
        techniques: for `Sets`: what is known as long as the connection lasts.
        names: for `Fetch`: the same.
    """

    techniques: dict[str, int]
    names: dict[int, str]

    @property
    def dialect(self) -> Dialect:
        """Of the database."""

    def begin(self) -> None:
        """Start the clock of one request."""

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT."""

    def tally(self, statement: Sql) -> Mapping[int | None, int]:
        """Return how often each value is in the one column of a SELECT."""

    def close(self) -> None:
        """End the connection."""


Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def once_more(
    call: Callable[Concatenate[Provider, Given], Answer],
) -> Callable[Concatenate[Provider, Given], Answer]:
    """Return a call that is begun anew when its connection is lost: all its statements then go to one database."""

    @wraps(call)
    def answered(self: Provider, /, *given: Given.args, **named: Given.kwargs) -> Answer:
        try:
            return call(self, *given, **named)
        except ConnectionLost:
            return call(self, *given, **named)

    return answered


@dataclass
class Provider:
    """Answers the calls of the search API.

    All methods raise `BadFilter` for a filter without a meaning, `TooExpensive` for one whose answer takes too long, `NotFound` for a record that is not there or that
    nobody may see.

    Attributes:
        reader: connection to the database; one thread at a time.
        settings: of the service.
        clock: seconds since 1970.
    """

    reader: Reader
    settings: Settings
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        """Keep what each request needs."""
        self._bounds = self.settings.bounds

    @once_more
    def listed(self, model: str, filter: str | None) -> tuple[list[Object], bool]:  # noqa: A002 - its name in the API
        """Return the records that meet a filter, and whether there may be more than one answer can hold."""
        find = grammar.of_filter(model, filter, self._bounds)
        sets = self._sets()
        plan = Plan(self.reader, sets, find)
        limit = find.limit or self.settings.limits.page
        fetch = self._fetch(sets)
        if find.words is None:
            objects = fetch.page(plan, limit)
        else:
            scored = Scorer(self.reader, plan, self.settings.scoring.formula).page(limit)
            objects = fetch.objects(find, dict(scored))
        return objects, find.limit is None and len(objects) == limit

    @once_more
    def one(self, model: str, pid: str, filter: str | None) -> Object:  # noqa: A002 - its name in the API
        """Return a record by its pid."""
        find = grammar.of_filter(model, filter, self._bounds)
        if not self.settings.limits.tolerant and (
            find.order or find.skip or find.limit or find.words is not None or find.where != Find(model).where
        ):
            raise BadFilter("one record is asked for: only `include` and `fields` have a meaning", "filter")
        sets = self._sets()
        return self._fetch(sets).objects(find, {self._id(model, pid, sets.now): None})[0]

    @once_more
    def count(self, model: str, where: str | None, filter: str | None = None) -> int:  # noqa: A002 - its name in the API
        """Return how many records meet a condition, or a whole filter: as many as its list would have without `limit` and `skip`."""
        if where is not None and filter is not None:
            raise BadFilter("give `where` or `filter`, not both", "where")
        if filter is not None:
            return self._counting(model, filter).count()
        return Plan(self.reader, self._sets(), grammar.of_where(model, where, self._bounds)).count()

    @once_more
    def facet(self, name: str, filter: str | None) -> list[dict[str, Any]]:  # noqa: A002 - its name in the API
        """Return how the datasets that meet a filter are spread over their instruments or techniques; see `Facets`."""
        return Facets(self.reader, self._counting("Dataset", filter)).of(name)

    def _counting(self, model: str, filter: str | None) -> Plan:  # noqa: A002 - its name in the API
        find = grammar.of_filter(model, filter, self._bounds)
        if find.words is not None:
            raise BadFilter("a free-text query is not counted", "filter.query")
        return Plan(self.reader, self._sets(), find)

    @once_more
    def files(self, pid: str, filter: str | None) -> list[Object]:  # noqa: A002 - its name in the API
        """Return the files of a dataset."""
        find = grammar.of_filter("File", filter, self._bounds)
        sets = self._sets()
        dataset = self._id("Dataset", pid, sets.now)
        relation = relation_of("Dataset", "files")
        if relation is None:
            raise TypeError("files")
        return self._fetch(sets).related("Dataset", [Include(relation, find)], [dataset])[dataset]

    @once_more
    def files_count(self, pid: str, where: str | None) -> int:
        """Return how many files of a dataset meet a condition."""
        find = grammar.of_where("File", where, self._bounds)
        sets = self._sets()
        tests = every(
            [
                Sql("f.dataset_id = ?", (self._id("Dataset", pid, sets.now),)),
                bracketed(sets.where("File", "f", find.where)),
            ]
        )
        return int(self.reader.rows("SELECT count(*) FROM file f WHERE " + tests)[0][0])

    @once_more
    def status(self) -> dict[str, Any]:
        """Return how much there is, and which ontology techniques are understood by."""
        sets = self._sets()
        counts = {
            MODELS[m].path.lower(): Plan(self.reader, sets, Find(m)).visible_rows()
            for m in ("Dataset", "Document", "Instrument")
        }
        ontology = self.reader.rows(Sql("SELECT value FROM meta WHERE name = 'ontology'"))
        terms = self.reader.rows(Sql("SELECT count(*) FROM technique"))[0][0]
        return {
            "public": counts,
            "techniques": {"known": terms, "ontology": f"sha256:{ontology[0][0]}"}
            if ontology
            else {"known": terms, "ontology": None, "note": "no PaNET file: a technique stands for itself alone"},
        }

    def _id(self, model: str, pid: str, now: int) -> int:
        """Return the key of a record that everybody may see."""
        found = (
            self.reader.rows(
                Sql(f"SELECT id FROM {MODELS[model].table} WHERE pid = ? AND visible_from <= ?", (pid, now))
            )
            if "\0" not in pid
            else []
        )
        if not found:
            raise NotFound(f"Unknown {MODELS[model].name} {pid!r}")
        return int(found[0][0])

    def _sets(self) -> Sets:
        self.reader.begin()
        return Sets(self.reader.dialect, int(self.clock()), self.reader.rows, self.reader.techniques)

    def _fetch(self, sets: Sets) -> Fetch:
        return Fetch(self.reader, sets, self.settings.limits.rows)
