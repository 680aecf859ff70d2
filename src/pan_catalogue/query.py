"""What a request means: plain data, made by `grammar`, read by `plan` and `sql`. Nothing here knows JSON, HTTP or SQL.

A condition is about one row of one class. Once it stands here it is well-formed: names exist, values have the type of their field, texts are folded where the
operator disregards case.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from .model import Field, Relation

Scalar = str | int | float | bool | None


class And(Struct, frozen=True):
    """All of them hold; none at all always holds."""

    parts: tuple[Condition, ...]


class Or(Struct, frozen=True):
    """One of them holds; none at all never holds."""

    parts: tuple[Condition, ...]


class Not(Struct, frozen=True):
    """It does not hold."""

    part: Condition


class Compare(Struct, frozen=True):
    """A field compared with a value.

    Attributes:
        field: which.
        operator: `eq`, `gt`, `gte`, `lt`, `lte`, `between` or `inq` (the negative ones are `Not`).
        values: one, two for `between`, any number for `inq`. Dates are texts as they are stored (`grammar.date`).
    """

    field: Field
    operator: str
    values: tuple[Scalar, ...]


class Wild(Enum):
    """What a pattern may hold besides literal text."""

    MANY = "any characters, or none"
    ONE = "any one character"


class Like(Struct, frozen=True):
    """A field's whole text is like a pattern.

    Attributes:
        field: which.
        pattern: literal texts and wildcards in their order.
        folded: whether case is disregarded; the literals are folded then.
    """

    field: Field
    pattern: tuple[str | Wild, ...]
    folded: bool


class Contains(Struct, frozen=True):
    """One of the class's text fields contains a text without regard to case (the special key `text`); `term` is folded."""

    term: str


class Quantity(Struct, frozen=True):
    """A parameter's value compared in a unit.

    Attributes:
        operator: as in `Compare`; or `any`: the value only has that dimension.
        values: in the coherent SI unit of the dimension.
        dimension: name of the dimension (`units`).
    """

    operator: str
    values: tuple[float, ...]
    dimension: str


Condition = And | Or | Not | Compare | Like | Contains | Quantity
ALWAYS = And(())
NEVER = Or(())


class Include(Struct, frozen=True):
    """A related class that comes along.

    Attributes:
        relation: which.
        find: what of it; its `filters` says whether a parent without any such child is left out.
    """

    relation: Relation
    find: Find

    @property
    def filters(self) -> bool:
        """Whether a parent without a matching child is left out (the search API's inner join)."""
        return self.find.filters


class Find(Struct, frozen=True):
    """What is asked of one class.

    Attributes:
        model: key in `model.MODELS`.
        where: the condition on its own fields.
        includes: related classes.
        order: (field name, descending), most significant first. The order of insertion decides what is left open.
        skip: rows passed over.
        limit: most rows, or None: as many as the server allows.
        fields: names of the fields that the answer has, or None: all.
        words: the terms of a free-text `query`, by which rows are scored, or None.
        units: (parameter name or None, dimension, unit) in which values are given back.
    """

    model: str
    where: Condition = ALWAYS
    includes: tuple[Include, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    skip: int = 0
    limit: int | None = None
    fields: frozenset[str] | None = None
    words: tuple[str, ...] | None = None
    units: tuple[tuple[str | None, str, str], ...] = ()

    @property
    def filters(self) -> bool:
        """Whether it says any condition, itself or in an include."""
        return self.where != ALWAYS or any(i.filters for i in self.includes)
