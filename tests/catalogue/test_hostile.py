"""Requests that are meant to hurt: bounded time, never 500, values are never more than values (checks 13, 14, 15)."""

import http.client
import json
import re
import string
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import httpx
import pytest
from served import dataset, document, include, quantity, segment

NASTY = [
    "x' or '1'='1", "'; DROP TABLE dataset; --", '"', "'", "''", "\\", "\\'", "%", "_", "%%", "[a]", "*", "?", "^", "$", "(a+)+$", "UPPER('a')", "o.name",
    '{"$where":"..."}', "$1", ":x", "%s", "%(a)s", "{0}", "a\tb", "a\nb", "\r\n", "NULL", "null", "true", "1=1", "ä", "\N{GREEK SMALL LETTER FINAL SIGMA}",
    "\N{LATIN SMALL LETTER DOTLESS I}", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "stra\N{LATIN SMALL LETTER SHARP S}e", "\U0001f4a5", "e\N{COMBINING ACUTE ACCENT}",
    "a OR b", "NEAR(a b)", 'title:"x"', "-x", "../../etc/passwd", "<script>alert(1)</script>", "\N{RIGHT-TO-LEFT OVERRIDE}x", " ", "a b", "a*b", "[*]", "\x7f",
]  # fmt: skip
SECONDS = 5.0  # for one request, on a machine that does other things too


def pid_of(n):
    """Return the pid of a dataset: a path has no line breaks."""
    return f"p{n} " + re.sub(r"[\r\n]", "~", NASTY[n])


@pytest.fixture(scope="module")
def c(make):
    nasty = [
        dataset(
            pid_of(n),
            f"begin {v} end",
            parameters=[{"name": f"name {v}", "value": v}],
            files=[{"name": v}],
            samples=[{"pid": f"s{v}", "name": v}],
            techniques=[{"pid": f"t{v}", "name": v}],
            documents=["d"],
        )
        for n, v in enumerate(NASTY)
    ]
    words = document("d", "words", keywords=[v for v in NASTY if v.strip()])
    long = [dataset(f"long{n}", "a" * 3000) for n in range(40)]
    return make([words, *nasty, *long])


def sent(c, call, **parameters):
    """Return (status, body) of a call of any length: httpx refuses long ones by itself."""
    query = urlencode({k: json.dumps(v, separators=(",", ":")) for k, v in parameters.items()}, safe=",:[]")
    connection = http.client.HTTPConnection(c.http.base_url.host, c.http.base_url.port, timeout=30)
    try:
        connection.request("GET", f"/api/{call}?{query}")
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def bounded():
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < SECONDS * 4


@pytest.mark.parametrize("n", range(len(NASTY)), ids=lambda n: ascii(NASTY[n]))
def test_a_value_is_a_value(c, n):
    value, pid = NASTY[n], pid_of(n)
    equal = [
        {"where": {"title": f"begin {value} end"}},
        {"where": {"title": {"inq": [f"begin {value} end", "none"]}}},
        {"where": {"title": {"between": [f"begin {value} end"] * 2}}},
        {"where": {"pid": pid}},
        {"where": {"pid": {"like": pid.replace("%", "")}}} if "%" not in value else {"where": {"pid": pid}},
        {"include": [include("files", {"name": value})]},
        {"include": [include("samples", {"name": value})]},
        {"include": [include("techniques", {"pid": f"t{value}"})]},
        {"include": [quantity(f"name {value}", value)]},
        {"include": [quantity(f"name {value}", {"inq": [value, 5]})]},
    ]
    for asked in equal:
        assert c.pids("Datasets", asked) == [pid], asked
    assert c.get(f"Datasets/{segment(pid)}")["pid"] == pid
    assert c.get(f"Datasets/{segment(pid)}/files/count", where={"name": value}) == {"count": 1}
    assert c.count("Datasets", {"title": f"begin {value} end"}) == 1
    if value.strip():
        assert c.pids("Documents", {"where": {"keywords": value}}) == ["d"]


def same(a, b):
    """Whether two texts are one without regard to case and to how a letter is written."""
    return unicodedata.normalize("NFC", b).casefold() in unicodedata.normalize("NFC", a).casefold()


@pytest.mark.parametrize("n", range(len(NASTY)), ids=lambda n: ascii(NASTY[n]))
def test_text_and_patterns_take_it_literally(c, n):
    value = NASTY[n]
    having = [pid_of(m) for m, v in enumerate(NASTY) if same(f"begin {v} end", f"n {value} e")]
    assert having  # itself
    assert c.pids("Datasets", {"where": {"text": f"n {value} e"}}) == having
    assert c.count("Datasets", {"text": f"N {value} E"}) == len(having)
    if "%" not in value:  # which stands for any characters
        assert c.pids("Datasets", {"where": {"title": {"ilike": f"N {value} E"}}}) == having
        exact = [pid_of(m) for m, v in enumerate(NASTY) if f"n {value} e" in f"begin {v} end"]
        assert c.pids("Datasets", {"where": {"title": {"like": f"n {value} e"}}}) == exact
        assert c.pids("Datasets", {"where": {"title": {"like": f"begin {value} e%"}}}) == exact
        assert c.count("Datasets", {"title": {"nlike": f"n {value} e"}}) == len(NASTY) + 40 - len(exact)
        escaped = "".join(f"\\{ch}" if ch in "\\.*+?^${}()|[]" else ch for ch in value)
        assert c.pids("Datasets", {"where": {"title": {"regexp": f"n {escaped} e"}}}) == exact
    files = {"include": [include("files", {"text": value})]}
    assert pid_of(n) in c.pids("Datasets", files)
    scored = c.answer("Datasets", filter={"query": value})
    assert scored.status_code == 200


