"""Text as it is compared: folded once, in one place, so that both stores and every query agree.

Databases fold case differently (SQLite's LIKE knows ASCII only, PostgreSQL follows its locale), so neither is asked to: what is searched without
regard to case is stored folded beside the original.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

WORD = re.compile(r"[^\W_]+")
# Words that say nothing about what a record is about (a short list of English function words).
STOP = frozenset(
    """a about above after again against all am an and any are as at be because been before being below between both but by can cannot could did do
    does doing down during each few for from further had has have having he her here hers him his how i if in into is it its itself me more most my
    no nor not of off on once only or other our out over own same she should so some such than that the their theirs them then there these they this
    those through to too under until up very was we were what when where which while who whom why will with would you your""".split()
)
_LOWER = {c: c + 32 for c in range(ord("A"), ord("Z") + 1)}
_stemmer = snowballstemmer.stemmer("porter")


def fold(text: str) -> str:
    """Return `text` as it is compared without regard to case: Unicode NFC, then case folding.

    NFC makes one of the two signs for angstrom (U+212B, U+00C5), case folding one of the two for micro (U+00B5, U+03BC).
    """
    return unicodedata.normalize("NFC", text).casefold()


def fold_ascii(text: str) -> str:
    """Return `text` with its ASCII letters in lower case: how identifiers and codes, which are not stored folded, are compared without regard to case."""
    return text.translate(_LOWER)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the stem of one folded word (Porter 1980), as the PaNOSC scoring service takes it."""
    return str(_stemmer.stemWord(word))


def terms(text: str) -> list[str]:
    """Return the terms of `text` in their order: folded, without stop words and single letters, stemmed.

    This is the term extraction of the PaNOSC search scoring service (panosc-eu/panosc-search-scoring), but for numbers, which it spells out: here they
    stay as they are written, for so they are searched.
    """
    return [stem(word) for word in WORD.findall(fold(text)) if len(word) > 1 and word not in STOP]
