"""A synthetic facility: records like those of a real one, for tests, benchmarks and the demo. The same seed gives the same facility.

Run it to write JSON lines: python tests/shared/synthetic_facility.py DATASETS [SEED] > records.jsonl
"""

from __future__ import annotations

import bisect
import csv
import io
import itertools
import json
import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

FACILITY = "Demo Light Source"
PREFIX = "10.5072"  # DataCite's prefix for tests
ONTOLOGY = "http://ontology.facility.test/technique/"
SUBJECTS = [
    "crystal",
    "battery",
    "polymer",
    "protein",
    "catalyst",
    "alloy",
    "membrane",
    "magnet",
    "superconductor",
    "thin-film",
    "nanoparticle",
    "perovskite",
    "zeolite",
    "steel",
    "bone",
    "leaf",
    "soil",
    "meteorite",
    "glass",
    "cement",
    "enzyme",
    "virus",
    "lipid",
    "graphene",
    "oxide",
    "sulfide",
    "cobalt",
    "nickel",
    "copper",
    "iron",
    "titanium",
    "silicon",
    "lithium",
    "hydrogen",
    "strain",
    "phase",
    "texture",
    "pore",
    "crack",
    "interface",
    "surface",
    "domain",
    "lattice",
    "spin",
    "charge",
    "density",
]
VERBS = [
    "study",
    "mapping",
    "evolution",
    "imaging",
    "structure",
    "dynamics",
    "relaxation",
    "growth",
    "ordering",
    "transition",
    "diffusion",
    "fatigue",
    "degradation",
    "operando",
    "in-situ",
]
STATES = ("solid", "liquid", "powder", "gas", "thin film")
FORMULAS = ("Cu", "LiFePO4", "SiO2", "Fe3O4", "YBa2Cu3O7", "TiO2", "NiTi", "C60", "H2O", "MgB2")
PLACES = (
    ("European Synchrotron", "Grenoble", "France"),
    ("Spallation Source", "Lund", "Sweden"),
    ("Institute of Physics", "Trieste", "Italy"),
)
NAMES = [
    "Curie",
    "Meitner",
    "Hodgkin",
    "Franklin",
    "Noether",
    "Bragg",
    "Laue",
    "Debye",
    "Shull",
    "Brockhouse",
    "Röntgen",
    "Ångström",
    "Ørsted",
    "Łukasiewicz",
]
# name, unit, least, greatest, digits
QUANTITIES = (
    ("sample_temperature", "K", 1.5, 1200, 2),
    ("incident_photon_energy", "keV", 0.1, 120, 4),
    ("incident_wavelength", "angstrom", 0.1, 20, 4),
    ("exposure_time", "s", 0.001, 3600, 3),
    ("sample_pressure", "bar", 0.001, 20000, 3),
    ("sample_magnetic_field", "T", -17, 17, 3),
    ("detector_distance", "m", 0.05, 40, 3),
    ("scan_angle", "deg", -180, 180, 3),
)
WORDS = 4000


