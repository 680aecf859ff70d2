"""Run the kit's own playbooks on inventories without a host: nothing here may open a connection."""

import copy
import json
import os
import re
import secrets
import subprocess
from pathlib import Path

import pytest
import yaml
from bad_inventories import Missing

ROOT = Path(__file__).resolve().parents[2]
NAMES = re.compile(r"\bvault_[a-z0-9_]+\b")


@pytest.fixture(scope="session")
def vault():
    """A value for every secret: those that scripts/secrets would make, and those that the inventories expect from others."""
    roles, sites = ROOT.glob("roles/*/defaults/main.yml"), ROOT.glob("inventories/*/**/*.yml")
    names = {name for file in roles for name in NAMES.findall(file.read_text()) if not name.startswith("vault_given_")}
    names |= {name for file in sites if file.name != "vault.yml" for name in NAMES.findall(file.read_text())}
    return {name: f"canary-{secrets.token_urlsafe(24)}" for name in sorted(names)}


@pytest.fixture(scope="session")
def play(tmp_path_factory):
    """Run a playbook; returns (exit code, {host: {task: result}}, all output)."""

    def run(playbook, inventory, variables=None, *, arguments=()):
        folder = tmp_path_factory.mktemp("play")
        (folder / "vars.json").write_text(json.dumps(variables or {}))
        result = subprocess.run(
            ["ansible-playbook", "-i", str(inventory), "-e", f"@{folder}/vars.json", *arguments, str(playbook)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
                # Whoever tries to reach a host of these inventories waits in vain and fails the test.
                "ANSIBLE_TIMEOUT": "2",
                "NO_COLOR": "1",
            },
        )
        output = result.stdout + result.stderr
        found = {}
        start = result.stdout.find("{\n")
        if start >= 0:
            for part in json.loads(result.stdout[start:])["plays"]:
                for task in part["tasks"]:
                    for host, outcome in task["hosts"].items():
                        found.setdefault(host, {})[task["task"]["name"]] = outcome
        return result.returncode, found, output

    return run


@pytest.fixture(scope="session")
def example():
    """All variables of inventories/example as one dictionary, for cases that change one thing."""
    merged = {}
    for file in sorted((ROOT / "inventories/example/group_vars/all").glob("*.yml")):
        if file.name != "vault.yml":
            merged.update(yaml.safe_load(file.read_text()))
    # Cases stand in a folder of their own.
    look = {**merged["facility_look"], "logo": str(ROOT / "inventories/example/group_vars/all/logo.svg")}
    return {**merged, "facility_preset_directories": [str(ROOT / "inventories/presets")], "facility_look": look}


@pytest.fixture(scope="session")
def changed(example):
    """The example's variables with some changed: {dotted path: new value, or Missing}."""

    def change(changes):
        variables = copy.deepcopy(example)
        for path, value in changes.items():
            *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
            holder = variables
            for key in way:
                holder = holder[key]
            if value is Missing:
                del holder[last]
            else:
                holder[last] = value
        return variables

    return change
