"""Records in: twice is once, a bad one is told and the rest goes in, by file, by HTTP and from NeXus (check 28)."""

import gzip
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from served import TOKEN, dataset, document, include, instrument, segment

from pan_catalogue import cli, ingest
from pan_catalogue.records import datacite
from pan_catalogue.settings import Limits, Push
from pan_catalogue.sql.fragment import Sql
from pan_catalogue.store.schema import TABLES

BEARER = {"Authorization": f"Bearer {TOKEN}"}
TABLE_NAMES = [line.split()[2] for line in TABLES.splitlines() if line.startswith("CREATE TABLE")]
MEMBER = {"role": "owner", "person": {"fullName": "Mira Holm", "orcid": "https://orcid.org/0000-0001"}, "affiliation": {"name": "Home"}}  # fmt: skip
RECORDS = [
    instrument("i1", "Line one"),
    document("d1", "A proposal", "On copper", ["copper", "rust"], members=[MEMBER], parameters=[{"name": "e", "value": 1, "unit": "keV"}]),
    dataset("a", "First", instrument="i1", documents=["d1"], techniques=[{"pid": "t1", "name": "T one"}], samples=[{"pid": "s1", "name": "rod"}], parameters=[{"name": "e", "value": 5, "unit": "keV"}, {"name": "state", "value": "solid"}], files=[{"name": "f1"}, {"name": "f2", "size": 5}], size=9),
    dataset("b", "Second", instrument="i1", documents=["d1"], techniques=[{"pid": "t1", "name": "T one"}]),
]  # fmt: skip


def rows(c):
    """Return how many rows each table has."""
    return {t: c.writer.rows(Sql(f"SELECT count(*) FROM {t}"))[0][0] for t in TABLE_NAMES}


def answers(c):
    """Return all there is."""
    everything = {
        "Datasets": ["documents", "techniques", "instrument", "files", "parameters", "samples"],
        "Documents": ["datasets", include("members", None, "person", "affiliation"), "parameters"],
        "Instruments": ["datasets"],
    }
    return {p: c.get(p, filter={"include": i}) for p, i in everything.items()} | {
        "scored": c.get("Datasets", filter={"query": "first second"})
    }


def lines(*records):
    return b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records)


@pytest.fixture
def c(make):
    served = make(RECORDS)
    yield served
    served.stop()


# -- twice is once


def test_the_same_again_changes_nothing(c):
    before = rows(c), answers(c)
    again = c.load(RECORDS)
    assert (again.taken, again.unchanged, again.rejected) == (0, 4, [])
    assert (rows(c), answers(c)) == before


def test_the_same_content_written_otherwise_changes_no_answer(c):
    """Another order of keys is another digest: the records are taken in again, and everything is as before but for internal numbers."""
    before = rows(c), answers(c)
    again = c.load([{**dict(reversed(r.items())), "pan": dict(reversed(r["pan"].items()))} for r in RECORDS])
    assert (again.taken, again.unchanged) == (4, 0)
    counters = {"counter"}
    after = rows(c)
    assert {t: n for t, n in after.items() if t not in counters} == {t: n for t, n in before[0].items() if t not in counters}  # fmt: skip
    assert json.loads(json.dumps(answers(c)), object_hook=without_id) == json.loads(json.dumps(before[1]), object_hook=without_id)  # fmt: skip


def without_id(o):
    return {k: v for k, v in o.items() if k != "id"}


def test_a_changed_record_replaces_the_old_one(c):
    c.load([dataset("a", "Changed", techniques=[{"pid": "t2", "name": "T two"}])])
    (a,) = c.get("Datasets", filter={"where": {"pid": "a"}, "include": ["techniques", "files", "parameters", "samples", "documents", "instrument"]})  # fmt: skip
    assert (a["title"], [t["pid"] for t in a["techniques"]]) == ("Changed", ["t2"])
    assert a["files"] == a["parameters"] == a["samples"] == a["documents"] == []
    assert "size" not in a
    assert "instrument" not in a
    assert c.pids("Datasets") == ["a", "b"]  # in its old place
    assert c.pids("Datasets", {"include": [include("techniques", {"pid": "t1"})]}) == ["b"]
    assert c.pids("Datasets", {"where": {"text": "first"}}) == []
    assert c.pids("Datasets", {"query": "first"}) == []
    assert c.count("Datasets") == 2


