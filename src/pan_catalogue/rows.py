"""Rows and what they include -> objects of the data model.

One statement for each class that is included, for all parents of a page at once, put together here: quicker than JSON made by the database.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import units
from .errors import TooExpensive
from .model import MODELS, Field, Model, Type
from .plan import Connection, nulls_first
from .query import ALWAYS, Find, Include
from .sql.fragment import TRUE, Sql, bracketed, every, one_of
from .sql.sets import Sets, joined_from

Object = dict[str, Any]


@dataclass
class Fetch:
    """Fetches the objects of one request.

    Attributes:
        connection: to the database.
        sets: of this request.
        most: rows that one answer may hold, included ones counted.
    """

    connection: Connection
    sets: Sets
    most: int
    rows: int = 0

    def objects(self, find: Find, ids: Sequence[int]) -> list[Object]:
        """Return the objects of `ids`, in their order, with what `find` includes."""
        columns = listing(find.model)
        make = columns.maker(find.fields)
        statement = f"SELECT 0, d.id, {columns.select('d')} FROM {columns.table('d')} WHERE " + one_of("d.id", ids)
        found = {row[1]: make(row) for row in self.fetch(statement)}
        objects = {i: found[i] for i in ids if i in found}
        self.include(find, objects)
        return list(objects.values())

    def include(self, find: Find, parents: dict[int, Object]) -> None:
        """Put the related objects into `parents`, which are by id."""
        for includes in grouped(find.includes):
            relation = includes[0].relation
            if not parents:
                return
            children = self.related(find.model, includes, list(parents))
            for i, parent in parents.items():
                if relation.many:
                    parent[relation.name] = children[i]
                elif children[i]:
                    parent[relation.name] = children[i][0]

    def related(self, model: str, includes: Sequence[Include], parents: Sequence[int]) -> dict[int, list[Object]]:
        """Return the related objects of each parent, in the order they were taken in or the one that is asked for."""
        relation, find = includes[0].relation, merged(includes)
        target = relation.target
        columns = listing(target)
        tables, parent_column = joined_from(model, relation, "c")
        tests = every(
            [one_of(parent_column, parents), self.sets.visible(target, "c"), bracketed(self.shown(model, includes))]
        )
        # By parent first, unless another order is asked for: so the rows come out of the index of the parent, and need not be sorted.
        wanted = [self.ordered(MODELS[target].fields[name], down) for name, down in find.order] or [parent_column]
        order = ", ".join([*wanted, "c.id"])
        statement = (
            f"SELECT {parent_column}, c.id, {columns.select('c', with_si=bool(find.units))} FROM {tables}{columns.more('c')} WHERE "
            + tests
            + f" ORDER BY {order}"
        )
        rows = self.fetch(statement)
        if find.skip or find.limit is not None:
            rows = list(window(rows, find.skip, find.limit))
        make = columns.maker(find.fields, with_si=bool(find.units))
        objects: dict[int, Object] = {}
        result: dict[int, list[Object]] = defaultdict(list)
        for row in rows:
            made = objects.get(row[1])
            if made is None:
                made = objects[row[1]] = make(row)
            result[row[0]].append(made)
        if find.units:
            for made in objects.values():
                in_unit(made, find.units)
        self.include(find, objects)
        return result

    def ordered(self, of: Field, descending: bool) -> str:
        """Return a field in ORDER BY, as in `plan`."""
        column = "c_n.name" if of.names else f"c.{of.column}"
        return nulls_first(column + (" DESC" if descending else ""), self.sets.dialect.name)

    def shown(self, model: str, includes: Sequence[Include]) -> Sql:
        """Return which related rows are in the answer: those that meet one of the includes; of parameters all."""
        relation = includes[0].relation
        if relation.target.endswith("Parameter") or not all(i.filters for i in includes):
            return TRUE
        if relation.target == "Technique" and model == "Dataset":
            tests = [every([bracketed(self.sets.shown(i.find.where)("c")), *self.inner(i.find)]) for i in includes]
        else:
            tests = [
                every([bracketed(self.sets.where(relation.target, "c", i.find.where)), *self.inner(i.find)])
                for i in includes
            ]
        if TRUE in tests:
            return TRUE
        return (
            Sql(" OR ".join(f"({t.text})" for t in tests), tuple(v for t in tests for v in t.values))
            if len(tests) > 1
            else tests[0]
        )

    def inner(self, find: Find) -> Iterable[Sql]:
        """Yield the conditions of the includes inside an include."""
        return (bracketed(self.sets.related_one(find.model, i, "c", ids=False)) for i in find.includes if i.filters)

    def fetch(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT, and count them."""
        left = self.most - self.rows
        found = self.connection.rows(statement + Sql(" LIMIT ?", (left + 1,)))
        self.rows += len(found)
        if self.rows > self.most:
            raise TooExpensive(
                f"the answer would hold more than {self.most} rows; use limit, also in the scope of an include"
            )
        return found


Maker = Callable[[Sequence[Any]], Object]
HIDDEN = "\0si"  # (dimension, value in SI) of a parameter, until it is in the unit that was asked for


