# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole of it in one function: check, read, plan, verify, write."""

from __future__ import annotations

from . import ownership, references, rights, state
from .apply import apply
from .client import Client
from .discovery import verify_issuers
from .document import Wanted
from .kinds import KINDS
from .kinds.base import Realm
from .ownership import KEEP, Prune
from .plan import Change, plan


def reconcile(
    client: Client,
    wanted: Wanted,
    check_mode: bool = False,
    verify_discovery: bool = True,
    prune: Prune = KEEP,
) -> list[Change]:
    """Brings the realm to the wanted state and returns the plan; in check mode nothing is written."""
    there = rights.check(client, wanted)
    made: list[Change] = []
    if not there:
        if check_mode:
            return plan(state.Live(), wanted, KINDS)
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
    if verify_discovery:
        verify_issuers(client, wanted, changes)
    if not check_mode:
        apply(Realm(client, live, wanted), changes)
    return made + changes
