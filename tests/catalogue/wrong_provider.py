"""A small search API that can be made wrong: in memory, as simple as can be, with the faults that real providers have, each switched on by its name.

It understands what `pan-catalogue check` asks and no more.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Object = dict[str, Any]
FIELDS = {
    "Datasets": {"pid", "title", "isPublic", "creationDate"},
    "Documents": {"pid", "title", "isPublic", "type"},
    "Instruments": {"pid", "name", "facility"},
    "techniques": {"pid", "name"},
    "parameters": {"name", "value", "unit"},
    "files": {"name"},
    "instrument": {"pid", "name"},
    "samples": {"pid", "name"},
    "documents": {"pid", "title"},
    "datasets": {"pid", "title"},
}
RELATIONS = {
    "Datasets": {"documents", "techniques", "instrument", "files", "parameters", "samples"},
    "Documents": {"datasets"},
    "Instruments": {"datasets"},
    "datasets": {"files", "techniques"},
}
KEYS = {"where", "include", "limit", "skip", "query"}
SI = {
    "eV": (1.602176634e-19, 0.0),
    "keV": (1.602176634e-16, 0.0),
    "nm": (1e-9, 0.0),
    "s": (1.0, 0.0),
    "K": (1.0, 0.0),
    "celsius": (1.0, 273.15),
}
DIMENSION = {"eV": "energy", "keV": "energy", "nm": "length", "s": "time", "K": "temperature", "celsius": "temperature"}


class Refused(Exception):  # noqa: N818 - as in the service
    """A request that is refused."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def data() -> dict[str, list[Object]]:
    """Return the records."""
    techniques = [{"pid": "t:imaging", "name": "imaging"}, {"pid": "t:scattering", "name": "scattering"}]
    datasets = [
        {
            "pid": f"10.1/{n}",
            "title": ["Corrosion of copper", "Magnets in motion", "Willow roots", "Copper again", "Glass", "Iron"][n],
            "isPublic": True,
            "creationDate": "2020-05-05T00:00:00.000Z",
            "techniques": [[techniques[0]], techniques, [techniques[1]], [], [techniques[0]], []][n],
            "parameters": [{"name": "energy", "value": 900 + n, "unit": "eV"}, {"name": "state", "value": "solid"}] if n % 2 else [],
            "files": [{"name": f"f{k}.h5"} for k in range(n % 3)],
            "instrument": {"pid": f"i{n % 2}", "name": f"Line {n % 2}"} if n else None,
            "samples": [],
            "documents": [{"pid": "10.1/d", "title": "Proposal"}],
        }
        for n in range(6)
    ]  # fmt: skip
    instruments = [
        {"pid": f"i{k}", "name": f"Line {k}", "facility": "Demo", "datasets": [d for d in datasets if (d["instrument"] or {}).get("pid") == f"i{k}"]}
        for k in range(2)
    ]  # fmt: skip
    documents = [{"pid": "10.1/d", "title": "Proposal", "isPublic": True, "type": "proposal", "datasets": datasets}]
    return {"Datasets": datasets, "Documents": documents, "Instruments": instruments}


