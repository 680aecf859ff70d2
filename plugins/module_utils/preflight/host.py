# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The host itself: names that resolve, ports that are free or ours, disk, memory, clock, packages, certificates, addresses.

Each check is one function from what is wanted to findings. They look and change nothing.
"""

from __future__ import annotations

import datetime
import fnmatch
import glob
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import dates
from .findings import ERROR, OK, UNKNOWN, WARNING, Finding
from .net import REDIRECTS, Line, UnreachedError, failed, judge_chain

Run = Callable[[Sequence[str]], "tuple[int, str]"]  # a command -> exit code, output
LISTEN = "0A"  # state of a socket in /proc/net/tcp
CLOCK_TOLERANCE = 30  # seconds; tokens and certificates bear about that much
MEGABYTE = 1024 * 1024


def names(subject: str, wanted: Iterable[str]) -> Iterator[Finding]:
    """DNS names that must resolve here."""
    for name in wanted:
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
        except OSError:
            mend = f"Put {name} into the DNS that this host asks, or correct it in the inventory"
            yield Finding(subject, "DNS", ERROR, f"{name} does not resolve", name, mend)
        else:
            yield Finding(subject, "DNS", OK, f"{name} is {', '.join(sorted(found))}", name)


def ports(subject: str, wanted: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Ports that the kit's own units hold, or nobody."""
    listening = sockets_that_listen()
    for item in wanted:
        port, units = int(item["port"]), [str(unit) for unit in item["units"]]
        holders = {holder for inode in listening.get(port, ()) for holder in [unit_of_socket(inode)] if holder}
        strangers = sorted(one for one in holders if not any(fnmatch.fnmatch(one, unit) for unit in units))
        where = f"port {port}"
        if strangers:
            mend = f"Stop and disable it, or give {item['variable']} another value"
            yield Finding(subject, "port", ERROR, f"{port} is held by {', '.join(strangers)}", where, mend)
        elif port in listening:
            whose = (
                f"{port} is held by {', '.join(sorted(holders))}" if holders else f"{port} is taken, by whom is hidden"
            )
            yield Finding(subject, "port", OK if holders else UNKNOWN, whose, where)
        else:
            yield Finding(subject, "port", OK, f"{port} is free", where)


