"""What the role `catalogue` says of the service agrees with the service, and its helper copies no broken database."""

import hashlib
import os
import re
import sqlite3
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tomllib
import yaml
from authority import Authority

ROOT = Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "catalogue"
SOURCE = ROOT / "src" / "pan_catalogue"


def test_the_role_names_the_version_of_the_sources():
    version = re.search(r'^__version__ = "(.+)"$', (SOURCE / "__init__.py").read_text(), re.M)[1]
    assert yaml.safe_load((ROLE / "defaults/main.yml").read_text())["catalogue_version"] == version


def test_every_dependency_is_pinned_with_a_checksum():
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["nexus"],
        *project["optional-dependencies"]["postgresql"],
    ]
    pinned = re.split(r"\n(?=[a-z])", (ROLE / "files/requirements.lock").read_text())
    names = {entry.split("==")[0] for entry in pinned if "==" in entry}
    assert {re.match("[a-z0-9-]+", name)[0] for name in wanted} <= names
    assert all("--hash=sha256:" in entry for entry in pinned if "==" in entry)


def node(*arguments, stdin=b""):
    command = [ROLE / "files" / "catalogue-node", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "catalogue.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE dataset (id INTEGER PRIMARY KEY, pid TEXT)")
        db.executemany("INSERT INTO dataset (pid) VALUES (?)", [(f"10.5072/{n}",) for n in range(5000)])
    db.close()
    return path


def count(path):
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT count(*) FROM dataset").fetchone()[0]
    finally:
        db.close()


def test_a_copy_is_tried_and_taken(database, tmp_path):
    # Somebody is writing: what is in the log of the database is part of the copy.
    writer = sqlite3.connect(database)
    writer.execute("INSERT INTO dataset (pid) VALUES ('late')")
    writer.commit()
    copied = node("copy", database)
    assert copied.returncode == 0, copied.stderr
    assert node("--folder", tmp_path, "try", stdin=copied.stdout).returncode == 0
    assert node("take", tmp_path / "incoming.sqlite", stdin=copied.stdout).returncode == 0
    assert count(tmp_path / "incoming.sqlite") == 5001
    writer.close()
    assert sorted(f.name for f in tmp_path.iterdir()) == ["catalogue.sqlite", "incoming.sqlite"]


@pytest.mark.parametrize("fault", ["nothing", "another file", "cut", "overwritten"])
def test_what_is_not_whole_is_refused_and_not_kept(database, tmp_path, fault):
    whole = node("copy", database).stdout
    middle = len(whole) // 2
    stdin = {
        "nothing": b"",
        "another file": b"PGDMP" * 10_000,
        "cut": whole[:middle],
        "overwritten": whole[:middle] + b"\x55" * 8192 + whole[middle + 8192 :],
    }[fault]
    for arguments in (("--folder", tmp_path, "try"), ("take", tmp_path / "incoming.sqlite")):
        answer = node(*arguments, stdin=stdin)
        assert answer.returncode == 1
        assert b"database" in answer.stderr
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(("incoming", ".copy"))] == []


def test_the_copy_to_go_back_to_is_made_once_and_put_back_whole(database, tmp_path):
    kept = tmp_path / "before-upgrade.sqlite"
    assert node("keep", database, kept).stdout == b"copied\n"
    db = sqlite3.connect(database)
    db.execute("DELETE FROM dataset")
    db.commit()
    assert node("keep", database, kept).stdout == b""  # what a killed upgrade took is of the old release
    db.execute("INSERT INTO dataset (pid) VALUES ('new')")
    db.commit()
    # The connection stays open, as of a service that was killed: its log is there.
    assert Path(f"{database}-wal").exists()
    assert node("put", kept, database).stdout == b"put\n"
    assert not kept.exists()
    assert not Path(f"{database}-wal").exists()
    assert count(database) == 5000
    assert node("put", kept, database).returncode == 0  # nothing to put is no fault


def test_a_service_that_is_not_there_is_told():
    ca = "/etc/ssl/certs/ca-certificates.crt"
    answer = node("--connect", "127.0.0.1", "--port", "9", "--ca", ca, "--seconds", "0", "check", "0.1.0")
    assert answer.returncode == 1
    assert b"127.0.0.1 port 9" in answer.stderr


@pytest.fixture
def published(tmp_path):
    """A folder that is served by HTTPS, the address of a file in it, and the CA to believe."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "PaNET.csv").write_text("a table of techniques\n")
    ca = Authority(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder))
    server.socket = ca.context().wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder / "PaNET.csv", f"https://localhost:{server.server_port}/PaNET.csv", ca.path
    server.shutdown()
    server.server_close()


def test_a_panet_table_is_fetched_once_and_only_the_one_that_is_meant(published, tmp_path):
    """The role's own tasks, its variables and all, on this computer."""
    file, url, ca = published
    (tasks,) = [t for t in yaml.safe_load((ROLE / "tasks/configure.yml").read_text()) if "block" in t]
    role, cache = tmp_path / "roles" / "catalogue", tmp_path / "home" / "cache"
    for part in ("defaults", "vars"):
        (role / part).mkdir(parents=True)
        (role / part / "main.yml").write_text((ROLE / part / "main.yml").read_text())
    (role / "tasks").mkdir()
    (role / "tasks/main.yml").write_text(yaml.safe_dump([tasks]))

    def deploy(content, *options, believed=ca):
        wanted = {
            "catalogue_panet_url": url,
            "catalogue_panet_checksum": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "catalogue_cache_directory": str(cache),
        }
        play = {"hosts": "localhost", "gather_facts": False, "vars": wanted, "roles": ["catalogue"]}
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
        done = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml", *options],
            cwd=tmp_path,
            env={**os.environ, "SSL_CERT_FILE": str(believed), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode == 0, done.stdout + done.stderr

    content = file.read_bytes()
    done, said = deploy(content, "--check")
    assert done, said
    assert not cache.exists()
    done, said = deploy(b"another table")
    assert not done
    assert "checksum" in said
    done, said = deploy(content, believed=os.devnull)
    assert not done
    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert list(cache.iterdir()) == []
    done, said = deploy(content)
    assert done, said
    (fetched,) = cache.iterdir()
    assert fetched.read_bytes() == content
    file.unlink()
    done, said = deploy(content)  # no longer published, and not needed
    assert done, said
