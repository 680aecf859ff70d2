"""What the role left on each server."""

import json

import pytest

testinfra_hosts = ["ansible://postgresql"]
VERSIONS = {"12": "15", "13": "17"}
CANARY = "CANARY-of-[a-z]*-[0-9]"  # an expression that does not find itself in the log of sudo


@pytest.fixture
def root(host):
    with host.sudo():
        yield host


@pytest.fixture
def version(host):
    return VERSIONS[host.system_info.release.partition(".")[0]]


@pytest.fixture
def ask(host):
    def ask(query, database="postgres"):
        with host.sudo("postgres"):
            return host.check_output(f'cd / && psql -XAt -c "{query}" {database}')

    return ask


def test_the_distributions_version_runs(root, version, ask):
    assert ask("SHOW server_version").startswith(f"{version}.")
    service = root.service(f"postgresql@{version}-main")
    assert service.is_running
    assert service.is_enabled


def test_the_database_is_the_services_own(ask):
    found = ask(
        "SELECT datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE NOT datistemplate ORDER BY 1"
    )
    assert found.splitlines()[:2] == ["catalogue|catalogue_owner|UTF8|C.UTF-8", "keycloak|keycloak|UTF8|C.UTF-8"]
    assert (
        ask(
            "SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
        )
        == "postgres"
    )


def test_passwords_are_verifiers_only(ask):
    assert set(
        ask("SELECT left(rolpassword, 14) FROM pg_authid WHERE rolcanlogin AND rolname != 'postgres'").splitlines()
    ) == {"SCRAM-SHA-256$"}


def test_data_have_checksums(ask):
    assert ask("SHOW data_checksums") == "on"


def test_sizes_follow_the_memory(ask):
    names = ("shared_buffers", "effective_cache_size", "work_mem", "maintenance_work_mem", "max_connections")
    assert [ask(f"SHOW {name}") for name in names] == ["256MB", "614MB", "4MB", "64MB", "100"]
    assert ask("SHOW log_autovacuum_min_duration") == "5s"


def test_who_may_connect_is_exactly_what_was_asked_for(ask, root):
    rows = ask(
        "SELECT type, database::text, user_name::text, address, auth_method FROM pg_hba_file_rules WHERE error IS NULL ORDER BY line_number"
    )
    client = root.check_output("getent hosts postgresql-client").split()[0]
    assert rows.splitlines() == [
        "local|{all}|{all}||peer",
        f"hostssl|{{keycloak}}|{{keycloak}}|{client}|scram-sha-256",
        "hostssl|{postgres}|{facility_probe}|samehost|scram-sha-256",
    ]


def test_other_users_of_the_host_are_refused_on_the_socket(host):
    """The login user is not a database user, and cannot say that it is another."""
    assert "Peer authentication failed" in host.run("cd / && psql -U keycloak keycloak -c 'SELECT 1'").stderr


def test_modes(root, version):
    for path, mode, owner, group in (
        (f"/etc/postgresql/{version}/main/conf.d/facility.conf", 0o640, "postgres", "postgres"),
        (f"/etc/postgresql/{version}/main/pg_hba.conf", 0o640, "postgres", "postgres"),
        ("/etc/facility/tls/postgresql", 0o750, "root", "postgres"),
        ("/etc/facility/tls/postgresql/key.pem", 0o640, "root", "postgres"),
        (f"/var/lib/postgresql/{version}/main", 0o700, "postgres", "postgres"),
    ):
        found = root.file(path)
        assert (found.mode, found.user, found.group) == (mode, owner, group), path


def test_the_unit_is_confined(root, version):
    properties = root.check_output(
        f"systemctl show postgresql@{version}-main -p NoNewPrivileges,ProtectSystem,ProtectHome,PrivateTmp"
    )
    assert set(properties.splitlines()) == {
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
    }
    pid = root.check_output(f"systemctl show -P MainPID postgresql@{version}-main")
    status = root.file(f"/proc/{pid}/status").content_string
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert root.run(f"nsenter -t {pid} -m touch /etc/written").rc != 0


def test_the_second_run_restarted_nothing(root, version):
    """The first run restarts once, for memory and addresses; the idempotence run that followed must not."""
    log = root.check_output(f"cat /var/log/postgresql/postgresql-{version}-main.log")
    assert log.count("database system is ready to accept connections") <= 2
    assert log.count("received SIGHUP") <= 1


def test_a_new_certificate_is_taken_up_without_restart(root, version):
    unit = f"postgresql@{version}-main"
    before = root.check_output(f"systemctl show -P MainPID {unit}")
    root.run_test("/etc/facility/tls/postgresql/reload")
    assert root.check_output(f"systemctl show -P MainPID {unit}") == before
    assert "reloading configuration files" in root.check_output(
        f"tail -n 20 /var/log/postgresql/postgresql-{version}-main.log"
    )


def test_failed_statements_are_not_logged(host, root, version, ask):
    with host.sudo("postgres"):
        assert host.run("cd / && psql -c \"ALTER ROLE nobody PASSWORD 'CANARY-in-a-statement-1'\"").rc != 0
    assert root.run(f"grep -q CANARY-in-a-statement /var/log/postgresql/postgresql-{version}-main.log").rc == 1


def test_no_password_is_anywhere_on_the_host(root):
    for words, found in (("facility_[p]robe", 0), (CANARY, 1)):  # what must be found there shows that the search works
        assert root.run(f"grep -rqs '{words}' /etc /var/log /var/lib/postgresql /run /home /root /tmp").rc == found
    assert root.run(f"{{ journalctl --no-pager; ps axeww -o args; }} | grep -q '{CANARY}'").rc == 1


def test_backups_will_find_a_consistent_state(ask):
    """pg_file_settings shows what the files say now: nothing wrong, nothing waiting."""
    assert json.loads(ask("SELECT coalesce(json_agg(f), '[]') FROM pg_file_settings f WHERE error IS NOT NULL")) == []
    assert ask("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0"
