# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""What a check found: one line for people, the same as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

OK, UNKNOWN, WARNING, ERROR = LEVELS = ("ok", "unknown", "warning", "error")  # the worst last


@dataclass(frozen=True)
class Finding:
    """One check of one subject. No field may hold a secret or say anything of a person."""

    subject: str  # what was checked: the alias of a provider, the name of a host
    what: str  # the check, a few words
    level: str
    message: str
    where: str = ""  # address, file, or place in the inventory
    mend: str = ""  # what to do; empty where there is nothing to do

    def data(self) -> dict[str, str]:
        """The finding as a module returns it."""
        return asdict(self)

    def line(self) -> str:
        """The finding in one paragraph, as in a refusal."""
        place = f" ({self.where})" if self.where and self.where not in self.message else ""
        return f"{self.subject}: {self.what}: {self.message}{place}" + (f". {self.mend}" if self.mend else "")


def worst(findings: Iterable[Finding]) -> str:
    """The worst level among them; `ok` when there are none."""
    return max((finding.level for finding in findings), key=LEVELS.index, default=OK)


def tolerated(findings: Iterable[Finding], despite: Iterable[str]) -> list[Finding]:
    """The same findings; errors of subjects that the site wants to go on without are warnings."""
    known = set(despite)
    return [
        replace(finding, level=WARNING, mend=f"Gone on nevertheless, as told. {finding.mend}".strip())
        if finding.level == ERROR and finding.subject in known
        else finding
        for finding in findings
    ]
