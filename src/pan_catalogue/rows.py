"""Rows and what they include -> objects of the data model.

One statement for each class that is included, for all parents of a page at once, put together here: quicker than JSON made by the database.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import replace

from . import units
from .errors import TooExpensive
from .model import MODELS, SINGULAR, Field, Type
from .plan import Connection, Plan, nulls_first
from .query import ALWAYS, Find, Include
from .sql.fragment import TRUE, Sql, bracketed, every, one_of
from .sql.sets import Sets, joined_from


class Object(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """An object of the data model in an answer; what is None is left out. `Listing` makes a class of it for each of `MODELS`: a dict would cost three times as much to fill."""

    score: float | None = None


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

    def page(self, plan: Plan, limit: int) -> list[Object]:
        """Return the first `limit` objects of what is asked, in its order, with what it includes."""
        objects: dict[int, Object] = {}
        for ids in plan.pages(limit):
            self.rows = 0
            objects = self.roots(plan.find, "d.id IN (" + ids + ")" + plan.order())
            if len(objects) == limit:
                break
        self.include(plan.find, objects)
        return list(objects.values())

    def objects(self, find: Find, ids: Sequence[int]) -> list[Object]:
        """Return the objects of `ids`, in their order, with what `find` includes."""
        found = self.roots(find, one_of("d.id", ids))
        objects = {i: found[i] for i in ids if i in found}
        self.include(find, objects)
        return list(objects.values())

    def roots(self, find: Find, chosen: Sql) -> dict[int, Object]:
        """Return the objects of the class that is asked for, by id, without what they include."""
        columns = listing(find.model, "d")
        make = columns.maker(find)
        rows = self.fetch(f"SELECT 0, d.id, {columns.columns} FROM {columns.table} WHERE " + chosen)
        return {row[1]: make(row) for row in rows}

    def include(self, find: Find, parents: dict[int, Object]) -> None:
        """Put the related objects into `parents`, which are by id."""
        for includes in grouped(find.includes):
            relation = includes[0].relation
            if not parents:
                return
            children = self.related(find.model, includes, list(parents))
            for i, parent in parents.items():
                if relation.many:
                    setattr(parent, relation.name, children[i])
                elif children[i]:
                    setattr(parent, relation.name, children[i][0])

    def related(self, model: str, includes: Sequence[Include], parents: Sequence[int]) -> dict[int, list[Object]]:
        """Return the related objects of each parent, in the order they were taken in or the one that is asked for."""
        relation, find = includes[0].relation, merged(includes)
        target = relation.target
        columns = listing(target, "c")
        tables, parent_column, key = joined_from(model, relation, "c")
        tests = every(
            [one_of(parent_column, parents), self.sets.visible(target, "c"), bracketed(self.shown(model, includes))]
        )
        # By parent first, unless another order is asked for: so the rows come out of the index of the parent, and need not be sorted.
        wanted = [self.ordered(MODELS[target].fields[name], down) for name, down in find.order] or [parent_column]
        order = ", ".join([*wanted, key])
        statement = (
            f"SELECT {parent_column}, c.id, {columns.columns} FROM {tables}{columns.names} WHERE "
            + tests
            + f" ORDER BY {order}"
        )
        rows = self.fetch(statement)
        if find.skip or find.limit is not None:
            rows = list(window(rows, find.skip, find.limit))
        make = columns.maker(find)
        result: dict[int, list[Object]] = defaultdict(list)
        if not find.includes:
            for row in rows:
                result[row[0]].append(make(row))
            return result
        objects: dict[int, Object] = {}  # one for all its parents, so that what it includes is asked for once
        for row in rows:
            child = objects.get(row[1])
            if child is None:
                child = objects[row[1]] = make(row)
            result[row[0]].append(child)
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


FIRST = 2  # place of the first column in a row: the parent and the id stand before
Maker = Callable[..., Any]


class Listing:
    """The columns of a class in a SELECT, and how a row becomes an object.

    A row is (parent, id, the other fields in their order; of a parameter its text).

    Args:
        key: of the class in `MODELS`.
        alias: of its table.

    Attributes:
        columns: the columns after the id.
        names: the tables of names that are joined.
        table: the table with those.
    """

    def __init__(self, key: str, alias: str) -> None:
        self.model = MODELS[key]
        fields = self.model.fields.values()
        stored = [f for f in fields if f.type is not Type.ID]
        columns = [*map(column, stored)]
        related = (*self.model.relations, *(name for of, name in SINGULAR if of == key))
        names = [(name, Any, None) for name in (*self.model.fields, *related)]
        kind = msgspec.defstruct(self.model.name, names, bases=(Object,), omit_defaults=True, gc=False)
        self._make = plain(kind, [(n, CONVERT[f.type]) for n, f in enumerate(stored) if f.type in CONVERT])
        if len(stored) < len(fields):
            self._make = identified(kind)
        if any(f.type is Type.VALUE for f in fields):
            columns.append("{}.txt")
            self._make = valued(kind)
        self.columns = ", ".join(c.format(alias) for c in columns)
        self.names = "".join(
            f" JOIN {f.names} {alias}_n ON {alias}_n.id = {alias}.{f.column}" for f in fields if f.names
        )
        self.table = f"{self.model.table} {alias}{self.names}"

    def maker(self, find: Find) -> Maker:
        """Return what makes an object of a row."""
        make, converted = self._make, find.units
        unwanted = () if find.fields is None else self.model.fields.keys() - find.fields
        if not converted and not unwanted:
            return make
        names = {name for name, _, _ in converted}
        some = None not in names

        def in_asked_unit(row: Sequence[Any]) -> Any:
            made = make(row)
            if some and made.name not in names:
                return made
            in_unit(made, converted)
            return made

        def of_wanted_fields(row: Sequence[Any]) -> Any:
            made = in_asked_unit(row) if converted else make(row)
            for name in unwanted:
                setattr(made, name, None)
            return made

        return of_wanted_fields if unwanted else in_asked_unit


def plain(kind: Maker, convert: Sequence[tuple[int, Callable[[Any], Any]]]) -> Maker:
    """Return what makes an object of a row: the fields as they are stored, but for those at the places of `convert`."""

    def make(row: Sequence[Any]) -> Any:
        values = list(row[FIRST:])
        for place, converted in convert:
            if values[place] is not None:
                values[place] = converted(values[place])
        return kind(*values)

    return make


def identified(kind: Maker) -> Maker:
    """Return what makes an object whose key is one of its fields."""
    return lambda row: kind(str(row[1]), *row[FIRST:])


def valued(kind: Maker) -> Maker:
    """Return what makes a parameter: its value is a number or, in a column of its own, a text. Pages hold hundreds of them."""

    def make(row: Sequence[Any]) -> Any:
        _, key, name, value, unit, text = row
        if value is None:
            value = text
        elif value.is_integer():
            value = number(value)
        return kind(str(key), name, value, unit)

    return make


def column(f: Field) -> str:
    """Return the column of a field, `{}` for the table."""
    if f.names:
        return "{}_n.name"
    return "{}." + (f.name if f.rows else f.column)


def number(value: float) -> float | int:
    """Return a number as it was written: 930, not 930.0."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


