"""What is hidden is nowhere, and comes by itself when its time has come (checks 16 and 17).

One world is asked twice: once with hidden records in it, once without them. No answer may differ, whatever is asked. Then the clock moves on.
"""

from pathlib import Path

import pytest
from served import dataset, document, include, instrument, quantity, segment

RELEASE = 2_000_000_000  # 2033-05-18T03:33:20Z
LATER = "2033-05-18T03:33:20Z"
ONTOLOGY = Path(__file__).with_name("ontology.csv")
T = "http://ontology.facility.test/technique/T"
ROD, ROOT = {"pid": "s1", "name": "copper rod"}, {"pid": "s2", "name": "willow root"}


def member(role, name, orcid, home):
    return {"role": role, "person": {"fullName": name, "orcid": orcid}, "affiliation": {"name": home}}


MIRA = ("Mira Holm", "0000-0001")


def details(word, energy, technique, sample):
    """Return what a dataset has, all of it with one word of its own."""
    return {
        "techniques": [{"pid": T + technique}, {"pid": f"house:{word}", "name": f"{word} technique"}],
        "samples": [sample, {"pid": f"s:{word}", "name": f"{word} sample", "description": f"of {word}"}],
        "parameters": [{"name": "energy", "value": energy, "unit": "keV"}, {"name": f"{word} setting", "value": word}],
        "files": [{"name": f"{word}.h5", "path": f"/data/{word}", "size": 5}],
    }


PUBLIC = [
    instrument("i1", "Line one"),
    instrument("i2", "Line two"),
    document("open", "Open proposal on copper", "copper and roots", ["rust"], members=[member("owner", *MIRA, "Home")]),
    document("bare", "Open proposal on nothing"),
    dataset("a", "copper one", documents=["open"], instrument="i1", **details("plain", 10, "032", ROD)),
    dataset("b", "copper two copper", documents=["open"], instrument="i1", **details("plain", 20, "051", ROOT)),
]


def hidden(**when):
    """Return records that nobody may see, tied to public ones in every way."""
    secret = details("secret", 15, "041", ROD)
    return [
        document("closed", "Secret proposal on copper", "secret copper copper", ["secret"], members=[member("secret role", *MIRA, "Secret home"), member("owner", "Nobody Else", "0000-0009", "Home")], parameters=[{"name": "energy", "value": 15, "unit": "keV"}], **when),
        dataset("x", "secret copper", documents=["open", "closed"], instrument="i1", creationDate="2021-01-01", size=7, **secret, **when),
        dataset("y", "copper secret of the other line", documents=["closed", "bare"], instrument="i2", **secret, **when),
    ]  # fmt: skip


WHEN = {
    "released later": {"releaseDate": LATER},
    "not public": {"isPublic": False},
    "not public, though its date is over": {"isPublic": False, "releaseDate": "2001-01-01"},
}


@pytest.fixture(scope="module")
def without(make):
    served = make(PUBLIC, ontology=ONTOLOGY)
    served.clock = RELEASE - 1
    return served


@pytest.fixture(scope="module", params=WHEN)
def holding(request, make):
    served = make([*hidden(**WHEN[request.param]), *PUBLIC, *hidden(**WHEN[request.param])], ontology=ONTOLOGY)
    served.clock = RELEASE - 1
    return served


