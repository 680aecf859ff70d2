# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Authentication flows, compared as whole trees and swapped in (see flow_swap.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..compare import Differences
from ..document import BINDINGS, IDP_BINDINGS, OVERRIDES, Wanted
from ..errors import DocumentError
from ..flow_tree import to_document, unmarked
from ..plan import Change, Key, Outline, change
from ..state import Live
from .base import Realm, Removable
from .flow_swap import FLOWS, equal, swap, variants


class Flows(Removable):
    """Top-level flows by alias."""

    name = "authentication flow"
    section = "authenticationFlows"
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

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their aliases."""
        return wanted.flows

    def there(self, live: Live) -> Iterable[Key]:
        """Their aliases, those of unfinished copies included."""
        return {unmarked(alias) for alias in live.flows}

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Neither what comes with Keycloak, nor what is in use once this plan is done."""
        if any(flow.built_in for flow in variants(live.flows, key)):
            return "it comes with Keycloak"
        places = [where for where, alias in _bindings(live, wanted) if unmarked(alias) == key]
        return f"it is in use: {', '.join(places)}" if places else ""

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the flow and its unfinished copies; Keycloak refuses if something else uses it after all."""
        for flow in variants(realm.live.flows, key):
            realm.client.delete(f"{FLOWS}/{flow.id}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Flows that do not come with Keycloak."""
        return {"authenticationFlows": [to_document(flow) for flow in live.flows.values() if not flow.built_in]}


def _bindings(live: Live, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """(place, alias of the flow in use there) once the document is applied."""
    for key in BINDINGS:
        yield key, wanted.bindings.get(key, live.realm.get(key)) or ""
    for alias, idp in live.idps.items():
        for key in IDP_BINDINGS:
            yield f"identity provider {alias}", {**idp, **wanted.idps.get(alias, {})}.get(key) or ""
    for name, client in live.clients.items():
        held = {key: live.flow_alias(flow_id) for key, flow_id in (client.get(OVERRIDES) or {}).items()}
        for alias in {**held, **(wanted.clients.get(name, {}).get(OVERRIDES) or {})}.values():
            yield f"client {name}", alias or ""
