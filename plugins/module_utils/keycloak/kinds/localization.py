# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Texts of the login pages, by locale. One POST for each locale adds and replaces; others stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..client import part
from ..compare import differences
from ..document import Wanted
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm


class Localization(Kind):
    """Texts by locale."""

    name = "localization"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares text by text; a null removes one."""
        for locale, values in wanted.localization.items():
            yield from change(self.name, locale, differences(values, live.localization.get(locale, {})))

    def apply(self, realm: Realm, change: Change) -> None:
        """Sends the texts that differ."""
        path = f"/localization/{part(change.name)}"
        new = {key: value for key, value in change.after.items() if value is not None}
        if new:
            realm.client.post(path, new)
        for key in sorted(change.after.keys() - new.keys()):
            realm.client.delete(f"{path}/{part(key)}")

    def describe(self, live: Live) -> dict[str, Any]:
        """Texts as they are."""
        return {"localization": live.localization}
