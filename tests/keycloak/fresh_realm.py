"""Write what a new realm holds into plugins/module_utils/keycloak/fresh_realm.py: once for each version of Keycloak.

usage: python tests/keycloak/fresh_realm.py     with FACILITY_TEST_KEYCLOAK_URL and its like set, see conftest.py
"""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.panosc.facility.plugins.module_utils.keycloak import describe, fresh_realm, rights, state
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from realm_server import Server  # type: ignore[import-not-found]

MODULE = '''# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""What a new realm, and a new client, of Keycloak {version} hold: written by tests/keycloak/fresh_realm.py, not by hand.

A description of a realm leaves it out. What another version has otherwise is merely described too.
"""

from __future__ import annotations

REALM = r"""
{realm}
"""

CLIENT = {client}
'''


def main() -> None:
    """Makes a realm, describes it, deletes it."""
    server = Server()
    client = server.client()
    rights.create_realm(client, server.name)
    try:
        client.create("/clients", {"clientId": "new"}, lambda: None)
        live = state.read(client, Wanted({"realm": server.name}, Keyring({}, "")), whole=True)
        describe.REALM, describe.CLIENT = "{}", {}
        found = describe.describe(live)
    finally:
        client.delete("")
    (new,) = [item for item in found["clients"] if item["clientId"] == "new"]
    found["clients"].remove(new)
    for key in ("realm", "enabled"):
        del found[key]
    for key in ("clientId", "secret"):
        del new[key]
    text = MODULE.format(
        version=live.realm["keycloakVersion"],
        realm=json.dumps(found, indent=1, ensure_ascii=False).replace(server.name, "{realm}"),
        client=json.dumps(new, indent=4).replace("true", "True").replace("false", "False"),
    )
    Path(fresh_realm.__file__).resolve().write_text(text)


if __name__ == "__main__":
    main()
