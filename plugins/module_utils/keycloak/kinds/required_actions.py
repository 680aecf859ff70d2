# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Required actions with their config. Keycloak registers them all; the document switches and orders them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..client import part
from ..compare import differences, filled, merged
from ..document import Wanted
from ..errors import DocumentError
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm


class RequiredActions(Kind):
    """Required actions by alias."""

    name = "required action"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys; raises DocumentError for an action that the server does not have."""
        for alias, item in wanted.required_actions.items():
            if live.id and alias not in live.required_actions:
                known = ", ".join(sorted(live.required_actions))
                raise DocumentError(f"Keycloak has no required action {alias!r}", "requiredActions", f"It has: {known}")
            yield from change(self.name, alias, differences(item, live.required_actions.get(alias, {})))

    def apply(self, realm: Realm, change: Change) -> None:
        """The action and its config have calls of their own."""
        whole = merged(realm.live.required_actions[change.name], realm.wanted.required_actions[change.name])
        path = f"/authentication/required-actions/{part(change.name)}"
        if change.touches("config"):
            realm.client.put(f"{path}/config", {"config": whole.get("config") or {}})
        if any(not field.startswith("config") for field in change.fields):
            realm.client.put(path, whole)

    def describe(self, live: Live) -> dict[str, Any]:
        """Actions with their order."""
        return {"requiredActions": [filled(item, "name", "providerId") for item in live.required_actions.values()]}
