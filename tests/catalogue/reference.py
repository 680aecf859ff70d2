"""The published cases of the reference provider as data: what is asked, and what must and must not come back.

The questions are those of panosc-eu/search-api `test/*.test.js` (7 of datasets, 7 of documents, 4 of instruments, 3 of techniques in an ontology). The records are our own
and of the same shape: 4 datasets, 2 documents, 15 instruments, 1 sample, 2 techniques, 6 parameters, 4 files, 4 members, 2 persons, 1 affiliation. Beside each question
stand near ones that must find nothing, so that no case passes on an empty or an unfiltered answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from served import dataset, document, include, instrument, quantity

T = "http://ontology.facility.test/technique/T"
BIRDS = [
    "Heron",
    "Kite",
    "Swift",
    "Osprey",
    "Curlew",
    "Plover",
    "Dunlin",
    "Avocet",
    "Tern",
    "Petrel",
    "Gannet",
    "Fulmar",
    "Puffin",
    "Merlin",
    "Hobby",
]
INSTRUMENTS = {name: f"20.500.99999/instrument-{name.lower()}" for name in BIRDS}
PROPOSAL, ARTICLE = "10.5072/proposal-7", "10.5072/article-3"
RUNS = {n: f"20.500.99999/run-{n}" for n in (1, 2, 3, 4)}
ROD = {"pid": "20.500.99999/rod", "name": "copper rod, 3 mm"}
NEUTRONS = {"pid": "20.500.99999/sans", "name": "neutron small-angle camera", "panetId": T + "033"}
EMISSION = {"pid": "20.500.99999/xes", "name": "x-ray emission bench", "panetId": T + "041"}
HOME = {"name": "Demo", "address": "Harbour Road 5", "city": "Ystad", "country": "Sweden"}


def member(role: str, name: str, orcid: str) -> dict[str, Any]:
    """Return a member of the fixture's one affiliation."""
    return {"role": role, "person": {"fullName": name, "orcid": orcid}, "affiliation": HOME}


def holm(role: str) -> dict[str, Any]:
    """Return a membership of the one person."""
    return member(role, "Mira Holm", "0000-0001-0000-0001")


def reyes(role: str) -> dict[str, Any]:
    """Return a membership of the other."""
    return member(role, "Tomas Reyes", "0000-0001-0000-0002")


RECORDS = [
    *(instrument(pid, name, "Demo") for name, pid in INSTRUMENTS.items()),
    document(
        ARTICLE,
        "Copper at rest",
        type="publication",
        members=[holm("principal investigator"), reyes("owner")],
        parameters=[{"name": "wavelength", "value": 1064, "unit": "nm"}],
    ),
    document(PROPOSAL, "Copper in motion", members=[reyes("principal investigator"), holm("owner")]),
    dataset(
        RUNS[1],
        "First run",
        documents=[ARTICLE],
        instrument=INSTRUMENTS["Heron"],
        samples=[ROD],
        techniques=[NEUTRONS],
        parameters=[
            {"name": "chemical_formula", "value": "Cu", "unit": ""},
            {"name": "sample_state", "value": "solid", "unit": ""},
        ],
        files=[{"name": "shot1-detector.h5"}],
    ),
    dataset(
        RUNS[2],
        "Second run",
        documents=[ARTICLE],
        instrument=INSTRUMENTS["Kite"],
        samples=[ROD],
        techniques=[NEUTRONS],
        parameters=[{"name": "photon_energy", "value": 930, "unit": "eV"}],
        files=[{"name": "shot2-detector.h5"}],
    ),
    dataset(
        RUNS[3],
        "Third run",
        documents=[PROPOSAL],
        instrument=INSTRUMENTS["Swift"],
        samples=[ROD],
        techniques=[EMISSION],
        parameters=[{"name": "temperature", "value": 20, "unit": "celsius"}],
        files=[{"name": "shot3-detector.h5"}],
    ),
    dataset(
        RUNS[4],
        "Fourth run",
        documents=[PROPOSAL],
        instrument=INSTRUMENTS["Osprey"],
        samples=[ROD],
        techniques=[EMISSION],
        parameters=[{"name": "wavelength", "value": 1064, "unit": "nm"}],
        files=[{"name": "shot4-detector.h5"}],
    ),
]
KEYS = {
    "Datasets": {"pid", "title", "isPublic", "creationDate", "score"},
    "Documents": {"pid", "isPublic", "type", "title", "score"},
    "Instruments": {"pid", "name", "facility", "score"},
}


