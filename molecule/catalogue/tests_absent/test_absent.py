"""After catalogue_state: absent, twice."""

import pytest


@pytest.mark.parametrize(
    "path",
    [
        "/opt/pan-catalogue",
        "/etc/pan-catalogue",
        "/etc/facility/tls/catalogue",
        "/etc/systemd/system/pan-catalogue.service",
        "/usr/local/bin/pan-catalogue",
    ],
)
def test_files_are_gone(host, path):
    with host.sudo():
        assert not host.file(path).exists


def test_nothing_runs(host):
    assert not host.socket("tcp://0.0.0.0:8010").is_listening
    assert "pan-catalogue" not in host.check_output("systemctl list-units --all --plain --no-legend")


def test_records_stay_with_their_owner(host):
    with host.sudo():
        if host.check_output("hostname") == "catalogue-trixie":
            assert host.file("/var/lib/pan-catalogue/catalogue.sqlite").user == "pan-catalogue"
            query = "select count(*) from dataset"
            argv = "cd / && runuser -u postgres -- psql --no-align --tuples-only --dbname catalogue --command"
            assert int(host.check_output(f'{argv} "{query}"')) >= 2
        else:  # there is nothing on this host
            assert not host.file("/var/lib/pan-catalogue").exists
            assert not host.user("pan-catalogue").exists
