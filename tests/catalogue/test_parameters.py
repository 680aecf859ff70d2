"""Parameters: units, numbers and texts, and conditions that hold together (checks 3 to 6)."""

import math

import pytest
from served import dataset, document, include, quantity


def p(name, value, unit=None):
    return {"name": name, "value": value, **({"unit": unit} if unit is not None else {})}


RECORDS = [
    dataset("ev", parameters=[p("energy", 930, "eV"), p("note", "warm")]),
    dataset("kev", parameters=[p("energy", 0.95, "keV"), p("note", "cold")]),
    dataset("joule", parameters=[p("energy", 1.6e-16, "J")]),
    dataset("celsius", parameters=[p("temperature", 20, "celsius"), p("note", "warm"), p("state", "solid")]),
    dataset("kelvin", parameters=[p("temperature", 293.15, "K")]),
    dataset("fahrenheit", parameters=[p("temperature", 68, "degF"), p("state", "liquid")]),
    dataset("nine", parameters=[p("count", 9)]),
    dataset("eighty", parameters=[p("count", 80)]),
    dataset("text", parameters=[p("count", "9"), p("temperature", "20", "celsius")]),
    dataset("angstrom", parameters=[p("wavelength", 1.5418, "\N{ANGSTROM SIGN}")]),
    dataset("micro", parameters=[p("size", 5, "\N{MICRO SIGN}m"), p("size", 7, "um")]),
    dataset("strange", parameters=[p("energy", 930, "furlong"), p("count", 9, "")]),
    dataset("negative", parameters=[p("temperature", -10, "degC"), p("count", -1.5)]),
    dataset("zero", parameters=[p("temperature", 0, "degC"), p("count", 0)]),
    dataset("many", parameters=[p("flux", 1, "km"), p("gap", 2, "km"), p("charge", 3, "C")]),
    dataset("none"),
]


@pytest.fixture(scope="module")
def c(make):
    return make(RECORDS)


@pytest.mark.parametrize(
    ("name", "value", "unit", "expected"),
    [
        # one energy in any unit of energy; the ends count
        ("energy", {"between": [880, 990]}, "eV", ["ev", "kev"]),
        ("energy", {"between": [0.88, 0.99]}, "keV", ["ev", "kev"]),
        ("energy", {"between": [0.88e-3, 0.99e-3]}, "MeV", ["ev", "kev"]),
        ("energy", {"between": [930, 950]}, "eV", ["ev", "kev"]),
        ("energy", {"between": [0.93, 0.95]}, "keV", ["ev", "kev"]),
        ("energy", {"between": [1.4e-16, 1.7e-16]}, "J", ["ev", "kev", "joule"]),
        ("energy", 0.93, "keV", ["ev"]),
        ("energy", 950, "eV", ["kev"]),
        ("energy", {"eq": 930}, "eV", ["ev"]),
        ("energy", {"neq": 930}, "eV", ["kev", "joule"]),
        ("energy", {"inq": [930, 950]}, "eV", ["ev", "kev"]),
        ("energy", {"nin": [0.93, 0.95]}, "keV", ["joule"]),
        ("energy", {"gt": 0.93}, "keV", ["kev", "joule"]),
        ("energy", {"gte": 0.93}, "keV", ["ev", "kev", "joule"]),
        ("energy", {"lt": 950}, "eV", ["ev"]),
        ("energy", {"lte": 950}, "eV", ["ev", "kev"]),
        ("energy", {"gt": 930, "lt": 960}, "eV", ["kev"]),
        ("energy", {"between": [990, 880]}, "eV", []),
        # temperatures have an offset
        ("temperature", 20, "celsius", ["celsius", "kelvin", "fahrenheit"]),
        ("temperature", 20, "degC", ["celsius", "kelvin", "fahrenheit"]),
        ("temperature", 293.15, "K", ["celsius", "kelvin", "fahrenheit"]),
        ("temperature", 293.15, "kelvin", ["celsius", "kelvin", "fahrenheit"]),
        ("temperature", 68, "fahrenheit", ["celsius", "kelvin", "fahrenheit"]),
        ("temperature", {"lt": 0}, "celsius", ["negative"]),
        ("temperature", 0, "celsius", ["zero"]),
        ("temperature", {"between": [272, 274]}, "K", ["zero"]),
        # two signs for one letter
        ("wavelength", 1.5418, "angstrom", ["angstrom"]),
        ("wavelength", 1.5418, "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}", ["angstrom"]),
        ("wavelength", 0.15418, "nm", ["angstrom"]),
        ("size", 5, "um", ["micro"]),
        ("size", 5, "\N{GREEK SMALL LETTER MU}m", ["micro"]),
        ("size", {"gt": 0.006}, "mm", ["micro"]),
        # another dimension: nothing, and no error
        ("energy", {"gt": 0}, "nm", []),
        ("wavelength", {"gt": 0}, "eV", []),
        ("temperature", {"gt": -1e9}, "deg", []),
        ("count", {"gt": -1e9}, "K", []),
        # numbers are numbers and texts are texts
        ("count", {"lt": 80}, None, ["nine", "strange", "negative", "zero"]),
        ("count", {"gt": 9}, None, ["eighty"]),
        ("count", 9, None, ["nine", "strange"]),
        ("count", "9", None, ["text"]),
        ("count", {"gte": "8"}, None, ["text"]),
        ("count", {"lt": "a"}, None, ["text"]),
        ("count", {"inq": [80, "9"]}, None, ["eighty", "text"]),
        ("count", {"between": [-2, 0]}, None, ["negative", "zero"]),
        ("count", {"like": "9"}, None, ["text"]),
        ("temperature", {"gt": -1e9}, "celsius", ["celsius", "kelvin", "fahrenheit", "negative", "zero"]),
        ("temperature", "20", "celsius", []),  # a text has no unit to be given in
        ("temperature", {"gt": 100}, None, ["kelvin"]),  # without a unit, the number as it was written
        ("note", "warm", None, ["ev", "celsius"]),
        ("note", {"neq": "warm"}, None, ["kev"]),
        ("note", "WARM", None, []),
        ("note", {"ilike": "WARM"}, None, ["ev", "celsius"]),
        ("note", {"between": ["a", "d"]}, None, ["kev"]),
    ],
)  # fmt: skip
def test_found(c, name, value, unit, expected):
    assert c.pids("Datasets", {"include": [quantity(name, value, unit)]}) == expected


