"""Records in: from files and from HTTP bodies, one JSON record a line.

What stands in the catalogue unchanged is known by the digest of its line and costs next to nothing. A bad record is reported with its place and reason, and the rest goes in.
"""

from __future__ import annotations

import gzip
import hashlib
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from .errors import RecordError
from .records import datacite
from .records.record import Record
from .store.write import Catalogue

BATCH = 1_000  # records of one transaction: the writer's place is held for a quarter of a second
Progress = Callable[["Result"], None]


@dataclass
class Result:
    """What became of the records.

    Attributes:
        taken: new or changed ones, which are in the catalogue now.
        unchanged: stood there already.
        rejected: (place, reason) of those that could not be taken in.
        seconds: how long it took.
    """

    taken: int = 0
    unchanged: int = 0
    rejected: list[RecordError] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def seen(self) -> int:
        """All records."""
        return self.taken + self.unchanged + len(self.rejected)


def take(
    catalogue: Catalogue, lines: Iterable[tuple[str, bytes]], progress: Progress | None = None, *, embargo: int = 0
) -> Result:
    """Take records in.

    Args:
        catalogue: that takes them.
        lines: (place for messages, JSON of one record). Lines without any are passed over; a `RecordError` ends them, and is reported with the rejected ones.
        embargo: months, see `records.datacite.read`.
        progress: called after each batch; what it counts as taken is in the catalogue for good.

    Raises:
        StoreError: the database refused; all batches before are in.
    """
    result, begun = Result(), time.monotonic()
    source = readable(lines, result)
    while batch := list(islice(source, BATCH)):
        given = [(where, line, digest(line, embargo)) for where, text in batch if (line := text.strip())]
        known = catalogue.current([d for _, _, d in given])
        records: list[tuple[Record, bytes]] = []
        unchanged, rejected = 0, []
        for where, line, of in given:
            if of in known:
                unchanged += 1
                continue
            try:
                records.append((datacite.read(line, embargo), of))
            except RecordError as e:
                rejected.append(RecordError(e.why, where))
        if records:
            catalogue.put(records)
        result.taken += len(records)
        result.unchanged += unchanged
        result.rejected += rejected
        result.seconds = time.monotonic() - begun
        if progress:
            progress(result)
    return result


def readable(lines: Iterable[tuple[str, bytes]], result: Result) -> Iterator[tuple[str, bytes]]:
    """Yield lines up to the first that cannot be read."""
    try:
        yield from lines
    except RecordError as e:
        result.rejected.append(e)


def digest(line: bytes, embargo: int = 0) -> bytes:
    """Return what a record is recognised by: its text, and the rule by which it was read."""
    return hashlib.blake2b(line, digest_size=16, salt=embargo.to_bytes(2, "big") if embargo else b"").digest()


def lines_of(path: Path, read: Callable[[int], None] | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield (file:line, bytes) of a file of JSON lines, also one compressed by gzip.

    Args:
        path: of the file.
        read: called with the number of bytes of the file that were read, now and then.

    Raises:
        RecordError: the file cannot be read (further): no rights, a damaged archive.
    """
    n = 0
    try:
        with path.open("rb") as raw:
            stream: Iterable[bytes] = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            for n, line in enumerate(stream, 1):
                if read and n % BATCH == 0:
                    read(raw.tell())
                yield f"{path}:{n}", line
    except (OSError, EOFError, zlib.error) as e:
        raise RecordError(f"cannot be read: {e}", f"{path}:{n + 1}") from None


def lines_in(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (place, bytes) of the records in an HTTP body: JSON lines, or one JSON array of records.

    Raises:
        RecordError: it begins like an array and is none.
    """
    if not body.lstrip().startswith(b"["):
        yield from ((f"line {n}", line) for n, line in enumerate(body.splitlines(), 1))
        return
    yield from ((f"item {n}", item) for n, item in enumerate(datacite.items(body), 1))