@pytest.mark.parametrize("character", string.punctuation)
def test_each_sign_finds_itself_only(c, character):
    for asked in ({"text": character}, {"text": f"n {character} e"}, {"text": character * 3}):
        found = c.pids("Datasets", {"where": asked})
        term = next(iter(asked.values()))
        expected = [pid_of(m) for m, v in enumerate(NASTY) if same(f"begin {v} end", term)]
        assert found == expected, asked


EVIL = [
    "(a+)+$",
    "(a|aa)+$",
    "(.*)*b",
    "([a-z]+)*$",
    "a{1,9999}",
    "^(a?){50}a{50}$",
    "(?=a)",
    "\\d+",
    "[",
    "a**",
    "(?P<x>a)(?P=x)",
    "a\\",
]


@pytest.mark.parametrize("pattern", EVIL)
def test_an_expression_that_could_be_slow_is_refused(c, pattern):
    assert "only literal text" in c.refused("Datasets", filter={"where": {"title": {"regexp": pattern}}})
    assert "only literal text" in c.refused("Datasets/count", where={"title": {"regexp": f"/{pattern}/i"}})


@pytest.mark.parametrize(
    "where",
    [
        {"title": {"like": "%".join("a" * 8) + "%b"}},
        {"title": {"ilike": "%a" * 8 + "b"}},
        {"title": {"regexp": ".*a" * 7 + "b$"}},
        {"title": {"regexp": "." * 3000 + "$"}},
        {"title": {"nlike": "a" * 10_000}},
        {"text": "a" * 3001},
        {"text": "a" * 20_000},
    ],
    ids=lambda w: str(w)[:40],
)
def test_patterns_end(c, where):
    begun = time.monotonic()
    response = c.answer("Datasets", filter={"where": where})
    assert response.status_code in {200, 400}
    assert time.monotonic() - begun < SECONDS


@pytest.mark.parametrize("operator", ["like", "nlike", "ilike", "nilike"])
def test_too_many_wildcards_are_refused(c, operator):
    assert "any characters" in c.refused("Datasets", filter={"where": {"title": {operator: "%a" * 20}}})


# -- size

DEEP = {"title": "x"}
for _ in range(50):
    DEEP = {"and": [DEEP]}
DEEP_OR = {"title": "x"}
for n in range(11):
    DEEP_OR = {"or": [DEEP_OR, {"text": f"t{n}"}, {"and": [{"size": n}, {"title": {"neq": "y"}}]}]}
MIXED = {"size": 1}
for n in range(12):
    MIXED = {"and": [{"or": [MIXED, {"text": "abc"}]}]} if n % 2 else {"or": [MIXED, {"and": [{"size": n}]}]}


