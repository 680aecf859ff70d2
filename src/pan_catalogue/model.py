"""The PaNOSC data model as one table: its classes, their fields and how they are related, and where each is stored.

Everything else reads this: the grammar (which names exist, which type a value must have), the compiler (which column, which join), the answers (which keys),
the OpenAPI document and the tests. Source: panosc-eu/search-api `doc/data-model.md` and `common/models`, version 1.1 with `panetId`.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct
from msgspec.structs import replace


class Type(Enum):
    """The type of a field's value: its name for people."""

    STRING = "text"
    BOOLEAN = "true or false"
    INTEGER = "a whole number"
    DATE = "a date (ISO 8601)"
    VALUE = "a number or text"
    STRINGS = "text (the field is a list of them)"
    ID = "text (an internal number, which may change)"


class Field(Struct, frozen=True):
    """One field of a class.

    Attributes:
        name: its name in the API.
        type: what its values are.
        column: where it is stored.
        folded: the column that holds it folded (`text.fold`), for comparing without regard to case. A field without is an identifier or a code, and
            comparing it without regard to case folds ASCII letters only.
        text: whether the special key `text` searches it.
        names: the table of the names, when `column` holds only the key of one (a million parameters have a few hundred names).
        rows: the table with a row for each member of a list; `column` is then the member's.
    """

    name: str
    type: Type
    column: str
    folded: str = ""
    text: bool = False
    names: str = ""
    rows: str = ""

    @property
    def key(self) -> Field:
        """The key that `column` holds, where names have a table."""
        return replace(self, names="", type=Type.INTEGER)


class ChildKey(Struct, frozen=True):
    """Children name their parent: `child.column = parent.id`."""

    column: str


class ParentKey(Struct, frozen=True):
    """The parent names its one child: `parent.column = child.id`."""

    column: str


class Through(Struct, frozen=True):
    """A table of pairs stands between: `parent_column`, `child_column`."""

    table: str
    parent_column: str
    child_column: str


class Relation(Struct, frozen=True):
    """How a class is related to another.

    Attributes:
        name: its name in the API.
        target: key of the other class in `MODELS`.
        link: how the tables are joined.
        many: whether the answer is a list.
    """

    name: str
    target: str
    link: ChildKey | ParentKey | Through
    many: bool = True


class Model(Struct, frozen=True):
    """One class of the data model.

    Attributes:
        name: its name in the API.
        table: where it is stored; every table has a whole-number key `id`, the order of insertion.
        fields: by name.
        relations: by name.
        path: its path below the base of the API, for classes with one of their own.
        hides: whether its rows have `visible_from`, the moment (seconds since 1970) from which everybody may see them, or NULL: nobody.
        hidden_with: the relation without whose row nobody may see it. A member is reached from other documents too, by the person and by the affiliation.
    """

    name: str
    table: str
    fields: dict[str, Field]
    relations: dict[str, Relation] = {}
    path: str = ""
    hides: bool = False
    hidden_with: str = ""

    @property
    def text_fields(self) -> list[Field]:
        """The fields that `text` searches."""
        return [f for f in self.fields.values() if f.text]


def _fields(*fields: Field) -> dict[str, Field]:
    return {f.name: f for f in fields}


def _relations(*relations: Relation) -> dict[str, Relation]:
    return {r.name: r for r in relations}


_ID = Field("id", Type.ID, "id")
_PID = Field("pid", Type.STRING, "pid")
_PARAMETER = _fields(
    _ID,
    Field("name", Type.STRING, "name_id", "name_fold", names="parameter_name"),
    Field("value", Type.VALUE, "num"),
    Field("unit", Type.STRING, "unit"),
)

