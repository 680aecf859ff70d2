#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Module `keycloak_bootstrap`: from Keycloak's first administrator to an automation client with least rights."""

from __future__ import annotations

DOCUMENTATION = """
module: keycloak_bootstrap
short_description: Replace Keycloak's first administrator by an automation client
description:
  - Keycloak makes a temporary administrator when it fills an empty database. With its credentials this module makes the realms
    that are missing (empty), hardens realm C(master), and makes a client that may manage these realms and nothing else. Then it
    logs in as that client, deletes the temporary administrator, and makes sure that its credentials are refused.
  - Afterwards a run makes one token request, and changes nothing.
  - It may be killed at any point. The file with the temporary credentials goes last, so the next run ends what was begun.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  url:
    description: URL of one Keycloak node, as in its certificate. Not the public URL, so that no proxy is needed.
    type: str
    required: true
  ca_path:
    description: File of CAs to trust; the system's when it is not given.
    type: path
  realms:
    description: Realms that must exist and that the client may manage.
    type: list
    elements: str
    required: true
  client_id:
    description: Name of the automation client in realm C(master).
    type: str
    required: true
  client_secret:
    description: Its secret.
    type: str
    required: true
  roles:
    description: What the client may do in each realm; exactly these admin roles, others are taken away.
    type: list
    elements: str
    required: true
  bootstrap_file:
    description:
      - File on this host with C(KC_BOOTSTRAP_ADMIN_CLIENT_ID) and C(KC_BOOTSTRAP_ADMIN_CLIENT_SECRET), with which the server
        was first started. Removed when the temporary administrator is gone.
    type: path
    required: true
  done_file:
    description: File on this host that is written when all is done.
    type: path
    required: true
requirements: [requests]
attributes:
  check_mode:
    support: full
    description: Reads as in a real run and returns the same plan.
  diff_mode:
    support: none
    description: What is made is always the same, and half of it is secret.
"""

EXAMPLES = """
- name: Replace the first administrator by the automation client
  panosc.facility.keycloak_bootstrap:
    url: https://kc1.facility.test:8443
    ca_path: /etc/facility/tls/ca.pem
    realms: [demo]
    client_id: facility-automation
    client_secret: "{{ keycloak_automation_secret }}"
    roles: [manage-realm, manage-clients, manage-users, manage-identity-providers]
    bootstrap_file: /etc/keycloak/bootstrap.env
    done_file: /etc/keycloak/bootstrapped
"""

RETURN = """
plan:
  description: What was done, or would be done in check mode, in order.
  returned: always
  type: list
  elements: dict
  sample:
    - {kind: realm, name: demo, action: create}
requests:
  description: HTTP requests made.
  returned: always
  type: int
recovery:
  description: Whether only a new first administrator could mend what is wrong.
  returned: failed
  type: bool
"""

import os
import tempfile
import traceback
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils.keycloak.client import Client, new_session, part
from ..module_utils.keycloak.errors import KeycloakError, LoginError

try:
    import requests  # noqa: F401  # the client needs it; here only to say so when it is missing

    REQUESTS_ERROR = ""
except ImportError:
    REQUESTS_ERROR = traceback.format_exc()

# Realm master has administrators only, and normally none that is a person.
MASTER = {
    "sslRequired": "all",
    "registrationAllowed": False,
    "resetPasswordAllowed": False,
    "rememberMe": False,
    "bruteForceProtected": True,
    "eventsEnabled": True,
    "eventsExpiration": 90 * 24 * 3600,
    "adminEventsEnabled": True,
}
REALM = {"enabled": True, "sslRequired": "all", "registrationAllowed": False, "bruteForceProtected": True}
CLIENT = {
    "name": "PaN Facility Kit",
    "description": "Manages the realms of the facility; made by the kit",
    "enabled": True,
    "protocol": "openid-connect",
    "publicClient": False,
    "clientAuthenticatorType": "client-secret",
    "serviceAccountsEnabled": True,
    "standardFlowEnabled": False,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "fullScopeAllowed": True,  # bounded by the roles of its account, which are exact
    "redirectUris": [],
    "webOrigins": [],
}
CLIENT_ATTRIBUTES = {"access.token.lifespan": "300"}  # a large realm takes longer than the default minute
CLIENT_SCOPES = ["basic", "roles"]
RECOVERY = (
    "The first administrator, which could mend this, is gone or never was. Make another one (kc.sh bootstrap-admin service) "
    "as roles/keycloak/README.md says under `The first administrator`, and run again: the run takes the rest from there"
)