def nested(depth):
    """Return includes inside each other, there and back."""
    inner = [include("documents", {"text": "w"})]
    for n in range(depth - 1):
        inner = [include("documents" if n % 2 else "datasets", {"text": "e"}, *inner)]
    return inner


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"where": DEEP}, {400}),
        ({"where": DEEP_OR}, {200}),
        ({"where": {"and": [{"and": [{"size": n}]} for n in range(390)]}}, {200}),
        ({"where": {"or": [{"title": f"x{n}"} for n in range(390)]}}, {200}),
        ({"where": {"or": [{"text": f"x{n}"} for n in range(390)]}}, {200, 400}),
        ({"where": {"or": [{"title": {"like": f"x{n}%y%z"}} for n in range(390)]}}, {200, 400}),
        ({"where": {"and": [{"title": {"neq": f"x{n}"}} for n in range(390)]}}, {200}),
        ({"where": {"or": [{"title": f"x{n}"} for n in range(3000)]}}, {400}),
        ({"where": {"size": {"inq": list(range(10_000))}}}, {200}),
        ({"where": {"size": {"inq": list(range(10_001))}}}, {400}),
        ({"where": {"size": {"nin": list(range(10_000))}}}, {200}),
        ({"where": {"title": {"inq": [str(n) for n in range(5_000)]}}}, {200}),
        ({"include": [include("techniques", {"pid": {"inq": [str(n) for n in range(5_000)]}})]}, {200}),
        ({"include": [quantity("e", {"inq": list(range(6_000))}, "keV")]}, {400}),
        ({"include": [quantity("e", {"inq": list(range(390))}, "keV")]}, {200}),
        ({"include": [include("techniques", {"or": [{"name": {"like": f"x{n}"}} for n in range(390)]})]}, {200}),
        ({"include": [include("techniques", {"and": [{"name": {"nlike": f"x{n}"}} for n in range(390)]})]}, {200, 400}),
        ({"include": [include("techniques", {"or": [{"and": [{"name": f"x{n}"}, {"pid": {"neq": "a"}}]} for n in range(190)]})]}, {200, 400}),
        ({"include": [include("techniques", {"name": {"neq": str(n)}}) for n in range(30)]}, {200}),
        ({"include": ["files"] * 31}, {400}),
        ({"include": nested(4)}, {200, 400}),
        ({"include": [include("documents", None, *nested(5))]}, {400}),
        ({"include": [include("documents", None, include("datasets", None, include("documents", None, "datasets")))]}, {200, 400}),
        ({"include": [include("documents", {"text": "w"}, include("datasets", DEEP_OR, include("documents", {"text": "o"}, include("datasets", MIXED))))]}, {200, 400}),
        ({"where": {"title": "x" * 63_000}}, {200}),
        ({"order": ["title"] * 2500}, {200}),
        ({"fields": ["title"] * 4000}, {200}),
        ({"query": "copper " * 5000}, {200}),
        ({"query": " ".join(f"w{n}" for n in range(100))}, {200}),
        ({"query": " ".join(f"w{n}" for n in range(101))}, {400}),
        ({"limit": 10**12}, {400}),
        ({"where": {"size": 2**63 - 1}}, {200}),
        ({"where": {"size": -(2**63)}}, {200, 400}),
        ({"where": {"size": 1.5}}, {200}),
        ({"where": {"size": {"gt": 1e300}}}, {200}),
        ({"where": {"size": {"between": [-1e300, 1e300]}}}, {200}),
        ({"include": [quantity("e", {"gt": 1e308}, "YeV")]}, {200, 400}),
        ({"include": [include("files", {"id": "9" * 30})]}, {200}),
        ({"include": [include("files", {"id": 2**62})]}, {200}),
        ({"where": {"creationDate": "0001-01-01"}}, {200}),
        ({"where": {"creationDate": {"lt": "9999-12-31T23:59:59-12:00"}}}, {200, 400}),
        ({"where": {"creationDate": "2" * 5000}}, {400}),
    ],
    ids=lambda v: json.dumps(v)[:60] if isinstance(v, dict) else "",
)  # fmt: skip
def test_size(c, asked, status):
    for call, name, value in [("Datasets", "filter", asked)] + (
        [("Datasets/count", "where", asked["where"])] if list(asked) == ["where"] else []
    ):
        begun = time.monotonic()
        found, body = sent(c, call, **{name: value})
        assert found in status, body[:300]
        assert time.monotonic() - begun < SECONDS
    assert c.count("Instruments") == 0  # and the service is well


@pytest.mark.parametrize(("length", "expected"), [(64_000, 413), (100_000, 400), (1_000_000, 400)])
def test_a_filter_longer_than_allowed(c, length, expected):
    """An address of more than 65,535 bytes is refused by the HTTP server, before the service sees it."""
    begun = time.monotonic()
    status, body = sent(c, "Datasets", filter={"where": {"title": "x" * length}})
    assert (status, len(body) < 500) == (expected, True)
    if status == 413:
        assert json.loads(body)["error"]["message"] == "filter: longer than 64000 characters"
    assert time.monotonic() - begun < SECONDS


@pytest.mark.parametrize("raw", ["/api/Datasets?filter=%", "/api/Datasets?filter=%zz", "/api/Datasets?filter=%00", "/api/Datasets?%ff=1", "/api/Datasets?filter=%ff%fe", "/api/Datasets/%00", "/api/Datasets/%2e%2e%2f", "/api/Datasets?", "/api/Datasets?&&&", "/api//Datasets", "/api/Datasets//files", "/api/Datasets/%0d%0aX: y", "//api/Datasets", "/api/Datasets?filter={}#x", "/api/" + "a/" * 2000])  # fmt: skip
def test_raw_bytes(c, raw):
    response = c.http.get(raw)
    assert response.status_code < 500
    if response.status_code >= 400:
        assert response.json()["error"]["statusCode"] == response.status_code


def test_no_request_stops_the_others(c):
    """Slow ones side by side with quick ones: all are answered."""
    slow = {"where": {"or": [{"title": {"ilike": f"%{n}%a%a%a%"}} for n in range(300)]}}
    base = str(c.http.base_url)

    def ask(n):
        with httpx.Client(base_url=base, timeout=30) as http:
            if n % 2:
                return http.get("/api/Datasets", params={"filter": json.dumps(slow)}).status_code
            return http.get("/api/Datasets/count").status_code

    with ThreadPoolExecutor(8) as several:
        statuses = list(several.map(ask, range(16)))
    assert set(statuses) <= {200, 400}
    assert statuses[::2] == [200] * 8
