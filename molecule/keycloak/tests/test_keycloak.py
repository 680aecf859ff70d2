"""What the role left on each host, asked of the server, of systemd and of the database."""

import base64
import json
import re

import pytest

ISSUER = "https://auth.facility.test/realms/master"
CA = "/etc/facility/tls/ca.pem"
CANARIES = ["CANARY-database", "CANARY-automation", "CANARY-option"]
AUTOMATION = "CANARY-automation-3rF6yB"
ROLES = {"manage-clients", "manage-events", "manage-identity-providers", "manage-realm", "manage-users", "view-events"}
WORST_EXPOSURE = 2.0  # systemd-analyze security: 0 is closed, 10 is a service without any protection


@pytest.fixture
def root(host):
    """Output of a command as root. Never with a secret in it: sudo logs the command."""

    def run(command, *rcs):
        with host.sudo():
            answer = host.run(command)
        assert answer.rc in (rcs or (0,)), answer.stderr
        return answer.stdout.rstrip("\n")

    return run


@pytest.fixture
def node(host):
    return f"https://{host.check_output('hostname')}"


def curl(host, url, *options, stdin=""):
    """Body of a URL and its status; secrets only by standard input, as `--data @-`."""
    command = f"curl --silent --show-error --cacert {CA} --write-out '\n%{{http_code}}' {' '.join(options)} '{url}'"
    answer = host.run(f"printf '%s' '{stdin}' | {command}" if stdin else command)
    assert answer.rc == 0, answer.stderr
    body, _, status = answer.stdout.rpartition("\n")
    return body, int(status)


def token(host, node, client, secret):
    form = f"grant_type=client_credentials&client_id={client}&client_secret={secret}"
    body, status = curl(host, f"{node}:8443/realms/master/protocol/openid-connect/token", "--data @-", stdin=form)
    return json.loads(body), status


def claims(access_token):
    payload = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def environment(root):
    pid = root("pgrep --uid keycloak java")
    return dict(line.split("=", 1) for line in root(f"tr '\\0' '\\n' </proc/{pid}/environ").splitlines() if "=" in line)


def sql(root, query):
    return root(f'runuser -u postgres -- psql --no-align --tuples-only --dbname keycloak --command "{query}"')


def test_the_node_is_ready_with_its_database(host, node):
    body, status = curl(host, f"{node}:9000/health/ready")
    assert status == 200
    assert {check["name"]: check["status"] for check in json.loads(body)["checks"]}[
        "Keycloak database connections async health check"
    ] == "UP"


def test_discovery_names_the_public_url(host, node):
    body, _ = curl(host, f"{node}:8443/realms/master/.well-known/openid-configuration")
    assert json.loads(body)["issuer"] == ISSUER


def test_forged_host_changes_nothing(host, node):
    forged = [
        "--header 'Host: evil.test'",
        "--header 'X-Forwarded-Host: evil.test'",
        "--header 'Forwarded: host=evil.test'",
    ]
    body, _ = curl(host, f"{node}:8443/realms/master/.well-known/openid-configuration", *forged)
    assert "evil" not in body


def test_health_is_not_on_the_public_port(host, node):
    assert curl(host, f"{node}:8443/health/ready")[1] == 404
    assert curl(host, f"{node}:8443/metrics")[1] == 404


def test_only_tls_is_spoken(host):
    assert host.socket("tcp://0.0.0.0:8443").is_listening
    assert not host.socket("tcp://0.0.0.0:8080").is_listening
    assert not host.socket("tcp://0.0.0.0:7800").is_listening  # one node, no cluster


def test_old_tls_is_refused(host, node):
    assert host.run(f"curl --silent --cacert {CA} --tls-max 1.1 {node}:8443/").rc != 0


def test_the_database_is_reached_over_tls(root):
    rows = sql(
        root,
        "select count(*), bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'keycloak'",
    )
    count, every = rows.split("|")
    assert int(count) > 0
    assert every == "t"


def test_the_second_run_restarted_nothing(host, root):
    started = root("journalctl --unit keycloak.service --output cat | grep -c '^Started keycloak.service'")
    assert started == "1"
    assert root("systemctl show --property NRestarts --value keycloak.service") == "0"
    assert host.service("keycloak").is_enabled


def test_the_first_administrator_is_gone(host, root, node):
    # The process still has the credentials of its first start: they must be void.
    env = environment(root)
    answer, status = token(host, node, env["KC_BOOTSTRAP_ADMIN_CLIENT_ID"], env["KC_BOOTSTRAP_ADMIN_CLIENT_SECRET"])
    assert (status, answer["error"]) == (401, "invalid_client")
    assert not host.file("/etc/keycloak/bootstrap.env").exists
    assert host.file("/etc/keycloak/bootstrapped").exists
    assert (
        sql(root, "select count(*) from user_entity where realm_id = (select id from realm where name = 'master')")
        == "1"
    )


