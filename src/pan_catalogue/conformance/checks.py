"""What is asked of a provider: one function and one sentence each, in the order of the report.

Sources: `query.md`, `api-calls.md`, `data-model.md`, `dataset-techniques-requirements.md` are those of panosc-eu/search-api, `doc/`; `LoopBack 3` is the query language that
they build on; `federation` is panosc-eu/panosc-federated-search-service, which drops or loses what does not hold; `practice` is where the specification is silent and
clients need an answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from .. import units
from .client import Client, Failed, NotApplicable, Object, expect, include, segment
from .survey import CLASSES, PAGE, Seen, is_number

MANDATORY = {
    "Datasets": {"pid", "title", "isPublic", "creationDate"},
    "Documents": {"pid", "title", "isPublic", "type"},
    "Instruments": {"pid", "name", "facility"},
}
NOBODY = "10.99999/nobody-has-this"
SMALL = 500  # records up to which a list is fetched whole
# Units that other providers know too, to ask for a value in another one than it is stored in.
OTHERS = "keV eV J nm angstrom m mm um K celsius s ms h bar Pa kPa A mA V T mT deg rad Hz kHz g mg W".split()
BAD_LIMITS = (-1, "x")


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: short.
        says: what a provider should do.
        source: where that stands.
        tried: raises `Failed` or `NotApplicable`.
    """

    name: str
    says: str
    source: str
    tried: Callable[[Client, Seen], None]


CHECKS: list[Check] = []


def check(
    name: str, says: str, source: str
) -> Callable[[Callable[[Client, Seen], None]], Callable[[Client, Seen], None]]:
    """Put a function into the list."""

    def put(tried: Callable[[Client, Seen], None]) -> Callable[[Client, Seen], None]:
        CHECKS.append(Check(name, says, source, tried))
        return tried

    return put


# -- what every answer has


@check("lists", "a list is a JSON array of objects with their mandatory fields", "api-calls.md, data-model.md")
def lists(client: Client, _: Seen) -> None:
    """Try a page of each class."""
    for path in CLASSES:
        for o in client.listed(path, {"limit": 20}):
            missing = MANDATORY[path] - {k for k, v in o.items() if v is not None}
            expect(not missing, f"one of {path} has no {', '.join(sorted(missing))}: {o}")


@check(
    "scores",
    "every object of a list has a score above 0 and below 1, also without a query",
    "federation: others are dropped",
)
def scores(client: Client, seen: Seen) -> None:
    """Try a page of each class."""
    for path in seen.classes():
        for o in client.listed(path, {"limit": 20}):
            score = o.get("score")
            expect(is_number(score) and 0 < score < 1, f"score {score!r} of {o.get('pid')!r}")


@check("by-pid", "a record is found by its pid as one segment of the path, with its slashes as %2F", "api-calls.md")
def by_pid(client: Client, seen: Seen) -> None:
    """Try the first records of each class."""
    for path in seen.classes():
        for o in seen.pages[path][:3]:
            found = client.one(f"{path}/{segment(o['pid'])}")
            expect(found.get("pid") == o["pid"], f"the record of pid {found.get('pid')!r}")


@check(
    "path-case",
    "names in paths are taken in lower case too",
    "api-calls.md writes them so, the reference provider otherwise",
)
def path_case(client: Client, seen: Seen) -> None:
    """Try both ways."""
    for path in seen.classes():
        expect(client.pids(path.lower(), {"limit": 5}) == [o["pid"] for o in seen.pages[path][:5]], "another list")
        client.one(f"{path.lower()}/{segment(seen.pages[path][0]['pid'])}")


@check("unknown-pid", "a pid that nobody has gives 404", "practice; LoopBack 3")
def unknown_pid(client: Client, _: Seen) -> None:
    """Try it on each class."""
    for path in CLASSES:
        client.refused(f"{path}/{segment(NOBODY)}", 404)
    client.refused(f"Datasets/{segment(NOBODY)}/files", 404)


