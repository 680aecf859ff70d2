"""A where object -> a condition of the query model: fields, operators, values, units.

Sources: panosc-eu/search-api `doc/query.md` and LoopBack 3 "Where filter"; what both leave open is in `docs/catalogue/search-api.md`.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from . import dates, units
from .bounds import Bounds
from .errors import BadFilter
from .model import MODELS, Field, Type
from .operators import OPERATORS, Takes
from .query import ALWAYS, NEVER, And, Compare, Condition, Contains, Like, Not, Or, Quantity, Scalar, Wild
from .text import fold, fold_ascii

INT64 = 2**63
WILDCARDS = 8  # of one pattern


class At(Struct, frozen=True):
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
        return At(self.key + key, self.depth + deeper, self.unit, self.name)


@dataclass
class Where:
    """Reads the where objects of one filter; counts what it has read.

    Attributes:
        bounds: how large the filter may be.
        conditions: comparisons read so far.
        asked: (parameter name or None, dimension, unit) of the units that were asked for.
    """

    bounds: Bounds
    conditions: int = 0
    asked: list[tuple[str | None, str, str]] = field(default_factory=list)

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
        at = At(at.key, at.depth, unit or at.unit, name or at.name)
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
