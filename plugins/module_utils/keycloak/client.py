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
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Iterable, Optional, TypeVar
from urllib.parse import quote

from .errors import KeycloakError, LoginRefused, Refused, RightsMissing, Unreachable

try:
    import requests
    from requests.adapters import HTTPAdapter

    CONNECTION_ERRORS: tuple = (requests.exceptions.ConnectionError, requests.exceptions.Timeout)
    TLS_ERROR: Any = requests.exceptions.SSLError
except ImportError:  # the module reports it; see missing_required_lib there
    requests = None  # type: ignore[assignment]
    CONNECTION_ERRORS, TLS_ERROR = (ConnectionError, TimeoutError), ()

PAUSES = (0.3, 1.0, 2.0)  # seconds before the 2nd, 3rd and 4th attempt
RENEW_BEFORE = 10.0  # seconds of life left at which a token is replaced
T = TypeVar("T")
R = TypeVar("R")


def part(name: str) -> str:
    """A name made safe as one segment of a path."""
    return quote(name, safe="")


def new_session(ca_path: Optional[str], parallel: int) -> Any:
    """A session that keeps its connections and looks neither at proxies nor at ~/.netrc."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_path or True
    session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=parallel))
    return session


class Client:
    """Speaks to `<url>/admin/realms/<realm>`; paths given to the methods are relative to that.

    `session` is anything with `request(method, url, ...)` like `requests.Session`.
    """

    def __init__(
        self,
        session: Any,
        url: str,
        realm: str,
        client_id: str,
        client_secret: str,
        token_realm: str = "master",
        timeout: float = 30,
        parallel: int = 4,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url, self.realm, self.token_realm = url.rstrip("/"), realm, token_realm
        self.client_id, self._client_secret = client_id, client_secret
        self.timeout, self.parallel, self._sleep = timeout, max(1, parallel), sleep
        self._session = session
        self._lock = threading.Lock()
        self._token, self._renew_at = "", 0.0
        self.requests = 0

    # -- what callers use ---------------------------------------------------------------------

    def get(self, path: str = "", **params: Any) -> Any:
        """JSON of a GET; `params` become the query."""
        return self._call("GET", path, params=params).json()

    def read(self, path: str, body: Any = None, repeat: bool = True) -> Any:
        """JSON of a POST that changes nothing (exports, look-ups), so it may be repeated."""
        return self._call("POST", path, body, repeat=repeat).json()

    def put(self, path: str, body: Any = None) -> None:
        self._call("PUT", path, body)

    def post(self, path: str, body: Any) -> None:
        """A POST that gives the same result when it is sent twice (role mappings, texts)."""
        self._call("POST", path, body, repeat=True)

    def delete(self, path: str, body: Any = None) -> None:
        """Removes; what is gone already is no error."""
        self._call("DELETE", path, body, gone_is_fine=True)

    def create(self, path: str, body: Any, find: Callable[[], Optional[str]]) -> str:
        """Creates one object and returns its id.

        When no answer came the object may exist all the same: `find` (returns its id or None) is
        asked before the request is repeated, so that nothing is created twice.
        """
        for pause in (*PAUSES, None):
            try:
                answer = self._call("POST", path, body, repeat=False)
                return answer.headers.get("Location", "").rsplit("/", 1)[-1] or find() or ""
            except Unreachable:
                if pause is None:
                    raise
                self._sleep(pause)
                found = find()
                if found:
                    return found
        raise AssertionError("unreachable")

    def create_realm(self, body: Any) -> None:
        """POST /admin/realms; the creator's rights on the realm need a new token."""
        self._call("POST", f"{self.url}/admin/realms", body)
        self.forget_token()

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """`function` over `items`, `parallel` in flight; results in order, first error raised at the end."""
        todo = list(items)
        if len(todo) < 2 or self.parallel == 1:
            return [function(item) for item in todo]
        with ThreadPoolExecutor(min(self.parallel, len(todo))) as pool:
            return list(pool.map(function, todo))

    def exists(self) -> bool:
        """Whether the realm is there (403 means it is, out of reach)."""
        try:
            self._call("GET", "")
        except Refused as error:
            if error.status == 404:
                return False
            raise
        except RightsMissing:
            pass
        return True

    def claims(self) -> dict:
        """The claims of the access token. Not verified: it came straight from the server over TLS."""
        payload = self._bearer().split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))

    def forget_token(self) -> None:
        with self._lock:
            self._renew_at = 0.0

    # -- one request ----------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Optional[dict] = None,
        repeat: Optional[bool] = None,
        gone_is_fine: bool = False,
    ) -> Any:
        url = path if path.startswith("https://") else f"{self.url}/admin/realms/{part(self.realm)}{path}"
        where = f"{method} {url[len(self.url) :]}"
        data = None if body is None else json.dumps(body)
        repeat = method != "POST" if repeat is None else repeat

        def send() -> Any:
            headers = {"Authorization": f"Bearer {self._bearer()}", "Content-Type": "application/json"}
            return self._send(method, url, where, repeat, data=data, params=params, headers=headers)

        answer = send()
        if answer.status_code == 401:  # restarted server or a session ended by hand: once more
            self.forget_token()
            answer = send()
        if answer.status_code == 404 and gone_is_fine:
            return answer
        if answer.status_code == 403:
            raise RightsMissing(
                f"the server refused client {self.client_id!r} (403)",
                where,
                f"Give its service account the admin role that this call needs on realm {self.realm!r}",
            )
        if answer.status_code >= 400:
            raise Refused(answer.status_code, f"{answer.status_code} {_reason(answer)}", where)
        return answer

    def _send(self, method: str, url: str, where: str, repeat: bool, **more: Any) -> Any:
        """The request itself, repeated over lost connections and 5xx when `repeat` allows it."""
        error: Optional[KeycloakError] = None
        for pause in (*PAUSES, None) if repeat else (None,):
            with self._lock:
                self.requests += 1
            try:
                answer = self._session.request(method, url, timeout=self.timeout, **more)
            except CONNECTION_ERRORS as failure:
                if TLS_ERROR and isinstance(failure, TLS_ERROR):
                    raise Unreachable(
                        f"TLS failed: {failure}", self.url, "The name must be in the certificate and its CA in ca_path"
                    ) from failure
                error = Unreachable(f"no answer: {type(failure).__name__}", where, f"Is {self.url} up and reachable?")
            else:
                if answer.status_code < 500:
                    return answer
                error = Unreachable(
                    f"{answer.status_code} {_reason(answer)}", where, "The log of the Keycloak node has the reason"
                )
            if pause is not None:
                self._sleep(pause)
        assert error is not None
        raise error

    def _bearer(self) -> str:
        with self._lock:
            if time.monotonic() < self._renew_at:
                return self._token
        return self._log_in()

    def _log_in(self) -> str:
        url = f"{self.url}/realms/{part(self.token_realm)}/protocol/openid-connect/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self._client_secret,
        }
        started = time.monotonic()
        answer = self._send("POST", url, f"token of realm {self.token_realm}", True, data=form)
        if answer.status_code >= 400:
            raise LoginRefused(
                f"client {self.client_id!r} got no token: {answer.status_code} {_reason(answer)}",
                url,
                "Check client_id, client_secret and token_realm; the client needs its service account enabled",
            )
        grant = answer.json()
        with self._lock:
            life = float(grant.get("expires_in", 60))
            self._token = grant["access_token"]
            self._renew_at = started + max(life - RENEW_BEFORE, life / 2)
            return self._token


def _reason(answer: Any) -> str:
    """What Keycloak says went wrong, on one line."""
    try:
        said = answer.json()
        text = said.get("errorMessage") or said.get("error_description") or said.get("error") or ""
    except (ValueError, AttributeError):
        text = answer.text or ""
    return " ".join(str(text).split())[:300]
