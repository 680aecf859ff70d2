"""How large a filter may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """How large a filter may be.

    Attributes:
        characters: length of its JSON text.
        where_depth: `and` and `or` inside each other. With `include_depth` it keeps SQL within the parser stack of SQLite 3.40 (100 entries).
        include_depth: includes inside each other.
        includes: includes altogether.
        conditions: comparisons altogether, each member of a list counted by `values`.
        values: members of one list.
        terms: different words of a free-text query.
        rows: most rows of one page.
        tolerant: unknown keys, fields and operators are taken as the reference provider does: ignored, or matching nothing.
    """

    characters: int = 64_000
    where_depth: int = 12
    include_depth: int = 4
    includes: int = 30
    conditions: int = 400
    values: int = 10_000
    terms: int = 100
    rows: int = 10_000
    tolerant: bool = False
