# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The declarative user profile: attributes and groups by name, the rest of it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..compare import differences, merged, merged_by_name, named_differences
from ..document import Wanted
from ..plan import Change, change
from ..state import Live
from .base import Kind, Realm

LISTS = ("attributes", "groups")


class UserProfile(Kind):
    """The one profile of the realm."""

    name = "user profile"
    parallel = False

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys of the named attributes."""
        profile = wanted.profile
        found = differences({key: value for key, value in profile.items() if key not in LISTS}, live.profile)
        for key in LISTS:
            found.update(named_differences(profile.get(key) or [], live.profile.get(key) or [], key))
        yield from change(self.name, wanted.realm, found)

    def apply(self, realm: Realm, change: Change) -> None:
        """Sends the whole profile; new attributes come last."""
        live, wanted = realm.live.profile, realm.wanted.profile
        body = merged(live, {key: value for key, value in wanted.items() if key not in LISTS})
        for key in LISTS:
            if wanted.get(key):
                body[key] = merged_by_name(live.get(key) or [], wanted[key])
        realm.client.put("/users/profile", body)

    def describe(self, live: Live) -> dict[str, Any]:
        """The profile as it is."""
        return {"userProfile": live.profile}