def test_of_a_record_given_twice_the_last_counts(c):
    result = c.load([dataset("n", "One"), dataset("n", "Two"), dataset("n", "Three")])
    assert (result.taken, result.rejected) == (3, [])
    assert c.get("Datasets/n")["title"] == "Three"
    assert c.count("Datasets") == 3


# -- a bad one is told, the rest goes in

BAD = [
    # line -> what is said of it
    (b"{", "Input data was truncated"),
    (b"[1]", "Expected `object`"),
    (b"5", "Expected `object`"),
    (b"\xff\xfe", "invalid"),
    (b'{"a":' * 3000, "nested too deep"),
    (lines({"titles": [{"title": "x"}]}), "required field `pan`"),
    (lines({"titles": [], "pan": {"pid": "x", "isPublic": True}}), "has no title"),
    (lines({"titles": [{"title": ""}], "pan": {"pid": "x", "isPublic": True}}), "$.titles[0].title"),
    (lines({"titles": [{"title": "x"}], "pan": {"isPublic": True, "kind": "document"}}), "has no identifier"),
    (lines({"titles": [{"title": "x"}], "pan": {"kind": "dataset", "pid": "x", "creationDate": "2020"}}), "pan.isPublic is missing"),
    (lines({"titles": [{"title": "x"}], "pan": {"kind": "dataset", "pid": "x", "isPublic": True}}), "has no creation date"),
    (lines(dataset("x", creationDate="soon")), "'soon' is not a date"),
    (lines(dataset("x", releaseDate="2020-02-30")), "'2020-02-30' is not a date"),
    (lines(dataset("x", isPublic="yes")), "Expected `bool | null`, got `str` - at `$.pan.isPublic`"),
    (lines(dataset("x", isPublik=True)), "unknown field `isPublik`"),
    (lines(dataset("x", size=-1)), "$.pan.size"),
    (lines(dataset("x", size=2**63)), "$.pan.size"),
    (lines(dataset("x", size=1.5)), "$.pan.size"),
    (lines(dataset("")), "$.pan.pid"),
    (lines(dataset("x", kind="proposal")), "$.pan.kind"),
    (lines(dataset("x", parameters=[{"name": "e"}])), "required field `value` - at `$.pan.parameters[0]`"),
    (lines(dataset("x", parameters=[{"name": "e", "value": None}])), "$.pan.parameters[0].value"),
    (lines(dataset("x", parameters=[{"name": "e", "value": [1]}])), "$.pan.parameters[0].value"),
    (lines(dataset("x", parameters=[{"name": "e", "value": float("nan")}])), "malformed"),
    (lines(dataset("x", parameters=[{"name": "e", "value": float("inf")}])), "malformed"),
    (b'{"titles":[{"title":"x"}],"pan":{"kind":"dataset","pid":"x","isPublic":true,"creationDate":"2020","parameters":[{"name":"e","value":1e999}]}}', "out of range"),
    (lines(dataset("x", techniques=[{"name": "t"}])), "required field `pid` - at `$.pan.techniques[0]`"),
    (lines(dataset("x", files=[{"path": "f"}])), "required field `name` - at `$.pan.files[0]`"),
    (lines(dataset("x", "a\0b")), "NUL"),
    (lines(document("x", members=[{"person": {}}])), "required field `fullName`"),
    (lines(document("x", type="thesis")), "$.pan.type"),
    (lines({"titles": [{"title": "x"}], "pan": {"kind": "instrument", "pid": "x"}}), "needs pan.facility"),
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(BAD)), ids=lambda n: BAD[n][1])
def test_a_bad_record_is_told_and_the_rest_goes_in(c, n):
    line, why = BAD[n]
    response = c.http.post("/records", content=lines(dataset("n1"), b"", line, b"  ", dataset("n2")), headers=BEARER)
    assert response.status_code == 422
    told = response.json()
    assert (told["taken"], told["unchanged"]) == (2, 0)
    ((where, reason),) = [(r["where"], r["why"]) for r in told["rejected"]]
    assert where == "line 3"
    assert why in reason
    assert c.pids("Datasets", {"where": {"pid": {"like": "n"}}}) == ["n1", "n2"]
    assert c.answer("Datasets/x").status_code == c.answer("Documents/x").status_code == 404