PEOPLE = include("members", None, include("person", None, include("members", None, "affiliation")), "document")
AFFILIATIONS = include("members", None, include("affiliation", None, include("members", None, "person", "document")))
# Everything that can be reached from a record, there and back, as deep as it goes.
ALL_OF_IT = {
    "Datasets": [
        include("documents", None, include("members", None, include("person", None, "members")), include("datasets", None, include("documents", None, "members"), "files")),
        "document",
        include("techniques", None, include("datasets", None, include("documents", None, "members"), "parameters")),
        include("instrument", None, include("datasets", None, include("documents", None, "members"))),
        include("files", None, include("dataset", None, include("documents", None, "datasets"))),
        include("parameters", None, include("dataset", None, include("samples", None, "datasets"))),
        include("samples", None, include("datasets", None, include("samples", None, "datasets"))),
    ],
    "Documents": [
        include("datasets", None, include("documents"), include("instrument", None, "datasets"), include("techniques", None, "datasets"), include("samples", None, "datasets"), "files", "parameters"),
        PEOPLE,
        AFFILIATIONS,
        "parameters",
    ],
    "Instruments": [include("datasets", None, include("documents", None, include("members", None, "person"), "datasets"), include("samples", None, "datasets"), include("techniques", None, "datasets"))],
}  # fmt: skip
PROBES = [
    {},
    *({"where": w} for w in ({"text": "secret"}, {"text": "copper"}, {"pid": "x"}, {"pid": {"neq": "a"}}, {"pid": {"inq": ["x", "y", "a", "closed"]}}, {"isPublic": False}, {"isPublic": {"neq": True}}, {"isPublic": None})),
]  # fmt: skip
DATASETS = [
    *PROBES,
    *({"where": w} for w in ({"size": 7}, {"title": {"like": "secret"}}, {"title": {"neq": "copper one"}}, {"creationDate": {"gt": "2020-06-01"}}, {"or": [{"title": "secret copper"}, {"pid": "a"}]})),
    *({"include": [i]} for i in (
        include("techniques", {"pid": T + "041"}), include("techniques", {"name": "emission"}), include("techniques", {"pid": {"neq": T + "041"}}), include("techniques", {"text": "secret"}), include("techniques", {"pid": "house:secret"}),
        include("techniques", {"pid": T + "012"}, include("datasets", {"pid": "x"})), include("techniques", None, include("datasets", {"text": "secret"})),
        quantity("energy", {"between": [14, 16]}, "keV"), quantity("energy", {"gt": 1}, "keV"), quantity("secret setting", "secret"), include("parameters", {"name": {"like": "secret"}}), include("parameters", {"value": {"like": "s"}}, include("dataset", {"pid": "x"})),
        include("files", {"text": "secret"}), include("files", {"path": "/data/secret"}), include("samples", {"text": "secret"}), include("samples", {"pid": "s1"}, include("datasets", {"pid": "x"})), include("samples", {"pid": "s1"}, include("datasets")),
        include("documents", {"pid": "closed"}), include("documents", {"text": "secret"}), include("documents", {"keywords": "secret"}), include("document", {"pid": "closed"}), include("documents", {"pid": "open"}, include("datasets", {"pid": "x"})),
        include("documents", {"pid": "open"}, include("datasets", None, include("files", {"name": "secret.h5"}))), include("instrument", {"pid": "i2"}), include("instrument", {"pid": "i1"}, include("datasets", {"size": 7})),
        include("documents", None, include("members", {"role": "secret role"})),
    )),
]  # fmt: skip
DOCUMENTS = [
    *PROBES,
    *({"where": w} for w in ({"keywords": "secret"}, {"releaseDate": {"neq": None}}, {"summary": {"like": "secret"}}, {"type": "proposal"}, {"doi": None})),
    *({"include": [i]} for i in (
        include("datasets", {"pid": "x"}), include("datasets", {"pid": "y"}), include("datasets", {"text": "secret"}), include("datasets", {"pid": {"neq": "a"}}), include("datasets", None, include("techniques", {"name": "x-ray emission"})),
        include("datasets", None, include("techniques", {"pid": {"neq": T + "010"}})), include("datasets", None, quantity("energy", 15, "keV")), include("datasets", None, include("instrument", {"pid": "i2"})), include("datasets", None, include("documents", {"pid": "closed"})),
        include("members", {"role": "secret role"}), include("members", None, include("person", {"fullName": "Nobody Else"})), include("members", None, include("person", None, include("members", {"role": "secret role"}))),
        include("members", None, include("person", None, include("members", None, include("affiliation", {"name": "Secret home"})))), include("members", None, include("person", None, include("members", None, include("document", {"pid": "closed"})))),
        include("members", None, include("affiliation", {"name": "Home"}, include("members", None, include("person", {"text": "nobody"})))), quantity("energy", {"gt": 1}, "keV"),
    )),
]  # fmt: skip
INSTRUMENTS = [
    {},
    *({"include": [i]} for i in (include("datasets", {"pid": "x"}), include("datasets", {"text": "copper"}), include("datasets", {"pid": "y"}), include("datasets", None, include("documents", {"pid": "bare"})), include("datasets", None, include("techniques", {"name": "emission"})))),
]  # fmt: skip
QUERIES = ["secret", "copper", "copper secret", "copper root", "secret sample", "role secret closed", "rust"]
QUESTIONS = [(path, asked) for path, several in (("Datasets", DATASETS), ("Documents", DOCUMENTS), ("Instruments", INSTRUMENTS)) for asked in several]  # fmt: skip


def plain(answer):
    """Return an answer without internal numbers, which nobody may rely on."""
    if isinstance(answer, dict):
        return {k: plain(v) for k, v in answer.items() if k != "id"}
    return sorted((plain(v) for v in answer), key=str) if isinstance(answer, list) else answer


