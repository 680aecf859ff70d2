"""A PostgreSQL of a test's or benchmark's own: on loopback, gone at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path


class OwnPostgreSQL:
    """A cluster with one superuser, stopped and removed by the stack.

    Args:
        stack: that ends it.
        folder: for the password file.
        options: settings of the server, `name=value`.
        place: where the database's own folder is made; the system's temporary folder unless given.

    Attributes:
        port: TCP port on 127.0.0.1.
        user: name of the superuser.
        password: its password.
        passfile: the same as a password file of libpq (PGPASSFILE).
    """

    user = "bench"

    def __init__(self, stack: ExitStack, folder: Path, *options: str, place: Path | None = None) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            raise SystemExit("needs PostgreSQL: install the package postgresql")
        self.port, self.password = free_port(), secrets.token_hex(16)
        # Not below `folder`: others may not be let through there, and as root the server runs as another.
        own = Path(tempfile.mkdtemp(prefix="own-postgresql-", dir=place))
        own.chmod(0o755)
        stack.callback(shutil.rmtree, own, ignore_errors=True)
        data, given = own / "database", own / "password"
        data.mkdir()
        given.write_text(self.password)
        given.chmod(0o600)
        user = []
        if os.getuid() == 0:  # which PostgreSQL refuses
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            for path in (data, given):
                shutil.chown(path, "postgres", "postgres")
        cluster = ["-D", str(data), "-U", self.user, "-A", "scram-sha-256", "--pwfile", str(given), "-E", "UTF8"]
        initdb = [*user, str(programs[-1] / "initdb"), *cluster, "--locale=C"]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/")
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={data}", *options]
        control = [*user, str(programs[-1] / "pg_ctl"), "-D", str(data), "-l", str(data / "log"), "-w"]
        start = [*control, "-o", " ".join(f"-c {s}" for s in settings), "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd="/")
        stop = [*control, "-m", "immediate", "stop"]
        stack.callback(subprocess.run, stop, check=False, stdout=subprocess.DEVNULL, cwd="/")
        self.passfile = folder / "pgpass"
        self.passfile.write_text(f"127.0.0.1:{self.port}:*:{self.user}:{self.password}\n")
        self.passfile.chmod(0o600)

    def url(self, database: str) -> str:
        """Return the address of a database, without the password."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/{database}"


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
