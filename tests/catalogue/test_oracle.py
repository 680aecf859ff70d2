"""A second implementation decides what is right: random catalogues, random filters, both stores, compared with the oracle.

CATALOGUE_TEST_SEED repeats a run; CATALOGUE_TEST_EXAMPLES is the number of filters for each catalogue and store.
"""

from __future__ import annotations

import json
import math
import os
import random
from collections import Counter

import hypothesis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import says_something
from random_world import TERMS, World, filters, where
from synthetic_facility import ontology

from pan_catalogue import facets, plan

SEED = int(os.environ.get("CATALOGUE_TEST_SEED") or random.SystemRandom().randrange(10**6))
EXAMPLES = int(os.environ.get("CATALOGUE_TEST_EXAMPLES") or 75)  # of each kind, world and store: 3,000 on each store
WORLDS = range(4)
MODELS = {"Dataset": "Datasets", "Document": "Documents", "Instrument": "Instruments"}
INTERNAL = {"id", "score"}
UNORDERED = {"techniques", "samples", "members"}  # the order of what records share is that in which it came in


@pytest.fixture(scope="module", params=WORLDS, ids=lambda n: f"world{n}")
def world(request, make, tmp_path_factory):
    print(f"\nCATALOGUE_TEST_SEED={SEED}")
    made = World(SEED * 1000 + request.param)
    table = tmp_path_factory.mktemp("ontology") / "ontology.csv"
    table.write_text(ontology(TERMS, seed=3))
    return made, make(made.records, ontology=table)


def plain(answer):
    """An answer without what is internal, numbers rounded to what conversion may lose."""
    if isinstance(answer, list):
        return [plain(a) for a in answer]
    if isinstance(answer, dict):
        told = {k: plain(v) for k, v in answer.items() if k not in INTERNAL}
        for relation in UNORDERED & set(told):
            told[relation].sort(key=lambda o: json.dumps(o, sort_keys=True))
        return told
    if isinstance(answer, float):
        return 0.0 if answer == 0 else round(answer, 9 - math.ceil(math.log10(abs(answer))))
    return float(answer) if isinstance(answer, int) and not isinstance(answer, bool) else answer


# Where the planner changes from one shape of SQL to another: (FEW, GLANCE, GLANCE_OWN, PROBE, WALK, TRY). These catalogues are small, so the bounds are made small too, and
# every shape is taken.
SHAPES = st.sampled_from(
    [
        (1_000, 8, 80, 20_000, 40_000, 4),
        (0, 1, 2, 2, 3, 0),
        (0, 0, 0, 0, 0, 1_000),
        (0, 1, 0, 0, 6, 1),
        (1, 1, 1, 3, 4, 0),
        (0, 0, 0, 0, 1_000, 1_000),
        (0, 0, 0, 20_000, 0, 1_000),
    ]
)


def shape(bounds):
    plan.FEW, plan.GLANCE, plan.GLANCE_OWN, plan.PROBE, plan.WALK, plan.TRY = bounds


@pytest.fixture(autouse=True, scope="module")
def shapes_as_they_were():
    before = (plan.FEW, plan.GLANCE, plan.GLANCE_OWN, plan.PROBE, plan.WALK, plan.TRY)
    yield
    shape(before)


def run(test):
    """Runs a hypothesis test with this run's seed."""
    relaxed = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    hypothesis.seed(SEED)(relaxed(test))()


@pytest.mark.parametrize("model", MODELS)
def test_lists(world, model):
    made, served = world
    seen = {"all": 0, "some": 0}

    @given(filters(model), SHAPES)
    def same(asked, bounds):
        shape(bounds)
        expected = plain(made.oracle.listed(model, asked))
        found = plain(served.get(MODELS[model], filter=asked))
        assert found == expected, f"CATALOGUE_TEST_SEED={SEED} filter={json.dumps(asked, ensure_ascii=False)}"
        seen["all"] += 1
        seen["some"] += bool(expected)

    run(same)
    assert seen["some"] > seen["all"] / 20, f"the filters find too little to tell anything: {seen}"


@pytest.mark.parametrize("model", MODELS)
def test_counts(world, model):
    made, served = world

    @given(st.one_of(st.none(), where(model)), SHAPES)
    def same(asked, bounds):
        shape(bounds)
        expected = len(made.oracle.listed(model, {"where": asked} if asked else {}))
        assert served.count(MODELS[model], asked) == expected, (
            f"CATALOGUE_TEST_SEED={SEED} where={json.dumps(asked, ensure_ascii=False)}"
        )

    run(same)


@pytest.mark.parametrize("model", MODELS)
def test_counts_of_a_whole_filter(world, model):
    """An extension of the API: what a list would have without a limit."""
    made, served = world

    @given(filters(model), SHAPES)
    def same(asked, bounds):
        shape(bounds)
        whole = {k: v for k, v in asked.items() if k in {"where", "include"}}
        expected = len(made.oracle.listed(model, whole))
        found = served.get(f"{MODELS[model]}/count", filter=asked)["count"]
        assert found == expected, f"CATALOGUE_TEST_SEED={SEED} filter={json.dumps(asked, ensure_ascii=False)}"

    run(same)


def test_facets(world):
    """An extension of the API: the list of a filter, counted by what its datasets are related to."""
    made, served = world
    everything = made.oracle.listed("Dataset", {"include": [{"relation": name} for name in facets.NAMES]})
    seen = 0

    @given(filters("Dataset"), SHAPES, st.sampled_from(facets.NAMES))
    def same(asked, bounds, name):
        nonlocal seen
        shape(bounds)
        whole = {k: v for k, v in asked.items() if k in {"where", "include"}}
        matching = {d["pid"] for d in made.oracle.listed("Dataset", whole)}
        related = [d[name] for d in everything if d["pid"] in matching and name in d]
        expected = Counter(o["pid"] for r in related for o in (r if isinstance(r, list) else [r]))
        found = served.get(f"Datasets/facets/{name}", filter=asked)
        assert {o["pid"]: o["count"] for o in found} == expected, (
            f"CATALOGUE_TEST_SEED={SEED} {name} filter={json.dumps(asked, ensure_ascii=False)}"
        )
        assert [o["count"] for o in found] == sorted(expected.values(), reverse=True)
        seen += len(expected) > 1

    run(same)
    assert seen


def test_the_oracle_knows_what_says_nothing():
    assert not says_something({"and": [{}]})
    assert says_something({"or": []})
