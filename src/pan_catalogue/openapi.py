"""The OpenAPI 3.1 document, made from the tables that the service itself reads."""

from __future__ import annotations

from typing import Any

from . import __version__, facets
from .api import BASE
from .model import MODELS, Model, Type
from .operators import OPERATORS
from .settings import Settings

TYPES: dict[Type, dict[str, Any]] = {
    Type.STRING: {"type": "string"},
    Type.BOOLEAN: {"type": "boolean"},
    Type.INTEGER: {"type": "integer"},
    Type.DATE: {"type": "string", "format": "date-time"},
    Type.VALUE: {"type": ["number", "string"]},
    Type.STRINGS: {"type": "array", "items": {"type": "string"}},
    Type.ID: {"type": "string"},
}
FILTER = "JSON object with `where`, `include`, `limit`, `skip`, `order`, `fields` and `query`. Operators of `where`: "


def document(of: Settings, url: str) -> dict[str, Any]:
    """Return the document.

    Args:
        of: the service's settings.
        url: address of the service, used where the settings name none.
    """
    paths: dict[str, Any] = {}
    for key, model in MODELS.items():
        if model.path:
            paths |= calls(key, model)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"PaNOSC search API of {of.facility.name}" if of.facility.name else "PaNOSC search API",
            "version": __version__,
            "description": "Public metadata of a photon and neutron facility. Source: panosc-eu/search-api 1.1.",
        },
        "servers": [{"url": (of.server.url or url) + BASE}],
        "paths": paths,
        "components": {"schemas": {m.name: schema(m) for m in MODELS.values()} | {"Error": error()}},
    }


def calls(key: str, model: Model) -> dict[str, Any]:
    """Return the paths of one class."""
    one = {"$ref": f"#/components/schemas/{model.name}"}
    told = {
        f"/{model.path}": get(f"{model.path} that meet a filter", ["filter"], {"type": "array", "items": one}),
        f"/{model.path}/count": get(f"How many {model.path} meet a condition", ["where", "filter"], count()),
        f"/{model.path}/{{pid}}": get(f"One {model.name} by its pid, slashes as %2F", ["pid", "filter"], one),
    }
    if key == "Dataset":
        for name in facets.NAMES:
            told[f"/{model.path}/facets/{name}"] = get(
                f"How many Datasets that meet a filter each {name.removesuffix('s')} has", ["filter"], facet()
            )
        files = {"type": "array", "items": {"$ref": "#/components/schemas/File"}}
        told[f"/{model.path}/{{pid}}/files"] = get("Files of a dataset", ["pid", "filter"], files)
        told[f"/{model.path}/{{pid}}/files/count"] = get(
            "How many files of a dataset meet a condition", ["pid", "where"], count()
        )
    return told


def get(summary: str, parameters: list[str], body: dict[str, Any]) -> dict[str, Any]:
    """Return one call."""
    operators = "; ".join(f"`{o.name}` ({o.meaning})" for o in OPERATORS.values())
    described = {
        "filter": {"name": "filter", "in": "query", "schema": {"type": "string"}, "description": FILTER + operators},
        "where": {
            "name": "where",
            "in": "query",
            "schema": {"type": "string"},
            "description": "JSON object, as `where` in a filter",
        },
        "pid": {"name": "pid", "in": "path", "required": True, "schema": {"type": "string"}},
    }
    failed = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    answers: dict[str, Any] = {
        "200": {"description": "found", "content": {"application/json": {"schema": body}}},
        "400": {"description": "a filter without a meaning", **failed},
    }
    if "pid" in parameters:
        answers["404"] = {"description": "no such record, or none that is public", **failed}
    return {"get": {"summary": summary, "parameters": [described[p] for p in parameters], "responses": answers}}


def schema(model: Model) -> dict[str, Any]:
    """Return the schema of one class, with what it may include."""
    properties: dict[str, Any] = {f.name: TYPES[f.type] for f in model.fields.values()}
    if model.path:
        properties["score"] = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    for relation in model.relations.values():
        target = {"$ref": f"#/components/schemas/{MODELS[relation.target].name}"}
        properties[relation.name] = {"type": "array", "items": target} if relation.many else target
    return {"type": "object", "properties": properties}


def count() -> dict[str, Any]:
    """Return the schema of a count."""
    return {"type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"]}


def facet() -> dict[str, Any]:
    """Return the schema of a facet."""
    told = {"pid": {"type": "string"}, "name": {"type": "string"}, "count": {"type": "integer"}}
    return {"type": "array", "items": {"type": "object", "properties": told, "required": ["pid", "count"]}}


def error() -> dict[str, Any]:
    """Return the schema of an error."""
    told = {
        "statusCode": {"type": "integer"},
        "name": {"type": "string"},
        "message": {"type": "string"},
        "code": {"type": "string"},
    }
    return {"type": "object", "properties": {"error": {"type": "object", "properties": told}}}