class Listing:
    """The columns of a class, and how a row becomes an object.

    Args:
        model: the class.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._makers: dict[tuple[frozenset[str] | None, bool], Maker] = {}
        self._columns: list[str] = []
        # (key in the answer, place in the row, what makes a value of it); a value that is NULL is left out.
        self._places: list[tuple[str, int, Callable[[Any], Any] | None]] = []
        for f in model.fields.values():
            for column, convert in columns_of(f):
                self._places.append((f.name, len(self._columns) + FIRST, convert))
                self._columns.append(column)
        self._si = len(self._columns) + FIRST

    def select(self, alias: str, *, with_si: bool = False) -> str:
        """Return the columns, without `id`; a parameter's dimension and value in SI last."""
        return ", ".join(c.format(alias) for c in (*self._columns, *(SI if with_si else ())))

    def more(self, alias: str) -> str:
        """Return the tables of names that are joined."""
        return "".join(
            f" JOIN {f.names} {alias}_n ON {alias}_n.id = {alias}.{f.column}"
            for f in self.model.fields.values()
            if f.names
        )

    def table(self, alias: str) -> str:
        """Return the tables."""
        return f"{self.model.table} {alias}{self.more(alias)}"

    def maker(self, wanted: frozenset[str] | None, *, with_si: bool = False) -> Maker:
        """Return what makes an object of a row (parent, id, columns of `select`).

        Args:
            wanted: names of the fields in the answer, or None: all.
            with_si: whether a parameter keeps its value in SI under `HIDDEN`.
        """
        key = (wanted, with_si)
        if key not in self._makers:
            if len(self._makers) > 100:  # noqa: PLR2004 - clients choose the fields: what is kept must have an end
                self._makers.clear()
            self._makers[key] = self._maker(wanted, with_si=with_si)
        return self._makers[key]

    def _maker(self, wanted: frozenset[str] | None, *, with_si: bool) -> Maker:
        places = [p for p in self._places if wanted is None or p[0] in wanted]
        si = self._si

        def make(row: Sequence[Any]) -> Object:
            made: Object = {}
            for name, place, convert in places:
                value = row[place]
                if value is not None:
                    made[name] = value if convert is None else convert(value)
            if with_si and row[si] is not None:
                made[HIDDEN] = (row[si], row[si + 1])
            return made

        return make


SI = ("{}.dim", "{}.si")
FIRST = 2  # place of the first column in a row: the parent and the id stand before


def columns_of(f: Field) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """Return the columns of a field, `{}` for the table, and what makes a value of each."""
    if f.names:
        return [("{}_n.name", None)]
    match f.type:
        case Type.VALUE:
            return [("{}.num", number), ("{}.txt", None)]
        case Type.BOOLEAN:
            return [(f"{{}}.{f.column}", bool)]
        case Type.ID:
            return [(f"{{}}.{f.column}", str)]
        case Type.STRINGS:
            return [(f"{{}}.{f.name}", json.loads)]
    return [(f"{{}}.{f.column}", None)]


def window(rows: Iterable[Sequence[Any]], skip: int, limit: int | None) -> Iterator[Any]:
    """Yield the rows (parent, ...) that a scope's skip and limit leave to each parent."""
    taken: dict[int, int] = defaultdict(int)
    for row in rows:
        place = taken[row[0]]
        taken[row[0]] += 1
        if place >= skip and (limit is None or place < skip + limit):
            yield row


def number(value: float) -> float | int:
    """Return a number as it was written: 930, not 930.0."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def in_unit(parameter: Object, asked: Sequence[tuple[str | None, str, str]]) -> None:
    """Give a parameter's value in the unit that was asked for, if it can be; the stored number when that is its own unit."""
    held = parameter.pop(HIDDEN, None)
    if held is None or not asked:
        return
    dimension = units.dimensions()[held[0]]
    for name, of, unit in asked:
        if of != dimension or (name is not None and name != parameter.get("name", name)):
            continue
        wanted = units.find(unit)
        stored = units.find(parameter.get("unit", ""))
        if wanted and "value" in parameter:
            if stored is None or (stored.factor, stored.offset) != (wanted.factor, wanted.offset):
                parameter["value"] = number(wanted.from_si(held[1]))
            if "unit" in parameter:
                parameter["unit"] = unit
        return


def grouped(includes: Iterable[Include]) -> list[list[Include]]:
    """Return the includes, those of one relation together: a relation may be named more than once, each time with another condition."""
    groups: dict[str, list[Include]] = {}
    for i in includes:
        groups.setdefault(i.relation.name, []).append(i)
    return list(groups.values())


def merged(includes: Sequence[Include]) -> Find:
    """Return how the related rows of several includes of one relation are given: as the first says, with what all of them include."""
    first = includes[0].find
    inner: dict[str, Include] = {}
    for i in (inner for include in includes for inner in include.find.includes):
        inner.setdefault(i.relation.name, i)
    return replace(
        first, where=ALWAYS, includes=tuple(inner.values()), units=tuple(u for i in includes for u in i.find.units)
    )


_LISTINGS = {key: Listing(model) for key, model in MODELS.items()}


def listing(model: str) -> Listing:
    """Return the listing of a class."""
    return _LISTINGS[model]
