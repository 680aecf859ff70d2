"""Counts of a whole filter, where each shape of SQL is known to be taken."""

from pathlib import Path

import pytest
from served import dataset, include, instrument, quantity

T = [{"pid": f"t{n}", "name": f"Technique {n}"} for n in range(3)]


@pytest.fixture(scope="module")
def served(make):
    def one(n, *techniques, **pan):
        return dataset(f"d{n}", f"word{n % 2} Cu", techniques=[T[t] for t in techniques], **pan)

    hot, cold = ({"name": "temperature", "value": v, "unit": "K"} for v in (300, 4))
    bright, dim = ({"name": "energy", "value": v, "unit": "keV"} for v in (10, 1))
    return make(
        [
            one(0, 0, parameters=[hot, bright]),
            one(1, 1, parameters=[cold, bright]),
            one(2, 0, 1, parameters=[hot, dim]),
            one(3, parameters=[hot, hot, bright]),
            one(4, 0, isPublic=False, parameters=[hot, bright]),
            one(5, 2, releaseDate="2100-01-01", parameters=[hot, bright]),
        ]
    )


HOT, BRIGHT = quantity("temperature", {"gt": 100}, "K"), quantity("energy", {"gt": 5000}, "eV")


@pytest.mark.parametrize(
    ("asked", "pids"),
    [
        ({}, "0123"),
        ({"include": [include("techniques", {"pid": "t0"})]}, "02"),
        ({"include": [include("techniques", {"pid": {"neq": "t0"}})]}, "13"),
        ({"include": [include("techniques", {"pid": {"inq": ["t0", "t1"]}})]}, "012"),
        ({"include": [include("techniques", {"pid": {"nin": ["t0", "t1"]}})]}, "3"),
        ({"include": [include("techniques", {"pid": "t2"})]}, ""),
        ({"include": [HOT]}, "023"),
        ({"include": [HOT, BRIGHT]}, "03"),
        ({"include": [HOT, BRIGHT, include("techniques", {"pid": "t0"})]}, "0"),
        ({"where": {"text": "WORD1"}, "include": [HOT]}, "3"),
        ({"where": {"text": "cu"}}, "0123"),
        ({"where": {"text": "1"}, "include": [BRIGHT]}, "13"),
        ({"where": {"and": [{"text": "word"}, {"pid": {"neq": "d0"}}]}, "include": [HOT]}, "23"),
    ],
)
@pytest.mark.parametrize(
    "bounds",
    [(1_000, 8, 20_000, 40_000, 0), (0, 0, 20_000, 0, 1_000), (0, 0, 0, 0, 1_000)],
    ids=["by few", "by sets", "merged"],
)
def test_count_and_list(served, monkeypatch, asked, pids, bounds):
    for name, value in zip(("FEW", "GLANCE", "PROBE", "WALK", "TRY"), bounds, strict=True):
        monkeypatch.setattr(f"pan_catalogue.plan.{name}", value)
    expected = [f"d{n}" for n in pids]
    assert served.pids("Datasets", asked) == expected
    assert served.get("Datasets/count", filter=asked) == {"count": len(expected)}


def test_a_query_is_not_counted(served):
    assert "filter.query" in served.refused("Datasets/count", filter={"query": "word1"})


def test_where_or_filter(served):
    assert "not both" in served.refused("Datasets/count", filter={}, where={})


def test_a_unit_says_nothing_of_another_dimension(served):
    """No name is given: every energy is told in eV, and a temperature stays what it was."""
    asked = include("parameters", {"value": {"gt": 5000}, "unit": "eV"})
    told = {
        p["name"]: (p["value"], p["unit"]) for p in served.get("Datasets", filter={"include": [asked]})[0]["parameters"]
    }
    assert told == {"temperature": (300, "K"), "energy": (10_000, "eV")}


def test_facets(served):
    assert served.get("datasets/facets/Techniques", filter={"include": [HOT], "limit": 1, "skip": 7}) == [
        {"pid": "t0", "name": "Technique 0", "count": 2},
        {"pid": "t1", "name": "Technique 1", "count": 1},
    ]
    assert served.get("Datasets/facets/instrument") == []
    assert "filter.query" in served.refused("Datasets/facets/instrument", filter={"query": "word1"})
    assert served.answer("Datasets/facets/samples").status_code == 404


@pytest.mark.parametrize(
    "asked", [{}, {"include": [include("techniques", {"pid": "t0"})]}, {"include": [HOT]}, {"where": {"text": "moved"}}]
)
def test_facets_follow_the_instrument(make, asked):
    """The instrument stands in several tables; it moves in all of them."""

    def moved(to):
        hot = [{"name": "temperature", "value": 300, "unit": "K"}]
        return dataset("d", "moved", techniques=[T[0]], parameters=hot, instrument=to)

    def seen():
        return {o["pid"]: o["count"] for o in served.get("Datasets/facets/instrument", filter=asked)}

    served = make([instrument("i1"), instrument("i2"), moved("i1")])
    assert seen() == {"i1": 1}
    served.load([moved("i2")])
    assert seen() == {"i2": 1}
    served.ontology(Path(__file__).with_name("ontology.csv"))
    assert seen() == {"i2": 1}
    served.load([moved(None)])
    assert seen() == {}
