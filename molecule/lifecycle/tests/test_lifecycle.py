"""From the first deployment to the removal: each test goes on where the one before it ended."""

import json
import os
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from facility_under_test import FACILITY, Inventory, Keycloak, LoginStream, People, engine, root, until_ready

SEED = int(os.environ.get("FACILITY_TEST_SEED") or random.SystemRandom().randrange(10**6))
KILLS = int(os.environ.get("FACILITY_TEST_KILLS") or 3)  # of each kind
APPLIES = "TASK [panosc.facility.realm : Apply the realm]"
ONE, TWO = "life-one", "life-two"
SCICAT = {
    "url": "https://scicat.facility.test",
    "openness": "authenticated",
    "client_secret": "{{ vault_scicat_client_secret }}",
}
VISA = {"url": "https://visa.facility.test", "openness": "authorised"}
# Flows of the browser, of a service, an entry of the menu, a client: what a change of the inventory can touch.
ANOTHER = {
    "facility_name": "Another Light Source",
    "facility_staff": {"second_factor": "otp"},
    "facility_services": {
        "visa": {**VISA, "openness": "authenticated"},
        "scicat": {**SCICAT, "openness": "authorised"},
    },
}


@pytest.fixture(scope="module")
def moment():
    print(f"\nFACILITY_TEST_SEED={SEED} FACILITY_TEST_KILLS={KILLS}")
    return random.Random(SEED)  # noqa: S311  to be repeated


@pytest.fixture(scope="module")
def site():
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "facility"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    inventory = Inventory(folder / "site", [ONE], folder / "logs", facility_services={"visa": VISA, "scicat": SCICAT})
    assert inventory.secrets() == 0
    return inventory


@pytest.fixture(scope="module")
def keycloak(site):
    return Keycloak(site)


@pytest.fixture(scope="module")
def people(keycloak):
    return People(keycloak)


def sql(query):
    psql = ["psql", "--no-align", "--tuples-only", "--dbname", "keycloak", "--command", query]
    return engine("exec", "--workdir", "/", ONE, "runuser", "-u", "postgres", "--", *psql).split()


def answers(keycloak, secret):
    """What the server says to the automation client with this secret."""
    return keycloak.token(
        "master", grant_type="client_credentials", client_id="facility-automation", client_secret=secret
    ).status_code


def assert_whole(keycloak):
    """No flow is half made or left unbound, nothing is there twice, nobody is left who should have gone."""
    live = keycloak.admin("POST", "/partial-export?exportClients=true&exportGroupsAndRoles=true").json()
    clients = keycloak.admin("GET", "/clients").json()
    providers = live.get("identityProviders", [])
    names = {
        "clients": [client["clientId"] for client in clients],
        "flows": [flow["alias"] for flow in live["authenticationFlows"]],
        "configs": [config["alias"] for config in live["authenticatorConfig"]],
        "scopes": [scope["name"] for scope in live["clientScopes"]],
        "roles": [role["name"] for role in live["roles"]["realm"]],
        "groups": [group["path"] for group in keycloak.admin("GET", "/groups").json()],
        "providers": [provider["alias"] for provider in providers],
        "mappers": [(mapper["identityProviderAlias"], mapper["name"]) for mapper in live.get("identityProviderMappers", [])],
        "components": [(kind, part.get("name")) for kind, parts in live["components"].items() for part in parts
                       if not kind.endswith("ClientRegistrationPolicy")],  # Keycloak's own, twice by design
        "mappers of clients": [(client["clientId"], mapper["name"]) for client in clients for mapper in client.get("protocolMappers", [])],
    }  # fmt: skip
    assert {
        kind: twice for kind, found in names.items() if (twice := [n for n, c in Counter(found).items() if c > 1])
    } == {}
    assert [name for name in names["flows"] + names["configs"] if "~" in name] == [], "a copy of a swap is left"
    flows = {flow["id"]: flow["alias"] for flow in keycloak.admin("GET", "/authentication/flows").json()}
    bound = [live[f"{place}Flow"] for place in ("browser", "directGrant", "clientAuthentication", "firstBrokerLogin")]
    assert set(bound) <= set(flows.values())
    overrides = [flow for client in clients for flow in client["authenticationFlowBindingOverrides"].values() if flow]
    assert overrides, "no service has a flow of its own"
    assert set(overrides) <= set(flows)
    assert not [name for name in sql("SELECT client_id FROM client") if "bootstrap" in name]
    assert set(root(ONE, "ls /etc/keycloak").split()) - {"firewall.nft"} == {"bootstrapped", "secrets.env"}


