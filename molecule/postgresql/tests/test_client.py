"""What a client on another host gets, and does not get."""

import pytest

testinfra_hosts = ["ansible://clients"]
SERVERS = ["postgresql-bookworm", "postgresql-trixie"]
CA = "sslmode=verify-full sslrootcert=/etc/facility/tls/ca.pem"
PASSWORD = "CANARY-of-keycloak-2Rz7"


def psql(
    host,
    connection,
    password=PASSWORD,
    query="SELECT current_user, ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
):
    return host.run(f'PGPASSWORD={password} psql -XAt -w "{connection} connect_timeout=5" -c "{query}"')


@pytest.fixture(params=SERVERS)
def server(request):
    return request.param


def test_the_service_gets_in_with_everything_verified(host, server):
    answer = psql(
        host, f"host={server} dbname=keycloak user=keycloak {CA} require_auth=scram-sha-256 channel_binding=require"
    )
    assert answer.stdout.strip() == "keycloak|t|TLSv1.3", answer.stderr


def test_tls_1_2_is_the_oldest(host, server):
    old = f"host={server} dbname=keycloak user=keycloak {CA} ssl_min_protocol_version=TLSv1.1 ssl_max_protocol_version="
    assert psql(host, old + "TLSv1.2").rc == 0
    assert psql(host, old + "TLSv1.1").rc != 0


def test_plain_text_is_refused(host, server):
    answer = psql(host, f"host={server} dbname=keycloak user=keycloak sslmode=disable")
    assert "no pg_hba.conf entry" in answer.stderr
    assert "no encryption" in answer.stderr


def test_a_wrong_password_is_refused(host, server):
    assert (
        "password authentication failed"
        in psql(host, f"host={server} dbname=keycloak user=keycloak {CA}", password="wrong").stderr
    )


@pytest.mark.parametrize(
    ("database", "user"),
    [
        ("catalogue", "keycloak"),
        ("keycloak", "catalogue_owner"),
        ("postgres", "postgres"),
        ("postgres", "facility_probe"),
        ("keycloak", "nobody"),
    ],
)
def test_nobody_else_gets_in(host, server, database, user):
    assert "no pg_hba.conf entry" in psql(host, f"host={server} dbname={database} user={user} {CA}").stderr


def test_a_wrong_name_is_noticed_by_the_client(host, server):
    address = host.check_output(f"getent hosts {server}").split()[0]
    assert (
        "does not match host name"
        in psql(host, f"host=other.facility.test hostaddr={address} dbname=keycloak user=keycloak {CA}").stderr
    )


def test_the_owner_can_work_in_the_database(host, server):
    connection = f"host={server} dbname=keycloak user=keycloak {CA}"
    assert psql(host, connection, query="CREATE TABLE t (); DROP TABLE t").rc == 0
    assert "permission denied" in psql(host, connection, query="CREATE DATABASE other").stderr
    assert "permission denied" in psql(host, connection, query="SELECT * FROM pg_authid").stderr
