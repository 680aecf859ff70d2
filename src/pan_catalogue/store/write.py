"""Records into rows. One call takes many records in one transaction: after it all of them are there, with everything derived from them, or none."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from .. import units
from ..records.record import Affiliation, Dataset, Document, Instrument, Member, Parameter, Person, Record, Technique
from ..sql.fragment import Sql, one_of
from ..techniques import BASE as PANET
from ..techniques import Term
from ..text import fold, terms

AT_ONCE = 1_000  # values of one IN list
ROOTS = {"Dataset": "dataset", "Document": "document", "Instrument": "instrument"}
CHILDREN = {
    "Dataset": [("document_dataset", "dataset_id"), ("dataset_sample", "dataset_id"), ("dataset_parameter", "dataset_id"), ("file", "dataset_id"),
                ("dataset_technique", "dataset_id"), ("dataset_posting", "item_id")],
    "Document": [("document_keyword", "document_id"), ("member", "document_id"), ("document_parameter", "document_id"), ("document_posting", "item_id")],
    "Instrument": [("instrument_posting", "item_id")],
}  # fmt: skip
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
    "dataset_technique_anc": "technique_id dataset_id visible_from",
    "parameter_name": "id name name_fold repeated",
    "dataset_parameter": "id dataset_id name_id num txt unit dim si visible_from",
    "document_parameter": "id document_id name_id num txt unit dim si",
    "file": "id dataset_id name name_fold path size",
    "person": "id pid full_name full_name_fold orcid researcher_id first_name first_name_fold last_name last_name_fold",
    "affiliation": "id pid name name_fold address address_fold city city_fold country country_fold",
    "member": "id document_id role person_id affiliation_id",
    "term": "id term",
    **{f"{t}_posting": "term_id item_id n unique_terms all_terms visible_from" for t in ROOTS.values()},
}
TAG_WITH_ANCESTORS = (
    "INSERT INTO dataset_technique_anc (technique_id, dataset_id, visible_from) SELECT DISTINCT k.ancestor_id, t.dataset_id, d.visible_from "
    "FROM dataset_technique t JOIN technique_closure k ON k.descendant_id = t.technique_id JOIN dataset d ON d.id = t.dataset_id"
)


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


@dataclass
class Known:
    """Keys of what is never deleted, so that they need not be looked up again. Forgotten when a transaction fails."""

    parameter_names: dict[str, tuple[int, bool]] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    techniques: dict[str, int] = field(default_factory=dict)
    said: dict[str, Technique] = field(default_factory=dict)
    ancestors: dict[int, tuple[int, ...]] = field(default_factory=dict)
    ontology: str = ""


class Catalogue:
    """Takes records in.

    Args:
        connection: to the database, for writing.
        clock: seconds since 1970.
    """

    def __init__(self, connection: Connection, clock: Callable[[], float] = time.time) -> None:
        self.connection = connection
        self.clock = clock
        self.known = Known()
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._counters: dict[str, int] = {}

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
                self._rows = defaultdict(list)
                self._counters = {}
                self._check_ontology()
                self._put({(r.kind, r.pid): (r, d) for r, d in records})
                self._flush()
        except BaseException:
            self.known = Known()
            raise

    def withdraw(self, kind: str, pid: str) -> bool:
        """Take a record out: what refers to it keeps its place for it, and nobody sees it. Returns whether it was there."""
        with self.connection.transaction():
            self._rows, self._counters = defaultdict(list), {}
            found = self.connection.rows(
                Sql(f"SELECT id, visible_from FROM {ROOTS[kind]} WHERE pid = ? AND digest IS NOT NULL", (pid,))
            )
            if not found:
                return False
            self._clear(kind, [found[0][0]])
            self.connection.execute(Sql(f"DELETE FROM {ROOTS[kind]} WHERE id = ?", (found[0][0],)))
            self._placeholder(kind, found[0][0], pid)
            self._count_visible(Counter({(kind, found[0][1]): -1}))
            self._flush()
        return True

    def ontology(self, wanted: Sequence[Term], digest: str) -> bool:
        """Make the techniques those of an ontology, and everything derived from them. Returns whether anything changed.

        Args:
            wanted: its classes.
            digest: of the file they were read from.
        """
        try:
            with self.connection.transaction():
                if self._meta("ontology") == digest:
                    return False
                self._rows, self._counters = defaultdict(list), {}
                self._ontology(wanted)
                self._set_meta("ontology", digest)
                self._flush()
        finally:
            self.known = Known()
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
        samples = self._named(
            "sample",
            [
                (s.pid, (s.name, fold_or(s.name), s.description, fold_or(s.description)), self._shown(r))
                for r, _ in records.values()
                if isinstance(r, Dataset)
                for s in r.samples
            ],
        )
        self._techniques([t for r, _ in records.values() if isinstance(r, Dataset) for t in r.techniques])
        self._parameter_names([r.parameters for r, _ in records.values() if not isinstance(r, Instrument)])
        words = {key: list(words_of(record)) for key, (record, _) in records.items()}
        self._terms({w for listed in words.values() for w in listed})
        people = self._people(
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
                    self._add(
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
                self._add(
                    f"{ROOTS[record.kind]}_posting",
                    self.known.terms[word],
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
                    ids[kind, pid] = self._next(ROOTS[kind])
                    if (kind, pid) not in records:
                        self._placeholder(kind, ids[kind, pid], pid)
        return ids, old

    def _placeholder(self, kind: str, own: int, pid: str) -> None:
        columns = COLUMNS[ROOTS[kind]].split()
        self._rows[ROOTS[kind]].append((own, pid, *[None] * (len(columns) - 2)))

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
        self._add(
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
            self._add("document_dataset", ids["Document", document], own)
        for sample in r.samples:
            self._add("dataset_sample", own, samples[sample.pid])
        tags = [self.known.techniques[t.pid] for t in r.techniques]
        for tag in tags:
            self._add("dataset_technique", own, tag)
        for ancestor in dict.fromkeys(a for tag in tags for a in self.known.ancestors[tag]):
            self._add("dataset_technique_anc", ancestor, own, r.visible_from)
        for p in r.parameters:
            self._add("dataset_parameter", self._next("dataset_parameter"), own, *self._parameter(p), r.visible_from)
        for f in r.files:
            self._add("file", self._next("file"), own, f.name, fold(f.name), f.path, f.size)

    def _document(
        self, own: int, r: Document, digest: bytes, people: dict[tuple[str, int], tuple[int | None, int | None]]
    ) -> None:
        self._add(
            "document", own, r.pid, int(r.is_public), r.type, r.title, fold(r.title), r.summary, fold_or(r.summary), r.doi, r.start_date, r.end_date,
            r.release_date, r.license, json.dumps(r.keywords, ensure_ascii=False) if r.keywords else None, r.visible_from, digest,
        )  # fmt: skip
        for n, keyword in enumerate(r.keywords):
            self._add("document_keyword", own, n, keyword, fold(keyword))
        for n, m in enumerate(r.members):
            self._add("member", self._next("member"), own, m.role, *people[r.pid, n])
        for p in r.parameters:
            self._add("document_parameter", self._next("document_parameter"), own, *self._parameter(p))

    def _parameter(self, p: Parameter) -> tuple[Any, ...]:
        """Return name_id, num, txt, unit, dim, si."""
        name = self.known.parameter_names[p.name][0]
        if isinstance(p.value, str):
            return name, None, p.value, p.unit, None, None
        unit = units.find(p.unit) if p.unit else None
        if unit is None:
            return name, p.value, None, p.unit, None, None
        return name, p.value, None, p.unit, units.dimensions().index(unit.dimension), unit.to_si(p.value)

    # -- what records share

    def _techniques(self, given: Iterable[Technique]) -> None:
        """Make sure that each technique has a row, its names and its ancestors. What a record does not say of it stays as it was."""
        wanted: dict[str, Technique] = {}
        for t in given:
            wanted[t.pid] = more_of(wanted.get(t.pid), t)
        fresh = {pid: t for pid, t in wanted.items() if self.known.said.get(pid) != t}
        classes = {
            p: Technique(p, None, p) for t in fresh.values() if (p := t.panet_id) and p not in self.known.techniques
        }
        for group in (classes, fresh):
            there: dict[str, tuple[int, str | None, str | None]] = {}
            for part in parted(list(group)):
                for i, pid, name, panet in self.connection.rows(
                    "SELECT id, pid, name, panet_id FROM technique WHERE " + one_of("pid", part)
                ):
                    there[pid] = (i, name, panet)
                    self.known.techniques[pid] = i
            for pid, t in group.items():
                if pid in there:
                    self._said_of_technique(t, *there[pid])
                else:
                    self._technique(t)
        self.known.said |= fresh
        for part in parted([i for i in self.known.techniques.values() if i not in self.known.ancestors]):
            found = defaultdict(list)
            for descendant, ancestor in self.connection.rows(
                "SELECT descendant_id, ancestor_id FROM technique_closure WHERE " + one_of("descendant_id", part)
            ):
                found[descendant].append(ancestor)
            self.known.ancestors.update({d: tuple(a) for d, a in found.items()})

    def _technique(self, t: Technique) -> None:
        """Make the row of a technique that is not in the ontology."""
        own = self._next("technique")
        self.known.techniques[t.pid] = own
        panet = t.panet_id or (t.pid if t.pid.startswith(PANET) else None)
        self._insert("technique", [(own, t.pid, t.name, fold_or(t.name), panet)])
        if t.name:
            self._insert("technique_name", [(fold(t.name), own)])
        self._insert("technique_closure", [(own, a) for a in self._above(own, t.panet_id)])

    def _said_of_technique(self, t: Technique, own: int, name: str | None, panet: str | None) -> None:
        """Take over what a record says of a technique that is there: of a facility's own term all, of one of the ontology's nothing but a missing name."""
        of_ontology = panet == t.pid and self.known.ontology != ""
        if t.name and t.name != name and (name is None or not of_ontology):
            self.connection.execute(
                Sql("UPDATE technique SET name = ?, name_fold = ? WHERE id = ?", (t.name, fold(t.name), own))
            )
            self.connection.execute(Sql("DELETE FROM technique_name WHERE technique_id = ?", (own,)))
            self._insert("technique_name", [(fold(t.name), own)])
        if not t.panet_id or t.panet_id == panet or of_ontology:
            return
        self.connection.execute(Sql("UPDATE technique SET panet_id = ? WHERE id = ?", (t.panet_id, own)))
        self.connection.execute(Sql("DELETE FROM technique_closure WHERE descendant_id = ?", (own,)))
        self._insert("technique_closure", [(own, a) for a in self._above(own, t.panet_id)])
        self.known.ancestors.pop(own, None)
        tagged = Sql("(SELECT dataset_id FROM dataset_technique WHERE technique_id = ?)", (own,))
        self.connection.execute("DELETE FROM dataset_technique_anc WHERE dataset_id IN " + tagged)
        self.connection.execute(TAG_WITH_ANCESTORS + " WHERE t.dataset_id IN " + tagged + " ORDER BY 1, 2")

    def _above(self, own: int, panet: str | None) -> list[int]:
        """Return the ids of a facility's own term, of its class and of all above that."""
        above = Sql(
            "SELECT k.ancestor_id FROM technique_closure k JOIN technique t ON t.id = k.descendant_id WHERE t.pid = ?",
            (panet,),
        )
        return list(dict.fromkeys([own, *(a for (a,) in (self.connection.rows(above) if panet else ()))]))

    def _check_ontology(self) -> None:
        """Forget what is known of techniques when another process has changed the ontology."""
        now = self._meta("ontology")
        if now != self.known.ontology:
            self.known.techniques.clear()
            self.known.said.clear()
            self.known.ancestors.clear()
            self.known.ontology = now

    def _ontology(self, wanted: Sequence[Term]) -> None:
        rows = self.connection.rows(Sql("SELECT id, pid, name, panet_id FROM technique"))
        ids = {pid: i for i, pid, _, _ in rows}
        for term in wanted:
            if term.pid not in ids:
                ids[term.pid] = self._next("technique")
        labels = {t.pid: t for t in wanted}
        local = [(i, pid, name, panet) for i, pid, name, panet in rows if pid not in labels]
        for table in ("technique", "technique_name", "technique_closure", "dataset_technique_anc"):
            self.connection.execute(Sql(f"DELETE FROM {table}"))
        self._insert(
            "technique",
            [(ids[t.pid], t.pid, t.label, fold(t.label), t.pid) for t in wanted]
            + [(i, p, n, fold_or(n), panet) for i, p, n, panet in local],
        )
        names = {(fold(n), ids[t.pid]) for t in wanted for n in (t.label, *t.alternatives)} | {
            (fold(n), i) for i, _, n, _ in local if n
        }
        self._insert("technique_name", sorted(names))
        closure = {(ids[t.pid], ids[a]) for t in wanted for a in (t.pid, *t.ancestors)}
        for i, pid, _, panet in local:
            above = labels[panet].ancestors if panet in labels else ()
            closure |= {(i, i), *((i, ids[a]) for a in (panet, *above) if a in ids and panet != pid)}
        self._insert("technique_closure", sorted(closure))
        self.connection.execute(Sql(TAG_WITH_ANCESTORS + " ORDER BY 1, 2"))

    def _parameter_names(self, given: Iterable[list[Parameter]]) -> None:
        """Make sure that each name has a row, which says whether any dataset has the name more than once."""
        used: dict[str, bool] = {}
        for parameters in given:
            for name, n in Counter(p.name for p in parameters).items():
                used[name] = used.get(name, False) or n > 1
        known = self.known.parameter_names
        for part in parted([n for n in used if n not in known]):
            for i, name, repeated in self.connection.rows(
                "SELECT id, name, repeated FROM parameter_name WHERE " + one_of("name", part)
            ):
                known[name] = (i, bool(repeated))
        for name, repeated in used.items():
            if name not in known:
                known[name] = (self._next("parameter_name"), repeated)
                self._insert("parameter_name", [(known[name][0], name, fold(name), int(repeated))])
            elif repeated and not known[name][1]:
                known[name] = (known[name][0], True)
                self.connection.execute(Sql("UPDATE parameter_name SET repeated = 1 WHERE id = ?", (known[name][0],)))

    def _terms(self, words: set[str]) -> None:
        missing = sorted(w for w in words if w not in self.known.terms)
        for part in parted(missing):
            for i, term in self.connection.rows("SELECT id, term FROM term WHERE " + one_of("term", part)):
                self.known.terms[term] = i
        for word in missing:
            if word not in self.known.terms:
                self.known.terms[word] = self._next("term")
                self._add("term", self.known.terms[word], word)

    def _people(
        self, members: Iterable[tuple[Document, int, Member]]
    ) -> dict[tuple[str, int], tuple[int | None, int | None]]:
        """Return (person id, affiliation id) of each (document, place of the member). Without an ORCID, two people of one name are two people."""
        listed = list(members)
        person_keys = {(d.pid, n): m.person.orcid or f"{d.pid}#{n}" for d, n, m in listed if m.person}
        place_keys = {(d.pid, n): place_key(m.affiliation) for d, n, m in listed if m.affiliation}
        people = self._named(
            "person",
            [(person_keys[d.pid, n], person_row(m.person), self._shown(d)) for d, n, m in listed if m.person],
        )
        places = self._named(
            "affiliation",
            [(place_keys[d.pid, n], place_row(m.affiliation), self._shown(d)) for d, n, m in listed if m.affiliation],
        )
        return {
            (d.pid, n): (
                people[person_keys[d.pid, n]] if m.person else None,
                places[place_keys[d.pid, n]] if m.affiliation else None,
            )
            for d, n, m in listed
        }

    def _named(self, table: str, given: Iterable[tuple[str, tuple[Any, ...], bool]]) -> dict[str, int]:
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
            found = self.connection.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE " + one_of("pid", part))
            ids.update({row[1]: row[0] for row in found})
            stale = {row[1]: row[0] for row in found if wanted[row[1]][1] and wanted[row[1]][0] != tuple(row[2:])}
            for some in parted(list(stale.values())):
                self.connection.execute(f"DELETE FROM {table} WHERE " + one_of("id", some))
            self._rows[table] += [(i, pid, *wanted[pid][0]) for pid, i in stale.items()]
        for pid, (row, _) in wanted.items():
            if pid not in ids:
                ids[pid] = self._next(table)
                self._add(table, ids[pid], pid, *row)
        return ids

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

    # -- rows, kept until all are made

    def _add(self, table: str, *row: Any) -> None:
        self._rows[table].append(row)

    def _insert(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        self.connection.insert(table, COLUMNS[table].split(), rows)

    def _flush(self) -> None:
        for table, rows in self._rows.items():
            self._insert(table, rows)
        for name, value in self._counters.items():
            self.connection.execute(
                Sql(
                    "INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    (name, value),
                )
            )
        self._rows, self._counters = {}, {}

    def _next(self, table: str) -> int:
        """Return a key that no row of the table has had."""
        if table not in self._counters:
            found = self.connection.rows(Sql("SELECT value FROM counter WHERE name = ?", (table,)))
            self._counters[table] = found[0][0] if found else 0
        self._counters[table] += 1
        return self._counters[table]

    def _meta(self, name: str) -> str:
        found = self.connection.rows(Sql("SELECT value FROM meta WHERE name = ?", (name,)))
        return str(found[0][0]) if found else ""

    def _set_meta(self, name: str, value: str) -> None:
        self.connection.execute(
            Sql(
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
        )


def more_of(was: Technique | None, t: Technique) -> Technique:
    """Return what two records say of a technique: the later one counts, where it says something."""
    return t if was is None else Technique(t.pid, t.name or was.name, t.panet_id or was.panet_id)


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


def person_row(p: Person | None) -> tuple[Any, ...]:
    """Return the columns of a person after its pid."""
    if p is None:
        raise TypeError(p)
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


def place_row(a: Affiliation | None) -> tuple[Any, ...]:
    """Return the columns of an affiliation after its pid."""
    if a is None:
        raise TypeError(a)
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


def fold_or(text: str | None) -> str | None:
    """Return a text folded, if there is one."""
    return None if text is None else fold(text)


def parted(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield `values` in parts that fit one statement."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]
