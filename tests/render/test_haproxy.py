"""The proxy's checks of what services ask of it, and the configuration made of what Keycloak's role declares."""

import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SERVERS = [{"name": "a.facility.test", "address": "192.0.2.1"}]
GOOD = {"name": "one", "url": "https://one.facility.test", "port": 443, "servers": SERVERS}
SITE = {"haproxy_facility_name": "Demo", "haproxy_support_contact": "support@facility.test"}


def service(**changes):
    """A good service with some keys changed, or taken away by None."""
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not None}


# Name of the case: variables, and words that the refusal must hold; none for what is accepted.
CASES = {
    "good": ({"haproxy_services": [service(), service(name="two", url="https://one.facility.test/two/")]}, []),
    "good, every key": (
        {
            "haproxy_services": [
                service(
                    public_paths=["/", "^/x[0-9]+(/|$)"],
                    admin_paths=["/admin/"],
                    closed_paths=["/metrics"],
                    hidden_paths=["/ws/"],
                    redirects={"/": "/home?a=b", "/docs": "https://docs.facility.test/"},
                    encoded_slashes=True,
                    strip_path=True,
                    max_body=0,
                    health={"path": "/health", "port": 9000, "status": 204, "interval": "5s", "fall": 2, "rise": 1},
                    fail_open=True,
                    slowstart="1m",
                    balance="leastconn",
                    max_connections=1,
                    timeouts={"server": "1h", "tunnel": "1d", "queue": "5s", "connect": "500ms"},
                    rate_limit={"requests": 10, "seconds": 1},
                    routes=[
                        {
                            "name": "api",
                            "paths": ["/api"],
                            "port": 81,
                            "tls": False,
                            "servers": [{"name": "l", "address": "127.0.0.1"}],
                        }
                    ],
                )
            ],
            "haproxy_admin_networks": ["192.0.2.0/24", "2001:db8::/32"],
        },
        [],
    ),
    "one URL twice": (
        {"haproxy_services": [service(), service(name="two")]},
        ["one and two", "https://one.facility.test", "one service for each host"],
    ),
    "one URL twice, written differently": (
        {
            "haproxy_services": [
                service(url="https://one.facility.test/a/"),
                service(name="two", url="https://one.facility.test:443/a"),
            ]
        },
        ["one and two"],
    ),
    "one name twice": (
        {"haproxy_services": [service(), service(url="https://two.facility.test")]},
        ["name one", "two.facility.test"],
    ),
    "URL in clear": (
        {"haproxy_services": [service(url="http://one.facility.test")]},
        ["url of one", "http://one.facility.test", "an https URL"],
    ),
    "URL with query": ({"haproxy_services": [service(url="https://one.facility.test/?a=b")]}, ["url of one"]),
    "URL missing": ({"haproxy_services": [service(url=None)]}, ["haproxy_services", "url"]),
    "unknown key": (
        {"haproxy_services": [service(public_path=["/"])]},
        ["haproxy_services", "public_path", "public_paths"],
    ),
    "unknown key of a route": (
        {"haproxy_services": [service(routes=[{"name": "x", "paths": ["/x"], "healt": {}}])]},
        ["healt", "health"],
    ),
    "unknown variable": (
        {"haproxy_admin_network": []},
        ["haproxy_admin_network ", "did you mean haproxy_admin_networks?"],
    ),
    "port missing": ({"haproxy_services": [service(port=None)]}, ["port of one", "1 to 65535"]),
    "no servers": ({"haproxy_services": [service(servers=[])]}, ["servers of one", "at least one"]),
    "server without address": (
        {"haproxy_services": [service(servers=[{"name": "a", "address": "a.facility.test"}])]},
        ["servers of one", "an IP address"],
    ),
    "plain HTTP over the network": ({"haproxy_services": [service(tls=False)]}, ["tls of one", "clear text"]),
    "path without slash": ({"haproxy_services": [service(admin_paths=["admin"])]}, ["paths of one", "admin_paths"]),
    "path that breaks out": (
        {"haproxy_services": [service(public_paths=["/ } or TRUE { always_true"])]},
        ["paths of one"],
    ),
    "redirect that breaks out": ({"haproxy_services": [service(redirects={"/": "/x if TRUE"})]}, ["redirects of one"]),
    "redirect in clear": ({"haproxy_services": [service(redirects={"/": "http://x.test/"})]}, ["redirects of one"]),
    "fail-open without a check": ({"haproxy_services": [service(fail_open=True)]}, ["fail_open of one", "health"]),
    "health without path": ({"haproxy_services": [service(health={"port": 9000})]}, ["haproxy_services", "path"]),
    "time without unit": ({"haproxy_services": [service(timeouts={"server": "60"})]}, ["time limits of one", "30s"]),
    "route with a name taken": (
        {"haproxy_services": [service(routes=[{"name": "open", "paths": ["/x"]}])]},
        ["routes of one"],
    ),
    "name in capitals": (
        {"haproxy_services": [service(name="One")]},
        ["name of https://one.facility.test", "lower-case"],
    ),
    "admin network without length": ({"haproxy_admin_networks": ["192.0.2.1"]}, ["haproxy_admin_networks", "CIDR"]),
    "administration open to all": (
        {"haproxy_admin_networks": ["0.0.0.0/0"]},
        ["haproxy_admin_networks", "whole Internet"],
    ),
    "contact is no address": (
        {"haproxy_support_contact": "the helpdesk"},
        ["haproxy_support_contact", "an e-mail address"],
    ),
    "limit in words": ({"haproxy_timeout_server": "one minute"}, ["haproxy_timeout_server", "30s"]),
    "state unknown": ({"haproxy_state": "gone"}, ["haproxy_state", "present, absent"]),
}


