# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""HTTP to the Admin REST API of one Keycloak realm.

One keep-alive session, one token, bounded retries, a request counter. Knows nothing of Ansible and
nothing of what a realm holds. API meant: https://www.keycloak.org/docs-api/26.7.5/rest-api/
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from .errors import LoginError, RefusedError, RightsError, ServerError, UnreachableError

try:
    import requests
    from requests.adapters import HTTPAdapter
except ImportError:  # the module reports it with missing_required_lib
    HAS_REQUESTS = False
    LOST: tuple[type[Exception], ...] = (ConnectionError, TimeoutError)
    UNTRUSTED: tuple[type[Exception], ...] = ()
else:
    HAS_REQUESTS = True
    LOST = (requests.exceptions.ConnectionError, requests.exceptions.Timeout, requests.exceptions.ChunkedEncodingError)
    UNTRUSTED = (requests.exceptions.SSLError,)

Json = Any  # what json.loads gives
PAUSES = (0.3, 1.0, 2.0)  # seconds before the 2nd, 3rd and 4th attempt
SPARE_LIFE = 10.0  # a token is replaced when it has fewer seconds left, or less than half its life
T = TypeVar("T")
R = TypeVar("R")


def part(name: str) -> str:
    """A name made safe as one segment of a path."""
    return quote(name, safe="")


