"""Fixtures: the running demo, one Chromium, fresh windows."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from browser import Person, chromium
from faulty_realm import FaultyRealm
from playwright.sync_api import sync_playwright
from site_under_test import Site


@pytest.fixture(scope="session")
def site():
    state = os.environ.get("FACILITY_DEMO_STATE")
    if not state:
        pytest.skip("FACILITY_DEMO_STATE names no demo: scripts/demo starts one")
    site = Site(Path(state))
    site.resolve()
    return site


@pytest.fixture(scope="session")
def faulty(site):
    """The realm with faults, for all tests that need it."""
    client = [os.environ.get(f"FACILITY_TEST_KEYCLOAK_CLIENT_{name}") for name in ("ID", "SECRET")]
    if not all(client):
        pytest.skip("FACILITY_TEST_KEYCLOAK_CLIENT_ID and _SECRET name no client that may make a realm")
    realm = FaultyRealm(Path(os.environ["FACILITY_DEMO_STATE"]), *client)
    realm.make()
    yield realm
    realm.remove()


@pytest.fixture(scope="session")
def chrome(site, tmp_path_factory):
    with (
        sync_playwright() as playwright,
        chromium(playwright, site, tmp_path_factory.mktemp("home")) as browser,
    ):
        yield browser


@pytest.fixture
def window(site, chrome, request):
    """Makes fresh windows; a failing test leaves a picture of each."""
    people: list[Person] = []

    def fresh(**options) -> Person:
        people.append(Person(site, chrome, **options))
        return people[-1]

    yield fresh
    for number, person in enumerate(people):
        if getattr(request.node, "failed", False):
            site.screenshots.mkdir(parents=True, exist_ok=True)
            person.page.screenshot(path=site.screenshots / f"failed-{request.node.name}-{number}.png")
        person.leave()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    item.failed = getattr(item, "failed", False) or (call.when == "call" and report.failed)


def pytest_report_teststatus(report, config):
    """No dots between the lines of the journey."""
    if report.when == "call" and report.passed and config.getoption("capture") == "no":
        return "passed", "", "PASSED"
    return None


class Diary:
    """One line on the terminal and one picture for each step of the journey."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._since = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("[0-9][0-9]-*.png"):
            old.unlink()

    def __call__(self, person: Person, name: str, line: str) -> None:
        self._number += 1
        now = time.monotonic()
        picture = f"{self._number:02d}-{name}.png"
        person.page.screenshot(path=self._folder / picture)
        print(f"  {line:<72} {now - self._since:5.1f} s  {picture}", flush=True)
        self._since = time.monotonic()


@pytest.fixture(scope="module")
def diary(site):
    return Diary(site.screenshots)
