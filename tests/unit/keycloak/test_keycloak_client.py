"""Retries, tokens and errors of the HTTP client, with a transport that follows a script."""

import threading
import time

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import client as http
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import (
    LoginError,
    RefusedError,
    RightsError,
    ServerError,
    UnreachableError,
)
from fake_keycloak import Answer, token


class Scripted:
    """Answers from a list; an exception in it is raised. Tokens come by themselves and are counted."""

    def __init__(self, *answers, life=60):
        self.answers, self.life, self.sent, self.tokens = list(answers), life, [], 0

    def request(self, method, url, timeout, data=None, headers=None):
        if url.endswith("/token"):
            self.tokens += 1
            return Answer(200, {"access_token": token("demo", ("manage-realm",)), "expires_in": self.life})
        self.sent.append((method, url.split("/demo", 1)[1]))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(session, **more):
    pauses = []
    made = http.Client(session, "https://kc.test/", "demo", "automation", "hidden-secret", sleep=pauses.append, **more)
    made.pauses = pauses
    return made


LOST = http.LOST[0]("lost")
BUSY = Answer(503, {"error": "busy"})


@pytest.mark.parametrize("fault", [LOST, BUSY, http.LOST[-1]("late")])
@pytest.mark.parametrize("method", ["get", "put", "delete", "read", "post"])
def test_what_can_be_repeated_is_repeated(fault, method):
    session = Scripted(fault, fault, Answer(200, {}))
    one = client(session)
    getattr(one, method)(*(("/x",) if method in {"get", "delete", "read"} else ("/x", {})))
    assert len(session.sent) == 3
    assert one.pauses == [0.3, 1.0]
    assert one.requests == 4, "three attempts and one token"


def test_retries_are_bounded_and_the_last_error_says_where():
    session = Scripted(*[BUSY] * 9)
    with pytest.raises(ServerError, match=r"GET /admin/realms/demo/x: 503 busy"):
        client(session).get("/x")
    assert len(session.sent) == 4


def test_create_asks_before_it_repeats():
    session = Scripted(LOST)
    assert client(session).create("/x", {}, lambda: "made") == "made"
    assert session.sent == [("POST", "/x")]


def test_create_repeats_what_did_not_arrive():
    session = Scripted(LOST, BUSY, Answer(201, location="x/new"))
    assert client(session).create("/x", {}, lambda: None) == "new"
    assert len(session.sent) == 3


def test_create_finds_what_a_slow_server_was_still_making():
    session, found = Scripted(LOST, Answer(409)), iter([None, "made at last"])
    assert client(session).create("/x", {}, lambda: next(found)) == "made at last"
    assert len(session.sent) == 2


def test_create_does_not_take_a_conflict_with_something_else_for_success():
    session = Scripted(LOST, Answer(409))
    with pytest.raises(RefusedError):
        client(session).create("/x", {}, lambda: None)


def test_create_does_not_hide_a_refusal():
    session = Scripted(Answer(409, {"errorMessage": "x exists."}))
    with pytest.raises(RefusedError, match=r"409 x exists$") as caught:
        client(session).create("/x", {}, lambda: "other")
    assert caught.value.status == 409


@pytest.mark.parametrize(
    ("answers", "fine"), [((LOST, Answer(409)), True), ((Answer(409),), False), ((LOST, Answer(204)), True)]
)
def test_link_takes_a_conflict_for_success_only_after_a_lost_answer(answers, fine):
    one = client(Scripted(*answers))
    if fine:
        one.link("/x")
    else:
        with pytest.raises(RefusedError):
            one.link("/x")


def test_token_is_kept_and_renewed_before_it_ends():
    session = Scripted(*[Answer(200, {})] * 4)
    one = client(session)
    one.get("/x")
    one.get("/x")
    assert session.tokens == 1
    one._renew_at = time.monotonic()  # as when its life runs out
    one.get("/x")
    assert session.tokens == 2