@pytest.mark.parametrize(
    ("pid", "name", "unit", "value"),
    [
        ("ev", "energy", "keV", 0.93), ("ev", "energy", "eV", 930), ("ev", "energy", "meV", 930000), ("kev", "energy", "eV", 950),
        ("celsius", "temperature", "K", 293.15), ("celsius", "temperature", "degF", 68), ("kelvin", "temperature", "celsius", 20),
        ("fahrenheit", "temperature", "celsius", 20), ("angstrom", "wavelength", "pm", 154.18), ("angstrom", "wavelength", "m", 1.5418e-10),
        ("negative", "temperature", "K", 263.15), ("zero", "temperature", "K", 273.15),
    ],
)  # fmt: skip
def test_values_come_back_in_the_unit_that_was_asked_for(c, pid, name, unit, value):
    asked = {"where": {"pid": pid}, "include": [quantity(name, {"gt": -1e30}, unit)]}
    (found,) = c.get("Datasets", filter=asked)
    (told,) = [x for x in found["parameters"] if x["name"] == name]
    assert (told["value"], told["unit"]) == (value, unit)  # to the last digit
    (plain,) = c.get("Datasets", filter={"where": {"pid": pid}, "include": ["parameters"]})
    stored = next(r for r in RECORDS if r["pan"]["pid"] == pid)["pan"]["parameters"]
    assert [{k: x.get(k) for k in ("name", "value", "unit")} for x in plain["parameters"]] == [
        {"name": s["name"], "value": s["value"], "unit": s.get("unit")} for s in stored
    ]


def test_only_what_was_asked_for_is_converted(c):
    def told(pid, *quantities):
        (found,) = c.get("Datasets", filter={"where": {"pid": pid}, "include": list(quantities)})
        return [(x["name"], x["value"], x.get("unit")) for x in found["parameters"]]

    assert told("micro", quantity("size", 5000, "nm")) == [("size", 5000, "nm"), ("size", 7000, "nm")]
    assert told("many", quantity("flux", 1000, "m")) == [("flux", 1000, "m"), ("gap", 2, "km"), ("charge", 3, "C")]
    two = quantity("flux", 1000, "m"), quantity("charge", 3000, "mC")
    assert told("many", *two) == [("flux", 1000, "m"), ("gap", 2, "km"), ("charge", 3000, "mC")]
    other = quantity("gap", 200000, "cm"), quantity("flux", 1000, "m")
    assert told("many", *other) == [("flux", 1000, "m"), ("gap", 200000, "cm"), ("charge", 3, "C")]


@pytest.mark.parametrize("unit", ["parsecs", "ev", "KeV", "eV2", "celsiu", "%%", "'", "nm; drop table file", "e" * 300])
def test_an_unknown_unit_is_named(c, unit):
    message = c.refused("Datasets", filter={"include": [quantity("energy", 1, unit)]})
    assert f"unknown unit {unit!r}" in message
    assert "filter.include[0].scope.where" in message


