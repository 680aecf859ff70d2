"""The queries of the search benchmark: each as a filter of the API, and as SQL written by hand of the same meaning."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from synthetic_facility import ONTOLOGY, SUBJECTS

LIMIT = 50
NOW = 1_800_000_000
DATASET = "d.pid, d.title, d.is_public, d.creation_date, d.size"
Values = tuple[Any, ...]
# A statement, or several: those after the first get the ids that the first found, where they say {ids}.
Statements = list[tuple[str, Values]]


@dataclass(frozen=True)
class Query:
    """One kind of query.

    Attributes:
        name: for the table.
        path: below the base of the API.
        filter: what is asked, of a random variant.
        sql: the same by hand.
        budget: milliseconds at 100,000 and at a million datasets (p95); None: it has none.
    """

    name: str
    path: str
    variant: Callable[[random.Random], tuple[dict[str, Any], Statements]]
    budget: tuple[float | None, float | None] = (None, None)

    @property
    def counts(self) -> bool:
        """Whether it counts."""
        return self.path.endswith("/count")


def parameter(name: str, value: Any, unit: str) -> dict[str, Any]:
    """Return an include of parameters."""
    return {"relation": "parameters", "scope": {"where": {"and": [{"name": name}, {"value": value}, {"unit": unit}]}}}


def technique(pick: random.Random) -> str:
    """Return the address of a technique, frequent ones more often."""
    return f"{ONTOLOGY}T{int(pick.random() ** 2 * 300):05d}"


NAME = "(SELECT id FROM parameter_name WHERE name = ?)"
RANGE = f"SELECT p.dataset_id FROM dataset_parameter p WHERE p.name_id = {NAME} AND p.dim = ? AND p.si BETWEEN ? AND ?"
TAGGED = (
    "SELECT t.dataset_id FROM dataset_technique_anc t WHERE t.technique_id = (SELECT id FROM technique WHERE pid = ?)"
)
VISIBLE = "+d.visible_from <= ?"
PARAMETERS = "SELECT p.dataset_id, n.name, p.num, p.txt, p.unit FROM dataset_parameter p JOIN parameter_name n ON n.id = p.name_id WHERE p.dataset_id IN ({ids})"
# Of a dataset's techniques those that are meant: the one that is asked for and what is below it.
MEANT = (
    "SELECT x.dataset_id, t.pid, t.name, t.panet_id FROM dataset_technique x JOIN technique t ON t.id = x.technique_id "
    "JOIN technique_closure k ON k.descendant_id = t.id AND k.ancestor_id = (SELECT id FROM technique WHERE pid = ?) WHERE "
)
TECHNIQUES = MEANT + "x.dataset_id IN ({ids})"
FILES = "SELECT f.dataset_id, f.name, f.path, f.size FROM file f WHERE f.dataset_id IN ({ids})"
TEMPERATURE = ("sample_temperature", 6, 1.5, 1200.0)  # name, place of its dimension, least and greatest value
ENERGY = ("incident_photon_energy", 10, 0.1, 120.0)
KEV = 1.602176634e-16


def listed(_: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return the first page of all."""
    return {"limit": LIMIT}, [
        (f"SELECT d.id, {DATASET} FROM dataset d WHERE {VISIBLE} ORDER BY d.id LIMIT {LIMIT}", (NOW,))
    ]


