"""NeXus files: what they say of themselves as a record.

Read are the fields of the NeXus base classes NXentry, NXinstrument, NXsample, NXmonochromator, NXbeam and NXuser (NeXus definitions 2024.02), in the first NXentry that
has them. Array values give their mean; a `units` attribute becomes the unit. What a file cannot say (whether it is public, say) comes from `defaults`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

# path below the entry -> name of the parameter, as the PaNOSC search page asks for it
PARAMETERS = {
    "instrument/monochromator/wavelength": "incident_wavelength",
    "instrument/monochromator/energy": "incident_photon_energy",
    "instrument/beam/incident_wavelength": "incident_wavelength",
    "instrument/beam/incident_energy": "incident_photon_energy",
    "instrument/source/energy": "source_energy",
    "instrument/source/current": "source_current",
    "sample/temperature": "sample_temperature",
    "sample/pressure": "sample_pressure",
    "sample/magnetic_field": "sample_magnetic_field",
    "sample/chemical_formula": "sample_chemical_formula",
    "sample/mass": "sample_mass",
    "duration": "duration",
}


def extract(file: Path, defaults: dict[str, Any]) -> dict[str, Any]:
    """Return what a NeXus file says, as DataCite JSON with the PaN extension (`datacite`).

    Args:
        file: HDF5 file.
        defaults: keys of the record, and of its `pan`, that are taken where the file says nothing.

    Raises:
        OSError: it is not an HDF5 file. A file without an entry gives a record without a title, which is then rejected.
    """
    with h5py.File(file, "r") as opened:
        entry = next(entries(opened), None)
        said = read(entry, file) if entry is not None else {"titles": [], "pan": {}}
    pan = {**defaults.get("pan", {}), **said["pan"]}
    pan.setdefault("pid", "sha256:" + hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:32])
    return {**defaults, **said, "pan": pan}


def entries(opened: h5py.File) -> Iterator[h5py.Group]:
    """Yield the NXentry groups of a file."""
    for group in opened.values():
        if isinstance(group, h5py.Group) and text(group.attrs.get("NX_class")) in {"NXentry", None}:
            yield group


def read(entry: h5py.Group, file: Path) -> dict[str, Any]:
    """Return what an entry says."""
    pan: dict[str, Any] = {
        "kind": "dataset",
        "size": file.stat().st_size,
        "files": [{"name": file.name, "path": str(file), "size": file.stat().st_size}],
    }
    title = string(entry, "title") or string(entry, "entry_identifier") or file.stem
    pan["creationDate"] = (
        moment(string(entry, "start_time")) or datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat()
    )
    for name in ("entry_identifier_uuid", "entry_identifier"):
        if identifier := string(entry, name):
            pan.setdefault("pid", identifier)
    if proposal := string(entry, "experiment_identifier"):
        pan["documents"] = [proposal]
    if instrument := string(entry, "instrument/name"):
        pan["instrument"] = instrument
    parameters = list(measured(entry))
    if parameters:
        pan["parameters"] = parameters
    if sample := string(entry, "sample/name"):
        pan["samples"] = [
            {
                "pid": string(entry, "sample/sample_id") or sample,
                "name": sample,
                "description": string(entry, "sample/description"),
            }
        ]
    return {"titles": [{"title": title}], "pan": pan}


def measured(entry: h5py.Group) -> Iterator[dict[str, Any]]:
    """Yield the parameters, each name once."""
    seen: set[str] = set()
    for path, name in PARAMETERS.items():
        found = entry.get(path)
        if not isinstance(found, h5py.Dataset) or name in seen:
            continue
        value = scalar(found)
        if value is None:
            continue
        seen.add(name)
        parameter: dict[str, Any] = {"name": name, "value": value}
        if unit := text(found.attrs.get("units")):
            parameter["unit"] = unit
        yield parameter


def scalar(found: h5py.Dataset) -> float | str | None:
    """Return a value: a text, or a finite number, of an array the mean."""
    value = found[()]
    if isinstance(value, (bytes, str)) or (getattr(value, "dtype", None) is not None and value.dtype.kind in "SO"):
        return text(value)
    if np.asarray(value).dtype.kind not in "iuf":  # true or false, complex, compound
        return None
    numbers = np.asarray(value, dtype=float)
    finite = numbers[np.isfinite(numbers)]
    return float(finite.mean()) if finite.size else None


def string(entry: h5py.Group, path: str) -> str | None:
    """Return the text at a path, or None."""
    found = entry.get(path)
    return text(found[()]) if isinstance(found, h5py.Dataset) else None


def text(value: Any) -> str | None:
    """Return a text of HDF5 as Python's, without blanks around; None if it is none."""
    if isinstance(value, np.ndarray):
        value = value.flat[0] if value.size else None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip("\0 \n\t") or None if isinstance(value, str) else None


def moment(given: str | None) -> str | None:
    """Return a date, if it is one of ISO 8601."""
    try:
        return datetime.fromisoformat(given).isoformat() if given else None
    except ValueError:
        return None
