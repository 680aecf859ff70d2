# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Groups by path, parents before children. A POST ignores children; a PUT replaces the attributes."""

from __future__ import annotations

from collections.abc import Iterator

from ..compare import differences, lists, merged
from ..document import Wanted
from ..plan import UPDATE, Change, change
from ..state import EVERY, Live
from .base import Kind, Realm


class Groups(Kind):
    """The tree, one stage for each level."""

    name = "group"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares description and attributes."""
        for path, item in wanted.groups.items():
            found = differences(item, live.groups.get(path, {}))
            yield from change(self.name, path, found, path in live.groups, stage=path.count("/"))

    def apply(self, realm: Realm, change: Change) -> None:
        """Writes one group; its parent is there by now."""
        client, live, path = realm.client, realm.live.groups, change.name
        wanted = realm.wanted.groups[path]
        if change.action == UPDATE:
            body = {key: live[path][key] for key in ("name", "description") if live[path].get(key)}
            body.update(wanted)
            if "attributes" in wanted:
                attributes = lists(merged(live[path].get("attributes"), wanted["attributes"]))
                body["attributes"] = {key: value for key, value in attributes.items() if value}
            client.put(f"/groups/{live[path]['id']}", body)
            return
        parent = path.rsplit("/", 1)[0]
        where = f"/groups/{live[parent]['id']}/children" if parent else "/groups"

        def find() -> str | None:
            return next((item["id"] for item in client.get(where, max=EVERY) if item["name"] == wanted["name"]), None)

        live[path] = {"path": path, "id": client.create(where, merged({}, wanted), find)}
