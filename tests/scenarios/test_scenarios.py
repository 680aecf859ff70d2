"""Every molecule scenario, as one test each; some run at a time."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "logs" / "scenarios"
# One for each processor: more of them spend on changing places what they gain while one waits.
AT_A_TIME = int(os.environ.get("FACILITY_TEST_SCENARIOS") or min(4, os.cpu_count() or 1))
# The longest first, so that all end together.
LONGEST = [
    "lifecycle",
    "operations",
    "catalogue_verbs",
    "catalogue",
    "keycloak",
    "realm",
    "haproxy",
    "postgresql",
]
SCENARIOS = sorted(
    (f.parent.name for f in ROOT.glob("molecule/*/molecule.yml")),
    key=lambda n: (LONGEST.index(n) if n in LONGEST else 99, n),
)


def molecule_test(scenario):
    """Run one; returns (exit code, seconds, log)."""
    log = LOGS / f"{scenario}.log"
    begun = time.monotonic()
    with log.open("w") as out:
        done = subprocess.run(
            ["molecule", "test", "-s", scenario],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
    return done.returncode, time.monotonic() - begun, log


@pytest.fixture(scope="module")
def runs(request):
    """The scenarios that were asked for, each as a future; they start in their order."""
    LOGS.mkdir(parents=True, exist_ok=True)
    wanted = [item.callspec.params["scenario"] for item in request.session.items if item.path == request.path]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {scenario: pool.submit(molecule_test, scenario) for scenario in wanted}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario, runs):
    code, seconds, log = runs[scenario].result()
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-60:])
    assert code == 0, f"{tail}\n\nscenario {scenario} failed after {seconds:.0f} s; the full log is {log}"
    print(f"{scenario}: {seconds:.0f} s")
