"""What the role left on each host, asked of the service, of the proxy in front of it and of systemd."""

import json
import re
import shlex
import time
from urllib.parse import quote

import pytest

URL = "https://data.facility.test"
CA = "/etc/facility/tls/ca.pem"
TOKEN = "CANARY-token-3rF6yBq9"
CANARIES = ["CANARY-database", "CANARY-token", "CANARY-passphrase"]
WORST_EXPOSURE = 2.0  # systemd-analyze security: 0 is closed, 10 is a service without any protection
PID = "10.5072/molecule-1"
RECORDS = [
    {"titles": [{"title": "A bench"}], "pan": {"kind": "instrument", "pid": "10.5072/bench", "facility": "Demo"}},
    {
        "titles": [{"title": "Cobalt at many angles"}],
        "pan": {
            "kind": "dataset",
            "pid": PID,
            "isPublic": True,
            "creationDate": "2020-05-05T15:01:02.341Z",
            "instrument": "10.5072/bench",
            "techniques": [{"pid": "http://purl.org/pan-science/PaNET/PaNET99002", "name": "small angle"}],
        },
    },
    {
        "titles": [{"title": "Nobody's business yet"}],
        "pan": {
            "kind": "dataset",
            "pid": "10.5072/molecule-2",
            "isPublic": False,
            "creationDate": "2020-05-06T15:01:02.341Z",
        },
    },
]


@pytest.fixture
def root(host):
    """Output of a command as root. Never with a secret in it: sudo logs the command."""

    def run(command, *rcs):
        with host.sudo():
            answer = host.run(command)
        assert answer.rc in (rcs or (0,)), answer.stdout + answer.stderr
        return answer.stdout.rstrip("\n")

    return run


@pytest.fixture
def name(host):
    return host.check_output("hostname")


@pytest.fixture
def store(name):
    return "postgresql" if name == "catalogue-bookworm" else "sqlite"


@pytest.fixture(scope="module")
def proxy(host):
    """The host whose proxy stands in front of this one's catalogue: the other one."""
    names = {"catalogue-bookworm": "catalogue-trixie", "catalogue-trixie": "catalogue-bookworm"}
    return host.check_output(f"getent ahostsv4 {names[host.check_output('hostname')]} | head -1").split()[0]


def curl(host, url, *options, stdin="", via=""):
    """Body and status; secrets only by standard input, as `--header @-`."""
    given = ["curl", "-s", "-S", "--path-as-is", "--cacert", CA, "-m", "60", "-w", "\n%{http_code}", *options]
    if via:
        given += ["--connect-to", f"::{via}:"]
    command = " ".join(map(shlex.quote, [*given, url]))
    answer = host.run(f"printf %s {shlex.quote(stdin)} | {command}" if stdin else command)
    assert answer.rc == 0, answer.stderr
    body, _, status = answer.stdout.rpartition("\n")
    return body, int(status)


def get(host, path, via, **query):
    query = "&".join(f"{k}={quote(json.dumps(v))}" for k, v in query.items())
    body, status = curl(host, f"{URL}{path}?{query}", via=via)
    assert status == 200, body
    return json.loads(body)


def bearer(token):
    return f"Authorization: Bearer {token}\n"


@pytest.fixture(scope="module", autouse=True)
def records(host):
    """Records pushed straight to the service, as a program of the facility does from the administrators' network."""
    lines = "\n".join(json.dumps(record) for record in RECORDS)
    host.run(f"printf %s {shlex.quote(lines)} >/tmp/records.jsonl")
    own = f"https://{host.check_output('hostname')}:8010"
    body, status = curl(host, f"{own}/records", "--data-binary", "@/tmp/records.jsonl", "-H", "@-", stdin=bearer(TOKEN))
    assert status == 200, body
    told = json.loads(body)
    assert told["taken"] + told["unchanged"] == len(RECORDS)


# ---- the search API through the proxy


