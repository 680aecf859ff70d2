"""Tries a provider of the PaNOSC search API from outside: this one or another facility's.

Nothing is known of its data beforehand. `survey` looks at what is there, `checks` asks what follows from it, `client` asks and keeps what came back, `report` tells it.
"""

from __future__ import annotations

import time

from .checks import CHECKS
from .client import Client, Failed, NotApplicable
from .report import Report, Result
from .survey import survey

__all__ = ["CHECKS", "Report", "Result", "run"]


def run(url: str) -> Report:
    """Try all checks on a provider.

    Args:
        url: address of the API's base, such as `https://data.facility.org/api`.

    Raises:
        ProviderError: nobody answers there, or not the search API.
    """
    begun = time.monotonic()
    with Client(url) as client:
        seen = survey(client)
        results = []
        for check in CHECKS:
            client.asked = None
            try:
                check.tried(client, seen)
                outcome, told = "passed", ""
            except Failed as e:
                outcome, told = "failed", str(e)
            except NotApplicable as e:
                outcome, told = "not applicable", str(e)
            asked = client.asked.shown if client.asked else ""
            results.append(Result(check.name, check.says, check.source, outcome, asked, told))
    return Report(url, seen.totals, results, time.monotonic() - begun)