class Facility:
    """Makes records.

    Args:
        datasets: how many.
        seed: of everything.
        start: date of the first dataset; the last is of yesterday.
    """

    def __init__(self, datasets: int, seed: int = 1, start: str = "2015-01-01") -> None:
        self.datasets = datasets
        self.random = random.Random(seed)
        self.start = datetime.fromisoformat(start).replace(tzinfo=timezone.utc)
        syllables = [
            a + b
            for a in ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z"]
            for b in ["a", "e", "i", "o", "u"]
        ]
        made = ["".join(p) for p in itertools.islice(itertools.product(syllables, repeat=2), WORDS)]
        self.random.shuffle(made)
        self.words = [*SUBJECTS, *VERBS, *made][:WORDS]
        self.weights = list(itertools.accumulate(1 / (n + 10) for n in range(WORDS)))
        self.terms = [pid for pid, _, _ in ontology_terms(509, seed)]
        self.term_weights = list(itertools.accumulate(1 / (n + 5) for n in range(len(self.terms))))

    def word(self) -> str:
        """Return a word; few are frequent, most are rare."""
        return self.words[bisect.bisect(self.weights, self.random.random() * self.weights[-1])]

    def technique(self) -> str:
        """Return a technique; few are frequent."""
        return self.terms[bisect.bisect(self.term_weights, self.random.random() * self.term_weights[-1])]

    def title(self, least: int = 4, most: int = 8) -> str:
        """Return a title."""
        return " ".join(self.word() for _ in range(self.random.randint(least, most))).capitalize()

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield instruments, documents and datasets."""
        instruments = [f"instrument-{n}" for n in range(1, 31)]
        for n, pid in enumerate(instruments, 1):
            yield {
                "titles": [{"title": f"ID{n:02d} {self.word()}"}],
                "pan": {"kind": "instrument", "pid": pid, "facility": FACILITY},
            }
        documents = max(1, self.datasets // 20)
        for n in range(documents):
            yield self.document(n)
        for n in range(self.datasets):
            yield self.dataset(n, instruments, documents)

    def openness(self, day: datetime) -> dict[str, Any]:
        """Return the public flag and the release date: of a hundred records three are private and ten are under embargo."""
        dice = self.random.random()
        if dice < 0.03:
            return {"isPublic": False}
        if dice < 0.13:
            return {"isPublic": True, "releaseDate": "2100-01-01"}
        return (
            {"isPublic": True, "releaseDate": (day + timedelta(days=365)).date().isoformat()}
            if dice < 0.5 and day.year < 2024
            else {"isPublic": True}
        )

    def document(self, n: int) -> dict[str, Any]:
        """Return a proposal or a publication."""
        kind = "proposal" if self.random.random() < 0.7 else "publication"
        name = self.random.choice(NAMES)
        place = self.random.choice(PLACES)
        day = self.start + timedelta(days=self.random.randint(0, 4000))
        return {
            "doi": f"{PREFIX}/document-{n}",
            "titles": [{"title": self.title()}],
            "descriptions": [{"description": self.title(12, 30) + ".", "descriptionType": "Abstract"}],
            "subjects": [{"subject": self.word()} for _ in range(self.random.randint(0, 4))],
            "pan": {
                "kind": "document",
                "type": kind,
                "startDate": day.date().isoformat(),
                "members": [
                    {
                        "role": "principal investigator",
                        "person": {"fullName": f"A. {name}", "lastName": name},
                        "affiliation": dict(zip(("name", "city", "country"), place, strict=True)),
                    }
                ],
                **self.openness(day),
            },
        }

    def dataset(self, n: int, instruments: list[str], documents: int) -> dict[str, Any]:
        """Return a dataset."""
        pick = self.random
        day = self.start + timedelta(minutes=n * (4000 * 1440 // max(1, self.datasets)))
        quantities = pick.sample(QUANTITIES, 4 if pick.random() < 0.6 else 3)
        parameters: list[dict[str, Any]] = [
            {"name": name, "value": round(pick.uniform(least, most), digits), "unit": unit}
            for name, unit, least, most, digits in quantities
        ]
        if len(parameters) < 4:
            name, values = pick.choice((("sample_state", STATES), ("sample_chemical_formula", FORMULAS)))
            parameters.append({"name": name, "value": pick.choice(values)})
        files = [
            {
                "name": f"scan_{n:07d}_{k}.nxs",
                "path": f"/data/{day.year}/{n:07d}",
                "size": pick.randint(10_000, 10_000_000_000),
            }
            for k in range(pick.randint(1, 5))
        ]
        pan: dict[str, Any] = {
            "kind": "dataset",
            "pid": f"{PREFIX}/dataset-{n}",
            "creationDate": day.isoformat(),
            "size": sum(f["size"] for f in files),
            "instrument": pick.choice(instruments),
            "documents": [f"{PREFIX}/document-{n * documents // self.datasets}"],
            "techniques": [{"pid": t} for t in {self.technique() for _ in range(pick.randint(1, 2))}],
            "parameters": parameters,
            "files": files,
            **self.openness(day),
        }
        if pick.random() < 0.5:
            formula = pick.choice(FORMULAS)
            pan["samples"] = [{"pid": f"sample-{pick.randint(0, 500)}", "name": f"{formula} {pick.choice(STATES)}"}]
            pan["samples"][0]["name"] = f"Sample {pan['samples'][0]['pid'][7:]}"
        return {"titles": [{"title": self.title()}], "pan": pan}

    def lines(self) -> Iterator[str]:
        """Yield the records as JSON lines."""
        return (json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in self.records())


def ontology_terms(count: int, seed: int = 1) -> list[tuple[str, str, list[str]]]:
    """Return an ontology of techniques: (address, label, labels of parents). Its first terms are its roots, and every other has one to three parents before it."""
    pick = random.Random(seed)
    terms: list[tuple[str, str, list[str]]] = []
    for n in range(count):
        parents = [] if n < 8 else pick.sample(range(n // 3), k=min(n // 3, pick.choice((1, 1, 2, 3))))
        terms.append((f"{ONTOLOGY}T{n:05d}", f"technique {n}", [f"technique {p}" for p in parents]))
    return terms


def ontology(count: int, seed: int = 1) -> str:
    """Return such an ontology as a table of the form of PaNET's."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["", "ID", "Label", "Alt Label", "RDF Type", "Parent IRI", "Parent IRI", "Equivalent"])
    table.writerow(
        ["", "ID", "A rdfs:label", "A http://www.w3.org/2004/02/skos/core#altLabel", "TYPE", "SC %", "SC %", "EC %"]
    )
    for n, (pid, label, parents) in enumerate(ontology_terms(count, seed)):
        table.writerow([n, pid, label, f"T{n}", "owl:Class", *([*parents[:2], "", ""])[:2], *([*parents[2:], ""])[:1]])
    return out.getvalue()


if __name__ == "__main__":
    if sys.argv[1] == "ontology":
        sys.stdout.write(ontology(509))
    else:
        sys.stdout.writelines(Facility(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1).lines())
