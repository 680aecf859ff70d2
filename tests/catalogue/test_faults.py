"""What may happen to a catalogue at night: killed in the middle of an ingest, a full disk, a database that is newer, gone or locked."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
from own_postgresql import free_port
from served import TOKEN
from synthetic_facility import Facility, ontology

from pan_catalogue.settings import Settings
from pan_catalogue.sql.fragment import Sql
from pan_catalogue.store import open as store

SEED = int(os.environ.get("CATALOGUE_TEST_SEED") or random.SystemRandom().randrange(10**6))
KILLS = int(os.environ.get("CATALOGUE_TEST_KILLS") or 5)
RECORDS = 6_000
PYTHON = Path(sys.executable)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """The address of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/catalogue.sqlite"
    server = request.getfixturevalue("postgresql")
    name = f"faults_{os.getpid()}_{random.randrange(10**9)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    return server.url(name)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    (folder / "records.jsonl").write_text("".join(Facility(RECORDS, seed=3).lines()))
    (folder / "ontology.csv").write_text(ontology(100))
    return folder


def configure(folder: Path, address: str, records: Path, **server: object) -> Path:
    """Write a configuration."""
    config = folder / "catalogue.toml"
    lines = [
        f'store = "{address}"',
        "[techniques]",
        f'panet = "{records}/ontology.csv"',
        "[log]",
        'format = "text"',
        "[server]",
        *(f"{k} = {v}" for k, v in server.items()),
    ]
    config.write_text("\n".join(lines) + "\n")
    return config


def command(config: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "pan_catalogue", "--config", str(config), *map(str, arguments)]


CONTENT = {
    "datasets": "SELECT pid, title, size, creation_date, visible_from FROM dataset ORDER BY pid",
    "parameters": "SELECT d.pid, n.name, p.num, p.txt, p.unit, p.si, p.visible_from FROM dataset_parameter p JOIN dataset d ON d.id = p.dataset_id "
    "JOIN parameter_name n ON n.id = p.name_id ORDER BY 1, 2, 3, 4",
    "files": "SELECT d.pid, f.name, f.size FROM file f JOIN dataset d ON d.id = f.dataset_id ORDER BY 1, 2",
    "techniques": "SELECT d.pid, t.pid, a.visible_from FROM dataset_technique_anc a JOIN dataset d ON d.id = a.dataset_id JOIN technique t ON t.id = a.technique_id ORDER BY 1, 2",
    "documents": "SELECT d.pid, c.pid FROM document_dataset l JOIN dataset d ON d.id = l.dataset_id JOIN document c ON c.id = l.document_id ORDER BY 1, 2",
    "terms": "SELECT d.pid, t.term, p.n, p.unique_terms FROM dataset_posting p JOIN dataset d ON d.id = p.item_id JOIN term t ON t.id = p.term_id ORDER BY 1, 2",
    "counts": "SELECT model, visible_from, n FROM visible_count WHERE n <> 0 ORDER BY 1, 2",
}


def content(address: str) -> dict[str, list[tuple[object, ...]]]:
    """All that a catalogue holds, without its internal keys."""
    reader = store.reader(Settings(store=address))
    reader.seconds = 60
    reader.begin()
    try:
        return {name: [tuple(row) for row in reader.rows(Sql(text))] for name, text in CONTENT.items()}
    finally:
        reader.close()