class Bootstrap:
    """One run: the plan that it makes, and in a real run carries out."""

    def __init__(self, parameters: Mapping[str, Any], session: Any, check: bool) -> None:
        self.wanted, self.check = parameters, check
        self.plan: list[dict[str, str]] = []
        self._session, self._clients = session, []  # type: ignore[var-annotated]

    @property
    def requests(self) -> int:
        """How many were made."""
        return sum(client.requests for client in self._clients)

    def run(self) -> None:
        """Reach the wanted state.

        Raises:
            KeycloakError: it cannot be reached; the message says what to do.
        """
        automation = self._client(self.wanted["client_id"], self.wanted["client_secret"])
        problem = self._problem(automation)
        temporary = self._temporary()
        if not problem and not temporary and os.path.exists(self.wanted["done_file"]):
            return
        if temporary and self._accepted(temporary):
            self._build(temporary)
            if not self.check:
                automation.forget_token()
                problem = self._problem(automation)
        elif problem:
            raise KeycloakError(problem, self.wanted["url"], RECOVERY)
        if problem and not self.check:
            raise KeycloakError(problem, self.wanted["url"], "The first administrator was kept. Run again")
        self._finish(temporary)

    # -- what is there --------------------------------------------------------------------------

    def _client(self, client_id: str, secret: str) -> Client:
        client = Client(self._session, self.wanted["url"], "master", client_id, secret)
        self._clients.append(client)
        return client

    def _temporary(self) -> Client | None:
        """The first administrator, when the file with its credentials is there."""
        try:
            with open(self.wanted["bootstrap_file"], encoding="utf-8") as file:
                lines = dict(line.strip().split("=", 1) for line in file if "=" in line and not line.startswith("#"))
        except FileNotFoundError:
            return None
        try:
            return self._client(lines["KC_BOOTSTRAP_ADMIN_CLIENT_ID"], lines["KC_BOOTSTRAP_ADMIN_CLIENT_SECRET"])
        except KeyError as error:
            raise KeycloakError(
                f"{error} is missing in it", self.wanted["bootstrap_file"], "Remove the file and run again"
            ) from error

    @staticmethod
    def _accepted(client: Client) -> bool:
        try:
            client.claims()
        except LoginError:
            return False
        return True

    def _problem(self, automation: Client) -> str:
        """Why the automation client is not what it should be; empty when it is. One request: the token says everything."""
        try:
            claims = automation.claims()
        except LoginError:
            return f"client {automation.client_id!r} is not accepted"
        has = {
            client: set(access["roles"])
            for client, access in claims.get("resource_access", {}).items()
            if access["roles"]
        }
        realm_roles = claims.get("realm_access", {}).get("roles", [])
        if realm_roles:
            has["master"] = set(realm_roles)
        wanted = {f"{realm}-realm": set(self.wanted["roles"]) for realm in self.wanted["realms"]}
        texts = []
        for place in sorted({*has, *wanted}):
            lacks, exceeds = (
                wanted.get(place, set()) - has.get(place, set()),
                has.get(place, set()) - wanted.get(place, set()),
            )
            texts += [
                f"{verb} {', '.join(sorted(roles))} on {place}"
                for verb, roles in (("lacks", lacks), ("should not have", exceeds))
                if roles
            ]
        return f"client {automation.client_id!r} {'; '.join(texts)}" if texts else ""

    # -- what is made ---------------------------------------------------------------------------

    def _note(self, kind: str, name: str, action: str) -> bool:
        """Put it on the plan; whether to do it as well."""
        self.plan.append({"kind": kind, "name": name, "action": action})
        return not self.check

    def _build(self, admin: Client) -> None:
        """All that needs the first administrator."""
        clients = {client["clientId"]: client for client in admin.get("/clients")}
        for realm in self.wanted["realms"]:
            if f"{realm}-realm" not in clients and self._note("realm", realm, "create"):
                admin.create_realm({**REALM, "realm": realm})
        self._harden(admin, clients)
        account = self._automation(admin, clients.get(self.wanted["client_id"]))
        if account:
            self._grant(admin, account)
        else:  # check mode: the client is not there to be asked
            self.plan += [
                {"kind": "roles", "name": f"{realm}-realm", "action": "give"} for realm in self.wanted["realms"]
            ]

    def _harden(self, admin: Client, clients: Mapping[str, Any]) -> None:
        master = admin.get()
        changes = {key: value for key, value in MASTER.items() if master.get(key) != value}
        if changes and self._note("realm", "master", "harden"):
            admin.put("", changes)
        cli = clients.get("admin-cli")
        if cli and cli.get("directAccessGrantsEnabled") and self._note("client", "admin-cli", "forbid password grants"):
            admin.put(f"/clients/{cli['id']}", {**cli, "directAccessGrantsEnabled": False})

    def _automation(self, admin: Client, client: Mapping[str, Any] | None) -> str:
        """Make or mend the client; the id of its service account, empty when check mode did not make one."""
        name = self.wanted["client_id"]
        body = {**CLIENT, "clientId": name, "secret": self.wanted["client_secret"], "attributes": CLIENT_ATTRIBUTES}
        if client is None:
            if not self._note("client", name, "create"):
                return ""
            scopes = {"defaultClientScopes": CLIENT_SCOPES, "optionalClientScopes": []}
            identity = admin.create("/clients", {**body, **scopes}, lambda: self._find(admin, name))
        else:
            identity = str(client["id"])
            attributes = client.get("attributes", {})
            same = all(client.get(key) == value for key, value in body.items() if key != "attributes")
            same = same and all(attributes.get(key) == value for key, value in CLIENT_ATTRIBUTES.items())
            if not same and self._note("client", name, "update"):
                admin.put(f"/clients/{identity}", {**body, "id": identity})
        return str(admin.get(f"/clients/{identity}/service-account-user")["id"]) if identity else ""

    @staticmethod
    def _find(admin: Client, name: str) -> str | None:
        found = [client for client in admin.get("/clients", clientId=name) if client["clientId"] == name]
        return str(found[0]["id"]) if found else None

    def _grant(self, admin: Client, account: str) -> None:
        """Exactly the wanted roles."""
        mappings = admin.get(f"/users/{account}/role-mappings")
        realm_roles = mappings.get("realmMappings", [])
        if realm_roles and self._note("roles", "master", "take away"):
            admin.delete(f"/users/{account}/role-mappings/realm", realm_roles)
        held = mappings.get("clientMappings", {})
        ids = {client["clientId"]: client["id"] for client in admin.get("/clients")}
        wanted = {f"{realm}-realm": set(self.wanted["roles"]) for realm in self.wanted["realms"]}
        for place in sorted({*held, *wanted}):
            has = held.get(place, {}).get("mappings", [])
            extra = [role for role in has if role["name"] not in wanted.get(place, set())]
            if extra and self._note("roles", place, "take away"):
                admin.delete(f"/users/{account}/role-mappings/clients/{ids[place]}", extra)
            missing = wanted.get(place, set()) - {role["name"] for role in has}
            if missing and self._note("roles", place, "give"):
                roles = self._roles(admin, ids[place], place, missing)
                admin.post(f"/users/{account}/role-mappings/clients/{ids[place]}", roles)

    @staticmethod
    def _roles(admin: Client, client: str, place: str, names: set[str]) -> list[Any]:
        found = [role for role in admin.get(f"/clients/{client}/roles") if role["name"] in names]
        unknown = names - {role["name"] for role in found}
        if unknown:
            raise KeycloakError(f"there is no role {', '.join(sorted(unknown))}", f"client {place}", "Correct `roles`")
        return found

    def _finish(self, temporary: Client | None) -> None:
        """Delete the first administrator, prove that it is gone, remember that all is done."""
        if temporary and self._accepted(temporary) and self._note("client", temporary.client_id, "delete"):
            identity = self._find(temporary, temporary.client_id)
            if identity:
                temporary.delete(f"/clients/{part(identity)}")
            temporary.forget_token()
            if self._accepted(temporary):
                raise KeycloakError(
                    f"client {temporary.client_id!r} was deleted but is still accepted",
                    self.wanted["url"],
                    "Delete it in the administration console, then run again",
                )
        if self._note("file", self.wanted["bootstrap_file"], "remove"):
            _write(
                self.wanted["done_file"],
                f"The first administrator was replaced by client {self.wanted['client_id']}.\n",
            )
            if temporary:
                os.unlink(self.wanted["bootstrap_file"])


def _write(path: str, text: str) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(name, 0o644)
    os.replace(name, path)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "ca_path": {"type": "path"},
            "realms": {"type": "list", "elements": "str", "required": True},
            "client_id": {"type": "str", "required": True},
            "client_secret": {"type": "str", "required": True, "no_log": True},
            "roles": {"type": "list", "elements": "str", "required": True},
            "bootstrap_file": {"type": "path", "required": True},
            "done_file": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    if REQUESTS_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_ERROR)
    bootstrap = Bootstrap(module.params, new_session(module.params["ca_path"], 1), module.check_mode)
    try:
        bootstrap.run()
    except (KeycloakError, OSError) as error:
        recovery = getattr(error, "mend", "") == RECOVERY
        module.fail_json(msg=str(error), plan=bootstrap.plan, requests=bootstrap.requests, recovery=recovery)
    module.exit_json(changed=bool(bootstrap.plan), plan=bootstrap.plan, requests=bootstrap.requests)


if __name__ == "__main__":
    main()