def text(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return a page of what contains a word."""
    word = pick.choice(SUBJECTS)
    sql = f"SELECT d.id, {DATASET} FROM {{text}} WHERE {{match}} AND {VISIBLE} ORDER BY d.id LIMIT {LIMIT}"
    return {"where": {"text": word}, "limit": LIMIT}, [(sql, (word, NOW))]


def tagged(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return a page of a technique with its descendants."""
    pid = technique(pick)
    sql = (
        f"SELECT d.id, {DATASET} FROM dataset_technique_anc t {{first}} dataset d ON d.id = t.dataset_id WHERE t.technique_id = (SELECT id FROM technique WHERE pid = ?) "
        f"AND t.visible_from <= ? ORDER BY t.dataset_id LIMIT {LIMIT}"
    )
    return {"include": [{"relation": "techniques", "scope": {"where": {"pid": pid}}}], "limit": LIMIT}, [
        (sql, (pid, NOW)),
        (TECHNIQUES, (pid,)),
    ]


def with_includes(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return a page of a technique with three includes."""
    asked, statements = tagged(pick)
    asked["include"] += [{"relation": "parameters"}, {"relation": "files"}]
    return asked, [*statements, (PARAMETERS, ()), (FILES, ())]


def ranged(share: float) -> Callable[[random.Random], tuple[dict[str, Any], Statements]]:
    """Return a query: a page of a range of temperatures that holds a share of all."""

    def variant(pick: random.Random) -> tuple[dict[str, Any], Statements]:
        name, dimension, least, greatest = TEMPERATURE
        width = (greatest - least) * share
        low = round(pick.uniform(least, greatest - width), 2)
        sql = f"SELECT d.id, {DATASET} FROM dataset d WHERE d.id IN ({RANGE}) AND {VISIBLE} ORDER BY d.id LIMIT {LIMIT}"
        if share >= 0.3:
            exists = f"EXISTS (SELECT 1 FROM dataset_parameter p WHERE p.dataset_id = d.id AND p.name_id = {NAME} AND p.dim = ? AND p.si BETWEEN ? AND ?)"
            sql = f"SELECT d.id, {DATASET} FROM dataset d WHERE {exists} AND {VISIBLE} ORDER BY d.id LIMIT {LIMIT}"
        asked = {"include": [parameter(name, {"between": [low, low + width]}, "K")], "limit": LIMIT}
        return asked, [(sql, (name, dimension, low, low + width, NOW)), (PARAMETERS, ())]

    return variant


def documents_of(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return a page of documents with a dataset of a technique."""
    pid = technique(pick)
    exists = (
        "EXISTS (SELECT 1 FROM document_dataset l JOIN dataset_technique_anc t ON t.dataset_id = l.dataset_id WHERE l.document_id = d.id AND t.visible_from <= ? "
        "AND t.technique_id = (SELECT id FROM technique WHERE pid = ?))"
    )
    sql = f"SELECT d.id, d.pid, d.title, d.summary, d.type FROM document d WHERE {exists} AND {VISIBLE} ORDER BY d.id LIMIT {LIMIT}"
    children = f"SELECT l.document_id, {DATASET} FROM document_dataset l JOIN dataset d ON d.id = l.dataset_id WHERE l.document_id IN ({{ids}}) AND d.id IN ({TAGGED}) AND {VISIBLE}"
    theirs = (
        MEANT
        + "x.dataset_id IN (SELECT l.dataset_id FROM document_dataset l JOIN dataset d ON d.id = l.dataset_id WHERE l.document_id IN ({ids}) AND +d.visible_from <= ?)"
    )
    asked = {
        "include": [
            {
                "relation": "datasets",
                "scope": {"include": [{"relation": "techniques", "scope": {"where": {"pid": pid}}}]},
            }
        ],
        "limit": LIMIT,
    }
    return asked, [(sql, (NOW, pid, NOW)), (children, (pid, NOW)), (theirs, (pid, NOW))]


def count_all(_: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return the count of all."""
    return {}, [("SELECT sum(n) FROM visible_count WHERE model = 'Dataset' AND visible_from <= ?", (NOW,))]


def count_text(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return the count of a word."""
    word = pick.choice(SUBJECTS)
    return {"text": word}, [(f"SELECT count(*) FROM {{text_narrow}} WHERE {{match}} AND {VISIBLE}", (word, NOW))]


def facet_tagged(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return how the datasets of a technique are spread over instruments."""
    pid = technique(pick)
    sql = (
        "SELECT d.instrument_id, count(*) FROM dataset_technique_anc t {first} dataset d ON d.id = t.dataset_id WHERE t.technique_id = "
        "(SELECT id FROM technique WHERE pid = ?) AND t.visible_from <= ? GROUP BY d.instrument_id"
    )
    return {"include": [{"relation": "techniques", "scope": {"where": {"pid": pid}}}]}, [(sql, (pid, NOW))]


def facet_ranged(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return how the datasets of half a range are spread over instruments."""
    asked, statements = count_range(pick)
    inner, values = statements[0]
    sql = inner.replace("SELECT count(*)", "SELECT p.dataset_id")
    return asked, [
        (f"SELECT d.instrument_id, count(*) FROM dataset d WHERE d.id IN ({sql}) GROUP BY d.instrument_id", values)
    ]


QUERIES = [
    Query("list", "Datasets", listed, (5, 50)),
    Query("text", "Datasets", text, (5, 50)),
    Query("technique", "Datasets", tagged, (5, 50)),
    Query("range, 0.1 %", "Datasets", ranged(0.001), (5, 50)),
    Query("range, 5 %", "Datasets", ranged(0.05), (5, 50)),
    Query("range, 50 %", "Datasets", ranged(0.5), (5, 50)),
    Query("three includes", "Datasets", with_includes, (10, 50)),
    Query("documents > datasets > technique", "Documents", documents_of, (None, 50)),
    Query("count all", "Datasets/count", count_all, (30, 150)),
    Query("count of a text", "Datasets/count", count_text, (30, 150)),
    Query("facet of a technique", "Datasets/facets/instrument", facet_tagged, (None, 250)),
    Query("facet of half a range", "Datasets/facets/instrument", facet_ranged, (None, 250)),
]


# -- counts that need an include: the API counts by `where` alone, so these are asked of the planner, in process


def count_tagged(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return the count of a technique."""
    pid = technique(pick)
    sql = "SELECT count(*) FROM dataset_technique_anc WHERE technique_id = (SELECT id FROM technique WHERE pid = ?) AND visible_from <= ?"
    return {"include": [{"relation": "techniques", "scope": {"where": {"pid": pid}}}]}, [(sql, (pid, NOW))]


def count_range(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return the count of half a range."""
    name, dimension, least, greatest = TEMPERATURE
    low = round(pick.uniform(least, least + (greatest - least) / 2), 2)
    sql = f"SELECT count(*) FROM dataset_parameter p WHERE p.name_id = {NAME} AND p.dim = ? AND p.si >= ? AND +p.visible_from <= ?"
    return {"include": [parameter(name, {"gte": low}, "K")]}, [(sql, (name, dimension, low, NOW))]


def count_two(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return the count of two half ranges."""
    name, dimension, least, greatest = TEMPERATURE
    low = round((least + greatest) / 2 * pick.uniform(0.9, 1.1), 2)
    other, of, _, most = ENERGY
    high = round(most / 2 * pick.uniform(0.9, 1.1), 3)
    one = f"SELECT p.dataset_id FROM dataset_parameter p WHERE p.name_id = {NAME} AND p.dim = ? AND p.si >= ? AND p.visible_from <= ?"
    two = f"SELECT p.dataset_id FROM dataset_parameter p WHERE p.name_id = {NAME} AND p.dim = ? AND p.si <= ?"
    asked = {"include": [parameter(name, {"gte": low}, "K"), parameter(other, {"lte": high}, "keV")]}
    return asked, [
        (f"SELECT count(*) FROM ({one} INTERSECT {two}) AS hits", (name, dimension, low, NOW, other, of, high * KEV))
    ]


def count_documents(pick: random.Random) -> tuple[dict[str, Any], Statements]:
    """Return the count of documents with a dataset in half a range."""
    name, dimension, least, greatest = TEMPERATURE
    low = round((least + greatest) / 2 * pick.uniform(0.9, 1.1), 2)
    inner = f"SELECT p.dataset_id FROM dataset_parameter p WHERE p.name_id = {NAME} AND p.dim = ? AND p.si >= ? AND p.visible_from <= ?"
    sql = f"SELECT count(*) FROM document d WHERE {VISIBLE} AND d.id IN (SELECT l.document_id FROM document_dataset l WHERE l.dataset_id IN ({inner}))"
    asked = {"include": [{"relation": "datasets", "scope": {"include": [parameter(name, {"gte": low}, "K")]}}]}
    return asked, [(sql, (NOW, name, dimension, low, NOW))]


IN_PROCESS = [
    Query("count of a technique", "Datasets/count", count_tagged, (30, 150)),
    Query("count of half a range", "Datasets/count", count_range, (30, 150)),
    Query("count of two half ranges", "Datasets/count", count_two, (30, 250)),
    Query("count of documents by half a range", "Documents/count", count_documents, (30, 250)),
]
