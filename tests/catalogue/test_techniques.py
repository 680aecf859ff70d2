"""Techniques of an ontology: a term stands for itself and all its descendants, with every operator.

The tables of the published requirements (panosc-eu/search-api `doc/dataset-techniques-requirements.md`) against PaNET itself where its file is at hand, and always the same
questions, and more, against an ontology of the tests' own.
"""

import logging
import re
from pathlib import Path

import psycopg
import pytest
from served import dataset, document, include, instrument

from pan_catalogue import cli
from pan_catalogue.settings import Techniques
from pan_catalogue.techniques import read

OWN = Path(__file__).with_name("ontology.csv")
T = "http://ontology.facility.test/technique/T"
PANET = Path(__file__).resolve().parents[3] / "shared" / "upstream" / "PaNET-1.3.0.csv"


def one(of):
    return lambda by: {by: of}


def neq(of):
    return lambda by: {by: {"neq": of}}


def every(*parts):
    return lambda by: {"and": [p(by) for p in parts]}


def some(*parts):
    return lambda by: {"or": [p(by) for p in parts]}


def renamed(where, names):
    """Return `where` with other names for the terms."""
    if isinstance(where, dict):
        return {k: renamed(v, names) for k, v in where.items()}
    return [renamed(v, names) for v in where] if isinstance(where, list) else names[where]


def found(c, where):
    return [int(p) for p in c.pids("Datasets", {"include": [include("techniques", where)]})]


# -- the published tables, on PaNET

