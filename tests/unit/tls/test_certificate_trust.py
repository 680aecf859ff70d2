import pytest
from ansible_collections.panosc.facility.plugins.modules import certificate_trust as module


@pytest.fixture
def place(tmp_path):
    """A host in a folder: its store is whatever lies in anchors, put together by a small program, and one public CA."""
    for name in ("anchors", "facility"):
        (tmp_path / name).mkdir()
    (tmp_path / "anchors" / "hand-made.crt").write_text(
        "-----BEGIN CERTIFICATE-----\nHAND\n-----END CERTIFICATE-----\n"
    )
    return tmp_path


@pytest.fixture
def trust(run, place, authority):
    def call(check=False, **arguments):
        update = ["sh", "-c", f"echo ran >>{place}/update.log; cat {place}/anchors/*.crt >{place}/store"]
        settings = {
            "authorities": {"site": authority.pem},
            "anchors": str(place / "anchors"),
            "update": update,
            "store": str(place / "store"),
        }
        return run(module, check=check, destination=str(place / "facility" / "ca.pem"), **{**settings, **arguments})

    return call


def updates(place):
    log = place / "update.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_a_ca_gets_into_the_store_once(trust, place, authority):
    assert trust()["updated"]
    assert authority.pem in (place / "store").read_text()
    assert (place / "facility" / "ca.pem").read_text() == authority.pem
    again = trust()
    assert not again["changed"]
    assert updates(place) == 1


def test_check_mode_writes_nothing(trust, place):
    assert trust(check=True)["changed"]
    assert not (place / "store").exists()
    assert not (place / "facility" / "ca.pem").exists()


def test_a_run_that_was_stopped_before_the_update_is_mended(trust, place, authority):
    (place / "anchors" / "facility-site.crt").write_text(authority.pem)
    assert trust()["updated"]
    assert not trust()["changed"]


def test_line_breaks_do_not_matter(trust, place, authority):
    trust()
    (place / "store").write_text(authority.pem.replace("\n", "\r\n"))
    assert not trust()["changed"]


def test_a_ca_no_longer_listed_goes_others_stay(trust, place, authority, other):
    trust(authorities={"site": authority.pem, "old": other.pem})
    assert other.pem in (place / "facility" / "ca.pem").read_text()
    assert trust()["changed"]
    assert other.pem not in (place / "store").read_text()
    assert sorted(path.name for path in (place / "anchors").iterdir()) == ["facility-site.crt", "hand-made.crt"]


def test_none_listed_leaves_nothing_of_ours(trust, place, authority):
    trust()
    assert trust(authorities={})["changed"]
    assert authority.pem not in (place / "store").read_text()
    assert "HAND" in (place / "store").read_text()
    assert not (place / "facility" / "ca.pem").exists()
    assert not trust(authorities={})["changed"]


def test_a_removal_has_its_own_update_where_there_is_one(trust, place, authority, other):
    removed = ["sh", "-c", f"echo removed >>{place}/update.log; cat {place}/anchors/*.crt >{place}/store"]
    trust(authorities={"site": authority.pem, "old": other.pem}, update_removed=removed)
    trust(update_removed=removed)
    assert (place / "update.log").read_text().split() == ["ran", "removed"]


def test_other_stores_are_told_of_a_removal(trust, place, authority, other):
    (place / "hooks").mkdir()
    (place / "hooks" / "README").write_text("not a program")
    (place / "hooks" / "java").write_text(f"#!/bin/sh\ncat >>{place}/java.log\n")
    (place / "hooks" / "java").chmod(0o755)
    trust(authorities={"site": authority.pem, "old": other.pem}, hooks=str(place / "hooks"))
    assert not (place / "java.log").exists()
    trust(hooks=str(place / "hooks"))
    trust(authorities={"site": other.pem}, hooks=str(place / "hooks"))
    assert (place / "java.log").read_text() == f"-{place}/facility-old.pem\n-{place}/facility-site.pem\n"


def test_a_removal_that_was_stopped_before_the_update_is_mended(trust, place, authority, other):
    both = {"site": authority.pem, "old": other.pem}
    trust(authorities=both)
    assert "rc" in trust(update=["false"])
    assert not (place / "anchors" / "facility-old.crt").exists()
    assert other.pem in (place / "store").read_text()
    assert trust()["updated"]
    assert other.pem not in (place / "store").read_text()
    assert not trust()["changed"]


def test_the_file_can_be_the_store_itself(trust, place):
    assert trust(system=True)["changed"]
    assert (place / "facility" / "ca.pem").is_symlink()
    assert not trust(system=True)["changed"]
    assert trust()["changed"]
    assert not (place / "facility" / "ca.pem").is_symlink()
    assert "HAND" in (place / "store").read_text()


def test_an_update_that_does_nothing_is_noticed(trust):
    assert "does not hold" in trust(update=["true"])["msg"]


def test_unknown_user_is_named(trust):
    assert "tls_nss_users: the user no-such-user does not exist" in trust(nss_users=["no-such-user"])["msg"]
