"""The log: one JSON object a line, and one line for each request."""

from __future__ import annotations

import logging
import os
import sys
import time

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import api, push
from .errors import TooMany
from .limits import Bucket
from .metrics import SECONDS
from .settings import Log

access = logging.getLogger("pan_catalogue.access")
WATCHED = frozenset({"health", "metrics"})
PLAIN = WATCHED | {push.PATH.strip("/")}


def configure(of: Log) -> None:
    """Send the log to standard error in the form that the settings say."""
    handler = logging.StreamHandler(sys.stderr)
    if of.format == "json":
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                reserved_attrs=[*RESERVED_ATTRS, "color_message"],
            )
        )
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(handlers=[handler], level=of.level.upper(), force=True)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


class Access:
    """Around everything: gives a request a number, refuses a client that asks too often, measures, and writes the line.

    Filters are not logged below `debug`: what somebody searches for is theirs.
    """

    def __init__(self, app: ASGIApp, bucket: Bucket) -> None:
        self.app = app
        self.bucket = bucket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, number = time.perf_counter(), os.urandom(8).hex()
        status, size, unread = 500, 0, bodied(scope)

        async def receiving() -> Message:
            nonlocal unread
            message = await receive()
            unread = unread and message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
                # A proxy that used the connection again would have its next request taken for the rest of this body.
                if unread:
                    message["headers"].append((b"connection", b"close"))
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        client = scope["client"][0] if scope.get("client") else ""
        try:
            wait = self.bucket.wait(client) if scope["path"].startswith(api.BASE) else 0
            if wait:
                refused = Response(
                    api.encode(TooMany("too many requests").body()),
                    status_code=429,
                    media_type=api.JSON,
                    headers={"Retry-After": str(int(wait) + 1)},
                )
                await refused(scope, receiving, sending)
            else:
                await self.app(scope, receiving, sending)
        finally:
            seconds, call = time.perf_counter() - begun, call_of(scope)
            SECONDS.labels(call, status).observe(seconds)
            # A proxy asks for the health every other second: nobody reads that, unless it fails.
            level = logging.DEBUG if call in WATCHED and status < 400 else logging.INFO  # noqa: PLR2004
            if access.isEnabledFor(level):
                facts = {
                    "request": number,
                    "method": scope["method"],
                    "path": scope["path"],
                    "ms": round(seconds * 1000, 2),
                    "client": client,
                    "status": status,
                    "bytes": size,
                }
                if access.isEnabledFor(logging.DEBUG):
                    facts["query"] = scope["query_string"].decode("ascii", "replace")
                access.log(level, "%s %s %s", scope["method"], scope["path"], status, extra=facts)


def bodied(scope: Scope) -> bool:
    """Return whether a request says that it has a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def call_of(scope: Scope) -> str:
    """Return what a request is counted as, when it has been answered: few words, whatever was asked. The search API has put its calls into the scope."""
    name = scope["path"].strip("/").partition("/")[0]
    return scope.get("call") or (name if name in PLAIN else "other")
