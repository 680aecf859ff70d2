"""After a changed runtime option (bookworm, and then a build that failed) and a changed build option (trixie)."""

import pytest


@pytest.fixture
def root(host):
    def run(command):
        with host.sudo():
            return host.check_output(command)

    return run


@pytest.fixture
def distribution(host):
    return host.system_info.codename


def test_the_server_was_restarted_once(root):
    assert root("journalctl --unit keycloak.service --output cat | grep -c '^Started keycloak.service'") == "2"
    assert root("systemctl is-active keycloak.service") == "active"


def test_only_a_build_option_makes_a_build(root, distribution):
    builds = root("ls -d /opt/keycloak/keycloak-*-????????????").splitlines()
    assert len(builds) == {"bookworm": 1, "trixie": 2}[distribution]
    assert root("readlink -f /opt/keycloak/current") in builds


def test_what_runs_is_what_the_link_names(root):
    pid = root("pgrep --uid keycloak java")
    home = root("readlink -f /opt/keycloak/current")
    assert f"-Dkc.home.dir={home}" in root(f"tr '\\0' ' ' </proc/{pid}/cmdline").replace("/bin/..", "")


def test_the_option_arrived(root, distribution):
    wanted = {
        "bookworm": "http-max-queued-requests=500",
        "trixie": "features-disabled=ciba,device-flow,docker,impersonation,kerberos",
    }[distribution]
    assert wanted in root("cat /opt/keycloak/current/conf/keycloak.conf").splitlines()


def test_the_first_administrator_stays_gone(host, root):
    assert not host.file("/etc/keycloak/bootstrap.env").exists
    pid = root("pgrep --uid keycloak java")
    assert "BOOTSTRAP" not in root(f"cat /proc/{pid}/environ | tr '\\0' ' '")