@check(
    "error-shape",
    'an error is {"error": {"statusCode", "name", "message"}} and has no stack trace',
    "practice; LoopBack 3",
)
def error_shape(client: Client, _: Seen) -> None:
    """Try an unknown pid and a filter that is no JSON."""
    unknown = client.get(f"Datasets/{segment(NOBODY)}")
    for answer in (unknown, client.get("Datasets", filter="{")):
        error = answer.json.get("error") if isinstance(answer.json, dict) else None
        if not isinstance(error, dict) or not {"statusCode", "name", "message"} <= error.keys():
            raise Failed(answer.told())
        expect(error["statusCode"] == answer.status, f"status {answer.status} and statusCode {error['statusCode']!r}")
        expect("stack" not in error and "Traceback" not in answer.text, f"a stack trace: {answer.told()}")


@check("cors", "a page of another site may read the answers", "the search page asks providers from the browser")
def cors(client: Client, _: Seen) -> None:
    """Try a request with an origin."""
    origin = "https://portal.example.org"
    answer = client.get("Datasets", headers={"Origin": origin}, filter={"limit": 1})
    allowed = answer.headers.get("access-control-allow-origin")
    expect(allowed in {"*", origin}, f"Access-Control-Allow-Origin: {allowed}")


# -- counts and pages


@check("count", 'a count is {"count": number}, as many as the list has', "api-calls.md")
def count(client: Client, seen: Seen) -> None:
    """Try each class; lists that are long are not fetched."""
    for path in CLASSES:
        n = client.count(path, bare=False)
        if n <= SMALL:
            listed = len(client.listed(path))
            expect(n == listed, f"count {n}, and a list of {listed}")
        else:
            expect(len(seen.pages[path]) > 0, f"count {n}, and an empty list")


@check("count-where", "a count takes a condition", "api-calls.md")
def count_where(client: Client, seen: Seen) -> None:
    """Try one record, and none."""
    for path in seen.classes():
        n = client.count(path, {"pid": seen.pages[path][0]["pid"]})
        expect(n == 1, f"count {n} of one pid")
        n = client.count(path, {"pid": NOBODY})
        expect(n == 0, f"count {n} of a pid that nobody has")


@check("count-text", "a count with `text` is as many as the list with it", "query.md")
def count_text(client: Client, seen: Seen) -> None:
    """Try a word of a title."""
    word = word_of(seen.some("Datasets"))
    n = client.count("Datasets", {"text": word})
    listed = len(client.listed("Datasets", {"where": {"text": word}, "limit": SMALL}))
    expect(n == listed or (n > SMALL and listed == SMALL), f"count {n}, and a list of {listed}")
    expect(n > 0, f"count 0 of a word that stands in a title: {word!r}")


@check("pages", "`limit` and `skip` cut pages that follow each other without overlap", "query.md")
def pages(client: Client, seen: Seen) -> None:
    """Try three pages of two against one of six."""
    path = next((p for p in CLASSES if len(seen.pages[p]) >= 4), None)  # noqa: PLR2004
    if path is None:
        raise NotApplicable("it has less than four records of a class")
    whole = client.pids(path, {"limit": 6})
    parts = [client.pids(path, {"limit": 2, "skip": n}) for n in (0, 2, 4)]
    expect(len(whole) == min(6, len(seen.pages[path])), f"limit 6 gave {len(whole)}")
    expect([p for part in parts for p in part] == whole, f"pages {parts}, and together {whole}")


@check(
    "limit-after-filter",
    "a limit counts records that meet the conditions of the includes",
    "query.md; the reference provider takes the first record and then drops it",
)
def limit_after_filter(client: Client, seen: Seen) -> None:
    """Try a technique that the first dataset does not have."""
    first = seen.related["techniques"][:1]
    without = {t.get("pid") for d in first for t in d.get("techniques") or []}
    for dataset, technique in seen.children("techniques"):
        if dataset is not first[0] and technique.get("pid") and technique["pid"] not in without:
            asked = {"limit": 1, "include": [include("techniques", {"pid": technique["pid"]})]}
            found = client.pids("Datasets", asked)
            expect(len(found) == 1, f"{len(found)} datasets, and at least one has the technique")
            return
    raise NotApplicable("all datasets it shows have the same technique")


