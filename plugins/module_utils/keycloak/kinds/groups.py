# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Groups by path, parents before children. A POST ignores children; a PUT replaces the attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..compare import differences, filled, lists, merged, plain
from ..document import GROUP_ROLES, Wanted
from ..plan import UPDATE, Change, Key, change
from ..state import EVERY, Live
from .base import Realm, Removable


class Groups(Removable):
    """The tree, one stage for each level."""

    name = "group"
    section = "groups"

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

    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Their paths."""
        return wanted.groups

    def there(self, live: Live) -> Iterable[Key]:
        """Their paths."""
        return live.groups

    def stage(self, key: Key) -> int:
        """Children go before their parent."""
        return -str(key).count("/")

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Not a parent of groups that people made."""
        by_hand = [path for path in live.groups if path.startswith(f"{key}/") and path not in live.owned[self.name]]
        return f"there are groups in it made by hand: {', '.join(sorted(by_hand))}" if by_hand else ""

    def remove(self, realm: Realm, key: Key) -> None:
        """Removes the group; its members stay as users."""
        realm.client.delete(f"/groups/{realm.live.groups[key]['id']}")

    def describe(self, live: Live) -> dict[str, Any]:
        """The tree, with the roles of each group."""
        tree: dict[str, Any] = {"": {}}
        for path in sorted(live.groups, key=lambda one: (one.count("/"), one)):
            group = live.groups[path]
            item = tree[path] = filled({key: group.get(key) for key in ("name", "description", *GROUP_ROLES)})
            if group.get("attributes"):
                item["attributes"] = plain(group["attributes"])
            tree[path.rsplit("/", 1)[0]].setdefault("subGroups", []).append(item)
        return {"groups": tree[""].get("subGroups", [])}
