"""`pan-catalogue check`: ours passes everything; of a provider with a known fault exactly the checks fail that are about it."""

import json
import threading
import time
from collections import Counter

import pytest
import uvicorn
from own_postgresql import free_port
from reference import RECORDS
from served import dataset, document, instrument
from wrong_provider import Provider

from pan_catalogue import cli, conformance
from pan_catalogue.conformance import CHECKS

NAMES = [c.name for c in CHECKS]


def served_at(app):
    """Serve an application in a thread; returns (server, its address)."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    threading.Thread(target=server.run, daemon=True).start()
    for _ in range(500):
        if server.started:
            return server, f"http://127.0.0.1:{port}/api"
        time.sleep(0.01)
    raise AssertionError("not started")


@pytest.fixture
def wrong():
    servers = []

    def one(*faults):
        server, url = served_at(Provider(*faults).app)
        servers.append(server)
        return url

    yield one
    for server in servers:
        server.should_exit = True


def failures(report):
    return {r.name: r.told for r in report.results if r.outcome == "failed"}


# -- ours


def test_ours_passes_everything(make):
    more = [
        dataset(
            f"10.9/m{n}",
            f"More about rust, part {n}",
            documents=["10.5072/article-3"],
            techniques=[{"pid": f"t{n % 2}"}, {"pid": "t2"}],
            parameters=[
                {"name": "temperature", "value": 20 + n, "unit": "celsius"},
                {"name": "energy", "value": 930, "unit": "eV"},
            ],
            files=[{"name": "a.h5"}, {"name": "b.h5"}],
            instrument="i",
        )
        for n in range(6)
    ]
    c = make([*RECORDS, instrument("i"), document("d"), *more])
    report = conformance.run(f"{c.http.base_url}/api/")
    assert failures(report) == {}
    assert [r.name for r in report.results if r.outcome == "not applicable"] == []
    assert report.passed
    assert [r.name for r in report.results] == NAMES


def test_the_reference_fixture_passes(make):
    report = conformance.run(f"{make(RECORDS).http.base_url}/api")
    assert failures(report) == {}
    assert {r.name: r.told for r in report.results if r.outcome == "not applicable"} == {
        "include-children": "none of the datasets it shows has two files",
        "parameter-and": "none of its first 50 datasets has a parameter that is a number in a unit, and another one beside it",
    }


def test_an_empty_catalogue_passes_what_there_is_to_try(make):
    report = conformance.run(f"{make().http.base_url}/api")
    assert failures(report) == {}
    assert Counter(r.outcome for r in report.results) == {"passed": 12, "not applicable": len(NAMES) - 12}
    assert all(r.told for r in report.results if r.outcome == "not applicable")


# -- others

FAULTS = {
    # what a provider does wrong -> the checks that must notice, and no other may
    "no titles": {"lists"},
    "score 0": {"scores", "query"},
    "score 1": {"query"},
    "decoded paths": {"by-pid", "path-case", "files"},
    "upper case only": {"path-case"},
    "unknown pid 500": {"unknown-pid"},
    "stack traces": {"error-shape"},
    "html errors": {"error-shape"},
    "no CORS": {"cors"},
    "bare count": {"count"},
    "counts all": {"count-where", "count-text"},
    "count without text": {"count-text"},
    "overlapping pages": {"pages"},
    "limit before includes": {"limit-after-filter"},
    "bad limit 500": {"bad-limit"},
    "unknown keys ignored": {"unknown-key"},
    "unknown fields find nothing": {"unknown-field"},
    "unknown operators find nothing": {"unknown-operator"},
    "unknown relation 500": {"unknown-relation"},
    "or as and": {"and-or"},
    "text regards case": {"text"},
    "outer includes filter": {"include-outer"},
    "includes filter nothing": {"include-scoped", "include-nested", "technique", "technique-neq", "parameter-range", "parameter-dimension", "parameter-and"},
    "all children": {"include-children"},
    "neq has another": {"technique-neq"},
    "numbers as texts": {"parameter-number"},
    "few operators": {"parameter-operators"},
    "units compared as text": {"parameter-unit"},
    "values not given back": {"parameter-unit"},
    "values rounded": {"parameter-unit"},
    "no files": {"files"},
    "any JSON": {"bad-json"},
    "quotes end texts": {"quotes"},
    "no lists of values": {"equality"},
}  # fmt: skip


def test_a_right_provider_passes(wrong):
    assert failures(conformance.run(wrong())) == {}


def test_the_order_of_a_list_is_a_providers_own(wrong):
    assert failures(conformance.run(wrong("another order with includes"))) == {}


@pytest.mark.parametrize(("fault", "expected"), FAULTS.items(), ids=FAULTS)
def test_a_fault_is_noticed_by_the_checks_about_it(wrong, fault, expected):
    report = conformance.run(wrong(fault))
    assert failures(report).keys() == expected, report.as_text()
    assert not report.passed
    text = report.as_text()
    for name, told in failures(report).items():
        assert f"FAILED  {name} " in text
        assert told
        assert told in text


def test_every_check_has_a_fault_that_it_notices():
    assert set().union(*FAULTS.values()) == set(NAMES)


def test_the_reference_providers_own_faults(wrong):
    """The behaviour of LoopBack 3 with panosc-eu/search-api's mixins, put together."""
    faults = ["score 0", "count without text", "limit before includes", "unknown keys ignored", "unknown fields find nothing", "unknown operators find nothing", "unknown relation 500", "few operators", "units compared as text"]  # fmt: skip
    report = conformance.run(wrong(*faults))
    assert failures(report).keys() == set().union(*(FAULTS[f] for f in faults))


# -- the command


def test_the_command_tells_a_sysadmin(wrong, capsys):
    url = wrong("units compared as text")
    assert cli.main(["check", url]) == 1
    text = capsys.readouterr().out
    assert text.startswith(f"Search API at {url}: 6 Datasets, 1 Documents, 2 Instruments\n")
    (line,) = [n for n, text_line in enumerate(text.splitlines()) if text_line.startswith("FAILED")]
    failed = text.splitlines()[line : line + 4]
    assert failed[0].split(maxsplit=2)[1:] == [
        "parameter-unit",
        "a value is found in another unit, and given back in it",
    ]
    assert failed[1].split(maxsplit=1)[0] == "asked"
    assert '"unit":"keV"' in failed[1]  # as it is written, not percent-encoded
    assert failed[2].split(maxsplit=1) == ["got", "0 datasets, and 901 eV is 0.901 keV"]
    assert failed[3].split(maxsplit=1) == ["source", "query.md, general remarks"]
    assert text.splitlines()[-1].startswith(f"{len(NAMES) - 1} passed, 1 failed, 0 not applicable; ")


def test_the_command_tells_a_program(wrong, capsys):
    assert cli.main(["check", wrong(), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] is True
    assert [r["name"] for r in told["results"]] == NAMES
    assert told["results"][0].keys() == {"name", "says", "source", "outcome", "asked", "told"}


def test_nobody_there(capsys):
    assert cli.main(["check", f"http://127.0.0.1:{free_port()}/api"]) == 2
    assert "does not answer" in capsys.readouterr().err


def test_somebody_else_there(make, capsys):
    c = make()
    assert cli.main(["check", f"{c.http.base_url}/health"]) == 2
    assert "is no search API" in capsys.readouterr().err
