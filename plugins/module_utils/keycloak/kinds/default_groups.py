# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Groups that every new user is put into. The list is the whole list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ..compare import as_list
from ..document import Wanted
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm


class DefaultGroups(Kind):
    """The one list, of paths."""

    name = "default groups"
    parallel = False

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the paths as a set."""
        if "defaultGroups" in wanted.sections:
            now, want = sorted(as_list(live.realm.get("defaultGroups"))), wanted.default_groups
            yield from change(self.name, wanted.realm, {} if now == want else {"defaultGroups": (now, want)})

    def apply(self, realm: Realm, change: Change) -> None:
        """One request for each group that comes or goes."""
        now, want = set(as_list(realm.live.realm.get("defaultGroups"))), set(realm.wanted.default_groups)
        for path in sorted(now - want):
            realm.client.delete(f"/default-groups/{_id(realm, path)}")
        for path in sorted(want - now):
            realm.client.put(f"/default-groups/{_id(realm, path)}")

    def describe(self, live: Live) -> dict[str, Any]:
        """The list."""
        return {"defaultGroups": as_list(live.realm.get("defaultGroups"))}


def _id(realm: Realm, path: str) -> str:
    """Id of a group, asked for if the document has no groups."""
    group = realm.live.groups.get(path) or realm.client.get(f"/group-by-path{quote(path)}")
    return str(group["id"])
