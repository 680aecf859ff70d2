# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""What every kind of object has: a pure `plan`, and `apply` for one change of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from ..client import Client
from ..document import Wanted
from ..plan import Change
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
