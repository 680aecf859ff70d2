"""Hostile filters: random ones, most of them nearly right, for those reach deepest."""

from __future__ import annotations

import json
import random

HIDDEN = "unveiled"  # what tests put into every text of what is hidden, and into nothing else
PATHS = ("Datasets", "Documents", "Instruments")
FIELDS = (
    "pid",
    "title",
    "size",
    "isPublic",
    "creationDate",
    "name",
    "value",
    "unit",
    "keywords",
    "role",
    "fullName",
    "facility",
    "text",
    "id",
    "releaseDate",
    "score",
)
OPERATORS = (
    "eq",
    "neq",
    "gt",
    "gte",
    "lt",
    "lte",
    "between",
    "inq",
    "nin",
    "like",
    "nlike",
    "ilike",
    "nilike",
    "regexp",
    "near",
    "$where",
    "options",
    "exists",
)
RELATIONS = (
    "datasets",
    "documents",
    "document",
    "techniques",
    "instrument",
    "files",
    "parameters",
    "samples",
    "members",
    "person",
    "affiliation",
    "dataset",
    "nothing",
)
KEYS = (
    "where",
    "include",
    "limit",
    "skip",
    "order",
    "fields",
    "query",
    "scope",
    "relation",
    "and",
    "or",
    "__proto__",
    "",
)
VALUES: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 1.5, 1e308, -1e308, 2**63, 2**64, -(2**63), 10**30, "", "x", "%", "%%%%%%%%%%%%", "_", "'", '"', "\\", "x' or '1'='1", "UPPER('a')", "o.name", "a*b?c[d]",
    "(a+)+$", "^(a|a)*$", ".*.*.*.*.*.*.*=", "/x/i", "\u0000", "\ud800", "\u212b", "µ", "💥" * 20, "a" * 5000, "NEAR(a b)", "title:x", "a* OR b", '"', "-", "--", "; DROP TABLE dataset", "1e5", "NaN",
    "Infinity", "keV", "kelvin", "celsius", "sample_temperature", "incident_photon_energy", "solid", "2020-01-01", "9999-12-31T23:59:59Z", "0000-00-00", "-1", "title DESC", "pid ASC; --", "crystal",
    "http://ontology.facility.test/technique/T00001", "10.5072/dataset-1", [], {}, [[]], [None], {"$gt": ""}, {"$where": "sleep(5000)"},
)  # fmt: skip


class Fuzz:
    """Makes them.

    Args:
        seed: the same gives the same filters.
    """

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)

    def value(self) -> object:
        if self.pick.random() < 0.1:
            return [self.pick.choice(VALUES) for _ in range(self.pick.choice((0, 1, 2, 2, 3, 50)))]
        return self.pick.choice(VALUES)

    def condition(self) -> object:
        dice = self.pick.random()
        if dice < 0.35:
            return self.value()
        operators = {self.pick.choice(OPERATORS): self.value() for _ in range(self.pick.choice((1, 1, 2)))}
        if dice < 0.5:
            operators = {
                self.pick.choice(("between", "inq", "nin")): [
                    self.value() for _ in range(self.pick.choice((0, 1, 2, 2, 2, 5)))
                ]
            }
        return operators

    def where(self, depth: int = 0) -> object:
        dice = self.pick.random()
        if dice < 0.04:
            return self.value()
        if dice < 0.3 and depth < 6:
            return {
                self.pick.choice(("and", "or")): [self.where(depth + 1) for _ in range(self.pick.choice((0, 1, 2, 3)))]
            }
        if dice < 0.33:
            deep: object = {"text": "crystal"}
            for _ in range(self.pick.choice((11, 12, 13, 50, 400))):
                deep = {self.pick.choice(("and", "or")): [deep]}
            return deep
        if dice < 0.55:
            return {"name": self.pick.choice(VALUES), "value": self.condition(), "unit": self.pick.choice(VALUES)}
        return {self.pick.choice(FIELDS): self.condition() for _ in range(self.pick.choice((1, 1, 2)))}

    def includes(self, depth: int = 0) -> object:
        if self.pick.random() < 0.05:
            return self.value()
        return [self.include(depth) for _ in range(self.pick.choice((0, 1, 1, 2, 3)))]

    def include(self, depth: int) -> object:
        dice = self.pick.random()
        if dice < 0.2:
            return self.pick.choice(RELATIONS)
        scope: dict[str, object] = {}
        if dice < 0.8:
            scope["where"] = self.where(2)
        if self.pick.random() < 0.4 and depth < 5:
            scope["include"] = self.includes(depth + 1)
        if self.pick.random() < 0.2:
            scope[self.pick.choice(KEYS)] = self.value()
        return {"relation": self.pick.choice(RELATIONS), "scope": scope}

    def filter(self) -> object:
        if self.pick.random() < 0.02:
            return self.value()
        made: dict[str, object] = {}
        if self.pick.random() < 0.6:
            made["where"] = self.where()
        if self.pick.random() < 0.6:
            made["include"] = self.includes()
        if self.pick.random() < 0.5:
            made["limit"] = self.pick.choice((0, 1, 5, 10))
        if self.pick.random() < 0.15:
            made["query"] = self.pick.choice(("crystal", "crystal polymer", HIDDEN, "", self.value()))
        if self.pick.random() < 0.2:
            made[self.pick.choice(KEYS)] = self.value()
        return made

    def request(self) -> tuple[str, dict[str, str]]:
        """Return (path below the base of the API, parameters)."""
        path = self.pick.choice(PATHS)
        counts = self.pick.random() < 0.2
        text = json.dumps(self.where() if counts else self.filter())
        if self.pick.random() < 0.02:
            text = text[: self.pick.randrange(len(text) + 1)]
        if not counts and path == "Datasets" and self.pick.random() < 0.2:
            path = f"Datasets/facets/{self.pick.choice(('instrument', 'techniques'))}"
        return (f"{path}/count", {"where": text}) if counts else (path, {"filter": text})
