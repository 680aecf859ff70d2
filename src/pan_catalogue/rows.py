"""Rows and what they include -> objects of the data model.

One statement for each class that is included, for all parents of a page at once, put together here: quicker than JSON made by the database.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, repeat
from operator import itemgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from . import units
from .errors import TooExpensive
from .model import MODELS, SINGULAR, Field, Type
from .plan import Connection, Plan, nulls_first
from .query import ALWAYS, Find, Include
from .score import NONE
from .sql.fragment import TRUE, Sql, bracketed, every, one_of
from .sql.sets import Sets, joined_from


class Object(msgspec.Struct, omit_defaults=True, gc=False):
    """An object of the data model in an answer; what is None is left out. `Listing` makes a class of it for each of `MODELS`: a dict would cost three times as much to fill."""


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
        columns = listing(plan.find.model, "d")
        wanted = min(limit, self.most + 1)
        rows: list[tuple[Any, ...]] = []
        for statement in plan.pages(columns.row, wanted):
            rows = self.connection.rows(statement)
            if len(rows) == wanted:
                break
        self.count(rows)
        objects = by_id(rows, self.made(columns, rows, plan.find, repeat(NONE)))
        self.include(plan.find, objects)
        return list(objects.values())

    def objects(self, find: Find, scores: Mapping[int, float | None]) -> list[Object]:
        """Return the objects whose ids and scores are given, in their order, with what `find` includes."""
        columns = listing(find.model, "d")
        rows = self.fetch(f"SELECT {columns.row} FROM {columns.model.table} d WHERE " + one_of("d.id", tuple(scores)))
        found = by_id(rows, self.made(columns, rows, find, [scores[row[1]] for row in rows]))
        objects = {i: found[i] for i in scores if i in found}
        self.include(find, objects)
        return list(objects.values())

    def include(self, find: Find, parents: dict[int, Object]) -> None:
        """Put the related objects into `parents`, which are by id."""
        for includes in grouped(find.includes):
            relation = includes[0].relation
            if not parents:
                return
            children = self.related(find.model, includes, list(parents))
            if relation.many:
                for i, parent in parents.items():
                    setattr(parent, relation.name, children[i])
            else:
                for i, parent in parents.items():
                    setattr(parent, relation.name, children[i][0] if children[i] else None)

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
            f"SELECT {parent_column}, c.id, {columns.columns} FROM {tables} WHERE " + tests + f" ORDER BY {order}"
        )
        rows = self.fetch(statement)
        if find.skip or find.limit is not None:
            rows = list(window(rows, find.skip, find.limit))
        # One for all its parents, so that what it includes is asked for once.
        objects = by_id(rows, self.made(columns, rows, find))
        self.include(find, objects)
        if find.order:
            rows.sort(key=PARENT)
        # The children of one parent stand together, as many as it has rows.
        children = map(objects.__getitem__, map(ID, rows))
        counted = Counter(map(PARENT, rows))
        return defaultdict(list, {parent: list(islice(children, n)) for parent, n in counted.items()})

    def ordered(self, of: Field, descending: bool) -> str:
        """Return a field in ORDER BY, as in `plan`."""
        column = f"(SELECT n.name FROM {of.names} n WHERE n.id = c.{of.column})" if of.names else f"c.{of.column}"
        return nulls_first(column + (" DESC" if descending else ""), self.sets.dialect.name)

    def shown(self, model: str, includes: Sequence[Include]) -> Sql:
        """Return which related rows are in the answer: those that meet one of the includes; of parameters all."""
        relation = includes[0].relation
        if relation.target.endswith("Parameter") or not all(i.filters for i in includes):
            return TRUE
        if relation.target == "Technique" and model == "Dataset":
            # By the key in the pair, so that the row of a technique that is not shown need not be read.
            tests = [
                every([bracketed(self.sets.shown(i.find.where)("c_l.technique_id")), *self.inner(i.find)])
                for i in includes
            ]
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

    def made(
        self,
        columns: Listing,
        rows: Sequence[Sequence[Any]],
        find: Find,
        scores: Iterable[float | None] = repeat(None),
    ) -> list[Any]:
        """Return an object for each row, after looking up the names that no answer of this connection had yet."""
        names = self.connection.names
        if columns.named is not None:
            unknown = set(map(itemgetter(columns.named), rows)) - names.keys()
            if unknown:
                names.update(
                    self.connection.rows("SELECT id, name FROM parameter_name WHERE " + one_of("id", tuple(unknown)))
                )
        return columns.objects(rows, find, names, scores)

    def fetch(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT, and count them."""
        left = self.most - self.rows
        found = self.connection.rows(statement + Sql(" LIMIT ?", (left + 1,)))
        self.count(found)
        return found

    def count(self, found: Sequence[Any]) -> None:
        """Count rows that belong to the answer, and refuse when these are too many."""
        self.rows += len(found)
        if self.rows > self.most:
            raise TooExpensive(
                f"the answer would hold more than {self.most} rows; use limit, also in the scope of an include"
            )


