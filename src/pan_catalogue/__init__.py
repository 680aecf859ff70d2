"""A metadata catalogue that answers the PaNOSC search API.

The folder reads in the order of a request::

    api          HTTP: which model, which record, which filter
    grammar      JSON text -> query model: filters, and what they include
    where        conditions; these two are the only places that find fault with a filter
    query        the query model: plain data
    plan         query model -> the shape of SQL that is quick for it
    sql/         conditions and rows as parametrised SQL, one compiler and two dialects
    rows         rows and what they include -> objects of the data model
    score        which of them answer a free-text query best

Beside it stand the tables these read (`model`, `operators`, `units`, `techniques`, `text`), what brings records in (`records/`, `ingest`), the
stores (`store/`), what is put together from all of it (`app`, `cli`), and what tries any provider from outside (`conformance/`).
"""

__version__ = "0.1.0"
