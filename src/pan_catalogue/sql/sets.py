"""Sets of rows: the conditions that reach beyond one row, each in two shapes.

`check` is a condition on a given row (EXISTS): quick when many rows match, for a page is soon full. `ids` is a SELECT of the matching rows (IN): quick when few match.
`plan` chooses, for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..model import MODELS, ChildKey, ParentKey, Relation, Through
from ..query import ALWAYS, And, Compare, Condition, Contains, Find, Include, Like, Not, Or
from ..text import fold
from .conditions import condition
from .dialects import Dialect
from .fragment import FALSE, TRUE, Sql, bracketed, every, joined, one_of, some

Lookup = Callable[[Sql], list[tuple[Any, ...]]]


class Part(Struct, frozen=True):
    """A condition on the rows of a class.

    Attributes:
        check: the condition on the row of an alias.
        ids: a SELECT of the ids of matching rows, hidden ones may be among them; None: there is no quick one.
        shown: the same without hidden rows, by an index alone.
        once: whether `ids` has each row once.
        ordered: (table and alias, column of the id, condition) that yield `ids` in order without sorting; None: no such way.
        opposite: the part that this is the negation of.
        members: (text, SELECT) of which `ids` is made with a bracket at its end: the rows that are tied to what the SELECT finds by an index alone.
        instruments: a SELECT of the keys of the instruments of the visible rows, each row once, by an index alone.
        own: whether `check` is about the row's own fields.
    """

    check: Callable[[str], Sql]
    ids: Sql | None = None
    shown: Sql | None = None
    once: bool = False
    ordered: tuple[str, str, Sql] | None = None
    opposite: Part | None = None
    members: tuple[str, Sql] | None = None
    instruments: Sql | None = None
    own: bool = False

    @property
    def direct(self) -> bool:
        """Whether `ids` comes out of one index, so that counting a few of them costs little."""
        return self.shown is not None or self.ordered is not None


@dataclass
class Sets:
    """Makes the sets of one request.

    Attributes:
        dialect: of the database.
        now: seconds since 1970; what is released later is not there.
        lookup: runs a SELECT at once: techniques and names of parameters are few, and knowing their keys makes the rest quick.
        techniques: pid -> key of those that were looked up by any request: a technique is never deleted, nor is its pid changed.
        found: what was looked up.
    """

    dialect: Dialect
    now: int
    lookup: Lookup
    techniques: dict[str, int]
    aliases: int = 0
    found: dict[Sql, list[tuple[Any, ...]]] = field(default_factory=dict)

    def alias(self) -> str:
        """Return a name for one more table of the statement."""
        self.aliases += 1
        return f"t{self.aliases}"

    def visible(self, model: str, alias: str) -> Sql:
        """Return that everybody may see the row. The sign keeps the planner from walking the index of dates instead of what is asked for."""
        if MODELS[model].hides:
            return Sql(f"+{alias}.visible_from <= ?", (self.now,))
        if not MODELS[model].hidden_with:
            return TRUE
        relation, owner = MODELS[model].relations[MODELS[model].hidden_with], self.alias()
        table, key = joined_to(relation, owner, alias)
        return f"EXISTS (SELECT 1 FROM {table} WHERE " + every([key, self.visible(relation.target, owner)]) + ")"

    def where(self, model: str, alias: str, of: Condition) -> Sql:
        """Return a condition on the fields of one row."""
        return condition(self.dialect, [f.folded for f in MODELS[model].text_fields], alias, self.by_key(of))

    def by_key(self, of: Condition) -> Condition:
        """Return `of` with the keys of names in place of the names: of a key the database knows how many rows it means, of a subquery it guesses."""
        match of:
            case And(parts):
                return And(tuple(map(self.by_key, parts)))
            case Or(parts):
                return Or(tuple(map(self.by_key, parts)))
            case Not(part):
                return Not(self.by_key(part))
            case Compare(of_name, "eq" | "inq", values) if of_name.names:
                keys = tuple(key for key, _ in self.named_parameters(values))
                return Compare(of_name.key, "inq", keys)
        return of

    def named_parameters(self, names: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Return (key, whether any dataset has it more than once) of the parameters of these names."""
        return self.looked_up("SELECT n.id, n.repeated FROM parameter_name n WHERE " + one_of("n.name", names))

    def looked_up(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT, which is run once in a request."""
        if statement not in self.found:
            self.found[statement] = self.lookup(statement)
        return self.found[statement]

    def parts(self, find: Find) -> list[Part]:
        """Return the conditions of `find` that all hold for its rows; being visible is not among them."""
        conditions = find.where.parts if isinstance(find.where, And) else (find.where,)  # ALWAYS has no parts
        parts = [self.own(find.model, c) for c in conditions]
        return parts + [self.related(find.model, i) for i in find.includes if i.filters]

    def own(self, model: str, of: Condition) -> Part:
        """Return a condition on a row's own fields."""

        def check(alias: str) -> Sql:
            return self.where(model, alias, of)

        if not isinstance(of, Contains):
            return Part(check, own=True)
        ids, ordered = self.dialect.text_ids(model, of.term), self.dialect.text_ordered(model, of.term)
        return Part(check, ids, ordered=ordered, own=True)

    def related(self, model: str, include: Include) -> Part:
        """Return that a row has a related one such as `include` asks for."""
        if include.relation.target == "Technique" and model == "Dataset":
            return self.of_techniques(include)
        inner = [i for i in include.find.includes if i.filters]
        link = include.relation.link
        if isinstance(link, Through) and include.find.where == ALWAYS:
            members = shown_by_index([self.related(include.find.model, i) for i in inner])
            if members is not None:
                before = f"SELECT {link.parent_column} FROM {link.table} WHERE {link.child_column} IN ("
                ids = before + members + ")"
                return Part(lambda alias: self.related_check(alias, include), ids, members=(before, members))
        if include.relation.target == "DatasetParameter" and not inner:
            return self.of_parameters(include)
        return Part(lambda alias: self.related_check(alias, include), self.related_ids(model, include))

    def of_parameters(self, include: Include) -> Part:
        """Return that a dataset has a parameter such as `include` asks for: an index alone tells which."""
        where = include.find.where
        met = " FROM dataset_parameter p WHERE " + bracketed(self.where("DatasetParameter", "p", where))
        shown = met + Sql(" AND p.visible_from <= ?", (self.now,))
        once = self.once(where)
        return Part(
            lambda alias: self.related_check(alias, include),
            ids="SELECT p.dataset_id AS id" + met,
            shown="SELECT p.dataset_id AS id" + shown,
            once=once,
            instruments="SELECT p.instrument_id" + shown if once else None,
        )

    def once(self, of: Condition) -> bool:
        """Return whether what `of` says of a parameter is met at most once in each dataset: it is about one name that no dataset has twice."""
        parts = of.parts if isinstance(of, And) else (of,)
        names = [p.values for p in parts if isinstance(p, Compare) and p.field.names and p.operator == "eq"]
        return bool(names) and not any(repeated for _, repeated in self.named_parameters(names[0]))

    def related_check(self, alias: str, include: Include) -> Sql:
        """Return that the row `alias` has a related one, as EXISTS."""
        child = self.alias()
        table, key = joined_to(include.relation, child, alias)
        inner = [self.related_one(include.find.model, i, child, ids=False) for i in include.find.includes if i.filters]
        tests = every(
            [
                key,
                self.visible(include.find.model, child),
                *map(bracketed, [self.where(include.find.model, child, include.find.where), *inner]),
            ]
        )
        return f"EXISTS (SELECT 1 FROM {table} WHERE " + tests + ")"

    def related_ids(self, model: str, include: Include) -> Sql:
        """Return a SELECT of the ids of rows that have a related one."""
        child = self.alias()
        table, column, _ = joined_from(model, include.relation, child)
        inner = [self.related_one(include.find.model, i, child, ids=True) for i in include.find.includes if i.filters]
        tests = every(
            [
                self.visible(include.find.model, child),
                *map(bracketed, [self.where(include.find.model, child, include.find.where), *inner]),
            ]
        )
        return f"SELECT {column} FROM {table} WHERE " + tests

    def related_one(self, model: str, include: Include, alias: str, *, ids: bool) -> Sql:
        """Return a condition of an inner include on the row `alias`, in the shape that the outer one has."""
        part = self.related(model, include)
        if ids and part.ids is not None:
            return f"{alias}.id IN (" + part.ids + ")"
        return part.check(alias)

    # -- techniques: a term stands for itself and all its descendants, for every operator

    def of_techniques(self, include: Include) -> Part:
        """Return that a dataset's techniques are such as `include` asks for.

        Source: panosc-eu/search-api `doc/dataset-techniques-requirements.md`. The condition is about the whole dataset: `and` may be met by two of its techniques, and
        `neq` means that none of them is such a technique.
        """
        found = self.tags(include.find.where)
        inner = [self.nested(include.find.where, i) for i in include.find.includes if i.filters]
        if not inner:
            return found
        return Part(lambda alias: every(map(bracketed, [found.check(alias), *(check(alias) for check in inner)])))

    def nested(self, where: Condition, include: Include) -> Callable[[str], Sql]:
        """Return that one of a dataset's techniques, among those that `where` shows, has a related row such as `include` asks for."""
        shown = self.shown(where)

        def check(alias: str) -> Sql:
            child, pair = self.alias(), self.alias()
            inner = self.related_one("Technique", include, child, ids=False)
            tests = [Sql(f"{pair}.dataset_id = {alias}.id"), bracketed(shown(f"{pair}.technique_id")), bracketed(inner)]
            return (
                f"EXISTS (SELECT 1 FROM dataset_technique {pair} JOIN technique {child} ON {child}.id = {pair}.technique_id WHERE "
                + every(tests)
                + ")"
            )

        return check

    def tags(self, of: Condition) -> Part:
        """Return a condition on the techniques of a dataset."""
        match of:
            case And(parts):
                return Part(self.combined(parts, every))
            case Or(parts):
                ids = self.positive(of)
                return self.tagged(ids) if ids is not None else Part(self.combined(parts, some))
            case Not(part):
                opposite = self.tags(part)
                return Part(lambda alias: negated(opposite.check(alias)), opposite=opposite)
        return self.tagged(self.named(of))

    def combined(self, parts: Iterable[Condition], how: Callable[[Iterable[Sql]], Sql]) -> Callable[[str], Sql]:
        """Return the check of several conditions together."""
        made = [self.tags(p) for p in parts]
        return lambda alias: how([bracketed(m.check(alias)) for m in made])

    def positive(self, of: Or) -> tuple[int, ...] | None:
        """Return the techniques that `of` names one by one, or None when it says anything else."""
        if any(isinstance(p, (And, Or, Not)) for p in of.parts):
            return None
        return tuple(dict.fromkeys(t for p in of.parts for t in self.named(p)))

    def tagged(self, techniques: tuple[int, ...]) -> Part:
        """Return that a dataset has one of the techniques or a descendant of one."""
        if not techniques:
            return Part(lambda _: FALSE, Sql("SELECT id FROM dataset WHERE 1=0"))
        alias = self.alias()
        test = one_of(f"{alias}.technique_id", techniques)
        table = f"dataset_technique_anc {alias}"
        shown = f" FROM {table} WHERE " + test + Sql(f" AND {alias}.visible_from <= ?", (self.now,))
        once = len(techniques) == 1
        return Part(
            lambda row: f"EXISTS (SELECT 1 FROM {table} WHERE " + test + f" AND {alias}.dataset_id = {row}.id)",
            ids=f"SELECT {alias}.dataset_id FROM {table} WHERE " + test,
            shown=f"SELECT {alias}.dataset_id AS id" + shown,
            once=once,
            instruments=f"SELECT {alias}.instrument_id" + shown if once else None,
            ordered=(table, f"{alias}.dataset_id", test) if once else None,
        )

    def named(self, of: Condition) -> tuple[int, ...]:
        """Return the ids of the techniques that a comparison means: by pid, by PaNET id, or by a label or alternative label without regard to case."""
        if isinstance(of, Contains):
            return self.ids(
                "SELECT DISTINCT n.technique_id FROM technique_name n WHERE "
                + self.dialect.contains("n.name_fold", of.term)
            )
        if not isinstance(of, (Compare, Like)):
            raise TypeError(of)
        if isinstance(of, Compare) and of.field.name == "pid" and of.operator == "eq":
            return self.of_pid(of)
        by_name = of.field.name == "name"
        table, key = ("technique_name", "technique_id") if by_name else ("technique", "id")
        if by_name:
            of = replace(of, field=replace(of.field, column="name_fold", folded="name_fold"))
            if isinstance(of, Compare):
                of = replace(of, values=tuple(fold(v) if isinstance(v, str) else v for v in of.values))
            else:
                of = replace(of, pattern=tuple(fold(p) if isinstance(p, str) else p for p in of.pattern))
        return self.ids(f"SELECT DISTINCT n.{key} FROM {table} n WHERE " + condition(self.dialect, [], "n", of))

    def of_pid(self, of: Compare) -> tuple[int, ...]:
        """Return the key of the technique of a pid, if there is one."""
        (pid,) = of.values
        if not isinstance(pid, str):  # null, which no technique has
            return ()
        if pid not in self.techniques:
            found = self.ids(Sql("SELECT n.id FROM technique n WHERE n.pid = ?", (pid,)))
            if not found:
                return ()
            (self.techniques[pid],) = found
        return (self.techniques[pid],)

    def ids(self, statement: Sql) -> tuple[int, ...]:
        """Return the first column of a SELECT."""
        return tuple(row[0] for row in self.looked_up(statement))

    def shown(self, of: Condition) -> Callable[[str], Sql]:
        """Return which of a matching dataset's techniques, by a column of their keys, are in the answer: those that one of the wanted techniques stands for; with only negative conditions all."""
        wanted = tuple(dict.fromkeys(self.wanted(of)))
        if of == ALWAYS or not wanted:
            return lambda _: TRUE
        return lambda key: (
            f"EXISTS (SELECT 1 FROM technique_closure k WHERE k.descendant_id = {key} AND "
            + one_of("k.ancestor_id", wanted)
            + ")"
        )

    def wanted(self, of: Condition) -> Iterable[int]:
        """Yield the techniques of the conditions that are not negative."""
        if isinstance(of, (And, Or)):
            for part in of.parts:
                yield from self.wanted(part)
        elif not isinstance(of, Not):
            yield from self.named(of)


def shown_by_index(parts: Sequence[Part]) -> Sql | None:
    """Return a SELECT of the ids of the visible rows that meet all parts, if indexes have them: the rows themselves need not be looked at. Else None."""
    first = next((p for p in parts if p.shown is not None), None)
    sets = [s for s in (first.shown if p is first else p.ids for p in parts) if s is not None] if first else []
    return joined(sets, " INTERSECT ") if sets and len(sets) == len(parts) else None


def negated(part: Sql) -> Sql:
    """Return that `part` does not hold; NOT EXISTS is what PostgreSQL can make an anti-join of."""
    return "NOT " + part if part.text.startswith("EXISTS") else "(" + part + ") IS NOT TRUE"


def joined_to(relation: Relation, child: str, parent: str) -> tuple[str, Sql]:
    """Return the tables of a relation, and the condition that ties the child to the row `parent`."""
    table = MODELS[relation.target].table
    match relation.link:
        case ChildKey(column):
            return f"{table} {child}", Sql(f"{child}.{column} = {parent}.id")
        case ParentKey(column):
            return f"{table} {child}", Sql(f"{child}.id = {parent}.{column}")
        case Through(pairs, parent_column, child_column):
            return f"{pairs} {child}_l JOIN {table} {child} ON {child}.id = {child}_l.{child_column}", Sql(
                f"{child}_l.{parent_column} = {parent}.id"
            )


def joined_from(model: str, relation: Relation, child: str) -> tuple[str, str, str]:
    """Return the tables of a relation of a class, and the columns that hold the ids of the parent and of the child: a table of pairs has both in its index, in this order."""
    table = MODELS[relation.target].table
    match relation.link:
        case ChildKey(column):
            return f"{table} {child}", f"{child}.{column}", f"{child}.id"
        case ParentKey(column):
            return (
                f"{MODELS[model].table} {child}_o JOIN {table} {child} ON {child}.id = {child}_o.{column}",
                f"{child}_o.id",
                f"{child}.id",
            )
        case Through(pairs, parent_column, child_column):
            return (
                f"{table} {child} JOIN {pairs} {child}_l ON {child}_l.{child_column} = {child}.id",
                f"{child}_l.{parent_column}",
                f"{child}_l.{child_column}",
            )
