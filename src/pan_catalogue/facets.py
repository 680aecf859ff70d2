"""How the datasets that meet a filter are spread over instruments or techniques: for the boxes beside a list of results.

An extension of the search API. Counts are exact, and of what everybody may see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .plan import Connection, Plan
from .sql.fragment import Sql, every, one_of
from .sql.sets import Part

NAMES = ("instrument", "techniques")
MOST = 1_000  # entries of one answer


class Tally(Connection, Protocol):
    """What reads from a database, and counts."""

    def tally(self, statement: Sql) -> Mapping[int | None, int]:
        """Return how often each value is in the one column of a SELECT."""


@dataclass
class Facets:
    """Counts the matching datasets of one request by what they are related to.

    Attributes:
        connection: to the database.
        plan: of the request.
    """

    connection: Tally
    plan: Plan

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return `pid`, `name` and `count` of each related record that a matching dataset has, the most frequent first.

        Args:
            name: one of `NAMES`. A technique is counted where a dataset itself names it, not where it names a descendant.
        """
        model = "Instrument" if name == "instrument" else "Technique"
        parts = self.plan.sets.parts(self.plan.find)
        counts = self.connection.tally(self.instruments(parts) if name == "instrument" else self.techniques(parts))
        keys = sorted((k for k in counts if k is not None), key=lambda k: (-counts[k], k))[:MOST]
        tests = every([one_of("r.id", keys), self.plan.sets.visible(model, "r")])
        named = self.connection.rows(f"SELECT r.id, r.pid, r.name FROM {model.lower()} r WHERE " + tests)
        known = {key: {"pid": pid, "name": label} if label else {"pid": pid} for key, pid, label in named}
        return [{**known[k], "count": counts[k]} for k in keys if k in known]

    def instruments(self, parts: Sequence[Part]) -> Sql:
        """Return a SELECT of the key of the instrument of each dataset that meets all of `parts`."""
        sets = self.plan.sets
        if not parts:
            return "SELECT d.instrument_id FROM dataset d WHERE " + sets.visible("Dataset", "d")
        if len(parts) == 1 and parts[0].instruments is not None:
            return parts[0].instruments
        return self.joined(parts, "x.instrument_id", f"{sets.dialect.narrow('Dataset', 'x')} ON x.id")

    def techniques(self, parts: Sequence[Part]) -> Sql:
        """Return a SELECT of the key of each technique of each dataset that meets all of `parts`."""
        return self.joined(parts, "x.technique_id", "dataset_technique x ON x.dataset_id")

    def joined(self, parts: Sequence[Part], column: str, table: str) -> Sql:
        """Return a SELECT of a column of a table that is joined to the matching datasets."""
        dialect = self.plan.sets.dialect
        found = (
            "WITH m (id) AS (" + self.plan.matching(parts) + f") SELECT {column} FROM m {dialect.first} {table} = m.id"
        )
        return found + dialect.streamed("m.id") if self.plan.large(parts) else found
