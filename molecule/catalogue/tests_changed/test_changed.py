"""After new tokens, new limits, and runs that were cut off."""

import json
import shlex

import pytest

from pan_catalogue import __version__

CA = "/etc/facility/tls/ca.pem"
RECORD = {"titles": [{"title": "A bench"}], "pan": {"kind": "instrument", "pid": "10.5072/bench", "facility": "Demo"}}


@pytest.mark.parametrize(
    ("token", "status"),
    [("CANARY-token-new-7wQ2zK", "200"), ("CANARY-token-3rF6yBq9", "200"), ("CANARY-token-other-1111", "401")],
)
def test_old_and_new_token_are_good_while_it_is_rotated(host, token, status):
    url = f"https://{host.check_output('hostname')}:8010/records"
    header = shlex.quote(f"Authorization: Bearer {token}")
    command = f"curl -s -o /dev/null -w '%{{http_code}}' --cacert {CA} -H @- -d {shlex.quote(json.dumps(RECORD))} {url}"
    assert host.check_output(f"printf %s {header} | {command}") == status


def test_the_limits_are_in_force(host):
    name = host.check_output("hostname")
    url = f"https://{name}:8010/api/Datasets?filter=%7B%22limit%22:8%7D"
    status = host.check_output(f"curl -s -o /dev/null -w '%{{http_code}}' --cacert {CA} '{url}'")
    assert status == ("400" if name == "catalogue-bookworm" else "200")


def test_the_environment_is_whole_and_at_most_the_one_before_is_left(host):
    found = set(host.check_output("ls /opt/pan-catalogue").split())
    current = host.check_output("readlink /opt/pan-catalogue/current")
    environments = found - {"catalogue-node", "current", "requirements.lock"}
    assert current in environments
    assert len(environments) == (2 if host.check_output("hostname") == "catalogue-bookworm" else 1)
    assert host.file("/opt/pan-catalogue/current/complete").exists
    assert host.service("pan-catalogue").is_running


def test_the_release_came_from_the_index_or_from_the_folder(host):
    with host.sudo():
        asked = host.run("journalctl --unit index --no-pager --output cat").stdout
    if host.check_output("hostname") == "catalogue-trixie":
        assert f"GET /simple/pan-catalogue/pan_catalogue-{__version__}-py3-none-any.whl" in asked
        clients = {line.split()[0] for line in asked.splitlines() if '"GET ' in line}
        assert len(clients) == 1, "the host with a folder asked the index too"


def test_new_tokens_needed_no_restart(host):
    # The first change of the trixie host was one of tokens only.
    if host.check_output("hostname") == "catalogue-trixie":
        with host.sudo():
            log = host.check_output("journalctl --unit pan-catalogue --no-pager --output cat")
        assert "Received SIGHUP" in log.split("Stopping pan-catalogue.service")[0]