RIXS, SOLUTION, GISAXS, INELASTIC, SOFT, MAGNETIC, XES, GISAS = (
    "resonant inelastic x-ray scattering",
    "anomalous solution x-ray scattering",
    "grazing incidence small angle x-ray scattering",
    "inelastic x-ray small angle scattering",
    "soft x-ray small angle scattering",
    "magnetic x-ray tomography",
    "x-ray emission spectroscopy",
    "grazing incidence small angle scattering",
)
PUBLISHED = {
    1: [RIXS], 2: [SOLUTION], 3: [GISAXS], 4: [INELASTIC], 5: [SOFT], 6: [MAGNETIC], 7: [XES], 8: [XES, MAGNETIC], 9: [XES, GISAS], 10: [XES, SOLUTION],
}  # fmt: skip
SAS, MAGNETISM = "small angle scattering", "magnetism technique"
X_RAY = "x-ray probe technique"  # `x-ray probe` when the requirements were written
TABLES = {
    1: (one(XES), [7, 8, 9, 10]),
    2: (one(SAS), [2, 3, 4, 5, 9, 10]),
    3: (neq(XES), [1, 2, 3, 4, 5, 6]),
    4: (neq(SAS), [1, 6, 7, 8]),
    5: (every(one(SAS), one(MAGNETISM)), []),
    6: (some(one(SAS), one(MAGNETISM)), [2, 3, 4, 5, 6, 8, 9, 10]),
    7: (every(one(SAS), one(X_RAY)), [2, 3, 4, 5, 9, 10]),
    8: (some(one(SAS), one(X_RAY)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    9: (every(one(SAS), neq(X_RAY)), []),
    10: (every(one(SAS), neq(MAGNETISM)), [2, 3, 4, 5, 9, 10]),
}


@pytest.fixture(scope="module")
def panet(make):
    if not PANET.exists():
        pytest.skip(f"PaNET's own table is not here ({PANET.name} in ../shared/upstream of the checkout)")
    terms, _ = read(PANET)
    pids = {}
    for term in sorted(terms, key=lambda t: (len(t.pid), t.pid)):
        pids.setdefault(term.label, term.pid)
    records = [
        dataset(str(n), techniques=[{"pid": pids[name], "name": name} for name in names])
        for n, names in PUBLISHED.items()
    ]
    return make(records, ontology=PANET), pids


@pytest.mark.parametrize("by", ["pid", "name"])
@pytest.mark.parametrize("n", TABLES)
def test_published_table(panet, n, by):
    c, pids = panet
    where, expected = TABLES[n]
    asked = where(by) if by == "name" else renamed(where(by), pids)
    assert found(c, asked) == expected


@pytest.mark.parametrize(
    ("wide", "expected"),
    [
        ("photon probe technique", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),  # by what a probe is: an x-ray is a photon
        ("scattering technique", [1, 2, 3, 4, 5, 7, 8, 9, 10]),  # x-ray emission is inelastic scattering there
        ("emission technique", [7, 8, 9, 10]),
        ("neutron probe technique", []),
        ("RIXS", [1]),  # an alternative label
    ],
)
def test_panet_follows_conditions(panet, wide, expected):
    assert found(panet[0], {"name": wide}) == expected


# -- the same and more, on an ontology of our own

TAGS = {
    1: ["042"], 2: ["032"], 3: ["034"], 4: ["033"], 5: ["035"], 6: ["054"], 7: ["041"], 8: ["041", "054"], 9: ["041", "034"],
    10: ["031"], 11: ["071"], 12: [], 13: ["060"],
}  # fmt: skip
LABELS = {
    "010": "photon technique", "011": "neutron technique", "012": "x-ray technique", "020": "scattering", "021": "small angle scattering",
    "022": "inelastic scattering", "035": "inelastic x-ray scattering", "040": "emission", "041": "x-ray emission", "042": "resonant x-ray emission",
    "050": "imaging", "051": "tomography", "052": "magnetic contrast", "053": "magnetic tomography", "070": "ptychography", "911": "x-rays",
}  # fmt: skip
OWN_TABLES = [
    # the ten published questions
    (one("041"), [1, 7, 8, 9]),
    (one("021"), [2, 3, 4, 9]),
    (neq("041"), [2, 3, 4, 5, 6, 10, 11, 12, 13]),
    (neq("021"), [1, 5, 6, 7, 8, 10, 11, 12, 13]),
    (every(one("021"), one("052")), []),
    (some(one("021"), one("052")), [2, 3, 4, 6, 8, 9]),
    (every(one("021"), one("012")), [2, 3, 9]),
    (some(one("021"), one("012")), [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]),
    (every(one("021"), neq("012")), [4]),
    (every(one("021"), neq("052")), [2, 3, 4, 9]),
    # over more than one level, and over more than one parent
    (one("020"), [1, 2, 3, 4, 5, 9, 10]),
    (one("022"), [1, 5]),
    (one("050"), [6, 8, 11]),
    (one("042"), [1]),
    # by a condition: what needs x-rays needs photons
    (one("010"), [1, 2, 3, 5, 6, 7, 8, 9, 11]),
    # of a conjunction with a condition the named class is a parent
    (one("011"), [4, 10, 13]),
    # what is disjoint is no relative, and what specifies is no technique
    (one("051"), [6, 8]),
    (one("070"), [11]),
    (one("911"), []),
    # `and` may be met by two tags of a dataset, or by one for both
    (every(one("041"), one("052")), [8]),
    (every(one("040"), one("021")), [9]),
    (every(one("041"), one("035")), [1]),
    # lists, long forms, combinations
    (lambda by: {by: {"eq": "041"}}, [1, 7, 8, 9]),
    (lambda by: {by: {"inq": ["035", "053"]}}, [1, 5, 6, 8]),
    (lambda by: {by: {"nin": ["012", "020"]}}, [12, 13]),
    (every(neq("010"), neq("021")), [10, 12, 13]),
    (some(neq("010"), one("021")), [2, 3, 4, 9, 10, 12, 13]),
    (every(some(one("041"), one("021")), neq("052")), [1, 2, 3, 4, 7, 9]),
    (some(every(one("041"), one("052")), every(one("020"), neq("012"))), [4, 8, 10]),
    (every(neq("041"), some(neq("020"), one("022"))), [5, 6, 11, 12, 13]),
]


@pytest.fixture(scope="module")
def own(make):
    records = [dataset(str(n), techniques=[{"pid": T + t} for t in tags]) for n, tags in TAGS.items()]
    return make(records, ontology=OWN)


@pytest.mark.parametrize("by", ["pid", "panetId", "name"])
@pytest.mark.parametrize(("where", "expected"), OWN_TABLES)
def test_own_table(own, where, expected, by):
    asked = renamed(where(by), LABELS if by == "name" else {t: T + t for t in LABELS})
    assert found(own, asked) == expected
    assert own.count("Datasets") == len(TAGS)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"name": "XES"}, [1, 7, 8, 9]),
        ({"name": "xes"}, [1, 7, 8, 9]),
        ({"name": "X-ray fluorescence of the House"}, [1, 7, 8, 9]),
        ({"name": "SAS"}, [2, 3, 4, 9]),
        ({"name": {"neq": "light technique"}}, [4, 10, 12, 13]),
        ({"name": {"ilike": "%TOMO%"}}, [6, 8]),
        ({"name": {"like": "magnetic%"}}, [6, 8]),
        ({"name": {"regexp": "^x-ray small"}}, [2, 3, 9]),
        ({"text": "Magnetic TOMO"}, [6, 8]),
        ({"text": "roentgen"}, [1, 2, 3, 5, 6, 7, 8, 9, 11]),
        ({"text": "no such thing"}, []),
        ({"name": "no such thing"}, []),
        ({"pid": T + "999"}, []),
        ({"pid": {"neq": T + "999"}}, list(TAGS)),
        ({"pid": {"nin": []}}, list(TAGS)),
        ({"pid": {"inq": []}}, []),
    ],
)
def test_other_ways_to_name_a_technique(own, where, expected):
    assert found(own, where) == expected


