#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: one live Keycloak realm as a document."""

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_realm_info
short_description: Describe a live Keycloak realm as the document that keycloak_realm takes
version_added: 0.1.0
description:
  - Reads a whole realm, however it was made, and returns it in the form that M(panosc.facility.keycloak_realm) takes. Applied to the
    same realm, the document changes nothing. So it is the way to take a running realm into an inventory.
  - What comes with a new realm of Keycloak 26.7 and was not changed is left out, and so are ids, users and what Keycloak computes.
  - Secrets are named as V(secret:<name>) and never returned. RV(secrets) lists the names for which
    O(panosc.facility.keycloak_realm#module:secrets) needs values; until they are at hand, put the names into
    O(panosc.facility.keycloak_realm#module:keep_secrets).
  - Sends one request for each client, each composite role and each group with children, two for each service account, one for each
    client with authorization services and for each permission of administrators, besides some twenty. Writes nothing.
author: PaN Facility Kit contributors (@panosc-eu)
extends_documentation_fragment: panosc.facility.keycloak
options:
  realm:
    description: Name of the realm.
    type: str
    required: true
attributes:
  check_mode:
    description: It writes nothing in any mode.
    support: full
  diff_mode:
    description: Nothing changes.
    support: none
notes:
  - "API meant: Admin REST API of Keycloak 26.7, U(https://www.keycloak.org/docs-api/26.7.5/rest-api/)."
  - The client needs the roles C(manage-realm), C(manage-clients), C(manage-users) and C(manage-identity-providers) of client
    C(<realm>-realm) in realm C(master). The view roles do not suffice, for Keycloak's export asks for more.
"""

EXAMPLES = r"""
- name: Describe the realm
  panosc.facility.keycloak_realm_info:
    url: https://kc1.facility.test:8443
    ca_path: /etc/facility/tls/ca.pem
    client_id: facility-automation
    client_secret: "{{ keycloak_automation_secret }}"
    realm: demo
  register: described

- name: Keep it in the inventory
  ansible.builtin.copy:
    content: "{{ {'site_realm': described.document} | to_nice_yaml(sort_keys=false) }}"
    dest: "{{ inventory_dir }}/group_vars/keycloak/realm.yml"
    mode: "0644"
  delegate_to: localhost

- name: Applied as it is, it changes nothing
  panosc.facility.keycloak_realm:
    url: https://kc1.facility.test:8443
    ca_path: /etc/facility/tls/ca.pem
    client_id: facility-automation
    client_secret: "{{ keycloak_automation_secret }}"
    fingerprint_key: "{{ realm_fingerprint_key }}"
    realm: "{{ described.document }}"
    keep_secrets: "{{ described.secrets }}"
"""

RETURN = r"""
exists:
  description: Whether there is such a realm.
  returned: success
  type: bool
document:
  description: The realm, in the form of O(panosc.facility.keycloak_realm#module:realm). Empty when there is none.
  returned: success
  type: dict
secrets:
  description: Names of the secrets that the document refers to.
  returned: success
  type: list
  elements: str
  sample: [clients/visa, identityProviders/umbrella, smtp]
left_out:
  description: What the realm has and the document cannot say. It stays as it is.
  returned: success
  type: list
  elements: str
  sample: ["adminPermissions.policies[by e-mail]"]
requests:
  description: HTTP requests sent, the one for the token included.
  returned: always
  type: int
  sample: 60
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import rights, state
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.connection import ARGUMENTS, connection
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.describe import describe, left_out, secrets_in
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import SECTIONS, Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import KeycloakError
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring


def main() -> None:
    """Runs the module."""
    arguments = {**ARGUMENTS, "realm": {"type": "str", "required": True}}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    client = connection(module, module.params["realm"])
    document, missing, exists = {}, [], False
    try:
        everything = Wanted({"realm": module.params["realm"], **dict.fromkeys(SECTIONS)}, Keyring({}, ""))
        everything.sections = set(SECTIONS)
        exists = rights.check(client, everything)
        if exists:
            live = state.read(client, everything, whole=True)
            document, missing = describe(live), left_out(live)
    except KeycloakError as error:
        module.fail_json(msg=str(error), requests=client.requests)
    module.exit_json(
        changed=False,
        exists=exists,
        document=document,
        secrets=secrets_in(document),
        left_out=missing,
        requests=client.requests,
    )


if __name__ == "__main__":
    main()
