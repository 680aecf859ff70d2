"""Scores of free-text queries (checks 18, 19, 20)."""

import json
import math
import re
from collections import Counter

import pytest
from served import TOKEN, dataset, document, include, instrument

from pan_catalogue.settings import Scoring

# title -> its terms, stemmed by hand (Porter 1980): the service's own extraction has no part in what is expected.
TITLES = {
    "Copper and copper oxide": ["copper", "copper", "oxid"],
    "Oxides of iron": ["oxid", "iron"],
    "The diffraction of copper at low temperatures": ["diffract", "copper", "low", "temperatur"],
    "Magnetic imaging, magnetic domains": ["magnet", "imag", "magnet", "domain"],
    "Temperature of magnets": ["temperatur", "magnet"],
    "Scattering": ["scatter"],
    "Scattering by oxidised copper; scattering by iron": ["scatter", "oxidis", "copper", "scatter", "iron"],
    "X": [],
    "Run 42": ["run", "42"],
    "Run 43 of copper run": ["run", "43", "copper", "run"],
}
QUERIES = {
    "copper": ["copper"],
    "COPPER": ["copper"],
    "magnets": ["magnet"],
    "oxide": ["oxid"],
    "42": ["42"],
    "scattering": ["scatter"],
    "copper oxides": ["copper", "oxid"],
    "the magnetic temperature of copper": ["magnet", "temperatur", "copper"],
    "iron scatter run copper": ["iron", "scatter", "run", "copper"],
    "copper copper copper oxide": ["copper", "oxid"],
    "copper unobtainium": ["copper", "unobtainium"],
    "run 43": ["run", "43"],
}
TITLE = list(TITLES)


def pss(words, items):
    """Return item -> score by the published formula (panosc-eu/panosc-search-scoring, TF-IDuF); items without any of the words are left out."""
    counts = {i: Counter(terms) for i, terms in items.items()}

    def weight(word, item):
        having = sum(1 for c in counts.values() if c[word])
        if not counts[item][word]:
            return 0.0
        return counts[item][word] / len(counts[item]) * math.log10(1 + len(items) / having)

    vectors = {i: [weight(w, i) for w in words] for i in items}
    vectors = {i: v for i, v in vectors.items() if any(v)}
    if len(words) == 1:
        return {i: 0.9 * v[0] / max(w[0] for w in vectors.values()) for i, v in vectors.items()}
    return {i: sum(v) / math.sqrt(sum(x * x for x in v) * len(v)) for i, v in vectors.items()}


def bm25(words, items, k1=1.2, b=0.75):
    """Return item -> score by Robertson and Zaragoza (2009), brought between 0 and 1."""
    mean = sum(len(t) for t in items.values() for _ in set(t)) / sum(len(set(t)) for t in items.values())
    found = {}
    for item, terms in items.items():
        total = 0.0
        for word in words:
            having = sum(1 for t in items.values() if word in t)
            if word in terms:
                n = terms.count(word)
                idf = math.log(1 + (len(items) - having + 0.5) / (having + 0.5))
                total += idf * n * (k1 + 1) / (n + k1 * (1 - b + b * len(terms) / mean))
        if total:
            found[item] = total / (1 + total)
    return found


def records(make_record):
    return [make_record(str(n), title) for n, title in enumerate(TITLES)]


ITEMS = {str(n): terms for n, terms in enumerate(TITLES.values())}


@pytest.fixture(scope="module", params=["pss", "bm25"])
def formula(request):
    return request.param


@pytest.fixture(scope="module")
def c(make, formula):
    return make([*records(dataset), *records(document)], scoring=Scoring(formula))


def scores(c, path, query, **more):
    return {o["pid"]: o["score"] for o in c.get(path, filter={"query": query, **more})}


@pytest.mark.parametrize("path", ["Datasets", "Documents"])
@pytest.mark.parametrize("query", QUERIES)
def test_scores_are_those_of_the_formula(c, formula, path, query):
    expected = {"pss": pss, "bm25": bm25}[formula](QUERIES[query], ITEMS)
    found = scores(c, path, query)
    assert found.keys() == expected.keys()
    for pid, score in found.items():
        assert score == pytest.approx(min(max(expected[pid], 1e-9), 1 - 1e-9), abs=1e-6), TITLE[int(pid)]
    assert list(found.values()) == sorted(found.values(), reverse=True)
    for a, b in zip(found, list(found)[1:], strict=False):
        assert found[a] > found[b] or int(a) < int(b)  # ties in the order of insertion


@pytest.mark.parametrize("query", QUERIES)
def test_scores_lie_between_0_and_1(c, query):
    for path in ("Datasets", "Documents"):
        assert all(0 < s < 1 for s in scores(c, path, query).values())


def test_without_a_query_every_score_is_the_same_and_between_0_and_1(c):
    for asked in ({}, {"query": None}, {"query": ""}, {"query": "  "}, {"where": {"text": "copper"}}):
        found = c.get("Datasets", filter=asked)
        assert len(found) > 2
        assert {o["score"] for o in found} == {0.5}


