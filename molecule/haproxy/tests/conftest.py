"""The hosts are tested side by side, the tests of one host one after the other."""

import pytest


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items):
    """Give the tests of one host to one worker."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("bookworm" if "haproxy-bookworm" in item.nodeid else "trixie"))
