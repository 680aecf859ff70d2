"""The rows of one transaction, kept until all are made, and what all that make rows need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..sql.fragment import Sql
from ..text import fold

AT_ONCE = 1_000  # values of one IN list
ROOTS = {"Dataset": "dataset", "Document": "document", "Instrument": "instrument"}
COLUMNS = {
    "dataset": "id pid title title_fold is_public creation_date release_date size instrument_id visible_from digest",
    "document": "id pid is_public type title title_fold summary summary_fold doi start_date end_date release_date license keywords visible_from digest",
    "instrument": "id pid name name_fold facility facility_fold visible_from digest",
    "document_dataset": "document_id dataset_id",
    "document_keyword": "document_id n keyword keyword_fold",
    "sample": "id pid name name_fold description description_fold",
    "dataset_sample": "dataset_id sample_id",
    "technique": "id pid name name_fold panet_id",
    "technique_name": "name_fold technique_id",
    "technique_closure": "descendant_id ancestor_id",
    "dataset_technique": "dataset_id technique_id",
    "dataset_technique_anc": "technique_id dataset_id visible_from instrument_id",
    "parameter_name": "id name name_fold repeated",
    "dataset_parameter": "id dataset_id name_id num txt unit dim si visible_from instrument_id",
    "document_parameter": "id document_id name_id num txt unit dim si",
    "file": "id dataset_id name name_fold path size",
    "person": "id pid full_name full_name_fold orcid researcher_id first_name first_name_fold last_name last_name_fold",
    "affiliation": "id pid name name_fold address address_fold city city_fold country country_fold",
    "member": "id document_id role person_id affiliation_id",
    "term": "id term",
    **{f"{t}_posting": "term_id item_id n unique_terms all_terms visible_from" for t in ROOTS.values()},
}


class Connection(Protocol):
    """What writes to a database."""

    def transaction(self) -> AbstractContextManager[None]:
        """All that is written inside is there afterwards, or nothing."""

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT."""

    def execute(self, statement: Sql) -> None:
        """Run one statement."""

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows."""


class Batch:
    """The rows of one transaction.

    Attributes:
        connection: to the database, for writing.
        rows: table -> rows that are kept for `flush`.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._counters: dict[str, int] = {}

    def begin(self) -> None:
        """Forget what a transaction that failed has left."""
        self.rows.clear()
        self._counters.clear()

    def add(self, table: str, *row: Any) -> None:
        """Keep a row for `flush`."""
        self.rows[table].append(row)

    def insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows at once."""
        self.connection.insert(table, COLUMNS[table].split(), rows)

    def flush(self) -> None:
        """Insert all rows that were kept."""
        for table, rows in self.rows.items():
            self.insert(table, rows)
        for name, value in self._counters.items():
            self.connection.execute(
                Sql(
                    "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    (name, value),
                )
            )
        self.begin()

    def next_key(self, table: str) -> int:
        """Return a key that no row of the table has had."""
        if table not in self._counters:
            found = self.connection.rows(Sql("SELECT value FROM counter WHERE name = ?", (table,)))
            self._counters[table] = found[0][0] if found else 0
        self._counters[table] += 1
        return self._counters[table]

    def meta(self, name: str) -> str:
        """Return a note of the catalogue about itself, or an empty text."""
        found = self.connection.rows(Sql("SELECT value FROM meta WHERE name = ?", (name,)))
        return str(found[0][0]) if found else ""

    def set_meta(self, name: str, value: str) -> None:
        """Note something about the catalogue itself."""
        self.connection.execute(
            Sql(
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
        )


def fold_or(text: str | None) -> str | None:
    """Return a text folded, if there is one."""
    return None if text is None else fold(text)


def parted(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield `values` in parts that fit one statement."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
