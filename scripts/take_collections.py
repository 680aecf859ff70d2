"""Take the collections named in requirements.yml out of the PyPI bundle `ansible`, versions checked.

usage: take_collections.py BUNDLE.whl requirements.yml TARGET
"""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import yaml


def main(bundle: str, requirements: str, target: str) -> None:
    """Unpack each required collection, without its tests, below TARGET/ansible_collections."""
    wanted = {c["name"]: c["version"] for c in yaml.safe_load(Path(requirements).read_text())["collections"]}
    with zipfile.ZipFile(bundle) as wheel:
        names = wheel.namelist()
        for name, version in wanted.items():
            folder = f"ansible_collections/{name.replace('.', '/')}/"
            manifest = json.loads(wheel.read(folder + "MANIFEST.json"))
            found = manifest["collection_info"]["version"]
            if found != version:
                sys.exit(
                    f"requirements.yml wants {name} {version}, the bundle {Path(bundle).name} has {found}: change one of them"
                )
            wheel.extractall(target, [n for n in names if n.startswith(folder) and not n.startswith(folder + "tests/")])


if __name__ == "__main__":
    main(*sys.argv[1:])
