"""Units of measurement: which names are understood, their dimension, and how a value becomes one in the coherent SI unit and back.

The table `units.json` is made from pint's definitions by `python -m pan_catalogue.units`; at query time nothing but a dictionary is needed. Names are those the
search API publishes (panosc-eu/search-api `doc/units-and-prefixes.md`, in the spelling of mathjs) and spellings met in real catalogues. A name that is not in
the table is stored as it is: its values are compared as plain numbers and never converted.

A dimension is finer here than in physics where mixing would mislead: angles, information and plain numbers are three, frequency is not radioactivity, and an energy
is never turned into a wavelength.
"""

from __future__ import annotations

import json
import math
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

# Two values are the same quantity within this: a third of all values differ in their last bit after a conversion.
TOLERANCE = 1e-9
DIGITS = 15  # significant digits of a converted value


@dataclass(frozen=True)
class Unit:
    """One name of a unit: value in SI = value * factor + offset.

    Attributes:
        name: as it was asked.
        dimension: such as `length`.
        factor: SI units in one of it.
        offset: for temperatures.
    """

    name: str
    dimension: str
    factor: float
    offset: float = 0.0

    def to_si(self, value: float) -> float:
        """Return `value`, in this unit, in the coherent SI unit."""
        return value * self.factor + self.offset

    def from_si(self, value: float) -> float:
        """Return `value`, in the coherent SI unit, in this unit; rounded to 15 significant digits, which hides the last bit of the conversion.

        Where an offset is taken away the digits are those of the greater number: 20 degrees are left of 293.15, and with it its last bit.
        """
        result = (value - self.offset) / self.factor
        if not self.offset:
            return significant(result)
        greater = max(abs(value), abs(self.offset)) / self.factor
        return round(result, DIGITS - 2 - math.floor(math.log10(greater)))


def significant(value: float) -> float:
    """Return `value` rounded to `DIGITS` significant digits."""
    if value == 0 or not math.isfinite(value):
        return value
    return float(f"{value:.{DIGITS - 1}e}")


@cache
def table() -> dict[str, tuple[str, float, float]]:
    """Return name -> (dimension, factor, offset) of every unit that is understood."""
    loaded = json.loads(resources.files(__package__).joinpath("units.json").read_text(encoding="utf-8"))
    return {
        name: (dimension, factor, offset)
        for dimension, names in loaded.items()
        for name, (factor, offset) in names.items()
    }


@cache
def dimensions() -> tuple[str, ...]:
    """Return the names of the dimensions; a store keeps a dimension as its place in this list, so the list only ever grows at its end."""
    return tuple(json.loads(resources.files(__package__).joinpath("units.json").read_text(encoding="utf-8")))


@lru_cache(1024)
def find(name: str) -> Unit | None:
    """Return the unit of this name, or None when it is not in the table."""
    key = (
        unicodedata.normalize("NFC", name.strip())
        .replace("\N{MICRO SIGN}", "u")
        .replace("\N{GREEK SMALL LETTER MU}", "u")
    )
    found = table().get(key)
    return Unit(name, *found) if found else None


def low(value: float) -> float:
    """Return the least number that counts as `value` itself."""
    return value - abs(value) * TOLERANCE


def high(value: float) -> float:
    """Return the greatest number that counts as `value` itself."""
    return value + abs(value) * TOLERANCE
