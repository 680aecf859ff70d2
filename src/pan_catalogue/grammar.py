"""JSON text -> query model: filters and what they include. With `where`, the only place that finds fault with a filter, and that knows its JSON.

Sources: panosc-eu/search-api `doc/query.md` and LoopBack 3 "Querying data"; what both leave open, and where this provider differs on purpose, is in
`docs/catalogue/search-api.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from .bounds import Bounds
from .errors import BadFilter, TooLarge
from .model import MODELS, PATHS, Type, relation_of
from .query import ALWAYS, Find, Include
from .text import terms
from .where import INT64, At, Where, choice, kind

FILTER_KEYS = ("where", "include", "limit", "skip", "order", "fields", "query")
SCOPE_KEYS = FILTER_KEYS[:-1]


def of_filter(model: str, text: str | None, bounds: Bounds) -> Find:
    """Return what the `filter` of a list or a single record means.

    Args:
        model: key in `MODELS`.
        text: the filter's JSON, or None: there was none.
        bounds: how large it may be.

    Raises:
        BadFilter: it has no meaning; the message names the key.
        TooLarge: it is longer than allowed.
    """
    if text is None:
        return Find(model)
    return Reader(bounds).find(model, decode(text, "filter", bounds), "filter", FILTER_KEYS)


def of_where(model: str, text: str | None, bounds: Bounds) -> Find:
    """Return what the `where` of a count means. Arguments and errors are those of `of_filter`."""
    if text is None:
        return Find(model)
    return Find(model, where=Reader(bounds).condition(model, decode(text, "where", bounds), At("where")))


def decode(text: str, key: str, bounds: Bounds) -> Any:
    """Return the JSON object in `text`."""
    if len(text) > bounds.characters:
        raise TooLarge(f"longer than {bounds.characters} characters", key)
    try:
        value = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError) as e:
        raise BadFilter(f"not JSON ({e})", key) from None
    except RecursionError:
        raise BadFilter("nested too deep", key) from None
    if not isinstance(value, dict):
        raise BadFilter(f"must be a JSON object, not {kind(value)}", key)
    return value


@dataclass
class Reader(Where):
    """Reads one filter; counts what it has read.

    Attributes:
        includes: includes read so far.
    """

    includes: int = 0

    def find(self, model: str, given: dict[str, Any], key: str, keys: Iterable[str], depth: int = 0) -> Find:
        """Return what one filter or scope means."""
        for name in given:
            if name not in keys and not self.bounds.tolerant:
                raise BadFilter(f"unknown key; {choice(name, keys)}", f"{key}.{name}")
        outer, self.asked = self.asked, []
        where = self.condition(model, given["where"], At(f"{key}.where")) if given.get("where") is not None else ALWAYS
        asked, self.asked = self.asked, outer
        return Find(
            model,
            where=where,
            includes=tuple(self.read_includes(model, given.get("include"), f"{key}.include", depth)),
            order=tuple(self.read_order(model, given.get("order"), f"{key}.order")),
            skip=self.read_skip(given.get("skip"), f"{key}.skip"),
            limit=self.read_limit(given.get("limit"), f"{key}.limit"),
            fields=self.read_fields(model, given.get("fields"), f"{key}.fields"),
            words=self.read_query(given.get("query"), f"{key}.query") if "query" in keys else None,
            units=tuple(dict.fromkeys(asked)),
        )

    def read_includes(self, model: str, given: Any, key: str, depth: int) -> Iterator[Include]:
        """Yield the related classes that are asked for: a name, an object, or a list of these."""
        if given is None:
            return
        for n, item in enumerate(given if isinstance(given, list) else [given]):
            here = f"{key}[{n}]" if isinstance(given, list) else key
            asked = {"relation": item} if isinstance(item, str) else item
            if not isinstance(asked, dict):
                raise BadFilter(f"must be a relation's name or an object, not {kind(item)}", here)
            for name in asked:
                if name not in ("relation", "scope") and not self.bounds.tolerant:
                    raise BadFilter(f"unknown key; {choice(name, ['relation', 'scope'])}", f"{here}.{name}")
            name = self.text(asked.get("relation"), f"{here}.relation")
            relation = relation_of(model, name)
            if relation is None:
                raise BadFilter(
                    f"a {MODELS[model].name} has no relation {name!r}; {choice(name, MODELS[model].relations)}",
                    f"{here}.relation",
                )
            self.includes += 1
            if self.includes > self.bounds.includes:
                raise BadFilter(f"more than {self.bounds.includes} includes", here)
            if depth >= self.bounds.include_depth:
                raise BadFilter(f"includes nested deeper than {self.bounds.include_depth}", here)
            scope = asked.get("scope")
            if scope is None:
                scope = {}
            if not isinstance(scope, dict):
                raise BadFilter(f"must be an object, not {kind(scope)}", f"{here}.scope")
            yield Include(relation, self.find(relation.target, scope, f"{here}.scope", SCOPE_KEYS, depth + 1))

    def read_order(self, model: str, given: Any, key: str) -> Iterator[tuple[str, bool]]:
        """Yield (field, descending): a text or a list of them, each `field`, `field ASC` or `field DESC`; of a field named twice the first counts."""
        if given is None:
            return
        sortable = [f.name for f in MODELS[model].fields.values() if f.type not in {Type.STRINGS, Type.VALUE}]
        seen: set[str] = set()
        for item in given if isinstance(given, list) else [given]:
            words = self.text(item, key).split()
            if len(words) not in {1, 2} or (words[1:] and words[1].upper() not in {"ASC", "DESC"}):
                raise BadFilter(f"must be like 'title', 'title ASC' or 'title DESC', not {item!r}", key)
            if words[0] not in sortable:
                raise BadFilter(f"cannot order by {words[0]!r}; {choice(words[0], sortable)}", key)
            if words[0] not in seen:
                seen.add(words[0])
                yield words[0], words[1:] != [] and words[1].upper() == "DESC"

    def read_skip(self, given: Any, key: str) -> int:
        """Return how many rows are passed over."""
        return self.whole(given, key, INT64 - 1) if given is not None else 0

    def read_limit(self, given: Any, key: str) -> int | None:
        """Return the most rows wanted; none and 0: as many as allowed."""
        return self.whole(given, key, self.bounds.rows) or None if given is not None else None

    def whole(self, given: Any, key: str, most: int) -> int:
        """Return a whole number from 0 to `most`."""
        if isinstance(given, bool) or not isinstance(given, int) or given < 0:
            raise BadFilter(f"must be a whole number from 0, not {given!r:.40}", key)
        if given > most:
            raise BadFilter(f"{given} is more than {most}, the most that is allowed; use skip for what follows", key)
        return given

    def read_fields(self, model: str, given: Any, key: str) -> frozenset[str] | None:
        """Return the names of the fields wanted: a list of names, or an object name -> true (only these) or false (all but these)."""
        if given is None:
            return None
        known = {*MODELS[model].fields, "score"}
        if isinstance(given, str):
            given = [given]
        names = list(given) if isinstance(given, (list, dict)) else None
        if (
            names is None
            or not all(isinstance(n, str) for n in names)
            or (isinstance(given, dict) and not all(isinstance(v, bool) for v in given.values()))
        ):
            raise BadFilter("must be a list of field names, or an object of field name and true or false", key)
        for name in names:
            if name not in known and not self.bounds.tolerant:
                raise BadFilter(f"a {MODELS[model].name} has no such field; {choice(name, known)}", f"{key}.{name}")
        if isinstance(given, list):
            return frozenset(names)
        wanted = {n for n, v in given.items() if v}
        return frozenset(wanted or known - set(names))

    def read_query(self, given: Any, key: str) -> tuple[str, ...] | None:
        """Return the terms of a free-text query, each once; an empty text is none."""
        if given is None:
            return None
        text = self.text(given, key)
        found = tuple(dict.fromkeys(terms(text)))
        if len(found) > self.bounds.terms:
            raise BadFilter(f"more than {self.bounds.terms} different words", key)
        return found if text.strip() else None


def model_at(path: str) -> str | None:
    """Return the key in `MODELS` of the class at a path such as `Datasets`, compared without regard to case."""
    return PATHS.get(path.lower())
