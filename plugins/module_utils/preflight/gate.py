# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The gate before a realm is written: partners that are new or changed must have proven themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ..keycloak.document import Wanted
from ..keycloak.errors import KeycloakError
from ..keycloak.plan import Change
from . import identity
from .findings import Finding, tolerated
from .net import Line


class UnprovenError(KeycloakError):
    """A partner is not as the document says; nothing was written."""


@dataclass
class Gate:
    """Called with the plan; `findings` keeps what was found."""

    wanted: Wanted
    public_url: str
    line: Line
    despite: Collection[str] = ()
    overridden: Mapping[str, Collection[str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list, init=False)

    def __call__(self, changes: Iterable[Change]) -> None:
        """Raises UnprovenError with every error found. Costs nothing when no partner is new or changed."""
        asked = identity.changed(changes)
        probes = identity.partners(self.wanted, self.public_url, self.overridden)
        found = identity.probe_all({name: probe for name, probe in probes.items() if name in asked}, self.line)
        self.findings = tolerated(found, self.despite)
        bad = identity.errors(self.findings)
        if bad:
            names = ", ".join(dict.fromkeys(finding.subject for finding in bad))
            lines = "\n".join(f"- {finding.line()}" for finding in bad)
            raise UnprovenError(
                f"what the realm would lean on is not as the inventory says:\n{lines}\n"
                f"Nothing was written. To go on nevertheless, name it: realm_preflight_despite: [{names}]"
            )
