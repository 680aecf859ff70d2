"""What counts as equal, and how objects are merged."""

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.compare import (
    differences,
    lists,
    merged,
    merged_by_name,
    named_differences,
    same,
    texts,
    top_level,
)


@pytest.mark.parametrize(
    ("wanted", "live", "equal"),
    [
        (True, "true", True),
        (False, "true", False),
        (300, "300", True),
        (300, 301, False),
        ("", None, True),
        (None, [], True),
        ([], None, True),
        (False, None, False),
        (0, None, False),
        (["a", "b"], ["b", "a"], True),
        (["a", "b"], ["a"], False),
        (["a", "a"], ["a"], False),
        ("a", ["a"], True),
        (["a"], None, False),
        ([{"x": 1}], [{"x": "1", "y": 2}], True),
        ([{"x": 1}, {"x": 2}], [{"x": 2}, {"x": 1}], False),
        ({"a": 1}, {"a": "1", "b": 2}, True),
        ({}, None, False),
        ({}, {"a": 1}, True),
    ],
)
def test_same(wanted, live, equal):
    assert same(wanted, live) is equal


@pytest.mark.parametrize(
    ("wanted", "live", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {}),
        ({"a": 2}, {"a": 1}, {"a": (1, 2)}),
        ({"c": {"x": "1", "y": "2"}}, {"c": {"x": "1", "y": "3"}}, {"c.y": ("3", "2")}),
        ({"c": {"x": "1"}}, {}, {"c.x": (None, "1")}),
        ({"c": {"user.attribute": "1"}}, {"c": {"user.attribute": "2"}}, {"c.user.attribute": ("2", "1")}),
        ({"c": {"x": None}}, {"c": {}}, {}),
        ({"c": {"x": None}}, {"c": {"x": "1"}}, {"c.x": ("1", None)}),
        ({"c": {"x": 1}}, {"c": "text"}, {"c": ("text", {"x": 1})}),
        ({"c": {}}, {}, {"c": (None, {})}),
    ],
)
def test_differences_looks_at_named_keys_only(wanted, live, found):
    assert differences(wanted, live) == found


def test_named_differences_ignore_objects_of_others():
    wanted = [{"name": "a", "x": 1}, {"name": "new", "x": 1}]
    live = [{"name": "other", "x": 1}, {"name": "a", "x": 2}]
    found = named_differences(wanted, live, "m")
    assert found == {"m[a].x": (2, 1), "m[new]": (None, {"name": "new", "x": 1})}
    assert top_level(found) == {"m"}


@pytest.mark.parametrize("field", ["a", "a.b.c", "a[x.y].z", "a[x]"])
def test_top_level(field):
    assert top_level({field: None}) == {"a"}


def test_merged_lays_over_at_every_level_and_null_removes():
    live = {"a": {"x": 1, "y": 2}, "b": 1, "list": [1, 2]}
    assert merged(live, {"a": {"y": 3, "x": None}, "list": [9]}) == {"a": {"y": 3}, "b": 1, "list": [9]}
    assert live["a"] == {"x": 1, "y": 2}, "the live object was changed"


def test_merged_by_name_keeps_order_and_appends():
    live = [{"name": "b", "id": 1}, {"name": "a", "id": 2}]
    assert merged_by_name(live, [{"name": "a", "x": 1}, {"name": "c"}]) == [
        {"name": "b", "id": 1},
        {"name": "a", "id": 2, "x": 1},
        {"name": "c"},
    ]


def test_forms_of_config():
    values = {"flag": True, "number": 3, "gone": None, "text": "x", "json": [{"key": "k", "value": "ü"}]}
    assert texts(values) == {
        "flag": "true",
        "number": "3",
        "gone": None,
        "text": "x",
        "json": '[{"key":"k","value":"\\u00fc"}]',
    }
    assert lists({"flag": False, "many": ["a", 1], "gone": None}) == {"flag": ["false"], "many": ["a", "1"], "gone": []}
