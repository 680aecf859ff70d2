"""The operators of `where`: one table that the grammar, the error messages, the OpenAPI document and the documentation read.

Source: LoopBack 3 "Where filter", less its geographic `near`; what the search API leaves open is decided here and stands in `meaning`.

All conditions are either true or false, never unknown: a field without a value satisfies no operator but the negative ones. So `neq` is exactly "not `eq`",
as in the reference provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .model import Type


class Takes(Enum):
    """What an operator is given."""

    ONE = "one value"
    TWO = "a list of two values"
    LIST = "a list of values"
    PATTERN = "a text"


ALL = frozenset(Type)
ORDERED = ALL - {Type.BOOLEAN, Type.ID}
TEXTUAL = frozenset({Type.STRING, Type.STRINGS, Type.VALUE})


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        name: as it is written.
        takes: what it is given.
        types: the types of the fields it can be used on.
        meaning: for people.
        negates: the operator of which this is the opposite, or an empty text.
    """

    name: str
    takes: Takes
    types: frozenset[Type]
    meaning: str
    negates: str = ""


OPERATORS = {
    o.name: o
    for o in (
        Operator("eq", Takes.ONE, ALL, "equal; null: the field has no value"),
        Operator("neq", Takes.ONE, ALL, "not equal, or no value; null: the field has a value", "eq"),
        Operator("gt", Takes.ONE, ORDERED, "greater"),
        Operator("gte", Takes.ONE, ORDERED, "greater or equal"),
        Operator("lt", Takes.ONE, ORDERED, "less"),
        Operator("lte", Takes.ONE, ORDERED, "less or equal"),
        Operator("between", Takes.TWO, ORDERED, "from the first to the second, both included"),
        Operator("inq", Takes.LIST, ALL, "equal to one of them"),
        Operator("nin", Takes.LIST, ALL, "equal to none of them, or no value", "inq"),
        Operator(
            "like",
            Takes.PATTERN,
            TEXTUAL,
            "contains the text; with `%` (any characters) the whole text is like the pattern",
        ),
        Operator("nlike", Takes.PATTERN, TEXTUAL, "not `like`", "like"),
        Operator("ilike", Takes.PATTERN, TEXTUAL, "`like` without regard to case"),
        Operator("nilike", Takes.PATTERN, TEXTUAL, "not `ilike`", "ilike"),
        Operator(
            "regexp",
            Takes.PATTERN,
            TEXTUAL,
            "an expression of literal text, `.`, `.*`, `^` at the start and `$` at the end; `/.../i` without regard to case",
        ),
    )
}