def test_status_names_facility_and_release(host, proxy):
    told = get(host, "/", proxy)
    assert (told["service"], told["facility"]) == ("pan-catalogue", "Demo Light Source")
    assert told["version"] == host.check_output("/opt/pan-catalogue/current/bin/pan-catalogue --version")


def test_a_filter_finds_what_is_public(host, proxy):
    found = get(
        host,
        "/api/Datasets",
        proxy,
        filter={"where": {"title": {"like": "%Cobalt%"}}, "include": [{"relation": "instrument"}]},
    )
    assert [(d["pid"], d["instrument"]["pid"]) for d in found] == [(PID, "10.5072/bench")]
    assert get(host, "/api/Datasets/count", proxy) == {"count": 1}


@pytest.mark.parametrize("base", ["/api/Datasets", "/api/datasets"])
def test_the_slash_of_a_doi_passes_as_it_is(host, proxy, base):
    # For item, files and count, and however model and escape are written.
    pid = PID.replace("/", "%2F")
    assert get(host, f"{base}/{pid}", proxy)["pid"] == PID
    assert get(host, f"{base}/{pid.replace('%2F', '%2f')}", proxy)["pid"] == PID
    assert get(host, f"{base}/{pid}/files", proxy) == []
    assert get(host, f"{base}/{pid}/files/count", proxy) == {"count": 0}


def test_what_is_not_public_is_not_there(host, proxy):
    assert curl(host, f"{URL}/api/Datasets/10.5072%2Fmolecule-2", via=proxy)[1] == 404


def test_techniques_with_the_ontology_and_without(host, proxy, store, root):
    found = get(
        host,
        "/api/Datasets",
        proxy,
        filter={
            "include": [
                {
                    "relation": "techniques",
                    "scope": {"where": {"pid": "http://purl.org/pan-science/PaNET/PaNET99001"}},
                }
            ]
        },
    )
    told = get(host, "/", proxy)["techniques"]
    log = root("journalctl --unit pan-catalogue --no-pager --output cat")
    if store == "postgresql":
        assert told["ontology"], told
        assert [d["pid"] for d in found] == [PID]  # a kind of small angle scattering is asked for by its parent
    else:
        assert not told["ontology"]
        assert told["note"]
        assert found == []
        assert "no PaNET file is configured" in log


# ---- what is not for everybody


@pytest.mark.parametrize("path", ["/metrics", "/records", "/records/Datasets/x", "/health", "/METRICS", "//metrics"])
def test_closed_to_strangers(host, proxy, path):
    assert curl(host, URL + path, via=proxy)[1] == 403
    assert curl(host, URL + path.replace("/", "/api/../", 1), via=proxy)[1] in {400, 403}


def test_nothing_else_is_open(host, proxy):
    for path in ("/docs", "/openapi.json", "/apix", "/api%2f..%2fmetrics"):
        assert curl(host, URL + path, via=proxy)[1] in {400, 404}, path


def test_strangers_cannot_push_even_with_a_token(host, proxy):
    _, status = curl(host, f"{URL}/records", "-d", "{}", "-H", "@-", stdin=bearer(TOKEN), via=proxy)
    assert status == 403


def test_administrators_reach_metrics_and_records_through_the_proxy(host):
    # The proxy of this host, from its loopback address: an administrator of the other host's catalogue.
    body, status = curl(host, f"{URL}/metrics", via="127.0.0.1")
    assert status == 200
    assert "catalogue_request_seconds_count" in body
    line = json.dumps(RECORDS[1])
    body, status = curl(host, f"{URL}/records", "-d", line, "-H", "@-", stdin=bearer(TOKEN), via="127.0.0.1")
    assert status == 200, body


@pytest.mark.parametrize("token", ["", "Bearer wrong-wrong-wrong-wrong", "Basic CANARY"])
def test_records_need_a_token(host, name, token):
    options = ["-H", f"Authorization: {token}"] if token else []
    body, status = curl(host, f"https://{name}:8010/records", "-d", json.dumps(RECORDS[1]), *options)
    assert status == 401, body