def test_the_automation_client_has_exactly_its_roles(host, node):
    answer, status = token(host, node, "facility-automation", AUTOMATION)
    assert status == 200
    held = claims(answer["access_token"])
    assert {place: set(access["roles"]) for place, access in held["resource_access"].items()} == {"demo-realm": ROLES}
    assert "realm_access" not in held


@pytest.mark.parametrize(
    ("path", "status"),
    [("demo", 200), ("demo/clients", 200), ("master/users", 403), ("master/clients", 403), ("", 200)],
)
def test_the_automation_client_reaches_its_realm_only(host, node, path, status):
    bearer = token(host, node, "facility-automation", AUTOMATION)[0]["access_token"]
    body, found = curl(host, f"{node}:8443/admin/realms/{path}", "--header @-", stdin=f"Authorization: Bearer {bearer}")
    assert found == status
    if path == "":
        assert [realm["realm"] for realm in json.loads(body)] == ["demo"]


def test_realm_master_is_hardened(root):
    realm = "select ssl_required, registration_allowed, reset_password_allowed, events_enabled, admin_events_enabled from realm where name = 'master'"
    assert sql(root, realm) == "ALL|f|f|t|t"
    attribute = "select value from realm_attribute where name = 'bruteForceProtected' and realm_id = (select id from realm where name = 'master')"
    assert sql(root, attribute) == "true"
    direct = "select direct_access_grants_enabled from client where client_id = 'admin-cli' and realm_id = (select id from realm where name = 'master')"
    assert sql(root, direct) == "f"


def test_secrets_arrive_unharmed(root):
    # Quotes, backslashes and dollar signs pass through systemd and Keycloak; the database password proved it by connecting.
    assert environment(root)["KC_SPI_CANARY__DEFAULT__SECRET"] == r'CANARY-option-"9$Kd4\pQ'


def test_no_secret_can_be_read(root):
    # `[C]ANARY` does not find itself in the log of sudo.
    words = "|".join(word.replace("C", "[C]", 1) for word in CANARIES)
    assert root(f"ps -eo args | grep -E '{words}'", 1) == ""
    assert root(f"journalctl --no-pager --output cat | grep -E '{words}'", 1) == ""
    assert (
        root(
            f"find /etc /opt /var /run /tmp /home -xdev -type f -perm -o=r -size -1M -exec grep -lE '{words}' {{}} +",
            0,
            1,
        )
        == ""
    )
    assert root(f"systemctl show keycloak.service | grep -E '{words}'", 1) == ""
    assert environment(root)["KC_BOOTSTRAP_ADMIN_CLIENT_SECRET"] not in root("journalctl --no-pager --output cat")


@pytest.mark.parametrize(
    ("path", "user", "group", "mode"),
    [
        ("/etc/keycloak/secrets.env", "root", "root", 0o600),
        ("/opt/keycloak/current/conf/keycloak.conf", "root", "keycloak", 0o640),
        ("/opt/keycloak/keycloak-node", "root", "root", 0o755),
        ("/etc/systemd/system/keycloak.service", "root", "root", 0o644),
        ("/etc/facility/tls/keycloak/key.pem", "root", "keycloak", 0o640),
        ("/var/lib/keycloak", "keycloak", "keycloak", 0o750),
    ],
)
def test_files(root, path, user, group, mode):
    assert root(f"stat --format '%U %G 0o%a' {path}") == f"{user} {group} {mode:#o}"


def test_the_server_cannot_change_itself(root):
    mine = root("find /opt/keycloak /etc/keycloak -user keycloak -o -perm /o+w ! -type l")
    assert mine == ""
    pid = root("pgrep --uid keycloak java")
    mount = root(f"grep ' / / ' /proc/{pid}/mountinfo")
    assert " ro," in mount, "ProtectSystem=strict is not in force"
    status = root(f"cat /proc/{pid}/status")
    assert "NoNewPrivs:\t1" in status
    assert re.search(r"CapBnd:\t0+\n", status)
    assert "Seccomp:\t2" in status


def test_the_environment_is_clean(root):
    env = environment(root)
    assert not [name for name in env if name.lower().endswith("_proxy")]
    assert "JAVA_TOOL_OPTIONS" not in env
    assert "-Xmx768m" in root("ps --no-headers -o args --user keycloak")


def test_enough_files_may_be_open(root):
    pid = root("pgrep --uid keycloak java")
    soft = int(root(f"grep 'Max open files' /proc/{pid}/limits").split()[3])
    assert soft >= 4096


def test_the_unit_is_closed(root):
    assert root("systemd-analyze verify /etc/systemd/system/keycloak.service 2>&1") == ""
    line = root("systemd-analyze security --no-pager keycloak.service | tail -n 1")
    exposure = float(re.search(r"keycloak.service: ([0-9.]+)", line)[1])
    print(f"exposure {exposure}")
    assert exposure <= WORST_EXPOSURE


def test_the_log_has_no_failure(root):
    lines = root("journalctl --unit keycloak.service --no-pager --output cat").splitlines()
    assert [line for line in lines if re.search(r" (ERROR|FATAL) ", line)] == []