def test_a_file_with_bad_lines(c, tmp_path):
    for path, opened in ((tmp_path / "r.jsonl", open), (tmp_path / "r.jsonl.gz", gzip.open)):
        with opened(path, "wb") as f:
            f.write(
                b"\n".join([lines(dataset(f"x{path.suffix}")), b"oops", lines(dataset("y", creationDate="z")), b""])
            )
        result = ingest.take(c.catalogue, ingest.lines_of(path))
        assert (result.taken, len(result.rejected)) == (1, 2)
        assert [e.where for e in result.rejected] == [f"{path}:2", f"{path}:3"]


# -- by HTTP


def test_push_takes_lines_and_arrays(c):
    one = c.http.post("/records", content=lines(dataset("n1"), dataset("n2")), headers=BEARER)
    assert (one.status_code, one.json()) == (200, {"taken": 2, "unchanged": 0, "rejected": []})
    array = c.http.post("/records", content=json.dumps([dataset("n2"), dataset("n3")]), headers=BEARER)
    assert array.status_code == 200
    assert array.json()["taken"] + array.json()["unchanged"] == 2
    assert c.pids("Datasets", {"where": {"pid": {"like": "n"}}}) == ["n1", "n2", "n3"]
    empty = c.http.post("/records", content=b"", headers=BEARER)
    assert (empty.status_code, empty.json()["taken"]) == (200, 0)
    bad = c.http.post("/records", content=json.dumps([dataset("n4"), {}]), headers=BEARER)
    assert (bad.status_code, bad.json()["rejected"][0]["where"]) == (422, "item 2")
    no_array = c.http.post("/records", content=b"[{}, oops", headers=BEARER)
    assert no_array.status_code == 400
    assert no_array.json()["error"]["message"].startswith("body: ")


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": TOKEN}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Bearer {TOKEN.upper()}"}])  # fmt: skip
def test_push_without_a_known_token(c, headers):
    before = rows(c)
    for response in (
        c.http.post("/records", content=lines(dataset("n")), headers=headers),
        c.http.delete("/records/Datasets/a", headers=headers),
        c.http.delete("/records/Datasets/nobody", headers=headers),
    ):
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "AUTHORIZATION_REQUIRED"
        assert TOKEN not in response.text
    assert rows(c) == before


def test_nobody_pushes_where_there_are_no_tokens(make):
    c = make(RECORDS, push=Push())
    assert c.http.post("/records", content=lines(dataset("n")), headers=BEARER).status_code == 401
    assert c.count("Datasets") == 2


def test_a_body_that_is_too_long(make):
    c = make(RECORDS, limits=Limits(body_mb=1))
    long = [dataset(f"n{n}", files=[{"name": "x" * 2000}]) for n in range(600)]
    response = c.http.post("/records", content=lines(*long), headers=BEARER)
    assert response.status_code == 413
    assert response.json()["error"]["message"] == "body: more than 1 MB; send the records in several bodies"
    assert c.count("Datasets") == 2
    assert c.http.post("/records", content=lines(*long[:300]), headers=BEARER).status_code == 200


def test_delete(c):
    before = answers(c)
    response = c.http.delete("/records/Datasets/a", headers=BEARER)
    assert (response.status_code, response.json()) == (200, {"withdrawn": 1})
    assert c.pids("Datasets") == ["b"]
    assert c.count("Datasets") == 1
    assert c.answer("Datasets/a").status_code == c.answer("Datasets/a/files").status_code == 404
    assert [d["pid"] for d in c.get("Documents", filter={"include": ["datasets"]})[0]["datasets"]] == ["b"]
    assert c.pids("Datasets", {"query": "first"}) == []
    for again in ("Datasets/a", "Datasets/nobody", "Samples/s1", "Datasets/", "", "Datasets/%ff"):
        assert c.http.delete(f"/records/{again}", headers=BEARER).status_code in {400, 404, 405}, again
    c.load(RECORDS)
    assert json.loads(json.dumps(answers(c)), object_hook=without_id) == json.loads(json.dumps(before), object_hook=without_id)  # fmt: skip


@pytest.mark.parametrize(("path", "pid"), [("Datasets", "10.1/a b"), ("documents", "10.1/d"), ("INSTRUMENTS", "http://i/1")])  # fmt: skip
def test_delete_takes_any_pid(make, path, pid):
    c = make([dataset("10.1/a b"), document("10.1/d"), instrument("http://i/1")])
    assert c.http.delete(f"/records/{path}/{segment(pid)}", headers=BEARER).status_code == 200
    assert c.count(path) == 0


