"""Facts of Keycloak on which the kit's presets rest, each tried the other way round.

When one of these fails, Keycloak has changed: the reason for a setting of the presets may be gone, or a guard may be open.
"""

from __future__ import annotations

import contextlib
import time

import pytest
from faulty_realm import FAY, HUB, VISA
from site_under_test import claims
from visitor import UNEXPECTED, Visitor


@pytest.fixture
def realm(faulty):
    faulty.admin.forget(FAY, "carol", "bob")
    yield faulty
    faulty.admin.forget(FAY, "carol", "bob")


def by_password(realm, who="carol", service=HUB, **extra):
    visitor = Visitor(realm)
    visitor.ask(service, **extra)
    if visitor.page:
        visitor.give_password(realm.people[who])
    return visitor


def by_provider(realm):
    visitor = Visitor(realm)
    visitor.ask(HUB)
    visitor.through("faulty")
    return visitor


def link(realm, who="carol"):
    """Somebody of the directory links the provider in their account console."""
    visitor = by_password(realm, who, ("account-console", f"{realm.issuer}/account/"), kc_action="idp_link:faulty")
    if "password" in visitor.page.forms[0]["fields"]:
        visitor.give_password(realm.people[who], username=False)
    visitor.go("POST", visitor.page.forms[0]["action"], {**visitor.page.forms[0]["fields"], "continue": ""})
    return visitor


@contextlib.contextmanager
def ldap_config(realm, **config):
    """Set something of the directory's federation for a while."""
    (ldap,) = realm.admin("GET", "components", params={"type": "org.keycloak.storage.UserStorageProvider"})
    other = {**ldap["config"], **{key: [value] for key, value in config.items()}}
    realm.admin("PUT", f"components/{ldap['id']}", json={**ldap, "config": other})
    try:
        yield
    finally:
        realm.admin("PUT", f"components/{ldap['id']}", json=ldap)


@contextlib.contextmanager
def provider(realm, config=None, **fields):
    """Set something of the identity provider for a while."""
    before = realm.admin("GET", "identity-provider/instances/faulty")
    after = {**before, **fields, "config": {**before["config"], **(config or {})}}
    realm.admin("PUT", "identity-provider/instances/faulty", json=after)
    try:
        yield
    finally:
        realm.admin("PUT", "identity-provider/instances/faulty", json=before)


# --- 1: a directory that may not be written, and linking --------------------------------------------------------------------


def test_read_only_federation_shuts_out_who_links(realm):
    with ldap_config(realm, editMode="READ_ONLY"):
        link(realm)
        visitor = by_provider(realm)
        assert UNEXPECTED in visitor.page.text
        assert "faulty" in realm.admin.user("carol")["links"], "the link is not even stored"
    visitor = by_provider(realm)  # UNSYNCED, as the preset has it
    assert claims(visitor.tokens()["id_token"])["sub"] == realm.admin.user("carol")["id"]
    assert realm.admin.user("carol")["attributes"]["voperson_id"] == [FAY]


# --- 2: who may overwrite an address ---------------------------------------------------------------------------------------


def test_force_on_the_provider_overwrites_addresses_and_locks_people_out(realm):
    by_password(realm, "bob").tokens()
    link(realm)
    by_provider(realm).tokens()
    assert realm.admin.user("carol")["email"] == "carol@facility.test"  # IMPORT, as the preset has it
    with provider(realm, {"syncMode": "FORCE"}):
        by_provider(realm).tokens()
        assert realm.admin.user("carol")["email"] == "fay.fault@uni.test"
        with realm.faults(userinfo={"email": "bob@facility.test"}):
            assert by_provider(realm).answer == {}
    with realm.faults(userinfo={"email": "bob@facility.test"}):
        assert by_provider(realm).tokens()


# --- 3 and 4: where a gate has to stand ---------------------------------------------------------------------------------------


def add(realm, flow, authenticator, requirement, config=None):
    path = f"authentication/flows/{flow}/executions"
    realm.admin("POST", f"{path}/execution", json={"provider": authenticator})
    mine = [one for one in realm.admin("GET", path) if one.get("providerId") == authenticator][-1]
    realm.admin("PUT", path, json={**mine, "requirement": requirement})
    if config:
        named = {"alias": f"{flow} {authenticator}", "config": config}
        realm.admin("POST", f"authentication/executions/{mine['id']}/config", json=named)


def sub_flow(realm, flow, alias, requirement):
    path = f"authentication/flows/{flow}/executions"
    realm.admin(
        "POST", f"{path}/flow", json={"alias": alias, "type": "basic-flow", "provider": "registration-page-form"}
    )
    mine = next(one for one in realm.admin("GET", path) if one.get("displayName") == alias)
    realm.admin("PUT", path, json={**mine, "requirement": requirement})


def top_flow(realm, alias):
    made = {"alias": alias, "providerId": "basic-flow", "topLevel": True, "builtIn": False}
    realm.admin("POST", "authentication/flows", json=made)


def deny_without_role(realm, flow):
    sub_flow(realm, flow, f"{flow} gate", "CONDITIONAL")
    gate = f"{flow} gate"
    add(realm, gate, "conditional-user-role", "REQUIRED", {"condUserRole": "compute-approved", "negate": "true"})
    add(realm, gate, "deny-access-authenticator", "REQUIRED", {"denyErrorMessage": "not approved, in these words"})


