"""Inventories that the role keycloak refuses before a host is touched. One run: each case is a host."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GOOD = {
    "facility_short_name": "demo",
    "facility_auth_url": "https://auth.facility.test",
    "keycloak_db_host": "db1.facility.test",
    "keycloak_cluster_nodes": ["{{ inventory_hostname }}"],
    "vault_keycloak_db_password": "t8Kd-2mPq-x9Rw-canary",
    "vault_keycloak_automation_secret": "p4Zs-7vNc-y1Bg-canary",
}
JAR = {"name": "x.jar", "src": "/x.jar", "checksum": f"sha256:{'0' * 64}"}

# What is set: the variable that the refusal names, and words of it.
CASES = {
    "below the floor": ({"keycloak_version": "26.7.4"}, "keycloak_version", "26.7.5 or newer"),
    "a release that nobody has tried": ({"keycloak_version": "27.0.0"}, "keycloak_version", "options of 27"),
    "latest": ({"keycloak_version": "latest"}, "keycloak_version", "26.7.5 or newer"),
    "unknown name": ({"keycloak_verison": "26.7.5"}, "keycloak_verison", "did you mean keycloak_version?"),
    "no checksum": ({"keycloak_checksum": ""}, "keycloak_checksum", "64 hexadecimal digits"),
    "weak checksum": ({"keycloak_checksum": f"md5:{'0' * 32}"}, "keycloak_checksum", "sha256"),
    "source without URL": ({"keycloak_source": "url"}, "keycloak_download_url", "https URL of the zip"),
    "source in clear": (
        {"keycloak_source": "url", "keycloak_download_url": "http://m.test/k.zip"},
        "keycloak_download_url",
        "https URL",
    ),
    "source without file": ({"keycloak_source": "file"}, "keycloak_archive", "path of the zip"),
    "unknown source": ({"keycloak_source": "docker"}, "keycloak_source", "docker"),
    "mirror in clear": ({"keycloak_maven_repository": "http://m.test"}, "keycloak_maven_repository", "https"),
    "URL in clear": ({"keycloak_url": "http://auth.facility.test"}, "keycloak_url", "no path and no trailing slash"),
    "URL with slash": ({"keycloak_url": "https://auth.facility.test/"}, "keycloak_url", "no trailing slash"),
    "URL with path": ({"keycloak_url": "https://auth.facility.test/auth"}, "keycloak_url", "no path"),
    "realm master": ({"keycloak_realms": ["master"]}, "keycloak_realms[master]", "not for users"),
    "realm with a space": ({"keycloak_realms": ["My realm"]}, "keycloak_realms[My realm]", "lower-case"),
    "no realm": ({"keycloak_realms": []}, "keycloak_realms", "at least one"),
    "node outside its cluster": ({"keycloak_cluster_nodes": ["good"]}, "keycloak_cluster_nodes", "among them"),
    "privileged port": ({"keycloak_https_port": 443}, "keycloak_https_port", "not root"),
    "cluster port too high": ({"keycloak_cluster_port": 17800}, "keycloak_cluster_port", "at most 15535"),
    "health published": ({"keycloak_management_port": 8443}, "keycloak_management_port", "never published"),
    "headers of anybody": ({"keycloak_proxy_headers": "xforwarded"}, "keycloak_proxy_headers", "forge"),
    "proxies everywhere": (
        {"keycloak_trusted_proxies": ["0.0.0.0/0"]},
        "keycloak_trusted_proxies[0.0.0.0/0]",
        "whole internet",
    ),
    "unknown proxy": ({"keycloak_trusted_proxies": ["proxy9"]}, "keycloak_trusted_proxies[proxy9]", "inventory name"),
    "no database": ({"keycloak_db_host": ""}, "keycloak_db_host", "group postgresql"),
    "database not verified": (
        {"keycloak_db_url": "jdbc:postgresql://db/keycloak?sslmode=require"},
        "keycloak_db_url",
        "verify-full",
    ),
    "password in URL": (
        {"keycloak_db_url": "jdbc:postgresql://db/keycloak?sslmode=verify-full&password=canary"},
        "keycloak_db_url",
        "use keycloak_db_password",
    ),
    "short password": ({"keycloak_db_password": "short-canary"}, "keycloak_db_password", "16 characters"),
    "published secret": (
        {"keycloak_automation_secret": "changeme-changeme-123"},
        "keycloak_automation_secret",
        "not shown",
    ),
    "secret of two lines": (
        {"keycloak_db_password": "t8Kd-2mPq-x9Rw\ncanary"},
        "keycloak_db_password",
        "control characters",
    ),
    "secret that Keycloak would expand": (
        {"keycloak_db_password": "t8Kd-2mPq-x9Rw-${canary}"},
        "keycloak_db_password",
        "neither ${ nor $$",
    ),
    "a password that Keycloak would read with one dollar": (
        {"keycloak_db_password": "t8Kd-2mPq-x9$$-canary"},
        "keycloak_db_password",
        "neither ${ nor $$",
    ),
    "tiny heap": ({"keycloak_heap_mb": 128}, "keycloak_heap_mb", "512"),
    "heap by option": ({"keycloak_java_options": ["-Xmx4g"]}, "keycloak_java_options[-Xmx4g]", "keycloak_heap_mb"),
    "debugger": ({"keycloak_java_options": ["--debug"]}, "keycloak_java_options[--debug]", "no debugger"),
    "debug agent": (
        {"keycloak_java_options": ["-agentlib:jdwp=transport=dt_socket"]},
        "keycloak_java_options",
        "no debugger",
    ),
    "JAVA_OPTS": (
        {"keycloak_environment": {"JAVA_OPTS": "-Xmx4g"}},
        "keycloak_environment.JAVA_OPTS",
        "security options off",
    ),
    "debug by environment": ({"keycloak_environment": {"DEBUG": "true"}}, "keycloak_environment.DEBUG", "debuggers"),
    "option by environment": (
        {"keycloak_environment": {"KC_HOSTNAME_STRICT": "false"}},
        "keycloak_environment.KC_HOSTNAME_STRICT",
        "use keycloak_options",
    ),
    "proxy by environment": (
        {"keycloak_environment": {"HTTPS_PROXY": "https://p.test"}},
        "keycloak_environment.HTTPS_PROXY",
        "proxies",
    ),
    "any host name": (
        {"keycloak_options": {"hostname-strict": False}},
        "keycloak_options.hostname-strict",
        "takes away a protection",
    ),
    "http": ({"keycloak_options": {"http-enabled": "true"}}, "keycloak_options.http-enabled", "takes away"),
    "http for health": (
        {"keycloak_options": {"http-management-scheme": "http"}},
        "keycloak_options.http-management-scheme",
        "takes away",
    ),
    "any certificate": (
        {"keycloak_options": {"tls-hostname-verifier": "ANY"}},
        "keycloak_options.tls-hostname-verifier",
        "takes away",
    ),
    "option of a variable": ({"keycloak_options": {"hostname": "x"}}, "keycloak_options.hostname", "use keycloak_url"),
    "path by option": ({"keycloak_options": {"http-relative-path": "/auth"}}, "keycloak_options", "use keycloak_url"),
    "secret option": (
        {"keycloak_options": {"https-key-store-password": "canary"}},
        "keycloak_options.https-key-store-password",
        "keycloak_secret_options",
    ),
    "option with hyphens": ({"keycloak_options": {"--db-schema": "x"}}, "keycloak_options.--db-schema", "without the"),
    "option of two lines": (
        {"keycloak_options": {"db-schema": "x\nhttp-enabled=true"}},
        "keycloak_options.db-schema",
        "one line",
    ),
    "administrator by option": (
        {"keycloak_secret_options": {"bootstrap-admin-password": "canary"}},
        "keycloak_secret_options.bootstrap-admin-password",
        "other than db-password",
    ),
    "provider without checksum": (
        {"keycloak_providers": [{**JAR, "checksum": ""}]},
        "keycloak_providers[x.jar]",
        "checksum",
    ),
    "provider elsewhere": (
        {"keycloak_providers": [{**JAR, "name": "../lib/x.jar"}]},
        "keycloak_providers",
        "file name",
    ),
    "hasty start": ({"keycloak_start_timeout": 10}, "keycloak_start_timeout", "120 seconds"),
    "hasty stop": ({"keycloak_stop_timeout": 1}, "keycloak_stop_timeout", "20 seconds"),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """What each case's host was told; `good` is a host with nothing wrong."""
    folder = tmp_path_factory.mktemp("keycloak")
    hosts = {"good": {}, **{f"case{number}": set_here for number, (set_here, _, _) in enumerate(CASES.values())}}
    inventory = {"all": {"hosts": hosts, "vars": {**GOOD, "ansible_connection": "local"}}}
    (folder / "hosts.json").write_text(json.dumps(inventory))
    tasks = [{"include_role": {"name": "panosc.facility.keycloak", "tasks_from": "validate"}}]
    (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    environment = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
    result = subprocess.run(
        ["ansible-playbook", "-i", "hosts.json", "play.yml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    said = {}
    for task in json.loads(result.stdout[result.stdout.index("{\n") :])["plays"][0]["tasks"]:
        for host, outcome in task["hosts"].items():
            said[host] = outcome.get("msg", "") if outcome.get("failed") else said.get(host, "")
    named = {name: said[f"case{number}"] for number, name in enumerate(CASES)}
    return {"good": said["good"], **named}, result.stdout + result.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.replace(" ", "-"))
def test_it_is_refused_by_name_with_the_mend(refusals, case):
    said = refusals[0][case]
    _, variable, words = CASES[case]
    assert "The inventory is refused" in said
    assert any(variable in line for line in said.split("\n")), said
    assert words in said


def test_a_good_inventory_passes_and_no_secret_is_shown(refusals):
    said, output = refusals
    assert said["good"] == ""
    assert "canary" not in output
    assert "changeme" not in output
