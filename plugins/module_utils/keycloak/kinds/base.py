# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""What every kind of object has: a pure `plan`, and `apply` for one change of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..client import Client
from ..document import Wanted
from ..plan import Change, Key
from ..state import Live


@dataclass(frozen=True)
class Realm:
    """What `apply` works with: the connection, what is there, what is wanted."""

    client: Client
    live: Live
    wanted: Wanted


class Kind(ABC):
    """One kind of object of a realm."""

    name: str  # as the plan shows it
    parallel = True  # whether changes of one stage may be written at the same time

    @abstractmethod
    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """The objects of this kind that are not as wanted. Pure."""

    @abstractmethod
    def apply(self, realm: Realm, change: Change) -> None:
        """Writes one change."""

    def describe(self, live: Live) -> dict[str, Any]:
        """The objects of the realm as sections of a document. Pure."""
        return {}


class Removable(Kind):
    """A kind whose objects go again when the document no longer names them, if they were made here."""

    section: str  # of the document; without it nothing is judged
    holds_people = False  # whether users, or their links, go with the object

    @abstractmethod
    def named(self, wanted: Wanted) -> Iterable[Key]:
        """Keys of the objects that the document names."""

    @abstractmethod
    def there(self, live: Live) -> Iterable[Key]:
        """Keys of the objects that the server has."""

    def kept(self, live: Live, wanted: Wanted, key: Key) -> str:
        """Why this object may not go, or nothing. Pure."""
        return ""

    def owner(self, key: Key) -> tuple[str, Key] | None:
        """Kind and key of the object that this one is a part of, and goes with."""
        return None

    def stage(self, key: Key) -> int:
        """Lower stages go first."""
        return 0

    @abstractmethod
    def remove(self, realm: Realm, key: Key) -> None:
        """Removes one object."""
