"""The catalogue of the running demo as the world sees it: through the proxy.

CATALOGUE_TEST_SEED repeats a run; CATALOGUE_TEST_FUZZ is the number of hostile filters.
"""

import json
import os
import random
import time
from urllib.parse import quote

import pytest
from hostile_filters import HIDDEN, Fuzz

SEED = int(os.environ.get("CATALOGUE_TEST_SEED") or random.SystemRandom().randrange(10**6))
FILTERS = int(os.environ.get("CATALOGUE_TEST_FUZZ") or 10_000)
LATE = 2.0  # seconds


def ask(site, path, **parameters):
    """An answer; a client that is told to wait by the proxy's rate limit waits."""
    query = {k: v if isinstance(v, str) else json.dumps(v) for k, v in parameters.items()}
    for _ in range(60):
        answer = site.http.get(
            f"{site.data}{path}", params=query, headers={"Origin": "https://portal.example"}, timeout=30
        )
        if answer.status_code != 429:
            return answer
        time.sleep(1)
    raise AssertionError("the proxy's rate limit did not let go for a minute")


@pytest.fixture(scope="module")
def hidden(site):
    """Records under embargo and private ones, with a word that stands nowhere else; withdrawn afterwards."""
    pan = {
        "kind": "dataset",
        "creationDate": "2020-01-01",
        "files": [{"name": f"{HIDDEN}.h5"}],
        "documents": ["10.5072/document-0"],
        "instrument": "instrument-1",
    }
    records = [
        {"titles": [{"title": f"{HIDDEN} crystal"}], "pan": {**pan, "pid": f"{HIDDEN}/private", "isPublic": False}},
        {
            "titles": [{"title": f"{HIDDEN} polymer"}],
            "pan": {**pan, "pid": f"{HIDDEN}/embargoed", "isPublic": True, "releaseDate": "2100-01-01"},
        },
    ]
    assert site.push("\n".join(map(json.dumps, records)).encode())["rejected"] == []
    yield
    for record in records:
        gone = site.http.delete(
            f"{site.data}/records/Datasets/{quote(record['pan']['pid'], safe='')}",
            headers={"Authorization": f"Bearer {site.push_token}"},
            timeout=30,
        )
        assert gone.status_code == 200, gone.text


def test_anybody_can_search(site):
    counted = ask(site, "/api/Datasets/count").json()["count"]
    assert 1600 < counted < 2000  # of 2,000, some are private or under embargo
    page = ask(site, "/api/Datasets", filter={"limit": 5, "include": ["parameters", "techniques", "instrument"]})
    assert [len(page.json()), page.headers["access-control-allow-origin"]] == [5, "*"]
    assert all(0 < d["score"] < 1 and len(d["parameters"]) == 4 and d["techniques"] for d in page.json())


@pytest.mark.parametrize("base", ["/api/Datasets", "/api/datasets"])
def test_a_slash_in_an_identifier_passes_the_proxy(site, base):
    pid = ask(site, "/api/Datasets", filter={"limit": 1, "include": ["files"]}).json()[0]
    item = f"{base}/{quote(pid['pid'], safe='')}"
    assert "%2F" in item
    assert ask(site, item).json()["pid"] == pid["pid"]
    assert len(ask(site, f"{item}/files").json()) == len(pid["files"])
    assert ask(site, f"{item}/files/count").json() == {"count": len(pid["files"])}


def test_a_technique_stands_for_its_descendants(site):
    root = {"relation": "techniques", "scope": {"where": {"name": "technique 1"}}}
    found = ask(site, "/api/Datasets/count", filter={"include": [root]}).json()["count"]
    exact = ask(site, "/api/Datasets", filter={"include": ["techniques"]}).json()
    assert found > sum(any(t["name"] == "technique 1" for t in d["techniques"]) for d in exact) > 0


def test_records_are_taken_from_those_only_who_have_a_token(site):
    refused = site.http.post(f"{site.data}/records", data=b"{}", timeout=30)
    assert refused.status_code == 401
    assert (
        site.http.post(
            f"{site.data}/records", data=b"{}", headers={"Authorization": "Bearer guessed"}, timeout=30
        ).status_code
        == 401
    )


@pytest.mark.parametrize(
    "path", ["/records", "/metrics", "/api/../metrics", "/api/%2e%2e/metrics", "//metrics", "/METRICS"]
)
def test_the_world_neither_writes_nor_measures(site, path):
    """Asked from a host that is not among the administrators' networks."""
    (host,) = site.hosts("umbrella")
    (proxy,) = site.hosts("proxy")
    address = site.addresses[proxy]
    status = site.run(
        host,
        "curl",
        "-sk",
        "--path-as-is",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--resolve",
        f"data.facility.test:443:{address}",
        f"{site.data}{path}",
    )
    assert status in {"400", "403", "404"}


def test_hostile_filters_through_the_proxy(site, hidden):
    """No 500, no late answer, no row that the rule hides."""
    fuzz = Fuzz(SEED)
    answers = {}
    for _ in range(FILTERS):
        path, parameters = fuzz.request()
        told = f"CATALOGUE_TEST_SEED={SEED} {path} {str(parameters)[:1000]}"
        for _ in range(3):  # what is late because of the machine is not late again and again
            answer = ask(site, f"/api/{path}", **parameters)
            if answer.elapsed.total_seconds() < LATE:
                break
        assert answer.status_code in {200, 400, 413, 414}, f"{answer.status_code} {told}"
        assert answer.elapsed.total_seconds() < LATE, told
        if answer.status_code == 200:
            assert HIDDEN not in answer.text, told
        answers[answer.status_code] = answers.get(answer.status_code, 0) + 1
    print(answers)
    time.sleep(11)  # the proxy counts the requests of ten seconds: who comes next is not to wait for this
    assert min(answers[200], answers[400]) > FILTERS / 20
