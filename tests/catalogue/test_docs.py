"""The page for developers cannot rot: it names all there is, its examples run, its numbers are those of the code."""

import json
import re
from dataclasses import fields
from pathlib import Path

import msgspec
import pytest
from served import dataset, document, include

from pan_catalogue import api, app, bounds, cli, errors, grammar, openapi, settings, where
from pan_catalogue.operators import OPERATORS
from pan_catalogue.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "catalogue"
TEXT = "\n".join(p.read_text(encoding="utf-8") for p in sorted(DOCS.glob("*.md")))
CODE = set(re.findall(r"`([^`\n]+)`", TEXT))
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.S)]
RECORDS = [e for e in EXAMPLES if "titles" in e]
FILTERS = [e for e in EXAMPLES if "titles" not in e]


def keys(of, before=""):
    """Yield the dotted name of every setting."""
    for f in msgspec.structs.fields(of):
        if isinstance(f.type, type) and issubclass(f.type, msgspec.Struct):
            yield from keys(f.type, f"{before}{f.name}.")
        else:
            yield before + f.name


def subclasses(of):
    for c in of.__subclasses__():
        yield c
        yield from subclasses(c)


@pytest.mark.parametrize("name", [*OPERATORS, "and", "or", "text"])
def test_every_operator_is_named(name):
    assert name in CODE


@pytest.mark.parametrize("name", list(keys(Settings)))
def test_every_setting_is_named_with_its_default(name):
    assert name in CODE
    row = next(line for line in TEXT.splitlines() if line.startswith("| `") and f"`{name}`" in line.split("|")[1])
    group, _, key = name.rpartition(".")
    holder = getattr(settings, group.capitalize()) if group else Settings
    default = next(f.default for f in msgspec.structs.fields(holder) if f.name == key)
    if isinstance(default, (int, float)) and not isinstance(default, bool) and default:
        assert f"{default:,}" in row or str(default) in row


def test_no_setting_is_named_that_is_none():
    groups = {k.partition(".")[0] for k in keys(Settings) if "." in k}
    named = {c.partition(" ")[0] for c in CODE if re.fullmatch(rf"({'|'.join(groups)})\.\w+.*", c)}
    assert named == set(keys(Settings)) - {"store"}


@pytest.mark.parametrize("name", grammar.FILTER_KEYS)
def test_every_key_of_a_filter_is_named(name):
    assert name in CODE


@pytest.mark.parametrize("path", sorted(openapi.document(Settings(store="sqlite:x"), "http://x")["paths"]))
def test_every_call_of_the_api_is_named(path):
    assert api.BASE + path in TEXT


def test_every_other_path_is_named(make):
    served = app.application(make().settings)
    others = {r.path.partition("{")[0] for r in served.routes} - {api.BASE + "/"}
    assert others == {"/", "/health", "/metrics", "/api/openapi.json", "/records", "/records/"}
    for path in others:
        assert re.search(rf"`(GET|POST|DELETE) {re.escape(path)}", TEXT), path


@pytest.mark.parametrize("error", list(subclasses(errors.RequestError)), ids=lambda e: e.__name__)
def test_every_error_is_in_the_table(error):
    assert f"| {error.status} | `{error.code}` |" in TEXT


def test_other_codes_are_in_the_table():
    source = "".join(Path(m.__file__).read_text(encoding="utf-8") for m in (api, app))
    codes = set(re.findall(r'"([A-Z]+_[A-Z_]+|INTERNAL)"\s*\)', source))
    assert {"INTERNAL", "PATH_NOT_FOUND"} <= codes
    for code in codes:
        assert f"`{code}` |" in TEXT


@pytest.mark.parametrize("name", [f.name for f in fields(bounds.Bounds) if f.name != "tolerant"])
def test_every_bound_is_told(name):
    bound = f"{getattr(bounds.Bounds(), name):,}"
    assert re.search(rf"\b{bound}\b", TEXT)
    assert f"{where.WILDCARDS} times any characters" in TEXT


def test_every_command_is_named():
    commands = next(a for a in cli.parser()._actions if a.choices).choices
    for name in commands:
        assert re.search(rf"`pan-catalogue {name}", TEXT), name


# -- examples


@pytest.fixture(scope="module")
def c(make):
    return make(RECORDS)


def test_there_are_examples():
    assert len(RECORDS) >= 1
    assert len(FILTERS) >= 5


@pytest.mark.parametrize("n", range(len(FILTERS)))
def test_an_example_of_a_filter_has_a_meaning(c, n):
    c.get("Datasets", filter=FILTERS[n])


def test_the_example_of_a_record_goes_in(c):
    record = RECORDS[0]
    c.clock = 1_767_225_600  # 2026, and its embargo ends in 2029
    assert c.count("Datasets") == 0
    c.clock = 1_900_000_000
    (found,) = c.get("Datasets", filter={"include": ["parameters", "files", "samples", "techniques"]})
    assert found["pid"] == record["doi"]
    assert found["title"] == record["titles"][0]["title"]
    assert [p["value"] for p in found["parameters"]] == [930, "solid"]


def test_the_long_example_finds_what_it_says(make):
    asked = next(f for f in FILTERS if len(f.get("include", [])) == 3)
    parameters = [{"name": "photon_energy", "value": 930, "unit": "eV"}, {"name": "chemical_formula", "value": "Cu"}]
    member = {"role": "owner", "person": {"fullName": "Mira Holm"}}
    c = make(
        [
            document("d", members=[member]),
            dataset("a", documents=["d"], parameters=parameters),
            dataset("b", documents=["d"], parameters=parameters[:1]),
            dataset("c", parameters=parameters),
        ]
    )
    (found,) = c.get("Datasets", filter=asked)
    assert found["pid"] == "a"
    assert found["parameters"][0]["value"] == 0.93
    assert found["documents"][0]["members"][0]["person"]["fullName"] == "Mira Holm"


def test_the_message_of_the_example_is_that_of_the_service(c):
    (told,) = re.findall(r'"message": "(filter\.where\.titel[^"]+)"', TEXT)
    assert c.refused("Datasets", filter={"where": {"titel": "x"}}) == told


def test_what_is_said_of_includes_without_a_scope(c):
    c.clock = 1_900_000_000
    assert c.get("Datasets", filter={"include": ["files"]}) == c.get("Datasets", filter={"include": [include("files")]})