def test_a_first_deployment_killed_at_random_moments_converges(site, moment, keycloak):
    # Later and later, for what was done before a kill is soon gone through.
    killed = sum(site.kill("site.yml", moment.uniform(3, 24 + 48 * number / KILLS)) for number in range(KILLS))
    assert killed > KILLS / 2, "the deployment was over before it could be killed"
    site.run("site.yml")
    assert site.changes_nothing("site.yml")
    assert_whole(keycloak)


def test_a_change_of_the_realm_killed_at_random_moments_converges(site, moment, keycloak, people):
    killed = 0
    for number in range(2 * KILLS):  # there and back; some find little left to do, and are over before they are killed
        wanted = ANOTHER if number % 4 < 2 else {}
        killed += site.kill("site.yml", moment.uniform(0, 3), "--tags", "realm", after=APPLIES, **wanted)
        people.still_there(keycloak)
    print(f"\n{killed} runs killed")
    assert killed >= KILLS
    for wanted in (ANOTHER, {}):
        site.run("site.yml", "--tags", "realm", **wanted)
        assert site.changes_nothing("site.yml", "--tags", "realm", **wanted)
        assert_whole(keycloak)


def test_an_automation_client_that_is_lost_is_made_again(site, keycloak, people):
    # Somebody restored an older database: neither the client nor its secret is there.
    sql("UPDATE client SET client_id = 'facility-lost' WHERE client_id = 'facility-automation'")
    sql(
        "UPDATE user_entity SET username = 'service-account-facility-lost' WHERE username = 'service-account-facility-automation'"
    )
    root(ONE, "systemctl restart keycloak")
    secret = site.vault["vault_keycloak_automation_secret"]
    assert answers(keycloak, secret) == 401
    site.run("site.yml", "--tags", "keycloak")
    assert answers(keycloak, secret) == 200
    assert_whole(keycloak)
    people.still_there(keycloak)


def test_a_second_node_comes(site, keycloak, people):
    site.name_hosts([ONE, TWO])
    with LoginStream(people, Keycloak(site, ONE), Keycloak(site, TWO)) as stream:
        site.run("site.yml")
    assert (stream.refused, stream.unanswered) == ([], 0)
    assert len(sql("SELECT name FROM jgroups_ping")) == 2
    people.still_there(keycloak)
    people.still_there(Keycloak(site, TWO))


def test_secrets_and_keys_are_rotated_without_a_failed_login(site, moment, keycloak, people):
    names = ["vault_keycloak_db_password", "vault_keycloak_automation_secret", "vault_scicat_client_secret"]
    before = site.vault
    assert site.secrets("--rotate", *names) == 0
    after = site.vault
    old_key = signing_key(keycloak, people)
    with LoginStream(people, Keycloak(site, ONE), Keycloak(site, TWO)) as stream:
        site.kill("rotate.yml", moment.uniform(5, 40), realm_rotate_keys=True)
        said = site.run("rotate.yml", realm_rotate_keys=True)
    print(f"\n{stream.succeeded} logins during the rotation, {stream.unanswered} times no node answered")
    assert (stream.refused, stream.unanswered) == ([], 0)
    assert stream.succeeded >= 10
    people.still_there(keycloak)
    assert [answers(keycloak, vault["vault_keycloak_automation_secret"]) for vault in (before, after)] == [401, 200]
    assert [opens(vault["vault_keycloak_db_password"]) for vault in (before, after)] == [False, True]
    assert [knows(keycloak, "scicat", vault["vault_scicat_client_secret"]) for vault in (before, after)] == [
        False,
        True,
    ]
    assert signing_key(keycloak, people) != old_key
    published = keycloak.http.get(f"{keycloak.url}/realms/demo/protocol/openid-connect/certs", timeout=20).json()
    assert old_key in [key["kid"] for key in published["keys"]], "what the old key signed can no longer be verified"
    assert "The old keys prove what they signed until" in said
    assert site.secrets("--retire") == 0
    assert not [name for name in site.vault if name.endswith("_old")]
    assert site.changes_nothing("rotate.yml", realm_rotate_keys=True), "the old keys are still needed"
    assert_whole(keycloak)


