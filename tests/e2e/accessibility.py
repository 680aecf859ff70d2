"""What keeps people out of a page, as axe-core sees it (WCAG 2.2 and good practice)."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SERIOUS = ("serious", "critical")


def barriers(page: Page) -> list[str]:
    """Return the serious findings on a page, one line each: what, where, why. The page must not be changing."""
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    assert found["passes"], f"axe looked at nothing: {page.url}"
    return [
        f"{finding['id']} at {node['target']}: {node['failureSummary']}"
        for finding in found["violations"]
        if finding["impact"] in SERIOUS
        for node in finding["nodes"]
    ]