def test_properties_of_the_published_formula():
    """What is known of it, tried on the tests' own implementation: the expectations rest on it."""
    one = pss(["copper"], ITEMS)
    assert max(one.values()) == 0.9
    assert one["0"] == 0.9  # twice among two different terms
    assert one["9"] == pytest.approx(0.9 * (1 / 3) / (2 / 2))
    several = pss(["copper", "oxid"], ITEMS)
    assert several["1"] == pytest.approx(
        1 / math.sqrt(2)
    )  # whoever has one of two words has this, however rare the word is
    assert several["9"] == pytest.approx(1 / math.sqrt(2))
    assert several["0"] > several["1"]


def test_a_score_that_would_be_1_is_below_it(make):
    c = make([dataset("a", "copper iron"), dataset("b", "gold")])
    assert 0.999999 < scores(c, "Datasets", "copper iron")["a"] < 1  # cosine 1: the federation would drop it


@pytest.mark.parametrize("query", ["unobtainium", "the of and", "x", "!!!", "ironclad", "xyz abc"])
def test_words_that_nobody_has_find_nothing(c, query):
    assert c.get("Datasets", filter={"query": query}) == []


def test_a_query_goes_with_the_rest_of_the_filter(c):
    whole = scores(c, "Datasets", "copper iron")
    some = scores(c, "Datasets", "copper iron", where={"title": {"like": "iron"}})
    assert some == {p: s for p, s in whole.items() if "iron" in TITLE[int(p)]}  # neither score nor order changes
    assert scores(c, "Datasets", "copper iron", include=[include("techniques", {"pid": "none"})]) == {}
    page = c.get("Datasets", filter={"query": "copper iron", "limit": 2, "skip": 1})
    assert [o["pid"] for o in page] == list(whole)[1:3]
    (one,) = c.get("Datasets", filter={"query": "copper", "limit": 1, "include": ["files"], "fields": ["pid"]})
    assert one.keys() == {"pid", "score", "files"}


def test_each_class_has_words_of_its_own(make):
    c = make(
        [
            instrument("i", "Heron reflectometer", "Demo"),
            document("d", "Title of marble", "a summary of granite", ["basalt", "two words"]),
            dataset(
                "a",
                "Title of slate",
                techniques=[{"pid": "t", "name": "chalk drawing"}],
                samples=[{"pid": "s", "name": "gravel", "description": "of gneiss"}],
                files=[{"name": "quartz.h5"}],
                parameters=[{"name": "flint", "value": "opal"}],
            ),
        ]
    )
    for path, pid, words in (
        ("Instruments", "i", ["heron", "reflectometers", "demo"]),
        ("Documents", "d", ["marble", "granite", "basalt", "words"]),
        ("Datasets", "a", ["slate", "chalk", "gravel", "gneiss"]),
    ):
        for word in words:
            assert list(scores(c, path, word)) == [pid], word
            for other in {"Instruments", "Documents", "Datasets"} - {path}:
                assert scores(c, other, word) == {}, (other, word)
    assert scores(c, "Datasets", "quartz flint opal") == {}


def test_what_comes_in_is_scored_at_once(make):
    c = make(records(dataset))
    body = "\n".join(json.dumps(r) for r in [dataset("new", "Unobtainium and copper"), dataset("0", "Lead")])
    assert c.http.post("/records", content=body, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert list(scores(c, "Datasets", "unobtainium")) == ["new"]
    assert list(scores(c, "Datasets", "lead")) == ["0"]
    items = {**ITEMS, "0": ["lead"], "new": ["unobtainium", "copper"]}
    assert scores(c, "Datasets", "copper") == pytest.approx(pss(["copper"], items), abs=1e-6)
    c.http.delete("/records/Datasets/new", headers={"Authorization": f"Bearer {TOKEN}"})
    assert scores(c, "Datasets", "unobtainium") == {}
    del items["new"]
    assert scores(c, "Datasets", "copper") == pytest.approx(pss(["copper"], items), abs=1e-6)


def test_the_federation_would_show_every_item(c):
    """panosc-federated-search-service drops items whose score is not between 0 and 1, and dies of one without a title or name."""
    for path in ("Datasets", "Documents"):
        for asked in ({}, {"query": "copper"}, {"query": "copper oxides iron"}, {"query": "copper", "limit": 3}):
            for o in c.get(path, filter=asked):
                assert isinstance(o["score"], float)
                assert 0 < o["score"] < 1
                assert o["title"]


def test_words_of_other_scripts(make):
    titles = {"a": "Sch\N{LATIN SMALL LETTER O WITH DIAERESIS}nbrunn", "b": "\u6e2c\u5b9a \u9285", "c": "\u039c\u03b5\u03c4\u03c1\u03ae\u03c3\u03b5\u03b9\u03c2", "d": "e\u0301tude"}  # fmt: skip
    c = make([dataset(p, t) for p, t in titles.items()])
    for pid, title in titles.items():
        for word in re.findall(r"\w{2,}", title.upper() if pid != "d" else "\u00e9tude"):
            assert list(scores(c, "Datasets", word)) == [pid], word