@pytest.fixture(scope="module")
def outcomes(play, tmp_path_factory):
    """What the role says of each case."""
    hosts = {
        f"case{number}": {**SITE, "haproxy_services": [], **variables}
        for number, (variables, _) in enumerate(CASES.values())
    }
    inventory = tmp_path_factory.mktemp("haproxy") / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": {"checked_role": "haproxy"}}}))
    _, found, output = play(HERE / "check.yml", inventory)
    assert len(found) == len(CASES), output
    checks = {
        host: next(result for task, result in tasks.items() if "Check the variables" in task)
        for host, tasks in found.items()
    }
    return {case: checks[f"case{number}"] for number, case in enumerate(CASES)}


@pytest.mark.parametrize("case", CASES)
def test_what_a_service_may_ask(outcomes, case):
    words = CASES[case][1]
    outcome = outcomes[case]
    assert outcome.get("failed", False) == bool(words), outcome
    for word in words:
        assert word in outcome["msg"]


@pytest.fixture(scope="module")
def configuration(play, tmp_path_factory):
    """haproxy.cfg as made of what Keycloak's role declares."""
    folder = tmp_path_factory.mktemp("rendered")
    site = {
        "facility_name": "Demo",
        "facility_short_name": "demo",
        "facility_auth_url": "https://auth.facility.test",
        "facility_contacts": {"support": "support@facility.test"},
        "facility_admin_networks": ["192.0.2.0/24"],
        "rendered_to": str(folder / "haproxy.cfg"),
    }
    nodes = {
        "kc1.facility.test": {"facility_address": "192.0.2.21"},
        "kc2.facility.test": {"facility_address": "2001:db8::22"},
    }
    groups = {
        "haproxy": {"hosts": {"proxy1.facility.test": {}}},
        "keycloak": {"hosts": nodes, "vars": {"keycloak_https_port": 8444}},
    }
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"all": {"vars": site, "children": groups}}))
    code, _, output = play(HERE / "haproxy.yml", inventory)
    assert code == 0, output
    return (folder / "haproxy.cfg").read_text()


@pytest.mark.parametrize(
    "line",
    [
        "server kc1.facility.test 192.0.2.21:8444 sni str(kc1.facility.test) check-sni kc1.facility.test verifyhost kc1.facility.test",
        "server kc2.facility.test [2001:db8::22]:8444 sni str(kc2.facility.test) check-sni kc2.facility.test verifyhost kc2.facility.test",
        "http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host auth.facility.test",
        "http-request deny deny_status 403 if keycloak keycloak.admin !{ src 192.0.2.0/24 }",
        "http-request redirect code 302 location https://auth.facility.test/realms/demo/account/ if keycloak { var(txn.path) -m str -- / }",
        "acl keycloak.admin var(txn.path) -m beg -i -- /admin/ /realms/master/",
        "use_backend keycloak.open if keycloak { nbsrv(keycloak) lt 1 }",
    ],
)
def test_keycloak_publishes_itself(configuration, line):
    assert line in [part.strip() for part in configuration.splitlines()]


def test_no_server_goes_unverified(configuration):
    backends = [part for part in configuration.split("\nbackend ")[1:] if "\n    server " in part]
    assert len(backends) == 2
    for backend in backends:
        assert "ssl verify required ca-file /etc/facility/tls/ca.pem" in backend
        assert "port 9000" in backend or backend.startswith("keycloak.open\n")
    assert "verify none" not in configuration
