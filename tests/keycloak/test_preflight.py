"""Keycloak as the identity provider of another one, as EGI Check-in is: what it answers to the probes; and the gate on a real realm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from ansible_collections.panosc.facility.plugins.module_utils.preflight.gate import Gate, UnprovenError
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line
from ansible_collections.panosc.facility.plugins.module_utils.preflight.oidc import ENDPOINTS, Provider, probe
from realm_document import SECRETS
from realm_server import GIVEN, Server

REDIRECT = "https://auth.facility.test/realms/demo/broker/keycloak/endpoint"
SECRET = "the-secret-of-a-facility"


@pytest.fixture(scope="module")
def provider(server: Server) -> Iterator[dict[str, str]]:
    """The config of an identity provider that is this server's realm, with a client that must use PKCE."""
    client = server.client()
    body = {
        "clientId": "facility",
        "secret": SECRET,
        "redirectUris": [REDIRECT],
        "standardFlowEnabled": True,
        "publicClient": False,
        "attributes": {"pkce.code.challenge.method": "S256"},
    }
    made = client.create("/clients", body, lambda: None)
    base = f"{GIVEN['URL']}/realms/{server.name}"
    said = Line(GIVEN["CA"]).fetch(f"{base}/.well-known/openid-configuration").json()
    config = {key: f"{base}{said[name].partition(f'/realms/{server.name}')[2]}" for key, name in ENDPOINTS.items()}
    yield {
        **config,
        "issuer": said["issuer"],
        "metadataDescriptorUrl": f"{base}/.well-known/openid-configuration",
        "clientId": "facility",
        "clientAuthMethod": "client_secret_basic",
        "defaultScope": "openid email",
        "useJwksUrl": "true",
        "pkceEnabled": "true",
        "pkceMethod": "S256",
    }
    client.delete(f"/clients/{made}")


def ask(config: dict[str, str], redirect_uri: str = REDIRECT, secret: str = SECRET) -> dict[str, Any]:
    # The node is asked by its own name, which is not the public one of the discovery document.
    partner = Provider("keycloak", config, redirect_uri, secret, ENDPOINTS)
    return {finding.what: finding for finding in probe(partner, Line(GIVEN["CA"]))}


def test_a_keycloak_in_order(provider: dict[str, str]) -> None:
    found = ask(provider)
    assert [finding for finding in found.values() if finding.level == "error"] == []
    for what in ("issuer", "signing keys", "client secret", "redirect URI", "userinfo", "TLS certificate"):
        assert found[what].level == "ok", found[what]
    assert found["redirect URI"].message == "registered: the provider sends people back to it"


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"secret": "a-wrong-secret"}, "client secret"),
        ({"redirect_uri": f"{REDIRECT}/"}, "redirect URI"),
    ],
)
def test_one_fault(provider: dict[str, str], given: dict[str, str], what: str) -> None:
    found = ask(provider, **given)
    assert [finding.what for finding in found.values() if finding.level == "error"] == [what]


def test_a_client_that_is_not_known(provider: dict[str, str]) -> None:
    found = ask({**provider, "clientId": "stranger"})
    assert [name for name, one in found.items() if one.level == "error"] == ["client secret", "redirect URI"]


def test_an_unproven_provider_keeps_a_real_realm_as_it_was(server: Server) -> None:
    wanted = server.document()
    wanted["identityProviders"][0]["config"]["tokenUrl"] = "https://127.0.0.1:9/token"
    wanted["displayName"] = "Must not be written"
    gate = Gate(Wanted(wanted, Keyring(SECRETS, "k" * 32)), "https://auth.facility.test", Line(GIVEN["CA"], timeout=2))
    with pytest.raises(UnprovenError, match=r"127\.0\.0\.1:9 refuses connections"):
        server.run(wanted, verify_discovery=False, gate=gate)
    assert server.client().get()["displayName"] != "Must not be written"
    assert server.run(gate=gate) == []