@pytest.mark.parametrize("asked", DATASETS, ids=str)
@pytest.mark.parametrize("name", ["instrument", "techniques"])
def test_no_facet_tells_of_it(without, holding, name, asked):
    path = f"Datasets/facets/{name}"
    assert plain(holding.get(path, filter=asked)) == plain(without.get(path, filter=asked))


@pytest.mark.parametrize(("path", "asked"), QUESTIONS, ids=str)
def test_no_answer_tells_of_it(holding, without, path, asked):
    found = holding.get(path, filter=asked)
    assert plain(found) == plain(without.get(path, filter=asked))
    for branch in ALL_OF_IT[path]:
        more = {**asked, "include": [*asked.get("include", []), branch]}
        assert plain(holding.get(path, filter=more)) == plain(without.get(path, filter=more))
    if "where" in asked:
        assert holding.count(path, asked["where"]) == without.count(path, asked["where"]) == len(found)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", ["Datasets", "Documents", "Instruments"])
def test_no_score_tells_of_it(holding, without, path, query):
    found = [(o["pid"], o["score"]) for o in holding.get(path, filter={"query": query})]
    assert found == [(o["pid"], o["score"]) for o in without.get(path, filter={"query": query})]


@pytest.mark.parametrize(("path", "pid"), [("Datasets", "x"), ("Datasets", "y"), ("Documents", "closed")])
def test_by_pid_it_is_unknown(holding, path, pid):
    for asked in (None, {"include": ALL_OF_IT[path][:2]}, {"fields": ["pid"]}):
        refused, unknown = (holding.answer(f"{path}/{p}", filter=asked) for p in (pid, "nobody"))
        assert refused.status_code == unknown.status_code == 404
        assert refused.text == unknown.text.replace("nobody", pid)
        assert {k: v for k, v in refused.headers.items() if k not in ("x-request-id", "date", "content-length")} == {
            k: v for k, v in unknown.headers.items() if k not in ("x-request-id", "date", "content-length")
        }
    if path == "Datasets":
        for call in ("files", "files/count"):
            refused, unknown = (holding.answer(f"Datasets/{p}/{call}") for p in (pid, "nobody"))
            assert (refused.status_code, refused.text) == (404, unknown.text.replace("nobody", pid))


def test_by_pid_of_a_public_one_nothing_tells_of_it(holding, without):
    for path, pids in (("Datasets", "ab"), ("Documents", ["open", "bare"]), ("Instruments", ["i1", "i2"])):
        for pid in pids:
            asked = {"include": ALL_OF_IT[path]}
            assert plain(holding.get(f"{path}/{pid}", filter=asked)) == plain(
                without.get(f"{path}/{pid}", filter=asked)
            )


def test_the_status_counts_what_everybody_may_see(holding, without):
    assert holding.http.get("/").json()["public"] == without.http.get("/").json()["public"]


def test_a_public_document_with_a_private_dataset(holding):
    (found,) = holding.get("Documents", filter={"where": {"pid": "open"}, "include": ["datasets"]})
    assert [d["pid"] for d in found["datasets"]] == ["a", "b"]
    (found,) = holding.get("Documents", filter={"where": {"pid": "bare"}, "include": ["datasets"]})
    assert found["datasets"] == []
    assert holding.pids("Documents", {"include": [include("datasets", {"pid": {"neq": "none"}})]}) == ["open"]


@pytest.mark.parametrize("when", WHEN.values(), ids=WHEN)
@pytest.mark.parametrize("together", [True, False])
def test_what_it_says_of_something_shared_is_not_told(make, when, together):
    """A sample, a person or an affiliation is one row for all records that name it."""
    home = {"ror": "https://ror.org/1", "name": "Home"}
    mine = {"role": "owner", "person": {"fullName": "M. Holm", "orcid": "0000-0001"}, "affiliation": home}
    theirs = {"role": "owner", "person": {"fullName": "Secret Holm", "orcid": "0000-0001"}, "affiliation": {**home, "name": "Secret home"}}  # fmt: skip
    public = [dataset("a", samples=[ROD]), document("open", members=[mine])]
    secret = [dataset("x", samples=[{**ROD, "description": "secret"}], **when), document("closed", members=[theirs], **when)]  # fmt: skip
    c = make([*public, *secret] if together else public)
    if not together:
        c.load(secret)
    assert plain(c.get("Datasets", filter={"include": ["samples"]})[0]["samples"]) == [ROD]
    (found,) = c.get("Documents", filter={"include": [include("members", None, "person", "affiliation")]})
    assert found["members"][0]["person"]["fullName"] == "M. Holm"
    assert found["members"][0]["affiliation"]["name"] == "Home"
    assert c.pids("Datasets", {"include": [include("samples", {"text": "secret"})]}) == []
    c.load([dataset("b", samples=[{**ROD, "description": "in the open"}])])
    assert c.pids("Datasets", {"include": [include("samples", {"text": "open"})]}) == ["a", "b"]


