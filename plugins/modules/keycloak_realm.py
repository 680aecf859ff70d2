#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: one Keycloak realm, reconciled in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: keycloak_realm
short_description: Bring one Keycloak realm to the state that a document describes
version_added: 0.1.0
description:
  - Takes the whole wanted state of a realm in one document, reads the live realm with a few requests, plans, and
    writes only what differs, in order of dependency.
  - The document has the field names of Keycloak's RealmRepresentation. Sections that are absent are neither read nor
    touched. Inside an object only the keys that are named are compared and written.
  - Objects that people made by hand stay as they are. A list that is named is the whole list (redirect URIs,
    scopes of a client, members of a composite role), and so is the tree of an authentication flow.
  - What this module made is known by its name, kept in attributes C(facility.owned...) of the realm. When the document no
    longer names it, it is shown in the plan as a removal, and goes with O(prune). Only sections that the document has
    are looked at; an empty list says that nothing of its kind is wanted any more.
  - Secrets stand outside the document, in O(secrets), and are referred to as V(secret:<name>). The ones that Keycloak does not
    show (identity provider, LDAP, mail server) are compared by a keyed fingerprint kept beside them; see the notes.
  - A changed authentication flow is built as a copy, read back, bound in place of the old one everywhere, and only then
    takes its name. Killed at any point, some complete flow is in use, and the next run finishes.
  - Before a new OpenID Connect provider or a changed endpoint is written, its discovery document is read by the
    Keycloak server, and the issuer must be the configured one byte for byte.
