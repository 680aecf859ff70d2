"""What has no meaning is refused, and the message names what is meant (checks 11 and 12)."""

import pytest
from served import dataset, document, instrument, segment

from pan_catalogue.settings import Limits

RECORDS = [
    instrument("i"),
    document("doc"),
    dataset("10.1/a", instrument="i", documents=["doc"], parameters=[{"name": "e", "value": 1, "unit": "eV"}], files=[{"name": "f"}]),
]  # fmt: skip
PATHS = ["Datasets", "Documents", "Instruments"]


@pytest.fixture(scope="module")
def c(make):
    return make(RECORDS)


def error(response):
    """Return the error of an answer, whose shape is that of the reference provider, and nothing else is in it."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    assert list(body["error"]) == ["statusCode", "name", "message", "code"]
    assert body["error"]["statusCode"] == response.status_code
    for trace in ("Traceback", 'File "', ".py", "sqlite", "psycopg", "SELECT"):
        assert trace not in response.text
    return body["error"]


NO_OBJECT = ["", " ", "{", "[]", "[{}]", "1", "1.5", '"text"', "null", "true", "{}{}", "{'where': {}}", '{"where": {}', "undefined", "NaN", '{"a": NaN}', '{"a": 1e999}', "\ufeff{}", '{"where": "\\ud800"}', "{" * 5000, "[" * 5000, '{"a":' * 5000]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("text", NO_OBJECT, ids=lambda t: t[:12] or "empty")
def test_what_is_no_json_object(c, path, text):
    calls = [(path, "filter"), (f"{path}/count", "where"), (f"{path}/i", "filter")]
    if path == "Datasets":
        calls += [(f"Datasets/{segment('10.1/a')}/files", "filter"), (f"Datasets/{segment('10.1/a')}/files/count", "where")]  # fmt: skip
    for call, name in calls:
        response = c.answer(call, **{name: text})
        assert response.status_code == 400, call
        found = error(response)
        assert found["code"] == "BAD_FILTER"
        assert found["message"].startswith(name)


def w(where):
    return {"where": where}


def i(relation, **scope):
    return {"include": [{"relation": relation, "scope": scope}]}


REFUSED = [
    # filter -> what the message must begin with, and hold
    ({"wheer": {}}, "filter.wheer: unknown key", "did you mean where?"),
    ({"offset": 3}, "filter.offset", "known are"),
    (w({"titel": "x"}), "filter.where.titel: a Dataset has no such field", "did you mean title?"),
    (w({"Title": "x"}), "filter.where.Title", "did you mean title?"),
    (w({"and": [{"title": "x"}, {"or": [{"nope": 1}]}]}), "filter.where.and[1].or[0].nope", ""),
    (w({"techniques.name": "x"}), "filter.where.techniques.name", ""),
    (w({"title": {"lik": "x"}}), "filter.where.title.lik: unknown operator", "did you mean like?"),
    (w({"title": {"$regex": "x"}}), "filter.where.title.$regex: unknown operator", ""),
    (w({"$where": "1"}), "filter.where.$where", ""),
    (w({"location": {"near": "0,0"}}), "filter.where.location", ""),
    (w({"title": {"near": "0,0"}}), "filter.where.title.near: unknown operator", ""),
    (w([]), "filter.where: must be an object, not a list", ""),
    (w("title"), "filter.where: must be an object, not text", ""),
    (w({"and": {"title": "x"}}), "filter.where.and: must be a list of objects, not an object", ""),
    (w({"or": "x"}), "filter.where.or: must be a list", ""),
    (w({"or": ["x"]}), "filter.where.or[0]: must be an object, not text", ""),
    (w({"title": 5}), "filter.where.title: must be text, not a number", ""),
    (w({"title": ["a"]}), "filter.where.title: must be text, not a list", ""),
    (w({"title": {"inq": "a"}}), "filter.where.title.inq: must be a list of values, not text", ""),
    (w({"title": {"inq": [1]}}), "filter.where.title.inq: must be text, not a number", ""),
    (w({"title": {"nin": {"a": 1}}}), "filter.where.title.nin: must be a list", ""),
    (w({"size": {"between": [1]}}), "filter.where.size.between: must be a list of two values, not of 1", ""),
    (w({"size": {"between": [1, 2, 3]}}), "filter.where.size.between: must be a list of two values, not of 3", ""),
    (w({"size": {"between": 5}}), "filter.where.size.between: must be a list of two values, not a number", ""),
    (w({"size": {"between": [1, None]}}), "filter.where.size.between", ""),
    (w({"size": "large"}), "filter.where.size: size is a whole number, not text", ""),
    (w({"size": True}), "filter.where.size: size is a whole number, not true or false", ""),
    (w({"size": {"gt": None}}), "filter.where.size.gt", ""),
    (w({"size": 10**30}), "filter.where.size: the number is too large", ""),
    (w({"size": {"like": "1"}}), "filter.where.size.like: like cannot be used on size", ""),
    (w({"isPublic": "true"}), "filter.where.isPublic: isPublic is true or false, not text", ""),
    (w({"isPublic": {"gt": False}}), "filter.where.isPublic.gt: gt cannot be used on isPublic", ""),
    (w({"creationDate": "yesterday"}), "filter.where.creationDate: 'yesterday' is not a date", ""),
    (w({"creationDate": 2020}), "filter.where.creationDate", ""),
    (w({"creationDate": {"between": ["2020", "2020-13-01"]}}), "filter.where.creationDate.between: '2020-13-01'", ""),
    (w({"text": 5}), "filter.where.text: must be text", ""),
    (w({"text": {"like": "x"}}), "filter.where.text: must be text, not an object", ""),
    (w({"title": {"like": 5}}), "filter.where.title.like: must be text", ""),
    (w({"title": {"regexp": "(a|b)"}}), "filter.where.title.regexp: '(a|b)'", "only literal text"),
    (w({"title": "a\0b"}), "filter.where.title: has a NUL character", ""),
    (w({"text": "a\0b"}), "filter.where.text: has a NUL character", ""),
    (w({"title": {"inq": ["a\0b"]}}), "filter.where.title.inq: has a NUL character", ""),
    ({"include": "tecniques"}, "filter.include.relation: a Dataset has no relation 'tecniques'", "did you mean techniques?"),
    ({"include": ["datasets"]}, "filter.include[0].relation: a Dataset has no relation", ""),
    ({"include": [{"scope": {}}]}, "filter.include[0].relation", ""),
    ({"include": [{"relation": 5}]}, "filter.include[0].relation", ""),
    ({"include": [{"relation": "files", "scop": {}}]}, "filter.include[0].scop: unknown key", "did you mean scope?"),
    ({"include": [{"relation": "files", "scope": []}]}, "filter.include[0].scope: must be an object", ""),
    ({"include": 5}, "filter.include: must be", ""),
    ({"include": [["files"]]}, "filter.include[0]: must be", ""),
    (i("files", where={"titel": 1}), "filter.include[0].scope.where.titel: a File has no such field", ""),
    (i("files", query="x"), "filter.include[0].scope.query: unknown key", ""),
    (i("files", limit=-1), "filter.include[0].scope.limit", ""),
    (i("documents", include=["nobody"]), "filter.include[0].scope.include[0].relation: a Document has no relation", ""),
    (i("parameters", where={"text": "x"}), "filter.include[0].scope.where.text: a Parameter has no text", ""),
    (i("parameters", where={"value": True}), "filter.include[0].scope.where.value", ""),
    (i("parameters", where={"value": {"between": [1, "2"]}}), "filter.include[0].scope.where.value.between", ""),
    (i("parameters", where={"unit": "furlong"}), "filter.include[0].scope.where.unit: unknown unit 'furlong'", ""),
    (i("techniques", where={"pit": "x"}), "filter.include[0].scope.where.pit: a Technique has no such field", "did you mean pid?"),
    *(({"limit": v}, "filter.limit: must be a whole number", "") for v in (-1, 1.5, "x", "5", True, [], {})),
    *(({"skip": v}, "filter.skip: must be a whole number", "") for v in (-1, 1.5, "x", True, [])),
    ({"limit": 10**12}, "filter.limit: 1000000000000 is more than", ""),
    ({"skip": 10**19}, "filter.skip", ""),
    ({"order": "nothing"}, "filter.order: cannot order by 'nothing'", ""),
    ({"order": "title UP"}, "filter.order: must be like", ""),
    ({"order": "title; DROP TABLE dataset"}, "filter.order: must be like", ""),
    ({"order": [5]}, "filter.order: must be text", ""),
    ({"order": {"title": 1}}, "filter.order: must be text", ""),
    ({"fields": 5}, "filter.fields: must be a list", ""),
    ({"fields": ["titel"]}, "filter.fields.titel: a Dataset has no such field", ""),
    ({"fields": {"title": 1}}, "filter.fields: must be a list", ""),
    ({"query": 5}, "filter.query: must be text", ""),
    ({"query": ["x"]}, "filter.query: must be text", ""),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "begin", "hint"), REFUSED, ids=lambda v: str(v)[:50] if isinstance(v, dict) else "")
def test_refused(c, asked, begin, hint):
    response = c.answer("Datasets", filter=asked)
    assert response.status_code == 400
    found = error(response)
    assert (found["name"], found["code"]) == ("BadFilter", "BAD_FILTER")
    assert found["message"].startswith(begin)
    assert hint in found["message"]


@pytest.mark.parametrize("where", [w for a, *_ in REFUSED if isinstance(w := a.get("where"), dict)], ids=str)
def test_a_count_refuses_the_same(c, where):
    message = c.refused("Datasets/count", where=where)
    listed = c.refused("Datasets", filter={"where": where})
    assert listed == f"filter.{message}"


def test_one_record_has_no_page(c):
    for asked in ({"where": {"title": "x"}}, {"limit": 1}, {"skip": 1}, {"order": "pid"}, {"query": "x"}):
        assert "only `include` and `fields`" in c.refused(f"Datasets/{segment('10.1/a')}", filter=asked)
    assert c.get(f"Datasets/{segment('10.1/a')}", filter={"fields": ["pid"]}) == {"pid": "10.1/a"}


@pytest.mark.parametrize(("path", "query", "names"), [("Datasets", "where={}", "where"), ("Datasets", "filters={}", "filters"), ("Datasets/count", "limit=5", "limit"), ("Datasets", "limit=5", "limit"), ("Datasets", "filter={}&filter={}", "filter"), ("Datasets", "access_token=x", "access_token")])  # fmt: skip
def test_a_parameter_that_the_call_does_not_have_is_named(c, path, query, names):
    response = c.http.get(f"/api/{path}?{query}")
    assert response.status_code == 400
    assert error(response)["message"].startswith(f"{names}:")


@pytest.mark.parametrize("path", ["Datasets/%ff", "%ff", "Datasets/%c3%28/files"])
def test_a_path_that_is_no_text(c, path):
    response = c.http.get(f"/api/{path}")
    assert response.status_code == 400
    assert error(response)["message"] == "path: not UTF-8"


def test_a_misspelt_path_is_told(c):
    assert "did you mean /api/Datasets?" in c.refused("Dataset", 404)
    assert "did you mean /api/Instruments?" in c.refused("instrument/i", 404)
    response = c.http.get("/api/samples")
    assert response.status_code == 404
    assert "no path" in error(response)["message"]


# -- as the reference provider does, where a facility says so


def test_tolerant(make):
    c = make(RECORDS, limits=Limits(tolerant=True))
    assert c.pids("Datasets", {"wheer": {}, "offset": 3}) == ["10.1/a"]
    assert c.pids("Datasets", {"where": {"titel": "x"}}) == []
    assert c.pids("Datasets", {"where": {"title": {"lik": "x"}}}) == []
    assert c.pids("Datasets", {"where": {"or": [{"titel": "x"}, {"pid": "10.1/a"}]}}) == ["10.1/a"]
    assert c.pids("Datasets", {"fields": ["pid", "nothing"]}) == ["10.1/a"]
    assert c.http.get("/api/Datasets?access_token=x").status_code == 200
    assert c.get(f"Datasets/{segment('10.1/a')}", filter={"limit": 5})["pid"] == "10.1/a"
    # what has no meaning at all is refused all the same
    for asked in ([], {"limit": -1}, {"include": ["nobody"]}, {"where": []}, {"where": {"size": "large"}}):
        c.refused("Datasets", filter=asked)


def test_a_client_that_asks_too_often_is_told_when_to_come_back(make):
    c = make(RECORDS, limits=Limits(requests=1, burst=5))
    answers = [c.http.get("/api/Datasets/count") for _ in range(8)]
    assert [a.status_code for a in answers[:5]] == [200] * 5
    late = answers[-1]
    assert late.status_code == 429
    assert late.json()["error"]["code"] == "TOO_MANY_REQUESTS"
    assert 1 <= int(late.headers["retry-after"]) <= 2
    assert c.http.get("/health").status_code == 200  # whoever watches the service is not counted
