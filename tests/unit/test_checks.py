"""The table of promises cannot lie: each has a test that exists, or says why not."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")
ROWS = {
    name: (promise, proof)
    for name, promise, proof in re.findall(r"^\| \*\*(\w+)\*\* \| (.+?) \| (.+) \|$", TABLE, re.M)
}
NUMBERS = {"": 25, "H": 17, "F": 8, "G": 5, "T": 8, "N": 10}
EXPECTED = [f"{kind}{number}" for kind, last in NUMBERS.items() for number in range(1, last + 1)]


def functions(file):
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_stands_in_the_table_once():
    assert list(ROWS) == EXPECTED
    assert len(re.findall(r"^\| \*\*", TABLE, re.M)) == len(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_promise_has_tests_or_says_why_not(name):
    _, proof = ROWS[name]
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", proof)
    if tests:
        assert re.fullmatch(r"(`[\w/]+\.py::test_\w+` ?)+", proof), proof
    else:
        assert re.match(r"(elsewhere|not tested): .{20}", proof), proof
    for file, function in tests:
        assert function in functions(file), f"{file} has no {function}"


def test_no_test_of_a_promise_is_always_skipped():
    for file in {file for _, proof in ROWS.values() for file in re.findall(r"`([\w/]+\.py)::", proof)}:
        assert not re.search(r"pytest\.mark\.(skip|xfail)\b", (ROOT / file).read_text(encoding="utf-8")), file
