"""DataCite JSON with the PaN extension: what a record looks like when it comes in.

A record is the `attributes` object of DataCite's REST API (metadata schema 4.5) with one more key, `pan`, for what DataCite has no place for: parameters, samples, files,
techniques, the public flag. What stands in both is taken from `pan`. `pan-catalogue schema` prints the JSON Schema, which is made from the classes here.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from .. import dates
from ..errors import RecordError
from . import record

Text = Annotated[str, Meta(min_length=1)]
Bytes = Annotated[int, Meta(ge=0, le=2**63 - 1)]
ORCID = ("https://orcid.org/", "http://orcid.org/", "orcid:")


class Parameter(Struct, forbid_unknown_fields=True):
    """A measured or set quantity."""

    name: Text
    value: float | str
    unit: str | None = None


class Technique(Struct, forbid_unknown_fields=True, rename="camel"):
    """A technique: a class of PaNET by its address, or a facility's own term, best with the PaNET class it is one of."""

    pid: Text
    name: str | None = None
    panet_id: str | None = None


class Sample(Struct, forbid_unknown_fields=True):
    """What was measured."""

    pid: Text
    name: str | None = None
    description: str | None = None


class File(Struct, forbid_unknown_fields=True):
    """One file; its size in bytes."""

    name: Text
    path: str | None = None
    size: Bytes | None = None


class Person(Struct, forbid_unknown_fields=True, rename="camel"):
    """Somebody."""

    full_name: Text
    orcid: str | None = None
    researcher_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class Affiliation(Struct, forbid_unknown_fields=True):
    """An organisation."""

    name: str | None = None
    ror: str | None = None
    address: str | None = None
    city: str | None = None
    country: str | None = None


class Member(Struct, forbid_unknown_fields=True):
    """Who took part, and how: `principal investigator`, say."""

    role: str | None = None
    person: Person | None = None
    affiliation: Affiliation | None = None


class Pan(Struct, forbid_unknown_fields=True, rename="camel"):
    """The PaN extension.

    `isPublic` must be said for datasets and documents: nothing becomes public by being left out.
    """

    kind: Literal["dataset", "document", "instrument"] | None = None
    pid: Text | None = None
    is_public: bool | None = None
    release_date: str | None = None
    creation_date: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    type: Literal["proposal", "publication"] | None = None
    size: Bytes | None = None
    instrument: Text | None = None
    facility: Text | None = None
    documents: list[Text] = []
    techniques: list[Technique] = []
    parameters: list[Parameter] = []
    samples: list[Sample] = []
    files: list[File] = []
    members: list[Member] = []


class Title(Struct):
    """DataCite `titles`."""

    title: Text


class NameIdentifier(Struct, rename="camel"):
    """DataCite `nameIdentifiers`."""

    name_identifier: str
    name_identifier_scheme: str = ""


class NamedAffiliation(Struct, rename="camel"):
    """DataCite `affiliation`."""

    name: str
    affiliation_identifier: str | None = None


class Creator(Struct, rename="camel"):
    """DataCite `creators` and `contributors`."""

    name: Text
    given_name: str | None = None
    family_name: str | None = None
    name_identifiers: list[NameIdentifier] = []
    affiliation: list[NamedAffiliation | str] = []
    contributor_type: str = ""


class Subject(Struct, rename="camel"):
    """DataCite `subjects`."""

    subject: str = ""
    subject_scheme: str = ""
    value_uri: str | None = None


class Date(Struct, rename="camel"):
    """DataCite `dates`; a range is `from/to`."""

    date: str
    date_type: str = ""


class Description(Struct, rename="camel"):
    """DataCite `descriptions`."""

    description: str
    description_type: str = ""


class Rights(Struct, rename="camel"):
    """DataCite `rightsList`."""

    rights: str | None = None
    rights_identifier: str | None = None


class Types(Struct, rename="camel"):
    """DataCite `types`."""

    resource_type_general: str = ""
    resource_type: str | None = None


class RelatedIdentifier(Struct, rename="camel"):
    """DataCite `relatedIdentifiers`."""

    related_identifier: str
    relation_type: str = ""
    resource_type_general: str = ""


