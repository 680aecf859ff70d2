"""Nothing of the role is left."""

testinfra_hosts = ["ansible://haproxy"]


def test_gone(host):
    assert not host.package("haproxy").is_installed
    with host.sudo():
        for path in (
            "/etc/haproxy",
            "/etc/systemd/system/haproxy.service.d",
            "/etc/facility/tls/haproxy",
            "/run/haproxy/control.sock",
        ):
            assert not host.file(path).exists, path
        assert host.file("/etc/facility/tls/ca.pem").exists, "what other roles made stays"
    assert not host.socket("tcp://0.0.0.0:443").is_listening
