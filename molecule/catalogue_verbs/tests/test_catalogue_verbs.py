"""The verbs on two facilities, one with each store: each test goes on where the one before it ended. Both run at the same time."""

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from facility_under_test import ROOT, Inventory, engine, root
from synthetic_facility import Facility

SEED = int(os.environ.get("FACILITY_TEST_SEED") or random.SystemRandom().randrange(10**6))
URL = "https://data.facility.test"
QUESTIONS = {
    "/api/Datasets/count": {},
    "/api/Documents/count": {},
    "/api/Datasets": {"filter": {"limit": 40, "order": "pid ASC", "include": [{"relation": "techniques"}]}},
    "/api/Documents": {"filter": {"query": "cobalt battery", "limit": 10}},
    "/api/Instruments": {"filter": {"order": "pid ASC"}},
}
BROKEN = """
    from .sql.fragment import Sql
    from .store.open import writer as opened
    spoiled = opened(of)
    with spoiled.transaction():
        for table in ("dataset", "document", "instrument"):
            spoiled.execute(Sql(f"DELETE FROM {table}"))
    raise StoreError("this release is broken, and has just lost all records")
"""


class Site(Inventory):
    """The catalogue on all hosts, all else that it needs on the first."""

    def __init__(self, folder, hosts, groups, logs, **facility):
        self.groups = groups
        super().__init__(folder, hosts, logs, **facility)

    def name_hosts(self, hosts):
        self.hosts, self.host = hosts, hosts[0]
        groups = {g: {"hosts": dict.fromkeys(hosts if g == "catalogue" else hosts[:1])} for g in self.groups}
        everything = {host: self.reach(host) for host in hosts}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": everything}, **groups}))

    def ask(self, path, node=None, **query):
        """What the catalogue answers through the proxy, or one node of it by itself, and its status."""
        query = "&".join(f"{k}={quote(json.dumps(v))}" for k, v in query.items())
        base = f"--connect-to ::127.0.0.1: '{URL}" if node is None else f"'https://{node}:8010"
        command = f"curl -s -m 30 --cacert /etc/facility/tls/ca.pem -w '\\n%{{http_code}}' {base}{path}?{query}'"
        body, _, status = root(self.host, command).rpartition("\n")
        return json.loads(body) if body.startswith(("{", "[")) else body, int(status)

    def answers(self):
        ends = time.monotonic() + 20
        while self.ask("/")[1] == 503 and time.monotonic() < ends:  # the proxy has not seen yet that it is back
            time.sleep(0.5)
        found = {path: self.ask(path, **query) for path, query in QUESTIONS.items()}
        assert {status for _, status in found.values()} == {200}, found
        return found

    def versions(self):
        """What runs on each node."""
        return [self.ask("/", node)[0]["version"] for node in self.hosts]

    def serving(self):
        """The main process on each node."""
        return [root(node, "systemctl show --property MainPID --value pan-catalogue") for node in self.hosts]

    def push(self, token):
        record = json.dumps(
            {"titles": [{"title": "A"}], "pan": {"kind": "instrument", "pid": "10.5072/x", "facility": "D"}}
        )
        command = (
            "curl -s -o /dev/null -w '%{http_code}' --cacert /etc/facility/tls/ca.pem --connect-to ::127.0.0.1: "
            f"-H 'Authorization: Bearer {token}' -d '{record}' {URL}/records"
        )
        return int(root(self.host, command))


@pytest.fixture(scope="module")
def place():
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "facilities"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def sites(place):
    common = {
        "facility_services": {"catalogue": {"url": URL, "openness": "anonymous"}},
        "facility_admin_networks": ["127.0.0.0/8"],
        "postgresql_restore_over": [],
    }
    logs = place / "logs"
    sqlite = Site(place / "sqlite", ["verbs-bookworm"], ["catalogue", "haproxy"], logs, **common)
    server = Site(
        place / "postgresql", ["verbs-trixie", "verbs-second"], ["catalogue", "haproxy", "postgresql"], logs,
        catalogue_store="postgresql", **common,
    )  # fmt: skip
    assert sqlite.secrets() == server.secrets() == 0
    return [sqlite, server]


def each(sites, playbook, *options, fails=False, variables=lambda site: {}):
    """Run a playbook for all of them at a time; what each said, in one line."""
    begun = time.monotonic()
    running = [(site, site.start(playbook, *options, **variables(site))) for site in sites]
    said = []
    for _, process in running:
        code = process.wait(timeout=900)
        text = process.log.read_text()
        assert (code != 0) == fails, f"{process.log}\n{text[-6000:]}"
        said.append(text)
    print(f"{playbook} {' '.join(options)}: {time.monotonic() - begun:.0f} s")
    return said


