"""Techniques in the store: the ontology's, and those that records name; their names, their ancestors, and which datasets are tagged with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..records.record import Technique
from ..sql.fragment import Sql, one_of
from ..techniques import BASE as PANET
from ..techniques import Term
from ..text import fold
from .batch import Batch, fold_or, parted

TAG_WITH_ANCESTORS = (
    "INSERT INTO dataset_technique_anc (technique_id, dataset_id, visible_from, instrument_id) "
    "SELECT DISTINCT k.ancestor_id, t.dataset_id, d.visible_from, d.instrument_id FROM dataset_technique t JOIN technique_closure k ON k.descendant_id = t.technique_id JOIN dataset d ON d.id = t.dataset_id"
)


class Techniques:
    """What is known of techniques is kept: they are never deleted. Forgotten when a transaction fails.

    Attributes:
        ids: pid -> key.
        ancestors: key -> keys of the technique itself and of all above it.
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.ids: dict[str, int] = {}
        self.said: dict[str, Technique] = {}
        self.ancestors: dict[int, tuple[int, ...]] = {}
        self.known_ontology = ""

    def take(self, given: Iterable[Technique]) -> None:
        """Make sure that each technique has a row, its names and its ancestors. What a record does not say of it stays as it was."""
        wanted: dict[str, Technique] = {}
        for t in given:
            wanted[t.pid] = more_of(wanted.get(t.pid), t)
        fresh = {pid: t for pid, t in wanted.items() if self.said.get(pid) != t}
        classes = {p: Technique(p, None, p) for t in fresh.values() if (p := t.panet_id) and p not in self.ids}
        for group in (classes, fresh):
            there: dict[str, tuple[int, str | None, str | None]] = {}
            for part in parted(list(group)):
                for i, pid, name, panet in self.batch.connection.rows(
                    "SELECT id, pid, name, panet_id FROM technique WHERE " + one_of("pid", part)
                ):
                    there[pid] = (i, name, panet)
                    self.ids[pid] = i
            for pid, t in group.items():
                if pid in there:
                    self._said_of_technique(t, *there[pid])
                else:
                    self._technique(t)
        self.said |= fresh
        for part in parted([i for i in self.ids.values() if i not in self.ancestors]):
            found = defaultdict(list)
            for descendant, ancestor in self.batch.connection.rows(
                "SELECT descendant_id, ancestor_id FROM technique_closure WHERE " + one_of("descendant_id", part)
            ):
                found[descendant].append(ancestor)
            self.ancestors.update({d: tuple(a) for d, a in found.items()})

    def _technique(self, t: Technique) -> None:
        """Make the row of a technique that is not in the ontology."""
        own = self.batch.next_key("technique")
        self.ids[t.pid] = own
        panet = t.panet_id or (t.pid if t.pid.startswith(PANET) else None)
        self.batch.insert("technique", [(own, t.pid, t.name, fold_or(t.name), panet)])
        if t.name:
            self.batch.insert("technique_name", [(fold(t.name), own)])
        self.batch.insert("technique_closure", [(own, a) for a in self._above(own, t.panet_id)])

    def _said_of_technique(self, t: Technique, own: int, name: str | None, panet: str | None) -> None:
        """Take over what a record says of a technique that is there: of a facility's own term all, of one of the ontology's nothing but a missing name."""
        of_ontology = panet == t.pid and self.known_ontology != ""
        if t.name and t.name != name and (name is None or not of_ontology):
            self.batch.connection.execute(
                Sql("UPDATE technique SET name = ?, name_fold = ? WHERE id = ?", (t.name, fold(t.name), own))
            )
            self.batch.connection.execute(Sql("DELETE FROM technique_name WHERE technique_id = ?", (own,)))
            self.batch.insert("technique_name", [(fold(t.name), own)])
        if not t.panet_id or t.panet_id == panet or of_ontology:
            return
        self.batch.connection.execute(Sql("UPDATE technique SET panet_id = ? WHERE id = ?", (t.panet_id, own)))
        self.batch.connection.execute(Sql("DELETE FROM technique_closure WHERE descendant_id = ?", (own,)))
        self.batch.insert("technique_closure", [(own, a) for a in self._above(own, t.panet_id)])
        self.ancestors.pop(own, None)
        tagged = Sql("(SELECT dataset_id FROM dataset_technique WHERE technique_id = ?)", (own,))
        self.batch.connection.execute("DELETE FROM dataset_technique_anc WHERE dataset_id IN " + tagged)
        self.batch.connection.execute(TAG_WITH_ANCESTORS + " WHERE t.dataset_id IN " + tagged + " ORDER BY 1, 2")

    def _above(self, own: int, panet: str | None) -> list[int]:
        """Return the ids of a facility's own term, of its class and of all above that."""
        above = Sql(
            "SELECT k.ancestor_id FROM technique_closure k JOIN technique t ON t.id = k.descendant_id WHERE t.pid = ?",
            (panet,),
        )
        return list(dict.fromkeys([own, *(a for (a,) in (self.batch.connection.rows(above) if panet else ()))]))

    def check(self) -> None:
        """Forget what is known of techniques when another process has changed the ontology."""
        now = self.batch.meta("ontology")
        if now != self.known_ontology:
            self.ids.clear()
            self.said.clear()
            self.ancestors.clear()
            self.known_ontology = now

    def replace(self, wanted: Sequence[Term]) -> None:
        """Make the techniques those of an ontology and the facility's own, and everything derived from them."""
        rows = self.batch.connection.rows(Sql("SELECT id, pid, name, panet_id FROM technique"))
        ids = {pid: i for i, pid, _, _ in rows}
        for term in wanted:
            if term.pid not in ids:
                ids[term.pid] = self.batch.next_key("technique")
        labels = {t.pid: t for t in wanted}
        local = [(i, pid, name, panet) for i, pid, name, panet in rows if pid not in labels]
        for table in ("technique", "technique_name", "technique_closure", "dataset_technique_anc"):
            self.batch.connection.execute(Sql(f"DELETE FROM {table}"))
        self.batch.insert(
            "technique",
            [(ids[t.pid], t.pid, t.label, fold(t.label), t.pid) for t in wanted]
            + [(i, p, n, fold_or(n), panet) for i, p, n, panet in local],
        )
        names = {(fold(n), ids[t.pid]) for t in wanted for n in (t.label, *t.alternatives)} | {
            (fold(n), i) for i, _, n, _ in local if n
        }
        self.batch.insert("technique_name", sorted(names))
        closure = {(ids[t.pid], ids[a]) for t in wanted for a in (t.pid, *t.ancestors)}
        for i, pid, _, panet in local:
            above = labels[panet].ancestors if panet in labels else ()
            closure |= {(i, i), *((i, ids[a]) for a in (panet, *above) if a in ids and panet != pid)}
        self.batch.insert("technique_closure", sorted(closure))
        self.batch.connection.execute(Sql(TAG_WITH_ANCESTORS + " ORDER BY 1, 2"))


def more_of(was: Technique | None, t: Technique) -> Technique:
    """Return what two records say of a technique: the later one counts, where it says something."""
    return t if was is None else Technique(t.pid, t.name or was.name, t.panet_id or was.panet_id)
