"""After tls_state=absent: nothing of the role is left, and what others own is."""

import pytest


@pytest.fixture
def root(host):
    with host.sudo():
        yield host


def test_files_are_gone(root):
    assert not root.file("/etc/facility/tls").exists
    assert not root.run("ls /etc/letsencrypt/live /etc/letsencrypt/renewal | grep facility").stdout
    assert not root.file("/etc/letsencrypt/facility.ini").exists


def test_the_cas_are_trusted_no_more(root):
    assert not root.run("ls /usr/local/share/ca-certificates /etc/ssl/certs | grep facility").stdout
    assert root.run("curl -sS --resolve web.facility.test:8443:127.0.0.1 https://web.facility.test:8443/").rc == 60
    assert "facility-" not in root.check_output("certutil -L -d sql:/home/ansible/.pki/nssdb")


def test_public_cas_are_still_trusted(root):
    assert root.file("/etc/ssl/certs/ca-certificates.crt").content_string.count("BEGIN CERTIFICATE") > 50
