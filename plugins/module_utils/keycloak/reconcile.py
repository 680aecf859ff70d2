# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole of it in one function: check, read, plan, verify, write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import ownership, references, rights, state
from .apply import apply
from .client import Client
from .discovery import verify_issuers
from .document import Wanted
from .kinds import KINDS
from .kinds.base import Realm
from .ownership import KEEP, Prune
from .plan import Change, plan

if TYPE_CHECKING:
    from ..preflight.gate import Gate


def reconcile(  # noqa: PLR0913  each is an option of the module
    client: Client,
    wanted: Wanted,
    *,
    check_mode: bool = False,
    verify_discovery: bool = True,
    prune: Prune = KEEP,
    gate: Gate | None = None,
) -> list[Change]:
    """Brings the realm to the wanted state and returns the plan; in check mode nothing is written.

    The gate sees the plan before the first write, and raises if something must be mended first.
    """
    there = rights.check(client, wanted)
    made: list[Change] = []
    if not there:
        changes = plan(state.Live(), wanted, KINDS)
        if gate:
            gate(changes)
        if check_mode:
            return changes
        rights.create_realm(client, wanted.realm)
        made = [Change("realm", wanted.realm, "create")]
        rights.check(client, wanted)
    live = state.read(client, wanted)
    references.check(live, wanted)
    changes = [
        *ownership.plan_forgetting(live, wanted, KINDS),
        *plan(live, wanted, KINDS),
        *ownership.plan_removals(live, wanted, KINDS, prune),
    ]
    if gate and there:
        gate(changes)
    if verify_discovery:
        despite = gate.despite if gate else ()
        verify_issuers(client, wanted, [item for item in changes if item.name not in despite])
    if not check_mode:
        apply(Realm(client, live, wanted), changes)
    return made + changes
