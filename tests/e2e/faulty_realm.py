"""A realm of its own on the demo's servers, whose identity providers do wrong what they are told to."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from site_under_test import Json, Site

ROOT = Path(__file__).resolve().parents[2]
FAULTS = "/etc/faulty-idp/faults.json"
PROVIDER = "https://faulty.umbrella.test:8445"
FAY = "f1a4c0de5b7e4d0f8a6b2c9d3e1f7a58@umbrellaid.test"
HUB = ("hub", "https://hub.facility.test/hub/oauth_callback")
VISA = ("visa", "https://visa.facility.test/home")


class FaultyRealm(Site):
    """The demo's site, seen from this realm: `realm`, `issuer`, `admin` are its own."""

    def __init__(self, state: Path, client_id: str, client_secret: str) -> None:
        """Take the running demo and a client of realm master that may make realms."""
        super().__init__(state)
        self._state = state
        self.realm = f"faults-{secrets.token_hex(3)}"
        self.admin.client = (client_id, client_secret)
        self.client_secrets = {HUB[0]: self.client_secrets["jupyterhub"]}

    def make(self) -> None:
        """Make the realm by the kit's own role."""
        (provider,) = self.hosts("umbrella")
        certificates = {
            variable: "".join(self.run(provider, "cat", f"/etc/faulty-idp/{name}.crt").splitlines()[1:-1])
            for variable, name in (
                ("FACILITY_TEST_SAML_CERTIFICATE", "signing"),
                ("FACILITY_TEST_SAML_EXPIRED", "expired"),
            )
        }
        vault = ["--vault-password-file", str(self._state / "vault-password")]
        command = ["ansible-playbook", "-i", "inventories/demo", *vault, "tests/e2e/faults.yml"]
        given = os.environ.get("FACILITY_TEST_ANSIBLE_ARGUMENTS", "").split()  # for a Keycloak that is no demo
        env = {**os.environ, **certificates, "FACILITY_TEST_REALM": self.realm, "ANSIBLE_STDOUT_CALLBACK": "default"}
        done = subprocess.run([*command, *given], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]

    def remove(self) -> None:
        """Delete the realm, and leave the provider without a fault."""
        self.be_good()
        self.admin("DELETE", "", expect=False)

    # --- the provider -----------------------------------------------------------------------------------------------

    def set_faults(self, **faults: Any) -> None:
        """Tell the provider what to do wrong at every login that begins from now on."""
        (host,) = self.hosts("umbrella")
        self.run(host, "tee", FAULTS, stdin=json.dumps(faults))

    def be_good(self) -> None:
        """Tell the provider to do nothing wrong."""
        self.set_faults()

    @contextlib.contextmanager
    def faults(self, **faults: Any) -> Iterator[None]:
        """Let the provider do something wrong for a while."""
        self.set_faults(**faults)
        try:
            yield
        finally:
            self.be_good()

    def seen(self, path: str, since: float = 0) -> list[Json]:
        """Return the requests that the provider got at a path."""
        got: list[Json] = self.http.get(f"{PROVIDER}/seen", timeout=30).json()
        return [one for one in got if one["path"] == path and one["time"] >= since]

    # --- traces -----------------------------------------------------------------------------------------------------

    def log(self, since: float) -> str:
        """Return what the Keycloak nodes logged since a time of this machine's clock, which is also theirs."""
        command = ["journalctl", "-u", "keycloak", "--no-pager", "-o", "cat", "--since", f"@{since:.3f}"]
        return "\n".join(self.run(node, *command) for node in self.hosts("kc"))

    def events(self, kind: str, since: float) -> list[Json]:
        """Return the events of a kind since a time; the newest first."""
        found: list[Json] = self.admin("GET", "events", params={"type": kind, "max": "20"})
        return [event for event in found if event["time"] >= since * 1000]

    def mails(self) -> list[EmailMessage]:
        """Return the mails that the sink holds, the oldest first."""
        (host,) = self.hosts("umbrella")
        script = "cd /var/lib/mail-sink && for f in $(ls *.eml 2>/dev/null); do base64 -w0 $f; echo; done"
        lines = self.run(host, "sh", "-c", script).split()
        return [email.message_from_bytes(base64.b64decode(line), policy=email.policy.default) for line in lines]

    def mails_to(self, address: str, number: int = 1) -> list[EmailMessage]:
        """Wait until the sink holds a number of mails to an address."""
        until = time.monotonic() + 15
        while True:
            found = [mail for mail in self.mails() if mail["X-Sent-To"] == address]
            if len(found) >= number:
                return found
            assert time.monotonic() < until, f"{len(found)} mails to {address} instead of {number}"
            time.sleep(0.3)
