# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Required actions with their config. Keycloak registers them all; the document switches and orders them."""

from __future__ import annotations

from typing import Iterable

from ..client import part
from ..compare import differences, merged, texts
from ..document import Wanted
from ..errors import DocumentError
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm


class RequiredActions(Kind):
    name = "required action"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for alias, item in wanted.required_actions.items():
            if live.id and alias not in live.required_actions:
                known = ", ".join(sorted(live.required_actions))
                raise DocumentError(
                    f"Keycloak knows no required action {alias!r}", "requiredActions", f"Known: {known}"
                )
            yield from change(self.name, alias, differences(_form(item), live.required_actions.get(alias, {})))

    def apply(self, realm: Realm, change: Change) -> None:
        wanted, now = _form(realm.wanted.required_actions[change.name]), realm.live.required_actions[change.name]
        path = f"/authentication/required-actions/{part(change.name)}"
        whole = merged(now, wanted)
        config = whole.pop("config", {})
        if any(not field.startswith("config") for field in change.fields):
            realm.client.put(path, {**whole, "config": config})
        if change.touches("config"):
            realm.client.put(f"{path}/config", {"config": config})


def _form(item: dict) -> dict:
    return {**item, "config": texts(item["config"] or {})} if "config" in item else item