class Provider:
    """Answers.

    Args:
        faults: names of what it does wrong; they are those of the functions' conditions below.
    """

    def __init__(self, *faults: str) -> None:
        self.faults = set(faults)
        self.data = data()
        self.app = Starlette(routes=[Route("/api/{rest:path}", self.answer)])

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        try:
            response: Response = JSONResponse(self.called(request))
        except Refused as e:
            error = {"statusCode": e.status, "name": "Error", "message": str(e)}
            if "stack traces" in self.faults:
                error["stack"] = "Error: at server.js:5"
            response = JSONResponse({"error": error}, e.status)
            if "html errors" in self.faults:
                response = PlainTextResponse("<h1>Error</h1>", e.status)
        if "no CORS" not in self.faults:
            response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    def called(self, request: Request) -> Any:
        """Return the body of an answer."""
        raw = request.scope["raw_path"].decode().removeprefix("/api/")
        name, *rest = (request.url.path.removeprefix("/api/") if "decoded paths" in self.faults else raw).split("/")
        path = next((p for p in self.data if p.lower() == name.lower()), None)
        if path is None or ("upper case only" in self.faults and path != name):
            raise Refused(404, "no such path")
        parameters = request.query_params
        if rest[:1] == ["count"]:
            where = self.decoded(parameters.get("where"))
            if "count without text" in self.faults and "text" in where:
                return {"count": 0}
            n = len(self.found(path, {} if "counts all" in self.faults else {"where": where}))
            return n if "bare count" in self.faults else {"count": n}
        asked = self.decoded(parameters.get("filter"))
        if not rest:
            return [self.shown(path, o, asked) for o in self.found(path, asked)]
        one = next((o for o in self.data[path] if o["pid"] == unquote(rest[0])), None)
        if one is None or (len(rest) > 1 and "/".join(rest[1:]) not in {"files", "files/count"}):
            raise Refused(500 if "unknown pid 500" in self.faults else 404, "unknown id")
        if len(rest) > 1:
            if "no files" in self.faults:
                raise Refused(404, "no such path")
            files = [f for f in one["files"] if self.meets("files", f, asked.get("where", {}))]
            return {"count": len(files)} if rest[-1] == "count" else files
        return {k: v for k, v in one.items() if k in FIELDS[path]}

    def decoded(self, text: str | None) -> Object:
        """Return a JSON object."""
        try:
            found = json.loads(text) if text is not None else {}
        except ValueError:
            raise Refused(400, "not JSON") from None
        if "quotes end texts" in self.faults and "'" in str(text):
            raise Refused(500, "syntax error")
        if not isinstance(found, dict) and "any JSON" in self.faults:
            return {}
        if not isinstance(found, dict):
            raise Refused(400, "no object")
        return found

    def found(self, path: str, asked: Object) -> list[Object]:
        """Return the objects that a filter finds."""
        if asked.keys() - KEYS and "unknown keys ignored" not in self.faults:
            raise Refused(400, "unknown key")
        limit, skip = asked.get("limit", 0), asked.get("skip", 0)
        if not isinstance(limit, int) or limit < 0:
            if "bad limit 500" in self.faults:
                raise Refused(500, "limit")
            raise Refused(400, "limit")
        some = [o for o in self.data[path] if self.meets(path, o, asked.get("where", {}))]
        includes = asked.get("include", [])
        for i in includes:
            if i["relation"] not in RELATIONS[path]:
                raise Refused(500 if "unknown relation 500" in self.faults else 400, "unknown relation")
        if "query" in asked:
            words = asked["query"].lower().split()
            some = [o for o in some if any(w in o["title"].lower() for w in words)]
        window = slice(skip, skip + limit if limit else None)
        if "overlapping pages" in self.faults and skip:
            window = slice(skip - 1, skip - 1 + limit)
        if "another order with includes" in self.faults and includes:  # which is no fault
            some.reverse()
        if "limit before includes" in self.faults:
            return [o for o in some[window] if self.kept(path, o, includes)]
        return [o for o in some if self.kept(path, o, includes)][window]

    def kept(self, path: str, o: Object, includes: list[Object]) -> bool:
        """Whether a parent has what its includes ask for."""
        if "includes filter nothing" in self.faults:
            return True
        return all(self.has(path, o, i) for i in includes)

    def has(self, path: str, o: Object, i: Object) -> bool:
        """Whether a parent has what one include asks for."""
        scope, children = i.get("scope", {}), self.children(o, i["relation"])
        if not scope:
            return bool(children) if "outer includes filter" in self.faults else True
        where = scope.get("where", {})
        if i["relation"] == "techniques" and "neq" in str(where):
            return self.without(children, where)
        return any(
            self.meets(i["relation"], c, where) and all(self.has(i["relation"], c, n) for n in scope.get("include", []))
            for c in children
        )

    def without(self, techniques: list[Object], where: Object) -> bool:
        """Whether none of the techniques is the one that must not be."""
        pids = [t["pid"] for t in techniques]
        if "neq has another" in self.faults:
            return any(p != where["pid"]["neq"] for p in pids)
        return where["pid"]["neq"] not in pids

    def children(self, o: Object, relation: str) -> list[Object]:
        """Return related objects."""
        held = o.get(relation)
        return held if isinstance(held, list) else [held] if held else []

    def meets(self, path: str, o: Object, where: Object) -> bool:
        """Whether an object meets a condition."""
        unit = next((p["unit"] for p in where.get("and", []) if "unit" in p), None) if path == "parameters" else None
        return all(self.one(path, o, k, v, unit) for k, v in where.items())

    def one(self, path: str, o: Object, key: str, value: Any, unit: str | None) -> bool:
        """Whether an object meets the condition of one key."""
        if key in {"and", "or"}:
            if key == "or" and "or as and" in self.faults:
                key = "and"
            return (all if key == "and" else any)(
                all(self.one(path, o, k, v, unit) for k, v in part.items()) for part in value
            )
        if key == "text":
            title = o.get("title", o.get("name", ""))
            return value in title if "text regards case" in self.faults else value.lower() in title.lower()
        if key not in FIELDS[path]:
            if "unknown fields find nothing" in self.faults:
                return False
            raise Refused(400, "unknown field")
        held = o.get(key)
        if path == "parameters" and key == "unit" and "units compared as text" not in self.faults:
            return held is not None and DIMENSION.get(held) == DIMENSION.get(value)
        by_unit = path == "parameters" and key == "value" and unit and "units compared as text" not in self.faults
        if by_unit and isinstance(held, (int, float)):
            if DIMENSION.get(unit) != DIMENSION.get(o["unit"]):
                return False
            held = converted(held, o["unit"], unit)
        operators = value if isinstance(value, dict) else {"eq": value}
        return all(self.compared(path, held, op, v) for op, v in operators.items())

    def compared(self, path: str, held: Any, op: str, value: Any) -> bool:
        """Whether a value meets an operator."""
        if path == "parameters" and "few operators" in self.faults and op not in {"eq", "between", "lt", "gt"}:
            return False
        if path != "parameters" and op == "inq" and "no lists of values" in self.faults:
            return False
        if op not in {"eq", "neq", "inq", "between", "gt", "gte", "lt", "lte"}:
            if "unknown operators find nothing" in self.faults:
                return False
            raise Refused(400, "unknown operator")
        numbers = isinstance(held, (int, float))
        ways: dict[str, Callable[[], bool]] = {
            "eq": lambda: held == value, "neq": lambda: held != value, "inq": lambda: held in value,
            "between": lambda: numbers and value[0] <= held <= value[1],
            "gt": lambda: numbers and held > value, "gte": lambda: numbers and held >= value, "lt": lambda: numbers and held < value, "lte": lambda: numbers and held <= value,
        }  # fmt: skip
        return bool(ways[op]())

    def shown(self, path: str, o: Object, asked: Object) -> Object:
        """Return an object with what it includes."""
        made = {k: deepcopy(v) for k, v in o.items() if k in FIELDS[path]}
        if "no titles" in self.faults:
            made.pop("title", None)
        for i in asked.get("include", []):
            where = i.get("scope", {}).get("where", {})
            children = self.children(o, i["relation"])
            if i["relation"] not in {"parameters", "techniques"} and "all children" not in self.faults:
                children = [c for c in children if self.meets(i["relation"], c, where)]
            unit = next((p["unit"] for p in where.get("and", []) if "unit" in p), None)
            children = [
                self.in_unit({k: v for k, v in c.items() if k in FIELDS[i["relation"]]}, unit) for c in children
            ]
            if i["relation"] == "parameters" and "numbers as texts" in self.faults:
                children = [{**c, "value": str(c["value"])} for c in children]
            made[i["relation"]] = (children or [None])[0] if i["relation"] == "instrument" else children
        made["score"] = 0.5
        if "score 0" in self.faults or ("score 1" in self.faults and "query" in asked):
            made["score"] = 0 if "score 0" in self.faults else 1.0
        return made

    def in_unit(self, child: Object, unit: str | None) -> Object:
        """Return a parameter in the unit that was asked for."""
        own = child.get("unit")
        if unit and own and DIMENSION.get(own) == DIMENSION[unit] and not {"units compared as text", "values not given back"} & self.faults:  # fmt: skip
            child.update(value=converted(child["value"], own, unit), unit=unit)
            if "values rounded" in self.faults:
                child["value"] = float(f"{child['value']:.2g}")
        return child


def converted(value: float, own: str, wanted: str) -> float:
    """Return a value in another unit."""
    (factor, offset), (into, away) = SI[own], SI[wanted]
    return float(f"{(value * factor + offset - away) / into:.12g}")
