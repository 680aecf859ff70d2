# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The plan: which objects change, in which order, and how. Pure; sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .compare import Differences, text

CREATE, UPDATE, REMOVE = "create", "update", "remove"
Key = Any  # a name, or a tuple of names with the owner's first


class Outline(list[str]):
    """A value shown on several lines, such as the tree of a flow."""


@dataclass(frozen=True)
class Change:
    """One object that is not as wanted. `before` and `after` hold the differing fields only, no secret."""

    kind: str
    key: Key  # under which the object stands in Live and Wanted
    action: str
    fields: tuple[str, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    stage: int = 0  # within a kind, lower stages are written first (a parent before its child)
    kept: str = ""  # why this removal is only shown

    @property
    def name(self) -> str:
        """The key as people read it: an owner's name stands before a slash."""
        return self.key if isinstance(self.key, str) else "/".join(part for part in self.key if part)

    def summary(self) -> dict[str, Any]:
        """One entry of the plan that the module returns."""
        kept = {"kept": self.kept} if self.kept else {}
        return {"kind": self.kind, "name": self.name, "action": self.action, "fields": list(self.fields), **kept}

    def line(self) -> str:
        """One line for a report."""
        fields = f": {', '.join(self.fields)}" if self.action == UPDATE else ""
        kept = f" (kept: {self.kept})" if self.kept else ""
        return f"{self.action} {self.kind} {self.name}{fields}{kept}"

    def touches(self, name: str) -> bool:
        """Whether the field itself, or anything inside it, changes."""
        return any(part == name or part.startswith((f"{name}.", f"{name}[")) for part in self.fields)

    def diff(self) -> dict[str, str]:
        """One entry of Ansible's diff."""
        title = f"{self.kind} {self.name}"
        return {
            "before_header": title,
            "after_header": title,
            "before": {CREATE: "", REMOVE: "(there)\n"}.get(self.action) or _lines(self.before),
            "after": {REMOVE: ""}.get(self.action, _lines(self.after) or "(created)\n"),
        }


def change(kind: str, key: Key, found: Differences, exists: bool = True, stage: int = 0) -> Iterator[Change]:
    """The Change of one object, or nothing when it exists and has no differences."""
    if found or not exists:
        before = {name: old for name, (old, _) in found.items()}
        after = {name: new for name, (_, new) in found.items()}
        yield Change(kind, key, UPDATE if exists else CREATE, tuple(sorted(found)), before, after, stage)


def plan(live: Any, wanted: Any, kinds: Iterable[Any]) -> list[Change]:
    """All changes, kind after kind in order of dependency, objects by stage and name."""
    return [item for kind in kinds for item in sorted(kind.plan(live, wanted), key=lambda one: (one.stage, one.name))]


def counts(changes: Iterable[Change]) -> dict[str, int]:
    """Number of changes by action."""
    return dict(Counter(item.action for item in changes))


def _lines(values: dict[str, Any]) -> str:
    rows = []
    for name in sorted(values):
        value = values[name]
        rows += [f"{name}: {_shown(one)}" for one in (value if isinstance(value, Outline) else [value])]
    return "".join(f"{row}\n" for row in rows)


def _shown(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        return ", ".join(sorted(map(text, value)))
    return text(value)