@pytest.mark.parametrize(("life", "kept"), [(60, 50), (300, 290), (12, 6)])
def test_token_is_replaced_ten_seconds_or_half_its_life_early(life, kept):
    one = client(Scripted(Answer(200, {}), life=life))
    one.get("/x")
    assert one._renew_at - time.monotonic() == pytest.approx(kept, abs=0.5)


def test_forgotten_session_costs_one_new_token():
    session = Scripted(Answer(401), Answer(200, {"a": 1}))
    one = client(session)
    assert one.get("/x") == {"a": 1}
    assert session.tokens == 2


def test_refused_twice_with_401_is_an_error():
    with pytest.raises(RefusedError, match=r"401"):
        client(Scripted(Answer(401), Answer(401))).get("/x")


def test_403_names_the_client_and_the_realm():
    with pytest.raises(RightsError, match=r"refused client 'automation'.*realm 'demo'"):
        client(Scripted(Answer(403))).get("/x")


def test_delete_of_what_is_gone_is_fine():
    client(Scripted(Answer(404))).delete("/x")


def test_wrong_client_secret_is_said_without_showing_it():
    class Session:
        def request(self, *args, **more):
            return Answer(401, {"error": "unauthorized_client", "error_description": "Invalid client credentials"})

    one = client(Session())
    with pytest.raises(LoginError, match=r"Invalid client credentials") as caught:
        one.get("/x")
    assert "hidden-secret" not in str(caught.value) + repr(one)


@pytest.mark.skipif(not http.HAS_REQUESTS, reason="requests is not installed")
def test_tls_failure_is_not_repeated_and_names_ca_path():
    class Session:
        calls = 0

        def request(self, *args, **more):
            self.calls += 1
            raise http.UNTRUSTED[0]("certificate verify failed")

    session = Session()
    with pytest.raises(UnreachableError, match=r"TLS failed: certificate verify failed.*ca_path"):
        client(session).get("/x")
    assert session.calls == 1


@pytest.mark.skipif(not http.HAS_REQUESTS, reason="requests is not installed")
@pytest.mark.parametrize("ca_path", [None, "/ca.pem"])
def test_session_verifies_and_ignores_the_environment(ca_path):
    session = http.new_session(ca_path, 4)
    assert session.verify == (ca_path or True)
    assert session.trust_env is False


def test_map_keeps_order_and_bounds_what_is_in_flight():
    busy, most, lock = 0, 0, threading.Lock()

    def work(number):
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1
        return number * 2

    assert client(Scripted(), parallel=3).map(work, range(9)) == [number * 2 for number in range(9)]
    assert most == 3


def test_map_raises_the_first_error():
    def work(number):
        if number:
            raise RefusedError(400, f"no {number}")

    with pytest.raises(RefusedError, match=r"no 1"):
        client(Scripted()).map(work, range(3))


def test_an_answer_that_is_not_json_is_named():
    class Page(Answer):
        def json(self):
            raise ValueError

    with pytest.raises(UnreachableError, match=r"not JSON.*a Keycloak server\?"):
        client(Scripted(Page(200))).get("/x")


@pytest.mark.skipif(not http.HAS_REQUESTS, reason="requests is not installed")
def test_missing_ca_file_is_an_error_that_names_it(tmp_path):
    session = http.new_session(str(tmp_path / "none.pem"), 1)
    with pytest.raises(UnreachableError, match=r"none\.pem.*Check url and ca_path"):
        http.Client(session, "https://127.0.0.1:9", "demo", "a", "b").get("/x")


@pytest.mark.parametrize(("status", "there"), [(200, True), (403, True), (404, False)])
def test_exists(status, there):
    assert client(Scripted(Answer(status, {}))).exists() is there


def test_names_cannot_leave_their_segment_of_the_path():
    assert http.part("a/../b?c=d#e") == "a%2F..%2Fb%3Fc%3Dd%23e"
