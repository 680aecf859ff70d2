"""Dates as they are stored: a text in UTC with milliseconds, whose order is that of time (ISO 8601, RFC 3339)."""

from __future__ import annotations

import math
from calendar import monthrange
from datetime import UTC, datetime


def canonical(given: str) -> str:
    """Return a date or moment as `YYYY-MM-DDThh:mm:ss.sssZ`. What has no zone is in UTC, a date without time is its midnight, a year its first day.

    Raises:
        ValueError: it is not a date of ISO 8601.
    """
    moment = parsed(given)
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{moment.microsecond // 1000:03d}Z"


def epoch(given: str) -> int:
    """Return the first whole second since 1970 that is not before the moment; 0 for what is earlier.

    Raises:
        ValueError: it is not a date of ISO 8601.
    """
    return max(0, math.ceil(parsed(given).timestamp()))


def months_later(given: str, months: int) -> str:
    """Return the canonical date so many months after a canonical one; the last day of a shorter month.

    Raises:
        ValueError: it is not a date of ISO 8601, or after the year 9999.
    """
    moment = parsed(given)
    years, month = divmod(moment.month - 1 + months, 12)
    day = min(moment.day, monthrange(moment.year + years, month + 1)[1])
    return canonical(moment.replace(year=moment.year + years, month=month + 1, day=day).isoformat())


def parsed(given: str) -> datetime:
    """Return the moment."""
    text = given.strip()
    if len(text) in {4, 7} and text[:4].isdigit():  # 2026, 2026-01
        text += "-01-01"[: 10 - len(text)] if len(text) == 4 else "-01"  # noqa: PLR2004
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{given!r:.60} is not a date like 2026-01-31 or 2026-01-31T12:00:00Z") from None