def test_it_appears_when_its_time_has_come(make):
    c = make([*PUBLIC, *hidden(releaseDate=LATER)], ontology=ONTOLOGY)
    seen = {
        RELEASE - 1: (["a", "b"], ["open", "bare"]),
        RELEASE: (["a", "b", "x", "y"], ["open", "bare", "closed"]),
        RELEASE + 10**6: (["a", "b", "x", "y"], ["open", "bare", "closed"]),
        RELEASE - 2: (["a", "b"], ["open", "bare"]),
    }
    for c.clock, (datasets, documents) in seen.items():
        there = "x" in datasets
        assert sorted(c.pids("Datasets")) == datasets
        assert sorted(c.pids("Documents")) == sorted(documents)
        assert c.count("Datasets") == len(datasets)
        assert c.count("Datasets", {"text": "secret"}) == (2 if there else 0)
        assert c.count("Documents", {"keywords": "secret"}) == there
        assert c.answer("Datasets/x").status_code == (200 if there else 404)
        assert c.answer("Datasets/x/files/count").status_code == (200 if there else 404)
        assert sorted(c.pids("Datasets", {"include": [include("techniques", {"name": "emission"})]})) == (["x", "y"] if there else [])  # fmt: skip
        assert sorted(c.pids("Datasets", {"include": [quantity("energy", 15, "keV")]})) == (["x", "y"] if there else [])
        assert len(c.pids("Datasets", {"query": "secret"})) == (2 if there else 0)
        (one,) = c.get("Documents", filter={"where": {"pid": "open"}, "include": ["datasets"]})
        assert sorted(d["pid"] for d in one["datasets"]) == (["a", "b", "x"] if there else ["a", "b"])
        roles = c.get(
            "Documents/open", filter={"include": [include("members", None, include("person", None, "members"))]}
        )
        assert len(roles["members"][0]["person"]["members"]) == (2 if there else 1)


@pytest.mark.parametrize("change", [{"isPublic": False}, {"releaseDate": LATER}])
def test_what_was_public_can_be_taken_back(make, change):
    c = make(PUBLIC, ontology=ONTOLOGY)
    c.clock = RELEASE - 1
    before = c.get("Datasets", filter={"query": "copper"})
    again = [r if r["pan"]["pid"] != "b" else {**r, "pan": {**r["pan"], **change}} for r in PUBLIC]
    c.load(again)
    assert c.pids("Datasets") == ["a"]
    assert c.count("Datasets") == c.count("Datasets", {"text": "copper"}) == 1
    assert c.answer("Datasets/b").status_code == 404
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "imaging"})]}) == []
    assert c.pids("Datasets", {"include": [quantity("energy", {"gt": 15}, "keV")]}) == []
    c.load(PUBLIC)
    assert c.get("Datasets", filter={"query": "copper"}) == before


def test_what_is_named_and_has_not_come_is_not_there(make):
    c = make([dataset("a", documents=["later"], instrument="later")])
    assert c.get("Datasets", filter={"include": ["documents", "instrument"]})[0].get("instrument") is None
    for path in ("Documents", "Instruments"):
        assert c.pids(path) == []
        assert c.count(path) == 0
        assert "Unknown" in c.refused(f"{path}/later", 404)
    assert c.pids("Datasets", {"include": [include("documents", {"pid": "later"})]}) == []
    c.load([document("later"), instrument("later")])
    assert [d["pid"] for d in c.get("Datasets", filter={"include": ["documents"]})[0]["documents"]] == ["later"]
    assert c.pids("Instruments", {"include": [include("datasets", {"pid": "a"})]}) == ["later"]


@pytest.mark.parametrize(("date", "seconds"), [("2033-05-18", 1_999_987_200), ("2033-05-18T03:33:20+02:00", 1_999_992_800), ("2033-05-18T03:33:19.001Z", RELEASE), ("2033", 1_988_150_400), ("0001-01-01", 1), ("1969-12-31", 1)])  # fmt: skip
def test_the_moment_of_release(make, date, seconds):
    c = make([dataset("a/b", releaseDate=date)])
    c.clock = seconds - 1
    assert c.answer(f"Datasets/{segment('a/b')}").status_code == (404 if seconds > 1 else 200)
    c.clock = seconds
    assert c.get(f"Datasets/{segment('a/b')}")["pid"] == "a/b"
