"""A Keycloak on PostgreSQL for a benchmark: on loopback, with keys of its own, gone at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
import zipfile
from contextlib import ExitStack
from pathlib import Path

import requests
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import client as http
from own_postgresql import OwnPostgreSQL, free_port

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "panosc-facility"


class OwnServer:
    """PostgreSQL and Keycloak, stopped by the stack. `login` is a client of realm master that may create realms."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        archives = sorted(CACHE.glob("keycloak-quarkus-dist-*.zip"))
        if not archives or not shutil.which("java"):
            raise SystemExit(
                f"needs java, and a Keycloak archive in {CACHE} (scripts/demo puts it there): "
                "or name a running server in FACILITY_TEST_KEYCLOAK_URL, _CA, _CLIENT_ID and _CLIENT_SECRET"
            )
        self._stack, self._folder = stack, folder
        folder.chmod(0o755)
        with zipfile.ZipFile(archives[-1]) as archive:
            archive.extractall(folder)  # our own download, checked when it was made
        (self._home,) = folder.glob("keycloak-*")
        for script in (self._home / "bin").glob("*.sh"):
            script.chmod(0o755)
        self._certificate()
        database = self._postgresql()
        self.login = self._keycloak(database)

    def _certificate(self) -> None:
        def openssl(*arguments: str) -> None:
            subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)

        (self._folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:false\n")
        new = ("-newkey", "rsa:2048", "-nodes")
        openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench")
        openssl("req", *new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", "server.csr", *signing, "-out", "server.pem")

    def _postgresql(self) -> list[str]:
        """Starts a PostgreSQL of its own; the options that make Keycloak use it."""
        server = OwnPostgreSQL(self._stack, self._folder)
        self._database_password = server.password
        return [
            "--db=postgres",
            f"--db-url=jdbc:postgresql://127.0.0.1:{server.port}/postgres",
            f"--db-username={server.user}",
        ]

    def _keycloak(self, database: list[str]) -> dict[str, str]:
        port, management, secret = free_port(), free_port(), secrets.token_hex(16)
        url = f"https://localhost:{port}"
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ},
            "JAVA_OPTS_KC_HEAP": "-Xms256m -Xmx1g",
            "KC_DB_PASSWORD": self._database_password,
            "KC_BOOTSTRAP_ADMIN_CLIENT_ID": "bench",
            "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": secret,
        }
        command = [str(self._home / "bin" / "kc.sh"), "start", *database, "--cache=local", f"--hostname={url}"]
        command += [f"--https-port={port}", f"--http-management-port={management}", "--http-host=127.0.0.1"]
        command += [
            f"--https-certificate-file={self._folder}/server.pem",
            f"--https-certificate-key-file={self._folder}/server.key",
        ]
        log = self._folder / "keycloak.log"
        with log.open("w") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        self._stack.callback(process.wait, 60)
        self._stack.callback(process.terminate)
        for _ in range(600):
            if process.poll() is not None:
                raise SystemExit(f"Keycloak did not start:\n{log.read_text()[-3000:]}")
            try:
                if requests.get(f"{url}/realms/master", verify=self._folder / "ca.pem", timeout=10).ok:
                    break
            except requests.exceptions.RequestException:
                pass
            time.sleep(1)
        else:
            raise SystemExit(f"Keycloak did not answer within ten minutes:\n{log.read_text()[-3000:]}")
        return self._client(url, secret)

    def _client(self, url: str, bootstrap: str) -> dict[str, str]:
        """The login of a client that may create realms: tokens of the first administrator do not say what it may."""
        ca, secret = f"{self._folder}/ca.pem", secrets.token_hex(16)
        api = http.Client(http.new_session(ca, 1), url, "master", "bench", bootstrap)
        account = {"serviceAccountsEnabled": True, "standardFlowEnabled": False, "publicClient": False}
        made = api.create("/clients", {"clientId": "bench-realms", "secret": secret, **account}, lambda: None)
        user = api.get(f"/clients/{made}/service-account-user")["id"]
        api.post(f"/users/{user}/role-mappings/realm", [api.get("/roles/create-realm")])
        return {"url": url, "ca_path": ca, "client_id": "bench-realms", "client_secret": secret}