def hosts(sites):
    return [host for site in sites for host in site.hosts]


def nothing_changed(said):
    return [set(re.findall(r"changed=(\d+)", text)) for text in said] == [{"0"}] * len(said)


@pytest.fixture(scope="module")
def wheel(place):
    """Make a wheel of the service as it would be with another version, and with more in `serve`."""

    def build(version, more=""):
        source, target = place / f"source-{version}", place / f"wheel-{version}{'-broken' if more else ''}"
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(ROOT / "src" / "pan_catalogue", source, ignore=shutil.ignore_patterns("__pycache__"))
        init = source / "__init__.py"
        init.write_text(re.sub(r'__version__ = "[^"]+"', f'__version__ = "{version}"', init.read_text()))
        cli = source / "cli.py"
        if more:
            assert cli.read_text().count("    configure(of.log)\n") == 1
            cli.write_text(cli.read_text().replace("    configure(of.log)\n", f"    configure(of.log)\n{more}"))
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target], cwd=source, check=True
        )
        return str(next(target.glob("*.whl")))

    return build


def test_deploy_and_fill(sites, place):
    each(sites, "preflight.yml")
    each(sites, "site.yml")
    records = place / "records.jsonl"
    records.write_text("".join(Facility(200).lines()))
    for site in sites:
        engine("cp", str(records), f"{site.host}:/tmp/records.jsonl")
        root(site.host, "chmod 0644 /tmp/records.jsonl && pan-catalogue ingest /tmp/records.jsonl")
        assert site.answers()["/api/Datasets/count"][0]["count"] > 50
    assert nothing_changed(each(sites, "site.yml", "--check", "--diff", "--tags", "catalogue"))


# Asks again and again, through the proxy, until told to stop; prints each status and how often it came.
ASKING = f"""
rm -f /tmp/enough
until [ -e /tmp/enough ]; do
  curl -s -m 10 -o /dev/null -w '%{{http_code}}\\n' --cacert /etc/facility/tls/ca.pem --connect-to ::127.0.0.1: {URL}/api/Datasets/count
  sleep 0.1
done | sort | uniq -c
"""


@contextlib.contextmanager
def asked(site):
    """Ask all the time; yields a mapping that has, at the end, status -> how often it came."""
    asking = subprocess.Popen(
        [os.environ.get("FACILITY_ENGINE", "podman"), "exec", site.host, "sh", "-c", ASKING],
        stdout=subprocess.PIPE,
        text=True,
    )
    found = {}
    try:
        yield found
    finally:
        root(site.host, "touch /tmp/enough")
        told, _ = asking.communicate(timeout=30)
        found.update({int(status): int(times) for times, status in map(str.split, told.splitlines())})


def test_a_node_can_go_and_a_change_restarts_one_after_the_other(sites):
    server = sites[1]
    counted = [server.ask("/api/Datasets/count", node) for node in server.hosts]
    assert counted[0] == counted[1]
    before = server.serving()
    with asked(server) as found:
        root(server.hosts[1], "systemctl stop pan-catalogue")
        time.sleep(3)
        root(server.hosts[1], "systemctl start pan-catalogue")
        each([server], "site.yml", "--tags", "catalogue", variables=lambda _: {"catalogue_limits": {"rows": 5000}})
        assert not set(server.serving()) & set(before)
    print(found)
    assert set(found) == {200}
    assert found[200] > 20
    each([server], "site.yml", "--tags", "catalogue")


def test_what_is_lost_comes_back_from_the_archive(sites, place):
    before = [site.answers() for site in sites]
    each(sites, "backup.yml")
    gone = {"catalogue_purge_data": True, "postgresql_purge_data": True}
    each(sites, "remove.yml", variables=lambda _: gone)
    for host in hosts(sites):
        assert (
            root(host, "ls -d /var/lib/pan-catalogue /opt/pan-catalogue /etc/pan-catalogue 2>/dev/null || true") == ""
        )
    for site in sites:
        with tarfile.open(site.archives[-1]) as tar:
            assert "catalogue.age" in tar.getnames()
        for value in site.vault.values():
            assert value.encode() not in site.archives[-1].read_bytes()
    each(sites, "restore.yml", variables=lambda site: {"backup_archive": str(site.archives[-1])})
    assert [site.answers() for site in sites] == before
    # What is there is not overwritten unless that is said.
    said = each(sites, "restore.yml", fails=True, variables=lambda site: {"backup_archive": str(site.archives[-1])})
    assert "catalogue_restore_over" in said[0]
    assert "postgresql_restore_over" in said[1]
    assert [site.answers() for site in sites] == before