@check("bad-limit", "a limit that is none gives 400", "practice; LoopBack 3")
def bad_limit(client: Client, _: Seen) -> None:
    """Try a negative one and a text."""
    for limit in BAD_LIMITS:
        client.refused("Datasets", 400, filter={"limit": limit})


# -- what has no meaning


@check("bad-json", "a filter that is no JSON object gives 400", "practice; LoopBack 3")
def bad_json(client: Client, _: Seen) -> None:
    """Try a broken one, a list and a number."""
    for text in ("{", "[1]", "5"):
        client.refused("Datasets", 400, filter=text)


@check(
    "unknown-key", "a key that a filter does not have gives 400: a misspelt condition would find everything", "practice"
)
def unknown_key(client: Client, _: Seen) -> None:
    """Try a misspelt one."""
    client.refused("Datasets", 400, filter={"wheer": {"pid": NOBODY}})


@check("unknown-field", "a condition on a field that a class does not have gives 400", "practice")
def unknown_field(client: Client, _: Seen) -> None:
    """Try a misspelt one."""
    client.refused("Datasets", 400, filter={"where": {"titel": "x"}})


@check("unknown-operator", "an operator that there is not gives 400", "practice")
def unknown_operator(client: Client, _: Seen) -> None:
    """Try a misspelt one."""
    client.refused("Datasets", 400, filter={"where": {"title": {"lik": "x"}}})


@check("unknown-relation", "a relation that a class does not have gives 400", "practice")
def unknown_relation(client: Client, _: Seen) -> None:
    """Try a misspelt one."""
    client.refused("Datasets", 400, filter={"include": [{"relation": "tecniques"}]})


@check("quotes", "a value is a value, whatever signs are in it", "practice; injection into a database's language")
def quotes(client: Client, seen: Seen) -> None:
    """Try what would end a text in SQL, JPQL and MongoDB."""
    for value in ("x' or '1'='1", 'a"b', "UPPER('a')", "o.name", "back\\slash", "50%_"):
        found = client.listed("Datasets", {"where": {"title": value}, "limit": 5})
        expect(all(o.get("title") == value for o in found), f"{len(found)} datasets with another title")
        client.listed("Datasets", {"where": {"text": value}, "limit": 5})


# -- conditions


@check("equality", "`where` finds a record by a field, and no other", "query.md")
def equality(client: Client, seen: Seen) -> None:
    """Try the pid, in the short and the long form."""
    for path in seen.classes():
        pid = seen.pages[path][0]["pid"]
        for condition in (pid, {"eq": pid}, {"inq": [pid, NOBODY]}):
            found = client.pids(path, {"where": {"pid": condition}})
            expect(found == [pid], f"pids {found}")


@check("and-or", "`and` and `or` join conditions", "query.md")
def and_or(client: Client, seen: Seen) -> None:
    """Try two records."""
    one, two = (o["pid"] for o in seen.some("Datasets", 2)[:2])
    either = [{"pid": one}, {"pid": two}]
    found = client.pids("Datasets", {"where": {"or": either}})
    expect(sorted(found) == sorted([one, two]), f"pids {found} of one or the other")
    found = client.pids("Datasets", {"where": {"and": either}})
    expect(found == [], f"pids {found} of one and the other")
    found = client.pids("Datasets", {"where": {"and": [{"or": either}, {"pid": {"neq": one}}]}})
    expect(found == [two], f"pids {found} of either and not the first")


@check("text", "`text` finds a part of a title without regard to case", "query.md")
def text(client: Client, seen: Seen) -> None:
    """Try a word of a title in capitals and in small letters."""
    dataset = next((d for d in seen.some("Datasets") if words(d)), None)
    if dataset is None:
        raise NotApplicable("none of the datasets it shows has a word in its title")
    for word in (words(dataset)[0].upper(), words(dataset)[0].lower()):
        found = client.pids("Datasets", {"where": {"and": [{"text": word}, {"pid": dataset["pid"]}]}})
        expect(found == [dataset["pid"]], f"pids {found} of a title with {word!r}: {dataset['title']!r}")


