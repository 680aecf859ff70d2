"""After postgresql_state=absent: no server, no settings, but the data."""

import pytest

testinfra_hosts = ["ansible://postgresql"]


@pytest.fixture
def root(host):
    with host.sudo():
        yield host


def test_no_server(root):
    assert not root.run("pgrep -u postgres postgres").stdout
    assert not root.socket("tcp://5432").is_listening


def test_no_settings(root):
    for path in (
        "/etc/facility/tls/postgresql",
        "/etc/systemd/system/postgresql@.service.d/50-facility.conf",
        "/etc/postgresql-common/createcluster.d/facility.conf",
    ):
        assert not root.file(path).exists, path
    assert not root.run("ls /etc/postgresql/*/main/conf.d | grep facility").stdout


def test_the_data_are_kept(root):
    assert root.run("ls /var/lib/postgresql/*/main/PG_VERSION").rc == 0
