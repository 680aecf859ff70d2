import hmac
from base64 import b64decode, b64encode

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.panosc.facility.plugins.filter import scram_verifier as module


def test_the_example_of_rfc_7677():
    salt = "W22ZaJ0SNY7soEsUEjb6gQ=="
    verifier = module.verifier(b"pencil", b64decode(salt))
    assert verifier.startswith(f"SCRAM-SHA-256$4096:{salt}$")
    server_key = b64decode(verifier.rpartition(":")[2])
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    exchange = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s={salt},i=4096,c=biws,r={nonce}"
    assert (
        b64encode(hmac.digest(server_key, exchange.encode(), "sha256"))
        == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    )


def test_it_depends_on_password_and_user_and_on_nothing_else():
    made = {
        module.scram_verifier(password, user) for password in ("one", "two") for user in ("a", "b") for _ in range(2)
    }
    assert len(made) == 4


@pytest.mark.parametrize("password", ["", "Grüße", "tab\there"])
def test_passwords_that_clients_would_change_are_refused_without_being_shown(password):
    with pytest.raises(AnsibleFilterError) as refused:
        module.scram_verifier(password, "keycloak")
    assert "keycloak" in str(refused.value)
    assert not password or password not in str(refused.value)