def test_a_body_that_is_too_large_is_refused(host, name):
    host.check_output("head -c 1500000 /dev/zero | tr '\\0' ' ' >/tmp/large")
    status = curl(
        host, f"https://{name}:8010/records", "--data-binary", "@/tmp/large", "-H", "@-", stdin=bearer(TOKEN)
    )[1]
    assert (status == 413) == (name == "catalogue-trixie")  # 1 MB there


def test_a_body_that_nobody_reads_spoils_no_other_request(host, proxy):
    # HAProxy 2.6 uses a connection again whose last request was answered before its body came.
    one = f"curl -s -o /dev/null -m 30 --cacert {CA} --connect-to ::{proxy}: -w '%{{http_code}}\\n'"
    posted = f"{one} -d {shlex.quote(json.dumps(RECORDS[0]))} {URL}/api/Datasets"
    statuses = host.check_output(f"for n in $(seq 40); do {posted}; {one} {URL}/api/Datasets/count; done").split()
    assert sorted(statuses) == ["200"] * 40 + ["405"] * 40


def test_only_tls_is_spoken(host, name):
    assert host.socket("tcp://0.0.0.0:8010").is_listening
    assert host.run(f"curl --silent --max-time 5 http://{name}:8010/").rc != 0
    assert host.run(f"curl --silent --cacert {CA} --tls-max 1.1 https://{name}:8010/").rc != 0


def test_the_client_is_who_the_proxy_says(host, proxy, root):
    own = host.check_output("hostname -I").split()[0]
    curl(host, f"{URL}/api/Datasets?filter=%7B%22limit%22:1%7D", "-H", "X-Forwarded-For: 203.0.113.9", via=proxy)
    lines = root("journalctl --unit pan-catalogue --no-pager --output cat --lines 60").splitlines()
    seen = [line for line in lines if '"path": "/api/Datasets"' in line]
    assert f'"client": "{own}"' in seen[-1]
    assert "203.0.113.9" not in "".join(seen)


# ---- the store


def test_the_database_is_reached_over_tls(host, store):
    if store == "sqlite":
        with host.sudo():
            assert host.file("/var/lib/pan-catalogue/catalogue.sqlite").mode == 0o640
        return
    other = host.get_host("ansible://catalogue-trixie", ansible_inventory=host.backend.ansible_inventory)
    query = (
        "select count(*), bool_and(ssl) from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'catalogue'"
    )
    with other.sudo():
        rows = other.check_output(
            f'cd / && runuser -u postgres -- psql --no-align --tuples-only --dbname catalogue --command "{query}"'
        )
    count, every = rows.split("|")
    assert int(count) > 0
    assert every == "t"


# ---- what stands on the host


def test_the_second_run_restarted_nothing(host, root):
    started = root("journalctl --unit pan-catalogue.service --output cat | grep -c '^Started pan-catalogue.service'")
    assert started == "1"
    assert root("systemctl show --property NRestarts --value pan-catalogue.service") == "0"
    assert "SIGHUP" not in root("journalctl --unit pan-catalogue.service --output cat")
    assert host.service("pan-catalogue").is_enabled


@pytest.mark.parametrize(
    ("path", "user", "group", "mode"),
    [
        ("/etc/pan-catalogue", "root", "pan-catalogue", 0o750),
        ("/etc/pan-catalogue/catalogue.toml", "root", "pan-catalogue", 0o640),
        ("/etc/pan-catalogue/tokens", "root", "pan-catalogue", 0o640),
        ("/opt/pan-catalogue/catalogue-node", "root", "root", 0o755),
        ("/usr/local/bin/pan-catalogue", "root", "root", 0o755),
        ("/etc/systemd/system/pan-catalogue.service", "root", "root", 0o644),
        ("/etc/facility/tls/catalogue/key.pem", "root", "pan-catalogue", 0o640),
        ("/var/lib/pan-catalogue", "pan-catalogue", "pan-catalogue", 0o750),
    ],
)
def test_files(root, path, user, group, mode):
    assert root(f"stat --format '%U %G 0o%a' {path}") == f"{user} {group} {mode:#o}"


