"""The collection as others get it: built, installed from the tarball, checked by ansible-test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pan_facility import secrets

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".ansible" / "collections" / "ansible_collections"


def run(*command: str, cwd: Path, **env: str) -> str:
    # Ansible also finds collections on Python's path, where the checkout's are.
    env = {**os.environ, "NO_COLOR": "1", "PYTHONPATH": "", **env}
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=env)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout[-5000:]}\n{result.stderr[-3000:]}"
    return result.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The tracked files below .../ansible_collections/panosc/facility, which ansible-test insists on."""
    target = tmp_path_factory.mktemp("copy") / "ansible_collections" / "panosc" / "facility"
    target.mkdir(parents=True)
    for name in run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    run("git", "init", "-q", cwd=target)
    run("git", "add", "-A", cwd=target)
    return target


@pytest.fixture(scope="module")
def installed(copy, tmp_path_factory):
    """A collections folder that holds the built tarball and what it depends on, nothing of the checkout."""
    home = tmp_path_factory.mktemp("installed")
    run("ansible-galaxy", "collection", "build", "--output-path", str(home), cwd=copy)
    for needed in ("ansible", "community"):
        shutil.copytree(COLLECTIONS / needed, home / "ansible_collections" / needed)
    tarball = next(home.glob("panosc-facility-*.tar.gz"))
    run(
        "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "-p",
        str(home),
        str(tarball),
        cwd=home,
        ANSIBLE_COLLECTIONS_PATH=str(home),
    )
    return home


def test_the_tarball_holds_the_collection_and_nothing_else(installed):
    got = {p.name for p in (installed / "ansible_collections" / "panosc" / "facility").iterdir()}
    assert {"roles", "plugins", "playbooks", "meta", "README.md", "LICENSE"} <= got
    assert not got & {"tests", "molecule", "scripts", "src", ".venv", ".demo", "logs"}


def test_an_installed_collection_checks_an_inventory(installed, tmp_path):
    """The playbooks run by their names from the tarball, outside the checkout."""
    inventory = tmp_path / "minimal"
    shutil.copytree(ROOT / "inventories" / "minimal", inventory)
    password = tmp_path / "password"
    needed = secrets.mentioned(secrets.role_files([ROOT / "roles"]) + secrets.inventory_files(inventory))
    vault = secrets.Vault(inventory / "group_vars" / "all" / "vault.yml", secrets.password_from(password))
    secrets.complete(vault, needed)
    vault.write({**vault.read(), "vault_given_umbrella_client_secret": "handed-out-by-umbrella"})
    run(
        *(
            "ansible-playbook",
            "-i",
            str(inventory),
            "--vault-password-file",
            str(password),
            "panosc.facility.validate",
            "--extra-vars",
            "facility_address=192.0.2.10",
        ),
        cwd=tmp_path,
        ANSIBLE_COLLECTIONS_PATH=str(installed),
    )


def test_ansible_test_sanity(installed):
    """What is in the tarball, by Ansible's own checks; pylint is left out, ruff and mypy say more."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # ansible-test fetches get-pip from a host that closed networks lack; the interpreter's own pip serves as well.
    cache = Path.home() / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in ("get_pip_24_2.py", "get_pip_25_2.py"):
        if not (cache / name).exists():
            (cache / name).write_text("import ensurepip\n\nensurepip.bootstrap()\n")
    collection = installed / "ansible_collections" / "panosc" / "facility"
    shutil.copytree(ROOT / "tests" / "sanity", collection / "tests" / "sanity")
    command = ("ansible-test", "sanity", "--requirements", "--python", version, "--skip-test", "pylint")
    run(*command, cwd=collection, ANSIBLE_COLLECTIONS_PATH=str(installed))