# -- what a record may say


def test_datacite_alone_is_enough(make):
    """A record as DataCite has it, with the public flag and nothing else of ours."""
    record = {
        "doi": "10.5072/abc",
        "titles": [{"title": "Corrosion"}, {"title": "Another", "titleType": "Subtitle"}],
        "creators": [{"name": "Holm, Mira", "nameIdentifiers": [{"nameIdentifier": "https://orcid.org/0000-0001", "nameIdentifierScheme": "ORCID"}], "affiliation": ["Home"]}],
        "contributors": [{"name": "Reyes, Tomas", "contributorType": "DataCollector", "affiliation": [{"name": "Away", "affiliationIdentifier": "https://ror.org/1"}]}],
        "publisher": {"name": "Demo"},
        "publicationYear": 2024,
        "dates": [{"date": "2024-02", "dateType": "Available"}, {"date": "2020-05-05/2020-05-07", "dateType": "Collected"}],
        "subjects": [{"subject": "rust"}, {"subject": "imaging", "subjectScheme": "PaNET", "valueUri": "http://purl.org/pan-science/PaNET/PaNET01106"}],
        "descriptions": [{"description": "How copper ages", "descriptionType": "Abstract"}],
        "rightsList": [{"rightsIdentifier": "CC-BY-4.0"}],
        "language": "en",
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "pan": {"isPublic": True},
    }  # fmt: skip
    c = make([{**record, "types": {"resourceTypeGeneral": "Text"}}])
    (d,) = c.get("Documents", filter={"include": [include("members", None, "person", "affiliation")]})
    assert {k: d[k] for k in ("pid", "doi", "type", "title", "summary", "license", "keywords", "releaseDate")} == {
        "pid": "10.5072/abc", "doi": "10.5072/abc", "type": "publication", "title": "Corrosion", "summary": "How copper ages", "license": "CC-BY-4.0", "keywords": ["rust"],
        "releaseDate": "2024-02-01T00:00:00.000Z",
    }  # fmt: skip
    assert [(m["role"], m["person"]["fullName"], m["person"].get("orcid"), m["affiliation"]["name"]) for m in d["members"]] == [("creator", "Mira Holm", "0000-0001", "Home"), ("DataCollector", "Tomas Reyes", None, "Away")]  # fmt: skip
    c = make([{**record, "types": {"resourceTypeGeneral": "Dataset"}}])
    (d,) = c.get("Datasets", filter={"include": ["techniques"]})
    assert (d["pid"], d["creationDate"]) == ("10.5072/abc", "2020-05-05T00:00:00.000Z")
    assert d["techniques"] == [{"pid": "http://purl.org/pan-science/PaNET/PaNET01106", "name": "imaging", "panetId": "http://purl.org/pan-science/PaNET/PaNET01106"}]  # fmt: skip


def test_the_schema_names_what_is_read(capsys):
    assert cli.main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    pan = schema["$defs"]["Pan"]
    assert pan["additionalProperties"] is False
    assert {"isPublic", "releaseDate", "parameters", "techniques", "samples", "files", "members"} <= pan[
        "properties"
    ].keys()
    assert schema == json.loads(json.dumps(datacite.schema()))


# -- the command line, and NeXus


def nexus(path, **said):
    """Write a NeXus file; keys are paths below the entry, with `/` as `__`; a value may be (value, unit)."""
    with h5py.File(path, "w") as f:
        entry = f.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        for name, value in said.items():
            data, unit = value if isinstance(value, tuple) else (value, None)
            made = entry.create_dataset(name.replace("__", "/"), data=data)
            if unit is not None:
                made.attrs["units"] = unit
    return path


