"""The service put together: settings read once, one connection a process, routes one a line, middleware in order."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import __version__, api, openapi, push, settings
from .errors import RequestError, StoreError
from .limits import Bucket
from .logs import Access, configure
from .metrics import metrics
from .provider import Provider
from .store import open as store

CONFIG = "PAN_CATALOGUE_CONFIG"


def from_environment() -> Starlette:
    """Return the application of the configuration file that `PAN_CATALOGUE_CONFIG` names."""
    loaded = settings.load(Path(os.environ[CONFIG]))
    configure(loaded.log)
    return application(loaded)


def application(of: settings.Settings, clock: Callable[[], float] = time.time) -> Starlette:
    """Return the application.

    Args:
        of: its settings.
        clock: seconds since 1970, by which embargoes end.
    """
    provider = Provider(store.reader(of), of, clock)
    search = api.SearchAPI(provider)
    records = push.Push(of, push.tokens(of.push.tokens))
    started = time.time()

    async def health(_: Request) -> Response:
        provider.count("Instrument", None)
        return api.answer({"status": "ok"})

    async def status(_: Request) -> Response:
        told: dict[str, Any] = {
            "service": "pan-catalogue",
            "version": __version__,
            "facility": of.facility.name,
            "api": api.BASE,
            "uptime": int(time.time() - started),
        }
        return api.answer(told | provider.status())

    async def description(request: Request) -> Response:
        return api.answer(openapi.document(of, str(request.base_url).rstrip("/")))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        provider.reader.close()
        records.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route(api.BASE + "/openapi.json", description, methods=["GET"]),
            Route(api.BASE + "/{rest:path}", search.__call__, methods=["GET"]),
            Route(push.PATH, records.post, methods=["POST"]),
            Route(push.PATH + "/{rest:path}", records.delete, methods=["DELETE"]),
            Route("/", status, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
        ],
        middleware=[
            Middleware(Access, bucket=Bucket(of.limits.requests, of.limits.burst)),
            # Public data, no cookies: any page may read it.
            Middleware(
                CORSMiddleware,
                allow_origins=["*"],
                allow_methods=["GET"],
                allow_headers=["*"],
                expose_headers=["Link", "X-Request-ID"],
                max_age=86400,
            ),
        ],
        exception_handlers={
            RequestError: api.request_error,
            StoreError: api.store_error,
            500: api.unexpected,
            404: not_found,
            405: not_allowed,
        },
    )


async def not_found(request: Request, _: Exception) -> Response:
    """Return the answer to a path that is none."""
    return api.plain_error(
        404, f"There is no path {request.url.path!r}; the search API is below {api.BASE}", "PATH_NOT_FOUND"
    )


async def not_allowed(_: Request, __: Exception) -> Response:
    """Return the answer to a method that a path does not have."""
    return api.plain_error(405, "The search API is read with GET", "METHOD_NOT_ALLOWED")


logging.getLogger("uvicorn.access").disabled = True
