"""Paging, counting, order, and which parents an include keeps (checks 7, 8, 10)."""

import pytest
from served import dataset, document, include, instrument, quantity

from pan_catalogue.settings import Limits

N = 60
WORDS = ["copper", "iron", "Copper oxide", "gold leaf", "silver"]
TECHNIQUES = ["t:diffraction", "t:imaging", "t:scattering"]


def records():
    yield from (instrument(f"i{n}", f"Line {n}", "Demo") for n in range(4))
    yield from (
        document(f"doc{n}", f"Proposal {n} on {WORDS[n % 5]}", type=["proposal", "publication"][n % 2])
        for n in range(12)
    )
    for n in range(N):
        yield dataset(
            f"10.1/{n:03d}",
            f"{WORDS[n % 5]} number {n}",
            creationDate=f"20{10 + n % 7}-01-01",
            size=(n * 37) % 11 if n % 6 else None,
            instrument=f"i{n % 4}" if n % 3 else None,
            documents=[f"doc{n % 12}"] if n % 5 else [],
            techniques=[{"pid": t} for k, t in enumerate(TECHNIQUES) if n % (k + 3) == 0],
            samples=[{"pid": f"s{n % 3}", "name": f"sample {n % 3}"}] if n % 4 else [],
            parameters=[{"name": "energy", "value": n, "unit": "keV"}] * (n % 3),
            files=[{"name": f"f{k}.h5"} for k in range(n % 4)],
        )


@pytest.fixture(scope="module")
def c(make):
    return make(records())


FILTERS = {
    "all": {},
    "where": {"where": {"size": {"gt": 3}}},
    "text": {"where": {"text": "COPPER"}},
    "rare text": {"where": {"text": "number 1"}},
    "short text": {"where": {"text": "ir"}},
    "technique": {"include": [include("techniques", {"pid": "t:imaging"})]},
    "no such technique": {"include": [include("techniques", {"pid": {"neq": "t:imaging"}})]},
    "two techniques": {"include": [include("techniques", {"and": [{"pid": TECHNIQUES[0]}, {"pid": TECHNIQUES[2]}]})]},
    "parameter": {"include": [quantity("energy", {"between": [10_000, 40_000]}, "eV")]},
    "instrument": {"include": [include("instrument", {"name": "Line 2"})]},
    "sample and file": {"include": [include("samples", {"text": "Sample 1"}), include("files", {"name": "f2.h5"})]},
    "document": {"include": [include("documents", {"type": "publication"})]},
    "much": {
        "where": {"or": [{"text": "copper"}, {"size": None}]},
        "include": [include("techniques", {"pid": "t:scattering"}), quantity("energy", {"lt": 50}, "keV")],
    },
    "by date": {"order": "creationDate DESC"},
    "by size": {"order": ["size ASC", "title DESC"], "where": {"text": "number"}},
    "technique by title": {"order": "title", "include": [include("techniques", {"pid": "t:imaging"})]},
    "scored": {"query": "copper oxide"},
    "scored and filtered": {"query": "gold copper", "include": [include("techniques", {"pid": "t:imaging"})]},
}


EVERYTHING = {"all", "by date", "by size"}


@pytest.mark.parametrize("size", [1, 7, 25])
@pytest.mark.parametrize("name", FILTERS)
def test_pages_together_are_the_whole(c, name, size):
    asked = FILTERS[name]
    whole = c.get("Datasets", filter=asked)
    assert len(whole) == N if name in EVERYTHING else 1 < len(whole) < N
    assert len({d["pid"] for d in whole}) == len(whole)
    starts = range(0, len(whole) + size, size)
    pages = [c.get("Datasets", filter={**asked, "limit": size, "skip": n}) for n in starts]
    assert pages == [whole[n : n + size] for n in starts]  # order, includes and scores as well


@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
def test_the_same_question_has_the_same_answer(c, asked):
    assert c.get("Datasets", filter=asked) == c.get("Datasets", filter=asked)


@pytest.mark.parametrize("asked", [f for f in FILTERS.values() if "query" not in f], ids=str)
def test_a_filter_is_counted(c, asked):
    n = len(c.get("Datasets", filter=asked))
    assert c.get("Datasets/count", filter=asked) == c.get("Datasets/count", filter={**asked, "limit": 1, "skip": 1}) == {"count": n}  # fmt: skip


@pytest.mark.parametrize("asked", FILTERS.values(), ids=FILTERS)
def test_a_limit_counts_what_was_found(c, asked):
    """The reference provider takes the first one and then finds that it is no such dataset."""
    assert len(c.get("Datasets", filter={**asked, "limit": 1})) == 1


@pytest.mark.parametrize("limit", [0, None])
def test_no_limit(c, limit):
    assert len(c.get("Datasets", filter={"limit": limit, "skip": None})) == N
    assert len(c.get("Datasets", filter={"skip": 50})) == N - 50
    assert c.get("Datasets", filter={"skip": N}) == []
    assert c.get("Datasets", filter={"skip": 2**62}) == []


