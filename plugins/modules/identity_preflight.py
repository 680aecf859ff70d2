#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: prove what a realm leans on."""

from __future__ import annotations

DOCUMENTATION = r"""
module: identity_preflight
short_description: Prove the identity providers, directories and mail server of a realm document
version_added: 0.1.0
description:
  - Asks each partner that the document names, from this host and with its trust, whether it is as the document says. Nothing is changed
    anywhere, nobody logs in, no mail is sent.
  - "OpenID Connect: the issuer of the discovery document equals the configured one byte for byte; endpoints, scopes and methods agree; the
    signing keys can be fetched and used; the provider takes the client secret (it is sent with a code that cannot be right, and the error
    tells which of the two is refused); it knows the redirect URI (a login is begun that asks for no page)."
  - "SAML: metadata is there and of the right entity, its certificates are good for how many days, the configured ones are among them."
  - "LDAP: the name of the server is in its certificate, the account may bind and search, people are found and have what an account needs."
  - "SMTP: the server answers, encrypts, takes the password and the sender."
  - "All servers: certificates are verified, and the days that they have left are told."
  - Needs nothing but Python, so that it runs on a host on which nothing has been installed yet. Each step is bounded in time; all partners
    are asked at once.
author: PaN Facility Kit contributors (@panosc-eu)
options:
  realm:
    description: The document, as in M(panosc.facility.keycloak_realm).
    type: dict
    required: true
  secrets:
    description: Name to clear value, for the references in the document.
    type: dict
    default: {}
  public_url:
    description: Scheme and host under which people reach Keycloak; redirect URIs follow from it.
    type: str
    required: true
  ca_path:
    description: File on this host with authorities to trust besides the system's. It need not be there yet.
    type: path
  authorities:
    description: More authorities to trust, as PEM text.
    type: str
    default: ""
  despite:
    description: Aliases of identity providers, names of directories, or V(smtp), whose errors are told as warnings.
    type: list
    elements: str
    default: []
  overridden:
    description: For each alias the endpoints (as V(tokenUrl)) in which the site knowingly departs from the discovery document.
    type: dict
    default: {}
  timeout:
    description: Seconds to wait for each step. A partner that is not done after six times this time is given up.
    type: int
    default: 10
  warn_days:
    description: Warn of certificates that end sooner.
    type: int
    default: 30
attributes:
  check_mode:
    description: Only looks.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
"""

EXAMPLES = r"""
- name: Prove what the realm leans on
  panosc.facility.identity_preflight:
    public_url: https://auth.facility.test
    secrets: {umbrella: "{{ vault_given_umbrella_client_secret }}"}
    realm:
      realm: demo
      identityProviders:
        - alias: umbrella
          providerId: oidc
          config:
            issuer: https://proxy.umbrellaid.org/
            clientId: facility
            clientSecret: secret:umbrella
            clientAuthMethod: client_secret_basic
            defaultScope: openid email profile
  register: proof
  failed_when: proof.findings | selectattr('level', 'eq', 'error') | length > 0
"""

RETURN = r"""
findings:
  description: One entry for each check. None holds a secret or anything about a person.
  returned: success
  type: list
  elements: dict
  contains:
    subject:
      description: Alias of the provider, name of the directory, or V(smtp).
      type: str
      sample: umbrella
    what:
      description: The check.
      type: str
      sample: client secret
    level:
      description: V(ok), V(unknown) (cannot be known without a login), V(warning) or V(error) (people could not log in).
      type: str
      sample: error
    message:
      description: What was found.
      type: str
    where:
      description: The address asked, or the place in the document.
      type: str
    mend:
      description: What to do, empty when there is nothing to do.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import KeycloakError
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from ansible_collections.panosc.facility.plugins.module_utils.preflight.findings import tolerated
from ansible_collections.panosc.facility.plugins.module_utils.preflight.identity import partners, probe_all
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line

ARGUMENTS = {
    "realm": {"type": "dict", "required": True},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "public_url": {"type": "str", "required": True},
    "ca_path": {"type": "path"},
    "authorities": {"type": "str", "default": ""},
    "despite": {"type": "list", "elements": "str", "default": []},
    "overridden": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 10},
    "warn_days": {"type": "int", "default": 30},
}


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    try:
        wanted = Wanted(given["realm"], Keyring(given["secrets"], key=""))
        line = Line(given["ca_path"] or "", given["authorities"], given["timeout"], given["warn_days"])
    except (KeycloakError, ValueError) as error:
        module.fail_json(msg=str(error))
    found = probe_all(partners(wanted, given["public_url"], given["overridden"]), line)
    module.exit_json(changed=False, findings=[finding.data() for finding in tolerated(found, given["despite"])])


if __name__ == "__main__":
    main()
