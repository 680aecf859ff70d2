"""What is right, decided a second time: the search API on Python objects, slowly and plainly.

It reads the JSON of a filter itself and shares no code with the service. Units are pint's. An answer is a list of objects without their internal ids.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pint

Object = dict[str, Any]
UNITS: pint.UnitRegistry[float] = pint.UnitRegistry()
NAMES = {"celsius": "degC", "K": "kelvin", "angstrom": "angstrom"}

# class -> fields that are texts kept folded, fields searched by `text`
FOLDED = {
    "Dataset": {"title"},
    "Document": {"title", "summary", "keywords"},
    "Instrument": {"name", "facility"},
    "Sample": {"name", "description"},
    "Technique": {"name"},
    "Parameter": {"name"},
    "File": {"name"},
    "Member": set(),
    "Person": {"fullName", "firstName", "lastName"},
    "Affiliation": {"name", "address", "city", "country"},
}
TEXT = {**FOLDED, "Document": {"title", "summary"}, "Parameter": set()}
# class -> relation -> (class, many)
RELATIONS = {
    "Dataset": {
        "documents": ("Document", True), "techniques": ("Technique", True), "instrument": ("Instrument", False), "files": ("File", True),
        "parameters": ("Parameter", True), "samples": ("Sample", True),
    },
    "Document": {"datasets": ("Dataset", True), "members": ("Member", True), "parameters": ("Parameter", True)},
    "Instrument": {"datasets": ("Dataset", True)},
    "Sample": {"datasets": ("Dataset", True)},
    "Technique": {"datasets": ("Dataset", True)},
    "Parameter": {"dataset": ("Dataset", False), "document": ("Document", False)},
    "File": {"dataset": ("Dataset", False)},
    "Member": {"document": ("Document", False), "person": ("Person", False), "affiliation": ("Affiliation", False)},
    "Person": {"members": ("Member", True)},
    "Affiliation": {"members": ("Member", True)},
}  # fmt: skip


@dataclass(eq=False)
class Row:
    """One object: its class, its fields and its related rows."""

    model: str
    fields: Object
    related: dict[str, list[Row]] = field(default_factory=dict)
    visible: bool = True
    names: set[str] = field(default_factory=set)
    above: set[int] = field(default_factory=set)

    def children(self, relation: str) -> list[Row]:
        """Return the related rows that everybody may see."""
        return [r for r in self.related.get(relation, []) if r.visible]


def fold(text: str) -> str:
    """Return a text as it is compared without regard to case."""
    return unicodedata.normalize("NFC", text).casefold()


def ascii_lower(text: str) -> str:
    """Return a text with ASCII letters in lower case."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


# -- conditions


def matches(row: Row, where: Object | None, unit: str | None = None) -> bool:
    """Whether a row meets a where object."""
    if not where:
        return True
    if row.model == "Parameter":
        unit = unit_said(where) or unit
    return all(member(row, key, value, unit) for key, value in where.items())


def member(row: Row, key: str, value: Any, unit: str | None) -> bool:
    """Whether a row meets one key of a where object."""
    if key == "and":
        return all(matches(row, part, unit) for part in value)
    if key == "or":
        return any(matches(row, part, unit) for part in value)
    if key == "text":
        return (
            any(fold(value) in fold(row.fields[f]) for f in TEXT[row.model] if isinstance(row.fields.get(f), str))
            or value == ""
        )
    operations = value if isinstance(value, dict) else {"eq": value}
    return all(compare(row, key, op, given, unit) for op, given in operations.items())


def unit_said(where: Object) -> str | None:
    """Return the unit that a where object, or one in its `and`, names."""
    said = where.get("unit")
    if isinstance(said, dict) and list(said) == ["eq"]:
        said = said["eq"]
    if isinstance(said, str) and said:
        return said
    for part in where.get("and", []):
        if found := unit_said(part):
            return found
    return None


NEGATIVE = {"neq": "eq", "nin": "inq", "nlike": "like", "nilike": "ilike"}


