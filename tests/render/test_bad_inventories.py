"""Bad inventories are refused before any host is touched, and the refusal says which variable and how to mend it."""

import re
from pathlib import Path

import pytest
import yaml
from bad_inventories import CATALOGUE, FACILITY, KEYCLOAK, REALM

ROOT = Path(__file__).resolve().parents[2]
# No case may show what is in a vault or what stood where a secret belongs.
NEVER_SHOWN = re.compile(r"canary-|Xy7-short|changeme-changeme-1234")


def host(name):
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") + ".facility.example"


TABLES = {"facility": FACILITY, "keycloak": KEYCLOAK, "realm": REALM, "catalogue": CATALOGUE}
CASES = [pytest.param(table, name, id=f"{table}: {name}") for table, cases in TABLES.items() for name in cases]
# One of each kind, through the playbook that people run.
THROUGH_SITE = [
    ("facility", "unknown variable"),
    ("facility", "wildcard redirect"),
    ("facility", "http redirect"),
    ("facility", "contact missing"),
    ("facility", "service default secret"),
    ("facility", "two services, one URL"),
    ("facility", "service preset unknown"),
    ("keycloak", "Keycloak below the floor"),
    ("realm", "automation secret short"),
]


def said(results):
    """The problems of a refusal, each with its mend."""
    message = "\n".join(result["msg"] for result in results.values() if result.get("failed"))
    return re.split(r"\n\d+\. ", message)[1:]


def check(problems, table, name):
    _, variable, mend = TABLES[table][name]
    assert problems, "this inventory was accepted"
    assert any(variable in text.split("\n")[0] and mend in text and "set it in: " in text for text in problems), (
        problems
    )


@pytest.fixture(scope="module")
def refused(play, changed, vault, tmp_path_factory):
    """All cases of a table are hosts of one inventory: one run; (exit code, {host: {task: result}}, output)."""
    done = {}

    def run(table):
        if table not in done:
            hosts = {
                host(name): {**changed(changes), "ansible_host": "192.0.2.1", "facility_address": f"192.0.2.{number}"}
                for number, (name, (changes, _, _)) in enumerate(TABLES[table].items(), 10)
            }
            inventory = tmp_path_factory.mktemp(table) / "hosts.yml"
            inventory.write_text(yaml.safe_dump({"keycloak": {"hosts": hosts}}, sort_keys=False))
            done[table] = play(ROOT / "tests/render/check.yml", inventory, {**vault, "checked_role": table})
        return done[table]

    return run


@pytest.mark.parametrize(("table", "name"), CASES)
def test_refused_with_the_name_and_the_mend(refused, table, name):
    check(said(refused(table)[1][host(name)]), table, name)


@pytest.mark.parametrize("table", TABLES)
def test_no_secret_is_shown(refused, table):
    assert not NEVER_SHOWN.search(refused(table)[2])


@pytest.mark.parametrize(("table", "name"), THROUGH_SITE, ids=[name for _, name in THROUGH_SITE])
def test_no_host_is_touched(play, changed, vault, tmp_path, table, name):
    hosts = {f"host{number}.facility.example": {"facility_address": f"192.0.2.{number}"} for number in (1, 2)}
    (tmp_path / "hosts.yml").write_text(
        yaml.safe_dump(
            {
                "keycloak": {"hosts": hosts},
                "postgresql": {"hosts": hosts},
                "all": {"vars": changed(TABLES[table][name][0])},
            },
            sort_keys=False,
        )
    )
    code, found, output = play(ROOT / "playbooks/site.yml", tmp_path / "hosts.yml", vault)
    assert code == 2
    for results in found.values():
        assert all(
            result["action"] in {"ansible.builtin.include_role", "panosc.facility.validate"}
            for result in results.values()
        ), results
    check(
        said({str(number): result for results in found.values() for number, result in enumerate(results.values())}),
        table,
        name,
    )
    assert "unreachable" not in output.split('"stats"')[0]
    assert not NEVER_SHOWN.search(output)
