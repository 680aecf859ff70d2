"""The helper on the node: when it restarts, when it refuses, how long it waits."""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles" / "keycloak" / "files" / "keycloak-node"
MINE, PEER = "https://kc1:9000/health/ready", "https://kc2:9000/health/ready"


@pytest.fixture
def node(monkeypatch):
    """The script as a module, with a clock of its own and `up`, the URLs that answer."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # nothing of ours beside the role's files
    loader = importlib.machinery.SourceFileLoader("keycloak_node", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("keycloak_node", loader))
    loader.exec_module(module)
    module.up, module.now, module.commands = {}, 0, []

    def fetch(url, _context):
        answer = module.up.get(url)
        answer = answer(module.now) if callable(answer) else answer
        return (answer, "") if answer is not None else (None, f"{url}: refused")

    def run(command, **_more):
        module.commands.append(command)
        return SimpleNamespace(returncode=0, stdout="")

    def sleep(seconds):
        module.now += seconds

    monkeypatch.setattr(module, "fetch", fetch)
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: module.now))
    monkeypatch.setattr(module, "subprocess", SimpleNamespace(run=run, PIPE=subprocess.PIPE, STDOUT=subprocess.STDOUT))
    return module


def restart(node, *peers):
    return node.restart(SimpleNamespace(health=MINE, peers=list(peers)), None)


RESTARTED = ["systemctl", "restart", "keycloak.service"]


def test_a_single_node_is_restarted(node):
    node.up = {MINE: ""}
    assert restart(node) == ""
    assert node.commands[-1] == RESTARTED


def test_a_node_beside_a_ready_one_is_restarted(node):
    node.up = {MINE: "", PEER: ""}
    assert restart(node, PEER) == ""
    assert RESTARTED in node.commands


def test_the_last_node_that_serves_is_left_alone(node):
    node.up = {MINE: ""}
    assert "only one that serves" in restart(node, PEER)
    assert node.commands == []


def test_a_survivor_of_a_killed_coordinator_is_waited_for(node):
    node.up = {MINE: "", PEER: lambda now: "" if now > 55 else None}
    assert restart(node, PEER) == ""
    assert RESTARTED in node.commands


def test_a_node_that_does_not_serve_is_restarted_whatever_the_others_do(node):
    assert restart(node, PEER) == ""
    assert RESTARTED in node.commands


def test_a_restart_that_fails_is_told(node):
    node.up = {MINE: ""}
    log = "2026-11-21 INFO [x] starting\n2026-11-21 ERROR [x] password authentication failed\n"
    node.subprocess.run = lambda command, **_: SimpleNamespace(returncode=int(command == RESTARTED), stdout=log)
    said = restart(node)
    assert "password authentication failed" in said
    assert "starting" not in said


def test_a_new_node_waits_for_the_first(node):
    assert "start that one first" in node.join(SimpleNamespace(peers=[PEER]), None)
    node.up = {PEER: ""}
    assert node.join(SimpleNamespace(peers=[PEER]), None) == ""


def test_waiting_ends_with_the_server(node, monkeypatch):
    monkeypatch.setenv("MAINPID", "999999999")
    assert "ended before it was ready" in node.wait(SimpleNamespace(health=MINE), None)


def test_waiting_ends_when_ready(node, monkeypatch):
    monkeypatch.delenv("MAINPID", raising=False)
    node.up = {MINE: lambda now: "" if now > 29 else None}
    assert node.wait(SimpleNamespace(health=MINE), None) == ""


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (json.dumps({"issuer": "https://auth.test/realms/master"}), ""),
        (json.dumps({"issuer": "https://kc1:8443/realms/master"}), "is keycloak_url right?"),
        ("<html>", "no discovery document"),
        (None, "refused"),
    ],
)
def test_ready_means_speaking_under_the_right_name(node, document, words):
    realm = "https://kc1:8443/realms/master"
    node.up = {MINE: "", f"{realm}/.well-known/openid-configuration": document}
    said = node.check(SimpleNamespace(health=MINE, realm=realm, issuer="https://auth.test/realms/master"), None)
    assert words in said
    assert bool(said) == bool(words)
