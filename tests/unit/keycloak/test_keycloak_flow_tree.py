"""Flows as trees: outline, digest, marks, and the way back from Keycloak's flat export."""

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.flow_tree import (
    from_document,
    from_export,
    marked,
    unmarked,
)

RAW = {
    "alias": "top",
    "executions": [
        {"authenticator": "auth-cookie", "requirement": "ALTERNATIVE"},
        {
            "requirement": "ALTERNATIVE",
            "flow": {
                "alias": "sub",
                "executions": [
                    {
                        "authenticator": "cond",
                        "requirement": "REQUIRED",
                        "config": {"negate": True, "role": "x", "off": ""},
                    },
                    {"authenticator": "cond", "requirement": "REQUIRED", "config": {"role": "y", "alias": "own label"}},
                ],
            },
        },
        {
            "requirement": "CONDITIONAL",
            "flow": {
                "alias": "after",
                "executions": [
                    {
                        "authenticator": "conditional-sub-flow-executed",
                        "requirement": "REQUIRED",
                        "config": {"flow_to_check": "sub", "check_result": "executed"},
                    }
                ],
            },
        },
    ],
}
EXPORT = {
    "authenticationFlows": [
        {
            "id": "2",
            "alias": "sub",
            "topLevel": False,
            "authenticationExecutions": [
                {
                    "authenticator": "cond",
                    "requirement": "REQUIRED",
                    "priority": 20,
                    "authenticatorConfig": "own label",
                },
                {"authenticator": "cond", "requirement": "REQUIRED", "priority": 10, "authenticatorConfig": "label"},
            ],
        },
        {
            "id": "1",
            "alias": "top",
            "topLevel": True,
            "authenticationExecutions": [
                {"authenticatorFlow": True, "flowAlias": "after", "requirement": "CONDITIONAL", "priority": 30},
                {"authenticator": "auth-cookie", "requirement": "ALTERNATIVE", "priority": 10},
                {"authenticatorFlow": True, "flowAlias": "sub", "requirement": "ALTERNATIVE", "priority": 20},
            ],
        },
        {
            "id": "3",
            "alias": "after",
            "topLevel": False,
            "authenticationExecutions": [
                {
                    "authenticator": "conditional-sub-flow-executed",
                    "requirement": "REQUIRED",
                    "priority": 0,
                    "authenticatorConfig": "c",
                }
            ],
        },
    ],
    "authenticatorConfig": [
        {"id": "c1", "alias": "label", "config": {"role": "x", "negate": "true"}},
        {"id": "c2", "alias": "own label", "config": {"role": "y"}},
        {"id": "c3", "alias": "c", "config": {"check_result": "executed", "flow_to_check": "sub"}},
    ],
}
OUTLINE = [
    "ALTERNATIVE auth-cookie",
    "ALTERNATIVE flow 'sub'",
    "  REQUIRED cond {negate=true, role=x}",
    "  REQUIRED cond {role=y}",
    "CONDITIONAL flow 'after'",
    "  REQUIRED conditional-sub-flow-executed {check_result=executed, flow_to_check=sub}",
]


def test_document_and_export_give_the_same_outline():
    assert from_document(RAW).outline() == OUTLINE
    live = from_export(EXPORT)
    assert list(live) == ["top"], "a sub-flow stands by itself"
    assert live["top"].outline() == OUTLINE
    assert [step.config_id for step in live["top"].steps() if step.config_id] == ["c1", "c2", "c3"]


def test_labels_of_configs_are_unique_and_not_part_of_the_outline():
    labels = [step.config_alias for step in from_document(RAW).steps() if step.config]
    assert labels == ["sub cond", "own label", "after conditional-sub-flow-executed"]


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: {**raw, "executions": raw["executions"][::-1]},
        lambda raw: {**raw, "executions": raw["executions"][:2]},
        lambda raw: {**raw, "providerId": "client-flow"},
        lambda raw: {
            **raw,
            "executions": [{**raw["executions"][0], "requirement": "REQUIRED"}, *raw["executions"][1:]],
        },
    ],
)
def test_digest_changes_with_the_content(change):
    assert from_document(change(RAW)).digest() != from_document(RAW).digest()


def test_marks_cover_every_name_and_come_off_again():
    tree = from_document(RAW)
    copy = tree.renamed(lambda name: marked(name, "0123abcd"))
    names = [copy.alias, *(flow.alias for flow in copy.subflows()), *(s.config_alias for s in copy.steps() if s.config)]
    assert all(name.endswith(" ~0123abcd") for name in names)
    assert copy.steps()[-1].config["flow_to_check"] == "sub ~0123abcd", "a condition looks for a flow that is not there"
    assert copy.renamed(unmarked) == tree


@pytest.mark.parametrize(
    ("alias", "plain"), [("a ~0123abcd", "a"), ("a ~b", "a ~b"), ("a~0123abcd", "a~0123abcd"), ("", "")]
)
def test_unmarked_takes_off_marks_only(alias, plain):
    assert unmarked(alias) == plain


def test_marking_twice_is_marking_once():
    assert marked(marked("a", "00000000"), "11111111") == "a ~11111111"


def test_a_flow_that_holds_itself_ends():
    loop = {
        "id": "1",
        "alias": "a",
        "topLevel": True,
        "authenticationExecutions": [{"authenticatorFlow": True, "flowAlias": "a", "requirement": "REQUIRED"}],
    }
    assert from_export({"authenticationFlows": [loop]})["a"].outline() == ["REQUIRED "]
