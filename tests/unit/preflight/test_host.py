"""What is looked at on a host, on this one and on made-up ones."""

import os
import socket

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.preflight import host
from ansible_collections.panosc.facility.plugins.module_utils.preflight.dates import utc_now
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line
from cryptography.hazmat.primitives.serialization import Encoding
from servers import Op, serving


def levels(findings):
    return [(finding.level, finding.message) for finding in findings]


def test_names():
    found = levels(host.names("h", ["localhost", "nowhere.invalid"]))
    assert [level for level, _ in found] == ["ok", "error"]
    assert found[1][1] == "nowhere.invalid does not resolve"


def test_ports_of_this_very_process():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        wanted = {"port": port, "variable": "haproxy_https_port"}
        ours = host.unit_of_socket(str(os.fstat(server.fileno()).st_ino))
        assert ours, "the holder of a socket was not found"
        assert levels(host.ports("h", [{**wanted, "units": [ours]}])) == [("ok", f"{port} is held by {ours}")]
        (found,) = host.ports("h", [{**wanted, "units": ["haproxy.service"]}])
        assert (found.level, found.message) == ("error", f"{port} is held by {ours}")
        assert "haproxy_https_port" in found.mend
    assert levels(host.ports("h", [{**wanted, "units": []}])) == [("ok", f"{port} is free")]


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/keycloak.service\n", "keycloak.service"),
        ("1:name=systemd:/machine.slice/x.scope/system.slice/system-postgresql.slice/postgresql@17-main.service\n0::/\n", "postgresql@17-main.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", "nginx"),
    ],
)  # fmt: skip
def test_who_holds_a_socket(tmp_path, cgroup, unit):
    (tmp_path / "7" / "fd").mkdir(parents=True)
    (tmp_path / "7" / "fd" / "3").symlink_to("socket:[4711]")
    (tmp_path / "7" / "cgroup").write_text(cgroup)
    (tmp_path / "7" / "comm").write_text("nginx\n")
    assert host.unit_of_socket("4711", str(tmp_path)) == unit
    assert host.unit_of_socket("4712", str(tmp_path)) == ""


def test_space_for_a_folder_that_is_not_there_yet(tmp_path):
    folder = str(tmp_path / "not" / "yet")
    assert next(host.disks("h", [{"path": folder, "mb": 1}])).level == "ok"
    found = next(host.disks("h", [{"path": folder, "mb": 10**9}]))
    assert found.level == "error"
    assert str(tmp_path) in found.mend


def test_memory(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:        2048000 kB\n")
    assert levels(host.memory("h", 1024, str(tmp_path / "meminfo"))) == [("ok", "2000 MB")]
    assert levels(host.memory("h", 4096, str(tmp_path / "meminfo")))[0][0] == "warning"


@pytest.mark.parametrize(
    ("off", "synchronised", "container", "level", "words"),
    [
        (0, "yes", False, "ok", "agrees"),
        (0, "no", False, "warning", "nothing keeps it so"),
        (0, "no", True, "ok", "agrees"),
        (0, None, False, "ok", "agrees"),
        (90, "yes", False, "error", "90 s behind the control node"),
        (-90, "yes", True, "error", "90 s ahead of the control node"),
    ],
)
def test_clock(off, synchronised, container, level, words):
    def run(command):
        if command[0] == "systemd-detect-virt":
            return (0 if container else 1, "")
        return (0, f"{synchronised}\n") if synchronised else (127, "")

    (found,) = host.clock("h", utc_now().timestamp() + off, run)
    assert found.level == level
    assert words in found.message


POLICY = """haproxy:
  Installed: (none)
  Candidate: 3.0.11-1
  Version table:
     3.0.11-1 500
nothing-of-it:
  Installed: (none)
  Candidate: (none)
"""


def test_packages(monkeypatch):
    monkeypatch.setattr(host.shutil, "which", lambda _: "/usr/bin/apt-cache")
    monkeypatch.setattr(host.glob, "glob", lambda _: ["lists"])
    assert levels(host.packages("h", ["haproxy"], lambda _: (0, POLICY))) == [("ok", "haproxy 3.0.11-1")]
    lacking = levels(host.packages("h", ["haproxy", "nothing-of-it", "unheard-of"], lambda _: (0, POLICY)))
    assert lacking == [("error", "no candidate for nothing-of-it, unheard-of")]
    monkeypatch.setattr(host.glob, "glob", lambda _: [])
    assert levels(host.packages("h", ["unheard-of"], lambda _: (0, "")))[0][0] == "unknown"
    monkeypatch.setattr(host.shutil, "which", lambda _: None)
    assert levels(host.packages("h", ["haproxy"], lambda _: (0, "")))[0][0] == "unknown"


def test_certificates(authority, tmp_path):
    def pem(days):
        return authority.certificate_for(days=days).public_bytes(Encoding.PEM).decode()

    for name, text in {"fine": pem(90.5), "soon": pem(5.5), "gone": pem(-1), "odd": "x"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "fullchain.pem").write_text(text)
    found = host.certificates("h", [f"{tmp_path}/*/fullchain.pem"], {"site CA": pem(4.5), "none": ""}, utc_now(), 30)
    told = {finding.where.split("/")[-2] if "/" in finding.where else finding.where: finding for finding in found}
    assert {name: finding.level for name, finding in told.items()} == {
        "fine": "ok",
        "soon": "warning",
        "gone": "error",
        "odd": "error",
        "site CA": "warning",
    }
    assert told["site CA"].message == "good for 4 more days"


def test_an_acme_directory(authority):
    op = Op(answers={"/directory": (200, {}, '{"newOrder": "x"}'), "/other": (200, {}, "{}")})
    with serving(op, authority.context()):
        urls = [f"{op.base}/directory", f"{op.base}/other", "https://nowhere.invalid/directory"]
        found = levels(host.addresses("h", urls, Line(str(authority.path), timeout=10)))
    assert [level for level, _ in found] == ["ok", "error", "error"]
