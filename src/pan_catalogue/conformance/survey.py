"""What a provider has: a page of each class, from which the checks take what they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from ..errors import ProviderError
from .client import Client, Failed, NotApplicable, Object

PAGE = 50
CLASSES = ("Datasets", "Documents", "Instruments")
RELATIONS = ("techniques", "parameters", "files", "instrument", "samples")


@dataclass
class Seen:
    """What was seen.

    Attributes:
        pages: class -> its first objects.
        totals: class -> how many there are, or None where the provider does not say.
        related: relation of datasets -> the first datasets with it.
    """

    pages: dict[str, list[Object]] = field(default_factory=dict)
    totals: dict[str, int | None] = field(default_factory=dict)
    related: dict[str, list[Object]] = field(default_factory=dict)

    def some(self, path: str, least: int = 1) -> list[Object]:
        """Return the first objects of a class."""
        found = self.pages[path]
        if len(found) < least:
            raise NotApplicable(f"it has {'no' if not found else 'only ' + str(len(found))} {path}")
        return found

    def classes(self) -> list[str]:
        """Return the classes that have objects."""
        found = [path for path in CLASSES if self.pages[path]]
        if not found:
            raise NotApplicable("it has no data")
        return found

    def children(self, relation: str) -> Iterator[tuple[Object, Object]]:
        """Yield (dataset, one of its related objects)."""
        found = False
        for dataset in self.related[relation]:
            held = dataset.get(relation)
            for child in held if isinstance(held, list) else [held] if held else []:
                if isinstance(child, dict):
                    found = True
                    yield dataset, child
        if not found:
            raise NotApplicable(f"none of its first {PAGE} datasets has {relation}")

    def number(self, names: int = 1) -> tuple[Object, Object]:
        """Return (dataset, parameter) of a number in a unit, once in its dataset by that name; the dataset has parameters of as many names."""
        for dataset, p in self.children("parameters"):
            named = [q.get("name") for q in dataset["parameters"]]
            if (
                is_number(p.get("value"))
                and p.get("unit")
                and named.count(p.get("name")) == 1
                and len(set(named)) >= names
            ):
                return dataset, p
        beside = "" if names == 1 else ", and another one beside it"
        raise NotApplicable(f"none of its first {PAGE} datasets has a parameter that is a number in a unit{beside}")


def survey(client: Client) -> Seen:
    """Look at a provider.

    Raises:
        ProviderError: nobody answers, or none of the three classes is there.
    """
    seen = Seen()
    for path in CLASSES:
        try:
            seen.pages[path] = [o for o in client.listed(path, {"limit": PAGE}) if isinstance(o.get("pid"), str)]
        except Failed:
            seen.pages[path] = []
            if client.asked and client.asked.status == 0:
                raise ProviderError(f"{client.base} does not answer: {client.asked.text}") from None
            if path == CLASSES[-1] and not any(seen.pages.values()):
                told = client.asked.told() if client.asked else ""
                raise ProviderError(f"{client.base} is no search API; {client.base}/{path} gave {told}") from None
        try:
            seen.totals[path] = client.count(path)
        except Failed:
            seen.totals[path] = None
    for relation in RELATIONS:
        try:
            seen.related[relation] = client.listed("Datasets", {"limit": PAGE, "include": [{"relation": relation}]})
        except Failed:
            seen.related[relation] = []
    return seen


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a JSON value is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
