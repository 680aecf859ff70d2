"""Where SQLite and PostgreSQL differ in a query. What they have in common is written once, in `conditions` and `sets`."""

from __future__ import annotations

from typing import Protocol

from ..model import MODELS
from ..query import Wild
from .fragment import Sql, joined

SHORTEST = 3  # characters of the shortest text that an index of trigrams can find


def short_gram(text: str) -> str:
    """Return one or two characters as a token of letters and digits, whatever they are: their code points in hexadecimal."""
    return "x".join(f"{ord(c):x}" for c in text)


def short_grams(*texts: str | None) -> str:
    """Return the tokens of all single characters and pairs in `texts`, each once."""
    pieces = {t[i : i + n] for t in texts if t for n in (1, 2) for i in range(len(t) - n + 1)}
    return " ".join(map(short_gram, pieces))


class Dialect(Protocol):
    """What a database says in its own way."""

    name: str
    first: str  # joins tables in the order they are written

    def rounded(self, number: str, digits: int) -> str:
        """Return an expression that rounds a number to digits after the point."""

    def contains(self, column: str, term: str) -> Sql:
        """Return the condition that a folded column contains a folded text."""

    def like(self, column: str, pattern: tuple[str | Wild, ...]) -> Sql:
        """Return the condition that a column's whole text is like a pattern, case regarded."""

    def narrow(self, model: str, alias: str) -> str:
        """Return the table of a class where nothing is read but `id`, `visible_from` and, of datasets, `instrument_id`."""

    def tried(self, condition: Sql) -> Sql:
        """Return a condition in such words that it is tried row by row."""

    def streamed(self, column: str) -> str:
        """Return the ORDER BY of a statement that joins many rows one by one, so that those beside each other are looked for together."""

    def text_ids(self, model: str, term: str) -> Sql | None:
        """Return a SELECT of the ids of the rows of a class whose text contains a folded text, by an index; None: there is none."""

    def text_ordered(self, model: str, term: str) -> tuple[str, str, Sql] | None:
        """Return (table and alias, column of the id, condition) that yield the same in the order of ids; None: there is no such way."""


class SQLite:
    """SQLite 3.40 or newer, with FTS5."""

    name = "sqlite"
    first = "CROSS JOIN"
    indexed = frozenset({"Dataset", "Document"})

    def rounded(self, number: str, digits: int) -> str:
        """See `Dialect`."""
        return f"round({number}, {digits})"

    def contains(self, column: str, term: str) -> Sql:
        """See `Dialect`."""
        return Sql(f"instr({column}, ?) > 0", (term,))

    def like(self, column: str, pattern: tuple[str | Wild, ...]) -> Sql:
        """See `Dialect`. GLOB regards case, LIKE does not."""
        signs = {Wild.MANY: "*", Wild.ONE: "?"}
        glob = "".join(
            signs[p] if isinstance(p, Wild) else "".join(f"[{c}]" if c in "*?[" else c for c in p) for p in pattern
        )
        return Sql(f"{column} GLOB ?", (glob,))

    def narrow(self, model: str, alias: str) -> str:
        """See `Dialect`. A row of the index is a fortieth of the table's; the planner would not take it by itself."""
        table = MODELS[model].table
        return f"{table} {alias} INDEXED BY {table}_narrow" if model in self.indexed else f"{table} {alias}"

    def tried(self, condition: Sql) -> Sql:
        """See `Dialect`. It always is."""
        return condition

    def streamed(self, column: str) -> str:
        """See `Dialect`."""
        return f" ORDER BY {column}"

    def text_ids(self, model: str, term: str) -> Sql | None:
        """See `Dialect`."""
        ordered = self.text_ordered(model, term)
        return None if ordered is None else f"SELECT {ordered[1]} FROM {ordered[0]} WHERE " + ordered[2]

    def text_ordered(self, model: str, term: str) -> tuple[str, str, Sql] | None:
        """See `Dialect`. Trigrams find nothing at all for a shorter text, and without quotes the text would be FTS5's query language."""
        if model not in self.indexed or not term:
            return None
        short = len(term) < SHORTEST
        table = MODELS[model].table + ("_short" if short else "_text")
        match = short_gram(term) if short else f'"{term.replace(chr(34), chr(34) * 2)}"'
        return f"{table} f", "f.rowid", Sql(f"f.{table} MATCH ?", (match,))


class PostgreSQL:
    """PostgreSQL 15 or newer, with pg_trgm."""

    name = "postgresql"
    first = "JOIN"
    indexed = frozenset({"Dataset", "Document"})

    def rounded(self, number: str, digits: int) -> str:
        """See `Dialect`. A double has no such rounding."""
        return f"round(CAST({number} AS numeric), {digits})"

    def contains(self, column: str, term: str) -> Sql:
        """See `Dialect`. LIKE with less than three characters would read the whole index."""
        if len(term) < SHORTEST:
            return Sql(f"position(? in {column}) > 0", (term,))
        return self.like(column, (Wild.MANY, term, Wild.MANY))

    def like(self, column: str, pattern: tuple[str | Wild, ...]) -> Sql:
        """See `Dialect`."""
        signs = {Wild.MANY: "%", Wild.ONE: "_"}
        like = "".join(
            signs[p] if isinstance(p, Wild) else "".join(f"\\{c}" if c in "%_\\" else c for c in p) for p in pattern
        )
        return Sql(f"{column} LIKE ?", (like,))

    def narrow(self, model: str, alias: str) -> str:
        """See `Dialect`. The planner finds the index."""
        return f"{MODELS[model].table} {alias}"

    def tried(self, condition: Sql) -> Sql:
        """See `Dialect`. Of an EXISTS in WHERE the planner makes a join, with the whole set at its other side."""
        return "(SELECT " + condition + ")" if "EXISTS" in condition.text else condition

    def streamed(self, column: str) -> str:
        """See `Dialect`. It makes a table of one side, and asks that."""
        return ""

    def text_ids(self, model: str, term: str) -> Sql | None:
        """See `Dialect`."""
        if model not in self.indexed or not term:
            return None
        columns = [f"f.{f.folded}" for f in MODELS[model].text_fields]
        if len(term) < SHORTEST:
            tests = [Sql(f"short_grams({c}) @> ARRAY[?::text]", (term,)) for c in columns]
        else:
            tests = [self.contains(c, term) for c in columns]
        return f"SELECT f.id FROM {MODELS[model].table} f WHERE " + joined(tests, " OR ")

    def text_ordered(self, model: str, term: str) -> None:
        """See `Dialect`. A GIN index has no order."""
