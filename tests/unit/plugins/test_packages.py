"""Packages: dpkg is asked, and apt only when something is missing."""

import pytest


@pytest.fixture
def install(play, as_json):
    def run(*names):
        tasks = [
            {
                "panosc.facility.packages": {"name": list(names)},
                "register": "__p",
                "check_mode": True,
                "ignore_errors": True,
            },
            as_json("{'changed': __p is changed, 'failed': __p.msg | default('')}"),
        ]
        code, output = play(tasks)
        assert code == 0, output
        return as_json.read(output)

    return run


def test_what_is_there_is_not_looked_for_in_the_lists(install):
    assert install("dpkg", "coreutils") == {"changed": False, "failed": ""}


def test_what_is_missing_is_left_to_apt(install):
    said = install("dpkg", "there-is-no-such-package")["failed"]
    assert "No package matching 'there-is-no-such-package'" in said or "python3-apt" in said
