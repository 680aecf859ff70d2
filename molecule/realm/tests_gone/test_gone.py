"""After a purge there is no realm, and the realm master is as it was."""

CA = "/etc/facility/tls/ca.pem"


def test_no_realm(host):
    with host.sudo():
        realms = host.check_output("runuser -u postgres -- psql -At -d keycloak -c 'select name from realm'")
    assert realms == "master"


def test_the_server_goes_on(host):
    url = f"https://{host.check_output('hostname')}:8443/realms/master"
    assert (
        host.check_output(f"curl --silent --output /dev/null --write-out '%{{http_code}}' --cacert {CA} {url}") == "200"
    )
