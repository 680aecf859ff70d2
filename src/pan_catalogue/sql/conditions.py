"""Conditions on one row as SQL."""

from __future__ import annotations

from collections.abc import Callable

from ..model import Field, Type
from ..query import And, Compare, Condition, Contains, Like, Not, Or, Quantity
from ..units import dimensions, high, low
from .dialects import Dialect
from .fragment import FALSE, Sql, bracketed, every, one_of, some

SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def condition(dialect: Dialect, text_columns: list[str], alias: str, of: Condition) -> Sql:
    """Return `of` as SQL about the row `alias`.

    Args:
        dialect: of the database.
        text_columns: the folded columns that `Contains` searches.
        alias: name of the row's table in the statement.
        of: the condition.
    """
    match of:
        case And(parts):
            return every(bracketed(condition(dialect, text_columns, alias, p)) for p in parts)
        case Or(parts):
            return some(condition(dialect, text_columns, alias, p) for p in parts)
        case Not(part):
            return "(" + condition(dialect, text_columns, alias, part) + ") IS NOT TRUE"
        case Contains(term):
            return some(dialect.contains(f"{alias}.{c}", term) for c in text_columns)
        case Quantity(operator, values, dimension):
            return quantity(alias, operator, values, dimension)
        case Compare(field, operator, values):
            return inside(field, alias, lambda column: compare(field, column, operator, values))
        case Like(field, pattern, folded):
            return inside(
                field,
                alias,
                lambda column: dialect.like(caseless(field, column) if folded else textual(field, column), pattern),
            )
    raise TypeError(of)


def inside(field: Field, alias: str, test: Callable[[str], Sql]) -> Sql:
    """Return `test` of the column of `field`, wherever it stands: in the row, in the table of names, or in the rows of a list."""
    if field.names:
        return f"{alias}.{field.column} IN (SELECT n.id FROM {field.names} n WHERE " + test("n.name") + ")"
    if field.rows:
        owner = field.rows.partition("_")[0]
        tested = test(f"r.{field.column}")
        if tested.text.endswith("IS NULL"):
            return Sql(f"NOT EXISTS (SELECT 1 FROM {field.rows} r WHERE r.{owner}_id = {alias}.id)")
        return f"EXISTS (SELECT 1 FROM {field.rows} r WHERE r.{owner}_id = {alias}.id AND " + bracketed(tested) + ")"
    return test(f"{alias}.{field.column}")


def textual(field: Field, column: str) -> str:
    """Return the column that holds the text of `field`."""
    return column.rpartition(".")[0] + ".txt" if field.type is Type.VALUE else column


def caseless(field: Field, column: str) -> str:
    """Return the expression of a field's folded text."""
    if field.folded:
        return f"{column.rpartition('.')[0]}.{field.folded}"
    return f"lower({textual(field, column)})"


def compare(field: Field, column: str, operator: str, values: tuple[object, ...]) -> Sql:
    """Return a comparison of a column."""
    if field.type is Type.VALUE:
        return value(column, operator, values)
    if operator == "eq" and values == (None,):
        return Sql(f"{column} IS NULL")
    if field.type is Type.BOOLEAN:
        values = tuple(int(bool(v)) for v in values)
    return scalar(column, operator, values)


def scalar(column: str, operator: str, values: tuple[object, ...]) -> Sql:
    """Return a comparison of a column with values of its own type."""
    if operator in {"eq", "inq"}:
        return one_of(column, values)
    if operator == "between":
        return Sql(f"({column} BETWEEN ? AND ?)", values)
    return Sql(f"{column} {SIGNS[operator]} ?", values)


def value(column: str, operator: str, values: tuple[object, ...]) -> Sql:
    """Return a comparison of a parameter's value: numbers with numbers, texts with texts, never one with the other."""
    alias = column.rpartition(".")[0]
    if values == (None,):
        return Sql(f"({alias}.num IS NULL AND {alias}.txt IS NULL)")
    texts = tuple(v for v in values if isinstance(v, str))
    numbers = tuple(v for v in values if not isinstance(v, str))
    parts = [scalar(f"{alias}.{c}", operator, v) for c, v in (("num", numbers), ("txt", texts)) if v]
    return some(parts)


def quantity(alias: str, operator: str, values: tuple[float, ...], dimension: str) -> Sql:
    """Return a comparison of a parameter's value in SI; two numbers are the same quantity within `units.TOLERANCE`."""
    of = f"{alias}.dim = {dimensions().index(dimension)}"
    column = f"{alias}.si"
    match operator:
        case "any":
            return Sql(of)
        case "eq" | "inq":
            ranges = [Sql(f"({column} BETWEEN ? AND ?)", (low(v), high(v))) for v in values]
            return f"{of} AND " + some(ranges) if ranges else FALSE
        case "between":
            return Sql(f"{of} AND ({column} BETWEEN ? AND ?)", (low(values[0]), high(values[1])))
        case "gt":
            return Sql(f"{of} AND {column} > ?", (high(values[0]),))
        case "gte":
            return Sql(f"{of} AND {column} >= ?", (low(values[0]),))
        case "lt":
            return Sql(f"{of} AND {column} < ?", (low(values[0]),))
        case "lte":
            return Sql(f"{of} AND {column} <= ?", (high(values[0]),))
    raise TypeError(operator)
