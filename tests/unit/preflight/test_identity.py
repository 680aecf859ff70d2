"""Which partners a document names, all asked at once, and the gate before the first write."""

import json
import re
import threading
import time

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.client import Client
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import KeycloakError
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.reconcile import reconcile
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from ansible_collections.panosc.facility.plugins.module_utils.preflight.findings import (
    ERROR,
    OK,
    WARNING,
    Finding,
    tolerated,
    worst,
)
from ansible_collections.panosc.facility.plugins.module_utils.preflight.gate import Gate, UnprovenError
from ansible_collections.panosc.facility.plugins.module_utils.preflight.identity import partners, probe_all
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line
from ansible_collections.panosc.facility.plugins.modules import keycloak_realm
from fake_keycloak import Answer, FakeKeycloak
from servers import SECRET, Op, closed_port, serving

SECRETS = {"op": SECRET, "ldap": "canary-of-the-directory", "smtp": "canary-of-the-mail"}


def document(base, ldap=""):
    config = {
        "issuer": base,
        "authorizationUrl": f"{base}/authorize",
        "tokenUrl": f"{base}/token",
        "userInfoUrl": f"{base}/userinfo",
        "jwksUrl": f"{base}/jwks",
        "clientId": "facility",
        "clientSecret": "secret:op",
        "clientAuthMethod": "client_secret_basic",
        "defaultScope": "openid",
        "useJwksUrl": "true",
    }
    directory = {"connectionUrl": ldap, "bindDn": "cn=x", "bindCredential": "secret:ldap", "usersDn": "ou=x"}
    return {
        "realm": "demo",
        "identityProviders": [{"alias": "op", "providerId": "oidc", "config": config}],
        **({"userFederation": [{"name": "ldap", "providerId": "ldap", "config": directory}]} if ldap else {}),
    }


def wanted(given):
    return Wanted(given, Keyring(SECRETS, "k" * 32))


def apply(fake, given, authority, check_mode=False, **gate):
    """One reconcile with a gate; (plan, gate)."""
    one = wanted(given)
    client = Client(fake, "https://kc.test", "demo", "automation", "x", parallel=1, sleep=lambda _: None)
    proofs = Gate(one, "https://auth.facility.test", Line(str(authority.path), timeout=5), **gate)
    return reconcile(client, one, check_mode=check_mode, verify_discovery=False, gate=proofs), proofs


def written(fake):
    return [(method, path) for method, path in fake.log if method != "GET" and path != "/partial-export"]


@pytest.fixture
def op(authority):
    with serving(Op(), authority.context()) as running:
        yield running


def test_a_new_provider_is_proven_and_an_unchanged_one_is_not_asked(op, authority):
    fake = FakeKeycloak()
    _, gate = apply(fake, document(op.base), authority)
    assert {finding.level for finding in gate.findings} == {OK}
    asked = len(op.seen)
    assert asked == 5
    assert apply(fake, document(op.base), authority)[0] == []
    renamed = document(op.base)
    renamed["identityProviders"][0]["displayName"] = "Other"
    assert len(apply(fake, renamed, authority)[0]) == 1
    assert len(op.seen) == asked


@pytest.mark.parametrize("change", [{"issuer": "/"}, {"tokenUrl": "x"}])
def test_nothing_is_written_when_a_proof_fails(op, authority, change):
    fake = FakeKeycloak()
    apply(fake, document(op.base), authority)
    before = written(fake)
    given = document(op.base)
    for key, more in change.items():
        given["identityProviders"][0]["config"][key] += more
    with pytest.raises(UnprovenError, match="Nothing was written"):
        apply(fake, given, authority)
    assert written(fake) == before


def test_a_new_secret_is_proven_and_a_wrong_one_refused(op, authority, monkeypatch):
    fake = FakeKeycloak()
    apply(fake, document(op.base), authority)
    monkeypatch.setitem(SECRETS, "op", "canary-wrong-secret")
    with pytest.raises(KeycloakError) as caught:
        apply(fake, document(op.base), authority)
    assert "op: client secret: the provider refuses client 'facility' with this secret" in str(caught.value)
    assert "canary-" not in str(caught.value)


def test_all_that_is_wrong_is_told_at_once_and_each_can_be_named(op, authority, monkeypatch):
    monkeypatch.setitem(SECRETS, "op", "canary-wrong-secret")
    given = document(op.base, ldap=f"ldaps://localhost:{closed_port()}")
    fake = FakeKeycloak()
    with pytest.raises(UnprovenError) as caught:
        apply(fake, given, authority)
    assert "realm_preflight_despite: [op, ldap]" in str(caught.value)
    with pytest.raises(UnprovenError, match=r"realm_preflight_despite: \[ldap\]"):
        apply(fake, given, authority, despite=["op"])
    assert written(fake) == []
    changes, gate = apply(fake, given, authority, despite=["op", "ldap"])
    assert {change.name for change in changes} >= {"op", "ldap"}
    assert worst(gate.findings) == "warning"


class NoRealm(FakeKeycloak):
    """A server on which the realm has not been made yet."""

    def request(self, method, url, timeout, data=None, headers=None):
        if url.endswith("/token"):
            return super().request(method, url, timeout, data, headers)
        self.log.append((method, url))
        assert method == "GET"
        return Answer(404, {})


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_realm_that_is_not_there_is_not_made_before_the_proof(op, authority, check_mode):
    fake = NoRealm(roles=())
    given = document(op.base)
    given["identityProviders"][0]["config"]["issuer"] += "/"
    with pytest.raises(UnprovenError, match="calls itself"):
        apply(fake, given, authority, check_mode)
    assert len(fake.log) == 1


@pytest.fixture
def module(monkeypatch, capsys, authority):
    """Run keycloak_realm with a preflight; returns what it gives to Ansible."""

    def run(fake, given, **preflight):
        monkeypatch.setattr(keycloak_realm.connection.http, "new_session", lambda *_: fake)
        arguments = {
            "url": "https://kc.test",
            "ca_path": str(authority.path),
            "client_id": "automation",
            "client_secret": "canary-of-the-automation",
            "fingerprint_key": "k" * 32,
            "realm": given,
            "secrets": SECRETS,
            "verify_discovery": False,
            "preflight": {"public_url": "https://auth.facility.test", **preflight},
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            keycloak_realm.main()
        return json.loads(capsys.readouterr().out)

    return run


def test_the_module_refuses_and_with_despite_warns(op, module, monkeypatch):
    fake = FakeKeycloak()
    assert {one["level"] for one in module(fake, document(op.base))["findings"]} == {OK}
    monkeypatch.setitem(SECRETS, "op", "canary-wrong-secret")
    refused = module(fake, document(op.base))
    assert refused["failed"]
    assert refused["msg"].startswith("what the realm would lean on is not as the inventory says:\n- op: client secret:")
    done = module(fake, document(op.base), despite=["op"])
    assert [change["name"] for change in done["plan"]] == ["op"]
    told = {one["message"] for one in done["findings"] if one["level"] == WARNING}
    assert any("refuses client 'facility' with this secret" in message for message in told)
    assert "canary-" not in str([refused, {**done, "invocation": ""}])


def test_partners_of_a_document():
    given = document("https://op.test", ldap="ldaps://ldap.test")
    given["identityProviders"] += [
        {"alias": "hub", "providerId": "saml", "config": {}},
        {"alias": "off", "providerId": "oidc", "enabled": False, "config": {"issuer": "https://off.test"}},
        {"alias": "social", "providerId": "github", "config": {}},
    ]
    given["smtpServer"] = {"host": "mail.test", "password": "secret:smtp"}
    assert list(partners(wanted(given), "https://auth.test")) == ["op", "hub", "ldap", "smtp"]


def test_a_probe_that_hangs_is_left_behind_and_one_that_breaks_is_told():
    def fine(_):
        yield Finding("fine", "x", OK, "y")

    def hangs(_):
        yield Finding("hangs", "first", OK, "y")
        threading.Event().wait(60)

    def breaks(_):
        yield Finding("breaks", "first", OK, "y")
        raise KeyError("canary-of-an-exception")

    begun = time.monotonic()
    found = probe_all({"hangs": hangs, "fine": fine, "breaks": breaks}, Line(timeout=0.2))
    assert time.monotonic() - begun < 15
    assert [(one.subject, one.what, one.level) for one in found] == [
        ("hangs", "first", OK),
        ("hangs", "all checks", ERROR),
        ("fine", "x", OK),
        ("breaks", "first", OK),
        ("breaks", "all checks", ERROR),
    ]
    assert re.match("a check broke: KeyError in breaks, line [0-9]+", found[-1].message)
    assert "canary-" not in str(found)


def test_only_errors_of_those_named_are_tolerated():
    errors = [Finding("a", "x", ERROR, "y", mend="Do z"), Finding("b", "x", ERROR, "y")]
    one, other = tolerated(errors, ["a"])
    assert (one.level, one.mend) == ("warning", "Gone on nevertheless, as told. Do z")
    assert other.level == ERROR
