# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Texts of the login pages, by locale. One POST for each locale adds and replaces; others stay."""

from __future__ import annotations

from typing import Iterable

from ..client import part
from ..document import Wanted
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm


class Localization(Kind):
    name = "localization"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for locale, values in wanted.localization.items():
            # Keys hold dots; they are compared one by one, not as paths.
            now = live.localization.get(locale, {})
            found = {
                key: (now.get(key), value) for key, value in values.items() if (now.get(key) or "") != (value or "")
            }
            yield from change(self.name, locale, found)

    def apply(self, realm: Realm, change: Change) -> None:
        path = f"/localization/{part(change.name)}"
        new = {key: value for key, value in change.after.items() if value is not None}
        if new:
            realm.client.post(path, new)
        for key in sorted(set(change.after) - set(new)):
            realm.client.delete(f"{path}/{part(key)}")
