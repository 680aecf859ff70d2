"""Every molecule scenario, as one test each: `pytest -n 2` runs two at a time."""

import os
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "logs" / "scenarios"
# The longest first, so that two workers end together.
LONGEST = ["operations", "realm", "keycloak", "equipment", "postgresql"]
SCENARIOS = sorted(
    (f.parent.name for f in ROOT.glob("molecule/*/molecule.yml")),
    key=lambda n: (LONGEST.index(n) if n in LONGEST else 99, n),
)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario):
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{scenario}.log"
    begun = time.monotonic()
    with log.open("w") as out:
        result = subprocess.run(
            ["molecule", "test", "-s", scenario],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-60:])
    assert result.returncode == 0, (
        f"{tail}\n\nscenario {scenario} failed after {time.monotonic() - begun:.0f} s; the full log is {log}"
    )
