"""A small facility as its sysadmin and its users have it: an inventory with a vault, playbooks, logins."""

import base64
import contextlib
import json
import os
import re
import secrets as random
import signal
import subprocess
import threading
import time
from pathlib import Path

import requests
import yaml
from requests.adapters import HTTPAdapter

from pan_facility import secrets

ROOT = Path(__file__).resolve().parents[2]
FACILITY = {
    "facility_name": "Demo Light Source",
    "facility_short_name": "demo",
    "facility_domain": "facility.test",
    "facility_auth_url": "https://auth.facility.test",
    "facility_contacts": {
        "admin": "admin@facility.test",
        "security": "security@facility.test",
        "support": "help@facility.test",
    },
    "keycloak_heap_mb": 768,
    # Starts in less time, and does not live long.
    "keycloak_java_options": ["-XX:TieredStopAtLevel=1", "-XX:-UseG1GC", "-XX:+UseSerialGC"],
    "postgresql_memory_mb": 1024,
}


def engine(*arguments):
    command = [os.environ.get("FACILITY_ENGINE", "podman"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class Inventory:
    """A folder with hosts, group_vars and vault, and what its sysadmin runs."""

    def __init__(self, folder, hosts, logs, **facility):
        self.folder, self.logs, self.runs = folder, logs, 0
        self.had = set()  # every value that was in the vault
        self.password = folder.parent / f"{folder.name}.password"
        (folder / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
        (folder / "group_vars" / "all" / "facility.yml").write_text(yaml.safe_dump({**FACILITY, **facility}))
        self.name_hosts(hosts)

    def name_hosts(self, hosts):
        """Keycloak on all of them, PostgreSQL on the first."""
        self.host = hosts[0]
        everything = {name: self.reach(name) for name in hosts}
        groups = {"keycloak": {"hosts": dict.fromkeys(hosts)}, "postgresql": {"hosts": {hosts[0]: None}}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": everything}, **groups}))

    @staticmethod
    def reach(name):
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": int(engine("port", name, "22").rsplit(":", 1)[1]),
            "ansible_user": "ansible",
            "ansible_ssh_private_key_file": str(ROOT / ".cache" / "ssh" / "id_ed25519"),
            "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR",
            "facility_address": address(name),
        }

    def secrets(self, *arguments):
        code = secrets.main([str(self.folder), "--vault-password-file", str(self.password), *arguments])
        self.had |= set(self.vault.values())
        return code

    @property
    def vault(self):
        return secrets.Vault(
            self.folder / "group_vars" / "all" / "vault.yml", secrets.password_from(self.password)
        ).read()

    def said(self):
        """What the runs said of any secret that was ever in the vault: (log, line) of each place. There should be none."""
        return [
            (log.name, number)
            for log in self.logs.iterdir()
            for number, line in enumerate(log.read_text().splitlines(), 1)
            if any(value in line for value in self.had)
        ]

    def start(self, playbook, *options, **variables):
        """A run of a playbook, with options of ansible-playbook, in a process group of its own."""
        self.runs += 1
        path = ROOT / "playbooks" / playbook if not Path(playbook).is_absolute() else playbook
        log = self.logs / f"{self.folder.name}-{self.runs:02}-{path.stem}.log"
        command = ["ansible-playbook", "-i", self.folder, "--vault-password-file", self.password, path, *options]
        with log.open("w") as out:
            process = subprocess.Popen(
                [*command, "-e", json.dumps(variables)],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                    "NO_COLOR": "1",
                    "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
                },
            )
        process.log = log
        return process

    def run(self, playbook, *options, fails=False, **variables):
        """Everything that a playbook said; it has to succeed, or to fail."""
        process = self.start(playbook, *options, **variables)
        code = process.wait(timeout=1500)
        said = process.log.read_text()
        assert (code != 0) == fails, f"{process.log}\n{said[-6000:]}"
        return said

    def changes_nothing(self, playbook, *options, **variables):
        """Whether a run finds all as it should be, on every host."""
        return set(re.findall(r"changed=(\d+)", self.run(playbook, *options, **variables))) == {"0"}

    def kill(self, playbook, seconds, *options, after="PLAY", **variables):
        """Run a playbook and kill all of it some time after it said `after`; whether it was still running."""
        process = self.start(playbook, *options, **variables)
        while after not in process.log.read_text() and process.poll() is None:
            time.sleep(0.1)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGSTOP)  # it starts no other worker now
            workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            for leader in (process.pid, *map(int, workers)):  # each worker leads a session of its own
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(leader, signal.SIGKILL)
            process.wait()
            return True
        return False

    @property
    def archives(self):
        return sorted((self.folder / ".backups").glob("*.tar"))


def address(name):
    return engine("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)


def root(host, command):
    return engine("exec", host, "sh", "-c", command)


class _Named(HTTPAdapter):
    """Connects to an address and expects the certificate of a name."""

    def __init__(self, name):
        self._name = name
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, server_hostname=self._name, assert_hostname=self._name, **options)


class Keycloak:
    """The realm of the facility on one node, asked as its users and its automation client do."""

    def __init__(self, inventory, host=None):
        host = host or inventory.host
        self.inventory = inventory
        self.url = f"https://{address(host)}:8443"
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = str(inventory.folder / ".pki" / "ca.pem")
        self.http.mount("https://", _Named(host))

    def post(self, path, **options):
        return self.http.post(f"{self.url}{path}", timeout=20, **options)

    def token(self, realm="demo", **form):
        return self.post(f"/realms/{realm}/protocol/openid-connect/token", data=form)

    def admin(self, method, path, body=None):
        granted = self.token(
            "master",
            grant_type="client_credentials",
            client_id="facility-automation",
            client_secret=self.inventory.vault["vault_keycloak_automation_secret"],
        )
        granted.raise_for_status()
        bearer = {"Authorization": f"Bearer {granted.json()['access_token']}"}
        answer = self.http.request(method, f"{self.url}/admin/realms/demo{path}", json=body, headers=bearer, timeout=20)
        answer.raise_for_status()
        return answer


class People:
    """Users with open sessions; `still_there` uses each session once more."""

    CLIENT = "test-application"

    def __init__(self, keycloak):
        self.passwords = {name: random.token_urlsafe(16) for name in ("alice", "bob")}
        keycloak.admin(
            "POST",
            "/clients",
            {
                "clientId": self.CLIENT,
                "publicClient": True,
                "standardFlowEnabled": False,
                "directAccessGrantsEnabled": True,
                "defaultClientScopes": ["basic"],
                "optionalClientScopes": ["offline_access"],
            },
        )
        for name, password in self.passwords.items():
            user = {
                "username": name,
                "enabled": True,
                "email": f"{name}@facility.test",
                "emailVerified": True,
                "firstName": name,
                "lastName": "Test",
                "credentials": [{"type": "password", "value": password, "temporary": False}],
            }
            keycloak.admin("POST", "/users", user)
        self.subjects = {user["username"]: user["id"] for user in keycloak.admin("GET", "/users").json()}
        self.sessions = {
            ("alice", "openid"): self.log_in(keycloak, "alice", "openid"),
            ("bob", "openid offline_access"): self.log_in(keycloak, "bob", "openid offline_access"),
        }

    def log_in(self, keycloak, name, scope="openid"):
        answer = keycloak.token(
            grant_type="password",
            client_id=self.CLIENT,
            username=name,
            password=self.passwords[name],
            scope=scope,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["refresh_token"]

    def subject(self, keycloak, name):
        """`sub` of a new login."""
        token = keycloak.token(
            grant_type="password", client_id=self.CLIENT, username=name, password=self.passwords[name], scope="openid"
        )
        assert token.status_code == 200, token.text
        return self.claims(token.json()["id_token"])["sub"]

    @staticmethod
    def decoded(token, part):
        text = token.split(".")[part]
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    def header(self, token):
        return self.decoded(token, 0)

    def claims(self, token):
        return self.decoded(token, 1)

    def still_there(self, keycloak):
        for (name, scope), refresh in self.sessions.items():
            answer = keycloak.token(grant_type="refresh_token", client_id=self.CLIENT, refresh_token=refresh)
            assert answer.status_code == 200, f"{name} ({scope}) lost the session: {answer.text}"
            self.sessions[name, scope] = answer.json()["refresh_token"]
            assert self.claims(answer.json()["access_token"])["sub"] == self.subjects[name]


def until_ready(keycloak, seconds=90):
    ends = time.monotonic() + seconds
    while True:
        try:
            if keycloak.http.get(f"{keycloak.url}/realms/demo", timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass
        assert time.monotonic() < ends, "the realm does not answer"
        time.sleep(1)


class LoginStream:
    """Logs somebody in again and again, in a thread, at the first node that serves, and counts.

    Once a second: what comes much sooner after a login of the same person is refused by a node that has just started, as a guess.
    """

    def __init__(self, people, *nodes):
        self.succeeded, self.unanswered, self.refused, self._stop = 0, 0, [], threading.Event()
        self._thread = threading.Thread(target=self._run, args=(people, nodes))

    def _run(self, people, nodes):
        while not self._stop.wait(1):
            for node in nodes:
                try:
                    answer = node.token(
                        grant_type="password",
                        client_id=people.CLIENT,
                        username="alice",
                        password=people.passwords["alice"],
                    )
                except requests.ConnectionError:
                    continue
                if answer.status_code == 503:  # it starts; a proxy that asks for its health goes by
                    continue
                if answer.status_code == 200:
                    self.succeeded += 1
                else:
                    self.refused.append((answer.status_code, answer.text[:200]))
                break
            else:
                self.unanswered += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