class DataCite(Struct, rename="camel"):
    """One record: DataCite attributes with the PaN extension; keys of DataCite that are not named here are allowed and not used."""

    titles: list[Title]
    pan: Pan
    doi: Text | None = None
    creators: list[Creator] = []
    contributors: list[Creator] = []
    publisher: Any = None
    subjects: list[Subject] = []
    dates: list[Date] = []
    descriptions: list[Description] = []
    rights_list: list[Rights] = []
    types: Types | None = None
    related_identifiers: list[RelatedIdentifier] = []


_decode = msgspec.json.Decoder(DataCite).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a record."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(DataCite)}


def read(line: bytes, embargo: int = 0) -> record.Record:
    """Return the record in one JSON object.

    Args:
        line: its JSON.
        embargo: months after its creation from which a public dataset may be seen, when it has no release date of its own.

    Raises:
        RecordError: it is not JSON, not such a record, or says something impossible.
    """
    if b"\\u0000" in line:
        raise RecordError("has a NUL character")
    try:
        given = _decode(line)
    except (msgspec.DecodeError, UnicodeError) as e:
        raise RecordError(str(e)) from None
    except RecursionError:
        raise RecordError("nested too deep") from None
    try:
        match kind(given):
            case "dataset":
                return dataset(given, embargo)
            case "instrument":
                return instrument(given)
        return document(given)
    except ValueError as e:
        raise RecordError(str(e)) from None


def items(body: bytes) -> list[bytes]:
    """Return the JSON of each item of a JSON array.

    Raises:
        RecordError: it is not a JSON array.
    """
    try:
        return [bytes(item) for item in _items(body)]
    except (msgspec.DecodeError, UnicodeError) as e:
        raise RecordError(str(e)) from None


def kind(given: DataCite) -> str:
    """Return which class of the data model a record is of."""
    if given.pan.kind:
        return given.pan.kind
    general = given.types.resource_type_general if given.types else ""
    return {"Dataset": "dataset", "Instrument": "instrument"}.get(general, "document")


def dataset(given: DataCite, embargo: int = 0) -> record.Dataset:
    """Return a record as a dataset."""
    pan = given.pan
    created = pan.creation_date or dated(given, "Created", "Collected", "Submitted")
    if not created:
        raise ValueError("has no creation date: pan.creationDate, or dates of type Created or Collected")
    public, released, visible = openness(given, dates.months_later(created, embargo) if embargo else None)
    instrument = pan.instrument or next(
        (r.related_identifier for r in given.related_identifiers if r.resource_type_general == "Instrument"), None
    )
    return record.Dataset(
        pid=pid(given),
        title=title(given),
        is_public=public,
        creation_date=dates.canonical(created),
        release_date=released,
        visible_from=visible,
        size=pan.size,
        instrument=instrument,
        documents=unique(
            pan.documents or [r.related_identifier for r in given.related_identifiers if r.relation_type == "IsPartOf"]
        ),
        techniques=techniques(given),
        parameters=parameters(pan),
        samples=list({s.pid: record.Sample(s.pid, s.name, s.description) for s in pan.samples}.values()),
        files=[record.File(f.name, f.path, f.size) for f in pan.files],
    )


def document(given: DataCite) -> record.Document:
    """Return a record as a document."""
    pan = given.pan
    public, released, visible = openness(given)
    said = (given.types.resource_type or "").lower() if given.types else ""
    return record.Document(
        pid=pid(given),
        title=title(given),
        type=pan.type or ("proposal" if "proposal" in said else "publication"),
        is_public=public,
        visible_from=visible,
        summary=next((d.description for d in given.descriptions if d.description_type == "Abstract"), None),
        doi=given.doi,
        start_date=canonical(pan.start_date),
        end_date=canonical(pan.end_date),
        release_date=released,
        license=next(
            (r.rights_identifier or r.rights for r in given.rights_list if r.rights_identifier or r.rights), None
        ),
        keywords=unique([s.subject for s in given.subjects if s.subject and s.subject_scheme != "PaNET"]),
        members=members(given),
        parameters=parameters(pan),
    )


