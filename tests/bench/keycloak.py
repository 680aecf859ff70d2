"""Logins per second of the running demo: through the proxy to both nodes, against one node alone, on the same cores.

A login is what a browser does: the login page, the password (checked by the directory), the code, the tokens, one refresh;
each in a browser of its own. For the second measurement the other node is stopped, and the proxy is left out. Both are
measured twice, in turns, after a warm-up; the medians count. The load runs on the same cores too.

usage: scripts/bench keycloak [--seconds N] [--people N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from site_under_test import Site  # noqa: E402
from visitor import Visitor  # noqa: E402

SCICAT = ("scicat", "https://scicat.facility.test/api/v3/auth/oidc/callback")
PEOPLE = ("alice", "bob", "carol")
READY = (
    "curl",
    "-sf",
    "-o",
    "/dev/null",
    "--cacert",
    "/etc/facility/tls/ca.pem",
    "--retry",
    "60",
    "--retry-connrefused",
)


@dataclass
class Run:
    """What one measurement gave."""

    seconds: float = 0.0
    client_cpu: float = 0.0
    requests: int = 0
    failed: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Logins per second."""
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds that a share of the logins stayed below."""
        return sorted(self.times)[min(len(self.times) - 1, int(share * len(self.times)))]


def measure(site: Site, seconds: float, people: int, node: str | None) -> Run:
    """Let people log in for a while, through the proxy or straight at a node."""
    run, until, lock = Run(), time.monotonic() + seconds, threading.Lock()

    def person(number: int) -> None:
        login = site.people[PEOPLE[number]]
        while time.monotonic() < until:
            begun, visitor = time.monotonic(), Visitor(site, node=node)
            try:
                visitor.ask(SCICAT)
                visitor.give_password(login)
                visitor.refresh(visitor.tokens()["refresh_token"])
            except (AssertionError, OSError) as error:
                run.failed.append(str(error)[:200])
                continue
            finally:
                visitor.http.close()
            with lock:
                run.times.append(time.monotonic() - begun)
                run.requests += visitor.requests

    threads = [threading.Thread(target=person, args=(number,)) for number in range(people)]
    begun, cpu = time.monotonic(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.seconds, run.client_cpu = time.monotonic() - begun, time.process_time() - cpu
    return run


@contextmanager
def alone(site: Site, node: str) -> Iterator[None]:
    """Stop every other node for a while."""
    others = [other for other in site.hosts("kc") if other != node]
    for other in others:
        site.run(other, "systemctl", "stop", "keycloak")
    try:
        yield
    finally:
        for other in others:
            site.run(other, "systemctl", "start", "keycloak")
            site.run(other, *READY, f"https://{other}:9000/health/ready")


def main() -> int:
    """Measure, print, and fail when somebody could not log in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds", type=float, default=20, help="length of each of the four measurements (default: 20)"
    )
    # Each is somebody else: two logins of one person at the same moment are taken for guesses.
    parser.add_argument(
        "--people", type=int, default=3, choices=(1, 2, 3), help="how many log in at a time (default: 3)"
    )
    options = parser.parse_args()
    state = Path(os.environ.get("FACILITY_DEMO_STATE", ROOT / ".demo"))
    if not (state / "demo.json").exists():
        print(f"There is no demo at {state}: scripts/demo starts one.", file=sys.stderr)
        return 2
    site = Site(state)
    site.resolve()
    node, runs = site.hosts("kc")[0], {"two nodes, proxy": [], "one node alone": []}
    for _ in range(2):
        measure(site, 5, options.people, None)  # warm
        runs["two nodes, proxy"].append(measure(site, options.seconds, options.people, None))
        with alone(site, node):
            measure(site, 5, options.people, node)
            runs["one node alone"].append(measure(site, options.seconds, options.people, node))

    heads = ("", "logins/s", "logins", "requests", "req/login", "median s", "p95 s", "client CPU", "failed")
    print("{:<20}{:>10}{:>10}{:>10}{:>11}{:>10}{:>9}{:>12}{:>8}".format(*heads))
    for name, measured in runs.items():
        for run in measured:
            done = len(run.times)
            print(
                f"{name:<20}{run.rate:>10.2f}{done:>10}{run.requests:>10}{run.requests / max(done, 1):>11.1f}"
                f"{statistics.median(run.times):>10.3f}{run.percentile(0.95):>9.3f}{run.client_cpu / run.seconds:>11.0%} {len(run.failed):>7}"
            )
    together, single = (statistics.median(run.rate for run in measured) for measured in runs.values())
    print(
        f"\nTwo nodes behind the proxy: {together / single:.2f} times the logins of one node alone, on {os.cpu_count()} cores."
    )
    failed = [error for measured in runs.values() for run in measured for error in run.failed]
    for error in failed[:5]:
        print(f"failed: {error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
