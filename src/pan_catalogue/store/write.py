"""Records into rows. One call takes many records in one transaction: after it all of them are there, with everything derived from them, or none."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import units
from ..records.record import Dataset, Document, Instrument, Parameter, Record
from ..sql.fragment import Sql, one_of
from ..techniques import Term
from ..text import fold, terms
from .batch import COLUMNS, ROOTS, Batch, Connection, fold_or, parted
from .techniques import Techniques
from .vocabulary import Vocabulary

CHILDREN = {
    "Dataset": [("document_dataset", "dataset_id"), ("dataset_sample", "dataset_id"), ("dataset_parameter", "dataset_id"), ("file", "dataset_id"),
                ("dataset_technique", "dataset_id"), ("dataset_posting", "item_id")],
    "Document": [("document_keyword", "document_id"), ("member", "document_id"), ("document_parameter", "document_id"), ("document_posting", "item_id")],
    "Instrument": [("instrument_posting", "item_id")],
}  # fmt: skip


class Catalogue:
    """Takes records in.

    Args:
        connection: to the database, for writing.
        clock: seconds since 1970.
    """

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.time) -> None:
        self.connection = connection
        self.clock = clock
        self._forget()

    def _forget(self) -> None:
        """Forget what was learnt of the database: a transaction failed, or the ontology is another one."""
        self.batch = Batch(self.connection)
        self.techniques = Techniques(self.batch)
        self.vocabulary = Vocabulary(self.batch, self._shown)

    # -- what others call

    def current(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return those of `digests` that are of records as they stand in the catalogue."""
        found: set[bytes] = set()
        for table in ROOTS.values():
            for part in parted(digests):
                found.update(
                    row[0]
                    for row in self.connection.rows(f"SELECT digest FROM {table} WHERE " + one_of("digest", part))
                )
        return found

    def put(self, records: Sequence[tuple[Record, bytes]]) -> None:
        """Take records in, each with the digest of what it was read from. Of one record given twice the last counts.

        Raises:
            StoreError: nothing was taken in.
        """
        try:
            with self.connection.transaction():
                self.batch.begin()
                self.techniques.check()
                self._put({(r.kind, r.pid): (r, d) for r, d in records})
                self.batch.flush()
        except BaseException:
            self._forget()
            raise

    def withdraw(self, kind: str, pid: str) -> bool:
        """Take a record out: what refers to it keeps its place for it, and nobody sees it. Returns whether it was there."""
        with self.connection.transaction():
            self.batch.begin()
            found = self.connection.rows(
                Sql(f"SELECT id, visible_from FROM {ROOTS[kind]} WHERE pid = ? AND digest IS NOT NULL", (pid,))
            )
            if not found:
                return False
            self._clear(kind, [found[0][0]])
            self.connection.execute(Sql(f"DELETE FROM {ROOTS[kind]} WHERE id = ?", (found[0][0],)))
            self._placeholder(kind, found[0][0], pid)
            self._count_visible(Counter({(kind, found[0][1]): -1}))
            self.batch.flush()
        return True

    def ontology(self, wanted: Sequence[Term], digest: str) -> bool:
        """Make the techniques those of an ontology, and everything derived from them. Returns whether anything changed.

        Args:
            wanted: its classes.
            digest: of the file they were read from.
        """
        try:
            with self.connection.transaction():
                if self.batch.meta("ontology") == digest:
                    return False
                self.batch.begin()
                self.techniques.replace(wanted)
                self.batch.set_meta("ontology", digest)
                self.batch.flush()
        finally:
            self._forget()
        return True

    # -- records

    def _put(self, records: dict[tuple[str, str], tuple[Record, bytes]]) -> None:
        ids, old = self._roots(records)
        changed = Counter[tuple[str, int | None]]()
        for kind, table in ROOTS.items():
            mine = [ids[k] for k in records if k[0] == kind]
            existing = [i for i in mine if i in old[kind]]
            self._clear(kind, [i for i in existing if old[kind][i][1] is not None])
            for part in parted(existing):
                self.connection.execute(f"DELETE FROM {table} WHERE " + one_of("id", part))
            for i in existing:
                visible, digest = old[kind][i]
                if digest is not None:
                    changed[kind, visible] -= 1
        samples = self.vocabulary.take_named(
            "sample",
            [
                (s.pid, (s.name, fold_or(s.name), s.description, fold_or(s.description)), self._shown(r))
                for r, _ in records.values()
                if isinstance(r, Dataset)
                for s in r.samples
            ],
        )
        self.techniques.take([t for r, _ in records.values() if isinstance(r, Dataset) for t in r.techniques])
        self.vocabulary.take_parameters([r.parameters for r, _ in records.values() if not isinstance(r, Instrument)])
        words = {key: list(words_of(record)) for key, (record, _) in records.items()}
        self.vocabulary.take_terms({w for listed in words.values() for w in listed})
        people = self.vocabulary.take_people(
            (r, n, m) for r, _ in records.values() if isinstance(r, Document) for n, m in enumerate(r.members)
        )
        for key, (record, digest) in records.items():
            own = ids[key]
            changed[record.kind, record.visible_from] += 1
            match record:
                case Dataset():
                    self._dataset(own, record, digest, ids, samples)
                case Document():
                    self._document(own, record, digest, people)
                case Instrument():
                    self.batch.add(
                        "instrument",
                        own,
                        record.pid,
                        record.name,
                        fold(record.name),
                        record.facility,
                        fold(record.facility),
                        record.visible_from,
                        digest,
                    )
            counted = Counter(words[key])
            for word, n in counted.items():
                self.batch.add(
                    f"{ROOTS[record.kind]}_posting",
                    self.vocabulary.terms[word],
                    own,
                    n,
                    len(counted),
                    len(words[key]),
                    record.visible_from,
                )
        self._count_visible(changed)

    def _roots(
        self, records: dict[tuple[str, str], tuple[Record, bytes]]
    ) -> tuple[dict[tuple[str, str], int], dict[str, dict[int, tuple[int | None, bytes | None]]]]:
        """Return the ids of all records and of what they refer to, and (visible_from, digest) of those that were there."""
        wanted: dict[str, dict[str, None]] = {kind: {} for kind in ROOTS}
        for kind, pid in records:
            wanted[kind][pid] = None
        for record, _ in records.values():
            if isinstance(record, Dataset):
                wanted["Document"].update(dict.fromkeys(record.documents))
                if record.instrument:
                    wanted["Instrument"][record.instrument] = None
        ids: dict[tuple[str, str], int] = {}
        old: dict[str, dict[int, tuple[int | None, bytes | None]]] = {kind: {} for kind in ROOTS}
        for kind, pids in wanted.items():
            for part in parted(list(pids)):
                for i, pid, visible, digest in self.connection.rows(
                    f"SELECT id, pid, visible_from, digest FROM {ROOTS[kind]} WHERE " + one_of("pid", part)
                ):
                    ids[kind, pid] = i
                    old[kind][i] = (visible, digest)
            for pid in pids:
                if (kind, pid) not in ids:
                    ids[kind, pid] = self.batch.next_key(ROOTS[kind])
                    if (kind, pid) not in records:
                        self._placeholder(kind, ids[kind, pid], pid)
        return ids, old

    def _placeholder(self, kind: str, own: int, pid: str) -> None:
        columns = COLUMNS[ROOTS[kind]].split()
        self.batch.rows[ROOTS[kind]].append((own, pid, *[None] * (len(columns) - 2)))

    def _clear(self, kind: str, ids: Sequence[int]) -> None:
        """Delete what belongs to records."""
        for part in parted(ids):
            if kind == "Dataset":
                self.connection.execute(
                    "DELETE FROM dataset_technique_anc WHERE (technique_id, dataset_id) IN (SELECT k.ancestor_id, t.dataset_id FROM dataset_technique t "
                    "JOIN technique_closure k ON k.descendant_id = t.technique_id WHERE "
                    + one_of("t.dataset_id", part)
                    + ")"
                )
            for table, column in CHILDREN[kind]:
                self.connection.execute(f"DELETE FROM {table} WHERE " + one_of(column, part))

    def _dataset(
        self, own: int, r: Dataset, digest: bytes, ids: dict[tuple[str, str], int], samples: dict[str, int]
    ) -> None:
        instrument = ids["Instrument", r.instrument] if r.instrument else None
        self.batch.add(
            "dataset",
            own,
            r.pid,
            r.title,
            fold(r.title),
            int(r.is_public),
            r.creation_date,
            r.release_date,
            r.size,
            instrument,
            r.visible_from,
            digest,
        )
        for document in r.documents:
            self.batch.add("document_dataset", ids["Document", document], own)
        for sample in r.samples:
            self.batch.add("dataset_sample", own, samples[sample.pid])
        tags = [self.techniques.ids[t.pid] for t in r.techniques]
        for tag in tags:
            self.batch.add("dataset_technique", own, tag)
        for ancestor in dict.fromkeys(a for tag in tags for a in self.techniques.ancestors[tag]):
            self.batch.add("dataset_technique_anc", ancestor, own, r.visible_from, instrument)
        for p in r.parameters:
            key = self.batch.next_key("dataset_parameter")
            self.batch.add("dataset_parameter", key, own, *self._parameter(p), r.visible_from, instrument)
        for f in r.files:
            self.batch.add("file", self.batch.next_key("file"), own, f.name, fold(f.name), f.path, f.size)

    def _document(
        self, own: int, r: Document, digest: bytes, people: dict[tuple[str, int], tuple[int | None, int | None]]
    ) -> None:
        self.batch.add(
            "document", own, r.pid, int(r.is_public), r.type, r.title, fold(r.title), r.summary, fold_or(r.summary), r.doi, r.start_date, r.end_date,
            r.release_date, r.license, json.dumps(r.keywords, ensure_ascii=False) if r.keywords else None, r.visible_from, digest,
        )  # fmt: skip
        for n, keyword in enumerate(r.keywords):
            self.batch.add("document_keyword", own, n, keyword, fold(keyword))
        for n, m in enumerate(r.members):
            self.batch.add("member", self.batch.next_key("member"), own, m.role, *people[r.pid, n])
        for p in r.parameters:
            self.batch.add("document_parameter", self.batch.next_key("document_parameter"), own, *self._parameter(p))

    def _parameter(self, p: Parameter) -> tuple[Any, ...]:
        """Return name_id, num, txt, unit, dim, si."""
        name = self.vocabulary.parameter_names[p.name][0]
        if isinstance(p.value, str):
            return name, None, p.value, p.unit, None, None
        unit = units.find(p.unit) if p.unit else None
        if unit is None:
            return name, p.value, None, p.unit, None, None
        return name, p.value, None, p.unit, units.dimensions().index(unit.dimension), unit.to_si(p.value)

    def _shown(self, record: Record) -> bool:
        """Whether everybody may see a record at this moment."""
        return record.visible_from is not None and record.visible_from <= self.clock()

    def _count_visible(self, changes: Counter[tuple[str, int | None]]) -> None:
        """Add to the numbers of rows by the moment from which they are visible."""
        for (model, visible), n in changes.items():
            if visible is None or not n:
                continue
            self.connection.execute(
                Sql(
                    "INSERT INTO visible_count (model, visible_from, n) VALUES (?, ?, ?) ON CONFLICT (model, visible_from) DO UPDATE SET n = visible_count.n + excluded.n",
                    (model, visible, n),
                )
            )


def words_of(r: Record) -> Iterator[str]:
    """Yield the terms by which a free-text query finds a record."""
    match r:
        case Dataset():
            texts = [
                r.title,
                *(t.name for t in r.techniques),
                *(s.name for s in r.samples),
                *(s.description for s in r.samples),
            ]
        case Document():
            texts = [r.title, r.summary, *r.keywords]
        case Instrument():
            texts = [r.name, r.facility]
    for text in texts:
        if text:
            yield from terms(text)