def compare(row: Row, name: str, op: str, given: Any, unit: str | None) -> bool:
    """Whether a field meets an operator; a negative one is the opposite of its positive one."""
    if op in NEGATIVE:
        return not compare(row, name, NEGATIVE[op], given, unit)
    held = row.fields.get(name)
    if row.model == "Parameter" and name == "unit" and op == "eq" and isinstance(given, str):
        return si(row, given) is not None if given else held in {None, ""}
    if op == "eq" and given is None:
        return held is None or held == []
    if isinstance(held, list):
        return any(holds(row.model, name, v, op, given) for v in held)
    wanted = given if isinstance(given, list) else [given]
    if (
        name == "value"
        and unit
        and op not in {"like", "ilike", "regexp"}
        and wanted
        and all(is_number(v) for v in wanted)
    ):
        value = si(row, unit)
        return value is not None and ordered(
            op, value, [in_si(v, unit) for v in wanted], lambda a, b: math.isclose(a, b, rel_tol=1e-9)
        )
    return held is not None and holds(row.model, name, held, op, given)


def holds(model: str, name: str, held: Any, op: str, given: Any) -> bool:
    """Whether a value meets a positive operator."""
    if op in {"like", "ilike", "regexp"}:
        return isinstance(held, str) and alike(model, name, held, op, given)
    wanted = given if isinstance(given, list) else [given]
    wanted = [w for w in wanted if comparable(held, w)]
    if (op in {"between"} and len(wanted) != 2) or not wanted:
        return False
    if name.endswith("Date"):
        wanted = [w if len(w) > 10 else f"{w}T00:00:00.000Z" for w in wanted]
    return ordered(op, held, wanted, lambda a, b: a == b)


def ordered(op: str, held: Any, wanted: list[Any], same: Any) -> bool:
    """Whether a value stands as it should to the wanted ones."""
    first = wanted[0]
    if op in {"eq", "inq"}:
        return any(same(held, w) for w in wanted)
    if op == "gt":
        return held > first and not same(held, first)
    if op == "gte":
        return held > first or same(held, first)
    if op == "lt":
        return held < first and not same(held, first)
    if op == "lte":
        return held < first or same(held, first)
    return (held > first or same(held, first)) and (held < wanted[1] or same(held, wanted[1]))


def alike(model: str, name: str, held: str, op: str, given: str) -> bool:
    """Whether a text is like a pattern."""
    lower = fold if name in FOLDED[model] else ascii_lower
    flags = re.DOTALL
    if op == "regexp":
        literal = re.fullmatch(r"/(.*)/(i?)", given, re.DOTALL)
        body, ignore = (literal[1], literal[2] == "i") if literal else (given, False)
        pattern = body
        if ignore:
            held, pattern = lower(held), re.sub(r"\\?.", lambda m: lower(m[0]), body, flags=re.DOTALL)
        return re.search(pattern.replace("$", r"\Z"), held, flags) is not None
    if op == "ilike":
        held, given = lower(held), lower(given)
    if "%" not in given:
        return given in held
    return re.fullmatch(".*".join(re.escape(piece) for piece in given.split("%")), held, flags) is not None


def comparable(a: Any, b: Any) -> bool:
    """Whether two values are of one type."""
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool)
    return (is_number(a) and is_number(b)) or (isinstance(a, str) and isinstance(b, str))


def is_number(value: Any) -> bool:
    """Whether it is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


# -- units


def quantity(value: float, unit: str) -> Any:
    """Return a value in a unit as pint's."""
    return UNITS.Quantity(value, NAMES.get(unit, unit))


def in_si(value: float, unit: str) -> float:
    """Return a value in SI."""
    return float(quantity(value, unit).to_base_units().magnitude)


def si(row: Row, unit: str) -> float | None:
    """Return a parameter's value in SI, or None if it cannot be given in that unit."""
    held, own = row.fields.get("value"), row.fields.get("unit")
    if not is_number(held) or own not in {"K", "celsius", "eV", "keV", "m", "angstrom", "s", "ms"}:
        return None
    found = quantity(held, own)
    return float(found.to_base_units().magnitude) if found.is_compatible_with(NAMES.get(unit, unit)) else None


