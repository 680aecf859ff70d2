"""The command `pan-catalogue`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import __version__, settings, techniques
from .errors import CatalogueError, RecordError, SettingsError, StoreError
from .ingest import Result, lines_of, take
from .store import open as store
from .store.write import Catalogue

CONFIG = "/etc/pan-catalogue/catalogue.toml"
log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code: 0 done, 1 something was refused or is wrong, 2 it could not be done."""
    parsed = parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except CatalogueError as e:
        print(f"pan-catalogue: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141


def parser() -> argparse.ArgumentParser:
    """Return the description of the command line."""
    whole = argparse.ArgumentParser(
        "pan-catalogue", description="A metadata catalogue that answers the PaNOSC search API."
    )
    whole.add_argument("--version", action="version", version=__version__)
    whole.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("PAN_CATALOGUE_CONFIG", CONFIG)),
        help=f"configuration file (default: {CONFIG})",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    command("serve", serve, "Answer requests until stopped; SIGHUP replaces the workers one by one.")
    taken = command(
        "ingest", ingest, "Take records in from files of JSON lines (also .gz) or NeXus files; folders are searched."
    )
    taken.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or folder")
    taken.add_argument(
        "--defaults",
        type=Path,
        metavar="FILE",
        help="JSON of what NeXus files do not say: pan.isPublic, pan.documents, ...",
    )
    checked = command(
        "check", check, "Try a provider of the search API, this one or another, and say what it answers wrongly."
    )
    checked.add_argument("url", help="address, ending with the base of the API (.../api)")
    checked.add_argument("--json", action="store_true", help="for programs")
    told = command("status", status, "Say what the catalogue holds.")
    told.add_argument("--json", action="store_true", help="for programs")
    command("schema", schema, "Print the JSON Schema of a record.")
    copied = command("backup", backup, "Copy the SQLite database into a new file while it is used.")
    copied.add_argument("target", type=Path)
    return whole


def serve(arguments: argparse.Namespace) -> int:
    """Answer requests."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from . import app
    from .logs import configure

    of = settings.load(arguments.config)
    configure(of.log)
    prepare(of)
    os.environ[app.CONFIG] = str(arguments.config)
    with tempfile.TemporaryDirectory(prefix="pan-catalogue-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # where the workers put their numbers together
        config = uvicorn.Config(
            f"{app.__name__}:from_environment",
            factory=True,
            host=of.server.host,
            port=of.server.port,
            workers=of.server.workers,
            log_config=None,
            access_log=False,
            proxy_headers=True,
            forwarded_allow_ips=list(of.server.proxies),
            server_header=False,
            timeout_graceful_shutdown=of.server.stop_seconds,
            ssl_certfile=of.server.certificate or None,
            ssl_keyfile=of.server.key or None,
            loop="uvloop",
            http="httptools",
            lifespan="on",
        )
        Multiprocess(config, sockets=[config.bind_socket()]).run()
    return 0


def prepare(of: settings.Settings) -> None:
    """Make the tables that are missing, and bring the techniques up to the ontology's file. Without the file the service runs, and says what is missing."""
    writer = store.writer(of)
    try:
        if not of.techniques.panet:
            log.warning("no PaNET file is configured (techniques.panet): a technique stands for itself alone")
            return
        try:
            terms, digest = techniques.read(Path(of.techniques.panet))
        except CatalogueError as e:
            log.warning("%s; techniques stay as they are", e)
            return
        if Catalogue(writer).ontology(terms, digest):
            log.info("techniques: %s terms of %s", len(terms), of.techniques.panet)
    finally:
        writer.close()


NICE = 10  # of an ingest


def ingest(arguments: argparse.Namespace) -> int:
    """Take records in. Whoever asks the service on the same computer goes first."""
    os.nice(max(0, NICE - os.nice(0)))
    of = settings.load(arguments.config)
    files = list(found(arguments.paths))
    given = defaults(arguments.defaults)
    prepare(of)
    writer = store.writer(of)
    catalogue = Catalogue(writer)
    total = Result()
    for n, file in enumerate(files, 1):
        progress = Progress(f"{file} ({n} of {len(files)})" if len(files) > 1 else str(file), file.stat().st_size)
        lines = nexus_lines(file, given) if file.suffix.lower() in NEXUS else lines_of(file, progress.read)
        result = take(catalogue, lines, progress.show, embargo=of.embargo.months)
        progress.end(result)
        for e in result.rejected:
            print(f"rejected  {e}", file=sys.stderr)
        total.taken += result.taken
        total.unchanged += result.unchanged
        total.rejected += result.rejected
        total.seconds += result.seconds
    if total.taken:
        writer.settle()
    print(f"{total.taken} taken in, {total.unchanged} unchanged, {len(total.rejected)} rejected, {total.seconds:.1f} s")
    return 1 if total.rejected else 0