# -- includes


@check("include-outer", "an include without a condition keeps every parent", "query.md")
def include_outer(client: Client, seen: Seen) -> None:
    """Try each relation of datasets."""
    expected = {o["pid"] for o in seen.some("Datasets")[:20]}
    for relation in ("techniques", "parameters", "files", "instrument", "samples", "documents"):
        answer = client.get("Datasets", filter={"limit": 20, "include": [{"relation": relation}]})
        if relation == "documents" and answer.status == 400:  # noqa: PLR2004 - where they know one, by another name
            answer = client.get("Datasets", filter={"limit": 20, "include": [{"relation": "document"}]})
        found = answer.json
        expect(answer.status == 200 and isinstance(found, list), f"with {relation} {answer.told()}")  # noqa: PLR2004
        missing = sorted(expected - {o.get("pid") for o in found})
        expect(not missing, f"with {relation} not {', '.join(missing)}")


@check("include-scoped", "an include with a condition drops parents without such a child", "query.md")
def include_scoped(client: Client, seen: Seen) -> None:
    """Try a condition that no child meets."""
    seen.some("Datasets")
    for relation, where in (
        ("techniques", {"pid": NOBODY}),
        ("files", {"name": NOBODY}),
        ("instrument", {"pid": NOBODY}),
    ):
        found = client.pids("Datasets", {"limit": 20, "include": [include(relation, where)]})
        expect(found == [], f"pids {found}, and no {relation} is such")


@check("include-children", "only children that meet the condition come along", "query.md")
def include_children(client: Client, seen: Seen) -> None:
    """Try one file of a dataset with several."""
    for dataset, file in seen.children("files"):
        if len({f.get("name") for f in dataset["files"]}) > 1 and file.get("name"):
            asked = {"where": {"pid": dataset["pid"]}, "include": [include("files", {"name": file["name"]})]}
            for found in client.listed("Datasets", asked):
                names = {f.get("name") for f in found.get("files", [])}
                expect(names == {file["name"]}, f"files {sorted(map(str, names))}")
            return
    raise NotApplicable("none of the datasets it shows has two files")


@check("include-nested", "a condition deep inside reaches the outermost parent", "query.md")
def include_nested(client: Client, seen: Seen) -> None:
    """Try instruments by their datasets, and by files that no dataset has."""
    dataset, instrument = next(seen.children("instrument"))
    found = client.pids("Instruments", {"include": [include("datasets", {"pid": dataset["pid"]})]})
    expect(found == [instrument.get("pid")], f"instruments {found} of a dataset that has {instrument.get('pid')!r}")
    nobodys = include("datasets", None, [include("files", {"name": NOBODY})])
    found = client.pids("Instruments", {"limit": 5, "include": [nobodys]})
    expect(found == [], f"instruments {found}, and no file of their datasets is such")


# -- techniques


@check("technique", "a dataset is found by the pid of a technique it has", "dataset-techniques-requirements.md")
def technique(client: Client, seen: Seen) -> None:
    """Try one that a dataset has."""
    dataset, one = next(seen.children("techniques"))
    asked = {"where": {"pid": dataset["pid"]}, "include": [include("techniques", {"pid": one["pid"]})]}
    found = client.pids("Datasets", asked)
    expect(found == [dataset["pid"]], f"datasets {found}")
    for o in client.listed("Datasets", {"limit": 20, "include": [include("techniques", {"pid": one["pid"]})]}):
        expect(bool(o.get("techniques")), f"{o.get('pid')!r} without a technique")


@check(
    "technique-neq",
    "`neq` finds no dataset that has the technique, also among others",
    "dataset-techniques-requirements.md, query 3",
)
def technique_neq(client: Client, seen: Seen) -> None:
    """Try one that a dataset has, best one with several."""
    dataset, one = max(seen.children("techniques"), key=lambda pair: len(pair[0]["techniques"]))
    asked = {"where": {"pid": dataset["pid"]}, "include": [include("techniques", {"pid": {"neq": one["pid"]}})]}
    found = client.pids("Datasets", asked)
    expect(found == [], f"datasets {found}, and this one has the technique")


