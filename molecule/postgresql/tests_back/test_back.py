"""After the role came back the old data are there; where they were purged, nothing is."""

testinfra_hosts = ["ansible://postgresql"]


def test_data_are_back_unless_purged(host):
    if host.backend.get_hostname() == "postgresql-trixie":
        with host.sudo():
            assert not host.run("ls /var/lib/postgresql/*/main /etc/postgresql/*/main").stdout
    else:
        with host.sudo("postgres"):
            assert host.check_output("cd / && psql -XAt -c 'SELECT answer FROM kept' catalogue") == "42"
