"""Two nodes: one is killed, or both are restarted in turn, and the people who log in notice nothing (check 9).

Last of the suite, because it leaves nodes that have just started.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
from visitor import Visitor

SCICAT = ("scicat", "https://scicat.facility.test/api/v3/auth/oidc/callback")
READY = "https://{node}:9000/health/ready"
PROBE = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", "/etc/facility/tls/ca.pem")
BETWEEN_LOGINS = 1.0  # seconds between two logins of one person
# Members of the cluster, the coordinator first. A node that was killed leaves its row behind: the live one wrote last.
COORDINATOR = "select name from jgroups_ping where coord order by last_update desc limit 1"


def coordinator(site):
    (database,) = site.hosts("db")
    psql = ("runuser", "-u", "postgres", "--", "psql", "-d", "keycloak", "-Atc", COORDINATOR)
    named = site.run(database, *psql).strip()
    found = [node for node in site.hosts("kc") if node.split(".")[0] in named]
    assert len(found) == 1, f"no node is the coordinator named {named}"
    return found[0]


def kill(site, node):
    """As if the machine lost its power: no goodbye, and no restart by itself."""
    site.run(node, "systemctl", "kill", "--kill-whom=all", "--signal=KILL", "keycloak")
    site.run(node, "systemctl", "stop", "keycloak")


def all_ready(site):
    until = time.monotonic() + 240
    for node in site.hosts("kc"):
        while site.run(node, *PROBE, READY.format(node=node)) != "200":
            assert time.monotonic() < until, f"{node} does not become ready"
            time.sleep(1)


def starting_at(site, node, begin):
    """Begin a login at the given node, past the proxy, whose turns go by how long a node has been up: (its browser, ...)."""
    visitor = Visitor(site, node=node)
    begin(visitor)
    visitor.through_the_proxy()
    cookie = next(c.value for c in visitor.http.cookies if c.name == "AUTH_SESSION_ID")
    assert owner(site, cookie) == node
    return visitor


def owner(site, cookie):
    """The node that made a session, by what its cookie says in clear at the end."""
    last = cookie.rsplit(".", 1)[-1]
    return next((node for node in site.hosts("kc") if last.startswith(node.split(".")[0])), None)


@contextlib.contextmanager
def stream(site, *logins) -> Iterator[list[str]]:
    """Let people log in again and again, each time in a new browser; yields what went wrong, and counts in `.good`.

    Two logins of one person at the same moment would be refused: the guard against guessing takes them for guesses. It notes the end of a login after the answer, on a node that
    has just started as late as the same person's next login, so each of them waits a moment.
    """

    class Outcome(list[str]):
        good = 0
        slowest = 0.0

    outcome, stop = Outcome(), threading.Event()

    def forever(login) -> None:
        while not stop.wait(BETWEEN_LOGINS):
            begun = time.monotonic()
            try:
                visitor = Visitor(site)
                visitor.ask(SCICAT)
                visitor.give_password(login)
                visitor.refresh(visitor.tokens()["refresh_token"])
                outcome.good += 1
            except Exception as error:  # whatever it is, somebody did not get in
                outcome.append(f"{time.strftime('%X')} {type(error).__name__}: {str(error)[:300]}")
            outcome.slowest = max(outcome.slowest, time.monotonic() - begun)

    workers = [threading.Thread(target=forever, args=(login,)) for login in logins]
    for worker in workers:
        worker.start()
    try:
        yield outcome
    finally:
        stop.set()
        for worker in workers:
            worker.join()


@pytest.mark.parametrize("which", ["coordinator", "other node"])
def test_a_killed_node_is_noticed_by_nobody(site, which):
    """The coordinator's death makes the survivor call itself unready for a minute; the proxy must not believe it."""
    all_ready(site)
    first = coordinator(site)
    (second,) = [node for node in site.hosts("kc") if node != first]
    victim, survivor = (first, second) if which == "coordinator" else (second, first)

    def inside(visitor):
        visitor.ask(SCICAT)
        visitor.give_password(site.people["alice"])

    def on_the_way(visitor):
        visitor.ask(SCICAT)
        visitor.through("umbrella")

    sitting = starting_at(site, victim, inside)
    tokens = sitting.tokens()
    typing = starting_at(site, victim, lambda visitor: visitor.ask(SCICAT))
    away = starting_at(site, victim, on_the_way)  # in front of the form of the home organisation
    kill(site, victim)
    try:
        begun = time.monotonic()
        away.submit(username=site.people["jane"].username, password=site.people["jane"].password)
        away.carried()
        assert away.tokens(), "the login that was under way is lost"
        typing.give_password(site.people["bob"])
        assert typing.tokens(), "the login form that was open is lost"
        tokens = sitting.refresh(tokens["refresh_token"])
        assert sitting.ask(SCICAT) is None, "the session of the browser is lost"
        seconds = time.monotonic() - begun
        if which == "coordinator":
            served, unready, until = [], 0, time.monotonic() + 20
            while time.monotonic() < until:
                answer = site.http.get(f"{site.issuer}/.well-known/openid-configuration", timeout=30)
                served.append(answer.status_code)
                unready += site.run(survivor, *PROBE, READY.format(node=survivor)) != "200"
                time.sleep(0.3)
            assert unready, "the survivor never called itself unready: the fail-open way was not tried"
            assert set(served) == {200}, (
                f"{sum(status != 200 for status in served)} of {len(served)} requests were lost"
            )
    finally:
        site.run(victim, "systemctl", "start", "keycloak")
        all_ready(site)
    assert sitting.refresh(tokens["refresh_token"]), "the session did not survive the node's return"
    print(f"\n{which} killed: a login, a form, a refresh and a session went on in {seconds:.1f} s")


def test_a_rolling_restart_fails_no_login(site):
    all_ready(site)
    sitting = Visitor(site)
    sitting.ask(SCICAT)
    sitting.give_password(site.people["carol"])
    tokens = sitting.tokens()
    with stream(site, *(site.people[who] for who in ("alice", "bob", "carol"))) as failed:
        for node in site.hosts("kc"):
            site.run(node, "systemctl", "restart", "keycloak")  # returns when it is ready
            tokens = sitting.refresh(tokens["refresh_token"])
            time.sleep(5)  # the proxy sees it come back
    print(f"\nrolling restart: {failed.good} logins, {len(failed)} failed, the slowest took {failed.slowest:.1f} s")
    assert failed == []
    assert failed.good >= 20, "too few logins to prove anything"
