# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Client profiles (what is enforced) and client policies (on whom). Each of the two lists is written as a whole.

Those that nobody named are sent along as they are. The global profiles come with Keycloak and are not in the list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..compare import differences, merged
from ..document import Named, Wanted
from ..plan import Change, Key, change
from ..state import Live
from .base import Realm, Removable


class ClientPolicies(Removable):
    """Client policies by name; with `profiles` client profiles."""

    parallel = False  # one list

    def __init__(self, profiles: bool) -> None:
        self._profiles = profiles
        self.name = "client profile" if profiles else "client policy"
        self.section = "clientProfiles" if profiles else "clientPolicies"

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the named keys; lists of conditions, executors and profiles are whole lists."""
        now = self._of(live)
        for name, item in self.named(wanted).items():
            yield from change(self.name, name, differences(item, now.get(name, {})), name in now)

    def apply(self, realm: Realm, change: Change) -> None:
        """Sends the list with this one in it."""
        now = self._of(realm.live)
        now[change.name] = merged(now.get(change.name), self.named(realm.wanted)[change.name])
        self._put(realm)

    def named(self, wanted: Wanted) -> Named:
        """By name."""
        return wanted.client_profiles if self._profiles else wanted.client_policies

    def there(self, live: Live) -> Iterable[Key]:
        """By name."""
        return self._of(live)

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Not a profile that a policy applies once this plan is done: the policy would be broken."""
        policies = {**live.client_policies, **wanted.client_policies}.items() if self._profiles else ()
        users = sorted(name for name, policy in policies if key in (policy.get("profiles") or []))
        return f"it is in use: client policy {', '.join(users)}" if users else ""

    def remove(self, realm: Realm, key: Key) -> None:
        """Sends the list without this one."""
        self._of(realm.live).pop(key)
        self._put(realm)

    def describe(self, live: Live) -> dict[str, Any]:
        """The list, if it has something."""
        items = list(self._of(live).values())
        return {self.section: {"profiles" if self._profiles else "policies": items}} if items else {}

    def _of(self, live: Live) -> Named:
        return live.client_profiles if self._profiles else live.client_policies

    def _put(self, realm: Realm) -> None:
        key = "profiles" if self._profiles else "policies"
        realm.client.put(f"/client-policies/{key}", {key: list(self._of(realm.live).values())})
