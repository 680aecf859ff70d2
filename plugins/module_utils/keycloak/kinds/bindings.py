# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Which flow is used where: by the realm, and by clients that override it. By alias in the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..compare import differences
from ..document import BINDINGS, OVERRIDES, Wanted
from ..errors import KeycloakError
from ..flow_tree import unmarked
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm
from .clients import put_client


class Bindings(Kind):
    """Bindings of the realm, and of clients; named `realm` and `client/<clientId>`."""

    name = "flow binding"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares aliases; a copy left by an interrupted swap counts as the flow it stands for."""
        bound = {key: unmarked(live.realm.get(key) or "") for key in wanted.bindings}
        yield from change(self.name, "realm", differences(wanted.bindings, bound))
        for name, item in wanted.clients.items():
            held = (live.clients.get(name) or {}).get(OVERRIDES) or {}
            aliases = {key: live.flow_alias(flow_id) for key, flow_id in held.items()}
            yield from change(self.name, ("client", name), differences(item.get(OVERRIDES) or {}, aliases))

    def apply(self, realm: Realm, change: Change) -> None:
        """The realm is bound by alias, a client by id."""
        if change.key == "realm":
            realm.client.put("", {key: realm.wanted.bindings[key] for key in change.fields})
            return
        name = change.key[1]
        flows = {flow["alias"]: flow["id"] for flow in realm.client.get("/authentication/flows")}
        overrides = {}
        for key in change.fields:
            alias = realm.wanted.clients[name][OVERRIDES][key]
            if alias and alias not in flows:
                raise KeycloakError(f"there is no flow {alias!r}", OVERRIDES, "Add it to authenticationFlows")
            overrides[key] = flows[alias] if alias else ""  # an empty id unbinds
        put_client(realm.client, realm.live.clients[name], {OVERRIDES: overrides})

    def describe(self, live: Live) -> dict[str, Any]:
        """Those of the realm; a client describes its own."""
        return {key: unmarked(live.realm[key]) for key in BINDINGS if live.realm.get(key)}
