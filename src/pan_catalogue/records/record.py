"""One record of the catalogue, checked and normalised: what `store.write` takes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

Value = float | str


@dataclass
class Parameter:
    """A measured or set quantity: `value` is a number in `unit`, or a text."""

    name: str
    value: Value
    unit: str | None = None


@dataclass
class Technique:
    """An experimental technique; `panet_id` ties a facility's own term to the PaNET ontology."""

    pid: str
    name: str | None = None
    panet_id: str | None = None


@dataclass
class Sample:
    """What was measured."""

    pid: str
    name: str | None = None
    description: str | None = None


@dataclass
class File:
    """One file of a dataset; `size` in bytes."""

    name: str
    path: str | None = None
    size: int | None = None


@dataclass
class Person:
    """Somebody; `orcid` is the bare identifier, without the address."""

    full_name: str
    orcid: str | None = None
    researcher_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None


@dataclass
class Affiliation:
    """An organisation, `pid` its ROR id where known."""

    name: str | None = None
    pid: str | None = None
    address: str | None = None
    city: str | None = None
    country: str | None = None


@dataclass
class Member:
    """Who took part in a document, and how."""

    role: str | None = None
    person: Person | None = None
    affiliation: Affiliation | None = None


@dataclass
class Dataset:
    """A dataset. Dates are canonical (`dates`), `visible_from` in seconds since 1970 or None: nobody may see it."""

    kind: ClassVar[str] = "Dataset"
    pid: str
    title: str
    is_public: bool
    creation_date: str
    visible_from: int | None
    release_date: str | None = None
    size: int | None = None
    instrument: str | None = None
    documents: list[str] = field(default_factory=list)
    techniques: list[Technique] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    files: list[File] = field(default_factory=list)


@dataclass
class Document:
    """A proposal or a publication."""

    kind: ClassVar[str] = "Document"
    pid: str
    title: str
    type: str
    is_public: bool
    visible_from: int | None
    summary: str | None = None
    doi: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    release_date: str | None = None
    license: str | None = None
    keywords: list[str] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)


@dataclass
class Instrument:
    """An instrument or beamline. Everybody may see it."""

    kind: ClassVar[str] = "Instrument"
    pid: str
    name: str
    facility: str
    visible_from: int | None = 0


Record = Dataset | Document | Instrument
