"""The search API at 10,000 to a million datasets, beside SQL written by hand, on both stores.

A synthetic facility (4 parameters and 1.5 techniques a dataset) is made once and kept in the cache folder. For each size and store: how long records take to come in, and to come in
again unchanged; size on disk; for each kind of query the median and 95th percentile of the whole HTTP answer, and of hand-written SQL of the same meaning run in turns with
it on one connection, and the ratio of the medians; pages with three includes a second from two processes; memory of a worker; and at 100,000 a minute of 16 clients while
records come in. Each figure stands beside its budget; the exit code is 1 when one is missed.

usage: scripts/bench search [--sizes 10000,100000,1000000] [--stores sqlite,postgresql] [--variants N] [--seconds N] [--cache FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from own_postgresql import OwnPostgreSQL, free_port
from search_queries import IN_PROCESS, LIMIT, QUERIES, Query, Statements
from synthetic_facility import Facility, ontology

from pan_catalogue import grammar, settings
from pan_catalogue.plan import Plan
from pan_catalogue.provider import Provider
from pan_catalogue.sql.fragment import Sql
from pan_catalogue.store import open as store

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "panosc-facility" / "search"
MILLION = 1_000_000
WARM = 20  # of each query, before what is measured: for the caches of both sides, and to compare what they found


@dataclass
class Budgets:
    """What was promised, and what was missed.

    Attributes:
        medians: (datasets, query) -> seconds, of SQLite: PostgreSQL is measured against them.
    """

    medians: dict[tuple[int, str], float] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    kept: int = 0

    def check(self, what: str, value: float, most: float | None, form: str = "{:.1f}") -> str:
        """Return a value with a sign when it is over its budget."""
        told = form.format(value)
        if most is None:
            return told
        if value > most:
            self.missed.append(f"{what}: {told}, budget {form.format(most)}")
            return f"{told}!"
        self.kept += 1
        return told


class Connection:
    """One connection that stays open, as cheap as can be: the client runs on the same cores as the service."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(1 << 20)

    def get(self, path: str) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = bytes(received[:end]).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(received) < end + 4 + length:
            received += self._more()
        return int(head[9:12]), bytes(received[end + 4 :])

    def _more(self) -> memoryview:
        n = self.socket.recv_into(self.buffer)
        if not n:
            raise ConnectionError("the service closed the connection")
        return memoryview(self.buffer)[:n]


@dataclass
class Catalogue:
    """One catalogue of the benchmark."""

    datasets: int
    kind: str
    config: Path
    records: Path
    settings: settings.Settings
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line of the service."""
        return subprocess.run(
            [sys.executable, "-m", "pan_catalogue", "--config", str(self.config), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    def ingest(self) -> float:
        """Take the records in; the seconds it took."""
        begun = time.monotonic()
        done = self.command("ingest", str(self.records))
        if done.returncode:
            raise SystemExit(f"ingest failed:\n{done.stdout}{done.stderr[-2000:]}")
        return time.monotonic() - begun

    @contextmanager
    def served(self) -> Iterator[None]:
        """Answer requests, from two processes."""
        log = self.config.with_suffix(".log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pan_catalogue", "--config", str(self.config), "serve"], stderr=log
        )
        try:
            for _ in range(200):
                try:
                    if Connection(self.port).get("/health")[0] == 200:
                        break
                except OSError:
                    time.sleep(0.1)
            else:
                raise SystemExit(f"the service did not start: {self.config.with_suffix('.log').read_text()[-2000:]}")
            yield
        finally:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def workers(self) -> list[int]:
        """Return the processes that answer."""
        if self.process is None:
            return []
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]

    def memory(self) -> float:
        """Return the greatest resident memory of a worker, in MB."""
        return max(int(Path(f"/proc/{p}/statm").read_text().split()[1]) * 4096 / 1e6 for p in self.workers())


def percentile(times: list[float], share: float) -> float:
    """Return what a share of the times stays below, in ms."""
    return sorted(times)[min(len(times) - 1, int(share * len(times)))] * 1000


class ByHand:
    """Runs hand-written SQL on a connection of its own."""

    def __init__(self, of: Catalogue) -> None:
        self.reader = store.reader(of.settings)
        self.reader.seconds = 60
        sqlite = of.kind == "sqlite"
        self.words = {
            "{text}": "dataset_text f CROSS JOIN dataset d ON d.id = f.rowid" if sqlite else "dataset d",
            "{text_narrow}": "dataset_text f CROSS JOIN dataset d INDEXED BY dataset_narrow ON d.id = f.rowid"
            if sqlite
            else "dataset d",
            "{match}": "f.dataset_text MATCH ?" if sqlite else "d.title_fold LIKE ?",
            "{first}": "CROSS JOIN" if sqlite else "JOIN",
        }
        self.quote = '"' if sqlite else "%"

    def pattern(self, word: str) -> str:
        """Return what finds a word."""
        return self.quote + word + self.quote

    def run(self, statements: Statements) -> int:
        """Run the statements of a query; the number of their rows, or what the first counts."""
        self.reader.begin()
        ids: list[int] = []
        result = 0
        for n, (template, given) in enumerate(statements):
            text, values = template, given
            if "{ids}" in text:
                if not ids:
                    continue
                before = text.partition("{ids}")[0].count("?")
                values = (*values[:before], *ids, *values[before:])
                text = text.replace("{ids}", ",".join("?" * len(ids)))
            rows = self.reader.rows(Sql(text, values))
            if text.startswith(("SELECT count(", "SELECT sum(")):
                return int(rows[0][0] or 0)
            if n == 0:
                ids = [row[0] for row in rows]
            result += len(rows)
        return result

    def ready(self, statements: Statements) -> Statements:
        """Return statements in the store's own words."""
        made = []
        for text, values in statements:
            given = (self.pattern(values[0]), *values[1:]) if "{match}" in text else values
            for word, meant in self.words.items():
                text = text.replace(word, meant)  # noqa: PLW2901
            made.append((text, given))
        return made