def test_what_one_answer_cannot_hold_is_said_where(make):
    c = make([dataset(str(n), f"{n}") for n in range(25)], limits=Limits(page=10))
    first = c.answer("Datasets", filter={"where": {"size": None}, "order": "pid DESC"})
    assert len(first.json()) == 10
    seen, response = list(first.json()), first
    while "next" in response.links:
        response = c.http.get(response.links["next"]["url"])
        assert response.status_code == 200
        seen += response.json()
    assert [d["pid"] for d in seen] == sorted(map(str, range(25)), reverse=True)
    assert "Link" not in c.answer("Datasets", filter={"limit": 10}).headers  # a page as it was asked for
    assert "next" in c.http.get("/api/Datasets").links
    assert "more than 10" in c.refused("Datasets", filter={"limit": 11})


def test_too_many_included_rows_are_refused(make):
    records = [dataset(str(n), files=[{"name": f"{k}"} for k in range(20)]) for n in range(10)]
    c = make(records, limits=Limits(rows=100))
    assert "more than 100 rows" in c.refused("Datasets", filter={"include": ["files"]})
    assert len(c.get("Datasets", filter={"include": ["files"], "limit": 4})) == 4


@pytest.mark.parametrize("more", [{}, {"order": "title"}, {"skip": 1}])
def test_too_many_rows_are_refused(make, more):
    c = make([dataset(str(n)) for n in range(11)], limits=Limits(rows=9))
    assert "more than 9 rows" in c.refused("Datasets", filter=more)
    assert len(c.get("Datasets", filter={**more, "limit": 9})) == 9


def test_limit_skip_and_order_in_a_scope_are_per_parent(c):
    scope = include("files", None, limit=2, skip=1, order="name DESC")
    for found in c.get("Datasets", filter={"include": [scope], "limit": 12}):
        n = int(found["pid"][-3:])
        assert [f["name"] for f in found["files"]] == [f"f{k}.h5" for k in reversed(range(n % 4))][1:3]
    assert c.count("Datasets") == len(c.get("Datasets", filter={"include": [scope]}))  # it filters nothing


# -- counts

WHERES = [
    None, {}, {"size": 5}, {"size": None}, {"size": {"neq": None}}, {"size": {"neq": 5}}, {"size": {"nin": [1, 2, 3]}}, {"size": {"between": [2, 5]}},
    {"text": "copper"}, {"text": "COPPER OX"}, {"text": "ir"}, {"text": ""}, {"text": "none of them"}, {"text": "1"},
    {"title": {"like": "copper"}}, {"title": {"ilike": "copper%1"}}, {"title": {"nlike": "o"}}, {"title": {"regexp": "^c.*9$"}},
    {"isPublic": True}, {"isPublic": False}, {"isPublic": {"neq": False}}, {"creationDate": {"gt": "2012"}}, {"creationDate": "2013-01-01T00:00:00Z"},
    {"creationDate": {"lte": "2013-01-01T01:00:00+01:00"}}, {"pid": {"inq": ["10.1/001", "10.1/002", "none"]}}, {"pid": {"gt": "10.1/030"}},
    {"and": [{"text": "copper"}, {"size": {"gt": 3}}]}, {"or": [{"text": "gold"}, {"size": {"gt": 8}}]}, {"and": []}, {"or": []},
    {"or": [{"and": [{"text": "gold"}, {"size": None}]}, {"text": "silver"}]}, {"text": "copper", "size": {"lt": 5}, "or": [{"size": 1}, {"size": 2}]},
]  # fmt: skip


@pytest.mark.parametrize("where", WHERES, ids=str)
def test_a_count_is_the_length_of_the_list(c, where):
    listed = c.get("Datasets", filter={"where": where} if where is not None else None)
    assert c.count("Datasets", where) == len(listed)


@pytest.mark.parametrize(("where", "n"), [({"text": "copper"}, 24), ({"size": None}, 10), ({"isPublic": False}, 0), ({"or": []}, 0), ({"and": []}, N), ({"text": ""}, N), ({"creationDate": {"gte": "2016"}}, 8)])  # fmt: skip
def test_counts_that_were_counted_by_hand(c, where, n):
    assert c.count("Datasets", where) == n


def test_counts_of_the_other_classes(c):
    assert c.count("Instruments") == 4
    assert c.count("Instruments", {"text": "line 3"}) == 1
    assert c.count("Documents", {"type": "proposal"}) == len(c.pids("Documents", {"where": {"type": "proposal"}})) == 6
    assert c.count("Documents", {"text": "GOLD"}) == 2


# -- which parents stay

OUTER = ["documents", "document", "techniques", "instrument", "files", "parameters", "samples"]


@pytest.mark.parametrize("relation", OUTER)
@pytest.mark.parametrize("shape", [lambda r: r, lambda r: {"relation": r}, lambda r: {"relation": r, "scope": {}}, lambda r: {"relation": r, "scope": None}, lambda r: include(r, {}), lambda r: include(r, {"and": []})])  # fmt: skip
def test_an_include_without_a_condition_keeps_all_parents(c, relation, shape):
    found = c.get("Datasets", filter={"include": [shape(relation)]})
    assert len(found) == N
    without = [d for d in found if not d.get(relation)]
    assert 0 < len(without) < N
    if relation not in ("document", "instrument"):
        assert all(d[relation] == [] for d in without)


