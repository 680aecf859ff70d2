# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""What every kind of object is made of: a pure `plan` and an `apply` for one change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

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


class Kind:
    """One kind of object of a realm."""

    name = ""
    parallel = True  # whether changes of the same stage may be written at the same time

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        """The objects of this kind that are not as wanted. Pure."""
        raise NotImplementedError

    def apply(self, realm: Realm, change: Change) -> None:
        """Writes one change."""
        raise NotImplementedError
