"""Small random catalogues, as records for the service and as rows for the oracle, and random filters about them."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st
from oracle import RELATIONS, Oracle, Row, fold
from synthetic_facility import ontology_terms

TERMS = 14
WORDS = [
    "neutron",
    "Neutron",
    "x",
    "ray",
    "STRASSE",
    "straße",
    "Ångström",
    "A_1",
    "50%",
    "a*b",
    "[c]",
    "o'b",
    'q"d',
    "\\n",
    "é",
    "É",
    "co",
]
NAMES = ["temperature", "energy", "length", "state", "time"]
UNITS = {"temperature": ["K", "celsius"], "energy": ["eV", "keV"], "length": ["m", "angstrom"], "time": ["s", "ms"]}
NUMBERS = [0, 1, 2.5, 20, 293.15, 930, 0.93, -5]
TEXTS = ["solid", "Solid", "gas", "20", "b%c"]
DATES = ["2019-12-31T00:00:00.000Z", "2020-05-05T15:01:02.341Z", "2021-01-01T00:00:00.000Z"]
ROLES = ["principal investigator", "owner", "Owner"]


class World:
    """A random catalogue.

    Attributes:
        records: to be taken in, in order.
        oracle: knows what is right of it.
    """

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        self.records: list[dict[str, Any]] = []
        self.rows: dict[str, list[Row]] = {m: [] for m in RELATIONS}
        self.by_pid: dict[str, Row] = {}
        self.techniques()
        instruments = [self.instrument(n) for n in range(3)]
        documents = [self.document(n) for n in range(6)]
        for n in range(self.pick.randint(8, 25)):
            self.dataset(n, instruments, documents)
        self.oracle = Oracle(self.rows)

    def row(self, model: str, fields: dict[str, Any], visible: bool = True) -> Row:
        made = Row(model, fields, visible=visible)
        self.rows[model].append(made)
        return made

    def link(self, one: Row, relation: str, other: Row, back: str) -> None:
        one.related.setdefault(relation, []).append(other)
        other.related.setdefault(back, []).append(one)

    def words(self) -> str:
        return " ".join(self.pick.choice(WORDS) for _ in range(self.pick.randint(1, 4)))

    def openness(self) -> tuple[dict[str, Any], bool]:
        dice = self.pick.random()
        if dice < 0.1:
            return {"isPublic": False}, False
        if dice < 0.2:
            return {"isPublic": True, "releaseDate": "2100-01-01T00:00:00.000Z"}, False
        return {"isPublic": True, **({"releaseDate": "2020-01-01T00:00:00.000Z"} if dice < 0.5 else {})}, True

    def techniques(self) -> None:
        labels: dict[str, Row] = {}
        for n, (pid, label, parents) in enumerate(ontology_terms(TERMS, seed=3)):
            row = self.row("Technique", {"pid": pid, "name": label, "panetId": pid})
            row.names = {fold(label), fold(f"T{n}")}
            row.above = {id(row)} | {a for p in parents for a in labels[p].above}
            labels[label] = row
            self.by_pid[pid] = row

    def technique(self) -> tuple[dict[str, Any], Row]:
        known = self.rows["Technique"]
        if self.pick.random() < 0.8:
            row = self.pick.choice(known[:TERMS])
            return {"pid": row.fields["pid"]}, row
        n = self.pick.randint(0, 3)
        pid, name = f"local/{n}", f"Technique {n + 3}" if n < 2 else f"Own way {n}"
        panet = known[n + 2] if n % 2 == 0 else None
        said = {"pid": pid, "name": name, **({"panetId": panet.fields["pid"]} if panet else {})}
        if pid not in self.by_pid:
            row = self.row("Technique", {"pid": pid, "name": name, "panetId": panet.fields["pid"] if panet else None})
            row.names = {fold(name)}
            row.above = {id(row)} | (panet.above if panet else set())
            self.by_pid[pid] = row
        return said, self.by_pid[pid]

    def instrument(self, n: int) -> Row:
        row = self.row("Instrument", {"pid": f"i/{n}", "name": self.words(), "facility": self.words()})
        self.records.append(
            {
                "titles": [{"title": row.fields["name"]}],
                "pan": {"kind": "instrument", "pid": f"i/{n}", "facility": row.fields["facility"]},
            }
        )
        return row

    def parameters(self, owner: Row, back: str) -> list[dict[str, Any]]:
        said = []
        for name in self.pick.choices(NAMES, k=self.pick.randint(0, 4)):
            parameter: dict[str, Any] = {
                "name": name,
                "value": self.pick.choice(NUMBERS)
                if name != "state" and self.pick.random() < 0.9
                else self.pick.choice(TEXTS),
            }
            if name in UNITS and self.pick.random() < 0.9:
                parameter["unit"] = self.pick.choice([*UNITS[name], ""])
            said.append(parameter)
            self.link(
                owner,
                "parameters",
                self.row("Parameter", {"name": name, "value": parameter["value"], "unit": parameter.get("unit")}),
                back,
            )
        return said

    def document(self, n: int) -> Row:
        opened, visible = self.openness()
        keywords = list(dict.fromkeys(self.pick.choices(WORDS, k=self.pick.randint(0, 2))))
        summary = self.words() if self.pick.random() < 0.7 else None
        kind = self.pick.choice(["proposal", "publication"])
        fields = {
            "pid": f"10.1/{n}", "isPublic": opened["isPublic"], "type": kind, "title": self.words(), "summary": summary, "doi": None,
            "startDate": self.pick.choice([None, *DATES]), "endDate": None, "releaseDate": opened.get("releaseDate"), "license": None, "keywords": keywords,
        }  # fmt: skip
        row = self.row("Document", fields, visible)
        members = []
        for _ in range(self.pick.randint(0, 2)):
            person = {"fullName": self.words(), **({"firstName": "Ada"} if self.pick.random() < 0.3 else {})}
            place = (
                {"name": self.words(), "city": self.pick.choice(["Lund", "Trieste"])}
                if self.pick.random() < 0.5
                else None
            )
            role = self.pick.choice(ROLES)
            members.append({"role": role, "person": person, **({"affiliation": place} if place else {})})
            made = self.row("Member", {"role": role}, visible)  # hidden with its document
            self.link(row, "members", made, "document")
            self.link(made, "person", self.row("Person", person), "members")
            if place:
                key = repr(place)
                if key not in self.by_pid:
                    self.by_pid[key] = self.row("Affiliation", place)
                self.link(made, "affiliation", self.by_pid[key], "members")
        pan = {
            "kind": "document",
            "pid": fields["pid"],
            "type": kind,
            "members": members,
            "parameters": self.parameters(row, "document"),
            **opened,
        }
        if fields["startDate"]:
            pan["startDate"] = fields["startDate"]
        described = [{"description": summary, "descriptionType": "Abstract"}] if summary is not None else []
        self.records.append(
            {
                "titles": [{"title": fields["title"]}],
                "descriptions": described,
                "subjects": [{"subject": k} for k in keywords],
                "pan": pan,
            }
        )
        return row

    def dataset(self, n: int, instruments: list[Row], documents: list[Row]) -> None:
        opened, visible = self.openness()
        fields = {
            "pid": f"20.500/ds {n}", "title": self.words(), "isPublic": opened["isPublic"], "creationDate": self.pick.choice(DATES),
            "size": self.pick.choice([None, 0, 5, 10**12]),
        }  # fmt: skip
        row = self.row("Dataset", fields, visible)
        pan: dict[str, Any] = {
            "kind": "dataset",
            "pid": fields["pid"],
            "creationDate": fields["creationDate"],
            **opened,
        }
        if fields["size"] is not None:
            pan["size"] = fields["size"]
        if self.pick.random() < 0.8:
            instrument = self.pick.choice(instruments)
            pan["instrument"] = instrument.fields["pid"]
            self.link(row, "instrument", instrument, "datasets")
        chosen = self.pick.sample(documents, k=self.pick.choice((0, 1, 1, 2)))
        pan["documents"] = [d.fields["pid"] for d in chosen]
        for d in sorted(chosen, key=documents.index):
            self.link(row, "documents", d, "datasets")
        tags = {t["pid"]: (t, r) for t, r in (self.technique() for _ in range(self.pick.choice((0, 1, 1, 2))))}
        pan["techniques"] = [t for t, _ in tags.values()]
        for _, technique in tags.values():
            self.link(row, "techniques", technique, "datasets")
        pan["parameters"] = self.parameters(row, "dataset")
        pan["files"] = []
        for k in range(self.pick.randint(0, 3)):
            said = {
                "name": f"{self.pick.choice(WORDS)}{k}.h5",
                **({"size": self.pick.choice([0, 7])} if self.pick.random() < 0.5 else {}),
            }
            pan["files"].append(said)
            self.link(
                row,
                "files",
                self.row("File", {"name": said["name"], "path": None, "size": said.get("size")}),
                "dataset",
            )
        pan["samples"] = []
        for k in self.pick.sample(range(4), k=self.pick.choice((0, 0, 1, 2))):
            said = {"pid": f"s/{k}", "name": WORDS[k]}
            pan["samples"].append(said)
            if said["pid"] not in self.by_pid:
                self.by_pid[said["pid"]] = self.row("Sample", {**said, "description": None})
            self.link(row, "samples", self.by_pid[said["pid"]], "datasets")
        self.records.append({"titles": [{"title": fields["title"]}], "pan": pan})


# -- random filters

TEXT_FIELDS = {
    "Dataset": ["pid", "title"], "Document": ["pid", "title", "summary", "type", "keywords"], "Instrument": ["pid", "name", "facility"], "Sample": ["pid", "name", "description"],
    "Technique": ["pid", "name", "panetId"], "Parameter": ["name"], "File": ["name", "path"], "Member": ["role"],
    "Person": ["fullName", "firstName", "lastName", "orcid"], "Affiliation": ["name", "city", "country"],
}  # fmt: skip
PIDS = ["20.500/ds 1", "10.1/2", "i/0", "s/1", "local/0", *(t for t, _, _ in ontology_terms(TERMS, seed=3)[:6])]
SOME_TEXT = st.sampled_from(
    [
        *WORDS,
        *NAMES,
        *TEXTS,
        *ROLES,
        *PIDS,
        "technique 3",
        "TECHNIQUE 1",
        "t2",
        "way",
        "Lund",
        "Ada",
        "proposal",
        "nothing such",
    ]
)
PIECES = st.one_of(
    SOME_TEXT,
    SOME_TEXT.map(lambda t: t[:3]),
    SOME_TEXT.map(lambda t: t[1:]),
    st.text(max_size=2).filter(lambda t: "\0" not in t and t.isprintable()),
)
PATTERNS = st.one_of(
    PIECES,
    st.lists(PIECES, min_size=1, max_size=3).map("%".join),
    PIECES.map(lambda t: f"%{t}"),
    PIECES.map(lambda t: f"{t}%"),
)
EXPRESSIONS = st.builds(
    lambda start, body, end, flags: f"/{start}{body}{end}/{flags}",
    st.sampled_from(["", "^"]),
    st.lists(st.one_of(st.sampled_from([".", ".*"]), st.sampled_from("nexrayA1os2")), min_size=1, max_size=4).map(
        "".join
    ),
    st.sampled_from(["", "$"]),
    st.sampled_from(["", "i"]),
)


def text_condition() -> st.SearchStrategy[Any]:
    return st.one_of(
        SOME_TEXT,
        st.fixed_dictionaries({}, optional=dict.fromkeys(("eq", "neq", "gt", "gte", "lt", "lte"), SOME_TEXT)),
        st.sampled_from(["inq", "nin"]).flatmap(lambda op: st.lists(SOME_TEXT, max_size=3).map(lambda v: {op: v})),
        st.tuples(SOME_TEXT, SOME_TEXT).map(lambda v: {"between": list(v)}),
        st.sampled_from(["like", "nlike", "ilike", "nilike"]).flatmap(
            lambda op: PATTERNS.filter(lambda p: "\\" not in p or "%" not in p).map(lambda v: {op: v})
        ),
        EXPRESSIONS.map(lambda e: {"regexp": e}),
    )


def number_condition(numbers: list[float]) -> st.SearchStrategy[Any]:
    some = st.sampled_from(numbers)
    return st.one_of(
        some,
        st.fixed_dictionaries({}, optional=dict.fromkeys(("eq", "neq", "gt", "gte", "lt", "lte"), some)).filter(bool),
        st.sampled_from(["inq", "nin"]).flatmap(lambda op: st.lists(some, max_size=3).map(lambda v: {op: v})),
        st.tuples(some, some).map(lambda v: {"between": sorted(v)}),
    )


def date_condition() -> st.SearchStrategy[Any]:
    some = st.sampled_from([*DATES, "2020-05-05", "2021-01-01"])
    return st.one_of(
        some, st.fixed_dictionaries({}, optional=dict.fromkeys(("neq", "gt", "gte", "lt", "lte"), some)).filter(bool)
    )


def leaf(model: str) -> st.SearchStrategy[Any]:
    """A where object with one condition of a class."""
    leaves: list[Any] = [st.sampled_from(TEXT_FIELDS[model]).flatmap(lambda f: text_condition().map(lambda c: {f: c}))]
    if model not in {"Technique"}:
        leaves.append(
            st.sampled_from(TEXT_FIELDS[model]).flatmap(
                lambda f: st.sampled_from([None, {"neq": None}]).map(lambda c: {f: c})
            )
        )
    if model not in {"Parameter", "Member"}:
        leaves.append(PIECES.map(lambda t: {"text": t}))
    if model in {"Dataset", "Document"}:
        leaves.append(st.booleans().map(lambda b: {"isPublic": b}))
    if model == "Dataset":
        leaves += [
            date_condition().map(lambda c: {"creationDate": c}),
            number_condition([0, 5, 7, 10**12]).map(lambda c: {"size": c}),
        ]
    if model == "Document":
        leaves.append(date_condition().map(lambda c: {"startDate": c}))
    if model == "File":
        leaves.append(number_condition([0, 5, 7]).map(lambda c: {"size": c}))
    if model == "Parameter":
        leaves += [parameter()] * 4
    return st.one_of(leaves)


def parameter() -> st.SearchStrategy[Any]:
    """A where object about a parameter: name, value, unit, written in one object or in `and`."""
    units = st.sampled_from([None, None, *(u for us in UNITS.values() for u in us)])
    values = st.one_of(number_condition(NUMBERS), text_condition(), st.none())
    whole = st.tuples(st.sampled_from([*NAMES, None]), values, units).map(
        lambda p: {k: v for k, v in zip(("name", "value", "unit"), p, strict=True) if v is not None}
    )
    return st.one_of(whole, whole.map(lambda w: {"and": [{k: v} for k, v in w.items()]}))


def where(model: str) -> st.SearchStrategy[Any]:
    """A where object of a class."""
    return st.recursive(
        leaf(model),
        lambda inner: st.one_of(
            st.sampled_from(["and", "or"]).flatmap(lambda k: st.lists(inner, max_size=3).map(lambda v: {k: v})),
            st.tuples(inner, inner).map(lambda p: {**p[0], **p[1]}),
        ),
        max_leaves=4,
    )


def scope(model: str, depth: int, *, alone: bool) -> st.SearchStrategy[Any]:
    """A scope of an include, or a filter."""
    keys: dict[str, Any] = {"where": where(model)}
    if depth:
        keys["include"] = includes(model, depth - 1)
    if alone and model in {"Dataset", "Document", "File"}:
        keys |= {"skip": st.integers(0, 2), "limit": st.integers(0, 3)}
    return st.fixed_dictionaries({}, optional=keys)


def includes(model: str, depth: int) -> st.SearchStrategy[Any]:
    """A list of includes, of each relation one, of parameters perhaps more."""
    relations = (
        st.lists(st.sampled_from(sorted(RELATIONS[model])), max_size=2, unique=True)
        if model != "Parameter"
        else st.just([])
    )
    if "parameters" in RELATIONS[model]:  # they have most rules of their own
        relations = st.one_of(relations, relations.map(lambda rs: list(dict.fromkeys([*rs, "parameters"]))))
    if "techniques" in RELATIONS[model]:
        relations = st.one_of(relations, relations.map(lambda rs: list(dict.fromkeys([*rs, "techniques"]))))
    repeated = relations.flatmap(
        lambda rs: st.booleans().map(lambda twice: [*rs, "parameters"] if twice and "parameters" in rs else rs)
    )

    def one(relation: str) -> st.SearchStrategy[Any]:
        target, _ = RELATIONS[model][relation]
        with_scope = scope(target, depth, alone=relation != "parameters").map(
            lambda s: {"relation": relation, "scope": s}
        )
        return st.one_of(with_scope, with_scope, st.just({"relation": relation}), st.just(relation))

    return repeated.flatmap(lambda rs: st.tuples(*map(one, rs)).map(list))


def filters(model: str) -> st.SearchStrategy[Any]:
    """A filter of a list."""
    order = {
        "Dataset": ["title", "title DESC", "creationDate", "size DESC", "size ASC", "pid DESC"],
        "Document": ["title", "startDate DESC", "summary"],
        "Instrument": ["name DESC", "facility"],
    }[model]
    return st.fixed_dictionaries(
        {},
        optional={
            "where": where(model),
            "include": includes(model, 2),
            "order": st.lists(st.sampled_from(order), max_size=2, unique=True),
            "skip": st.integers(0, 4),
            "limit": st.integers(0, 5),
            "fields": st.lists(st.sampled_from(["pid", "title", "name", "size"]), max_size=2, unique=True).map(
                lambda fs: [f for f in fs if f in {"pid", {"Instrument": "name"}.get(model, "title")}]
            ),
        },
    )
