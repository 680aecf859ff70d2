"""Prometheus metrics of all worker processes together."""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
# Its count is the number of requests.
SECONDS = Histogram(
    "catalogue_request_seconds", "Seconds until a request was answered.", ["call", "status"], buckets=BUCKETS
)
RECORDS = Counter("catalogue_records", "Records that came in by HTTP.", ["result"])


async def metrics(_: Request) -> Response:
    """Return them in Prometheus' text format."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
