"""Records by HTTP, for those who have a token."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from . import ingest
from .api import JSON, answer, decoded, raw_path
from .errors import BadFilter, NotFound, RecordError, SettingsError, StoreError, TooLarge, Unauthorised
from .grammar import model_at
from .metrics import RECORDS
from .settings import Settings
from .store import open as store
from .store.write import Catalogue

PATH = "/records"
Written = TypeVar("Written")


@dataclass
class Push:
    """`POST /records` takes JSON lines or a JSON array of records in; `DELETE /records/{Datasets|Documents|Instruments}/{pid}` takes one out.

    Attributes:
        settings: of the service.
        tokens: SHA-256 of each token -> whose it is.
        thread: in which records are written, while others read.
    """

    settings: Settings
    tokens: dict[str, str]
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "write"))
    _catalogue: Catalogue | None = None
    _writer: store.Writer | None = None

    async def post(self, request: Request) -> Response:
        """Take records in. The answer says how many are in the catalogue for good, and which were rejected: 200, or 422 if any was."""
        self.check(request)
        body = await self.body(request)
        try:
            lines = list(ingest.lines_in(body))
        except RecordError as e:
            raise BadFilter(e.why, "body") from None
        result = await self.write(lambda of: ingest.take(of, lines, embargo=self.settings.embargo.months))
        for name, n in (("taken", result.taken), ("unchanged", result.unchanged), ("rejected", len(result.rejected))):
            RECORDS.labels(name).inc(n)
        rejected = [{"where": e.where, "why": e.why} for e in result.rejected]
        told = {"taken": result.taken, "unchanged": result.unchanged, "rejected": rejected}
        return Response(msgspec.json.encode(told), status_code=422 if rejected else 200, media_type=JSON)

    async def delete(self, request: Request) -> Response:
        """Take one record out."""
        self.check(request)
        name, _, pid = raw_path(request).removeprefix(PATH).strip("/").partition("/")
        model = model_at(decoded(name))
        if model is None or not await self.write(lambda of: of.withdraw(model, decoded(pid))):
            raise NotFound(f"Unknown record {decoded(f'{name}/{pid}')!r}")
        return answer({"withdrawn": 1})

    async def write(self, work: Callable[[Catalogue], Written]) -> Written:
        """Return what `work` returns, run in the thread that writes.

        A connection that was lost (PostgreSQL was restarted) is made once more; to take records in, or one out, a second time changes nothing.
        """

        def run() -> Written:
            try:
                return work(self.catalogue())
            except StoreError:
                self.disconnect()
            try:
                return work(self.catalogue())
            except StoreError:
                self.disconnect()
                raise

        return await asyncio.get_running_loop().run_in_executor(self.thread, run)

    def catalogue(self) -> Catalogue:
        """Return what takes records in; it is made when the first one comes."""
        if self._catalogue is None:
            self._writer = store.writer(self.settings)
            self._catalogue = Catalogue(self._writer)
        return self._catalogue

    def close(self) -> None:
        """End what was begun, and the connection."""
        self.thread.shutdown()
        self.disconnect()

    def disconnect(self) -> None:
        """End the connection; the next record makes another."""
        if self._writer is not None:
            self._writer.close()
        self._writer = self._catalogue = None

    def check(self, request: Request) -> None:
        """Refuse a request without a known token."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        given = hashlib.sha256(token.strip().encode()).hexdigest()
        # All are compared, in constant time: how long it takes tells nothing.
        known = [hmac.compare_digest(given, t) for t in self.tokens]
        if kind.lower() != "bearer" or not any(known):
            raise Unauthorised("records are taken from those only who send a known token: Authorization: Bearer ...")

    async def body(self, request: Request) -> bytes:
        """Return the body, if it is not too long."""
        most = self.settings.limits.body_mb * 1_000_000
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise TooLarge(
                    f"more than {self.settings.limits.body_mb} MB; send the records in several bodies", "body"
                )
        return bytes(body)


def tokens(path: str) -> dict[str, str]:
    """Return the tokens in a file: a SHA-256 in hexadecimal a line, after it a name.

    Raises:
        SettingsError: it cannot be read, others may read it, or a line is no digest.
    """
    if not path:
        return {}
    file = Path(path)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        mode = file.stat().st_mode
    except (OSError, UnicodeError) as e:
        raise SettingsError(f"push.tokens: {e}") from None
    if mode & 0o007:
        raise SettingsError(f"push.tokens: everybody may read {file}; make it 0640 or tighter")
    found: dict[str, str] = {}
    for n, line in enumerate(lines, 1):
        digest, _, name = line.strip().partition(" ")
        if not digest or digest.startswith("#"):
            continue
        if len(digest) != 64 or set(digest.lower()) - set("0123456789abcdef"):  # noqa: PLR2004
            raise SettingsError(
                f"push.tokens: {file}:{n} does not begin with a SHA-256 in hexadecimal (`printf %s TOKEN | sha256sum`)"
            )
        found[digest.lower()] = name.strip()
    return found
