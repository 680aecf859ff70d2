"""The log: one line for each request, without what somebody searched for; health only when it fails."""

import logging
import time

import pytest
from served import instrument


@pytest.fixture(scope="module")
def served(make):
    return make([instrument("i1", "Secret place")])


@pytest.mark.parametrize(
    ("path", "level", "lines"),
    [
        ("/api/Instruments?filter=%7B%22where%22:%7B%22text%22:%22secret%22%7D%7D", "INFO", 1),
        ("/health", "INFO", 0),
        ("/metrics", "INFO", 0),
        ("/health", "DEBUG", 1),
        ("/nothing", "INFO", 1),
    ],
)
def test_lines(served, caplog, path, level, lines):
    with caplog.at_level(logging.getLevelName(level), "pan_catalogue.access"):
        status = served.http.get(path).status_code
        time.sleep(0.2)  # the line is written after the answer
    written = [r for r in caplog.records if r.name == "pan_catalogue.access"]
    assert len(written) == lines
    for line in written:
        assert (line.status, line.path) == (status, path.partition("?")[0])
        assert "secret" not in line.getMessage() + str(line.__dict__ if level == "INFO" else "")