def objects(answer: list[Any]) -> int:
    """Return how many objects an answer has, those that they include counted: a row each, by hand."""
    return sum(
        1 + sum(objects(value) for value in found.values() if isinstance(value, list))
        for found in answer
        if isinstance(found, dict)
    )


def nothing(of: Catalogue, times: int = 500) -> float:
    """Return the median of an answer for which nothing is asked of the database: what HTTP alone costs, in seconds."""
    connection, taken = Connection(of.port), []
    for _ in range(times):
        begun = time.perf_counter()
        connection.get("/nothing")
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def compare(of: Catalogue, queries: list[Query], variants: int, budgets: Budgets, empty: float = 0.0) -> None:
    """Measure each query and the same by hand, in turns, and print a line for each.

    `empty` is what HTTP alone costs; the last column is the ratio without it.
    """
    connection, by_hand = Connection(of.port), ByHand(of)
    provider = Provider(store.reader(of.settings), of.settings)
    place = {100_000: 0, MILLION: 1}.get(of.datasets)
    for query in queries:
        pick = random.Random(7)
        ours: list[float] = []
        bare: list[float] = []
        for n in range(variants + WARM):
            asked, statements = query.variant(pick)
            # What is asked is put into words before the clock runs, on both sides.
            text, statements = json.dumps(asked), by_hand.ready(statements)
            path = f"/api/{query.path}?{'where' if query.counts else 'filter'}={quote(text)}"
            begun = time.perf_counter()
            expected = by_hand.run(statements)
            middle = time.perf_counter()
            if query in IN_PROCESS:
                model = "Dataset" if query.path.startswith("Datasets") else "Document"
                found = Plan(
                    provider.reader, provider._sets(), grammar.of_filter(model, text, of.settings.bounds)
                ).count()
            else:
                status, body = connection.get(path)
                if status != 200:
                    raise SystemExit(f"{query.name}: {status} {body[:300]!r}")
                answer = json.loads(body) if n < WARM else None
                found = expected if answer is None else answer["count"] if query.counts else objects(answer)
            end = time.perf_counter()
            if found != expected:
                raise SystemExit(f"{query.name}: {found} rows, by hand {expected}: {asked}")
            if n >= WARM:
                bare.append(middle - begun)
                ours.append(end - middle)
        what = f"{of.kind} {of.datasets} {query.name}"
        # SQLite is what the promises are about; PostgreSQL has a round trip to a server in each statement.
        most = query.budget[place] if place is not None and of.kind == "sqlite" else None
        slow, quick = statistics.median(ours), statistics.median(bare)
        if of.kind == "sqlite":
            budgets.medians[of.datasets, query.name] = slow
        elif (of.datasets, query.name) in budgets.medians:
            times = slow / budgets.medians[of.datasets, query.name]
            budgets.check(f"{what}, times SQLite", times, 5.0)
        p50, p95 = percentile(ours, 0.5), budgets.check(f"{what}, p95 ms", percentile(ours, 0.95), most, "{:.2f}")
        over = budgets.check(f"{what}, ratio to SQL by hand", slow / quick, None if place is None else 3.0, "{:.2f}")
        print(
            f"  {query.name:<36}{p50:>9.2f}{p95:>10}{percentile(bare, 0.5):>10.2f}{percentile(bare, 0.95):>9.2f}{over:>8}{(slow - empty) / quick:>12.2f}{'  in process' if query in IN_PROCESS else ''}",
            flush=True,
        )


