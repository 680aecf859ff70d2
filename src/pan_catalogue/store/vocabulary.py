"""What records share: names of parameters, terms, samples, people and affiliations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ..records.record import Affiliation, Document, Member, Parameter, Person, Record
from ..sql.fragment import Sql, one_of
from ..text import fold
from .batch import COLUMNS, Batch, fold_or, parted


class Vocabulary:
    """Keys of what is never deleted are kept, so that they need not be looked up again. Forgotten when a transaction fails.

    Attributes:
        parameter_names: name -> (key, whether any dataset has it more than once).
        terms: term -> key.
        shown: whether everybody may see a record at this moment.
    """

    def __init__(self, batch: Batch, shown: Callable[[Record], bool]) -> None:
        self.batch = batch
        self.parameter_names: dict[str, tuple[int, bool]] = {}
        self.terms: dict[str, int] = {}
        self.shown = shown

    def take_parameters(self, given: Iterable[list[Parameter]]) -> None:
        """Make sure that each name has a row, which says whether any dataset has the name more than once."""
        used: dict[str, bool] = {}
        for parameters in given:
            for name, n in Counter(p.name for p in parameters).items():
                used[name] = used.get(name, False) or n > 1
        known = self.parameter_names
        for part in parted([n for n in used if n not in known]):
            for i, name, repeated in self.batch.connection.rows(
                "SELECT id, name, repeated FROM parameter_name WHERE " + one_of("name", part)
            ):
                known[name] = (i, bool(repeated))
        for name, repeated in used.items():
            if name not in known:
                known[name] = (self.batch.next_key("parameter_name"), repeated)
                self.batch.insert("parameter_name", [(known[name][0], name, fold(name), int(repeated))])
            elif repeated and not known[name][1]:
                known[name] = (known[name][0], True)
                self.batch.connection.execute(
                    Sql("UPDATE parameter_name SET repeated = 1 WHERE id = ?", (known[name][0],))
                )

    def take_terms(self, words: set[str]) -> None:
        """Make sure that each term has a row."""
        missing = sorted(w for w in words if w not in self.terms)
        for part in parted(missing):
            for i, term in self.batch.connection.rows("SELECT id, term FROM term WHERE " + one_of("term", part)):
                self.terms[term] = i
        for word in missing:
            if word not in self.terms:
                self.terms[word] = self.batch.next_key("term")
                self.batch.add("term", self.terms[word], word)

    def take_people(
        self, members: Iterable[tuple[Document, int, Member]]
    ) -> dict[tuple[str, int], tuple[int | None, int | None]]:
        """Return (person id, affiliation id) of each (document, place of the member). Without an ORCID, two people of one name are two people."""
        listed = list(members)
        person_keys = {(d.pid, n): m.person.orcid or f"{d.pid}#{n}" for d, n, m in listed if m.person}
        place_keys = {(d.pid, n): place_key(m.affiliation) for d, n, m in listed if m.affiliation}
        people = self.take_named(
            "person",
            [(person_keys[d.pid, n], person_row(m.person), self.shown(d)) for d, n, m in listed if m.person],
        )
        places = self.take_named(
            "affiliation",
            [(place_keys[d.pid, n], place_row(m.affiliation), self.shown(d)) for d, n, m in listed if m.affiliation],
        )
        return {
            (d.pid, n): (
                people[person_keys[d.pid, n]] if m.person else None,
                places[place_keys[d.pid, n]] if m.affiliation else None,
            )
            for d, n, m in listed
        }

    def take_named(self, table: str, given: Iterable[tuple[str, tuple[Any, ...], bool]]) -> dict[str, int]:
        """Return pid -> id of shared rows; one that was there keeps its place and gets what is said of it now.

        A record that nobody may see changes no row that is there: what it says would be read with the public records that share the row.

        Args:
            table: of the rows.
            given: (pid, columns after it, whether it is said by a record that everybody may see).
        """
        wanted: dict[str, tuple[tuple[Any, ...], bool]] = {}
        for pid, row, shown in given:
            if shown or pid not in wanted:
                wanted[pid] = (row, shown)
        columns = COLUMNS[table].split()
        ids: dict[str, int] = {}
        for part in parted(list(wanted)):
            found = self.batch.connection.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE " + one_of("pid", part))
            ids.update({row[1]: row[0] for row in found})
            stale = {row[1]: row[0] for row in found if wanted[row[1]][1] and wanted[row[1]][0] != tuple(row[2:])}
            for some in parted(list(stale.values())):
                self.batch.connection.execute(f"DELETE FROM {table} WHERE " + one_of("id", some))
            self.batch.rows[table] += [(i, pid, *wanted[pid][0]) for pid, i in stale.items()]
        for pid, (row, _) in wanted.items():
            if pid not in ids:
                ids[pid] = self.batch.next_key(table)
                self.batch.add(table, ids[pid], pid, *row)
        return ids


def person_row(p: Person) -> tuple[Any, ...]:
    """Return the columns of a person after its pid."""
    return (
        p.full_name,
        fold(p.full_name),
        p.orcid,
        p.researcher_id,
        p.first_name,
        fold_or(p.first_name),
        p.last_name,
        fold_or(p.last_name),
    )


def place_row(a: Affiliation) -> tuple[Any, ...]:
    """Return the columns of an affiliation after its pid."""
    return (
        a.name,
        fold_or(a.name),
        a.address,
        fold_or(a.address),
        a.city,
        fold_or(a.city),
        a.country,
        fold_or(a.country),
    )


def place_key(a: Affiliation) -> str:
    """Return what makes two affiliations the same: the ROR id, else all that is said of them."""
    return a.pid or json.dumps([a.name, a.address, a.city, a.country], ensure_ascii=False)
