"""The running demo as the tests see it: names, secrets, Keycloak's Admin API, commands on hosts."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

Json = dict[str, Any]
AUTOMATION = "facility-automation"


@dataclass(frozen=True)
class Login:
    """What a person types in."""

    username: str
    password: str = field(repr=False)


class Site:
    """A running demo, read from the folder that scripts/demo writes."""

    def __init__(self, state: Path) -> None:
        described: Json = json.loads((state / "demo.json").read_text(encoding="utf-8"))
        secrets: Json = json.loads((state / "logins.json").read_text(encoding="utf-8"))
        self.realm: str = described["realm"]
        self.ca: str = described["ca"]
        self.screenshots = Path(described["screenshots"])
        self.auth: str = described["urls"]["auth"]
        self.umbrella: str = described["urls"]["umbrella"]
        self.data: str = described["urls"]["data"]
        self.addresses: dict[str, str] = described["names"]
        self._hosts = list(described["hosts"])
        self._engine = os.environ.get("FACILITY_ENGINE", "podman")
        self.people = {who: Login(login["username"], login["password"]) for who, login in secrets["users"].items()}
        self.client_secrets: dict[str, str] = secrets["clients"]
        self.push_token: str = secrets["tokens"]["push"]
        self.http = self.session()
        self.admin = Admin(self)

    @property
    def issuer(self) -> str:
        """What every token of the realm must name."""
        return f"{self.auth}/realms/{self.realm}"

    @property
    def own_address(self) -> str:
        """The address from which the proxy sees this machine come."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((self.addresses[urlsplit(self.auth).hostname or ""], 443))
            address: str = probe.getsockname()[0]
            return address

    def session(self) -> requests.Session:
        """Return an HTTP session with no cookies that trusts the site CA and nothing else."""
        session = requests.Session()
        session.trust_env = False  # else variables of this machine would name other CAs and proxies
        session.verify = self.ca
        return session

    def hosts(self, kind: str) -> list[str]:
        """Return the hosts whose name is ``kind`` and a number: ``kc``, ``proxy``, ``db``, ``data``, ``umbrella``, ``ldap``."""
        return [host for host in self._hosts if re.fullmatch(rf"{kind}\d+\..*", host)]

    def run(self, host: str, *command: str, stdin: str | None = None) -> str:
        """Run a command on a host as root and return what it printed.

        Raises:
            AssertionError: it failed; its standard error is in the message.
        """
        inside = [self._engine, "exec", "--interactive", host, *command]
        done = subprocess.run(inside, input=stdin or "", capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{host}: {' '.join(command)}: {done.returncode}: {done.stderr.strip()}"
        return done.stdout

    def process(self, host: str) -> int:
        """Return the process id of a host's container, by which its network can be entered."""
        shown = subprocess.run(
            [self._engine, "inspect", "--format", "{{.State.Pid}}", host], capture_output=True, text=True, check=True
        )
        return int(shown.stdout)

    def push(self, records: bytes) -> Json:
        """Give records to the catalogue; what it says became of them.

        Raises:
            AssertionError: it took none.
        """
        headers = {"Authorization": f"Bearer {self.push_token}", "Content-Type": "application/x-ndjson"}
        for _ in range(15):
            answer = self.http.post(f"{self.data}/records", data=records, headers=headers, timeout=120)
            if answer.status_code != 503:  # the proxy asks every two seconds whether a service has come
                break
            time.sleep(2)
        assert answer.status_code in {200, 422}, f"{answer.status_code}: {answer.text[:500]}"
        told: Json = answer.json()
        return told

    def resolve(self) -> None:
        """Make this process find the demo's names, without touching the machine's own files."""
        system = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            return system(self.addresses.get(host, host), *args, **kwargs)

        socket.getaddrinfo = getaddrinfo

    @contextlib.contextmanager
    def home_organisation(self, **changes: Json) -> Iterator[None]:
        """Let the home organisation say something else about its people for a while.

        Args:
            changes: user name to the attributes that differ, by their SAML names; an empty list takes one away.
        """
        (host,) = self.hosts("umbrella")
        path = "/etc/home-idp/users.json"
        before = self.run(host, "cat", path)
        people = json.loads(before)
        for name, attributes in changes.items():
            people[name]["attributes"].update(attributes)
        self.run(host, "tee", path, stdin=json.dumps(people))
        try:
            yield
        finally:
            self.run(host, "tee", path, stdin=before)


class Admin:
    """Keycloak's Admin API as the automation client, for looking at what a login left behind."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.client = (AUTOMATION, site.client_secrets[AUTOMATION])
        self._token = ""
        self._until = 0.0

    def token(self) -> str:
        """Return an access token of the automation client, asked for anew when it is about to run out."""
        if time.monotonic() > self._until:
            answer = self._site.http.post(
                f"{self._site.auth}/realms/master/protocol/openid-connect/token",
                data={"grant_type": "client_credentials"},
                auth=self.client,
                timeout=30,
            )
            assert answer.ok, f"{self.client[0]} gets no token: {answer.status_code}"
            self._token = answer.json()["access_token"]
            self._until = time.monotonic() + answer.json()["expires_in"] - 15
        return self._token

    def __call__(self, method: str, path: str, *, expect: bool = True, **arguments: Any) -> Any:
        """Send a request below ``/admin/realms/REALM``.

        Args:
            method: HTTP method.
            path: below the realm.
            expect: whether anything but success is an error.
            arguments: for requests.
        """
        answer = self._site.http.request(
            method,
            f"{self._site.auth}/admin/realms/{self._site.realm}/{path}",
            headers={"Authorization": f"Bearer {self.token()}"},
            timeout=30,
            **arguments,
        )
        assert answer.ok or not expect, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json() if answer.content and answer.ok else None

    def user(self, username: str) -> Json | None:
        """Find a person by user name, with groups and links; None when there is nobody."""
        found: list[Json] = self(
            "GET", "users", params={"username": username, "exact": "true", "briefRepresentation": "false"}
        )
        if not found:
            return None
        user = found[0]
        user["groups"] = sorted(group["path"] for group in self("GET", f"users/{user['id']}/groups"))
        user["links"] = {
            link["identityProvider"]: link for link in self("GET", f"users/{user['id']}/federated-identity")
        }
        return user

    def by_email(self, email: str) -> list[Json]:
        """Return everybody with an e-mail address."""
        found: list[Json] = self(
            "GET", "users", params={"email": email, "exact": "true", "briefRepresentation": "false"}
        )
        return found

    def forget(self, *usernames: str) -> None:
        """Undo earlier logins. Somebody of the directory is imported anew at the next login, without links or what came by them."""
        for username in usernames:
            user = self.user(username)
            if user:
                self("DELETE", f"users/{user['id']}")


def claims(token: str) -> Json:
    """Read a token without verifying it: for looking, not for trusting."""
    payload = token.split(".")[1]
    decoded: Json = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded
