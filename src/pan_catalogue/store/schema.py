"""The tables, written once; the two databases differ in the words in braces and in `SQLITE` and `POSTGRESQL`.

What makes queries quick stands in the rows themselves:

* Keys are whole numbers in the order of insertion, and every index of a set of datasets ends with `dataset_id`: a page in the default order streams out of it.
* `visible_from` is the moment, in seconds since 1970, from which everybody may see a row (NULL: nobody). It is made from the public flag and the release date when the
  record comes in and compared with the clock when it is read, so an embargo ends by itself. Copies, of the instrument too, stand where rows are counted by index alone.
* `dataset_technique_anc` has a row for each technique of a dataset and for each of its ancestors: a technique with all descendants is one equality.
* `visible_count` counts rows by `visible_from`: the number of all visible rows need not be counted.

A row that something refers to and that has not come yet (the instrument of a dataset, say) is a placeholder: nobody may see it, and it has no digest.
"""

from __future__ import annotations

from ..errors import StoreError

VERSION = 2

TABLES = """
CREATE TABLE meta (name {text} PRIMARY KEY, value {text} NOT NULL);
CREATE TABLE counter (name {text} PRIMARY KEY, value {int} NOT NULL);
CREATE TABLE dataset (
  id {key}, pid {text} NOT NULL UNIQUE, title {text}, title_fold {text}, is_public {int}, creation_date {text}, release_date {text}, size {int},
  instrument_id {int}, visible_from {int}, digest {blob});
CREATE TABLE document (
  id {key}, pid {text} NOT NULL UNIQUE, is_public {int}, type {text}, title {text}, title_fold {text}, summary {text}, summary_fold {text}, doi {text},
  start_date {text}, end_date {text}, release_date {text}, license {text}, keywords {text}, visible_from {int}, digest {blob});
CREATE TABLE instrument (
  id {key}, pid {text} NOT NULL UNIQUE, name {text}, name_fold {text}, facility {text}, facility_fold {text}, visible_from {int}, digest {blob});
CREATE TABLE document_dataset (document_id {int} NOT NULL, dataset_id {int} NOT NULL, PRIMARY KEY (document_id, dataset_id)) {narrow};
CREATE TABLE document_keyword (document_id {int} NOT NULL, n {int} NOT NULL, keyword {text} NOT NULL, keyword_fold {text} NOT NULL, PRIMARY KEY (document_id, n)) {narrow};
CREATE TABLE sample (id {key}, pid {text} NOT NULL UNIQUE, name {text}, name_fold {text}, description {text}, description_fold {text});
CREATE TABLE dataset_sample (dataset_id {int} NOT NULL, sample_id {int} NOT NULL, PRIMARY KEY (dataset_id, sample_id)) {narrow};
CREATE TABLE technique (id {key}, pid {text} NOT NULL UNIQUE, name {text}, name_fold {text}, panet_id {text});
CREATE TABLE technique_name (name_fold {text} NOT NULL, technique_id {int} NOT NULL, PRIMARY KEY (name_fold, technique_id)) {narrow};
CREATE TABLE technique_closure (descendant_id {int} NOT NULL, ancestor_id {int} NOT NULL, PRIMARY KEY (descendant_id, ancestor_id)) {narrow};
CREATE TABLE dataset_technique (dataset_id {int} NOT NULL, technique_id {int} NOT NULL, PRIMARY KEY (dataset_id, technique_id)) {narrow};
CREATE TABLE dataset_technique_anc (
  technique_id {int} NOT NULL, dataset_id {int} NOT NULL, visible_from {int}, instrument_id {int}, PRIMARY KEY (technique_id, dataset_id){anc_include}) {narrow};
CREATE TABLE parameter_name (id {key}, name {text} NOT NULL UNIQUE, name_fold {text} NOT NULL, repeated {int} NOT NULL);
CREATE TABLE dataset_parameter (
  id {key}, dataset_id {int} NOT NULL, name_id {int} NOT NULL, num {real}, txt {text}, unit {text}, dim {int}, si {real}, visible_from {int}, instrument_id {int});
CREATE TABLE document_parameter (
  id {key}, document_id {int} NOT NULL, name_id {int} NOT NULL, num {real}, txt {text}, unit {text}, dim {int}, si {real});
CREATE TABLE file (id {key}, dataset_id {int} NOT NULL, name {text} NOT NULL, name_fold {text} NOT NULL, path {text}, size {int});
CREATE TABLE person (
  id {key}, pid {text} NOT NULL UNIQUE, full_name {text}, full_name_fold {text}, orcid {text}, researcher_id {text}, first_name {text}, first_name_fold {text},
  last_name {text}, last_name_fold {text});
CREATE TABLE affiliation (
  id {key}, pid {text} NOT NULL UNIQUE, name {text}, name_fold {text}, address {text}, address_fold {text}, city {text}, city_fold {text}, country {text},
  country_fold {text});
CREATE TABLE member (id {key}, document_id {int} NOT NULL, role {text}, person_id {int}, affiliation_id {int});
CREATE TABLE visible_count (model {text} NOT NULL, visible_from {int} NOT NULL, n {int} NOT NULL, PRIMARY KEY (model, visible_from)) {narrow};
CREATE TABLE term (id {key}, term {text} NOT NULL UNIQUE);
CREATE TABLE dataset_posting (
  term_id {int} NOT NULL, item_id {int} NOT NULL, n {int} NOT NULL, unique_terms {int} NOT NULL, all_terms {int} NOT NULL, visible_from {int},
  PRIMARY KEY (term_id, item_id)) {narrow};
CREATE TABLE document_posting (
  term_id {int} NOT NULL, item_id {int} NOT NULL, n {int} NOT NULL, unique_terms {int} NOT NULL, all_terms {int} NOT NULL, visible_from {int},
  PRIMARY KEY (term_id, item_id)) {narrow};
CREATE TABLE instrument_posting (
  term_id {int} NOT NULL, item_id {int} NOT NULL, n {int} NOT NULL, unique_terms {int} NOT NULL, all_terms {int} NOT NULL, visible_from {int},
  PRIMARY KEY (term_id, item_id)) {narrow};
"""

INDEXES = """
CREATE INDEX IF NOT EXISTS dataset_narrow ON dataset (id, visible_from, instrument_id);
CREATE INDEX IF NOT EXISTS document_narrow ON document (id, visible_from);
CREATE INDEX IF NOT EXISTS dataset_created ON dataset (creation_date, id);
CREATE INDEX IF NOT EXISTS dataset_instrument ON dataset (instrument_id, id, visible_from);
CREATE INDEX IF NOT EXISTS document_dataset_of ON document_dataset (dataset_id, document_id);
CREATE INDEX IF NOT EXISTS dataset_sample_of ON dataset_sample (sample_id, dataset_id);
CREATE INDEX IF NOT EXISTS dataset_technique_of ON dataset_technique (technique_id, dataset_id);
CREATE INDEX IF NOT EXISTS dataset_parameter_range ON dataset_parameter (name_id, dim, si, dataset_id, visible_from, instrument_id);
CREATE INDEX IF NOT EXISTS dataset_parameter_named ON dataset_parameter (name_id, dataset_id, dim, si, visible_from);
CREATE INDEX IF NOT EXISTS dataset_parameter_text ON dataset_parameter (name_id, txt, dataset_id, visible_from) WHERE txt IS NOT NULL;
CREATE INDEX IF NOT EXISTS dataset_parameter_of ON dataset_parameter (dataset_id);
CREATE INDEX IF NOT EXISTS document_parameter_range ON document_parameter (name_id, dim, si, document_id);
CREATE INDEX IF NOT EXISTS document_parameter_of ON document_parameter (document_id);
CREATE INDEX IF NOT EXISTS file_of ON file (dataset_id);
CREATE INDEX IF NOT EXISTS member_document ON member (document_id);
CREATE INDEX IF NOT EXISTS member_person ON member (person_id);
CREATE INDEX IF NOT EXISTS member_affiliation ON member (affiliation_id);
CREATE INDEX IF NOT EXISTS dataset_posting_of ON dataset_posting (item_id);
CREATE INDEX IF NOT EXISTS document_posting_of ON document_posting (item_id);
CREATE INDEX IF NOT EXISTS instrument_posting_of ON instrument_posting (item_id);
CREATE INDEX IF NOT EXISTS dataset_digest ON dataset (digest);
CREATE INDEX IF NOT EXISTS document_digest ON document (digest);
"""

