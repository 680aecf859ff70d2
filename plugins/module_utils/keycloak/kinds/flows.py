# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Authentication flows, compared as whole trees and swapped in (see flow_swap.py)."""

from __future__ import annotations

from typing import Iterable

from ..document import Wanted
from ..errors import DocumentError
from ..flow_tree import unmarked
from ..plan import Change, Outline, change
from ..state import Live
from .base import Kind, Realm
from .flow_swap import equal, swap, variants


class Flows(Kind):
    name = "authentication flow"
    parallel = False

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for alias, tree in wanted.flows.items():
            there = variants(live.flows, alias)
            now = live.flows.get(alias) or (there[0] if there else None)
            found: dict = {}
            if not equal(tree, now):
                found["executions"] = (
                    Outline(now.renamed(unmarked).outline()) if now else None,
                    Outline(tree.outline()),
                )
            if now and tree.description != now.description:
                found["description"] = (now.description, tree.description)
            if found and now and now.built_in:
                raise DocumentError(
                    f"the flow {alias!r} comes with Keycloak and cannot be changed",
                    "authenticationFlows",
                    "Give the flow an alias of its own and bind that",
                )
            copies = sorted(flow.alias for flow in there if flow.alias != alias)
            if copies:
                found["unfinished swap"] = (", ".join(copies), None)
            yield from change(self.name, alias, found, bool(there))

    def apply(self, realm: Realm, change: Change) -> None:
        swap(realm.client, realm.wanted.flows[change.name], realm.live.flows)