# What makes a value of the answer of a stored one.
CONVERT: dict[Type, Callable[[Any], Any]] = {Type.BOOLEAN: bool, Type.STRINGS: json.loads}


def window(rows: Iterable[Sequence[Any]], skip: int, limit: int | None) -> Iterator[Any]:
    """Yield the rows (parent, ...) that a scope's skip and limit leave to each parent."""
    taken: dict[int, int] = defaultdict(int)
    for row in rows:
        place = taken[row[0]]
        taken[row[0]] += 1
        if place >= skip and (limit is None or place < skip + limit):
            yield row


def in_unit(parameter: Any, asked: Iterable[tuple[str | None, str, str]]) -> None:
    """Give a parameter's value in the unit that was asked for, if it can be; the stored number when that is its own unit.

    Args:
        parameter: the object.
        asked: (name of the parameter or None: any, dimension, unit); the first that fits counts.
    """
    for name, dimension, unit in asked:
        if name is not None and name != parameter.name:
            continue
        if unit == parameter.unit:
            return
        stored, wanted = units.find(parameter.unit or ""), units.find(unit)
        if stored is None or wanted is None or stored.dimension != dimension or isinstance(parameter.value, str):
            continue
        if (stored.factor, stored.offset) != (wanted.factor, wanted.offset):
            parameter.value = number(wanted.from_si(stored.to_si(parameter.value)))
        parameter.unit = unit
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


@cache
def listing(model: str, alias: str) -> Listing:
    """Return the listing of a class."""
    return Listing(model, alias)