def flow_id(realm, alias):
    return next(flow["id"] for flow in realm.admin("GET", "authentication/flows") if flow["alias"] == alias)


@pytest.fixture(scope="module")
def gates(faulty):
    """Two flows that deny: one to bind to a client, one for after a provider."""
    top_flow(faulty, "fact client")
    sub_flow(faulty, "fact client", "fact client login", "REQUIRED")
    add(faulty, "fact client login", "auth-cookie", "ALTERNATIVE")
    add(faulty, "fact client login", "identity-provider-redirector", "ALTERNATIVE")
    sub_flow(faulty, "fact client login", "fact client forms", "ALTERNATIVE")
    add(faulty, "fact client forms", "auth-username-password-form", "REQUIRED")
    deny_without_role(faulty, "fact client")
    top_flow(faulty, "fact post")
    sub_flow(faulty, "fact post", "fact post never", "CONDITIONAL")
    never = {"attribute_name": "voperson_id", "attribute_expected_value": "nobody at all", "not": "false"}
    add(faulty, "fact post never", "conditional-user-attribute", "REQUIRED", never)
    add(faulty, "fact post never", "deny-access-authenticator", "REQUIRED")
    return faulty


def test_a_flow_of_a_client_refuses_passwords_and_sessions_but_not_providers(realm, gates):
    (hub,) = realm.admin("GET", "clients", params={"clientId": "hub"})
    bound = {"authenticationFlowBindingOverrides": {"browser": flow_id(realm, "fact client")}}
    realm.admin("PUT", f"clients/{hub['id']}", json=bound)
    try:
        visitor = by_password(realm)
        assert "not approved, in these words" in visitor.page.text
        sitting = by_password(realm, service=VISA)
        assert sitting.tokens()
        sitting.ask(HUB)
        assert "not approved, in these words" in sitting.page.text
        assert by_provider(realm).tokens(), "providers are gated by the client's flow now: the second gate may go"
    finally:
        realm.admin("PUT", f"clients/{hub['id']}", json={"authenticationFlowBindingOverrides": {"browser": ""}})


def test_a_flow_after_the_provider_that_applies_to_nobody_refuses_everybody(realm, gates):
    with provider(realm, postBrokerLoginFlowAlias="fact post"):
        visitor = by_provider(realm)
        assert visitor.answer == {}
        assert "Invalid username or password" in visitor.page.text
    add(realm, "fact post", "allow-access-authenticator", "REQUIRED")
    with provider(realm, postBrokerLoginFlowAlias="fact post"):
        assert by_provider(realm).tokens()


# --- Guards of a directory whose entries may have more here than there ----------------------------------------------------------


def test_nobody_is_offered_a_new_password(realm):
    visitor = Visitor(realm)
    page = visitor.ask(HUB)
    assert not any("reset-credentials" in link for link in page.links)
    page = visitor.go("GET", f"{realm.issuer}/login-actions/reset-credentials?client_id=hub")
    assert page.status >= 400 or not any(
        "username" in form["fields"] and len(form["fields"]) == 1 for form in page.forms
    )


def test_unlinking_leaves_what_came_by_the_link(realm):
    """Known: the attributes are as old as the last login by the provider, so gates look at them only after such a login."""
    link(realm)
    by_provider(realm).tokens()
    user = realm.admin.user("carol")
    realm.admin("DELETE", f"users/{user['id']}/federated-identity/faulty")
    by_password(realm).tokens()
    left = realm.admin.user("carol")
    assert left["links"] == {}
    assert left["attributes"]["voperson_id"] == [FAY]


def test_an_empty_issuer_is_not_compared(realm):
    """Why the kit's documents must name one: see the refusal in tests/keycloak."""
    with provider(realm, {"issuer": ""}), realm.faults(id_token={"iss": "https://evil.test"}):
        assert by_provider(realm).tokens()


def test_a_filter_by_claim_sees_neither_sub_nor_userinfo(realm):
    """Why `filteredByClaim` is no tool for eduTEAMS: its ID tokens hold nothing else."""
    wanted = {"filteredByClaim": "true", "claimFilterName": "voperson_id", "claimFilterValue": ".*"}
    with provider(realm, wanted):
        visitor = by_provider(realm)
        assert visitor.answer == {}
        assert realm.admin.user(FAY) is None


def test_a_mail_can_prove_an_address_for_linking_where_the_flow_says_so(realm):
    """Not in the kit's flow, which takes the password only: Keycloak's own flow links by a mail."""
    by_password(realm).tokens()
    number = len(realm.mails_to("carol@facility.test", 0))
    with (
        provider(realm, firstBrokerLoginFlowAlias="first broker login"),
        realm.faults(userinfo={"email": "carol@facility.test"}),
    ):
        visitor = by_provider(realm)
        visitor.go("POST", visitor.page.forms[0]["action"], {"submitAction": "linkAccount"})
        assert realm.mails_to("carol@facility.test", number + 1)
        assert realm.admin.user("carol")["links"] == {}
    with realm.faults(userinfo={"email": "carol@facility.test"}):
        visitor = by_provider(realm)
        visitor.go("POST", visitor.page.forms[0]["action"], {"submitAction": "linkAccount"})
        time.sleep(1)
        assert len(realm.mails_to("carol@facility.test", 0)) == number + 1, "the kit's flow sends a mail"
        assert visitor.page.form("password")