def test_a_deployment_does_not_change_the_release(sites, wheel):
    package = {"catalogue_package": wheel("7.0.0")}
    for text in each(sites, "site.yml", "--tags", "catalogue", fails=True, variables=lambda _: package):
        said = " ".join(text.split())
        assert "playbooks/upgrade.yml" in said
        assert "this inventory names 7.0.0" in said
    assert not any("7.0.0" in site.versions() for site in sites)


def test_while_a_node_is_not_ready_none_is_switched(sites, wheel):
    server, second = sites[1], sites[1].hosts[1]
    before = server.versions(), server.serving()
    lock = "/opt/pan-catalogue/.lock"
    root(second, f"rm {lock} && mkdir {lock}")
    package = {"catalogue_package": wheel("7.0.0")}
    said = " ".join(each([server], "upgrade.yml", fails=True, variables=lambda _: package)[0].split())
    root(second, f"rmdir {lock}")
    assert f"{second} could not be made ready for catalogue 7.0.0" in said
    assert (server.versions(), server.serving()) == before


def test_an_upgrade_that_does_not_come_up_goes_back(sites, wheel):
    before, versions = [site.answers() for site in sites], [site.versions() for site in sites]
    package = {"catalogue_package": wheel("7.0.0", BROKEN)}
    for text in each(sites, "upgrade.yml", fails=True, variables=lambda _: package):
        said = " ".join(text.split())
        assert "Catalogue 7.0.0 did not come up" in said
        assert "runs again" in said
        assert "this release is broken" in said  # the service's own words
    assert [site.answers() for site in sites] == before
    assert [site.versions() for site in sites] == versions
    for host in hosts(sites):
        assert root(host, "ls /var/lib/pan-catalogue /etc/pan-catalogue | grep -c before-upgrade || true") == "0"


def test_an_upgrade_that_is_killed_is_taken_up(sites, wheel):
    print(f"\nFACILITY_TEST_SEED={SEED}")
    moment = random.Random(SEED)  # noqa: S311  to be repeated
    before = [site.answers() for site in sites]
    package = {"catalogue_package": wheel("7.0.0")}
    for site in sites:
        # Anywhere from the first look to the new release's first answers.
        print(site.kill("upgrade.yml", moment.uniform(2, 30), after="Upgrade the catalogue", **package))
    each(sites, "upgrade.yml", variables=lambda _: package)
    assert [site.answers() for site in sites] == before
    assert [site.versions() for site in sites] == [["7.0.0"], ["7.0.0", "7.0.0"]]
    assert nothing_changed(each(sites, "site.yml", "--tags", "catalogue", variables=lambda _: package))
    for host in hosts(sites):
        left = root(host, "ls /var/lib/pan-catalogue /etc/pan-catalogue | grep -E 'upgrade|copy|part' || true")
        assert left == ""
    # What both releases need was not fetched a second time.
    for host in hosts(sites):
        assert root(host, "find /opt/pan-catalogue/7.0.0-*/lib -name '*.so' -links 1") == ""
    server = sites[1].host
    names = root(
        server, "cd / && runuser -u postgres -- psql -Atc \"select datname from pg_database where datname like 'cat%'\""
    )
    assert names == "catalogue"


def test_secrets_are_rotated_without_an_interruption(sites, wheel):
    package = {"catalogue_package": wheel("7.0.0")}
    old = [site.vault["vault_catalogue_push_token"] for site in sites]
    assert [site.push(token) for site, token in zip(sites, old, strict=True)] == [200, 200]
    serving = [site.serving() for site in sites]
    for site in sites:
        assert site.secrets("--rotate", "vault_catalogue_push_token", "vault_catalogue_db_password") == 0
    each(sites, "rotate.yml", variables=lambda _: package)
    new = [site.vault["vault_catalogue_push_token"] for site in sites]
    for site, before, after in zip(sites, old, new, strict=True):
        assert before != after
        assert (site.push(before), site.push(after), site.push("x" * 32)) == (200, 200, 401)
        assert site.secrets("--retire") == 0
    # The new password of the database is in use by whoever connects anew.
    for host in sites[1].hosts:
        root(host, "pan-catalogue status")
    each(sites, "site.yml", "--tags", "catalogue", variables=lambda _: package)
    for site, before, after in zip(sites, old, new, strict=True):
        for _ in range(20):  # until the last of the old workers is gone
            if site.push(before) == 401:
                break
            time.sleep(0.5)
        assert (site.push(before), site.push(after)) == (401, 200)
    assert [site.serving() for site in sites] == serving


def test_no_secret_was_said(sites):
    assert [site.said() for site in sites] == [[], []]