def new_session(ca_path: str | None, parallel: int) -> Any:
    """A session that keeps its connections, verifies TLS, and looks neither at proxies nor at ~/.netrc."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_path or True
    session.max_redirects = 0  # the Admin API has none; a token must not follow one
    session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=parallel))
    return session


@dataclass
class Client:
    """Speaks to `<url>/admin/realms/<realm>`; the paths given to its methods are relative to that.

    `session` is anything with `request(method, url, ...)` like `requests.Session`.
    """

    session: Any
    url: str
    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    token_realm: str = "master"  # noqa: S105  the name of a realm
    timeout: float = 30
    parallel: int = 4
    sleep: Callable[[float], None] = time.sleep
    requests: int = field(default=0, init=False)  # sent so far, attempts and tokens included

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        self._lock = threading.Lock()
        self._token, self._renew_at = "", 0.0

    # What callers use.

    def get(self, path: str = "", **query: Any) -> Json:
        """JSON of a GET."""
        return _json(self._call("GET", f"{path}?{urlencode(query)}" if query else path), path)

    def read(self, path: str, body: Json = None, repeat: bool = True) -> Json:
        """JSON of a POST that changes nothing (exports, look-ups)."""
        return _json(self._call("POST", path, body, repeat=repeat), path)

    def put(self, path: str, body: Json = None) -> None:
        """Writes an object that exists."""
        self._call("PUT", path, body)

    def post(self, path: str, body: Json) -> None:
        """A POST that gives the same result when it is sent twice (role mappings, texts)."""
        self._call("POST", path, body, repeat=True)

    def delete(self, path: str, body: Json = None) -> None:
        """Removes; what is gone already is no error."""
        try:
            self._call("DELETE", path, body)
        except RefusedError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def link(self, path: str) -> None:
        """A PUT that puts something into a list. The second time is a conflict: then the first had arrived."""
        try:
            self._call("PUT", path, repeat=False)
        except UnreachableError:
            try:
                self._call("PUT", path)
            except RefusedError as error:
                if error.status != HTTPStatus.CONFLICT:
                    raise

    def create(self, path: str, body: Json, find: Callable[[], str | None]) -> str:
        """Creates one object and returns its id.

        When no answer came the object may exist all the same: `find` (its id or nothing) is asked
        before the request is repeated, so that nothing is made twice. A slow server may still be
        making it then, and call the repetition a conflict.
        """
        lost = False
        for pause in (*PAUSES, None):
            try:
                answer = self._call("POST", path, body, repeat=False)
            except UnreachableError:
                if pause is None:
                    raise
                lost = True
                self.sleep(pause)
                found = find()
                if found:
                    return found
            except RefusedError as error:
                found = find() if lost and error.status == HTTPStatus.CONFLICT else None
                if not found:
                    raise
                return found
            else:
                return answer.headers.get("Location", "").rsplit("/", 1)[-1] or find() or ""
        return ""  # not reached: the last attempt returns or raises

    def create_realm(self, body: Json) -> None:
        """POST /admin/realms; its creator's rights on it are in the next token."""
        self.create(f"{self.url}/admin/realms", body, lambda: self.realm if self.exists() else None)
        self.forget_token()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """`function` over `items`, `parallel` at a time; results in order, the first error raised."""
        todo = list(items)
        if len(todo) <= 1 or self.parallel <= 1:
            return [function(item) for item in todo]
        with ThreadPoolExecutor(min(self.parallel, len(todo))) as pool:
            return list(pool.map(function, todo))

    def exists(self) -> bool:
        """Whether there is such a realm; 403 says that there is one, out of reach."""
        try:
            self._call("GET", "")
        except RightsError:
            return True
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def claims(self) -> dict[str, Any]:
        """Claims of the access token; not verified, for it came straight from the server over TLS."""
        payload = self._bearer().split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    def forget_token(self) -> None:
        """The next request fetches a new token."""
        with self._lock:
            self._renew_at = 0.0

    # One request.

    def _call(self, method: str, path: str, body: Json = None, repeat: bool | None = None) -> Any:
        url = path if path.startswith("https://") else f"{self.url}/admin/realms/{part(self.realm)}{path}"
        where = f"{method} {url[len(self.url) :]}"
        data = None if body is None else json.dumps(body)
        repeat = method != "POST" if repeat is None else repeat
        answer = None
        for _ in range(2):  # a second time with a new token, if the server has forgotten the session
            headers = {"Authorization": f"Bearer {self._bearer()}", "Content-Type": "application/json"}
            answer = self._send(method, url, where, repeat, data=data, headers=headers)
            if answer.status_code != HTTPStatus.UNAUTHORIZED:
                break
            self.forget_token()
        status: int = answer.status_code if answer is not None else 0
        if status == HTTPStatus.FORBIDDEN:
            raise RightsError(
                f"the server refused client {self.client_id!r} (403)",
                where,
                f"Give its service account the admin role that this call needs on realm {self.realm!r}",
            )
        if status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(status, f"{status} {_reason(answer)}", where)
        return answer

    def _send(self, method: str, url: str, where: str, repeat: bool, **more: Any) -> Any:
        """The request itself, repeated over lost connections and 5xx where that does no harm."""
        error = UnreachableError("not sent", where)
        for pause in (*PAUSES, None) if repeat else (None,):
            with self._lock:
                self.requests += 1
            try:
                answer = self.session.request(method, url, timeout=self.timeout, **more)
            except UNTRUSTED as failure:
                raise UnreachableError(
                    f"TLS failed: {failure}", self.url, "Its name must be in the certificate, and the CA in ca_path"
                ) from failure
            except LOST as failure:
                error = UnreachableError(
                    f"no answer ({type(failure).__name__})", where, f"Is {self.url} up and reachable from this host?"
                )
            except OSError as failure:  # no such ca_path, a redirect, an unusable URL
                raise UnreachableError(
                    f"no request was possible: {failure}", where, "Check url and ca_path"
                ) from failure
            else:
                if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return answer
                said = f"{answer.status_code} {_reason(answer)}"
                error = ServerError(said, where, "The log of the Keycloak node has the reason")
            if pause is not None:
                self.sleep(pause)
        raise error

    def _bearer(self) -> str:
        """The access token, a new one when the old one is about to end."""
        with self._lock:
            if time.monotonic() < self._renew_at:
                return self._token
        return self._log_in()

    def _log_in(self) -> str:
        url = f"{self.url}/realms/{part(self.token_realm)}/protocol/openid-connect/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        started = time.monotonic()
        answer = self._send("POST", url, f"token of realm {self.token_realm}", True, data=form)
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise LoginError(
                f"client {self.client_id!r} got no token: {answer.status_code} {_reason(answer)}",
                url,
                "Check client_id, client_secret and token_realm; the client needs its service account enabled",
            )
        grant = _json(answer, url)
        life = float(grant.get("expires_in", 60))
        with self._lock:
            self._token = str(grant["access_token"])
            self._renew_at = started + max(life - SPARE_LIFE, life / 2)
            return self._token


def _json(answer: Any, where: str) -> Json:
    try:
        return answer.json()
    except ValueError as error:
        raise UnreachableError("the answer is not JSON", where, "Is url the address of a Keycloak server?") from error


def _reason(answer: Any) -> str:
    """What Keycloak says went wrong, on one line."""
    try:
        said = answer.json()
        text = said.get("errorMessage") or said.get("error_description") or said.get("error") or ""
    except (ValueError, AttributeError):
        text = answer.text or ""
    return " ".join(str(text).split())[:300].rstrip(".")
