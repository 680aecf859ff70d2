# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Which flow is used where: by the realm, and by clients that override it. By alias in the document."""

from __future__ import annotations

from typing import Iterable

from ..compare import differences
from ..document import Wanted
from ..errors import KeycloakError
from ..flow_tree import unmarked
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm
from .clients import OVERRIDES

CLIENT = "client "


class Bindings(Kind):
    """Named `realm` or `client <clientId>`."""

    name = "flow binding"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        bound = {key: unmarked(live.realm.get(key) or "") for key in wanted.bindings}
        yield from change(self.name, "realm", differences(wanted.bindings, bound))
        for name, item in wanted.clients.items():
            if item.get(OVERRIDES) is not None:
                now = (live.clients.get(name) or {}).get(OVERRIDES) or {}
                aliases = {key: live.flow_alias(flow_id) for key, flow_id in now.items()}
                yield from change(self.name, CLIENT + name, differences(item[OVERRIDES], aliases))

    def apply(self, realm: Realm, change: Change) -> None:
        if change.name == "realm":
            realm.client.put("", {key: realm.wanted.bindings[key] for key in change.fields})
            return
        name = change.name[len(CLIENT) :]
        wanted = realm.wanted.clients[name][OVERRIDES]
        body = {key: _flow_id(realm, wanted[key]) for key in change.fields}
        realm.client.put(f"/clients/{realm.live.client_id(name)}", {"clientId": name, OVERRIDES: body})


def _flow_id(realm: Realm, alias: str) -> str:
    """Id of a flow, "" (which unbinds) for none."""
    if not alias:
        return ""
    for flow in realm.client.get("/authentication/flows"):
        if flow["alias"] == alias:
            return flow["id"]
    raise KeycloakError(f"there is no flow {alias!r}", OVERRIDES, "Add it to authenticationFlows")
