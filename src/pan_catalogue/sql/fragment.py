"""A piece of SQL with the values bound in it. Values never become part of the text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec


class Sql(msgspec.Struct, frozen=True):
    """SQL text with a `?` for each of `values`."""

    text: str
    values: tuple[Any, ...] = ()

    def __add__(self, other: Sql | str) -> Sql:
        """Return the two one after the other."""
        if isinstance(other, str):
            return Sql(self.text + other, self.values)
        return Sql(self.text + other.text, self.values + other.values)

    def __radd__(self, other: str) -> Sql:
        """Return the text followed by this."""
        return Sql(other + self.text, self.values)


TRUE = Sql("1=1")
FALSE = Sql("1=0")


def joined(parts: Iterable[Sql], word: str) -> Sql:
    """Return `parts` with a word between them."""
    listed = list(parts)
    return Sql(word.join(p.text for p in listed), tuple(chain.from_iterable(p.values for p in listed)))


def every(parts: Iterable[Sql]) -> Sql:
    """Return the condition that all of `parts` hold. The longest text comes first: SQLite 3.40 parses a nested part deeper when something stands before it."""
    listed = sorted((p for p in parts if p != TRUE), key=lambda p: -len(p.text))
    if FALSE in listed:
        return FALSE
    return joined(listed, " AND ") if listed else TRUE


def some(parts: Iterable[Sql]) -> Sql:
    """Return the condition, in brackets, that one of `parts` holds."""
    listed = sorted((p for p in parts if p != FALSE), key=lambda p: -len(p.text))
    if TRUE in listed:
        return TRUE
    if not listed:
        return FALSE
    return listed[0] if len(listed) == 1 else "(" + joined((bracketed(p) for p in listed), " OR ") + ")"


def bracketed(part: Sql) -> Sql:
    """Return `part` in brackets if it is more than one condition."""
    return "(" + part + ")" if " AND " in part.text else part


def one_of(column: str, values: Sequence[Any]) -> Sql:
    """Return the condition that a column has one of `values`."""
    if not values:
        return FALSE
    if len(values) == 1:
        return Sql(f"{column} = ?", tuple(values))
    return Sql(f"{column} IN ({','.join('?' * len(values))})", tuple(values))
