"""Push the records of a synthetic facility into the demo's catalogue, through its proxy, as a facility's own program would.

usage: records.py STATE_FOLDER DATASETS
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests" / "shared")]

from site_under_test import Site  # noqa: E402
from synthetic_facility import Facility  # noqa: E402

AT_ONCE = 1000  # records of one request


def main(state: Path, datasets: int) -> int:
    """Push them, print what became of them; 1 if any was rejected."""
    site = Site(state)
    site.resolve()
    lines = Facility(datasets).lines()
    total = {"taken": 0, "unchanged": 0, "rejected": 0}
    while batch := list(itertools.islice(lines, AT_ONCE)):
        told = site.push("".join(batch).encode())
        for refused in told["rejected"]:
            print(f"rejected: {refused}")
        for name, of in told.items():
            total[name] += len(of) if isinstance(of, list) else of
    print(total)
    return min(total["rejected"], 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