MODELS = {
    "Dataset": Model(
        "Dataset",
        "dataset",
        _fields(
            _PID,
            Field("title", Type.STRING, "title", "title_fold", text=True),
            Field("isPublic", Type.BOOLEAN, "is_public"),
            Field("creationDate", Type.DATE, "creation_date"),
            Field("size", Type.INTEGER, "size"),
        ),
        _relations(
            Relation("documents", "Document", Through("document_dataset", "dataset_id", "document_id")),
            Relation("techniques", "Technique", Through("dataset_technique", "dataset_id", "technique_id")),
            Relation("instrument", "Instrument", ParentKey("instrument_id"), many=False),
            Relation("files", "File", ChildKey("dataset_id")),
            Relation("parameters", "DatasetParameter", ChildKey("dataset_id")),
            Relation("samples", "Sample", Through("dataset_sample", "dataset_id", "sample_id")),
        ),
        path="Datasets",
        hides=True,
    ),
    "Document": Model(
        "Document",
        "document",
        _fields(
            _PID,
            Field("isPublic", Type.BOOLEAN, "is_public"),
            Field("type", Type.STRING, "type"),
            Field("title", Type.STRING, "title", "title_fold", text=True),
            Field("summary", Type.STRING, "summary", "summary_fold", text=True),
            Field("doi", Type.STRING, "doi"),
            Field("startDate", Type.DATE, "start_date"),
            Field("endDate", Type.DATE, "end_date"),
            Field("releaseDate", Type.DATE, "release_date"),
            Field("license", Type.STRING, "license"),
            Field("keywords", Type.STRINGS, "keyword", "keyword_fold", rows="document_keyword"),
        ),
        _relations(
            Relation("datasets", "Dataset", Through("document_dataset", "document_id", "dataset_id")),
            Relation("members", "Member", ChildKey("document_id")),
            Relation("parameters", "DocumentParameter", ChildKey("document_id")),
        ),
        path="Documents",
        hides=True,
    ),
    "Instrument": Model(
        "Instrument",
        "instrument",
        _fields(
            _PID,
            Field("name", Type.STRING, "name", "name_fold", text=True),
            Field("facility", Type.STRING, "facility", "facility_fold", text=True),
        ),
        _relations(Relation("datasets", "Dataset", ChildKey("instrument_id"))),
        path="Instruments",
        hides=True,
    ),
    "Sample": Model(
        "Sample",
        "sample",
        _fields(
            _PID,
            Field("name", Type.STRING, "name", "name_fold", text=True),
            Field("description", Type.STRING, "description", "description_fold", text=True),
        ),
        _relations(Relation("datasets", "Dataset", Through("dataset_sample", "sample_id", "dataset_id"))),
    ),
    "Technique": Model(
        "Technique",
        "technique",
        _fields(
            _PID,
            Field("name", Type.STRING, "name", "name_fold", text=True),
            Field("panetId", Type.STRING, "panet_id"),
        ),
        _relations(Relation("datasets", "Dataset", Through("dataset_technique", "technique_id", "dataset_id"))),
    ),
    "DatasetParameter": Model(
        "Parameter",
        "dataset_parameter",
        _PARAMETER,
        _relations(Relation("dataset", "Dataset", ParentKey("dataset_id"), many=False)),
    ),
    "DocumentParameter": Model(
        "Parameter",
        "document_parameter",
        _PARAMETER,
        _relations(Relation("document", "Document", ParentKey("document_id"), many=False)),
    ),
    "File": Model(
        "File",
        "file",
        _fields(
            _ID,
            Field("name", Type.STRING, "name", "name_fold", text=True),
            Field("path", Type.STRING, "path"),
            Field("size", Type.INTEGER, "size"),
        ),
        _relations(Relation("dataset", "Dataset", ParentKey("dataset_id"), many=False)),
    ),
    "Member": Model(
        "Member",
        "member",
        _fields(_ID, Field("role", Type.STRING, "role")),
        _relations(
            Relation("document", "Document", ParentKey("document_id"), many=False),
            Relation("person", "Person", ParentKey("person_id"), many=False),
            Relation("affiliation", "Affiliation", ParentKey("affiliation_id"), many=False),
        ),
        hidden_with="document",
    ),
    "Person": Model(
        "Person",
        "person",
        _fields(
            _ID,
            Field("fullName", Type.STRING, "full_name", "full_name_fold", text=True),
            Field("orcid", Type.STRING, "orcid"),
            Field("researcherId", Type.STRING, "researcher_id"),
            Field("firstName", Type.STRING, "first_name", "first_name_fold", text=True),
            Field("lastName", Type.STRING, "last_name", "last_name_fold", text=True),
        ),
        _relations(Relation("members", "Member", ChildKey("person_id"))),
    ),
    "Affiliation": Model(
        "Affiliation",
        "affiliation",
        _fields(
            _ID,
            Field("name", Type.STRING, "name", "name_fold", text=True),
            Field("address", Type.STRING, "address", "address_fold", text=True),
            Field("city", Type.STRING, "city", "city_fold", text=True),
            Field("country", Type.STRING, "country", "country_fold", text=True),
        ),
        _relations(Relation("members", "Member", ChildKey("affiliation_id"))),
    ),
}

# The classes with a path of their own, by that path in lower case: paths are compared without regard to case.
PATHS = {m.path.lower(): key for key, m in MODELS.items() if m.path}

# Other providers know the documents of a dataset as one, under this name (SciCat, ILL, the federation): it is understood, and answered with the first.
SINGULAR = {("Dataset", "document"): "documents"}


def relation_of(model: str, name: str) -> Relation | None:
    """Return the relation `name` of a class, or None; a singular name of `SINGULAR` gives the same relation with one member."""
    relations = MODELS[model].relations
    if name in relations:
        return relations[name]
    plural = SINGULAR.get((model, name))
    if plural is None:
        return None
    many = relations[plural]
    return Relation(name, many.target, many.link, many=False)