@pytest.mark.parametrize("shape", [lambda n, v, u: {"and": [{"name": n}, {"value": v}, {"unit": u}]}, lambda n, v, u: {"name": n, "value": v, "unit": u}, lambda n, v, u: {"and": [{"unit": {"eq": u}}, {"and": [{"value": v}, {"name": {"eq": n}}]}]}])  # fmt: skip
def test_ways_to_write_a_quantity(c, shape):
    assert c.pids("Datasets", {"include": [include("parameters", shape("energy", {"gt": 0.94}, "keV"))]}) == [
        "kev",
        "joule",
    ]


def test_or_has_a_unit_in_each_branch(c):
    either = {"or": [{"name": "energy", "value": {"gt": 0.94}, "unit": "keV"}, {"name": "temperature", "value": {"lt": -5}, "unit": "degC"}]}  # fmt: skip
    assert c.pids("Datasets", {"include": [include("parameters", either)]}) == ["kev", "joule", "negative"]


def test_a_unit_alone_asks_for_what_can_be_given_in_it(c):
    assert c.pids("Datasets", {"include": [include("parameters", {"unit": "GeV"})]}) == ["ev", "kev", "joule"]
    assert c.pids("Datasets", {"include": [include("parameters", {"name": "count", "unit": ""})]}) == [
        "nine",
        "eighty",
        "text",
        "strange",
        "negative",
        "zero",
    ]


# -- several conditions


def test_two_includes_of_parameters_hold_together(c):
    warm, solid, liquid = quantity("note", "warm"), quantity("state", "solid"), quantity("state", "liquid")
    assert c.pids("Datasets", {"include": [warm]}) == ["ev", "celsius"]
    assert c.pids("Datasets", {"include": [warm, solid]}) == ["celsius"]
    assert c.pids("Datasets", {"include": [solid, warm]}) == ["celsius"]
    assert c.pids("Datasets", {"include": [warm, liquid]}) == []
    assert c.pids("Datasets", {"include": [warm, quantity("energy", {"gt": 0.9}, "keV")]}) == ["ev"]
    either = {"or": [{"name": "note", "value": "warm"}, {"name": "state", "value": "liquid"}]}
    assert c.pids("Datasets", {"include": [include("parameters", either)]}) == ["ev", "celsius", "fahrenheit"]
    # one include is about one parameter: no parameter is both
    both = {"and": [{"name": "note", "value": "warm"}, {"name": "state", "value": "solid"}]}
    assert c.pids("Datasets", {"include": [include("parameters", both)]}) == []


def test_all_parameters_of_a_hit_come_back(c):
    (found,) = c.get("Datasets", filter={"include": [quantity("state", "solid"), quantity("note", "warm")]})
    assert [x["name"] for x in found["parameters"]] == ["temperature", "note", "state"]


def test_the_same_for_documents(make):
    c = make(
        [
            document("a", parameters=[p("energy", 930, "eV"), p("note", "warm")]),
            document("b", parameters=[p("energy", 2, "keV"), p("note", "warm")]),
            dataset("x", documents=["a"], parameters=[p("energy", 3, "keV")]),
            dataset("y", documents=["b"], parameters=[p("energy", 4, "keV")]),
        ]
    )
    energy = quantity("energy", {"between": [0.9, 1]}, "keV")
    assert c.pids("Documents", {"include": [energy]}) == ["a"]
    assert c.pids("Documents", {"include": [energy, quantity("note", "cold")]}) == []
    (found,) = c.get("Documents", filter={"include": [energy]})
    assert [(x["name"], x["value"]) for x in found["parameters"]] == [("energy", 0.93), ("note", "warm")]
    assert c.pids("Documents", {"include": [include("datasets", None, quantity("energy", {"gt": 3500}, "eV"))]}) == [
        "b"
    ]
    both = [energy, include("datasets", None, quantity("energy", {"gt": 2500}, "eV"))]
    assert c.pids("Documents", {"include": both}) == ["a"]


def test_a_million_conversions_of_a_digit_do_not_lose_a_dataset(make):
    """Stored and asked-for values meet after two conversions, whose last bits differ."""
    values = [math.pi * 10**n for n in range(-6, 7)]
    c = make([dataset(str(n), parameters=[p("energy", v, "keV")]) for n, v in enumerate(values)])
    for n, v in enumerate(values):
        for unit, factor in (("eV", 1e3), ("MeV", 1e-3), ("GeV", 1e-6)):
            assert c.pids("Datasets", {"include": [quantity("energy", v * factor, unit)]}) == [str(n)]
            assert c.pids("Datasets", {"include": [quantity("energy", {"gt": v * factor}, unit)]}) == [str(m) for m in range(n + 1, len(values))]  # fmt: skip
            assert c.pids("Datasets", {"include": [quantity("energy", {"gte": v * factor}, unit)]}) == [str(m) for m in range(n, len(values))]  # fmt: skip
