"""HTTP: which call of the search API a request is, and its answer.

The path is read from the raw bytes: a pid is one segment with its slashes as `%2F` (every DOI has one), and a framework's router has decoded them already. Names in paths are
compared without regard to case, for clients of the reference provider use both `/Datasets` and `/datasets`.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from . import facets
from .errors import BadFilter, NotFound, RequestError, StoreError
from .grammar import model_at
from .model import MODELS
from .provider import Provider

BASE = "/api"
JSON = "application/json"
log = logging.getLogger(__name__)
encode = msgspec.json.encode


@dataclass
class SearchAPI:
    """The calls below `BASE`.

    Attributes:
        provider: answers them. It has one connection and works in the loop itself: a thread of its own costs a seventh of all answers, more of them cost more (SQLite's
            module gives up Python's lock at every row), and what waits for the loop would wait for the connection. Cores are used by processes; an idle one takes the
            next client from the socket that all listen on.
    """

    provider: Provider

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        model, pid, call = parsed(raw_path(request))
        request.scope["call"] = f"{model} {call}"  # for the log and the metrics
        tolerant = self.provider.settings.limits.tolerant
        of = self.provider
        match call:
            case "list":
                text = parameter(request, "filter", tolerant)
                objects, more = of.listed(model, text)
                return Response(
                    encode(objects), media_type=JSON, headers=following(request, text, len(objects)) if more else None
                )
            case "count":
                where, whole = parameters(request, ("where", "filter"), tolerant)
                return answer({"count": of.count(model, where, whole)})
            case "facets":
                text = parameter(request, "filter", tolerant)
                return answer(of.facet(pid, text))
            case "files":
                text = parameter(request, "filter", tolerant)
                return answer(of.files(pid, text))
            case "files/count":
                text = parameter(request, "where", tolerant)
                return answer({"count": of.files_count(pid, text)})
        text = parameter(request, "filter", tolerant)
        return answer(of.one(model, pid, text))


def raw_path(request: Request) -> str:
    """Return the path as it was sent, still percent-encoded."""
    raw = request.scope.get("raw_path")
    return raw.decode("ascii", "replace") if raw else quote(request.scope["path"])


def parsed(path: str) -> tuple[str, str, str]:
    """Return (key of the class, pid or name of the facet or an empty text, call): `list`, `count`, `one`, `facets`, `files` or `files/count`.

    Raises:
        NotFound: there is no such call.
    """
    segments = path.partition("?")[0].removeprefix(BASE).strip("/").split("/")
    model = model_at(decoded(segments[0]))
    if model is None:
        near = difflib.get_close_matches(
            decoded(segments[0]).lower(), [m.path.lower() for m in MODELS.values() if m.path], 1
        )
        raise NotFound(
            f"There is no path {decoded(path)!r}" + (f"; did you mean {BASE}/{near[0].capitalize()}?" if near else "")
        )
    rest = segments[1:]
    lower = [s.lower() for s in rest]
    if not rest:
        return model, "", "list"
    if lower == ["count"]:
        return model, "", "count"
    if model == "Dataset" and len(rest) == 2 and lower[0] == "facets" and lower[1] in facets.NAMES:  # noqa: PLR2004
        return model, lower[1], "facets"
    if model == "Dataset" and len(rest) > 1 and lower[-1] == "files":
        return model, decoded("/".join(rest[:-1])), "files"
    if model == "Dataset" and len(rest) > 2 and lower[-2:] == ["files", "count"]:  # noqa: PLR2004
        return model, decoded("/".join(rest[:-2])), "files/count"
    return model, decoded("/".join(rest)), "one"


def decoded(text: str) -> str:
    """Return percent-encoded UTF-8 as text.

    Raises:
        BadFilter: it is not UTF-8.
    """
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise BadFilter("not UTF-8", "path") from None


def parameter(request: Request, name: str, tolerant: bool) -> str | None:
    """Return the one parameter that a call has; see `parameters`."""
    return parameters(request, (name,), tolerant)[0]


def parameters(request: Request, names: Sequence[str], tolerant: bool) -> list[str | None]:
    """Return the parameters that a call has, None for those that were not given.

    Raises:
        BadFilter: there is another one, or one is there twice.
    """
    given = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    for key, _ in given:
        if key not in names and not tolerant:
            raise BadFilter(f"unknown parameter; this call has {' and '.join(map(repr, names))}", key[:60])
    found = [[v for k, v in given if k == name] for name in names]
    for name, values in zip(names, found, strict=True):
        if len(values) > 1:
            raise BadFilter("is there more than once", name)
    return [values[0] if values else None for values in found]


def following(request: Request, text: str | None, taken: int) -> dict[str, str]:
    """Return the header that says where the rest is: an answer without a limit is cut at the most that one may hold (RFC 8288)."""
    asked = msgspec.json.decode(text) if text else {}
    asked["skip"] = (asked.get("skip") or 0) + taken
    address = request.url.replace(query=f"filter={quote(msgspec.json.encode(asked).decode())}")
    return {"Link": f'<{address}>; rel="next"'}


def answer(body: Any) -> Response:
    """Return a JSON answer."""
    return Response(encode(body), media_type=JSON)


async def request_error(_: Request, error: Exception) -> Response:
    """Return the answer to a request that the client can mend."""
    if not isinstance(error, RequestError):
        raise error
    return Response(encode(error.body()), status_code=error.status, media_type=JSON)


async def store_error(_: Request, error: Exception) -> Response:
    """Return the answer while the database cannot be used; the log says why."""
    if isinstance(error, StoreError):
        log.error("the store cannot be used: %s", error)
    refused = plain_error(503, "The catalogue's database cannot be used at the moment", "STORE_UNAVAILABLE")
    refused.headers["Retry-After"] = "5"
    return refused


async def unexpected(_: Request, __: Exception) -> Response:
    """Return the answer to an error of ours: nothing of it is told."""
    return plain_error(500, "Internal error; the log has it", "INTERNAL")


def plain_error(status: int, message: str, code: str) -> Response:
    """Return an error that is not about a filter."""
    return Response(
        encode({"error": {"statusCode": status, "name": "Error", "message": message, "code": code}}),
        status_code=status,
        media_type=JSON,
    )
