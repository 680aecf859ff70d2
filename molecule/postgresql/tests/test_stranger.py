"""A host that no database names as its client."""

testinfra_hosts = ["ansible://postgresql-bookworm"]


def test_a_stranger_is_refused_with_the_right_password_too(host):
    connection = "host=postgresql-trixie dbname=keycloak user=keycloak sslmode=verify-full sslrootcert=/etc/facility/tls/ca.pem connect_timeout=5"
    answer = host.run(f'cd / && PGPASSWORD=CANARY-of-keycloak-2Rz7 psql -XAt -w "{connection}" -c "SELECT 1"')
    assert "no pg_hba.conf entry" in answer.stderr