# -- parameters


def quantity(p: Object, value: object, unit: str) -> Object:
    """Return an include of parameters like `p` with a value in a unit."""
    return include("parameters", {"and": [{"name": p["name"]}, {"value": value}, {"unit": unit}]})


def around(value: float, unit: units.Unit) -> tuple[float, float]:
    """Return a narrow range around a value in SI, in a unit."""
    margin = max(abs(value) * 1e-6, 1e-30)
    ends = sorted((unit.from_si(value - margin), unit.from_si(value + margin)))
    return ends[0], ends[1]


def asked_for(client: Client, dataset: Object, *includes: Object) -> list[Object]:
    """Return the dataset if it meets the includes."""
    return client.listed("Datasets", {"where": {"pid": dataset["pid"]}, "include": list(includes)})


@check("parameter-number", "the value of a quantity is a JSON number", "data-model.md, query.md: it is compared as one")
def parameter_number(_: Client, seen: Seen) -> None:
    """Look at the values that have a unit."""
    measured = [(d, p) for d, p in seen.children("parameters") if p.get("unit")]
    if not measured:
        raise NotApplicable(f"none of its first {PAGE} datasets has a parameter with a unit")
    for dataset, p in measured:
        text = isinstance(p.get("value"), str) and re.fullmatch(
            r"[-+]?(\d+[.]?\d*|[.]\d+)([eE][-+]?\d+)?", p["value"].strip()
        )
        expect(not text, f"{p.get('name')} of {dataset.get('pid')} is the text {p['value']!r}, in {p['unit']}")


@check(
    "parameter-range", "a dataset is found by a range around a parameter's value, and not by one beside it", "query.md"
)
def parameter_range(client: Client, seen: Seen) -> None:
    """Try the unit in which the value is given."""
    dataset, p = seen.number()
    value, margin = p["value"], abs(p["value"]) * 1e-6 or 1e-9
    found = asked_for(client, dataset, quantity(p, {"between": [value - margin, value + margin]}, p["unit"]))
    expect(len(found) == 1, f"{len(found)} datasets around {value} {p['unit']}")
    found = asked_for(client, dataset, quantity(p, {"gt": value + margin}, p["unit"]))
    expect(not found, f"a dataset above {value + margin}, and its value is {value} {p['unit']}")


@check(
    "parameter-operators",
    "gt, gte, lt, lte, eq and inq work on values too",
    "query.md names all operators of LoopBack 3",
)
def parameter_operators(client: Client, seen: Seen) -> None:
    """Try each on the value itself."""
    dataset, p = seen.number()
    value, unit = p["value"], p["unit"]
    below, above = value - (abs(value) or 1), value + (abs(value) or 1)
    for condition in (
        {"gt": below},
        {"gte": value},
        {"gte": below},
        {"lt": above},
        {"lte": value},
        value,
        {"eq": value},
        {"inq": [value, above]},
    ):
        found = asked_for(client, dataset, quantity(p, condition, unit))
        expect(len(found) == 1, f"nothing, and the value is {value} {unit}")


@check("parameter-unit", "a value is found in another unit, and given back in it", "query.md, general remarks")
def parameter_unit(client: Client, seen: Seen) -> None:
    """Try a unit of the same dimension."""
    for dataset, p in seen.children("parameters"):
        own = units.find(str(p.get("unit") or ""))
        names = [q.get("name") for q in dataset["parameters"]]
        if own is None or not is_number(p.get("value")) or names.count(p.get("name")) > 1:
            continue
        for other in filter(None, map(units.find, OTHERS)):
            if other.dimension != own.dimension or (other.factor, other.offset) == (own.factor, own.offset):
                continue
            in_si = own.to_si(p["value"])
            found = asked_for(client, dataset, quantity(p, {"between": list(around(in_si, other))}, other.name))
            expect(
                len(found) == 1,
                f"{len(found)} datasets, and {p['value']} {own.name} is {other.from_si(in_si)} {other.name}",
            )
            told = [q for q in found[0].get("parameters", []) if q.get("name") == p["name"]]
            value, unit = (told[0].get("value"), told[0].get("unit")) if told else (None, None)
            close = is_number(value) and math.isclose(value, other.from_si(in_si), rel_tol=1e-6, abs_tol=1e-9)
            expect(close and unit == other.name, f"{value} {unit}, and not {other.from_si(in_si)} {other.name}")
            return
    raise NotApplicable("none of the datasets it shows has a parameter in a unit that can be converted")


