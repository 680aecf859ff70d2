"""The PaNET ontology of photon and neutron techniques, read from its source table.

PaNET (ExPaNDS-eu/ExPaNDS-experimental-techniques-ontology, `source/PaNET.csv`, CC-BY 4.0) is a ROBOT template: its second row says what each column is. The
closure needs no reasoner: the parents of a class are

* its `SC` (subclass) columns, and every named class in its `EC` (equivalent) columns, also inside `('a' and 'b')`;
* classes that are nothing but a condition which it meets: what is `('definedbyprobe' some 'x-ray')` is also `('definedbyprobe' some 'photon')`, for an x-ray is a photon.
  Without this rule nothing done with x-rays is a photon probe technique, and small angle scattering is no scattering.

`DC` (disjoint) columns say nothing of ancestry. All published truth tables come out.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
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


Need = tuple[str, str]  # property and filler of a condition: `('definedbyprobe' some 'x-ray')`


@dataclass
class Row:
    """One class as the table says it.

    Attributes:
        parents: names of classes it is a kind of.
        needs: the conditions that hold for it.
        means: those of them that alone make something one of this class.
    """

    pid: str
    label: str
    alternatives: list[str]
    parents: list[str]
    needs: list[Need]
    means: list[Need]


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
    classes: dict[str, Row] = {}
    for row in parsed(rows[template], rows[template + 1 :]):
        merge(classes.setdefault(row.pid, row), row)
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
        needs = [need for n in of["same"] for need in conditions(cells[n])]
        means = [need for n in of["same"] if " and " not in cells[n] for need in conditions(cells[n])]
        yield Row(pid, cells[of["label"][0]], alternatives, parents, needs, means)


def merge(row: Row, more: Row) -> None:
    """Put what another line of the table says of a class into `row`: a class may stand in more than one."""
    if more is row:
        return
    row.label = row.label or more.label
    row.alternatives += more.alternatives
    row.parents += more.parents
    row.needs += more.needs
    row.means += more.means


def named(expression: str) -> list[str]:
    """Return the classes that an equivalence names: `a`, `('a' and 'b')`, `(PaNET:PaNET00104 and 'c')`; what stands beside `some` is a condition."""
    if not expression or (" some " in expression and " and " not in expression):
        return []
    terms = [t.strip().strip("()").strip() for t in expression.split(" and ")]
    return [t.strip("'") for t in terms if t and " some " not in t]


def conditions(expression: str) -> Iterator[Need]:
    """Yield the conditions in an equivalence: `('definedbyprobe' some 'x-ray')` or `('definedbyprocess' some PaNET:PaNET2020018)`."""
    yield from re.findall(r"'([^']+)' some ('[^']+'|[^\s()']+)", expression)


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
    means: dict[Need, list[str]] = {}
    for pid, row in classes.items():
        for prop, filler in row.means:
            means.setdefault((prop, resolved(filler, labels, classes) or filler), []).append(pid)
    for pid, met in [(pid, need) for pid, row in classes.items() for need in row.needs]:
        filler = resolved(met[1], labels, classes) or met[1]
        for wider in (filler, *above(filler, parents)):
            parents[pid] += [p for p in means.get((met[0], wider), ()) if p != pid]
    for pid, row in classes.items():
        yield Term(pid, row.label, tuple(row.alternatives), tuple(sorted(above(pid, parents))))


def above(pid: str, parents: dict[str, list[str]]) -> list[str]:
    """Return all ancestors of a class, itself left out."""
    found: dict[str, None] = {}
    waiting = list(parents.get(pid, ()))
    while waiting:
        parent = waiting.pop()
        if parent not in found and parent != pid:
            found[parent] = None
            waiting += parents[parent]
    return list(found)


def resolved(name: str, labels: dict[str, str], classes: dict[str, Row]) -> str | None:
    """Return the address of a class by what it is called in the table, or None: it is not one of PaNET."""
    name = name.strip().strip("'")
    pid = absolute(name)
    return pid if pid in classes else labels.get(name)


def absolute(name: str) -> str:
    """Return the address of `PaNET:PaNET01234`; anything else as it is."""
    return BASE + name.removeprefix("PaNET:") if name.startswith("PaNET:") else name