@dataclass
class Load:
    """What many clients got."""

    times: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0


def load(of: Catalogue, clients: int, seconds: float, queries: list[Query], pause: float = 0.0) -> Load:
    """Let clients ask for a while, in processes of their own: Python's threads would be the bottleneck."""
    program = "import sys; sys.path[:0] = {path!r}; import search; search.client({port}, {seconds}, {names!r}, {seed}, {pause})"
    names = [q.name for q in queries]
    run = Load(seconds=seconds)
    started = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                program.format(path=sys.path, port=of.port, seconds=seconds, names=names, seed=n, pause=pause),
            ],
            stdout=subprocess.PIPE,
        )
        for n in range(clients)
    ]
    for process in started:
        out, _ = process.communicate(timeout=seconds + 120)
        told = json.loads(out)
        run.times += told["times"]
        run.failed += told["failed"]
    return run


def client(port: int, seconds: float, names: list[str], seed: int, pause: float) -> None:
    """Ask for a while, and print what came."""
    pick, queries = random.Random(seed), [q for q in QUERIES if q.name in names]
    asked = [
        (q.path, quote(json.dumps(q.variant(pick)[0])), q.counts) for q in (pick.choice(queries) for _ in range(200))
    ]
    times: list[float] = []
    failed: list[str] = []
    connection = Connection(port)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        path, text, counts = asked[len(times) % len(asked)]
        begun = time.perf_counter()
        try:
            status, body = connection.get(f"/api/{path}?{'where' if counts else 'filter'}={text}")
        except OSError as e:
            failed.append(str(e))
            connection = Connection(port)
            continue
        times.append(time.perf_counter() - begun)
        if status != 200:
            failed.append(f"{status} {body[:200]!r}")
        if pause:
            time.sleep(pause * pick.random())
    print(json.dumps({"times": times, "failed": failed}))


def many_clients(of: Catalogue, seconds: float, budgets: Budgets) -> None:
    """Sixteen clients while records come in."""
    more = of.records.with_name("more.jsonl")
    if not more.exists():
        with more.open("w") as out:
            out.writelines(
                line.replace("10.5072/dataset-", "10.5072/more-")
                for line in Facility(40_000, 99).lines()
                if '"kind":"dataset"' in line
            )
    done: list[subprocess.CompletedProcess[str]] = []
    writer = threading.Thread(target=lambda: done.append(of.command("ingest", str(more))))
    writer.start()
    run = load(of, 16, seconds, QUERIES, pause=0.05)
    still = writer.is_alive()
    writer.join()
    if done[0].returncode:
        raise SystemExit(f"the ingest failed beside the clients:\n{done[0].stderr[-2000:]}")
    p99 = budgets.check(
        f"{of.kind} {of.datasets} 16 clients beside an ingest, p99 ms", percentile(run.times, 0.99), 200
    )
    errors = budgets.check(f"{of.kind} {of.datasets} 16 clients, errors", len(run.failed), 0, "{:.0f}")
    rate = len(run.times) / seconds
    print(
        f"  16 clients for {seconds:.0f} s while {done[0].stdout.strip()}{' and on' if still else ''}: {rate:.0f} answers/s, p50 {percentile(run.times, 0.5):.1f}, p99 {p99} ms, {errors} errors"
    )


