"""Filters about the look of the login pages: colours and the logo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.panosc.facility.plugins.plugin_utils.look import contrast, logo_problem


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"contrast": contrast, "logo_problem": logo_problem}
