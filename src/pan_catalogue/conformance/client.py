"""Asks a provider, and keeps what was asked and what came back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from .. import __version__

SECONDS = 30.0  # for one answer
Object = dict[str, Any]


class Failed(Exception):
    """A provider does not do what it should; the text says what came back instead."""


class NotApplicable(Exception):
    """The provider's data has nothing to try it on; the text says what is missing."""


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        shown: what was asked, for people: not percent-encoded.
        status: HTTP status code; 0: there was no answer.
        headers: their names in lower case.
        text: the body.
    """

    shown: str
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None

    def told(self) -> str:
        """Return what came back, in one line."""
        body = " ".join(self.text.split())
        return f"{self.status or 'no answer'}: {body[:300]}{'...' if len(body) > 300 else ''}"  # noqa: PLR2004


class Client:
    """Asks one provider.

    Attributes:
        base: address of the API's base.
        asked: the last answer.
    """

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        self.asked: Answer | None = None
        self._http = httpx.Client(
            timeout=SECONDS, follow_redirects=True, headers={"User-Agent": f"pan-catalogue/{__version__} check"}
        )

    def __enter__(self) -> Client:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, headers: Object | None = None, **parameters: Any) -> Answer:
        """Ask; parameters that are no text are sent as JSON. A provider that does not answer gives status 0.

        Args:
            path: below the base, percent-encoded already (`segment`).
            headers: of the request.
            parameters: `filter` or `where`.
        """
        texts = {k: v if isinstance(v, str) else json.dumps(v, separators=(",", ":")) for k, v in parameters.items()}
        url = f"{self.base}/{path}"
        query = "&".join(f"{k}={quote(v, safe='')}" for k, v in texts.items())
        shown = f"{url}?{'&'.join(f'{k}={v}' for k, v in texts.items())}" if texts else url
        try:
            response = self._http.get(f"{url}?{query}" if query else url, headers=headers)
            self.asked = Answer(shown, response.status_code, dict(response.headers), response.text)
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            self.asked = Answer(shown, 0, {}, f"{type(e).__name__} {e}")
        return self.asked

    # -- answers that must be such

    def listed(self, path: str, filter: Any = None) -> list[Object]:  # noqa: A002 - its name in the API
        """Return the objects of a list."""
        answer = self.get(path, **({} if filter is None else {"filter": filter}))
        found = answer.json
        if answer.status != 200 or not isinstance(found, list) or not all(isinstance(o, dict) for o in found):  # noqa: PLR2004
            raise Failed(f"not a list of objects, {answer.told()}")
        return found

    def pids(self, path: str, filter: Any) -> list[str]:  # noqa: A002 - its name in the API
        """Return the pids of a list."""
        return [str(o.get("pid")) for o in self.listed(path, filter)]

    def one(self, path: str, **parameters: Any) -> Object:
        """Return one object."""
        answer = self.get(path, **parameters)
        found = answer.json
        if answer.status != 200 or not isinstance(found, dict):  # noqa: PLR2004
            raise Failed(f"not an object, {answer.told()}")
        return found

    def count(self, path: str, where: Any = None, *, bare: bool = True) -> int:
        """Return the number in a count; also of one that is a number alone, unless not `bare`: one check is about that."""
        answer = self.get(f"{path}/count", **({} if where is None else {"where": where}))
        found = answer.json
        if isinstance(found, dict):
            found, bare = found.get("count"), True
        if answer.status != 200 or not bare or type(found) is not int:  # noqa: PLR2004
            raise Failed(f'not {{"count": number}}, {answer.told()}')
        return int(found)

    def refused(self, path: str, status: int, **parameters: Any) -> Answer:
        """Return an answer that must have the status of a refusal."""
        answer = self.get(path, **parameters)
        if answer.status != status:
            raise Failed(f"not {status} but {answer.told()}")
        return answer


def segment(pid: str) -> str:
    """Return a pid as one segment of a path."""
    return quote(pid, safe="")


def include(relation: str, where: Any = None, inner: Sequence[Any] = ()) -> Object:
    """Return an include."""
    scope = {**({"where": where} if where is not None else {}), **({"include": list(inner)} if inner else {})}
    return {"relation": relation, **({"scope": scope} if scope else {})}


def expect(fine: bool, told: str) -> None:
    """Fail unless it is fine."""
    if not fine:
        raise Failed(told)
