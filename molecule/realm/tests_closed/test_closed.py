"""A closed realm lets nobody in; nothing is lost."""

CA = "/etc/facility/tls/ca.pem"


def test_nobody_gets_in(host):
    url = f"https://{host.check_output('hostname')}:8443/realms/demo/protocol/openid-connect/auth"
    query = "client_id=account-console&response_type=code&redirect_uri=https://auth.facility.test/realms/demo/account/"
    body = host.check_output(f"curl --silent --cacert {CA} '{url}?{query}'")
    assert "social-umbrella" not in body
    assert "Realm not enabled" in body


def test_the_realm_is_still_there(host):
    with host.sudo():
        sql = "select count(*) from client c join realm r on r.id = c.realm_id where r.name = 'demo' and c.client_id = 'visa'"
        assert host.check_output(f'runuser -u postgres -- psql -At -d keycloak -c "{sql}"') == "1"
