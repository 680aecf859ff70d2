"""Inventories that the roles tls and postgresql refuse before a host is touched. One run per role: each case is a host."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GOOD = {
    "facility_name": "Demo",
    "facility_contacts": {"admin": "admin@facility.test"},
    "vault_tls_ca_passphrase": "t8Kd-2mPq-x9Rw-canary",
    "vault_postgresql_probe_password": "p4Zs-7vNc-y1Bg-canary",
    "postgresql_databases": [],
}
DATABASE = {"name": "app", "user": "app", "password": "q6Lh-3jTf-w8Xd-canary", "clients": ["good"]}
WEB = {"name": "web", "names": ["web.facility.test"]}
ACME = {"tls_source": "acme", "tls_acme_agree_terms": True}


def certificate(**changes):
    return {"tls_certificates": [{**WEB, **changes}]}


def database(**changes):
    return {"postgresql_databases": [{**DATABASE, **changes}]}


# What is set: the variable that the refusal names, and words of it.
TLS = {
    "unknown source": ({"tls_source": "letsencrypt"}, "tls_source", "letsencrypt"),
    "unknown exception": ({"tls_sources": {"web": "vault"}}, "tls_sources.web", "site_ca, files or acme"),
    "unknown name": ({"tls_certificate": []}, "tls_certificate", "did you mean tls_certificates?"),
    "short passphrase": ({"tls_ca_passphrase": "short-canary"}, "tls_ca_passphrase", "16 characters"),
    "published passphrase": ({"tls_ca_passphrase": "changeme-changeme-1234"}, "tls_ca_passphrase", "not shown"),
    "days below renewal": ({"tls_days": 30}, "tls_days", "more than tls_renew_days (30)"),
    "days beyond what clients take": ({"tls_days": 1000}, "tls_days", "at most 825"),
    "a CA that ends early": ({"tls_ca_days": 400}, "tls_ca_days", "twice"),
    "name with a slash": (certificate(name="../web"), "tls_certificates[../web].name", "folder"),
    "twice the same": ({"tls_certificates": [WEB, WEB]}, "tls_certificates", "each name once"),
    "no names": (certificate(names=[]), "tls_certificates[web].names", "at least one"),
    "public suffix": (certificate(names=["*.ac.uk"]), "tls_certificates[web].names", "wildcard over a public suffix"),
    "no host name": (certificate(names=["https://a.test"]), "tls_certificates[web].names", "no DNS name"),
    "reload is a command": (certificate(reload="web; reboot"), "tls_certificates[web].reload", "systemd units"),
    "key type": (certificate(key_type="dsa"), "tls_certificates", "dsa"),
    "files not given": ({"tls_source": "files", **certificate()}, "tls_files.web", "for each certificate"),
    "files not there": (
        {"tls_source": "files", "tls_files": {"web": {"certificate": "/nowhere/a.pem", "key": "/nowhere/a.key"}}},
        "tls_files.web",
        "does not exist on the control node",
    ),
    "CA file not there": ({"tls_ca_files": {"geant": "/nowhere/ca.pem"}}, "tls_ca_files.geant", "does not exist"),
    "ACME in clear": ({**ACME, "tls_acme_directory": "http://acme.test/dir"}, "tls_acme_directory", "https URL"),
    "ACME terms": ({**ACME, "tls_acme_agree_terms": False}, "tls_acme_agree_terms", "accepted the terms"),
    "ACME without mail": ({**ACME, "facility_contacts": {}}, "tls_acme_email", "mail address"),
    "ACME wildcard": ({**ACME, **certificate(names=["*.facility.test"])}, "tls_certificates[web].names", "http-01"),
    "ACME half a binding": ({**ACME, "tls_acme_eab_kid": "kid"}, "tls_acme_eab_kid", "or neither"),
    "ACME relative webroot": (
        {**ACME, "tls_acme_challenge": "webroot", "tls_acme_webroot": "www"},
        "tls_acme_webroot",
        "absolute",
    ),
}
POSTGRESQL = {
    "unknown name": ({"postgresql_database": []}, "postgresql_database", "did you mean postgresql_databases?"),
    "short password": (database(password="short-canary"), "postgresql_databases[app].password", "16 ASCII"),
    "password not ASCII": (
        database(password="Grüße-aus-Grenoble-canary"),
        "postgresql_databases[app].password",
        "ASCII",
    ),
    "no password": ({"postgresql_databases": [{"name": "app", "user": "app"}]}, "postgresql_databases", "password"),
    "short probe password": (
        {**database(), "postgresql_probe_password": "canary"},
        "postgresql_probe_password",
        "not shown",
    ),
    "superuser": (database(user="postgres"), "postgresql_databases[app].user", "PostgreSQL's own"),
    "system database": (database(name="template1"), "postgresql_databases", "PostgreSQL's own"),
    "name with quotes": (database(name='a"b'), "postgresql_databases", "small letters"),
    "database twice": (
        {"postgresql_databases": [DATABASE, {**DATABASE, "user": "b"}]},
        "postgresql_databases",
        "each database once",
    ),
    "user twice": (
        {"postgresql_databases": [DATABASE, {**DATABASE, "name": "b"}]},
        "postgresql_databases",
        "each user once",
    ),
    "unknown client": (database(clients=["kc9"]), "postgresql_databases[app].clients", "hosts of the inventory"),
    "everybody": (database(addresses=["0.0.0.0/0"]), "postgresql_databases[app].addresses", "/8 or narrower"),
    "host bits": (database(addresses=["10.0.0.1/24"]), "postgresql_databases[app].addresses", "CIDR"),
    "no connections": (database(connections=0), "postgresql_databases[app].connections", "1 or more"),
    "deaf with clients": (
        {**database(), "postgresql_listen_addresses": []},
        "postgresql_listen_addresses",
        "at least one",
    ),
    "listens on a name": ({"postgresql_listen_addresses": ["db1"]}, "postgresql_listen_addresses", "IP addresses"),
    "privileged port": ({"postgresql_port": 80}, "postgresql_port", "1024"),
    "too few connections": (
        {**database(connections=90), "postgresql_max_connections": 100},
        "postgresql_max_connections",
        "at least 110",
    ),
    "too many connections": (database(connections=990), "postgresql_max_connections", "connection pooler"),
    "buffers beyond memory": (
        {"postgresql_memory_mb": 1024, "postgresql_shared_buffers_mb": 900},
        "postgresql_shared_buffers_mb",
        "16 to 512",
    ),
    "greedy work_mem": (
        {"postgresql_memory_mb": 1024, "postgresql_work_mem_mb": 512},
        "postgresql_work_mem_mb",
        "1 to 64",
    ),
    "TLS switched off": ({"postgresql_settings": {"ssl": False}}, "postgresql_settings.ssl", "keep itself"),
    "statements logged": (
        {"postgresql_settings": {"log_statement": "all"}},
        "postgresql_settings.log_statement",
        "keep itself",
    ),
    "setting of two lines": ({"postgresql_settings": {"jit": "off\nssl = off"}}, "postgresql_settings.jit", "one line"),
}


@pytest.fixture(scope="session")
def refusals(tmp_path_factory):
    """What each case's host was told, by role; `good` is a host with nothing wrong."""

    def check(role, cases):
        folder = tmp_path_factory.mktemp(role)
        hosts = {"good": {}, **{f"case{number}": set_here for number, (set_here, _, _) in enumerate(cases.values())}}
        inventory = {"all": {"hosts": hosts, "vars": {**GOOD, "ansible_connection": "local"}}}
        (folder / "hosts.json").write_text(json.dumps(inventory))
        tasks = [{"include_role": {"name": f"panosc.facility.{role}", "tasks_from": "validate"}}]
        (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        result = subprocess.run(
            ["ansible-playbook", "-i", "hosts.json", "play.yml"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            },
        )
        report = json.loads(result.stdout[result.stdout.index("{\n") :])
        said = {}
        for task in report["plays"][0]["tasks"]:
            for host, outcome in task["hosts"].items():
                said[host] = outcome.get("msg", "") if outcome.get("failed") else said.get(host, "")
        return {
            "good": said["good"],
            **{name: said[f"case{number}"] for number, name in enumerate(cases)},
        }, result.stdout + result.stderr

    return {"tls": check("tls", TLS), "postgresql": check("postgresql", POSTGRESQL)}


@pytest.mark.parametrize(
    ("role", "case"),
    [("tls", case) for case in TLS] + [("postgresql", case) for case in POSTGRESQL],
    ids=lambda v: v.replace(" ", "-"),
)
def test_it_is_refused_by_name_with_the_mend(refusals, role, case):
    said, _ = refusals[role]
    _, variable, words = {"tls": TLS, "postgresql": POSTGRESQL}[role][case]
    assert "The inventory is refused" in said[case], said[case]
    problem = next((part for part in said[case].split("\n") if variable in part), "")
    assert problem, said[case]
    assert words in said[case]


@pytest.mark.parametrize("role", ["tls", "postgresql"])
def test_a_good_inventory_passes_and_no_secret_is_shown(refusals, role):
    said, output = refusals[role]
    assert said["good"] == ""
    assert "canary" not in output
    assert "changeme" not in output