PARENT, ID = itemgetter(0), itemgetter(1)  # of a row


class Listing:
    """The columns of a class in a SELECT, and how rows become objects.

    A row is (parent, id, the other fields in their order; of a parameter its text).

    Args:
        key: of the class in `MODELS`.
        alias: of its table.

    Attributes:
        columns: the columns after the id.
        row: all columns of a row that has no parent.
        named: the place in a row of the key of a name; None: the class has none.
    """

    def __init__(self, key: str, alias: str) -> None:
        self.model = MODELS[key]
        fields = self.model.fields.values()
        stored = [f for f in fields if f.type is not Type.ID]
        columns = [*map(column, stored)]
        related = (*self.model.relations, *(name for of, name in SINGULAR if of == key))
        names = [(name, Any, None) for name in (*self.model.fields, "score", *related)]
        self._kind: Callable[..., Any] = msgspec.defstruct(
            self.model.name, names, bases=(Object,), omit_defaults=True, gc=False
        )
        self._identified = len(stored) < len(fields)
        self._converted = [(n, CONVERT[f.type]) for n, f in enumerate(stored) if f.type in CONVERT]
        self._value = next((n for n, f in enumerate(stored) if f.type is Type.VALUE), None)
        if self._value is not None:
            columns.append("{}.txt")
        self.columns = ", ".join(c.format(alias) for c in columns)
        self.row = f"0, {alias}.id, {self.columns}"
        self._name = next((n for n, f in enumerate(stored) if f.names), None)
        self.named = None if self._name is None else self._name + 2  # behind parent and id

    def objects(
        self,
        rows: Sequence[Sequence[Any]],
        find: Find,
        names: Mapping[int, str],
        scores: Iterable[float | None] = repeat(None),
    ) -> list[Any]:
        """Return an object for each row. They are made a column at a time: a call for each row is a seventh of the work of a quick answer."""
        if not rows:
            return []
        _, ids, *columns = zip(*rows, strict=True)
        values: list[Iterable[Any]] = [*columns]
        for place, convert in self._converted:
            values[place] = map(convert, values[place])
        if self._name is not None:
            values[self._name] = map(names.__getitem__, values[self._name])
        if self._value is not None:
            values[self._value] = map(number_or_text, values[self._value], values.pop())
        if self._identified:
            values.insert(0, map(str, ids))
        made = list(map(self._kind, *values, scores))
        if find.units:
            meant = {name for name, _, _ in find.units}
            for one in made if None in meant else [one for one in made if one.name in meant]:
                in_unit(one, find.units)
        if find.fields is not None:
            for name in self.model.fields.keys() - find.fields:
                for one in made:
                    setattr(one, name, None)
        return made


def by_id(rows: Iterable[Sequence[Any]], objects: Iterable[Any]) -> dict[int, Any]:
    """Return the objects of rows by the id of each."""
    return dict(zip(map(ID, rows), objects, strict=True))


def column(f: Field) -> str:
    """Return the column of a field, `{}` for the table."""
    return "{}." + (f.name if f.rows else f.column)


def number(value: float) -> float | int:
    """Return a number as it was written: 930, not 930.0."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def number_or_text(value: float | None, text: str | None) -> float | str | None:
    """Return the value of a parameter: a number or, in a column of its own, a text."""
    if value is None:
        return text
    return number(value) if value.is_integer() else value


# What makes a value of the answer of a stored one.
CONVERT: dict[Type, Callable[[Any], Any]] = {
    Type.BOOLEAN: {0: False, 1: True}.get,
    Type.STRINGS: lambda text: None if text is None else json.loads(text),
}


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