def sockets_that_listen(folder: str = "/proc/net") -> dict[int, set[str]]:
    """Port -> inodes of the TCP sockets that listen on it."""
    found: dict[int, set[str]] = {}
    for name in ("tcp", "tcp6"):
        try:
            lines = Path(folder, name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # no IPv6
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTEN:
                found.setdefault(int(fields[1].rsplit(":", 1)[1], 16), set()).add(fields[9])
    return found


def unit_of_socket(inode: str, proc: str = "/proc") -> str:
    """The systemd unit, or else the program, of a process that has the socket; empty when none can be seen."""
    for link in glob.iglob(f"{proc}/[0-9]*/fd/*"):
        try:
            if os.readlink(link) != f"socket:[{inode}]":
                continue
            process = Path(link).parents[1]
            units = re.findall(r"([^/]+\.(?:service|socket))\s*$", (process / "cgroup").read_text(), re.MULTILINE)
            return str(units[0]) if units else (process / "comm").read_text().strip()
        except OSError:  # it has just ended
            continue
    return ""


def disks(subject: str, wanted: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Free space below a folder, which need not exist yet."""
    for item in wanted:
        path, needed = str(item["path"]), int(item["mb"])
        there = Path(path)
        while not there.exists():
            there = there.parent
        free = shutil.disk_usage(there).free // MEGABYTE
        if free < needed:
            message = f"{free} MB free for {path}, {needed} MB are needed"
            yield Finding(subject, "disk", ERROR, message, path, f"Make room on the file system of {there}")
        else:
            yield Finding(subject, "disk", OK, f"{free} MB free for {path}", path)


def memory(subject: str, wanted_mb: int, meminfo: str = "/proc/meminfo") -> Iterator[Finding]:
    """Memory of the host in all."""
    total = re.search(r"MemTotal:\s+(\d+) kB", Path(meminfo).read_text(encoding="ascii"))
    have = int(total[1]) // 1024 if total else 0
    if have < wanted_mb:
        mend = "Give the host more, or move a role to another host"
        yield Finding(subject, "memory", WARNING, f"{have} MB, {wanted_mb} MB are advisable", mend=mend)
    else:
        yield Finding(subject, "memory", OK, f"{have} MB")


def clock(subject: str, reference: float, run: Run) -> Iterator[Finding]:
    """The clock, against that of the control node (seconds since 1970), and whether something keeps it right."""
    off = dates.utc_now().timestamp() - reference
    if abs(off) > CLOCK_TOLERANCE:
        message = f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the control node"
        mend = "Tokens and certificates would be refused: run a time service (chrony, systemd-timesyncd) on both"
        yield Finding(subject, "clock", ERROR, message, mend=mend)
        return
    code, said = run(["timedatectl", "show", "--property=NTPSynchronized", "--value"])
    alone = run(["systemd-detect-virt", "--container", "--quiet"])[0] != 0  # a container has the clock of its machine
    if code == 0 and said.strip() == "no" and alone:
        mend = "Run a time service (chrony, systemd-timesyncd): in a few weeks tokens would be refused"
        yield Finding(subject, "clock", WARNING, "right, but nothing keeps it so", mend=mend)
    else:
        yield Finding(subject, "clock", OK, "agrees with the control node")


def packages(subject: str, wanted: Sequence[str], run: Run) -> Iterator[Finding]:
    """Packages that can be installed, or are."""
    if not wanted:
        return
    if not shutil.which("apt-cache"):
        yield Finding(subject, "packages", UNKNOWN, "this host has no apt, and other package managers are not asked")
        return
    # Whatever the language of the host is, a line of a package begins with its name, and the candidate is the third line.
    _, said = run(["env", "LC_ALL=C", "apt-cache", "policy", *wanted])
    candidates = dict(re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (.*)$", said, re.MULTILINE))
    lacking = [name for name in wanted if candidates.get(name, "(none)") == "(none)"]
    if not lacking:
        yield Finding(subject, "packages", OK, ", ".join(f"{name} {candidates[name]}" for name in wanted))
    elif not glob.glob("/var/lib/apt/lists/*_Packages*"):
        message = f"cannot be known for {', '.join(lacking)}: the package lists were never fetched"
        yield Finding(
            subject, "packages", UNKNOWN, message, mend="Run apt-get update on the host; the deployment does it too"
        )
    else:
        mend = "Does the host have the sources of its release (main, and updates)? Run apt-get update there"
        yield Finding(subject, "packages", ERROR, f"no candidate for {', '.join(lacking)}", mend=mend)


def certificates(
    subject: str, patterns: Iterable[str], texts: Mapping[str, str], now: datetime.datetime, warn_days: float
) -> Iterator[Finding]:
    """Days left of certificates in files of the host, and in texts by name. A file that is not there yet is made later."""
    held = {path: path for pattern in patterns for path in sorted(glob.glob(pattern))}
    found: dict[str, str] = {}
    for path in held:
        try:
            found[path] = Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            yield Finding(
                subject, "certificate", ERROR, f"cannot be read: {type(error).__name__}", path, "Look at the file"
            )
    for where, text in {**found, **{name: text for name, text in texts.items() if text}}.items():
        try:
            first = min(dates.of_pem(text), key=lambda one: one.end)
        except ValueError as error:
            yield Finding(subject, "certificate", ERROR, f"cannot be read: {error}", where, "Look at the file")
            continue
        left = first.days_left(now)
        if left < 0:
            message, level = f"has expired on {first.end:%Y-%m-%d}", ERROR
        else:
            message, level = f"good for {left:.0f} more days", OK if left >= warn_days else WARNING
        yield Finding(
            subject, "certificate", level, message, where, "" if level == OK else "Renew it: see roles/tls/README.md"
        )


def addresses(subject: str, urls: Iterable[str], line: Line) -> Iterator[Finding]:
    """Addresses that must answer over TLS with a JSON object, as an ACME directory does."""
    for url in urls:
        try:
            answer = line.fetch(url, follow=REDIRECTS)
        except UnreachedError as error:
            yield failed(subject, "ACME", url, error)
            continue
        if "newOrder" in answer.json():
            yield Finding(subject, "ACME", OK, "the directory answers", url)
        else:
            mend = "Take the address from the documentation of the authority"
            yield Finding(subject, "ACME", ERROR, f"no ACME directory (HTTP {answer.status})", url, mend)
        found = judge_chain(subject, url, answer.chain, dates.utc_now(), line.warn_days)
        if found and found.level != OK:
            yield found