@dataclass(frozen=True)
class Case:
    """One question.

    Attributes:
        name: what it is about.
        path: which class.
        filter: the question.
        pids: of all that must come back; whatever else there is must not.
        values: dotted path in the answer -> all values there, in order.
        nothing: near questions that nothing answers.
    """

    name: str
    path: str
    filter: dict[str, Any]
    pids: list[str]
    values: dict[str, list[Any]] = field(default_factory=dict)
    nothing: tuple[dict[str, Any], ...] = ()


def included(*includes: Any, **more: Any) -> dict[str, Any]:
    """Return a filter."""
    return {**more, "include": list(includes)}


def nested(*includes: Any) -> dict[str, Any]:
    """Return a filter of documents by what belongs to their datasets."""
    return included(include("datasets", None, *includes))


def state_or_formula(state: str, formula: str) -> dict[str, Any]:
    """Return an include of parameters that say one or the other."""
    either = [
        {"and": [{"name": "sample_state"}, {"value": state}]},
        {"and": [{"name": "chemical_formula"}, {"value": formula}]},
    ]
    return include("parameters", {"or": either})


def investigator(name: str, role: str = "principal investigator") -> dict[str, Any]:
    """Return an include of members by role and person."""
    return include("members", {"role": role}, include("person", {"fullName": name}))


