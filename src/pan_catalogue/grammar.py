"""JSON text -> query model. The only place that finds fault with a filter, and the only one that knows its JSON.

Sources: panosc-eu/search-api `doc/query.md` and LoopBack 3 "Querying data"; what both leave open, and where this provider differs on purpose, is in
`docs/catalogue/search-api.md`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from . import dates, units
from .errors import BadFilter, TooLarge
from .model import MODELS, PATHS, Field, Type, relation_of
from .operators import OPERATORS, Takes
from .query import (
    ALWAYS,
    NEVER,
    And,
    Compare,
    Condition,
    Contains,
    Find,
    Include,
    Like,
    Not,
    Or,
    Quantity,
    Scalar,
    Wild,
)
from .text import fold, fold_ascii, terms

FILTER_KEYS = ("where", "include", "limit", "skip", "order", "fields", "query")
SCOPE_KEYS = FILTER_KEYS[:-1]
INT64 = 2**63
WILDCARDS = 8  # of one pattern


@dataclass(frozen=True)
class Bounds:
    """How large a filter may be.

    Attributes:
        characters: length of its JSON text.
        where_depth: `and` and `or` inside each other. With `include_depth` it keeps SQL within the parser stack of SQLite 3.40 (100 entries).
        include_depth: includes inside each other.
        includes: includes altogether.
        conditions: comparisons altogether, each member of a list counted by `values`.
        values: members of one list.
        terms: different words of a free-text query.
        rows: most rows of one page.
        tolerant: unknown keys, fields and operators are taken as the reference provider does: ignored, or matching nothing.
    """

    characters: int = 64_000
    where_depth: int = 12
    include_depth: int = 4
    includes: int = 30
    conditions: int = 400
    values: int = 10_000
    terms: int = 100
    rows: int = 10_000
    tolerant: bool = False


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


@dataclass(frozen=True)
class At:
    """Where in a filter a condition stands, and what holds together with it.

    Attributes:
        key: for messages, such as `filter.where.and[0].title`.
        depth: of `and` and `or`.
        unit: the unit in which a parameter's value is compared.
        name: the parameter's name.
    """

    key: str
    depth: int = 0
    unit: units.Unit | None = None
    name: str | None = None

    def inside(self, key: str, *, deeper: bool = False) -> At:
        """Return the place of a part of this."""
        return replace(self, key=self.key + key, depth=self.depth + deeper)


@dataclass
class Reader:
    """Reads one filter; counts what it has read."""

    bounds: Bounds
    includes: int = 0
    conditions: int = 0
    asked: list[tuple[str | None, str, str]] = field(default_factory=list)

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

    # -- where

    def condition(self, model: str, given: Any, at: At) -> Condition:
        """Return the condition that a where object means; its keys hold together."""
        if not isinstance(given, dict):
            raise BadFilter(f"must be an object, not {kind(given)}", at.key)
        if at.depth > self.bounds.where_depth:
            raise BadFilter(f"`and` and `or` nested deeper than {self.bounds.where_depth}", at.key)
        if model.endswith("Parameter"):
            at = self.of_one_parameter(given, at)
        return both([self.member(model, name, value, at.inside(f".{name}")) for name, value in given.items()])

    def of_one_parameter(self, given: dict[str, Any], at: At) -> At:
        """Return the place with what the keys of a where object, and of the objects in its `and`, say of a parameter together: its unit and its name."""
        unit, name = None, None
        for said in together(given):
            name = name or equal_text(said.get("name"))
            text = equal_text(said.get("unit"))
            if text and unit is None:
                unit = self.unit(text, f"{at.key}.unit")
        at = replace(at, unit=unit or at.unit, name=name or at.name)
        if at.unit and (unit or name):
            self.asked.append((at.name, at.unit.dimension, at.unit.name))
        return at

    def unit(self, name: str, key: str) -> units.Unit:
        """Return the unit of that name."""
        found = units.find(name)
        if found is None:
            raise BadFilter(f"unknown unit {name!r}; {choice(name, units.table())}", key)
        return found

    def member(self, model: str, name: str, value: Any, at: At) -> Condition:
        """Return the condition of one key of a where object."""
        if name in {"and", "or"}:
            if not isinstance(value, list):
                raise BadFilter(f"must be a list of objects, not {kind(value)}", at.key)
            parts = [self.condition(model, part, at.inside(f"[{n}]", deeper=True)) for n, part in enumerate(value)]
            return both(parts) if name == "and" else either(parts)
        self.count(at.key)
        if name == "text":
            if not MODELS[model].text_fields:
                raise BadFilter(f"a {MODELS[model].name} has no text to search", at.key)
            term = fold(self.text(value, at.key))
            return Contains(term) if term else ALWAYS
        found = MODELS[model].fields.get(name)
        if found is None:
            if self.bounds.tolerant:
                return NEVER
            known = [*MODELS[model].fields, "and", "or", "text"]
            raise BadFilter(f"a {MODELS[model].name} has no such field; {choice(name, known)}", at.key)
        if not isinstance(value, dict):
            return self.compare(found, "eq", value, at)
        ignore_case = value.get("options") == "i"  # LoopBack's way to say ilike
        return both(
            [
                self.compare(found, op, v, at.inside(f".{op}"), ignore_case=ignore_case)
                for op, v in value.items()
                if op != "options"
            ]
        )

    def compare(self, of: Field, name: str, value: Any, at: At, *, ignore_case: bool = False) -> Condition:
        """Return the condition of one field, one operator and what it is given."""
        operator = OPERATORS.get(name)
        if operator is None:
            if self.bounds.tolerant:
                return NEVER
            raise BadFilter(f"unknown operator; {choice(name, OPERATORS)}", at.key)
        if of.type not in operator.types:
            raise BadFilter(f"{name} cannot be used on {of.name}, which is {of.type.value}", at.key)
        if operator.negates:
            return negated(self.compare(of, operator.negates, value, at, ignore_case=ignore_case))
        if operator.takes is Takes.PATTERN:
            return like(of, name, self.text(value, at.key), at.key, ignore_case=ignore_case or name == "ilike")
        if value is None and name == "eq":
            return Compare(of, "eq", (None,))
        values = self.values(operator.takes, value, at.key)
        if of.name == "unit" and name == "eq":
            return self.of_unit(of, self.text(value, at.key), at.key)
        if of.type is Type.VALUE and at.unit and values and all(is_number(v) for v in values):
            for _ in values[1:]:  # each becomes a range of its own
                self.count(at.key)
            return Quantity(name, tuple(at.unit.to_si(self.number(v, at.key)) for v in values), at.unit.dimension)
        typed = [self.value(of, v, at.key) for v in values]
        known = tuple(v for v in typed if v is not None)
        if name == "between" and isinstance(known[0], str) != isinstance(known[1], str):
            raise BadFilter("both ends must be numbers, or both texts", at.key)
        return Compare(of, name, known) if known else NEVER

    def of_unit(self, of: Field, name: str, key: str) -> Condition:
        """Return the condition `unit: name`: the value can be given in that unit; no name: it has none."""
        if not name:
            return either([Compare(of, "eq", ("",)), Compare(of, "eq", (None,))])
        return Quantity("any", (), self.unit(name, key).dimension)

    def values(self, takes: Takes, value: Any, key: str) -> list[Any]:
        """Return the values that an operator was given."""
        if takes is Takes.ONE:
            return [value]
        if not isinstance(value, list):
            raise BadFilter(f"must be {takes.value}, not {kind(value)}", key)
        if takes is Takes.TWO and len(value) != 2:  # noqa: PLR2004
            raise BadFilter(f"must be {takes.value}, not of {len(value)}", key)
        if len(value) > self.bounds.values:
            raise BadFilter(f"a list of {len(value)}; at most {self.bounds.values} are allowed", key)
        return value

    def value(self, of: Field, value: Any, key: str) -> Scalar:
        """Return a value as it is compared; None: no row can have it."""
        match of.type:
            case Type.STRING | Type.STRINGS:
                return self.text(value, key)
            case Type.BOOLEAN if isinstance(value, bool):
                return value
            case Type.INTEGER if is_number(value):
                return self.number(value, key)
            case Type.DATE if isinstance(value, str):
                return date(value, key)
            case Type.VALUE if isinstance(value, str):
                return self.text(value, key)
            case Type.VALUE if is_number(value):
                return float(self.number(value, key))
            case Type.ID if isinstance(value, str):
                return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None
            case Type.ID if isinstance(value, int) and not isinstance(value, bool):
                return value if 0 <= value < INT64 else None
        raise BadFilter(f"{of.name} is {of.type.value}, not {kind(value)}", key)

    def text(self, value: Any, key: str) -> str:
        """Return a text that a database can be given."""
        if not isinstance(value, str):
            raise BadFilter(f"must be text, not {kind(value)}", key)
        if "\0" in value:
            raise BadFilter("has a NUL character", key)
        return value

    def number(self, value: float, key: str) -> float:
        """Return a number that a database can be given."""
        if not math.isfinite(value) or (abs(value) >= INT64 and isinstance(value, int)):
            raise BadFilter("the number is too large", key)
        return value

    def count(self, key: str) -> None:
        """Count one more comparison."""
        self.conditions += 1
        if self.conditions > self.bounds.conditions:
            raise BadFilter(
                f"more than {self.bounds.conditions} comparisons; a list of values (`inq`) counts as one, a list of quantities in a unit as many",
                key,
            )

    # -- the other keys

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


def both(parts: Iterable[Condition]) -> Condition:
    """Return that all of `parts` hold, as flat as can be."""
    flat = [p for part in parts for p in (part.parts if isinstance(part, And) else (part,))]
    if NEVER in flat:
        return NEVER
    compared = {p.dimension for p in flat if isinstance(p, Quantity) and p.operator != "any"}
    flat = [
        p
        for p in dict.fromkeys(flat)
        if not (isinstance(p, Quantity) and p.operator == "any" and p.dimension in compared)
    ]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def either(parts: Iterable[Condition]) -> Condition:
    """Return that one of `parts` holds, as flat as can be; equalities of one field become one list (SQLite takes 1,000 terms)."""
    flat = [p for part in parts for p in (part.parts if isinstance(part, Or) else (part,))]
    if ALWAYS in flat:
        return ALWAYS
    lists: dict[Field, list[Scalar]] = {}
    rest: list[Condition] = []
    for part in dict.fromkeys(flat):
        if isinstance(part, Compare) and part.operator in {"eq", "inq"} and None not in part.values:
            lists.setdefault(part.field, []).extend(part.values)
        else:
            rest.append(part)
    merged = [
        Compare(of, "inq" if len(values) > 1 else "eq", tuple(dict.fromkeys(values))) for of, values in lists.items()
    ]
    whole = [*merged, *rest]
    return whole[0] if len(whole) == 1 else Or(tuple(whole))


def negated(part: Condition) -> Condition:
    """Return the opposite of `part`."""
    if part == NEVER:
        return ALWAYS
    return NEVER if part == ALWAYS else Not(part)


def together(given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the where object and those in its `and`, whose keys hold together with its own."""
    yield given
    inner = given.get("and")
    for part in inner if isinstance(inner, list) else ():
        if isinstance(part, dict):
            yield from together(part)


