"""The facility's embargo rule: datasets that say no release date are released so many months after their creation."""

import json

import pytest
from served import dataset, document

from pan_catalogue import dates, ingest
from pan_catalogue.records import datacite

PUBLIC = dataset("a", creationDate="2020-01-31")


def read(record, months):
    return datacite.read(json.dumps(record).encode(), months)


@pytest.mark.parametrize(
    ("record", "months", "visible"),
    [
        (PUBLIC, 0, 0),
        (PUBLIC, 36, dates.epoch("2023-01-31")),
        (PUBLIC, 1, dates.epoch("2020-02-29")),
        (dataset("a", creationDate="2020-01-31", releaseDate="2021-06-01"), 36, dates.epoch("2021-06-01")),
        (dataset("a", creationDate="2020-01-31", isPublic=False), 36, None),
        (document("d", "A proposal"), 36, 0),
    ],
)
def test_from_when_it_is_seen(record, months, visible):
    assert read(record, months).visible_from == visible


def test_a_changed_rule_is_a_change_of_every_record():
    assert len({ingest.digest(b"{}", months) for months in (0, 1, 36)}) == 3