CASES = [
    Case("datasets", "Datasets", {}, list(RUNS.values())),
    Case(
        "datasets by technique",
        "Datasets",
        included(include("techniques", {"name": "x-ray emission bench"})),
        [RUNS[3], RUNS[4]],
        {"techniques.name": ["x-ray emission bench"] * 2},
        (
            included(include("techniques", {"name": "x-ray emission"})),  # no such name without the ontology
            included(include("techniques", {"name": "bench"})),
        ),
    ),
    Case(
        "datasets by photon energy",
        "Datasets",
        included(quantity("photon_energy", {"between": [880, 990]}, "eV")),
        [RUNS[2]],
        {"parameters.name": ["photon_energy"], "parameters.value": [930], "parameters.unit": ["eV"]},
        (
            included(quantity("photon_energy", {"between": [880, 929]}, "eV")),
            included(quantity("photon_energy", {"between": [931, 990]}, "eV")),
            included(quantity("photon_energy", {"between": [880, 990]}, "keV")),
            included(quantity("wavelength", {"between": [880, 990]}, "eV")),
        ),
    ),
    Case(
        "datasets of a solid, or of copper",
        "Datasets",
        included(state_or_formula("solid", "Cu")),
        [RUNS[1]],
        {"parameters.name": ["chemical_formula", "sample_state"], "parameters.value": ["Cu", "solid"]},
        (
            included(state_or_formula("liquid", "Fe")),
            included(quantity("sample_state", "Cu")),
            included(quantity("sample_state", "solid"), quantity("chemical_formula", "Fe")),
        ),
    ),
    Case(
        "datasets below 80 degrees",
        "Datasets",
        included(quantity("temperature", {"lt": 80}, "celsius")),
        [RUNS[3]],
        {"parameters.name": ["temperature"], "parameters.value": [20], "parameters.unit": ["celsius"]},
        (
            included(quantity("temperature", {"lt": 20}, "celsius")),
            included(quantity("temperature", {"lt": 80}, "kelvin")),
        ),
    ),
    Case(
        "datasets by a file's name",
        "Datasets",
        included(include("files", {"text": "shot1"})),
        [RUNS[1]],
        {"files.name": ["shot1-detector.h5"]},
        (included(include("files", {"text": "shot5"})), included(include("files", {"name": "shot1"}))),
    ),
    Case("documents", "Documents", {}, [ARTICLE, PROPOSAL]),
    Case(
        "proposals of a principal investigator",
        "Documents",
        included("datasets", investigator("Tomas Reyes"), where={"type": "proposal"}),
        [PROPOSAL],
        {
            "datasets.pid": [RUNS[3], RUNS[4]],
            "members.role": ["principal investigator"],
            "members.person.fullName": ["Tomas Reyes"],
        },
        (
            included("datasets", investigator("Mira Holm"), where={"type": "proposal"}),
            included("datasets", investigator("Tomas Reyes"), where={"type": "publication"}),
            included("datasets", investigator("Tomas Reyes", "owner"), where={"type": "proposal"}),
        ),
    ),
    Case(
        "documents by wavelength",
        "Documents",
        included(quantity("wavelength", {"between": [1000, 1100]}, "nm")),
        [ARTICLE],
        {"parameters.name": ["wavelength"], "parameters.value": [1064], "parameters.unit": ["nm"]},
        (
            included(quantity("wavelength", {"between": [1065, 1100]}, "nm")),
            included(quantity("wavelength", {"between": [1000, 1100]}, "angstrom")),
        ),
    ),
    Case(
        "documents by their datasets' wavelength",
        "Documents",
        nested(quantity("wavelength", {"between": [1000, 1100]}, "nm")),
        [PROPOSAL],
        {"datasets.pid": [RUNS[4]], "datasets.parameters.value": [1064], "datasets.parameters.unit": ["nm"]},
        (nested(quantity("wavelength", {"gt": 1064}, "nm")), nested(quantity("speed", {"gt": 0}, "m/s"))),
    ),
    Case(
        "documents by their datasets' sample and technique",
        "Documents",
        nested(include("samples", {"name": ROD["name"]}), include("techniques", {"name": EMISSION["name"]})),
        [PROPOSAL],
        {
            "datasets.pid": [RUNS[3], RUNS[4]],
            "datasets.samples.name": [ROD["name"]] * 2,
            "datasets.techniques.name": [EMISSION["name"]] * 2,
        },
        (
            nested(include("samples", {"name": "iron rod"}), include("techniques", {"name": EMISSION["name"]})),
            nested(include("samples", {"name": ROD["name"]}), include("techniques", {"name": "imaging"})),
        ),
    ),
    Case(
        "documents by their datasets' files",
        "Documents",
        nested(include("files", {"text": "SHOT1"})),
        [ARTICLE],
        {"datasets.pid": [RUNS[1]], "datasets.files.name": ["shot1-detector.h5"]},
        (nested(include("files", {"text": "shot5"})),),
    ),
    Case("instruments", "Instruments", {}, list(INSTRUMENTS.values())),
    Case(
        "an instrument by name",
        "Instruments",
        {"where": {"name": "Heron"}},
        [INSTRUMENTS["Heron"]],
        {"name": ["Heron"], "facility": ["Demo"]},
        ({"where": {"name": "heron"}}, {"where": {"name": "Her"}}, {"where": {"name": "Heron", "facility": "Other"}}),
    ),
    Case(
        "three instruments of a facility",
        "Instruments",
        {"where": {"facility": "Demo"}, "skip": 0, "limit": 3},
        [INSTRUMENTS[b] for b in BIRDS[:3]],
        {"facility": ["Demo"] * 3},
        ({"where": {"facility": "demo light"}, "limit": 3}, {"where": {"facility": "Demo"}, "skip": 15, "limit": 3}),
    ),
]
# By pid: path, pid.
RECORDS_BY_PID = [("Datasets", RUNS[1]), ("Documents", ARTICLE), ("Instruments", INSTRUMENTS["Heron"])]
# With an ontology, which knows the facility's terms by their classes.
ONTOLOGY_CASES = [
    Case(
        "datasets by a technique's class",
        "Datasets",
        included(include("techniques", {"name": "x-ray emission"})),
        [RUNS[3], RUNS[4]],
        {"techniques.name": [EMISSION["name"]] * 2, "techniques.panetId": [T + "041"] * 2},
        (included(include("techniques", {"name": "imaging"})),),
    ),
    Case(
        "techniques without a condition",
        "Datasets",
        included({"relation": "techniques"}),
        list(RUNS.values()),
        {"techniques.panetId": [T + "033"] * 2 + [T + "041"] * 2},
    ),
    Case(
        "documents by their datasets' sample and a technique's class",
        "Documents",
        nested(include("samples", {"name": ROD["name"]}), include("techniques", {"name": "x-ray emission"})),
        [PROPOSAL],
        {
            "datasets.pid": [RUNS[3], RUNS[4]],
            "datasets.samples.name": [ROD["name"]] * 2,
            "datasets.techniques.panetId": [T + "041"] * 2,
        },
        (nested(include("samples", {"name": "iron rod"}), include("techniques", {"name": "x-ray emission"})),),
    ),
]