def in_unit(row: Row, asked: list[tuple[str | None, str]]) -> Object:
    """Return a parameter in the first asked unit that it can be given in."""
    told = dict(row.fields)
    for name, unit in asked:
        if name in {None, told["name"]} and si(row, unit) is not None:
            if unit != told["unit"]:
                told["value"] = float(quantity(told["value"], told["unit"]).to(NAMES.get(unit, unit)).magnitude)
            told["unit"] = unit
            break
    return told


def asked_units(where: Object | None, name: str | None = None, unit: str | None = None) -> list[tuple[str | None, str]]:
    """Return (parameter name or None, unit) that a where object asks for, in order."""
    if not where:
        return []
    own_name, own_unit = said_together(where, "name"), said_together(where, "unit")
    name, unit = own_name or name, own_unit or unit
    found = [(name, unit)] if unit and (own_name or own_unit) else []
    for key in where:
        if key in {"and", "or"}:
            for part in where[key]:
                found += asked_units(part, name, unit)
    return found


def said_together(where: Object, key: str) -> str | None:
    """Return the text that a where object, or one in its `and`, says is equal."""
    said = where.get(key)
    if isinstance(said, dict) and list(said) == ["eq"]:
        said = said["eq"]
    if isinstance(said, str) and said:
        return said
    for part in where.get("and", []):
        if found := said_together(part, key):
            return found
    return None


# -- techniques


def stands_for(terms: list[Row], key: str, op: str, given: Any) -> set[int]:
    """Return the techniques that a positive comparison means."""
    found = set()
    for term in terms:
        if key == "text":
            if any(fold(given) in n for n in term.names):
                found.add(id(term))
        elif key == "name":
            wanted = [fold(v) for v in given] if isinstance(given, list) else fold(given)
            if any(holds("Technique", "name", n, op, wanted) for n in term.names):
                found.add(id(term))
        elif term.fields.get(key) is not None and holds("Technique", key, term.fields[key], op, given):
            found.add(id(term))
    return found


def tagged(dataset: Row, where: Object | None, terms: list[Row]) -> bool:
    """Whether the techniques of a dataset, all together, meet a where object."""
    above = {t for tag in dataset.related.get("techniques", []) for t in tag.above}
    for key, value in (where or {}).items():
        if key == "and":
            met = all(tagged(dataset, part, terms) for part in value)
        elif key == "or":
            met = any(tagged(dataset, part, terms) for part in value)
        elif key == "text":
            met = value == "" or bool(above & stands_for(terms, "text", "", value))
        else:
            met = True
            for op, given in (value if isinstance(value, dict) else {"eq": value}).items():
                positive = bool(above & stands_for(terms, key, NEGATIVE.get(op, op), given))
                met = met and positive != (op in NEGATIVE)
        if not met:
            return False
    return True


def wanted_terms(where: Object | None, terms: list[Row]) -> set[int]:
    """Return the techniques of the conditions that are not negative."""
    found: set[int] = set()
    for key, value in (where or {}).items():
        if key in {"and", "or"}:
            for part in value:
                found |= wanted_terms(part, terms)
        elif key == "text":
            found |= stands_for(terms, "text", "", value) if value else set()
        else:
            for op, given in (value if isinstance(value, dict) else {"eq": value}).items():
                if op not in NEGATIVE:
                    found |= stands_for(terms, key, op, given)
    return found


# -- the whole


