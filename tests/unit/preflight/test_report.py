"""The report of all hosts, and the playbook's task that tells it."""

import json
import re
import stat
import subprocess
from pathlib import Path

import yaml
from ansible_collections.panosc.facility.plugins.plugin_utils.preflight_report import gather, summary, text

ROOT = Path(__file__).resolve().parents[3]


def finding(subject, level="ok", what="check", **more):
    return {"subject": subject, "what": what, "level": level, "message": "said", "where": "", "mend": "", **more}


def test_what_several_hosts_found_is_told_once():
    results = {
        "kc1": {"realm": {"findings": [finding("umbrella", "error"), finding("umbrella", what="other")]}},
        "kc2": {"realm": {"findings": [finding("umbrella", "error"), finding("umbrella", "warning", what="other")]}},
    }
    found = gather(results, {"kc1": ["realm"], "kc2": ["realm"]})
    assert [(one["level"], one["hosts"]) for one in found] == [
        ("error", ["kc1", "kc2"]),
        ("warning", ["kc2"]),
        ("ok", ["kc1"]),
    ]
    assert summary(found) == "1 error, 1 warning, 1 in order"


def test_a_host_that_was_not_looked_at_is_an_error():
    results = {"kc1": {"tls": {"findings": []}}, "kc2": {"tls": {"failed": True, "msg": "no Python"}}}
    found = gather(results, {"kc1": ["tls"], "kc2": ["tls"], "kc3": ["tls"]})
    assert [(one["subject"], one["message"]) for one in found] == [
        ("kc2", "were not made: no Python"),
        ("kc3", "were not made: the host was not reached, or failed before"),
    ]


def test_addresses_are_not_broken_and_what_is_fine_is_short():
    url = "https://proxy.umbrella.test/OIDC/" + "x" * 120
    found = gather(
        {
            "kc1": {
                "realm": {
                    "findings": [finding("umbrella", "error", where=url, mend="Do it. " * 30), finding("kc1")] * 2
                }
            }
        },
        {"kc1": ["realm"]},
    )
    told = text("Pre-flight", found)
    assert f"at {url}\n" in told
    assert all(len(line) <= 110 or url in line for line in told.splitlines())
    assert "In order\n  kc1  check" in told
    assert "seen from kc1" in told.split("In order")[0]
    assert "kc1: check  said" in text("Pre-flight", found, everything=True)


def report(folder, findings):
    """Run the task as the playbook does; (result, output)."""
    (folder / "hosts.yml").write_text(
        yaml.safe_dump({"all": {"hosts": {"kc1": {"__realm_preflight": {"findings": findings}}}}})
    )
    task = {"title": "Pre-flight of X", "directory": f"{folder}/reports", "checked": {"kc1": ["realm"]}}
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"panosc.facility.preflight_report": task}]}]
    (folder / "play.yml").write_text(yaml.safe_dump(play))
    command = ["ansible-playbook", "-i", str(folder / "hosts.yml"), str(folder / "play.yml")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_errors_fail_the_run_after_everything_was_told_and_kept(tmp_path):
    done = report(tmp_path, [finding("umbrella", "error"), finding("ldap", "warning"), finding("kc1")])
    assert done.returncode == 2
    assert re.search(r"ERROR +umbrella: check.*warning +ldap: check.*In order.*FAILED", done.stdout, re.DOTALL)
    kept = tmp_path / "reports"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in kept.iterdir()} == {
        "preflight.txt": 0o600,
        "preflight.json": 0o600,
    }
    data = json.loads((kept / "preflight.json").read_text())
    assert [one["level"] for one in data["findings"]] == ["error", "warning", "ok"]


def test_warnings_do_not_fail_the_run(tmp_path):
    done = report(tmp_path, [finding("ldap", "warning"), finding("umbrella", "unknown")])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Pre-flight of X: 1 warning, 1 that cannot be known" in done.stdout
