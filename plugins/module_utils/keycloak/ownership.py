# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""What was made here, so that it can go again, and what people made by hand stays.

The names stand in attributes of the realm, `facility.owned.<kind>`, as a JSON list for each kind. They are
written before the objects are made: a run that is killed in between owns a name without an object, which
is forgotten when the document drops it, and never leaves an object without a name. An object that was
there before is used and never owned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .compare import merged
from .errors import KeycloakError
from .plan import REMOVE, UPDATE, Change, Key

if TYPE_CHECKING:
    from .document import Wanted
    from .kinds.base import Kind, Realm, Removable
    from .state import Live

PREFIX = "facility.owned."
Owned = dict[str, set[Key]]  # names of objects by kind

FORGET = "ownership"  # kind of the changes that only forget a name


@dataclass(frozen=True)
class Prune:
    """What may be removed: objects, and also those that users, or their links to a provider, would go with."""

    objects: bool = False
    users: bool = False

    def refusal(self, holds_people: bool) -> str:
        """Why an object is kept, or nothing."""
        if not self.objects:
            return "prune is off"
        return (
            "users or their links would go with it, and prune_users is off" if holds_people and not self.users else ""
        )


KEEP = Prune()


def read(attributes: Mapping[str, Any]) -> Owned:
    """The names that attributes of a realm hold."""
    found: Owned = {}
    for attribute, text in attributes.items():
        if attribute.startswith(PREFIX):
            try:
                names = {tuple(name) if isinstance(name, list) else str(name) for name in json.loads(text)}
            except (ValueError, TypeError) as error:
                raise KeycloakError(
                    "this is no JSON list of names",
                    f"attribute {attribute} of the realm",
                    "Somebody edited it. Remove the attribute: the objects it named then count as made by hand",
                ) from error
            found[attribute[len(PREFIX) :]] = names
    return {kind: names for kind, names in found.items() if names}


def as_attributes(owned: Owned) -> dict[str, str | None]:
    """The same as attributes; a kind without names has none."""
    return {
        f"{PREFIX}{kind}": json.dumps(sorted(names, key=str), separators=(",", ":")) if names else None
        for kind, names in owned.items()
    }


def plan_forgetting(live: Live, wanted: Wanted, kinds: Iterable[Kind]) -> Iterator[Change]:
    """Names whose objects are gone and no longer wanted. What is made by that name later is not ours."""
    for kind in _judged(wanted, kinds):
        for key in live.owned.get(kind.name, set()) - set(kind.there(live)) - set(kind.named(wanted)):
            yield Change(FORGET, (kind.name, *_parts(key)), UPDATE, ("owned",), {"owned": True}, {"owned": None})


def plan_removals(live: Live, wanted: Wanted, kinds: Iterable[Kind], prune: Prune) -> Iterator[Change]:
    """What was made here, is there, and is not named any more. It goes last, in reverse order of dependency.

    A part of something that goes is not listed: it goes, or stays, with that.
    """
    going: set[tuple[str, Key]] = set()
    found: list[Change] = []
    for kind in _judged(wanted, kinds):
        keys = candidates(live, wanted, kind)
        going |= {(kind.name, key) for key in keys}
        for key in sorted(keys, key=lambda one: (kind.stage(one), str(one)), reverse=True):
            if kind.owner(key) not in going:
                kept = kind.kept(live, wanted, key) or prune.refusal(kind.holds_people)
                found.append(Change(kind.name, key, REMOVE, stage=kind.stage(key), kept=kept))
    yield from reversed(found)


def candidates(live: Live, wanted: Wanted, kind: Removable) -> set[Key]:
    """Keys of one kind that were made here, are there, and are not named any more."""
    return (live.owned.get(kind.name, set()) & set(kind.there(live))) - set(kind.named(wanted))


def claim(realm: Realm, kinds: Iterable[Kind]) -> None:
    """Writes down what is about to be made, before the first of it is; forgets what the plan forgets."""
    owned = dict(realm.live.owned)
    for kind in _judged(realm.wanted, kinds):
        there, named = set(kind.there(realm.live)), set(kind.named(realm.wanted))
        owned[kind.name] = (owned.get(kind.name, set()) & (there | named)) | (named - there)
    _write(realm, owned)


def release(realm: Realm, kinds: Iterable[Kind], removed: Iterable[Change]) -> None:
    """Forgets what has been removed, with its parts."""
    gone = {(change.kind, change.key) for change in removed}
    owned = dict(realm.live.owned)
    for kind in _judged(realm.wanted, kinds):
        held = owned.get(kind.name, set())
        owned[kind.name] = {key for key in held if not {(kind.name, key), kind.owner(key)} & gone}
    _write(realm, owned)


def _write(realm: Realm, owned: Owned) -> None:
    owned = {kind: names for kind, names in owned.items() if names}
    if owned != realm.live.owned:
        none: Owned = {kind: set() for kind in realm.live.owned}
        attributes = merged(realm.live.attributes, as_attributes({**none, **owned}))
        realm.client.put("", {"attributes": attributes})
        realm.live.realm["attributes"], realm.live.owned = attributes, owned


def _judged(wanted: Wanted, kinds: Iterable[Kind]) -> Iterator[Removable]:
    return (kind for kind in kinds if getattr(kind, "section", None) in wanted.sections)  # type: ignore[misc]


def _parts(key: Key) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else tuple(key)
