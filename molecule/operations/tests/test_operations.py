"""The verbs on a real facility, one after the other: each test goes on where the one before it ended."""

import os
import random
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from facility_under_test import ROOT, Inventory, Keycloak, LoginStream, People, root, until_ready

OLD, NEW = "26.7.3", "26.7.5"
ONE, TWO, EMPTY = "ops-one", "ops-two", "ops-three"
SEED = int(os.environ.get("FACILITY_TEST_SEED") or random.SystemRandom().randrange(10**6))
KILLS = int(os.environ.get("FACILITY_TEST_KILLS") or 2)


@pytest.fixture(scope="module")
def place():
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "facility"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def site(place):
    """Two nodes of Keycloak 26.7.3 with their realm."""
    inventory = Inventory(place / "site", [ONE, TWO], place / "logs")
    assert inventory.secrets() == 0
    inventory.run(ROOT / "molecule/operations/files/old.yml")
    return inventory


@pytest.fixture(scope="module")
def keycloak(site):
    return Keycloak(site)


@pytest.fixture(scope="module")
def nodes(site):
    return [Keycloak(site, ONE), Keycloak(site, TWO)]


@pytest.fixture(scope="module")
def people(keycloak):
    return People(keycloak)


def sql(host, query, database="keycloak"):
    return root(
        host, f'cd / && runuser -u postgres -- psql --no-align --tuples-only --dbname {database} --command "{query}"'
    )


def databases(host):
    return sorted(sql(host, "SELECT datname FROM pg_database WHERE datname LIKE 'keycloak%'").split())


def migrated(host):
    return sql(host, "SELECT version FROM migration_model ORDER BY update_time DESC, version DESC LIMIT 1")


def releases():
    """What runs on each node."""
    return [root(node, "cat /run/keycloak/started").split("-")[1] for node in (ONE, TWO)]


def test_a_deployment_does_not_change_the_release(site, keycloak, people):
    said = site.run("site.yml", "--tags", "keycloak", fails=True)
    assert f"runs Keycloak {OLD}, and keycloak_version is {NEW}" in " ".join(said.split())
    assert "playbooks/upgrade.yml" in said
    assert releases() == [OLD, OLD]
    people.still_there(keycloak)


# With another number of owners of a cache Keycloak wants all nodes of the old release stopped.
# That goes first: what goes one after the other leaves the database as the new release made it, which the old one can use.
@pytest.mark.parametrize("way", ["all at once", "one after the other"])
def test_an_upgrade_that_does_not_come_up_goes_back(site, nodes, people, way):
    # The address is not one of the host: the server changes the database and then cannot listen.
    wrong = {"keycloak_options": {"http-host": "192.0.2.1"}}
    if way == "all at once":
        wrong["keycloak_options"]["spi-cache-embedded--default--authentication-sessions-owners"] = 1
    served = "systemctl show --property MainPID --value keycloak"
    before = root(TWO, served)
    with LoginStream(people, *nodes) as stream:
        said = " ".join(site.run("upgrade.yml", fails=True, **wrong).split())
    assert f"Keycloak {NEW} did not come up. Keycloak {OLD} runs again" in said
    assert ("nobody was interrupted" in said) == (way == "one after the other")
    assert stream.refused == []
    assert (stream.unanswered == 0) == (way == "one after the other")
    assert (root(TWO, served) == before) == (way == "one after the other"), "the node that never changed was restarted"
    assert releases() == [OLD, OLD]
    assert databases(ONE) == ["keycloak"]
    assert way == "one after the other" or migrated(ONE) == OLD
    for node in nodes:
        people.still_there(node)
    assert {name: people.subject(nodes[0], name) for name in people.subjects} == people.subjects


def test_the_backup_can_be_read_with_the_standard_tools_and_has_no_secret_in_clear(site, place):
    archive = site.archives[-1]
    (place / "key").touch(mode=0o600)
    (place / "key").write_text(site.vault["vault_backup_age_identity"])
    with tarfile.open(archive) as tar:
        assert {"manifest.json", "inventory.age", "keycloak.age", "postgresql-keycloak.age"} <= set(tar.getnames())
    dump = subprocess.run(
        f"tar -xOf {archive} postgresql-keycloak.age | age -d -i {place}/key | head -c 5",
        shell=True, capture_output=True, check=True,
    )  # fmt: skip
    assert dump.stdout == b"PGDMP"
    assert archive.stat().st_mode & 0o077 == 0
    for value in site.vault.values():
        assert value.encode() not in archive.read_bytes()
    assert site.said() == []


def test_killed_upgrades_are_taken_up_and_fail_no_login(site, nodes, people):
    print(f"\nFACILITY_TEST_SEED={SEED} FACILITY_TEST_KILLS={KILLS}")
    moment = random.Random(SEED)  # noqa: S311  to be repeated
    with LoginStream(people, *nodes) as stream:
        killed = 0
        while killed < KILLS and site.kill("upgrade.yml", moment.uniform(15, 60)):
            killed += 1
        site.run("upgrade.yml")
    print(f"{stream.succeeded} logins during the upgrade, {stream.unanswered} times no node answered")
    assert killed, "the upgrade was over before it could be killed"
    assert (stream.refused, stream.unanswered) == ([], 0)
    assert releases() == [NEW, NEW]
    assert migrated(ONE) == NEW
    assert databases(ONE) == ["keycloak"]
    assert site.changes_nothing("site.yml")
    for node in nodes:
        people.still_there(node)
    assert {name: people.subject(nodes[1], name) for name in people.subjects} == people.subjects


def test_restore_on_an_empty_host(site, place, people):
    """Everything is lost but the archive, the vault password and the key."""
    site.run("backup.yml")
    archive = site.archives[-1]
    elsewhere = place / "new"
    elsewhere.mkdir()
    subprocess.run(
        f"tar -xOf {archive} inventory.age | age -d -i {place}/key | tar -x -C {elsewhere}", shell=True, check=True
    )
    shutil.copy(place / "site.password", place / "new.password")
    new = Inventory(elsewhere, [EMPTY], place / "logs")
    new.run("restore.yml", backup_archive=str(archive))
    there = Keycloak(new)
    until_ready(there)
    assert {name: people.subject(there, name) for name in people.subjects} == people.subjects
    said = " ".join(new.run("restore.yml", fails=True, backup_archive=str(archive)).split())
    assert "Nothing was changed. To replace it" in said
    assert {name: people.subject(there, name) for name in people.subjects} == people.subjects
    assert site.said() == []  # the new facility has the same vault and logs