def test_a_dataset_shows_the_techniques_that_were_meant(own):
    def shown(pid, where):
        asked = {"where": {"pid": pid}, "include": [include("techniques", where)]}
        return [t["pid"] for d in own.get("Datasets", filter=asked) for t in d["techniques"]]

    assert shown("9", {"pid": T + "040"}) == [T + "041"]
    assert shown("9", {"pid": T + "020"}) == [T + "034"]
    assert sorted(shown("9", {"pid": T + "012"})) == [T + "034", T + "041"]
    assert sorted(shown("9", {"and": [{"pid": T + "040"}, {"pid": T + "020"}]})) == [T + "034", T + "041"]
    assert sorted(shown("9", {"pid": {"neq": T + "052"}})) == [T + "034", T + "041"]


def test_the_answer_has_name_and_address_of_the_ontology(own):
    (found,) = own.get("Datasets", filter={"where": {"pid": "7"}, "include": ["techniques"]})
    assert found["techniques"] == [{"pid": T + "041", "name": "x-ray emission", "panetId": T + "041"}]


def test_techniques_below_documents_and_instruments(make):
    c = make(
        [
            instrument("i1"),
            instrument("i2"),
            document("d1"),
            document("d2"),
            dataset("a", documents=["d1"], instrument="i1", techniques=[{"pid": T + "034"}]),
            dataset("b", documents=["d2"], instrument="i2", techniques=[{"pid": T + "071"}]),
        ],
        ontology=OWN,
    )
    below = [include("datasets", None, include("techniques", {"name": "scattering"}))]
    assert c.pids("Documents", {"include": below}) == ["d1"]
    assert c.pids("Instruments", {"include": below}) == ["i1"]
    without = [include("datasets", None, include("techniques", {"pid": {"neq": T + "020"}}))]
    assert c.pids("Documents", {"include": without}) == ["d2"]


# -- terms of a facility's own, and ontologies that come, go and change


