"""Which shape of SQL is quick for a request: pages of ids, and counts.

A condition that few rows meet is best taken as the set of their ids; one that many rows meet is best tried row by row, for the page is soon full. Which it is is
asked of the database, with an end (`PROBE`). Measured on 100,000 and a million datasets: each of the shapes is the quickest of its kind somewhere, and the wrong one costs
up to a thousand times as much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .model import MODELS
from .query import And, Compare, Find
from .sql.fragment import Sql, bracketed, every, joined
from .sql.sets import Part, Sets

GLANCE = 8  # rows that are tried for each row of the page, before anything else is asked
FEW = 1_000  # matches that are so few that nothing else need be tried
PROBE = 20_000  # matches from which a condition is tried row by row, for a page
COUNTED = 250_000  # matches up to which sets are compared with each other, for a count
TRY = 4  # what trying a row costs, in rows of a set
WALK = 40_000  # rows that are tried before sets are cut with each other instead


class Connection(Protocol):
    """What reads from a database."""

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT."""


@dataclass
class Plan:
    """Answers one request.

    Attributes:
        connection: to the database.
        sets: of this request.
        find: what is asked.
    """

    connection: Connection
    sets: Sets
    find: Find

    @property
    def table(self) -> str:
        """The table of the rows that are asked for."""
        return MODELS[self.find.model].table

    def page(self, limit: int) -> list[int]:
        """Return the ids of the page, in order."""
        parts = self.sets.parts(self.find)
        end = self.window(limit)
        sets, checks = [p for p in parts if p.ids is not None], [p for p in parts if p.ids is None]
        if self.find.order or not sets:
            return self.ids(self.select(sets, checks) + end)
        if len(parts) == 1 and parts[0].ordered:
            return self.ids(self.driven(parts[0], []) + end)
        few = self.fewest([p for p in sets if p.direct], FEW)
        if not few:
            found = self.walk(parts, limit, GLANCE * (self.find.skip + limit))
            if found is not None:
                return found
            few = self.fewest(sets, PROBE)
        if few:
            return self.ids(self.select([few], [p for p in parts if p is not few]) + end)
        ordered = next((p for p in parts if p.ordered), None)
        if ordered:
            return self.ids(self.driven(ordered, [p for p in parts if p is not ordered]) + end)
        found = self.walk(parts, limit, WALK)
        return self.ids(self.select(sets, checks) + end) if found is None else found

    def count(self) -> int:
        """Return how many rows match."""
        if not self.find.filters:
            return self.visible_rows()
        parts = self.sets.parts(self.find)
        if len(parts) == 1 and parts[0].opposite:
            return self.visible_rows() - self.count_of([parts[0].opposite])
        return self.count_of(parts)

    def count_of(self, parts: Sequence[Part]) -> int:
        """Return how many visible rows meet all of `parts`."""
        sets, checks = [p for p in parts if p.ids is not None], [p for p in parts if p.ids is None]
        if len(parts) == 1 and parts[0].shown is not None:
            what = "count(*)" if parts[0].once or self.named_once() else "count(DISTINCT id)"
            return self.number(f"SELECT {what} FROM (" + parts[0].shown + ") matching")
        few = self.much_fewer(sets) if len(sets) > 1 else None
        if few:
            sets, checks = [few], [p for p in parts if p is not few]
        elif not checks and any(p.shown is not None for p in sets):
            # One of the sets has only visible rows: the rows themselves need not be looked at.
            first = next(p for p in sets if p.shown is not None)
            both = [s for s in (first.shown, *(p.ids for p in sets if p is not first)) if s]
            return self.number("SELECT count(*) FROM (" + joined(both, " INTERSECT ") + ") matching")
        return self.number("SELECT count(*) FROM (" + self.select(sets, checks, order=False) + ") matching")

    # -- shapes

    def select(self, sets: Sequence[Part], checks: Sequence[Part], *, order: bool = True) -> Sql:
        """Return a SELECT of the ids of visible rows that are in all `sets` and pass all `checks`."""
        tests = [self.sets.visible(self.find.model, "d"), *(bracketed(p.check("d")) for p in checks)]
        if sets:
            tests.append("d.id IN (" + joined((p.ids for p in sets if p.ids), " INTERSECT ") + ")")
        table = f"{self.table} d" if checks or self.find.order else self.sets.dialect.narrow(self.find.model, "d")
        return f"SELECT d.id FROM {table} WHERE " + every(tests) + (self.order() if order else "")

    def driven(self, part: Part, checks: Sequence[Part]) -> Sql:
        """Return a SELECT that goes through an ordered set in the order of ids, so that it ends when the page is full."""
        if part.ordered is None:
            raise TypeError(part)
        table, column, test = part.ordered
        checked = (bracketed(p.check("d")) for p in checks)
        tests = every([self.sets.visible(self.find.model, "d"), bracketed(test), *checked])
        return (
            f"SELECT d.id FROM {table} {self.sets.dialect.first} {self.table} d ON d.id = {column} WHERE "
            + tests
            + f" ORDER BY {column}"
        )

    def walk(self, parts: Sequence[Part], limit: int, rows: int) -> list[int] | None:
        """Return the page if it is full after the first `rows` rows of the table, or if there are no more; else None."""
        end = self.connection.rows(Sql(f"SELECT d.id FROM {self.table} d ORDER BY d.id LIMIT 1 OFFSET ?", (rows,)))
        bound = Sql(" AND d.id < ?", (end[0][0],)) if end else Sql("")
        found = self.ids(self.select([], parts, order=False) + bound + self.order() + self.window(limit))
        return found if not end or len(found) == limit else None

    def fewest(self, parts: Sequence[Part], most: int) -> Part | None:
        """Return the part that fewest rows meet, if these are at most `most`."""
        best, least = None, most + 1
        for part in parts:
            rows = self.size(part, least - 1)
            if rows < least:
                best, least = part, rows
        return best

    def much_fewer(self, parts: Sequence[Part]) -> Part | None:
        """Return the part that so few rows meet that trying the others on them is quicker than making all the sets: a try costs as much as `TRY` rows of a set."""
        sizes = [self.size(p, COUNTED) for p in parts]
        least = min(sizes)
        return parts[sizes.index(least)] if least * TRY < sum(sizes) - least else None

    def size(self, part: Part, most: int) -> int:
        """Return how many rows meet a part, counted up to one more than `most`."""
        if part.ids is None:
            raise TypeError(part)
        return self.number("SELECT count(*) FROM (" + part.ids + Sql(" LIMIT ?", (most + 1,)) + ") probe")

    def order(self) -> str:
        """Return ORDER BY; what is left open is decided by the order of insertion, so that pages never overlap."""
        fields = MODELS[self.find.model].fields
        columns = [f"d.{fields[name].column}" + (" DESC" if descending else "") for name, descending in self.find.order]
        return " ORDER BY " + ", ".join([*(nulls_first(c, self.sets.dialect.name) for c in columns), "d.id"])

    def window(self, limit: int) -> Sql:
        """Return LIMIT and OFFSET."""
        return Sql(" LIMIT ? OFFSET ?", (limit, self.find.skip)) if self.find.skip else Sql(" LIMIT ?", (limit,))

    # -- counts that need not look at the rows

    def visible_rows(self) -> int:
        """Return how many rows of the class everybody may see: from a table of their dates."""
        return self.number(
            Sql(
                "SELECT coalesce(sum(n), 0) FROM visible_count WHERE model = ? AND visible_from <= ?",
                (self.find.model, self.sets.now),
            )
        )

    def named_once(self) -> bool:
        """Return whether the one parameter that is asked for stands at most once in each dataset."""
        where = next((i.find.where for i in self.find.includes if i.filters), self.find.where)
        parts = where.parts if isinstance(where, And) else (where,)
        names = [p.values for p in parts if isinstance(p, Compare) and p.field.name == "name" and p.operator == "eq"]
        if not names:
            return False
        return self.connection.rows(Sql("SELECT repeated FROM parameter_name WHERE name = ?", names[0])) == [(0,)]

    # -- running

    def ids(self, statement: Sql) -> list[int]:
        """Return the first column of a SELECT."""
        return [row[0] for row in self.connection.rows(statement)]

    def number(self, statement: Sql) -> int:
        """Return the one number of a SELECT."""
        return int(self.connection.rows(statement)[0][0])


def nulls_first(column: str, dialect: str) -> str:
    """Return a column of ORDER BY with rows without a value first, and last when descending: SQLite's own order, which PostgreSQL must be told."""
    if dialect == "sqlite":
        return column
    return column + (" NULLS LAST" if column.endswith(" DESC") else " NULLS FIRST")