@pytest.mark.parametrize(
    ("relation", "where", "has"),
    [
        ("documents", {"type": "proposal"}, lambda n: n % 5 and n % 12 % 2 == 0),
        ("document", {"type": "proposal"}, lambda n: n % 5 and n % 12 % 2 == 0),
        ("instrument", {"name": "Line 1"}, lambda n: n % 3 and n % 4 == 1),
        ("files", {"name": "f1.h5"}, lambda n: n % 4 > 1),
        ("files", {"name": {"neq": "f0.h5"}}, lambda n: n % 4 > 1),
        ("parameters", {"name": "energy"}, lambda n: n % 3),
        ("samples", {"name": "sample 0"}, lambda n: n % 4 and n % 3 == 0),
        ("samples", {"pid": {"neq": "s0"}}, lambda n: n % 4 and n % 3),
    ],
)
def test_an_include_with_a_condition_keeps_parents_that_have_such_a_child(c, relation, where, has):
    found = c.get("Datasets", filter={"include": [include(relation, where)]})
    assert [d["pid"] for d in found] == [f"10.1/{n:03d}" for n in range(N) if has(n)]
    assert all(d[relation] for d in found)


def test_only_matching_children_come_along(c):
    found = c.get("Datasets", filter={"include": [include("files", {"name": {"gt": "f0.h5"}})]})
    assert {f["name"] for d in found for f in d["files"]} == {"f1.h5", "f2.h5"}
    (one,) = c.get("Documents", filter={"where": {"pid": "doc1"}, "include": [include("datasets", {"text": "IRON"})]})
    assert [d["pid"] for d in one["datasets"]] == ["10.1/001"]


def test_a_condition_deep_inside_reaches_the_parent(c):
    deep = include("datasets", None, include("files", {"name": "f2.h5"}))
    found = c.get("Instruments", filter={"include": [deep]})
    assert [i["pid"] for i in found] == ["i3"]
    assert all(f["name"] == "f2.h5" for d in found[0]["datasets"] for f in d["files"])
    assert all(d["files"] for d in found[0]["datasets"])
    loose = include("datasets", None, include("files"))
    assert len(c.get("Instruments", filter={"include": [loose]})) == 4


def test_a_relation_named_twice(c):
    both = [include("samples", {"pid": "s1"}), include("samples", {"pid": "s2"})]
    assert c.get("Datasets", filter={"include": both}) == []
    mixed = c.get("Datasets", filter={"include": ["files", include("files", {"name": "f2.h5"})]})
    assert [d["pid"] for d in mixed] == [f"10.1/{n:03d}" for n in range(N) if n % 4 == 3]
    assert all(len(d["files"]) == 3 for d in mixed)  # one of the two asks for all


def test_fields(c):
    (d,) = c.get("Datasets", filter={"limit": 1, "fields": ["pid"]})
    assert d == {"pid": "10.1/000", "score": 0.5}
    (d,) = c.get("Datasets", filter={"limit": 1, "fields": {"title": False}})
    assert d.keys() == {"pid", "isPublic", "creationDate", "score"}
    (d,) = c.get(
        "Datasets",
        filter={"limit": 1, "skip": 1, "fields": "title", "include": [include("instrument", None, fields=["name"])]},
    )
    assert d == {"title": "iron number 1", "instrument": {"name": "Line 1"}, "score": 0.5}


@pytest.mark.parametrize("order", ["pid", "title", "creationDate", "size", "isPublic"])
@pytest.mark.parametrize("direction", ["", " ASC", " DESC", " desc"])
def test_order(c, order, direction):
    found = c.get("Datasets", filter={"order": order + direction})
    values = [d.get(order) for d in found]
    down = direction.strip().upper() == "DESC"
    expected = sorted(values, key=lambda v: (v is not None, v if v is not None else 0), reverse=down)
    assert values == expected  # what has no value comes first, and last when descending


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_order_in_a_scope(make, direction):
    sizes = [5, None, 3, None, 9]
    names = ["zeta", "alpha", "mu"]
    c = make(
        [
            dataset("first", parameters=[{"name": "mu", "value": 0}]),
            dataset(
                "a",
                files=[{"name": f"f{n}", **({"size": s} if s else {})} for n, s in enumerate(sizes)],
                parameters=[{"name": n, "value": 1} for n in names],
            ),
        ]
    )
    down = direction == "DESC"
    scopes = [include("files", None, order=f"size {direction}"), include("parameters", None, order=f"name {direction}")]
    (found,) = c.get("Datasets", filter={"where": {"pid": "a"}, "include": scopes})
    assert [f.get("size") for f in found["files"]] == sorted(sizes, key=lambda s: s or 0, reverse=down)
    assert [p["name"] for p in found["parameters"]] == sorted(names, reverse=down)
