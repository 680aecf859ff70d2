# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The plan: which objects change, in which order, and how. Pure; sends nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Iterable

from .compare import Differences

CREATE, UPDATE = "create", "update"


@dataclass(frozen=True)
class Change:
    """One object that is not as wanted. `before` and `after` hold the differing fields only, no secret."""

    kind: str
    name: str
    action: str
    fields: tuple = ()
    before: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)
    stage: int = 0  # within a kind, lower stages are written first (a parent before its child)

    def summary(self) -> dict:
        return {"kind": self.kind, "name": self.name, "action": self.action, "fields": list(self.fields)}

    def touches(self, name: str) -> bool:
        """Whether the field itself, or anything inside it, changes."""
        return any(part == name or part.startswith((f"{name}.", f"{name}[")) for part in self.fields)

    def diff(self) -> dict:
        """One entry of Ansible's diff."""
        title = f"{self.kind} {self.name}"
        return {
            "before_header": title,
            "after_header": title,
            "before": _lines(self.before) if self.action == UPDATE else "",
            "after": _lines(self.after) or "(created)\n",
        }


def change(kind: str, name: str, found: Differences, exists: bool = True, stage: int = 0) -> Iterable[Change]:
    """The Change of one object as an iterable: none when it exists and nothing differs."""
    if exists and not found:
        return
    yield Change(
        kind,
        name,
        UPDATE if exists else CREATE,
        tuple(sorted(found)),
        {key: before for key, (before, _) in found.items()},
        {key: after for key, (_, after) in found.items()},
        stage,
    )


def plan(live: Any, wanted: Any, kinds: Iterable) -> list[Change]:
    """All changes, kind after kind in order of dependency, objects by stage and name."""
    return [item for kind in kinds for item in sorted(kind.plan(live, wanted), key=lambda one: (one.stage, one.name))]


def counts(changes: Iterable[Change]) -> dict:
    return dict(Counter(item.action for item in changes))


def _lines(values: dict) -> str:
    rows = []
    for name in sorted(values):
        value = values[name]
        for one in value if isinstance(value, Outline) else [value]:
            rows.append(f"{name}: {'' if one is None else one}")
    return "".join(f"{row}\n" for row in rows)


class Outline(list):
    """A value shown on several lines, such as the tree of a flow."""