WORDS = {
    "sqlite": {
        "text": "TEXT", "int": "INTEGER", "real": "REAL", "blob": "BLOB", "key": "INTEGER PRIMARY KEY", "narrow": "WITHOUT ROWID", "anc_include": "",
    },
    "postgresql": {
        "text": 'TEXT COLLATE "C"', "int": "BIGINT", "real": "DOUBLE PRECISION", "blob": "BYTEA", "key": "BIGINT PRIMARY KEY", "narrow": "",
        "anc_include": " INCLUDE (visible_from, instrument_id)",
    },
}  # fmt: skip

# The tables whose text is indexed, and their columns.
SQLITE_TEXT = {"dataset": ("title_fold",), "document": ("title_fold", "summary_fold")}

POSTGRESQL_INDEXES = """
CREATE INDEX IF NOT EXISTS dataset_text ON dataset USING gin (title_fold gin_trgm_ops);
CREATE INDEX IF NOT EXISTS document_text ON document USING gin (title_fold gin_trgm_ops, summary_fold gin_trgm_ops);
CREATE OR REPLACE FUNCTION short_grams(t text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT substr(t, i, n)), '{}') FROM generate_series(1, length(t)) i, (VALUES (1), (2)) s (n) WHERE i + n - 1 <= length(t) $$;
CREATE INDEX IF NOT EXISTS dataset_short ON dataset USING gin (short_grams(title_fold));
CREATE INDEX IF NOT EXISTS document_short ON document USING gin (short_grams(title_fold), short_grams(summary_fold));
CREATE STATISTICS IF NOT EXISTS dataset_parameter_names (dependencies, ndistinct, mcv) ON name_id, dim FROM dataset_parameter;
ALTER TABLE dataset_parameter ALTER COLUMN name_id SET STATISTICS 1000;
"""


def check(found: int, place: str) -> None:
    """Refuse a store whose tables are not those of this program.

    Args:
        found: the version of its tables.
        place: where it is, for people.

    Raises:
        StoreError: they are of another version; the message says what to do.
    """
    if found > VERSION:
        raise StoreError(
            f"{place} was written by a newer version of this program (schema {found}, known up to {VERSION})"
        )
    if found < VERSION:
        raise StoreError(
            f"{place} was written by an older version of this program (schema {found}, needed {VERSION}); put it aside and take the records in again"
        )


def tables(dialect: str) -> list[str]:
    """Return the statements that make the tables."""
    return statements(TABLES.format(**WORDS[dialect]))


def indexes(dialect: str) -> list[str]:
    """Return the statements that make the indexes that are not there."""
    if dialect == "sqlite":
        return statements(INDEXES) + [s for table, columns in SQLITE_TEXT.items() for s in sqlite_text(table, columns)]
    return statements(INDEXES + POSTGRESQL_INDEXES)


def sqlite_text(table: str, columns: tuple[str, ...]) -> list[str]:
    """Return the statements that make a table's two text indexes and the triggers that keep them.

    One is of trigrams, of the stored text. The other is of single characters and pairs, which trigrams cannot find (a chemical element, say); it has no copy of the text,
    and what it is told is made by `short_grams`, a function of the connection that writes.
    """
    names = ", ".join(columns)
    old, new = (", ".join(f"{row}.{c}" for c in columns) for row in ("old", "new"))
    forget = f"INSERT INTO {table}_text ({table}_text, rowid, {names}) VALUES ('delete', old.id, {old}); "
    forget += f"INSERT INTO {table}_short ({table}_short, rowid, grams) VALUES ('delete', old.id, short_grams({old}));"
    learn = f"INSERT INTO {table}_text (rowid, {names}) VALUES (new.id, {new}); "
    learn += f"INSERT INTO {table}_short (rowid, grams) VALUES (new.id, short_grams({new}));"
    return [
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_text USING fts5({names}, content='{table}', content_rowid='id', tokenize='trigram case_sensitive 1')",
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {table}_short USING fts5(grams, content='', detail='none', tokenize='ascii')",
        f"CREATE TRIGGER IF NOT EXISTS {table}_text_i AFTER INSERT ON {table} BEGIN {learn} END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_text_d AFTER DELETE ON {table} BEGIN {forget} END",
        f"CREATE TRIGGER IF NOT EXISTS {table}_text_u AFTER UPDATE OF {names} ON {table} BEGIN {forget} {learn} END",
    ]


def statements(text: str) -> list[str]:
    """Return the statements of a text, which has no semicolon inside of one."""
    return [s.strip() for s in text.split(";") if s.strip()]
