"""Make `units.json` from pint's definitions: `python -m pan_catalogue.units_from_pint`. Needed only when a unit is added; a test compares the two."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pint

LONG = {
    "yocto": -24, "zepto": -21, "atto": -18, "femto": -15, "pico": -12, "nano": -9, "micro": -6, "milli": -3, "centi": -2, "deci": -1,
    "deca": 1, "hecto": 2, "kilo": 3, "mega": 6, "giga": 9, "tera": 12, "peta": 15, "exa": 18, "zetta": 21, "yotta": 24,
}  # fmt: skip
SHORT = {
    "y": -24, "z": -21, "a": -18, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "d": -1,
    "da": 1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "Z": 21, "Y": 24,
}  # fmt: skip

# dimension -> [(pint's name, names with long prefixes, names with short prefixes, names without a prefix)]. The order of the dimensions is stored in databases: add at the end.
UNITS: dict[str, list[tuple[str, str, str, str]]] = {
    "length": [
        ("meter", "meter meters metre metres", "m", ""),
        ("angstrom", "", "", "angstrom angstroms Angstrom Å"),
        ("inch", "", "", "inch"),
    ],
    "angle": [
        ("radian", "radian radians", "rad", ""),
        ("degree", "", "", "deg degree degrees °"),
        ("grade", "", "", "grad gradian gradians"),
        ("arcsecond", "", "", "arcsec arcsecond arcseconds"),
        ("arcminute", "", "", "arcmin arcminute arcminutes"),
    ],
    "time": [
        ("second", "second seconds", "s", "sec secs"),
        ("minute", "", "", "min mins minute minutes"),
        ("hour", "", "", "h hr hrs hour hours"),
        ("day", "", "", "day days d"),
        ("week", "", "", "week weeks"),
    ],
    "frequency": [("hertz", "hertz", "Hz", "1/s s^-1")],
    "mass": [("gram", "gram grams", "g", ""), ("metric_ton", "", "", "tonne")],
    "current": [("ampere", "ampere amperes", "A", "amp amps Ampere")],
    "temperature": [
        ("kelvin", "kelvin kelvins", "K", "Kelvin"),
        ("degree_Celsius", "", "", "celsius Celsius degC °C"),
        ("degree_Fahrenheit", "", "", "fahrenheit Fahrenheit degF °F"),
    ],
    "amount": [("mole", "mole moles", "mol", "")],
    "luminous intensity": [("candela", "candela", "cd", "")],
    "force": [("newton", "newton newtons", "N", "")],
    "energy": [
        ("joule", "joule joules", "J", ""),
        ("erg", "", "", "erg ergs"),
        ("watt_hour", "", "Wh", ""),
        ("electron_volt", "electronvolt electronvolts", "eV", ""),
    ],
    "power": [("watt", "watt watts", "W", "")],
    "pressure": [
        ("pascal", "pascal pascals", "Pa", ""),
        ("psi", "", "", "psi"),
        ("atmosphere", "", "", "atm atmosphere"),
        ("torr", "", "", "torr Torr mmHg"),
        ("bar", "bar bars", "bar", ""),
    ],
    "charge": [("coulomb", "coulomb coulombs", "C", "")],
    "voltage": [("volt", "volt volts", "V", "")],
    "resistance": [("ohm", "ohm ohms", "Ω ohm", "")],
    "capacitance": [("farad", "farad farads", "F", "")],
    "magnetic flux": [("weber", "weber webers", "Wb", "")],
    "magnetic flux density": [("tesla", "tesla teslas", "T", ""), ("gauss", "", "", "gauss Gauss")],
    "inductance": [("henry", "henry henries", "H", "")],
    "conductance": [("siemens", "siemens", "S", "")],
    "information": [("bit", "bit bits", "b", ""), ("byte", "byte bytes", "B", "")],
    "reciprocal length": [
        ("1/meter", "", "", "1/m m^-1"),
        ("1/angstrom", "", "", "1/angstrom angstrom^-1 1/Å Å^-1 1/Angstrom Angstrom^-1"),
        ("1/nanometer", "", "", "1/nm nm^-1"),
        ("1/centimeter", "", "", "1/cm cm^-1"),
    ],
    "velocity": [("meter/second", "", "", "m/s"), ("millimeter/second", "", "", "mm/s")],
    "angular velocity": [("degree/second", "", "", "deg/s"), ("radian/second", "", "", "rad/s"), ("revolution/minute", "", "", "rpm")],
    "ratio": [("dimensionless", "", "", "dimensionless"), ("percent", "", "", "%  percent"), ("ppm", "", "", "ppm")],
    "density": [("kilogram/meter**3", "", "", "kg/m^3 kg/m3"), ("gram/centimeter**3", "", "", "g/cm^3 g/cm3")],
    "volume": [("liter", "liter litre", "l L", ""), ("meter**3", "", "", "m^3 m3")],
    "area": [("meter**2", "", "", "m^2 m2"), ("barn", "", "", "barn")],
}  # fmt: skip
# The coherent SI unit where pint's own base unit is another one.
SI = {
    "information": "bit",
    "angular velocity": "radian/second",
    "frequency": "1/second",
    "ratio": "dimensionless",
    "angle": "radian",
}
# Temperatures as exact fractions: from two converted points the factor of fahrenheit would be off by 1e-12.
TEMPERATURES = {
    "kelvin": (Fraction(1), Fraction(0)),
    "degree_Celsius": (Fraction(1), Fraction(27315, 100)),
    "degree_Fahrenheit": (Fraction(5, 9), Fraction(45967, 180)),
}


def exact(registry: pint.UnitRegistry[Fraction], name: str, dimension: str) -> tuple[Fraction, Fraction]:
    """Return the factor and offset by which a value in the unit becomes one in SI."""
    if name in TEMPERATURES:
        return TEMPERATURES[name]
    quantity = registry.Quantity(Fraction(1), name)
    converted = quantity.to(SI[dimension]) if dimension in SI else quantity.to_base_units()
    return Fraction(converted.magnitude), Fraction(0)


def made() -> dict[str, dict[str, list[float]]]:
    """Return the table: dimension -> name -> [factor, offset]."""
    registry: pint.UnitRegistry[Fraction] = pint.UnitRegistry(non_int_type=Fraction)
    result: dict[str, dict[str, list[float]]] = {}
    for dimension, units in UNITS.items():
        names = result.setdefault(dimension, {})
        for name, long, short, bare in units:
            factor, offset = exact(registry, name, dimension)
            scaled = [
                ("", 0, f"{long} {short} {bare}"),
                *((p, e, long) for p, e in LONG.items()),
                *((p, e, short) for p, e in SHORT.items()),
            ]
            for prefix, exponent, spellings in scaled:
                for spelling in spellings.split():
                    names[prefix + spelling] = [float(factor * Fraction(10) ** exponent), float(offset)]
    return result


if __name__ == "__main__":
    Path(__file__).with_name("units.json").write_text(
        json.dumps(made(), indent=0, ensure_ascii=False) + "\n", encoding="utf-8"
    )