@pytest.mark.parametrize("order", ["ontology first", "records first"])
def test_a_term_of_the_facility_is_one_of_its_class(make, order):
    records = [
        dataset("a", techniques=[{"pid": "house:saxs", "name": "House SAXS", "panetId": T + "032"}]),
        dataset("b", techniques=[{"pid": "house:other", "name": "House knitting"}]),
    ]
    c = make(records if order == "records first" else [], ontology=OWN if order == "ontology first" else None)
    if order == "records first":
        assert c.pids("Datasets", {"include": [include("techniques", {"pid": T + "020"})]}) == []
        c.ontology(OWN)
    else:
        c.load(records)
    for where in ({"pid": T + "020"}, {"name": "light technique"}, {"name": "house saxs"}, {"pid": "house:saxs"}):
        assert c.pids("Datasets", {"include": [include("techniques", where)]}) == ["a"], where
    assert c.pids("Datasets", {"include": [include("techniques", {"pid": {"neq": T + "020"}})]}) == ["b"]
    (a,) = c.get("Datasets", filter={"include": [include("techniques", {"name": "SAS"})]})
    assert a["techniques"] == [{"pid": "house:saxs", "name": "House SAXS", "panetId": T + "032"}]


def test_a_name_that_comes_later_or_changes_is_taken_over(make):
    c = make([dataset("a", techniques=[{"pid": "house:x", "panetId": "house:class"}])])
    c.load([dataset("b", techniques=[{"pid": "house:class", "name": "Class of the house"}])])
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "class of the house"})]}) == ["a", "b"]
    c.load([dataset("b", techniques=[{"pid": "house:class", "name": "Better name"}])])
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "better name"})]}) == ["a", "b"]
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "class of the house"})]}) == []


def test_without_an_ontology_a_technique_stands_for_itself(make, caplog):
    records = [dataset(str(n), techniques=[{"pid": T + t} for t in tags]) for n, tags in TAGS.items()]
    c = make(records, techniques=Techniques(str(OWN.with_name("there-is-none.csv"))))
    with caplog.at_level(logging.WARNING):
        cli.prepare(c.settings)
    assert "there-is-none.csv cannot be read" in caplog.text
    assert found(c, {"pid": T + "041"}) == [7, 8, 9]
    assert found(c, {"pid": T + "021"}) == []
    assert found(c, {"pid": {"neq": T + "041"}}) == [1, 2, 3, 4, 5, 6, 10, 11, 12, 13]
    status = c.http.get("/").json()["techniques"]
    assert status["ontology"] is None
    assert "stands for itself alone" in status["note"]


@pytest.mark.parametrize("text", ["", "not,a,table\n", "\x00\x01", ",ID,A rdfs:label,SC %\n"])
def test_a_file_that_is_no_table_changes_nothing(make, caplog, tmp_path, text):
    broken = tmp_path / "broken.csv"
    broken.write_text(text)
    c = make([dataset("1", techniques=[{"pid": T + "034"}])], ontology=OWN, techniques=Techniques(str(broken)))
    before = c.http.get("/").json()["techniques"]
    with caplog.at_level(logging.WARNING):
        cli.prepare(c.settings)
    assert "techniques stay as they are" in caplog.text
    assert c.http.get("/").json()["techniques"] == before
    assert found(c, {"pid": T + "020"}) == [1]


def test_an_older_ontology_does_not_know_a_term_which_then_stands_for_itself(make, tmp_path):
    older = tmp_path / "older.csv"
    older.write_text("".join(line for line in OWN.open(encoding="utf-8") if "/T034," not in line[:60]))
    records = [dataset(str(n), techniques=[{"pid": T + t} for t in tags]) for n, tags in TAGS.items()]
    c = make(records, ontology=older)
    assert found(c, {"pid": T + "021"}) == [2, 4]
    assert found(c, {"pid": T + "034"}) == [3, 9]
    first = c.http.get("/").json()["techniques"]["ontology"]
    assert re.fullmatch("sha256:[0-9a-f]{64}", first)
    assert c.ontology(OWN)
    assert found(c, {"pid": T + "021"}) == [2, 3, 4, 9]
    assert c.http.get("/").json()["techniques"]["ontology"] != first
    assert not c.ontology(OWN)