NEXUS = frozenset({".nxs", ".h5", ".hdf5", ".hdf", ".nx"})
LINES = frozenset({".json", ".jsonl", ".ndjson", ".gz"})


def found(paths: Sequence[Path]) -> list[Path]:
    """Return the files meant, those of folders by what their names end with.

    Raises:
        StoreError: one is not there.
    """
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise StoreError(f"{path} does not exist")
        files += sorted(f for f in path.rglob("*") if f.suffix.lower() in NEXUS | LINES) if path.is_dir() else [path]
    return files


def defaults(file: Path | None) -> dict[str, Any]:
    """Return what NeXus files do not say.

    Raises:
        SettingsError: the file cannot be read, or is no JSON object whose `pan` is one too.
    """
    if file is None:
        return {}
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise SettingsError(f"{file}: {e}") from None
    if not isinstance(given, dict) or not isinstance(given.get("pan", {}), dict):
        raise SettingsError(f'{file}: must be a JSON object like {{"pan": {{"isPublic": true}}}}')
    return given


def nexus_lines(file: Path, given: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Yield the one record of a NeXus file, as a line.

    Raises:
        RecordError: it is not HDF5, or damaged.
    """
    try:
        from .records import nexus
    except ImportError:
        raise SettingsError("NeXus files are read with h5py, which is not installed: pan-catalogue[nexus]") from None
    try:
        record = nexus.extract(file, given)
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as e:  # whatever h5py finds
        raise RecordError(f"cannot be read as NeXus: {e}", str(file)) from None
    yield str(file), json.dumps(record, ensure_ascii=False).encode()


class Progress:
    """One line that tells how far a file is; on a terminal it is written over, in a log it comes every ten seconds."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self.done = 0
        self.shown = 0.0
        self.terminal = sys.stderr.isatty()

    def read(self, done: int) -> None:
        """Take note of how many bytes were read."""
        self.done = done

    def show(self, result: Result) -> None:
        """Tell how far it is, if it is time."""
        now = time.monotonic()
        if now - self.shown < (0.2 if self.terminal else 10):
            return
        self.shown = now
        rate = result.seen / result.seconds if result.seconds else 0
        share = min(self.done / self.size, 1) if self.size else 1
        left = f", {result.seconds * (1 - share) / share:.0f} s left" if share > 0.01 else ""  # noqa: PLR2004
        print(
            f"{self.name}: {share:4.0%}, {result.seen} records, {rate:.0f}/s{left}",
            end="\r" if self.terminal else "\n",
            file=sys.stderr,
            flush=True,
        )

    def end(self, result: Result) -> None:
        """Tell what became of the file."""
        told = f"{self.name}: {result.taken} taken in, {result.unchanged} unchanged, {len(result.rejected)} rejected"
        print(f"{told:<100}", file=sys.stderr)


def check(arguments: argparse.Namespace) -> int:
    """Try a provider."""
    from . import conformance

    report = conformance.run(arguments.url)
    print(json.dumps(report.as_dict(), indent=1) if arguments.json else report.as_text())
    return 0 if report.passed else 1


def status(arguments: argparse.Namespace) -> int:
    """Say what the catalogue holds."""
    from .provider import Provider

    of = settings.load(arguments.config)
    told = Provider(store.reader(of), of).status()
    if arguments.json:
        print(json.dumps(told))
        return 0
    for name, n in told["public"].items():
        print(f"{name:<12}{n:>10} public")
    ontology = told["techniques"]
    print(
        f"{'techniques':<12}{ontology['known']:>10} known, "
        + ("with the PaNET ontology" if ontology["ontology"] else ontology["note"])
    )
    return 0


def schema(_: argparse.Namespace) -> int:
    """Print the JSON Schema of a record."""
    from .records import datacite

    print(json.dumps(datacite.schema(), indent=1))
    return 0


def backup(arguments: argparse.Namespace) -> int:
    """Copy the database."""
    of = settings.load(arguments.config)
    if not of.store.startswith("sqlite:"):
        raise StoreError("only an SQLite store is copied by this command; use pg_dump")
    writer = store.writer(of)
    if hasattr(writer, "backup"):
        writer.backup(arguments.target)
    return 0