@pytest.fixture
def command(make, tmp_path, capsys, monkeypatch):
    """Runs the command on a catalogue of its own: command(*arguments) -> (exit code, output, errors)."""
    # In this process, which goes on with other tests.
    monkeypatch.setattr(cli.os, "nice", lambda more: run.nice.append(more) or 0)
    c = make()
    config = tmp_path / "catalogue.toml"
    config.write_text(f'store = "{c.settings.store}"\n')

    def run(*arguments):
        code = cli.main(["--config", str(config), *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out, told.err

    run.catalogue, run.nice = c, []
    yield run
    c.stop()


def test_ingest_by_command(command, tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(lines(*RECORDS[:2]))
    (folder / "deep" / "b.jsonl.gz").write_bytes(gzip.compress(lines(*RECORDS[2:], b"oops")))
    (folder / "notes.txt").write_text("not a record")
    code, out, err = command("ingest", folder)
    assert code == 1
    assert out.startswith("4 taken in, 0 unchanged, 1 rejected")
    assert command.nice == [0, cli.NICE]  # it asks how nice it is, and gives way
    assert f"rejected  {folder / 'deep' / 'b.jsonl.gz'}:3: " in err
    c = command.catalogue
    assert (c.count("Datasets"), c.count("Documents"), c.count("Instruments")) == (2, 1, 1)
    (folder / "deep" / "b.jsonl.gz").write_bytes(gzip.compress(lines(*RECORDS[2:])))
    code, out, _ = command("ingest", folder)
    assert (code, out[:37]) == (0, "0 taken in, 4 unchanged, 0 rejected, ")
    code, out, _ = command("status", "--json")
    assert (code, json.loads(out)["public"]) == (0, {"datasets": 2, "documents": 1, "instruments": 1})
    code, out, _ = command("status")
    assert (code, "datasets             2 public" in out) == (0, True)
    code, _, err = command("ingest", tmp_path / "none.jsonl")
    assert (code, err) == (2, f"pan-catalogue: {tmp_path / 'none.jsonl'} does not exist\n")


@pytest.mark.parametrize("damage", [b"\x1f\x8b\x08\x00broken", gzip.compress(lines(*RECORDS))[:-20], b"plain text"])
def test_a_damaged_archive_is_told_and_the_rest_goes_in(command, tmp_path, damage):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl.gz").write_bytes(damage)
    (folder / "b.jsonl").write_bytes(lines(dataset("good")))
    code, _, err = command("ingest", folder)
    assert code == 1
    assert f"rejected  {folder / 'a.jsonl.gz'}" in err
    assert "good" in command.catalogue.pids("Datasets")


def test_nexus_by_command(command, tmp_path):
    folder = tmp_path / "nexus"
    folder.mkdir()
    defaults = tmp_path / "defaults.json"
    defaults.write_text(json.dumps({"pan": {"isPublic": True, "instrument": "i-default", "documents": ["d-default"]}}))
    good = nexus(
        folder / "a-good.nxs",
        title=b"Copper at 5 keV",
        entry_identifier=b"10.1/run-1",
        experiment_identifier=b"10.1/proposal",
        start_time=b"2024-03-01T10:00:00+01:00",
        instrument__name="Line one",
        instrument__monochromator__energy=(5.0, "keV"),
        sample__name=np.bytes_("copper rod"),
        sample__temperature=(np.array([292.15, 294.15, np.nan]), b"K"),
        sample__chemical_formula="Cu",
        sample__pressure=(np.float32(1.5), np.bytes_("bar")),
    )
    (folder / "b-broken.nxs").write_bytes(b"this is no HDF5 file")
    (folder / "c-empty.h5").write_bytes(b"")
    nexus(
        folder / "d-odd.hdf5",
        title=np.array([b"Odd \xff title"]),
        start_time=b"yesterday",
        sample__temperature=np.nan,
        sample__pressure=np.array([]),
        sample__mass=np.array([[1, 3]]),
        sample__magnetic_field=(2 + 0j, "T"),
        sample__chemical_formula=b"",
        duration=(np.inf, "s"),
        instrument__source__current=(200, ""),
        instrument__source__energy=(True, "GeV"),
        instrument__name=5,
    )
    with h5py.File(folder / "e-none.h5", "w") as f:
        f.create_dataset("data", data=[1, 2, 3])
    with h5py.File(folder / "f-cut.nxs", "w") as f:
        f.create_dataset("data", data=np.zeros(100_000))
    whole = (folder / "f-cut.nxs").read_bytes()
    (folder / "f-cut.nxs").write_bytes(whole[: len(whole) // 2])
    code, out, err = command("ingest", "--defaults", defaults, folder)
    assert code == 1
    assert out.startswith("2 taken in, 0 unchanged, 4 rejected"), err
    for name in ("b-broken.nxs", "c-empty.h5", "e-none.h5", "f-cut.nxs"):
        (told,) = [line for line in err.splitlines() if line.startswith("rejected") and name in line]
        assert len(told.split(name, 1)[1]) > 10  # and why
    c = command.catalogue
    assert "10.1/run-1" in c.pids("Datasets")
    found = c.get(f"Datasets/{segment('10.1/run-1')}", filter={"include": ["parameters", "samples", "files"]})
    assert (found["title"], found["creationDate"]) == ("Copper at 5 keV", "2024-03-01T09:00:00.000Z")
    assert found["size"] == good.stat().st_size
    assert [(p["name"], p["value"], p.get("unit")) for p in found["parameters"]] == [
        ("incident_photon_energy", 5, "keV"),
        ("sample_temperature", 293.15, "K"),
        ("sample_pressure", 1.5, "bar"),
        ("sample_chemical_formula", "Cu", None),
    ]
    assert [s["name"] for s in found["samples"]] == ["copper rod"]
    assert [f["name"] for f in found["files"]] == ["a-good.nxs"]
    (odd,) = c.get("Datasets", filter={"where": {"title": {"like": "Odd"}}, "include": ["parameters"]})
    assert [(p["name"], p["value"], p.get("unit")) for p in odd["parameters"]] == [
        ("source_current", 200, None),
        ("sample_mass", 2, None),
    ]
    code, out, _ = command("ingest", "--defaults", defaults, folder)
    assert out.startswith("0 taken in, 2 unchanged, 4 rejected")
    # what the file says comes before what the defaults say
    c.load([document("10.1/proposal"), document("d-default"), instrument("Line one", "Line one")])
    assert [d["pid"] for d in c.get(f"Datasets/{segment('10.1/run-1')}", filter={"include": ["documents"]})["documents"]] == ["10.1/proposal"]  # fmt: skip
    assert c.pids("Datasets", {"include": [include("documents", {"pid": "d-default"})]}) == [odd["pid"]]


def test_nexus_without_defaults_is_not_public_by_being_left_out(command, tmp_path):
    code, out, err = command("ingest", nexus(tmp_path / "a.nxs", title=b"x"))
    assert (code, out[:12]) == (1, "0 taken in, ")
    assert "pan.isPublic is missing" in err


@pytest.mark.parametrize("text", ["", "[]", "5", '{"pan": 5}', "{'a': 1}"])
def test_defaults_that_are_none(command, tmp_path, text):
    defaults = tmp_path / "defaults.json"
    defaults.write_text(text)
    code, _, err = command("ingest", "--defaults", defaults, nexus(tmp_path / "a.nxs", title=b"x"))
    assert code == 2
    assert err.startswith(f"pan-catalogue: {defaults}: ")
    code, _, err = command("ingest", "--defaults", tmp_path / "none.json", tmp_path / "a.nxs")
    assert (code, "none.json" in err) == (2, True)


def test_a_file_says_where_the_first_line_of_each_record_stands(tmp_path):
    path = Path(tmp_path / "r.jsonl")
    path.write_bytes(b"\n\n{}\n")
    assert [w for w, _ in ingest.lines_of(path)] == [f"{path}:{n}" for n in (1, 2, 3)]


def test_what_stands_before_the_damage_goes_in(c, tmp_path):
    """More than one batch, and an archive that was cut in the last one."""
    path = tmp_path / "r.jsonl.gz"
    whole = b"\n".join(lines(dataset(f"n{n:05}", f"{n} {n * 7919}")) for n in range(2500))
    path.write_bytes(gzip.compress(whole)[:-100])
    result = ingest.take(c.catalogue, ingest.lines_of(path))
    assert 2000 < result.taken < 2500
    assert [e.where for e in result.rejected] == [f"{path}:{result.taken + 1}"]
    assert c.count("Datasets") == 2 + result.taken
    path.write_bytes(gzip.compress(whole))
    again = ingest.take(c.catalogue, ingest.lines_of(path))
    assert (again.taken + again.unchanged, again.rejected) == (2500, [])
    assert c.count("Datasets") == 2502


def test_records_come_in_after_the_database_was_restarted(make):
    """The connection that writes was lost: another is made, and nobody notices."""
    c = make(RECORDS)
    assert c.http.post("/records", content=lines(dataset("n1")), headers=BEARER).status_code == 200
    if c.settings.store.startswith("postgresql"):
        c.writer.rows(
            Sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    response = c.http.post("/records", content=lines(dataset("n2")), headers=BEARER)
    assert (response.status_code, response.json()["taken"]) == (200, 1)
    assert c.pids("Datasets")[-2:] == ["n1", "n2"]
    assert c.http.delete("/records/Datasets/n1", headers=BEARER).status_code == 200
