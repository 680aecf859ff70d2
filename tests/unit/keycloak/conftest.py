"""The document of the tests against the real server is used here too."""

import sys
from pathlib import Path

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.client import Client
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.reconcile import reconcile
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "keycloak"))

from realm_document import SECRETS, document

KEY = "k" * 32


@pytest.fixture
def wanted_document():
    return document("demo", "https://op.test")


@pytest.fixture
def run():
    """run(fake, document, secrets=..., session=..., check_mode=...) -> (changes, client)."""

    def call(fake, wanted, secrets=None, session=None, realm="master", keep=(), **options):
        client = Client(
            session or fake,
            "https://kc.test",
            "demo",
            "automation",
            "x",
            realm,
            parallel=1,
            sleep=lambda _: None,
        )
        changes = reconcile(client, Wanted(wanted, Keyring({**SECRETS, **(secrets or {})}, KEY, keep)), **options)
        return changes, client

    return call