def check_sqlite(address: str) -> None:
    """The file and its text index are sound."""
    with sqlite3.connect(address.removeprefix("sqlite:")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO dataset_text (dataset_text, rank) VALUES ('integrity-check', 1)")
    db.close()


def half_records(address: str) -> list[tuple[object, ...]]:
    """Datasets that are there without what belongs to them: each of the synthetic ones has four parameters, a file and a technique."""
    reader = store.reader(Settings(store=address))
    reader.begin()
    text = (
        "SELECT d.pid FROM dataset d WHERE d.digest IS NOT NULL AND ((SELECT count(*) FROM dataset_parameter p WHERE p.dataset_id = d.id) <> 4 "
        "OR NOT EXISTS (SELECT 1 FROM file f WHERE f.dataset_id = d.id) OR NOT EXISTS (SELECT 1 FROM dataset_technique t WHERE t.dataset_id = d.id) "
        "OR NOT EXISTS (SELECT 1 FROM dataset_technique_anc t WHERE t.dataset_id = d.id) OR NOT EXISTS (SELECT 1 FROM dataset_posting t WHERE t.item_id = d.id))"
    )
    try:
        return reader.rows(Sql(text))
    finally:
        reader.close()


def test_killed_in_the_middle_of_an_ingest(address, records, tmp_path, tmp_path_factory):
    """kill -9: what was acknowledged is there, nothing is there by half, and the next ingest makes it whole."""
    pick = random.Random(SEED)
    config = configure(tmp_path, address, records)
    clean = tmp_path_factory.mktemp("clean")
    subprocess.run(
        command(configure(clean, f"sqlite:{clean}/catalogue.sqlite", records), "ingest", records / "records.jsonl"),
        check=True,
        capture_output=True,
    )
    expected = content(f"sqlite:{clean}/catalogue.sqlite")
    killed = 0
    # Each batch is told as it is committed, in a process of its own that is killed with all it has.
    program = (
        "import sys; from pathlib import Path; from pan_catalogue import ingest, settings; from pan_catalogue.cli import prepare; from pan_catalogue.store import open as store; "
        "from pan_catalogue.store.write import Catalogue; of = settings.load(Path(sys.argv[1])); prepare(of); ingest.BATCH = 200; "
        "ingest.take(Catalogue(store.writer(of)), ingest.lines_of(Path(sys.argv[2])), lambda r: print(r.seen, flush=True))"
    )
    for _ in range(KILLS * 4):
        run = subprocess.Popen(
            [sys.executable, "-c", program, str(config), str(records / "records.jsonl")],
            stdout=subprocess.PIPE,
            text=True,
        )
        batches = pick.randint(1, 12)
        acknowledged = 0
        for _ in range(batches):
            line = run.stdout.readline()
            if not line:
                break
            acknowledged = int(line)
        time.sleep(pick.random() * 0.05)
        run.kill()
        rest = run.stdout.read().split()
        killed += run.wait() == -signal.SIGKILL
        acknowledged = int(rest[-1]) if rest else acknowledged
        told = f"CATALOGUE_TEST_SEED={SEED}, killed {killed} times, {acknowledged} acknowledged"
        if address.startswith("sqlite:"):
            check_sqlite(address)
        reader = store.reader(Settings(store=address))
        reader.begin()
        taken = sum(
            reader.rows(Sql(f"SELECT count(*) FROM {t} WHERE digest IS NOT NULL"))[0][0]
            for t in ("dataset", "document", "instrument")
        )
        reader.close()
        assert taken >= acknowledged, told
        assert half_records(address) == [], told
        if killed >= KILLS:
            break
    assert killed >= KILLS, "the ingest was over before it could be killed"
    done = subprocess.run(
        command(config, "ingest", records / "records.jsonl"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"[1-9]\d* unchanged, 0 rejected", done.stdout), "nothing of what was acknowledged was recognised"
    assert content(address) == expected, f"CATALOGUE_TEST_SEED={SEED}"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 12 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], check=False, capture_output=True
    ).returncode:
        pytest.skip("not allowed to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(small_disk, records, tmp_path):
    """The ingest says what is wrong and keeps what it has; the service goes on answering; with room again, the rest goes in."""
    port = free_port()
    config = configure(tmp_path, f"sqlite:{small_disk}/catalogue.sqlite", records, port=port, workers=1)
    first = tmp_path / "first.jsonl"
    first.write_text("".join(Facility(500, seed=3).lines()))
    subprocess.run(command(config, "ingest", first), check=True, capture_output=True)
    service = subprocess.Popen(command(config, "serve"), stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            wait_until_answered(http)
            before = http.get("/api/Datasets/count").json()["count"]
            full = subprocess.run(
                command(config, "ingest", records / "records.jsonl"), capture_output=True, text=True, check=False
            )
            assert full.returncode == 2
            assert "full" in full.stderr, full.stderr[-1000:]
            assert "Traceback" not in full.stderr
            after = http.get("/api/Datasets/count")
            assert after.status_code == 200
            assert after.json()["count"] >= before
            assert (
                http.get("/api/Datasets", params={"filter": '{"limit": 5, "include": ["parameters"]}'}).status_code
                == 200
            )
            subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
            done = subprocess.run(
                command(config, "ingest", records / "records.jsonl"), capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert http.get("/api/Datasets/count").json()["count"] > before
        check_sqlite(f"sqlite:{small_disk}/catalogue.sqlite")
    finally:
        service.terminate()
        service.wait(20)


def test_two_nodes_that_start_at_once_on_one_empty_database(postgresql, records, tmp_path):
    """Both make the tables and take records in at the same time: all is there once. Each gives what the other took, and goes on when the other is killed."""
    name = f"nodes_{os.getpid()}"
    with psycopg.connect(postgresql.url("postgres"), autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}".encode())
    address = postgresql.url(name)
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()} tests\n")
    tokens.chmod(0o600)
    lines = (records / "records.jsonl").read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    shares = (lines[: middle + 500], lines[middle - 500 :])  # what is in the middle comes to both
    clients, services = [], []
    for node in ("one", "two"):
        folder, port = tmp_path / node, free_port()
        folder.mkdir()
        config = configure(folder, address, records, port=port, workers=1)
        config.write_text(f'{config.read_text()}[push]\ntokens = "{tokens}"\n')
        services.append(subprocess.Popen(command(config, "serve"), stderr=subprocess.DEVNULL, start_new_session=True))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        clients.append(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120, headers=headers))
    one, two = clients
    try:
        for http in clients:
            wait_until_answered(http)
        with ThreadPoolExecutor(2) as pool:
            took = list(pool.map(lambda http, share: http.post("/records", content=b"".join(share)), clients, shares))
        assert [a.status_code for a in took] == [200, 200], [a.text[:300] for a in took]
        alone = configure(tmp_path, f"sqlite:{tmp_path}/alone.sqlite", records)
        subprocess.run(command(alone, "ingest", records / "records.jsonl"), check=True, capture_output=True)
        expected = content(f"sqlite:{tmp_path}/alone.sqlite")
        assert {k: sorted(v, key=repr) for k, v in content(address).items()} == {
            k: sorted(v, key=repr) for k, v in expected.items()
        }
        counts = [http.get("/api/Datasets/count").json()["count"] for http in clients]
        assert counts[0] == counts[1] > RECORDS / 2
        (shown,) = two.get("/api/Datasets", params={"filter": '{"limit": 1}'}).json()
        path = quote(shown["pid"], safe="")
        assert one.delete(f"/records/Datasets/{path}").status_code == 200
        assert two.get(f"/api/Datasets/{path}").status_code == 404
        os.killpg(services[0].pid, signal.SIGKILL)  # with its workers
        assert two.get("/api/Datasets/count").json()["count"] == counts[1] - 1
    finally:
        for service in services:
            service.terminate()
            service.wait(20)


def wait_until_answered(http: httpx.Client) -> None:
    for _ in range(200):
        try:
            if http.get("/health").status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError("the service did not start")


def test_a_worker_is_killed_and_all_are_replaced(records, tmp_path):
    """kill -9 of a worker: another takes its place. SIGHUP: all are replaced. In between nobody who asks again is refused."""
    port = free_port()
    config = configure(tmp_path, f"sqlite:{tmp_path}/catalogue.sqlite", records, port=port, workers=2)
    service = subprocess.Popen(command(config, "serve"), stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            wait_until_answered(http)
            first = workers(service.pid)
            assert len(first) == 2
            os.kill(first[0], signal.SIGKILL)
            replaced = eventually(lambda: w if len(w := workers(service.pid)) == 2 and first[0] not in w else None)
            assert ask_for_a_while(port, 1.0) == []
            service.send_signal(signal.SIGHUP)
            assert ask_for_a_while(port, 3.0) == []
            eventually(lambda: not set(workers(service.pid)) & set(replaced) or None)
    finally:
        service.terminate()
        assert service.wait(20) == 0


def ask_for_a_while(port: int, seconds: float) -> list[str]:
    """Asks on a new connection each time; the answers that were not 200. A connection that is closed before it is answered is asked once more, as browsers and proxies do."""
    wrong, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        for last in (False, True):
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/api/Datasets/count", timeout=10)
            except httpx.HTTPError as e:
                if last:
                    wrong.append(repr(e))
                continue
            if answer.status_code != 200:
                wrong.append(str(answer.status_code))
            break
    return wrong


def workers(parent: int) -> list[int]:
    """The processes that answer."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]


def eventually(found):
    """The first result of `found` that is not None, within a minute: a worker that is stopped may take ten seconds, and so may the start of another."""
    for _ in range(1200):
        if (result := found()) is not None:
            return result
        time.sleep(0.05)
    raise AssertionError("it did not come within a minute")


@pytest.mark.parametrize(("version", "told"), [(999, "newer version"), (1, "older version")])
def test_a_database_of_another_version_is_refused(tmp_path, records, version, told):
    config = configure(tmp_path, f"sqlite:{tmp_path}/catalogue.sqlite", records)
    subprocess.run(command(config, "ingest", records / "records.jsonl"), check=True, capture_output=True)
    with sqlite3.connect(tmp_path / "catalogue.sqlite") as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    done = subprocess.run(
        command(config, "ingest", records / "records.jsonl"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_cannot_be_reached(tmp_path, records):
    config = configure(tmp_path, f"postgresql://nobody@127.0.0.1:{free_port()}/nothing", records)
    done = subprocess.run(
        command(config, "ingest", records / "records.jsonl"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "cannot reach PostgreSQL" in done.stderr
    assert "Traceback" not in done.stderr
