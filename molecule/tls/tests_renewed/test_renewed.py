"""After a renewal: what uses the certificate serves the new one, and was not restarted for it."""

import pytest

FOLDER = "/etc/facility/tls"
PORTS = {"web": 8443, "given": 8444, "public": 8445}


@pytest.fixture
def root(host):
    with host.sudo():
        yield host


def served(host, name):
    return host.check_output(
        f"openssl s_client -connect 127.0.0.1:{PORTS[name]} </dev/null 2>/dev/null | openssl x509 -noout -serial"
    )


@pytest.mark.parametrize("name", ["web", "public"])
def test_the_new_certificate_is_served_without_restart(root, name):
    assert served(root, name) == root.check_output(f"openssl x509 -noout -serial -in {FOLDER}/{name}/cert.pem")
    assert served(root, name) != root.file(f"/run/before-{name}.serial").content_string.strip()
    assert (
        root.check_output(f"systemctl show -P MainPID consumer@{name}")
        == root.file(f"/run/before-{name}.pid").content_string.strip()
    )


def test_the_key_is_new_too(root):
    key = root.check_output(f"openssl pkey -pubout -in {FOLDER}/web/key.pem")
    assert key == root.check_output(f"openssl x509 -noout -pubkey -in {FOLDER}/web/cert.pem")


def test_others_were_left_alone(root):
    assert served(root, "given") == root.file("/run/before-given.serial").content_string.strip()


def test_the_role_agrees_with_certbots_own_renewal(root):
    assert root.file("/run/changed-after-certbot").content_string == "False"


@pytest.mark.parametrize("name", ["web", "public"])
def test_modes_survive_a_renewal(root, name):
    for file, mode in {"key.pem": 0o640, "bundle.pem": 0o640, "cert.pem": 0o644, "fullchain.pem": 0o644}.items():
        found = root.file(f"{FOLDER}/{name}/{file}")
        assert (found.mode, found.user, found.group) == (mode, "root", "www-data"), file
    assert not root.run(f"ls -A {FOLDER}/{name} | grep '^[.]'").stdout


def test_the_ca_file_is_the_system_store_when_public_cas_are_asked_for(root):
    assert root.file("/etc/facility/tls/ca.pem").linked_to == "/etc/ssl/certs/ca-certificates.crt"
    options = "--cacert /etc/facility/tls/ca.pem --resolve web.facility.test:8443:127.0.0.1"
    assert root.run(f"curl -sS -o /dev/null {options} https://web.facility.test:8443/").rc == 0