def test_the_password_is_in_a_file_of_libpq_only(root, store):
    if store == "sqlite":
        assert root("find /etc/pan-catalogue -name pgpass") == ""
    else:
        assert root("stat --format '%U %a' /etc/pan-catalogue/pgpass") == "pan-catalogue 600"
        assert root("grep -c CANARY /etc/pan-catalogue/catalogue.toml", 1) == "0"


def test_tokens_are_checksums(root):
    assert re.search(r"^[0-9a-f]{64} facility$", root("cat /etc/pan-catalogue/tokens"), re.M)


def test_no_secret_can_be_read(root):
    # `[C]ANARY` does not find itself in the log of sudo.
    words = "|".join(word.replace("C", "[C]", 1) for word in CANARIES)
    assert root(f"ps -eo args | grep -E '{words}'", 1) == ""
    assert root(f"journalctl --no-pager --output cat --unit pan-catalogue | grep -E '{words}'", 1) == ""
    assert root(f"journalctl --no-pager --output cat --identifier haproxy | grep -E '{words}'", 1) == ""
    assert root("journalctl --no-pager --output cat | grep -E 'CANARY-[d]atabase|CANARY-[p]assphrase'", 1) == ""
    where = "/etc /opt /var /run /tmp /home"
    assert root(f"find {where} -xdev -type f -perm -o=r -size -1M -exec grep -lE '{words}' {{}} +", 0, 1) == ""
    assert root(f"systemctl show pan-catalogue.service | grep -E '{words}'", 1) == ""
    pids = root("pgrep --uid pan-catalogue").split()
    for pid in pids:
        assert root(f"tr '\\0' '\\n' </proc/{pid}/environ | grep -E '{words}'", 0, 1) == ""


def test_the_service_cannot_change_itself(root):
    assert (
        root("find /opt/pan-catalogue /etc/pan-catalogue -user pan-catalogue ! -name pgpass -o -perm /o+w ! -type l")
        == ""
    )
    pid = root("pgrep --uid pan-catalogue --oldest")
    assert " ro," in root(f"grep ' / / ' /proc/{pid}/mountinfo"), "ProtectSystem=strict is not in force"
    status = root(f"cat /proc/{pid}/status")
    assert "NoNewPrivs:\t1" in status
    assert re.search(r"CapBnd:\t0+\n", status)
    assert "Seccomp:\t2" in status


def test_the_unit_is_closed(root):
    assert root("systemd-analyze verify /etc/systemd/system/pan-catalogue.service 2>&1") == ""
    line = root("systemd-analyze security --no-pager pan-catalogue.service | tail -n 1")
    exposure = float(re.search(r"pan-catalogue.service: ([0-9.]+)", line)[1])
    print(f"exposure {exposure}")
    assert exposure <= WORST_EXPOSURE


def test_the_command_of_the_sysadmin(host, root, name, store):
    assert re.search(r"datasets +1 public", root("pan-catalogue status"))
    host.check_output(f"printf %s {shlex.quote(json.dumps(RECORDS[1]))} >/tmp/one.jsonl")
    assert "1 unchanged" in root("pan-catalogue ingest /tmp/one.jsonl")
    assert root("find /var/lib/pan-catalogue ! -user pan-catalogue") == ""
    # Nobody else gets at the records by it.
    assert host.run("pan-catalogue status").rc != 0
    if store == "sqlite":
        root("rm -f /var/lib/pan-catalogue/copy; pan-catalogue backup /var/lib/pan-catalogue/copy")
        root("rm /var/lib/pan-catalogue/copy")