def signing_key(keycloak, people):
    """`kid` of the key that signs a new login."""
    token = keycloak.token(
        grant_type="password", client_id=people.CLIENT, username="alice", password=people.passwords["alice"]
    ).json()["access_token"]
    return people.header(token)["kid"]


def opens(password):
    """Whether the database lets the server in with this password."""
    script = f'read -r PGPASSWORD; export PGPASSWORD; psql "host={ONE} user=keycloak dbname=keycloak sslmode=require" -c "SELECT 1"'
    command = [os.environ.get("FACILITY_ENGINE", "podman"), "exec", "-i", ONE, "bash", "-c", script]
    done = subprocess.run(command, input=f"{password}\n", capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "password authentication failed" in done.stderr, done.stderr
    return done.returncode == 0


def knows(keycloak, client, secret):
    """Whether a client is accepted with this secret: only then the server says that the code is wrong."""
    answer = keycloak.token(
        grant_type="authorization_code",
        client_id=client,
        client_secret=secret,
        code="none",
        redirect_uri="https://scicat.facility.test/",
    )
    return answer.json()["error"] == "invalid_grant"


def test_the_second_node_goes(site, keycloak, people):
    session = people.log_in(Keycloak(site, TWO), "bob")
    site.run("remove.yml", "--limit", TWO)
    site.name_hosts([ONE])
    site.run("site.yml")
    people.still_there(keycloak)
    again = keycloak.token(grant_type="refresh_token", client_id=people.CLIENT, refresh_token=session)
    assert again.status_code == 200, "a session made at the second node went with it"
    assert gone(TWO) == []


# As root on the node, beside the server that runs: it has the management port already.
EXPORT = """
set -eu
set -a; . /etc/keycloak/secrets.env; set +a
cd /var/lib/keycloak
export KC_HTTP_MANAGEMENT_PORT=9555 JAVA_OPTS_APPEND="@java_options@"
runuser -u keycloak -- /opt/keycloak/current/bin/kc.sh export --optimized --realm demo --users same_file --file export.json >&2
cat export.json
rm export.json
""".replace("@java_options@", " ".join(FACILITY["keycloak_java_options"]))


def test_keycloaks_own_export_has_everybody_and_every_secret_in_clear(site, keycloak, people):
    exported = json.loads(engine("exec", ONE, "bash", "-c", EXPORT))
    assert people.subjects.items() <= {user["username"]: user["id"] for user in exported["users"]}.items()
    (scicat,) = [client for client in exported["clients"] if client["clientId"] == "scicat"]
    assert scicat["secret"] == site.vault["vault_scicat_client_secret"]
    people.still_there(keycloak)


# What the kit puts on a host; the CA's own folder is on the control node.
PLACES = "/opt/keycloak /etc/keycloak /var/lib/keycloak /etc/facility/tls /etc/systemd/system/keycloak.service"


def gone(host):
    """What is left on a host of what should have gone."""
    files = root(host, f"ls -d {PLACES} 2>/dev/null || true").split()
    users = root(host, "getent passwd keycloak || true").split()
    ports = root(host, "ss -Hltn '( sport = :8443 or sport = :9000 or sport = :7800 or sport = :5432 )'").split()
    units = root(
        host, "systemctl list-units --state active,activating,failed --plain --no-legend 'keycloak*' 'postgresql@*'"
    ).split()
    return files + users + ports + units


def test_what_is_removed_comes_back_as_it_was_and_can_be_purged(site, keycloak, people):
    site.run("remove.yml")
    assert gone(ONE) == []
    assert root(ONE, "ls /var/lib/postgresql/*/main/PG_VERSION"), "the databases were to stay"
    assert site.changes_nothing("remove.yml")
    site.run("site.yml")
    until_ready(keycloak)
    assert {name: people.subject(keycloak, name) for name in people.subjects} == people.subjects
    people.still_there(keycloak)
    site.run("remove.yml", postgresql_purge_data=True)
    assert gone(ONE) == []
    assert root(ONE, "ls /var/lib/postgresql/*/main 2>/dev/null || true") == ""


def test_no_secret_was_said(site):
    assert site.said() == []
