# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Groups by path, parents before children. A POST ignores children; a PUT replaces the attributes."""

from __future__ import annotations

from typing import Iterable

from ..compare import differences, lists, merged
from ..document import Wanted
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm


class Groups(Kind):
    name = "group"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for path, item in wanted.groups.items():
            yield from change(
                self.name,
                path,
                differences(item, live.groups.get(path, {})),
                path in live.groups,
                stage=path.count("/"),
            )

    def apply(self, realm: Realm, change: Change) -> None:
        live, wanted, path = realm.live.groups, realm.wanted.groups[change.name], change.name
        if change.action == "update":
            body = {**{key: live[path][key] for key in ("name", "description") if live[path].get(key)}, **wanted}
            if "attributes" in wanted:
                attributes = lists(merged(live[path].get("attributes"), wanted["attributes"]))
                body["attributes"] = {key: value for key, value in attributes.items() if value}
            realm.client.put(f"/groups/{live[path]['id']}", body)
            return
        parent = path.rsplit("/", 1)[0]
        where = f"/groups/{live[parent]['id']}/children" if parent else "/groups"

        def find() -> str:
            found = (
                realm.client.get(where, search=wanted["name"], exact="true")
                if not parent
                else realm.client.get(where, max=10000)
            )
            return next((item["id"] for item in found if item["name"] == wanted["name"]), "")

        live[path] = {**wanted, "path": path, "id": realm.client.create(where, merged({}, wanted), find)}
