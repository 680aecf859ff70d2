"""What the role left on each host, asked of the programs that use it."""

import pytest

CANARY = "CANARY-ca-passphrase-7[Q]d2xV"  # an expression that does not find itself in the log of sudo
FOLDER = "/etc/facility/tls"
SERVED = {"web": (8443, "web.facility.test"), "given": (8444, "given.facility.test"), "public": (8445, None)}


@pytest.fixture
def root(host):
    with host.sudo():
        yield host


def name_of(host, name):
    return SERVED[name][1] or "public." + host.check_output("hostname") + ".test"


@pytest.mark.parametrize("name", ["web", "given"])
def test_curl_trusts_the_service_through_the_system_store(host, name):
    port, fqdn = SERVED[name]
    answer = host.run(
        f"curl -sS -o /dev/null -w '%{{ssl_verify_result}}' --resolve {fqdn}:{port}:127.0.0.1 https://{fqdn}:{port}/"
    )
    assert answer.stdout == "0", answer.stderr


@pytest.mark.parametrize("name", ["web", "given"])
def test_python_trusts_the_service_through_the_system_store(host, name):
    port, fqdn = SERVED[name]
    code = (
        "import socket,ssl; c=ssl.create_default_context();"
        f"print(c.wrap_socket(socket.create_connection(('127.0.0.1',{port})),server_hostname='{fqdn}').version())"
    )
    assert host.check_output(f'python3 -c "{code}"').startswith("TLSv1.")


@pytest.mark.parametrize("name", ["web", "given"])
def test_the_ca_file_alone_is_enough(host, name):
    port, fqdn = SERVED[name]
    trust = f"-CAfile {FOLDER}/ca.pem -no-CApath -no-CAstore -verify_return_error -verify_hostname {fqdn}"
    answer = host.run(f"openssl s_client -connect 127.0.0.1:{port} -servername {fqdn} {trust} </dev/null")
    assert "Verify return code: 0 (ok)" in answer.stdout, answer.stderr


def test_a_wrong_name_is_not_served(host):
    assert host.run("curl -sS --resolve other.facility.test:8443:127.0.0.1 https://other.facility.test:8443/").rc == 60


def test_the_ca_file_holds_the_cas_of_the_facility_and_no_other(host):
    assert host.file(f"{FOLDER}/ca.pem").content_string.count("BEGIN CERTIFICATE") == 2


def test_browsers_of_the_user_trust_both_cas(host):
    listing = host.check_output("certutil -L -d sql:$HOME/.pki/nssdb")
    assert [line.split()[1] for line in listing.splitlines() if line.startswith("facility-")] == ["C,,", "C,,"]


def test_the_public_certificate_came_from_the_acme_server(root):
    issuer = root.check_output(f"openssl x509 -noout -issuer -in {FOLDER}/public/cert.pem")
    assert "Pebble" in issuer
    assert root.file(f"{FOLDER}/public/fullchain.pem").content_string.count("BEGIN CERTIFICATE") >= 2
    assert root.file("/etc/letsencrypt/renewal/facility-public.conf").contains(f"{FOLDER}/acme-deploy")
    assert root.service("certbot.timer").is_enabled


@pytest.mark.parametrize("name", SERVED)
def test_each_service_serves_its_certificate(root, name):
    port, _ = SERVED[name]
    served = root.check_output(
        f"openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | openssl x509 -noout -serial -ext subjectAltName"
    )
    assert served == root.check_output(f"openssl x509 -noout -serial -ext subjectAltName -in {FOLDER}/{name}/cert.pem")
    assert f"DNS:{name_of(root, name)}" in served


@pytest.mark.parametrize("name", [*SERVED, "pebble"])
def test_modes(root, name):
    group = "root" if name == "pebble" else "www-data"
    folder = root.file(f"{FOLDER}/{name}")
    assert (folder.mode, folder.user, folder.group) == (0o750, "root", group)
    modes = {"key.pem": 0o640, "bundle.pem": 0o640, "cert.pem": 0o644, "fullchain.pem": 0o644}
    for file, mode in modes.items():
        found = root.file(f"{FOLDER}/{name}/{file}")
        assert (found.mode, found.user, found.group) == (mode, "root", group), file
    hook = root.file(f"{FOLDER}/{name}/reload")
    assert (hook.mode, hook.user, hook.group) == (0o750, "root", "root")
    assert not root.run(f"ls -A {FOLDER}/{name} | grep '^[.]'").stdout


def test_keys_are_of_the_kind_asked_for(root):
    kinds = {
        name: root.check_output(f"openssl pkey -noout -text -in {FOLDER}/{name}/key.pem") for name in ("web", "pebble")
    }
    assert "P-256" in kinds["web"]
    assert "3072 bit" in kinds["pebble"]


def test_a_host_certificate_cannot_sign(root):
    extensions = root.check_output(
        f"openssl x509 -noout -ext basicConstraints,extendedKeyUsage -in {FOLDER}/web/cert.pem"
    )
    assert "CA:FALSE" in extensions
    assert "TLS Web Server Authentication" in extensions


def test_the_files_of_certbot_are_private(root):
    assert root.file("/etc/letsencrypt/facility.ini").mode == 0o600
    assert root.file(f"{FOLDER}/acme-deploy").mode == 0o750


def test_nothing_secret_was_left_behind(root):
    """The passphrase stays on the control node, and no key is readable by everybody."""
    assert root.run(f"grep -rqs '{CANARY}' /etc /var/log /run /home /root /tmp").rc == 1
    assert root.run(f"{{ journalctl --no-pager; ps axww -o args; }} | grep -q '{CANARY}'").rc == 1
    readable = root.run(
        "find /etc/facility /etc/letsencrypt /tmp /run -type f -perm -o=r -exec grep -ls 'PRIVATE KEY' {} +"
    ).stdout
    assert not readable
