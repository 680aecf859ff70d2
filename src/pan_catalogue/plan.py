"""Which shape of SQL is quick for a request: pages of ids, and counts.

A condition that few rows meet is best taken as the set of their ids; one that many rows meet is best tried row by row, for the page is soon full. Which it is is
asked of the database, with an end (`PROBE`). Measured on 100,000 and a million datasets: each of the shapes is the quickest of its kind somewhere, and the wrong one costs
up to a thousand times as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec.structs import replace

from .model import MODELS
from .query import Find
from .sql.fragment import Sql, bracketed, every, joined
from .sql.sets import Part, Sets, shown_by_index

ID = "d.id"  # the one column of pages that are made of sets
GLANCE = 8  # rows that are tried for each row of the page, before anything else is asked
GLANCE_OWN = 80  # the same where only the row's own fields are tried
FEW = 200  # matches that are so few that nothing else need be tried
PROBE = 20_000  # matches of a large set: from there on a page tries row by row, and a count merges the sets in the order of ids
TRY = 4  # what trying a row costs, in rows of a set
WALK = 40_000  # rows that are tried before sets are cut with each other instead


class Connection(Protocol):
    """What reads from a database.

    Attributes:
        names: key -> name of parameters that were looked up by any request: a name is never deleted, nor changed.
    """

    names: dict[int, str]

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

    @property
    def streamed(self) -> str:
        """The end of a SELECT of ids whose order makes what is done with them quick: an INTERSECT of sets that come out of indexes in it is a merge."""
        return self.sets.dialect.streamed("1")

    def pages(self, columns: str, limit: int) -> Iterator[Sql]:
        """Yield SELECTs of the page, the likeliest first. If the page that one gives is not full, it is the next that counts; the last always counts.

        Args:
            columns: what is wanted of each row, of the table's alias `d`.
            limit: how many rows fill the page.
        """
        if not self.find.order and not self.find.skip:
            yield from self.shapes(columns, limit)
            return
        # Rows that are sorted or passed over are ids alone: more of them fit into memory, and a narrow index has them.
        for ids in self.shapes(ID, limit):
            yield self.of_ids(columns, ids)

    def shapes(self, columns: str, limit: int) -> Iterator[Sql]:
        """Yield what `pages` does, in one step each."""
        parts = self.sets.parts(self.find)
        end = self.order() + self.window(limit)
        sets = [p for p in parts if p.ids is not None]
        if self.find.order:
            yield self.select(sets, self.checks(parts, but=sets), columns=columns) + end
            return
        if not sets:
            yield self.select([], self.tries(parts), columns=columns) + end
            return
        if len(parts) == 1 and parts[0].ordered:
            shown = parts[0].shown if columns == ID else None
            yield (self.driven(columns, parts[0], parts) if shown is None else shown + " ORDER BY id") + self.window(
                limit
            )
            return
        few = self.fewest([p for p in sets if p.direct], FEW)
        if not few:
            glance = GLANCE_OWN if all(p.own for p in parts) else GLANCE
            yield self.walk(columns, parts, glance * (self.find.skip + limit)) + end
            few = self.fewest(sets, PROBE)
        ordered = next((p for p in parts if p.ordered), None)
        if few and few.shown is not None and len(parts) == 1:
            ids = "SELECT DISTINCT id FROM (" + few.shown + ") matching ORDER BY id"
            yield self.of_ids(columns, ids + self.window(limit))
        elif few:
            yield self.select([few], self.tries(parts, but=[few]), columns=columns) + end
        elif ordered:
            yield self.driven(columns, ordered, parts) + self.window(limit)
        else:
            yield self.walk(columns, parts, WALK) + end
            yield self.select(sets, self.checks(parts, but=sets), self.streamed, columns) + end

    def of_ids(self, columns: str, ids: Sql) -> Sql:
        """Return a SELECT of the rows of `ids` in the order that is asked for; `ids` itself if no more is wanted."""
        if columns == ID:
            return ids
        return f"SELECT {columns} FROM {self.table} d WHERE d.id IN (" + ids + ")" + self.order()

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
        return self.number_of(self.matching(parts))

    def matching(self, parts: Sequence[Part]) -> Sql:
        """Return a SELECT of the ids of all visible rows that meet all of `parts`, each once."""
        parts = [self.in_order(p) for p in parts]
        sets = [p for p in parts if p.ids is not None]
        if len(parts) == 1 and parts[0].shown is not None:
            return parts[0].shown if parts[0].once else "SELECT DISTINCT id FROM (" + parts[0].shown + ") shown"
        merged = ""
        if len(sets) > 1:
            sizes = [self.size(p.ids, PROBE) for p in sets if p.ids is not None]
            least = min(sizes)
            if least > PROBE:
                merged = self.streamed
            elif max(sizes) > PROBE or least * TRY < sum(sizes) - least:
                few = sets[sizes.index(least)]
                return self.select([few], self.checks(parts, but=[few]))
        shown = shown_by_index(parts)
        return self.select(sets, self.checks(parts, but=sets), merged) if shown is None else shown + merged

    def in_order(self, part: Part) -> Part:
        """Return a part whose rows are found through many others so that these come in the order of ids, in which what is tied to them is found soonest."""
        if part.members is None:
            return part
        before, members = part.members
        few = self.size(members, PROBE) <= PROBE
        return part if few else replace(part, ids=before + members + self.streamed + ")")

    def large(self, parts: Sequence[Part]) -> bool:
        """Return whether so many rows meet all of `parts`, or may do so, that what belongs to them is soonest found in the order of ids."""
        return len(parts) != 1 or parts[0].ids is None or self.size(parts[0].ids, PROBE) > PROBE

    # -- shapes

    def select(self, sets: Sequence[Part], tests: Sequence[Sql], merged: str = "", columns: str = ID) -> Sql:
        """Return a SELECT of the visible rows that are in all `sets` and pass all `tests`; `merged` is `streamed` where the sets are large."""
        within = ["d.id IN (" + joined((p.ids for p in sets if p.ids), " INTERSECT ") + f"{merged})"] if sets else []
        wide = tests or self.find.order or columns != ID
        table = f"{self.table} d" if wide else self.sets.dialect.narrow(self.find.model, "d")
        return f"SELECT {columns} FROM {table} WHERE " + every(
            [self.sets.visible(self.find.model, "d"), *tests, *within]
        )

    def driven(self, columns: str, part: Part, parts: Sequence[Part]) -> Sql:
        """Return a SELECT that goes through an ordered set in the order of ids, so that it ends when the page is full."""
        if part.ordered is None:
            raise TypeError(part)
        table, column, test = part.ordered
        tests = every([self.sets.visible(self.find.model, "d"), bracketed(test), *self.tries(parts, but=[part])])
        return (
            f"SELECT {columns} FROM {table} {self.sets.dialect.first} {self.table} d ON d.id = {column} WHERE "
            + tests
            + f" ORDER BY {column}"
        )

    def checks(self, parts: Sequence[Part], *, but: Sequence[Part] = ()) -> list[Sql]:
        """Return the conditions of the parts that are not in `but`, for many rows: the database may make sets of what they reach."""
        return [bracketed(p.check("d")) for p in parts if p not in but]

    def tries(self, parts: Sequence[Part], *, but: Sequence[Part] = ()) -> list[Sql]:
        """Return the same for few rows: each is tried by itself."""
        return [self.sets.dialect.tried(check) for check in self.checks(parts, but=but)]

    def walk(self, columns: str, parts: Sequence[Part], rows: int) -> Sql:
        """Return a SELECT of the matches among the first `rows` rows of the table."""
        end = Sql(f" AND d.id < (SELECT e.id FROM {self.table} e ORDER BY e.id LIMIT 1 OFFSET ?)", (rows,))
        return self.select([], self.tries(parts), columns=columns) + end

    def fewest(self, parts: Sequence[Part], most: int) -> Part | None:
        """Return the part that fewest rows meet, if these are at most `most`."""
        best, least = None, most + 1
        for part in parts:
            rows = most + 1 if part.ids is None else self.size(part.ids, least - 1)
            if rows < least:
                best, least = part, rows
        return best

    def size(self, ids: Sql, most: int) -> int:
        """Return how many rows a SELECT has, counted up to one more than `most`."""
        return self.number_of(ids + Sql(" LIMIT ?", (most + 1,)))

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

    # -- running

    def number_of(self, rows: Sql) -> int:
        """Return how many rows a SELECT has."""
        return self.number("SELECT count(*) FROM (" + rows + ") matching")

    def number(self, statement: Sql) -> int:
        """Return the one number of a SELECT."""
        return int(self.connection.rows(statement)[0][0])


def nulls_first(column: str, dialect: str) -> str:
    """Return a column of ORDER BY with rows without a value first, and last when descending: SQLite's own order, which PostgreSQL must be told."""
    if dialect == "sqlite":
        return column
    return column + (" NULLS LAST" if column.endswith(" DESC") else " NULLS FIRST")
