"""From the first administrator to the automation client: the way there, the second run, and death at every step."""

import sys
from pathlib import Path

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import KeycloakError
from ansible_collections.panosc.facility.plugins.modules import keycloak_bootstrap
from ansible_collections.panosc.facility.plugins.modules.keycloak_bootstrap import Bootstrap

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fake_master import FIRST, URL, FakeMaster, Killed

ROLES = ["manage-realm", "manage-clients"]
WANTED = {"demo-realm": set(ROLES), "lab-realm": set(ROLES)}


@pytest.fixture
def parameters(tmp_path):
    (tmp_path / "bootstrap.env").write_text(
        f"KC_BOOTSTRAP_ADMIN_CLIENT_ID={FIRST[0]}\nKC_BOOTSTRAP_ADMIN_CLIENT_SECRET={FIRST[1]}\n"
    )
    return {
        "url": URL,
        "realms": ["demo", "lab"],
        "client_id": "facility-automation",
        "client_secret": "automation-secret",
        "roles": ROLES,
        "bootstrap_file": str(tmp_path / "bootstrap.env"),
        "done_file": str(tmp_path / "bootstrapped"),
    }


def run(server, parameters, check=False):
    bootstrap = Bootstrap(parameters, server, check)
    bootstrap.run()
    return bootstrap


def assert_done(server, parameters):
    assert server.realms == {"master", "demo", "lab"}
    assert server.roles_of("facility-automation") == WANTED
    assert FIRST[0] not in server.clients
    assert server.realm["sslRequired"] == "all"
    assert server.realm["bruteForceProtected"] is True
    assert server.realm["displayName"] == "mine"
    assert server.clients["admin-cli"]["directAccessGrantsEnabled"] is False
    assert not Path(parameters["bootstrap_file"]).exists()
    assert Path(parameters["done_file"]).exists()


def test_first_run(parameters):
    server = FakeMaster()
    assert run(server, parameters).plan
    assert_done(server, parameters)


def test_second_run_is_one_token_request(parameters):
    server = FakeMaster()
    run(server, parameters)
    server.log.clear()
    second = run(server, parameters)
    assert second.plan == []
    assert server.log == [("POST", "/realms/master/protocol/openid-connect/token")]
    assert second.requests == 1


def test_check_mode_plans_the_same_and_writes_nothing(parameters):
    server = FakeMaster()
    planned = run(server, parameters, check=True).plan
    assert server.writes() == []
    assert Path(parameters["bootstrap_file"]).exists()
    done = run(server, parameters).plan
    # A new account comes with roles to take away, which only the server knows.
    assert planned == [step for step in done if step["action"] != "take away"]


def kill_points():
    return [(number, done) for number in range(1, 60) for done in (False, True)]


@pytest.mark.parametrize(("number", "done"), kill_points())
def test_killed_at_any_request_the_next_run_converges(parameters, number, done):
    server = FakeMaster()
    server.kill, server.done = number, done
    try:
        run(server, parameters)
    except Killed:
        server.kill = 0
        run(server, parameters)
    else:
        assert len(server.log) < number  # beyond the last request
    server.kill = 0
    assert_done(server, parameters)
    assert run(server, parameters).plan == []


def test_the_kill_points_reach_the_end(parameters):
    server = FakeMaster()
    run(server, parameters)
    assert 10 < len(server.log) < len(kill_points()) / 2


@pytest.mark.parametrize("call", ["mkstemp", "replace", "unlink"])
def test_killed_between_the_files_the_next_run_converges(parameters, monkeypatch, call):
    server = FakeMaster()

    def killed(*_args, **_more):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(keycloak_bootstrap.tempfile if call == "mkstemp" else keycloak_bootstrap.os, call, killed)
        with pytest.raises(Killed):
            run(server, parameters)
    run(server, parameters)
    assert_done(server, parameters)


def test_the_first_administrator_stays_until_the_automation_client_works(parameters):
    server = FakeMaster()
    server._post_users = lambda *_: (_ for _ in ()).throw(Killed)
    with pytest.raises(Killed):
        run(server, parameters)
    assert FIRST[0] in server.clients
    assert Path(parameters["bootstrap_file"]).exists()


def test_surplus_rights_are_told_even_when_nothing_can_be_done(parameters):
    server = FakeMaster()
    run(server, parameters)
    server.accounts["account-facility-automation"]["demo-realm"].add("impersonation")
    with pytest.raises(KeycloakError, match=r"should not have impersonation on demo-realm.*bootstrap-admin service"):
        run(server, parameters)


def test_surplus_rights_are_taken_away_by_a_new_administrator(parameters):
    server = FakeMaster()
    run(server, parameters)
    account = server.accounts["account-facility-automation"]
    account["demo-realm"].add("impersonation")
    account["account"].add("view-profile")
    account["master"].add("admin")
    server._new_client({"clientId": "recovery", "secret": "recovery-secret", "serviceAccountsEnabled": True})
    server.accounts["account-recovery"]["master"].add("admin")
    Path(parameters["bootstrap_file"]).write_text(
        "KC_BOOTSTRAP_ADMIN_CLIENT_ID=recovery\nKC_BOOTSTRAP_ADMIN_CLIENT_SECRET=recovery-secret\n"
    )
    run(server, parameters)
    assert_done(server, parameters)
    assert "recovery" not in server.clients


def test_an_added_realm_needs_an_administrator_and_the_message_says_how(parameters):
    server = FakeMaster()
    run(server, parameters)
    parameters["realms"] = [*parameters["realms"], "new"]
    with pytest.raises(
        KeycloakError, match=r"lacks manage-clients, manage-realm on new-realm.*bootstrap-admin service"
    ):
        run(server, parameters)


def test_neither_credential_works(parameters):
    server = FakeMaster()
    del server.clients[FIRST[0]]
    with pytest.raises(
        KeycloakError, match=r"'facility-automation' is not accepted.*bootstrap-admin service"
    ) as caught:
        run(server, parameters)
    assert "automation-secret" not in str(caught.value)
    assert FIRST[1] not in str(caught.value)
    assert not Path(parameters["done_file"]).exists()


def test_a_database_that_was_done_before_the_node(parameters):
    """A new first node: the file was made, but the server had no use for it."""
    server = FakeMaster()
    run(server, parameters)
    Path(parameters["done_file"]).unlink()
    Path(parameters["bootstrap_file"]).write_text(
        "KC_BOOTSTRAP_ADMIN_CLIENT_ID=facility-bootstrap\nKC_BOOTSTRAP_ADMIN_CLIENT_SECRET=unused\n"
    )
    assert run(server, parameters).plan == [{"kind": "file", "name": parameters["bootstrap_file"], "action": "remove"}]
    assert_done(server, parameters)


def test_a_first_administrator_that_survives_its_deletion_is_an_error(parameters):
    server = FakeMaster()
    server._delete_clients = lambda *_: server._get_realm()
    with pytest.raises(KeycloakError, match="was deleted but is still accepted"):
        run(server, parameters)
    assert Path(parameters["bootstrap_file"]).exists()


def test_a_wrong_secret_of_an_existing_client_is_mended_while_there_is_an_administrator(parameters):
    server = FakeMaster()
    server._new_client({"clientId": "facility-automation", "secret": "older", "serviceAccountsEnabled": True})
    run(server, parameters)
    assert_done(server, parameters)