author: PaN Facility Kit contributors (@panosc-eu)
extends_documentation_fragment: panosc.facility.keycloak
options:
  realm:
    description:
      - The wanted state. The only key that must be there is C(realm), the name.
      - "Settings: every plain field of RealmRepresentation, with C(attributes), C(smtpServer) and C(browserSecurityHeaders);
        the bindings C(browserFlow), C(registrationFlow), C(directGrantFlow), C(resetCredentialsFlow), C(clientAuthenticationFlow),
        C(dockerAuthenticationFlow), C(firstBrokerLoginFlow) by alias."
      - "C(userProfile): as GET users/profile. Attributes and groups are joined by name."
      - "C(keyProviders): list with C(name), C(providerId) such as V(rsa-generated), C(config) with plain values. See the notes on
        rotation."
      - "C(clientScopes): list with C(name), C(protocol) (default C(openid-connect)), C(attributes), C(protocolMappers)."
      - "C(defaultDefaultClientScopes), C(defaultOptionalClientScopes): lists of scope names."
      - "C(roles): C(realm), a list with C(name), C(description), C(attributes), C(composites) (C(realm): names, C(client):
        clientId to names); C(client): clientId to such a list."
      - "C(groups): tree with C(name), C(description), C(attributes), C(realmRoles) (names), C(clientRoles) (clientId to names),
        C(subGroups)."
      - "C(defaultGroups): list of paths of groups that new users are put into."
      - "C(clients): list with C(clientId) and any field of ClientRepresentation. C(authenticationFlowBindingOverrides)
        takes aliases of flows, not ids."
      - "C(clients[].serviceAccountRoles): C(realm), names, and C(client), clientId to names; the whole list of the roles that the
        client itself has. Those that Keycloak gives by itself (C(default-roles-<realm>), C(uma_protection)) need not be named."
      - "C(clients[].authorizationSettings): C(resources), C(scopes), C(policies) (permissions too), C(policyEnforcementMode),
        C(decisionStrategy), C(allowRemoteResourceManagement), as Keycloak exports them; C(config) with plain lists. Entries are joined by
        name, and other ones stay, also those that an earlier document named. Both keys switch the service account on."
      - "C(scopeMappings), C(clientScopeMappings): as in an export."
      - "C(authenticationFlows): nested. Each has C(alias), C(description), C(providerId), C(executions); an execution has
        C(requirement) and either C(authenticator) with C(config), or C(flow), a flow of the same form. C(config.alias) may
        be left out."
      - "C(requiredActions): list with C(alias), C(enabled), C(defaultAction), C(priority) (lower ones come first), C(config)."
      - "C(identityProviders): list with C(alias), C(providerId), any field of IdentityProviderRepresentation, C(config), and
        C(mappers): list with C(name), C(identityProviderMapper), C(config)."
      - "C(userFederation): list with C(name), C(providerId) (default C(ldap)), C(config) with plain values, and C(mappers):
        list with C(name), C(providerId), C(config). Mappers that Keycloak makes by itself are adopted by name."
      - "C(organizations): list with C(alias), C(name), C(description), C(redirectUrl), C(enabled), C(domains) (names, or objects with
        C(name) and C(verified)), C(attributes), C(identityProviders) (aliases). Needs C(organizationsEnabled)."
      - "C(adminPermissions): fine-grained permissions of administrators, with C(adminPermissionsEnabled: true). C(policies): list with
        C(name), C(type) and what the type needs: C(group), C(groups) (paths, or objects with C(path) and C(extendChildren)); C(role),
        C(roles) (names, C(clientId/name) of a client's, or objects with C(name) and C(required)); C(user), C(users) (user names); C(client),
        C(clients) (clientIds); C(aggregate), C(policies) (names) and C(decisionStrategy); C(time), C(hour), C(hourEnd) and so on.
        C(permissions): list with C(name), C(resourceType) (C(Users), C(Groups), C(Clients), C(Roles), C(Organizations)), C(scopes), C(policies)
        (names, all of which must agree), and C(resources), the names of certain objects instead of all."
      - "C(clientProfiles.profiles), C(clientPolicies.policies): lists with C(name), as in an export."
      - "C(localization): locale to key to text."
      - Values of C(config) and C(attributes) may be booleans, numbers, or structures (stored as JSON). A null removes a key.
    type: dict
    required: true
  secrets:
    description:
      - Name to clear value, for the references in the document. Values of asterisks only are refused.
      - "Places that take a reference: C(clients[].secret), C(identityProviders[].config.clientSecret),
        C(userFederation[].config.bindCredential), C(smtpServer.password); C(privateKey), C(keystorePassword), C(keyPassword) and
        C(secret) in C(keyProviders[].config)."
    type: dict
    default: {}
  keep_secrets:
    description:
      - Names of secrets that stay as the server has them, whatever they are. They need no value and are neither compared nor written.
      - For a realm that is being taken over (see M(panosc.facility.keycloak_realm_info)), until the values are at hand.
    type: list
    elements: str
    default: []
  fingerprint_key:
    description:
      - Key of the HMAC-SHA256 fingerprints. Keep it secret and the same. After a change of the key the masked secrets are
        written once more.
    type: str
    required: true
  verify_discovery:
    description:
      - Whether to compare the issuer of new or changed OpenID Connect providers with their discovery document.
      - Costs one request for each such provider, in check mode too, and nothing in a run without such a change.
    type: bool
    default: true
  prune:
    description:
      - Whether to remove what this module made and the document no longer names. Otherwise the plan shows it.
      - "Never removed: what was made by hand, what comes with Keycloak, a flow that is in use, a profile that a client policy
        applies, a policy that somebody's permission uses, a key that still signs, a group that has groups made by hand in it, the
        client as which the module is logged in."
    type: bool
    default: false
  prune_users:
    description:
      - With O(prune), whether to remove also user federation, with every user that came from it, and identity providers, with the
        links of all users to them. A user that comes again has another C(sub).
    type: bool
    default: false
  preflight:
    description:
      - Prove each identity provider, directory and mail server that is new or whose settings change, from this host and before anything is
        written, in check mode too. Nothing is asked in a run without such a change. See M(panosc.facility.identity_preflight).
    type: dict
    suboptions:
      public_url:
        description: Scheme and host under which people reach Keycloak; redirect URIs follow from it.
        type: str
        required: true
      despite:
        description: Aliases of identity providers, names of directories, or V(smtp), whose errors are no obstacle.
        type: list
        elements: str
        default: []
      overridden:
        description: For each alias the endpoints in which the site knowingly departs from the discovery document.
        type: dict
        default: {}
      timeout:
        description: Seconds to wait for each step.
        type: int
        default: 10
      warn_days:
        description: Warn of certificates that end sooner.
        type: int
        default: 30
attributes:
  check_mode:
    description: The same plan as a real run, and nothing is written.
    support: full
  diff_mode:
    description: The differing fields of each object. A secret is shown as a word.
    support: full
notes:
  - "API meant: Admin REST API of Keycloak 26.7, U(https://www.keycloak.org/docs-api/26.7.5/rest-api/)."
  - The client needs the roles C(manage-realm), and as far as the document has such sections C(manage-clients),
    C(manage-users) and C(manage-identity-providers), of client C(<realm>-realm) in realm C(master). Without them Keycloak
    answers with empty lists, so their absence is an error before anything is read. C(serviceAccountRoles) need C(manage-users),
    C(clientRoles) of a group C(manage-clients), and C(adminPermissions) both.
  - "With C(adminPermissionsEnabled) Keycloak lets nobody give out roles of C(realm-management) who is not administrator of the whole
    realm. So it is switched on after they have been given. To give more of them later switch it off by hand; the next run gives them and
    switches it on again."
  - If the realm does not exist the client also needs C(create-realm). In check mode everything is then listed as created,
    also what Keycloak would make by itself.
  - "Rotation of a realm key takes three documents. First a new key provider of higher C(priority): it signs from now on, and the old
    one verifies. When the longest session has ended, C(active: false) in the C(config) of the old one. Later leave the old one out: with
    O(prune) it goes."
  - A secret that someone changes by hand in the console at an identity provider, LDAP or mail server is not noticed,
    since Keycloak does not show it. To have it written again, remove the config key or realm attribute C(facility.fingerprint...).
"""

EXAMPLES = r"""
- name: Bring the realm to its wanted state
  panosc.facility.keycloak_realm:
    url: https://kc1.facility.test:8443
    ca_path: /etc/facility/tls/ca.pem
    client_id: facility-automation
    client_secret: "{{ keycloak_automation_secret }}"
    fingerprint_key: "{{ realm_fingerprint_key }}"
    secrets:
      umbrella: "{{ vault_given_umbrella_client_secret }}"
      visa: "{{ vault_realm_visa_client_secret }}"
    realm:
      realm: demo
      displayName: Demo Light Source
      accessTokenLifespan: 300
      groups:
        - name: umbrella
          subGroups:
            - name: beamline-users
      clients:
        - clientId: visa
          secret: secret:visa
          redirectUris: ["https://visa.facility.test/callback"]
          fullScopeAllowed: false
      authenticationFlows:
        - alias: facility first broker login
          executions:
            - {authenticator: idp-review-profile, requirement: REQUIRED, config: {update.profile.on.first.login: missing}}
            - requirement: REQUIRED
              flow:
                alias: facility create or link
                executions:
                  - {authenticator: idp-create-user-if-unique, requirement: ALTERNATIVE}
                  - requirement: ALTERNATIVE
                    flow:
                      alias: facility link after login
                      executions:
                        - {authenticator: idp-confirm-link, requirement: REQUIRED}
                        - {authenticator: idp-username-password-form, requirement: REQUIRED}
      identityProviders:
        - alias: umbrella
          providerId: oidc
          firstBrokerLoginFlowAlias: facility first broker login
          config:
            issuer: https://proxy.umbrella.test
            authorizationUrl: https://proxy.umbrella.test/OIDC/authorization
            tokenUrl: https://proxy.umbrella.test/OIDC/token
            jwksUrl: https://proxy.umbrella.test/OIDC/jwks
            useJwksUrl: true
            validateSignature: true
            clientId: facility
            clientSecret: secret:umbrella
            syncMode: IMPORT
          mappers:
            - name: voperson_id
              identityProviderMapper: oidc-user-attribute-idp-mapper
              config: {claim: voperson_id, user.attribute: voperson_id, syncMode: FORCE}
  register: realm

- name: Show what was done
  ansible.builtin.debug:
    msg: "{{ realm.plan | map(attribute='kind') | list }} with {{ realm.requests }} requests"
"""

RETURN = r"""
plan:
  description: What differed, in the order of writing. The same in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: Kind of object.
      type: str
      sample: identity provider
    name:
      description: Its name; an owner's name stands before a slash.
      type: str
      sample: umbrella
    action:
      description: V(create), V(update) or V(remove).
      type: str
      sample: update
    fields:
      description: Fields that differ.
      type: list
      elements: str
      sample: [config.clientSecret]
    kept:
      description: Why a removal is only shown. Absent when the change is made.
      type: str
      sample: prune is off
lines:
  description: The same for people, one line for each change, without values.
  returned: success
  type: list
  elements: str
  sample: ["update identity provider umbrella: config.clientSecret", "remove client old (kept: prune is off)"]
counts:
  description: Number of changes by action, those that are only shown included.
  returned: success
  type: dict
  sample: {create: 2, update: 1}
applied:
  description: What had been written before the failure, in the form of RV(plan).
  returned: when a change failed after others were written
  type: list
  elements: dict
findings:
  description: What the proofs of O(preflight) found, in the form of M(panosc.facility.identity_preflight).
  returned: success
  type: list
  elements: dict
requests:
  description: HTTP requests sent, the one for the token included.
  returned: always
  type: int
  sample: 9
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import connection
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.document import Wanted
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.errors import KeycloakError, PartialError
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.ownership import Prune
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.plan import counts
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.reconcile import reconcile
from ansible_collections.panosc.facility.plugins.module_utils.keycloak.secrets import Keyring
from ansible_collections.panosc.facility.plugins.module_utils.preflight.findings import WARNING
from ansible_collections.panosc.facility.plugins.module_utils.preflight.gate import Gate
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line

ARGUMENTS = {
    **connection.ARGUMENTS,
    "realm": {"type": "dict", "required": True},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "keep_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    "fingerprint_key": {"type": "str", "required": True, "no_log": True},
    "verify_discovery": {"type": "bool", "default": True},
    "prune": {"type": "bool", "default": False},
    "prune_users": {"type": "bool", "default": False},
    "preflight": {
        "type": "dict",
        "options": {
            "public_url": {"type": "str", "required": True},
            "despite": {"type": "list", "elements": "str", "default": []},
            "overridden": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 10},
            "warn_days": {"type": "int", "default": 30},
        },
    },
}


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    if given["prune_users"] and not given["prune"]:
        module.fail_json(msg="prune_users is true and prune is not: give both, or neither", requests=0)
    sent = 0
    gate = None
    try:
        wanted = Wanted(given["realm"], Keyring(given["secrets"], given["fingerprint_key"], given["keep_secrets"]))
        for warning in wanted.warnings:
            module.warn(warning)
        client = connection.connection(module, wanted.realm)
        if given["preflight"]:
            gate = _gate(wanted, given["ca_path"] or "", given["preflight"])
        try:
            changes = reconcile(
                client,
                wanted,
                check_mode=module.check_mode,
                verify_discovery=given["verify_discovery"],
                prune=Prune(given["prune"], given["prune_users"]),
                gate=gate,
            )
        finally:
            sent = client.requests
    except PartialError as error:
        applied = [change.summary() for change in error.applied]
        module.fail_json(msg=str(error), applied=applied, changed=bool(applied), requests=sent)
    except KeycloakError as error:
        module.fail_json(msg=str(error), requests=sent)
    for finding in gate.findings if gate else ():
        if finding.level == WARNING:
            module.warn(finding.line())
    module.exit_json(
        changed=any(not change.kept for change in changes),
        plan=[change.summary() for change in changes],
        counts=counts(changes),
        lines=[change.line() for change in changes],
        diff=[change.diff() for change in changes],
        findings=[finding.data() for finding in gate.findings] if gate else [],
        requests=sent,
    )


def _gate(wanted: Wanted, ca_path: str, preflight: dict[str, Any]) -> Gate:
    """The proofs that `preflight` asks for."""
    try:
        line = Line(ca_path, timeout=preflight["timeout"], warn_days=preflight["warn_days"])
    except ValueError as error:
        raise KeycloakError(str(error), "ca_path") from error
    return Gate(wanted, preflight["public_url"], line, preflight["despite"], preflight["overridden"])


if __name__ == "__main__":
    main()
