# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Authentication flows, compared as whole trees and swapped in (see flow_swap.py)."""

from __future__ import annotations

from collections.abc import Iterator

from ..compare import Differences
from ..document import Wanted
from ..errors import DocumentError
from ..flow_tree import unmarked
from ..plan import Change, Outline, change
from ..state import Live
from .base import Kind, Realm
from .flow_swap import equal, swap, variants


class Flows(Kind):
    """Top-level flows by alias."""

    name = "authentication flow"
    parallel = False

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares outlines; what an interrupted swap left is a difference too."""
        for alias, tree in wanted.flows.items():
            there = variants(live.flows, alias)
            now = live.flows.get(alias) or (there[0] if there else None)
            found: Differences = {}
            if now is None or not equal(tree, now):
                before = Outline(now.renamed(unmarked).outline()) if now else None
                found["executions"] = (before, Outline(tree.outline()))
            if now and tree.description != now.description:
                found["description"] = (now.description, tree.description)
            if now and now.built_in and found:
                raise DocumentError(
                    f"the flow {alias!r} comes with Keycloak and cannot be changed",
                    "authenticationFlows",
                    "Give the flow an alias of its own and bind that",
                )
            copies = sorted(flow.alias for flow in there if flow.alias != alias)
            if copies:
                found["unfinished swap"] = (copies, None)
            yield from change(self.name, alias, found, bool(there))

    def apply(self, realm: Realm, change: Change) -> None:
        """Builds the flow, or swaps it in."""
        swap(realm.client, realm.wanted.flows[change.name], realm.live.flows)