def equal_text(value: Any) -> str | None:
    """Return the text of `value` or `{"eq": value}`, or None when it is something else."""
    if isinstance(value, dict) and len(value) == 1:
        value = value.get("eq")
    return value if isinstance(value, str) else None


def like(of: Field, name: str, given: str, key: str, *, ignore_case: bool) -> Condition:
    """Return the condition of a pattern."""
    if name == "regexp":
        pattern, ignore_case = expression(given, key)
    elif "%" in given:
        pattern = [p for piece in re.split(r"(%+)", given) if (p := Wild.MANY if piece.startswith("%") else piece)]
    else:
        pattern = [Wild.MANY, given, Wild.MANY] if given else [Wild.MANY]
    if pattern.count(Wild.MANY) > WILDCARDS:
        raise BadFilter(f"more than {WILDCARDS} times any characters", key)
    if ignore_case:
        lower = fold if of.folded else fold_ascii
        pattern = [lower(p) if isinstance(p, str) else p for p in pattern]
    return Like(of, tuple(pattern), ignore_case)


def expression(given: str, key: str) -> tuple[list[str | Wild], bool]:
    """Return the pattern of a regular expression, and whether case is disregarded.

    Only what cannot be made slow is taken: literal text, `.`, `.*`, `^` at the start and `$` at the end; a backslash makes the next character literal.
    """
    slashed = re.fullmatch(r"/(.*)/(i?)", given, re.DOTALL)
    body, flags = (slashed[1], slashed[2]) if slashed else (given, "")
    pattern: list[str | Wild] = [] if body.startswith("^") else [Wild.MANY]
    ended = False
    for sign in re.findall(r"\\.|\.\*|.", body.removeprefix("^"), re.DOTALL):
        if ended or sign in set("*+?{}[]()|^\\"):
            raise BadFilter(
                f"{given!r:.60}: only literal text, `.`, `.*`, `^` at the start and `$` at the end are allowed; write `\\` before a character that is meant itself",
                key,
            )
        if sign == "$":
            ended = True
        elif sign in {".*", "."}:
            pattern.append(Wild.MANY if sign == ".*" else Wild.ONE)
        elif pattern and isinstance(pattern[-1], str):
            pattern[-1] += sign[-1]
        else:
            pattern.append(sign[-1])
    if not ended:
        pattern.append(Wild.MANY)
    return pattern, flags == "i"


def date(given: str, key: str) -> str:
    """Return a date as it is stored (`dates.canonical`)."""
    try:
        return dates.canonical(given)
    except ValueError as e:
        raise BadFilter(str(e), key) from None


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def kind(value: Any) -> str:
    """Return the kind of a JSON value, for people."""
    if value is None:
        return "null"
    return {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}[
        type(value)
    ]


def choice(name: str, known: Iterable[str]) -> str:
    """Return a hint: the known name that is meant most likely, or all of them when they are few."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known are {', '.join(names)}" if len(names) <= 20 else "see the API's description"  # noqa: PLR2004


def model_at(path: str) -> str | None:
    """Return the key in `MODELS` of the class at a path such as `Datasets`, compared without regard to case."""
    return PATHS.get(path.lower())