def test_the_log_has_no_failure(root):
    lines = root("journalctl --unit pan-catalogue.service --no-pager --output cat").splitlines()
    assert [line for line in lines if re.search(r'"level": "(ERROR|CRITICAL)"|Traceback', line)] == []


# ---- it goes on


def stream(host, root, proxy, command, seconds=6):
    """Statuses of requests through the proxy, each on a new connection, while a command is run a second after their start."""
    script = (
        f"end=$(($(date +%s)+{seconds})); while [ $(date +%s) -lt $end ]; do "
        f"curl -s -o /dev/null -m 10 --cacert {CA} --connect-to ::{proxy}: -w '%{{http_code}}\\n' {URL}/api/Datasets/count; done"
    )
    root(f"sh -c '(sleep 1; {command}) >/tmp/during.log 2>&1 &'")
    return host.check_output(f"sh -c {shlex.quote(script)}").split()


def workers(root):
    main = root("systemctl show --property MainPID --value pan-catalogue")
    return {
        pid
        for pid in root(f"pgrep --parent {main}").split()
        if "spawn_main" in root(f"tr '\\0' ' ' </proc/{pid}/cmdline || true")  # it may have gone meanwhile
    }


def test_a_reload_replaces_the_workers_and_loses_nothing(host, root, proxy):
    before = workers(root)
    assert len(before) == 2
    statuses = stream(host, root, proxy, "systemctl reload pan-catalogue", 8)
    assert set(statuses) == {"200"}, statuses
    assert len(statuses) > 20
    for _ in range(60):  # on a busy machine the reload outlasts the requests
        between = workers(root)
        if not before & between:
            break
        time.sleep(0.5)
    assert not before & between
    root("systemctl reload pan-catalogue")
    assert not between & workers(root), "reloaded, and an old worker still answers"
    for _ in range(20):
        if len(workers(root)) == 2:
            break
        time.sleep(0.5)
    assert len(workers(root)) == 2


def test_a_worker_that_is_killed_is_replaced(host, root, proxy):
    before = workers(root)
    victim = sorted(before)[0]
    statuses = stream(host, root, proxy, f"kill -9 {victim}", 6)
    lost = [status for status in statuses if status != "200"]
    print(f"{len(statuses)} requests, {len(lost)} lost")
    assert len(lost) <= 1  # one may have been in it
    for _ in range(20):
        if len(workers(root)) == 2:
            break
        time.sleep(0.5)
    assert len(workers(root)) == 2
    assert victim not in workers(root)
    assert root("systemctl show --property NRestarts --value pan-catalogue.service") == "0"


def test_a_database_host_that_falls_silent_holds_up_nobody_for_long(host, name, store, proxy):
    """Nothing comes back from it, no refusal either, as when its host is gone."""
    if store == "sqlite":
        return
    other = host.get_host("ansible://catalogue-trixie", ansible_inventory=host.backend.ansible_inventory)
    url = f"https://{name}:8010/api/Datasets/count"
    way = f"blackhole {host.check_output('hostname -I').split()[0]}/32"
    with other.sudo():
        other.check_output(f"ip route add {way}")
    try:
        for _ in range(4):  # either worker, before and after it has given up
            begun = time.monotonic()
            body, status = curl(host, url)
            assert status == 503, body
            assert "STORE_UNAVAILABLE" in body
            assert time.monotonic() - begun < 8
    finally:
        with other.sudo():
            other.check_output(f"ip route del {way}")
    # Both workers, the proxy in front of them, and the one here, which could not reach the other host's catalogue either.
    ends = time.monotonic() + 30
    asked = [(url, "")] * 6 + [(f"{URL}/api/Datasets/count", each) for each in (proxy, "127.0.0.1")]
    while (statuses := {curl(host, each, via=via)[1] for each, via in asked}) != {200} and time.monotonic() < ends:
        time.sleep(0.5)
    assert statuses == {200}