@dataclass
class Oracle:
    """All there is: rows by class, in the order of insertion."""

    rows: dict[str, list[Row]]

    def listed(self, model: str, given: Object) -> list[Object]:
        """Return the answer to a list."""
        found = [
            r
            for r in self.rows[model]
            if r.visible and matches(r, given.get("where")) and self.kept(r, given.get("include", []))
        ]
        for item in reversed(given.get("order", [])):
            name, _, direction = item.partition(" ")
            found.sort(key=lambda r: (r.fields.get(name) is not None, r.fields.get(name)), reverse=direction == "DESC")
            if direction == "DESC":  # sort is stable, reversed it keeps equals in their order
                continue
        found = found[given.get("skip", 0) :]
        limit = given.get("limit", 0)
        return [self.told(r, given) for r in (found[:limit] if limit else found)]

    def kept(self, row: Row, includes: list[Any]) -> bool:
        """Whether a row has what every include that filters asks for."""
        return all(self.has(row, i) for i in map(normal, includes) if filters(i))

    def has(self, row: Row, include: Object) -> bool:
        """Whether a row has a related one such as an include asks for."""
        scope = include.get("scope", {})
        inner = scope.get("include", [])
        if row.model == "Dataset" and include["relation"] == "techniques":
            if not tagged(row, scope.get("where"), self.rows["Technique"]):
                return False
            return not any(filters(normal(i)) for i in inner) or any(
                self.kept(t, inner) for t in self.shown_techniques(row, [include])
            )
        return any(matches(c, scope.get("where")) and self.kept(c, inner) for c in row.children(include["relation"]))

    def shown_techniques(self, row: Row, includes: list[Object]) -> list[Row]:
        """Return the techniques of a dataset that includes show."""
        shown = []
        for tag in row.children("techniques"):
            for i in includes:
                wanted = wanted_terms(i.get("scope", {}).get("where"), self.rows["Technique"])
                if not wanted or tag.above & wanted:
                    shown.append(tag)
                    break
        return shown

    def told(self, row: Row, given: Object, units: Iterable[tuple[str | None, str]] = ()) -> Object:
        """Return a row as the answer gives it."""
        wanted = given.get("fields")
        fields = in_unit(row, list(units)) if row.model == "Parameter" else row.fields
        told = {k: v for k, v in fields.items() if v is not None and v != [] and (wanted is None or k in wanted)}
        groups: dict[str, list[Object]] = {}
        for i in map(normal, given.get("include", [])):
            groups.setdefault(i["relation"], []).append(i)
        for relation, includes in groups.items():
            _, many = RELATIONS[row.model][relation]
            scope = includes[0].get("scope", {})
            children = self.shown(row, relation, includes)
            for item in reversed(scope.get("order", [])):
                name, _, direction = item.partition(" ")
                children.sort(
                    key=lambda r: (r.fields.get(name) is not None, r.fields.get(name)), reverse=direction == "DESC"
                )
            children = children[scope.get("skip", 0) :]
            children = children[: scope["limit"]] if scope.get("limit") else children
            asked = [u for i in includes for u in asked_units(i.get("scope", {}).get("where"))]
            made = [self.told(c, scope, asked) for c in children]
            if many:
                told[relation] = made
            elif made:
                told[relation] = made[0]
        return told

    def shown(self, row: Row, relation: str, includes: list[Object]) -> list[Row]:
        """Return the related rows that includes of one relation show."""
        children = row.children(relation)
        if relation == "parameters" or not all(map(filters, includes)):
            return list(children)
        if row.model == "Dataset" and relation == "techniques":
            return [
                t
                for t in children
                if any(
                    t in self.shown_techniques(row, [i]) and self.kept(t, i.get("scope", {}).get("include", []))
                    for i in includes
                )
            ]
        return [
            c
            for c in children
            if any(
                matches(c, i.get("scope", {}).get("where")) and self.kept(c, i.get("scope", {}).get("include", []))
                for i in includes
            )
        ]


def normal(include: Any) -> Object:
    """Return an include as an object."""
    return {"relation": include} if isinstance(include, str) else include


def says_something(where: Object | None) -> bool:
    """Whether a where object has any condition."""
    for key, value in (where or {}).items():
        if key == "and":
            said = any(map(says_something, value))
        elif key == "or":
            said = all(map(says_something, value))  # one part that always holds makes all of it hold
        else:
            operations = value if isinstance(value, dict) else {"eq": value}
            said = value != "" if key == "text" else any((op, given) != ("nin", []) for op, given in operations.items())
        if said:
            return True
    return False


def filters(include: Object) -> bool:
    """Whether an include leaves out parents without a matching child."""
    scope = include.get("scope", {})
    return says_something(scope.get("where")) or any(filters(normal(i)) for i in scope.get("include", []))
