"""The published cases of the reference provider, by HTTP, with what must not come back."""

from collections import Counter
from pathlib import Path

import pytest
from reference import ARTICLE, CASES, KEYS, ONTOLOGY_CASES, PROPOSAL, RECORDS, RECORDS_BY_PID, RUNS
from served import dataset, include, segment

from pan_catalogue import __version__

ONTOLOGY = Path(__file__).with_name("ontology.csv")


@pytest.fixture(scope="module")
def plain(make):
    return make(RECORDS)


@pytest.fixture(scope="module")
def ontology(make):
    return make(RECORDS, ontology=ONTOLOGY)


def values(found, path):
    """Return all values at a dotted path, in order."""
    objects = [found]
    for name in path.split("."):
        objects = [v for o in objects for v in (o if isinstance(o, list) else [o])]
        objects = [o[name] for o in objects]
    return [v for o in objects for v in (o if isinstance(o, list) else [o])]


def tried(c, case):
    found = c.get(case.path, filter=case.filter) if case.filter else c.get(case.path)
    assert [o["pid"] for o in found] == case.pids
    for o in found:
        assert o.keys() >= KEYS[case.path]
        assert 0 < o["score"] < 1
    for path, expected in case.values.items():
        assert values(found, path) == expected, path
    for nothing in case.nothing:
        assert c.get(case.path, filter=nothing) == [], nothing


def test_there_are_as_many_cases_as_were_published():
    about = Counter(c.path for c in CASES) + Counter(path for path, _ in RECORDS_BY_PID)
    assert about == {"Datasets": 7, "Documents": 7, "Instruments": 4}
    assert len(ONTOLOGY_CASES) == 3
    assert all(c.nothing for c in CASES + ONTOLOGY_CASES if "where" in str(c.filter))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_case(plain, case):
    tried(plain, case)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_an_ontology_only_adds_to_what_is_found(ontology, case):
    assert ontology.pids(case.path, case.filter) == case.pids


@pytest.mark.parametrize("case", ONTOLOGY_CASES, ids=lambda c: c.name)
def test_case_with_an_ontology(ontology, case):
    tried(ontology, case)


@pytest.mark.parametrize(("path", "pid"), RECORDS_BY_PID)
def test_one_record_by_its_pid(plain, path, pid):
    found = plain.get(f"{path}/{segment(pid)}")
    assert found["pid"] == pid
    assert found.keys() >= KEYS[path] - {"score"}
    assert "score" not in found  # nothing was compared
    (listed,) = plain.get(path, filter={"where": {"pid": pid}})
    listed.pop("score")
    assert listed == found


@pytest.mark.parametrize(("path", "pid"), RECORDS_BY_PID)
def test_a_pid_nobody_has_is_not_found(plain, path, pid):
    for other in (pid + "0", pid[:-1], pid.upper(), pid.replace("/", " "), pid + "%", ""):
        if other:
            assert "Unknown" in plain.refused(f"{path}/{segment(other)}", 404)


# -- how a record is asked for: names of paths in any case, the pid as one segment or as it is written


@pytest.mark.parametrize("path", ["Datasets", "datasets", "DATASETS", "dAtAsEtS"])
def test_paths_disregard_case(plain, path):
    pid = segment(RUNS[1])
    assert plain.pids(path) == list(RUNS.values())
    assert plain.get(f"{path}/count") == plain.get(f"{path}/COUNT") == {"count": 4}
    assert plain.get(f"{path}/{pid}")["title"] == "First run"
    assert [f["name"] for f in plain.get(f"{path}/{pid}/files")] == ["shot1-detector.h5"]
    assert plain.get(f"{path}/{pid}/Files/Count") == {"count": 1}


@pytest.mark.parametrize("written", [RUNS[1], segment(RUNS[1]), segment(RUNS[1]).lower(), "%32" + segment(RUNS[1])[1:]])
def test_ways_to_write_a_pid(plain, written):
    assert plain.get(f"Datasets/{written}")["pid"] == RUNS[1]
    assert len(plain.get(f"Datasets/{written}/files")) == 1
    assert plain.get(f"Datasets/{written}/files/count") == {"count": 1}