def made(datasets: int, cache: Path) -> Path:
    """Return the file of records of a size."""
    file = cache / f"{datasets}.jsonl"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        with partial.open("w") as out:
            out.writelines(Facility(datasets).lines())
        partial.rename(file)
    return file


def main() -> int:
    """Measure, print, and fail when a budget was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--stores", default="sqlite,postgresql")
    parser.add_argument("--variants", type=int, default=60, help="random variants of each query")
    parser.add_argument("--seconds", type=float, default=60, help="how long the 16 clients ask")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where records are kept")
    arguments = parser.parse_args()
    budgets = Budgets()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-search-")))
        for kind in arguments.stores.split(","):
            server = (
                OwnPostgreSQL(stack, folder, "shared_buffers=2GB", "max_wal_size=4GB", "work_mem=64MB")
                if kind == "postgresql"
                else None
            )
            for size in map(int, arguments.sizes.split(",")):
                measure(size, kind, server, folder, arguments, budgets)
    print(f"\n{len(budgets.missed)} of {budgets.kept + len(budgets.missed)} budgets missed")
    for line in budgets.missed:
        print(f"  {line}")
    return 1 if budgets.missed else 0


def measure(
    size: int, kind: str, server: OwnPostgreSQL | None, folder: Path, arguments: argparse.Namespace, budgets: Budgets
) -> None:
    """Measure one size in one store."""
    records = made(size, arguments.cache)
    (folder / "ontology.csv").write_text(ontology(509))
    url = f"sqlite:{folder}/{size}.sqlite"
    if server:
        os.environ["PGPASSFILE"] = str(server.passfile)
        import psycopg  # noqa: PLC0415

        with psycopg.connect(server.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE d{size}".encode())
        url = server.url(f"d{size}")
    port = free_port()
    config = folder / f"{kind}-{size}.toml"
    config.write_text(
        f'store = "{url}"\n[server]\nport = {port}\nworkers = 2\n[techniques]\npanet = "{folder}/ontology.csv"\n[log]\nlevel = "warning"\n'
    )
    of = Catalogue(size, kind, config, records, settings.load(config), port=port)
    took, again = of.ingest(), of.ingest()
    promised = size == MILLION and kind == "sqlite"
    took_told = budgets.check(f"{kind} {size} ingest, s", took, 600 if promised else None)
    again_told = budgets.check(f"{kind} {size} ingest again, s", again, 30 if promised else None)
    print(
        f"\n{kind}, {size:,} datasets: taken in {took_told} s ({size / took:,.0f}/s), again unchanged {again_told} s, {on_disk(of, server):,.0f} MB on disk"
    )
    with of.served():
        empty = nothing(of)
        print(f"  an answer that asks nothing: {empty * 1000:.2f} ms")
        print(f"  {'ms':<36}{'p50':>9}{'p95':>10}{'SQL p50':>10}{'p95':>9}{'ratio':>8}{'less HTTP':>12}")
        compare(of, QUERIES, arguments.variants, budgets, empty)
        compare(of, IN_PROCESS, max(10, arguments.variants // 4), budgets)
        pages = load(of, 4, min(10, arguments.seconds), [q for q in QUERIES if q.name == "three includes"])
        rate = len(pages.times) / pages.seconds
        if rate < 1000 and kind == "sqlite" and size == 100_000:
            budgets.missed.append(f"{kind} {size} pages with three includes a second: {rate:.0f}, budget 1000")
        memory = budgets.check(
            f"{kind} {size} memory of a worker, MB", of.memory(), 100 if kind == "sqlite" else None, "{:.0f}"
        )
        print(
            f"  pages of {LIMIT} with three includes from two processes: {rate:.0f}/s, p99 {percentile(pages.times, 0.99):.1f} ms; a worker has {memory} MB"
        )
        if size == 100_000:
            many_clients(of, arguments.seconds, budgets)


def on_disk(of: Catalogue, server: OwnPostgreSQL | None) -> float:
    """Return the size of a catalogue in MB."""
    if server is None:
        return (
            sum(f.stat().st_size for f in store.file(of.settings).parent.glob(store.file(of.settings).name + "*")) / 1e6
        )
    return float(store.reader(of.settings).rows(Sql("SELECT pg_database_size(current_database())"))[0][0]) / 1e6


if __name__ == "__main__":
    sys.exit(main())
