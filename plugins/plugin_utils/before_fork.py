"""What every process of Ansible needs, loaded once.

Ansible forks a process for each task and host. Filters, tests and lookups are loaded when a template first mentions one: in each of these processes
anew, for the one that forks them seldom meets a template. That was a tenth of what a control node did in a run without changes.
"""

from __future__ import annotations

import gc
from pathlib import Path

from ansible.plugins.loader import filter_loader, lookup_loader, test_loader

LOADERS = {"filter": filter_loader, "test": test_loader, "lookup": lookup_loader}


def load() -> None:
    """Load all filters and tests, and the lookups of this collection; keep the garbage collector from touching memory that forks share."""
    for kind, loader in LOADERS.items():
        if kind != "lookup":  # Ansible's own are loaded each by its name, and some want libraries that are not here
            list(loader.all())
        for file in (Path(__file__).parents[1] / kind).glob("*.py"):
            loader.get(f"panosc.facility.{file.stem}", class_only=kind == "lookup")
    gc.freeze()