def instrument(given: DataCite) -> record.Instrument:
    """Return a record as an instrument."""
    facility = given.pan.facility or (
        given.publisher.get("name") if isinstance(given.publisher, dict) else given.publisher
    )
    if not isinstance(facility, str) or not facility:
        raise ValueError("an instrument needs pan.facility")
    return record.Instrument(pid(given), title(given), facility)


def pid(given: DataCite) -> str:
    """Return the record's persistent identifier; that of DataCite is bare, without `https://doi.org/`."""
    found = given.pan.pid or given.doi
    if not found:
        raise ValueError("has no identifier: doi, or pan.pid")
    return found


def title(given: DataCite) -> str:
    """Return the first title."""
    if not given.titles:
        raise ValueError("has no title")
    return given.titles[0].title


def openness(given: DataCite, otherwise: str | None = None) -> tuple[bool, str | None, int | None]:
    """Return the public flag, the release date (`otherwise` when the record has none), and from when everybody may see the record."""
    if given.pan.is_public is None:
        raise ValueError(
            "pan.isPublic is missing: say whether the record may be seen, true (from its release date on) or false"
        )
    released = given.pan.release_date or dated(given, "Available") or otherwise
    visible = None if not given.pan.is_public else dates.epoch(released) if released else 0
    return given.pan.is_public, canonical(released), visible


def dated(given: DataCite, *types: str) -> str | None:
    """Return the first date of the first of `types` that has one; of a range its beginning."""
    return next((d.date.partition("/")[0] for t in types for d in given.dates if d.date_type == t), None)


def canonical(date: str | None) -> str | None:
    """Return a date as it is stored, if there is one."""
    return dates.canonical(date) if date else None


def techniques(given: DataCite) -> list[record.Technique]:
    """Return the techniques: those of the extension, and subjects of the scheme PaNET with an address."""
    found = [record.Technique(t.pid, t.name, t.panet_id) for t in given.pan.techniques]
    found += [
        record.Technique(s.value_uri, s.subject or None)
        for s in given.subjects
        if s.subject_scheme == "PaNET" and s.value_uri
    ]
    return list({t.pid: t for t in found}.values())


def parameters(pan: Pan) -> list[record.Parameter]:
    """Return the parameters."""
    for p in pan.parameters:
        if isinstance(p.value, float) and not math.isfinite(p.value):
            raise ValueError(f"parameter {p.name!r}: the value is not a finite number")
    return [record.Parameter(p.name, p.value, p.unit) for p in pan.parameters]


def members(given: DataCite) -> list[record.Member]:
    """Return who took part: as the extension says, else creators and contributors."""
    if given.pan.members:
        return [member(m) for m in given.pan.members]
    people = [(c, c.contributor_type or "creator") for c in (*given.creators, *given.contributors)]
    return [record.Member(role, person(c), affiliation(c)) for c, role in people]


def member(m: Member) -> record.Member:
    """Return a member of the extension."""
    p, a = m.person, m.affiliation
    return record.Member(
        m.role,
        record.Person(p.full_name, bare_orcid(p.orcid), p.researcher_id, p.first_name, p.last_name) if p else None,
        record.Affiliation(a.name, a.ror, a.address, a.city, a.country) if a else None,
    )


def person(c: Creator) -> record.Person:
    """Return a creator of DataCite as a person."""
    orcid = next((i.name_identifier for i in c.name_identifiers if i.name_identifier_scheme.upper() == "ORCID"), None)
    family, comma, given = c.name.partition(", ")
    first, last = c.given_name or given or None, c.family_name or (family if comma else None)
    return record.Person(f"{first} {last}" if first and last else c.name, bare_orcid(orcid), None, first, last)


def affiliation(c: Creator) -> record.Affiliation | None:
    """Return the first affiliation of a creator of DataCite."""
    if not c.affiliation:
        return None
    first = c.affiliation[0]
    return (
        record.Affiliation(first)
        if isinstance(first, str)
        else record.Affiliation(first.name, first.affiliation_identifier)
    )


def bare_orcid(orcid: str | None) -> str | None:
    """Return an ORCID without the address it is often written with."""
    for start in ORCID:
        if orcid and orcid.lower().startswith(start):
            return orcid[len(start) :]
    return orcid


def unique(texts: list[str]) -> list[str]:
    """Return each of `texts` once, in order."""
    return list(dict.fromkeys(texts))