@pytest.mark.parametrize(
    "pid", ["a/files", "files", "count", "a/files/count", "ä ö/ü", "a%2Fb", "a?b#c", "a+b", "..", "a//b"]
)
def test_pids_that_look_like_something_else(make, pid):
    c = make([dataset(pid, files=[{"name": "f"}]), dataset("a", files=[{"name": "g"}, {"name": "h"}])])
    assert c.pids("Datasets", {"where": {"pid": pid}}) == [pid]
    encoded = segment(pid).replace(".", "%2E")  # a client resolves `..` before it asks
    if pid != "count":  # which is the call of that name
        assert c.get(f"Datasets/{encoded}")["pid"] == pid
    assert [f["name"] for f in c.get(f"Datasets/{encoded}/files")] == ["f"]
    assert c.get(f"Datasets/{encoded}/files/count") == {"count": 1}
    assert [f["name"] for f in c.get("Datasets/a/files")] == ["g", "h"]


def test_files_take_a_filter(plain):
    files = f"Datasets/{segment(RUNS[1])}/files"
    assert plain.get(files, filter={"where": {"text": "SHOT1"}}) == plain.get(files)
    assert plain.get(files, filter={"where": {"text": "shot2"}}) == []
    assert plain.get(f"{files}/count", where={"text": "shot2"}) == {"count": 0}
    assert plain.get(files, filter={"fields": ["name"]}) == [{"name": "shot1-detector.h5"}]
    for run in RUNS.values():
        found = plain.get(f"Datasets/{segment(run)}/files", filter={"include": ["dataset"]})
        assert [f["dataset"]["pid"] for f in found] == [run]
    for call in (files, f"{files}/count"):
        unknown = call.replace("run-1", "run-9")
        assert plain.refused(unknown, 404) == f"Unknown Dataset '{RUNS[1][:-1]}9'"


def test_relations_in_both_directions(plain):
    (found,) = plain.get(
        "Documents",
        filter={
            "where": {"pid": ARTICLE},
            "include": [include("datasets", None, "documents", "document", "instrument")],
        },
    )
    assert [d["instrument"]["name"] for d in found["datasets"]] == ["Heron", "Kite"]
    assert [[o["pid"] for o in d["documents"]] for d in found["datasets"]] == [[ARTICLE]] * 2
    assert [d["document"]["pid"] for d in found["datasets"]] == [ARTICLE] * 2
    (found,) = plain.get(
        "Documents",
        filter={
            "include": [include("members", {"role": "owner"}, "document", "affiliation")],
            "where": {"pid": PROPOSAL},
        },
    )
    assert [(m["document"]["pid"], m["affiliation"]["city"]) for m in found["members"]] == [(PROPOSAL, "Ystad")]


# -- the answers around it


def test_answers_are_json_and_any_page_may_read_them(plain):
    answers = [
        plain.http.get("/api/Datasets", headers={"Origin": "https://portal.example.org"}),
        plain.http.get("/api/Datasets/none", headers={"Origin": "https://portal.example.org"}),
        plain.http.get("/api/Datasets?filter=x", headers={"Origin": "https://portal.example.org"}),
    ]
    assert [a.status_code for a in answers] == [200, 404, 400]
    for a in answers:
        assert a.headers["content-type"] == "application/json"
        assert a.headers["access-control-allow-origin"] == "*"
        assert len(a.headers["x-request-id"]) == 16
    asked = {"Origin": "https://portal.example.org", "Access-Control-Request-Method": "GET"}
    assert plain.http.options("/api/Datasets", headers=asked).status_code == 200
    refused = plain.http.options("/records", headers={**asked, "Access-Control-Request-Method": "POST"})
    assert refused.status_code == 400  # no page of others writes records


def test_status_health_metrics_and_description(plain):
    status = plain.http.get("/").json()
    assert status["service"] == "pan-catalogue"
    assert status["version"] == __version__
    assert status["public"] == {"datasets": 4, "documents": 2, "instruments": 15}
    assert plain.http.get("/health").json() == {"status": "ok"}
    assert 'catalogue_request_seconds_count{call="other",status="200"}' in plain.http.get("/metrics").text
    paths = plain.http.get("/api/openapi.json").json()["paths"]
    assert {
        "/Datasets",
        "/Datasets/count",
        "/Datasets/{pid}",
        "/Datasets/{pid}/files",
        "/Datasets/{pid}/files/count",
    } <= paths.keys()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404), ("GET", "/api/Samples", 404), ("GET", "/api/", 404), ("GET", "/api/Dataset", 404), ("GET", "/records", 405),
        ("POST", "/api/Datasets", 405), ("PUT", "/api/Datasets/a", 405), ("DELETE", "/api/Datasets/a", 405), ("PATCH", "/", 405),
    ],
)  # fmt: skip
def test_paths_and_methods_that_are_none(plain, method, path, status):
    found = plain.http.request(method, path)
    assert found.status_code == status
    assert found.json()["error"].keys() == {"statusCode", "name", "message", "code"}
