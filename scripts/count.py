"""Sum up junit files: prints `N passed, N failed, N skipped` as the last line, exit code 1 when one failed or none ran."""

from __future__ import annotations

import sys
from xml.etree import ElementTree


def main(files: list[str]) -> int:
    """Read the files, print what failed or was skipped and the sum."""
    passed, failed, skipped = 0, [], []
    for case in (case for file in files for case in ElementTree.parse(file).getroot().iter("testcase")):  # noqa: S314  # our own pytest wrote the files
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif (reason := case.find("skipped")) is not None:
            skipped.append(f"{name}: {reason.get('message')}")
        else:
            passed += 1
    print()
    for name in skipped:
        print(f"skipped  {name}")
    for name in failed:
        print(f"FAILED   {name}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
