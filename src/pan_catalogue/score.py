"""Which records answer a free-text query best: a score strictly between 0 and 1 for each record that has one of its terms.

Two formulas. `pss` is that of the PaNOSC search scoring service (panosc-eu/panosc-search-scoring, TF-IDuF), so that scores can be compared between facilities:

* weight of a term in a record = occurrences / different terms of the record * log10(1 + records / records with the term);
* one term: 0.9 * weight / greatest weight of the term;
* several: cosine of the record's weights of these terms with a vector of ones.

`bm25` (Robertson and Zaragoza 2009, k1 = 1.2, b = 0.75), as s / (1 + s), tells rare terms from common ones better.

Both are computed from postings at query time, over the records that everybody may see at that moment: a hidden record has no part in them, and a new one has at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .model import MODELS
from .plan import Connection, Plan
from .query import Find
from .sql.fragment import Sql, joined, one_of

NONE = 0.5  # of every record, when nothing was asked: the federation drops scores that are not between 0 and 1
EDGE = 1e-9
K1, B = 1.2, 0.75
DIGITS = 12  # after the point, of what records are ordered by


@dataclass
class Scorer:
    """Scores one request.

    Attributes:
        connection: to the database.
        plan: of the request, whose conditions the records must meet too.
        formula: `pss` or `bm25`.
    """

    connection: Connection
    plan: Plan
    formula: str

    def page(self, limit: int) -> list[tuple[int, float]]:
        """Return (id, score) of the page: best first, then in the order of insertion."""
        find = self.plan.find
        words = self.known(find.words or ())
        if not words:
            return []
        matching = self.matching(find)
        weights = self.weights(find, words)
        scored = "SELECT p.item_id, " + joined((w[1] for w in weights), ", ") + f" FROM {self.table} p WHERE "
        scored += (
            one_of("p.term_id", [w for w, _ in words])
            + Sql(" AND p.visible_from <= ?", (self.plan.sets.now,))
            + matching
        )
        # Rounded, or two records with the same score would stand in the order of their last bits.
        rank = self.plan.sets.dialect.rounded("s1 * s1 / s2" if len(weights) > 1 else "s1", DIGITS)
        statement = (
            f"SELECT item_id, {rank} FROM ("
            + scored
            + " GROUP BY p.item_id) scored ORDER BY 2 DESC, item_id"
            + Sql(" LIMIT ? OFFSET ?", (limit, find.skip))
        )
        rows = self.connection.rows(statement)
        most = self.greatest(words[0]) if self.formula == "pss" and len(find.words or ()) == 1 and rows else 1.0
        return [(i, self.score(float(rank), len(find.words or ()), most)) for i, rank in rows]

    @property
    def table(self) -> str:
        """The table of postings."""
        return f"{MODELS[self.plan.find.model].table}_posting"

    def known(self, words: Sequence[str]) -> list[tuple[int, float]]:
        """Return (id, inverse document frequency) of the terms that any visible record has."""
        ids = self.connection.rows("SELECT id FROM term WHERE " + one_of("term", words)) if words else []
        total = self.plan.visible_rows()
        found = []
        for (term,) in ids:
            having = self.connection.rows(
                Sql(
                    f"SELECT count(*) FROM {self.table} WHERE term_id = ? AND visible_from <= ?",
                    (term, self.plan.sets.now),
                )
            )[0][0]
            if having:
                idf = (
                    math.log10(1 + total / having)
                    if self.formula == "pss"
                    else math.log(1 + (total - having + 0.5) / (having + 0.5))
                )
                found.append((term, idf))
        return found

    def matching(self, find: Find) -> Sql:
        """Return the condition that a record meets the rest of the filter."""
        if not find.filters:
            return Sql("")
        parts = self.plan.sets.parts(find)
        sets = [p for p in parts if p.ids is not None]
        return " AND p.item_id IN (" + self.plan.select(sets, self.plan.checks(parts, but=sets)) + ")"

    def weights(self, find: Find, words: Sequence[tuple[int, float]]) -> list[tuple[str, Sql]]:
        """Return (name, sum over a record's terms) of what the formula needs."""
        idf = Sql(
            "CASE p.term_id " + " ".join("WHEN ? THEN ?" for _ in words) + " END", tuple(v for w in words for v in w)
        )
        if self.formula == "pss":
            weight = "(1.0 * p.n / p.unique_terms * " + idf + ")"
            if len(find.words or ()) == 1:
                return [("s1", "sum(" + weight + ") AS s1")]
            return [("s1", "sum(" + weight + ") AS s1"), ("s2", "sum(" + weight + " * " + weight + ") AS s2")]
        mean = (
            self.connection.rows(
                Sql(
                    f"SELECT avg(all_terms) FROM (SELECT all_terms FROM {self.table} WHERE visible_from <= ? LIMIT 1000) sample",
                    (self.plan.sets.now,),
                )
            )[0][0]
            or 1
        )
        length = Sql("(p.n + ? + ? * p.all_terms)", (K1 * (1 - B), K1 * B / float(mean)))
        return [("s1", "sum(" + idf + f" * {K1 + 1} * p.n / " + length + ") AS s1")]

    def greatest(self, word: tuple[int, float]) -> float:
        """Return the greatest weight of a term."""
        statement = Sql(
            f"SELECT max(1.0 * n / unique_terms) FROM {self.table} WHERE term_id = ? AND visible_from <= ?",
            (word[0], self.plan.sets.now),
        )
        return float(self.connection.rows(statement)[0][0]) * word[1]

    def score(self, rank: float, asked: int, most: float) -> float:
        """Return the score of one record from what it is ordered by."""
        if self.formula == "bm25":
            value = rank / (1 + rank)
        elif asked == 1:
            value = 0.9 * rank / most
        else:
            value = math.sqrt(rank / asked)
        return min(max(value, EDGE), 1 - EDGE)
