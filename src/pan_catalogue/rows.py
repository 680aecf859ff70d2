"""Rows and what they include -> objects of the data model.

One statement for each class that is included, for all parents of a page at once, put together here: quicker than JSON made by the database.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import units
from .errors import TooExpensive
from .model import MODELS, Field, Model, Type
from .plan import Connection
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
        statement = f"SELECT d.id, {columns.select('d')} FROM {columns.table('d')} WHERE " + one_of("d.id", ids)
        found = {row[0]: row for row in self.fetch(statement)}
        here = [i for i in ids if i in found]
        objects = {i: columns.made(found[i], find.fields) for i in here}
        self.include(find, objects)
        return [objects[i] for i in here]

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
        order = ", ".join(
            [*(f"c.{MODELS[target].fields[n].column}" + (" DESC" if d else "") for n, d in find.order), "c.id"]
        )
        statement = (
            f"SELECT {parent_column}, c.id, {columns.select('c')} FROM {tables}{columns.more('c')} WHERE "
            + tests
            + f" ORDER BY {order}"
        )
        pairs: list[tuple[int, int]] = []
        objects: dict[int, Object] = {}
        taken: dict[int, int] = defaultdict(int)
        for parent, i, *row in self.fetch(statement):
            place = taken[parent]
            taken[parent] += 1
            if place < find.skip or (find.limit is not None and place >= find.skip + find.limit):
                continue
            pairs.append((parent, i))
            if i not in objects:
                objects[i] = columns.made((i, *row), find.fields)
        if target.endswith("Parameter"):
            for found in objects.values():
                in_unit(found, find.units)
        self.include(find, objects)
        result: dict[int, list[Object]] = defaultdict(list)
        for parent, i in pairs:
            result[parent].append(objects[i])
        return result

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


@dataclass(frozen=True)
class Listing:
    """The columns of a class, and how a row becomes an object."""

    model: Model

    @property
    def fields(self) -> list[Field]:
        """The fields in the answer, in order."""
        return list(self.model.fields.values())

    def select(self, alias: str) -> str:
        """Return the columns, without `id`."""
        listed = []
        for f in self.fields:
            if f.type is Type.VALUE:
                listed += [f"{alias}.num", f"{alias}.txt"]
            elif f.names:
                listed.append(f"{alias}_n.name")
            elif f.rows:
                listed.append(f"{alias}.{f.name}")
            else:
                listed.append(f"{alias}.{f.column}")
        if self.model.name == "Parameter":
            listed += [f"{alias}.dim", f"{alias}.si"]
        return ", ".join(listed)

    def more(self, alias: str) -> str:
        """Return the tables of names that are joined."""
        return "".join(
            f" JOIN {f.names} {alias}_n ON {alias}_n.id = {alias}.{f.column}" for f in self.fields if f.names
        )

    def table(self, alias: str) -> str:
        """Return the tables."""
        return f"{self.model.table} {alias}{self.more(alias)}"

    def made(self, row: Sequence[Any], wanted: frozenset[str] | None) -> Object:
        """Return the object in a row (id, columns of `select`); fields without a value are left out."""
        made: Object = {}
        place = 1
        for f in self.fields:
            value = row[place]
            place += 1
            if f.type is Type.VALUE:
                value = row[place] if value is None else number(value)
                place += 1
            if value is None or (wanted is not None and f.name not in wanted):
                continue
            if f.type is Type.BOOLEAN:
                value = bool(value)
            elif f.type is Type.ID:
                value = str(value)
            elif f.type is Type.STRINGS:
                value = json.loads(value)
            made[f.name] = value
        if self.model.name == "Parameter" and row[place] is not None:
            made[HIDDEN] = (row[place], row[place + 1])
        return made


HIDDEN = "\0si"  # (dimension, value in SI) of a parameter, until it is in the unit that was asked for
_LISTINGS = {key: Listing(model) for key, model in MODELS.items()}


def listing(model: str) -> Listing:
    """Return the listing of a class."""
    return _LISTINGS[model]


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
