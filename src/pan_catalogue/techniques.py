"""The PaNET ontology of photon and neutron techniques, read from its source table.

PaNET (ExPaNDS-eu/ExPaNDS-experimental-techniques-ontology, `source/PaNET.csv`, CC-BY 4.0) is a ROBOT template: its second row says what each column is. The
closure needs no reasoner: the parents of a class are its `SC` (subclass) columns and every named class in its `EC` (equivalent) columns, also inside `('a' and
'b')`; conditions with `some` are not parents, and `DC` (disjoint) columns say nothing of ancestry. All published truth tables come out.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import SettingsError

BASE = "http://purl.org/pan-science/PaNET/"


@dataclass(frozen=True)
class Term:
    """A class of the ontology.

    Attributes:
        pid: its address.
        label: its name.
        alternatives: other names.
        ancestors: addresses of all classes it is a kind of, itself left out.
    """

    pid: str
    label: str
    alternatives: tuple[str, ...]
    ancestors: tuple[str, ...]


@dataclass
class Row:
    """One class as the table says it."""

    pid: str
    label: str
    alternatives: list[str]
    parents: list[str]


def read(path: Path) -> tuple[list[Term], str]:
    """Return the classes in a PaNET table, and the digest of the file.

    Raises:
        SettingsError: it cannot be read, or is not such a table.
    """
    try:
        data = path.read_bytes()
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (OSError, UnicodeError, csv.Error) as e:
        raise SettingsError(f"the PaNET file {path} cannot be read: {e}") from None
    template = next((n for n, row in enumerate(rows) if "ID" in row and any(c.startswith("SC") for c in row)), None)
    if template is None:
        raise SettingsError(
            f"{path} is not a PaNET table: no row says which column is ID and which are SC (PaNET.csv of the ontology's source is meant)"
        )
    classes = {r.pid: r for r in parsed(rows[template], rows[template + 1 :])}
    if not classes:
        raise SettingsError(f"{path} has no classes")
    return list(closed(classes)), hashlib.sha256(data).hexdigest()


def parsed(template: list[str], rows: list[list[str]]) -> Iterator[Row]:
    """Yield the classes of a table."""
    starts = {"id": "ID", "label": "A rdfs:label", "alt": "A http", "sub": "SC", "same": "EC", "type": "TYPE"}
    of = {kind: [n for n, c in enumerate(template) if c.startswith(start)] for kind, start in starts.items()}
    for row in rows:
        cells = [c.strip() for c in row] + [""] * (len(template) - len(row))
        pid = absolute(cells[of["id"][0]])
        if not pid.startswith(("http://", "https://")) or (
            of["type"] and cells[of["type"][0]] not in {"owl:Class", "class", ""}
        ):
            continue
        parents = [cells[n] for n in of["sub"] if cells[n]]
        for n in of["same"]:
            parents += named(cells[n])
        alternatives = [cells[n] for n in of["alt"] if "altLabel" in template[n] and cells[n]]
        yield Row(pid, cells[of["label"][0]], alternatives, parents)


def named(expression: str) -> list[str]:
    """Return the classes that an equivalence names: `a`, `('a' and 'b')`, `(PaNET:PaNET00104 and 'c')`; what stands beside `some` is a condition."""
    if not expression or (" some " in expression and " and " not in expression):
        return []
    terms = [t.strip().strip("()").strip() for t in expression.split(" and ")]
    return [t.strip("'") for t in terms if t and " some " not in t]


def closed(classes: dict[str, Row]) -> Iterator[Term]:
    """Yield the classes with all their ancestors."""
    # A label may be used twice, for a technique and for what specifies one: the technique, of the lower number, is meant.
    labels: dict[str, str] = {}
    for row in sorted(classes.values(), key=lambda r: (len(r.pid), r.pid)):
        labels.setdefault(row.label, row.pid)
    parents = {
        pid: [p for name in row.parents if (p := resolved(name, labels, classes)) and p != pid]
        for pid, row in classes.items()
    }
    for pid, row in classes.items():
        ancestors: dict[str, None] = {}
        waiting = list(parents[pid])
        while waiting:
            above = waiting.pop()
            if above not in ancestors and above != pid:
                ancestors[above] = None
                waiting += parents[above]
        yield Term(pid, row.label, tuple(row.alternatives), tuple(sorted(ancestors)))


def resolved(name: str, labels: dict[str, str], classes: dict[str, Row]) -> str | None:
    """Return the address of a class by what it is called in the table, or None: it is not one of PaNET."""
    name = name.strip().strip("'")
    pid = absolute(name)
    return pid if pid in classes else labels.get(name)


def absolute(name: str) -> str:
    """Return the address of `PaNET:PaNET01234`; anything else as it is."""
    return BASE + name.removeprefix("PaNET:") if name.startswith("PaNET:") else name
