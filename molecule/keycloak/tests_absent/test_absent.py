"""After keycloak_state: absent, twice."""

import pytest


@pytest.mark.parametrize(
    "path",
    [
        "/opt/keycloak",
        "/etc/keycloak",
        "/var/lib/keycloak",
        "/etc/facility/tls/keycloak",
        "/etc/systemd/system/keycloak.service",
    ],
)
def test_files_are_gone(host, path):
    with host.sudo():
        assert not host.file(path).exists


def test_nothing_runs(host):
    assert not host.user("keycloak").exists
    assert not host.socket("tcp://0.0.0.0:8443").is_listening
    assert "keycloak" not in host.check_output("systemctl list-units --all --plain --no-legend")


def test_the_database_is_still_there(host):
    with host.sudo():
        count = "select count(*) from realm where name in ('master', 'demo')"
        assert (
            host.check_output(
                f'runuser -u postgres -- psql --no-align --tuples-only --dbname keycloak --command "{count}"'
            )
            == "2"
        )