@check("parameter-dimension", "a unit of something else finds nothing, and is no error", "practice")
def parameter_dimension(client: Client, seen: Seen) -> None:
    """Try a length for what is none, or a time for a length."""
    dataset, p = seen.number()
    own = units.find(p["unit"])
    if own is None:
        raise NotApplicable(f"its unit {p['unit']!r} is none that is known here")
    found = asked_for(client, dataset, quantity(p, {"gt": -1e30}, "s" if own.dimension == "length" else "nm"))
    expect(not found, f"a dataset, and {p['unit']} cannot become that unit")


@check(
    "parameter-and",
    "`parameters` named twice: both conditions must be met",
    "the reference provider (common/mixins/parameters.js); the search page asks so",
)
def parameter_and(client: Client, seen: Seen) -> None:
    """Try one that is met beside one that is, and beside one that is not."""
    dataset, p = seen.number(names=2)
    met = quantity(p, {"between": [p["value"] - (abs(p["value"]) or 1), p["value"]]}, p["unit"])
    other = next(q["name"] for q in dataset["parameters"] if q.get("name") not in {None, p["name"]})
    found = asked_for(client, dataset, met, include("parameters", {"name": other}))
    expect(len(found) == 1, f"nothing, and the dataset meets both ({p['name']}, {other})")
    held = len(found[0].get("parameters", []))
    expect(held == len(dataset["parameters"]), f"{held} parameters, and the dataset has {len(dataset['parameters'])}")
    found = asked_for(client, dataset, met, include("parameters", {"name": NOBODY}))
    expect(not found, "a dataset that meets one of two")


# -- files


@check("files", "the files of a dataset are a list of their own, with a count", "api-calls.md")
def files(client: Client, seen: Seen) -> None:
    """Try a dataset with files."""
    dataset, file = next(seen.children("files"))
    path = f"Datasets/{segment(dataset['pid'])}/files"
    listed = client.listed(path)
    expect(file.get("name") in {f.get("name") for f in listed}, f"{len(listed)} files without {file.get('name')!r}")
    n = client.count(path)
    expect(n == len(listed), f"count {n}, and a list of {len(listed)}")
    found = client.listed(path, {"where": {"name": NOBODY}})
    expect(found == [], f"{len(found)} files of a name that none has")


# -- free text


@check(
    "query",
    "a free-text query orders by score, and what it finds has one above 0 and below 1",
    "federated-search: docs/query.md",
)
def query(client: Client, seen: Seen) -> None:
    """Try a word of a title, and a word of none."""
    word = word_of(seen.some("Datasets"))
    found = client.listed("Datasets", {"query": word, "limit": 20})
    given = [o.get("score") for o in found]
    expect(bool(found), f"nothing, and {word!r} stands in a title")
    numbers = [s for s in given if is_number(s) and 0 < s < 1]
    expect(numbers == given, f"scores {given}")
    expect(numbers == sorted(numbers, reverse=True), f"scores {given}, not the best first")
    found = client.listed("Datasets", {"query": "qzxvbnobodyhasthisword"})
    expect(found == [], f"{len(found)} datasets of a word that none has")


def words(o: Object) -> list[str]:
    """Return the longer words of a record's title, the longest first."""
    return sorted(re.findall(r"[A-Za-z]{4,}", str(o.get("title") or "")), key=len, reverse=True)


def word_of(some: list[Object]) -> str:
    """Return a word of a title."""
    for o in some:
        if found := words(o):
            return found[0]
    raise NotApplicable("none of the datasets it shows has a word in its title")


__all__ = ["CHECKS", "Check", "Failed"]
