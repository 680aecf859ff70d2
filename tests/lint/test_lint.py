"""What the linters say of the whole checkout; each is one test, its findings are the failure's text."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".ansible" / "collections"
SCRIPTS = [str(f.relative_to(ROOT)) for f in (ROOT / "scripts").iterdir() if f.is_file() and f.suffix in ("", ".sh")]

LINTERS = {
    "ruff": ["ruff", "check", "."],
    "ruff-format": ["ruff", "format", "--check", "."],
    "mypy-plugins": [
        "mypy",
        "--config-file",
        f"{ROOT}/pyproject.toml",
        "-p",
        "ansible_collections.panosc.facility.plugins",
    ],
    "mypy-src": ["mypy", "src"],
    "yamllint": ["yamllint", "--strict", "."],
    "ansible-lint": ["ansible-lint", "--offline"],
    "shellcheck": ["shellcheck", "--external-sources", "--source-path=scripts", *SCRIPTS, ".ci/run"],
    "changelog": ["antsibull-changelog", "lint"],
    "readmes": ["scripts/docs", "--check"],
}


def run(command: list[str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )


@pytest.mark.parametrize("name", LINTERS)
def test_linter_is_content(name):
    # mypy must see the collection under its own name, not the checkout's folders.
    result = run(LINTERS[name], COLLECTIONS if name == "mypy-plugins" else ROOT)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-3000:]


def test_no_file_names_a_package_registry_by_its_host():
    """A site behind a mirror must be able to use the kit as it is: clients are used as configured."""
    hosts = re.compile(
        r"pypi\.org|pythonhosted\.org|registry\.npmjs|(deb|security)\.debian\.org|repo1?\.maven|central\.sonatype"
    )
    files = run(["git", "ls-files", "-z"]).stdout.split("\0")
    here = str(Path(__file__).relative_to(ROOT))
    named = [
        f for f in files if f and f != here and hosts.search((ROOT / f).read_text(encoding="utf-8", errors="ignore"))
    ]
    assert named == []
