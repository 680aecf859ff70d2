"""What a dossier takes from identity providers, before there is a secret."""

import pytest
from ansible_collections.panosc.facility.plugins.filter.registration import (
    claims_wanted,
    overridden_endpoints,
    unregistered,
)


class Vaultless(dict):
    """An entry whose secret stands in a vault that does not have it yet."""

    def __getitem__(self, key):
        if key == "client_secret":
            raise KeyError("vault_given_umbrella_client_secret is undefined")
        return super().__getitem__(key)


def test_a_secret_that_cannot_be_had_is_not_looked_at():
    entry = Vaultless(preset="umbrella", client_secret="{{ vault_given_umbrella_client_secret }}")
    assert unregistered([entry], "(open)") == [{"preset": "umbrella", "client_id": "(open)", "client_secret": "(open)"}]


def test_a_client_id_that_is_known_stays():
    assert unregistered([{"preset": "umbrella", "client_id": "demo"}], "(open)")[0]["client_id"] == "demo"


@pytest.mark.parametrize(
    ("config", "claims"),
    [
        ({"claim": "orcid", "user.attribute": "orcid"}, ["orcid"]),
        ({"template": "${ALIAS}.${CLAIM.sub}"}, ["sub"]),
        ({"template": "${ALIAS}.${ATTRIBUTE.urn:oid:1.2.3}"}, ["urn:oid:1.2.3"]),
        ({"attribute.name": "urn:oid:2.5.4.4"}, ["urn:oid:2.5.4.4"]),
        ({"template": "${ALIAS}.${NAMEID}"}, []),
        ({"role": "open-data"}, []),
    ],
)
def test_claims_that_mappers_read(config, claims):
    assert claims_wanted({"mappers": [{"config": config}, {"config": config}]}) == claims


def test_endpoints_that_the_site_gives_in_spite_of_discovery():
    providers = [{"alias": "uni", "token_url": "https://x.test"}, {"alias": "umbrella", "token_url": ""}]
    assert overridden_endpoints(providers) == {"uni": ["tokenUrl"], "umbrella": []}
