# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Writing a plan: kind after kind, stage after stage, what is independent at the same time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from . import ownership
from .errors import KeycloakError, PartialError
from .kinds import KINDS
from .kinds.base import Kind, Realm, Removable
from .plan import REMOVE, Change


def apply(realm: Realm, changes: Iterable[Change]) -> list[Change]:
    """Writes all changes and returns them; raises PartialError naming what was written before an error."""
    todo = [change for change in changes if not change.kept]
    if not todo:
        return []
    kinds = {kind.name: kind for kind in KINDS}
    ownership.claim(realm, KINDS)
    done = [change for change in todo if change.kind == ownership.FORGET]
    for (name, _, _), batch in groupby(todo[len(done) :], key=lambda item: (item.kind, item.action, item.stage)):
        written, failed = _write(realm, kinds[name], list(batch))
        done += written
        if failed:
            change, error = failed
            raise PartialError(error, f"{change.kind} {change.name}", done) from error
    ownership.release(realm, KINDS, (change for change in done if change.action == REMOVE))
    return done


def _write(realm: Realm, kind: Kind, batch: list[Change]) -> tuple[list[Change], tuple[Any, ...] | None]:
    """One batch: (changes written, first failure). Independent changes all get their chance."""

    def attempt(change: Change) -> KeycloakError | None:
        try:
            if change.action == REMOVE and isinstance(kind, Removable):
                kind.remove(realm, change.key)
            else:
                kind.apply(realm, change)
        except KeycloakError as error:
            return error
        return None

    written: list[Change] = []
    failed: tuple[Any, ...] | None = None
    if kind.parallel:
        results: Iterable[Any] = zip(batch, realm.client.map(attempt, batch))
    else:
        results = ((change, attempt(change)) for change in batch)
    for change, error in results:
        if error is None:
            written.append(change)
        else:
            failed = failed or (change, error)
            if not kind.parallel:
                break
    return written, failed
