"""Dossiers for the registration at identity providers: complete where the inventory is, and honest about what is missing."""

import json
import re
import stat
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
POLICY = {"realm_dossier_aup_url": "https://www.facility.example/aup"}
# As before a registration: neither client ids nor the secrets that others give.
BEFORE = {
    "facility_identity_providers": [{"preset": "umbrella", "client_secret": "{{ vault_given_umbrella_client_secret }}"}]
}


@pytest.fixture(scope="module")
def dossiers(play, tmp_path_factory):
    """Run the playbook; {alias: (text, data)} and the output."""

    def write(name, variables):
        folder = tmp_path_factory.mktemp("dossier")
        given = {**variables, "facility_report_directory": str(folder)}
        code, _, output = play(ROOT / "playbooks/dossier.yml", ROOT / "inventories" / name, given)
        assert code == 0, output[-3000:]
        files = sorted((folder / "dossier").iterdir())
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        texts = {file.stem: file.read_text() for file in files if file.suffix == ".md"}
        return {
            alias: (texts[alias], json.loads((folder / "dossier" / f"{alias}.json").read_text())) for alias in texts
        }

    return write


@pytest.fixture(scope="module")
def example(dossiers):
    return dossiers("example", POLICY)


@pytest.fixture(scope="module")
def minimal(dossiers):
    return dossiers("minimal", BEFORE)


def test_a_complete_inventory_leaves_nothing_open(example):
    text, data = example["umbrella"]
    assert data["complete"] is True
    assert data["missing"] == []
    assert "MISSING" not in text
    for value in (
        "Example Neutron and Photon Facility ERIC",
        "security@facility.example",
        "https://www.facility.example/aup",
    ):
        assert value in text
    assert re.search(r"Sirtfi .*\| yes \|", text)


def test_what_is_missing_is_named_with_its_variable(minimal):
    specs = yaml.safe_load((ROOT / "roles/facility/meta/argument_specs.yml").read_text())["argument_specs"]["main"]
    registration = specs["options"]["facility_registration"]["options"]
    text, data = minimal["umbrella"]
    assert data["complete"] is False
    assert set(data["missing"]) == {
        *(f"facility_registration.{key}" for key in registration),
        "facility_ror_id",
        "facility_website",
        "facility_privacy_url",
        "facility_aup.url",
    }
    for variable in data["missing"]:
        assert f"`{variable}`" in text.split("## ")[0], "the list of what is missing stands at the head"


def test_the_client_is_the_one_that_the_realm_will_have(example):
    client = example["umbrella"][1]["client"]
    assert client["redirect_uris"] == ["https://auth.facility.example/realms/enpf/broker/umbrella/endpoint"]
    assert client["token_endpoint_auth_method"] == "client_secret_basic"
    assert client["code_challenge_method"] == "S256"
    assert "voperson_id" in client["scope"].split()
    assert {"sub", "email", "voperson_id", "eduperson_entitlement", "eduperson_assurance"} <= set(client["claims"])
    assert example["uni"][1]["client"]["redirect_uris"] == [
        "https://auth.facility.example/realms/enpf/broker/uni/endpoint"
    ]


def test_a_no_is_an_answer(dossiers):
    text, data = dossiers("minimal", {**BEFORE, "facility_registration": {"code_of_conduct": False}})["umbrella"]
    assert re.search(r"Code of Conduct .*\| no \|", text)
    assert "facility_registration.code_of_conduct" not in data["missing"]


def test_every_scope_and_claim_of_umbrella_has_its_reason(example):
    text, data = example["umbrella"]
    for name in [*data["client"]["scope"].split(), *data["client"]["claims"]]:
        assert re.search(rf"\| `{name}` \| \w", text), name


def test_a_provider_without_a_template_of_its_own_gets_the_general_one(example):
    assert example["uni"][0].startswith("# Registration of Example Neutron and Photon Facility at Example University\n")
    assert example["umbrella"][0].startswith("# Registration of Example Neutron and Photon Facility at UmbrellaID\n")


@pytest.mark.parametrize("alias", ["umbrella", "uni"])
def test_markdown_tables_are_whole(example, alias):
    rows = [line for line in example[alias][0].splitlines() if line.startswith("|")]
    assert len(rows) > 20
    assert all(re.fullmatch(r"\|[^|]+\|[^|]*\|", row) for row in rows)
    assert "\n\n\n" not in example[alias][0]
