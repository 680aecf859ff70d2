"""What the tests of this scenario share: the server as one asks it from its own host."""

import json
import re

import pytest

CA = "/etc/facility/tls/ca.pem"
AUTOMATION = "CANARY-automation-3rF6yB"
LOCATION = re.compile(r"^location: (\S+)", re.IGNORECASE | re.MULTILINE)


@pytest.fixture(scope="module")
def node(host):
    return f"https://{host.check_output('hostname')}:8443"


@pytest.fixture(scope="module")
def curl(host):
    """(status, headers, body) of a URL. What must not be seen goes in by standard input, as a curl config."""

    def ask(url, *options, config=""):
        command = f"curl --silent --show-error --include --config - --cacert {CA} {' '.join(options)} '{url}'"
        answer = host.run(f"printf '%s' '{config}' | {command}")
        assert answer.rc == 0, answer.stderr
        head, _, body = answer.stdout.replace("\r\n", "\n").partition("\n\n")
        return int(head.split()[1]), head, body

    return ask


@pytest.fixture(scope="module")
def token(curl, node):
    form = f"grant_type=client_credentials&client_id=facility-automation&client_secret={AUTOMATION}"
    status, _, body = curl(f"{node}/realms/master/protocol/openid-connect/token", config=f'data = "{form}"')
    assert status == 200, body
    return json.loads(body)["access_token"]


@pytest.fixture(scope="module")
def admin(curl, node, token):
    """The admin REST API of the realm."""

    def call(path, method="GET", body=None):
        config = f'header = "Authorization: Bearer {token}"\nheader = "Content-Type: application/json"\n'
        if body is not None:
            config += 'data = "' + json.dumps(body).replace('"', '\\"') + '"\n'
        status, head, text = curl(f"{node}/admin/realms/demo{path}", f"--request {method}", config=config)
        assert status < 300, f"{method} {path}: {status} {text}"
        return json.loads(text) if text else LOCATION.search(head)

    return call