def test_a_changed_ontology_changes_the_datasets_that_are_there(make, tmp_path):
    now = 2_000_000_000
    records = [dataset(str(n), techniques=[{"pid": T + t} for t in tags]) for n, tags in TAGS.items()]
    c = make(
        [*records, dataset("14", techniques=[{"pid": T + "071"}], releaseDate="2033-05-18T03:33:21Z")], ontology=OWN
    )
    c.clock = now
    assert found(c, {"pid": T + "051"}) == [6, 8]
    changed = tmp_path / "changed.csv"
    changed.write_text(
        OWN.read_text(encoding="utf-8")
        .replace("ptychography,,,,owl:Class,imaging,,,,tomography", "ptychography,,,,owl:Class,tomography,,,,")
        .replace("x-ray emission,XES,", "x-ray emission,XFS,")
    )
    assert c.ontology(changed)
    assert found(c, {"pid": T + "051"}) == [6, 8, 11]
    assert found(c, {"name": "XES"}) == []
    assert found(c, {"name": "XFS"}) == [1, 7, 8, 9]
    c.clock = now + 1  # what was embargoed knows its new ancestors too
    assert found(c, {"pid": T + "051"}) == [6, 8, 11, 14]
    c.load([dataset("15", techniques=[{"pid": T + "070"}])])
    assert found(c, {"pid": T + "051"}) == [6, 8, 11, 14, 15]


def test_a_class_that_comes_later_is_taken_over(make):
    c = make([dataset(p, techniques=[{"pid": "house:saxs"}, {"pid": T + "051"}]) for p in "ab"], ontology=OWN)
    scattering = {"include": [include("techniques", {"name": "scattering"})]}
    assert c.pids("Datasets", scattering) == []
    c.load([dataset("b", techniques=[{"pid": "house:saxs", "name": "House SAXS", "panetId": T + "032"}])])
    assert c.pids("Datasets", scattering) == ["a", "b"]  # the term is one of that class wherever it stands
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "imaging"})]}) == ["a"]
    c.load([dataset("b", techniques=[{"pid": "house:saxs", "panetId": T + "041"}])])
    assert c.pids("Datasets", scattering) == []
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "emission"})]}) == ["a", "b"]
    assert c.count("Datasets") == 2


def test_the_ontology_names_its_own_terms(make):
    c = make([dataset("a", techniques=[{"pid": T + "051", "name": "CT"}])], ontology=OWN)
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "tomography"})]}) == ["a"]
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "CT"})]}) == []


def test_a_term_without_a_class_has_no_address_in_the_ontology(make):
    c = make([dataset("a", techniques=[{"pid": "house:x", "name": "X"}])], ontology=OWN)
    assert c.get("Datasets", filter={"include": ["techniques"]})[0]["techniques"] == [{"pid": "house:x", "name": "X"}]


# -- keys are kept between requests, as long as the connection lasts


# SQLite's file stays open until the service is started anew.
@pytest.mark.parametrize("make", ["postgresql"], indirect=True)
def test_a_database_that_was_put_back_has_keys_of_its_own(make):
    c = make([dataset("a", techniques=[{"pid": "t1"}]), dataset("b", techniques=[{"pid": "t2"}])])

    def of_t1():
        return c.pids("Datasets", {"include": [include("techniques", {"pid": "t1"})]})

    assert of_t1() == ["a"]
    with psycopg.connect(c.settings.store, autocommit=True) as db:
        db.execute("UPDATE technique SET pid = CASE pid WHEN 't1' THEN 't2-' ELSE 't1' END")
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert of_t1() == ["b"]
