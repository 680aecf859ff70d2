#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Module `keycloak_keys`: new keys for a realm, the old ones kept as long as something signed with them is valid."""

from __future__ import annotations

DOCUMENTATION = """
module: keycloak_keys
short_description: Rotate the keys of a realm
description:
  - Begins a rotation, goes on with one, or ends one, whichever is due. Where it stands is seen in the realm itself, so a run that
    was killed is taken up by the next one, and it does not matter who runs it.
  - Begins by making a key with a higher priority for each kind of key, which signs from now on; the old key signs no more but
    still proves what it has signed. Nobody notices.
  - Ends by deleting the old key, when the longest session or offline session that the realm allows is over since then. Until
    then it changes nothing.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
extends_documentation_fragment: [panosc.facility.keycloak]
options:
  realm:
    description: The realm.
    type: str
    required: true
  providers:
    description: Kinds of keys. Only keys that Keycloak generated itself can be rotated.
    type: list
    elements: str
    default: [rsa-generated, rsa-enc-generated, hmac-generated, aes-generated, ecdsa-generated, eddsa-generated]
attributes:
  check_mode:
    support: full
    description: Reads as in a real run and returns the same plan.
  diff_mode:
    support: none
    description: The plan says it all.
"""

EXAMPLES = """
- name: Rotate the keys of the realm
  panosc.facility.keycloak_keys:
    url: https://kc1.facility.test:8443
    ca_path: /etc/facility/tls/ca.pem
    client_id: facility-automation
    client_secret: "{{ vault_keycloak_automation_secret }}"
    realm: demo
"""

RETURN = """
plan:
  description: What was done, or would be done in check mode, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: create, name: rsa-generated-20261126T120000Z}
    - {action: retire, name: rsa-generated}
until:
  description: When the old keys can be deleted, YYYYMMDDTHHMMSSZ; empty when there are none.
  returned: success
  type: str
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.keycloak.client import HAS_REQUESTS, Client, new_session, part
from ..module_utils.keycloak.errors import KeycloakError

KIND = "org.keycloak.keys.KeyProvider"
STAMP = "%Y%m%dT%H%M%SZ"
MADE = re.compile(r"-([0-9]{8}T[0-9]{6}Z)$")
# What of a key's settings its successor has as well; the rest is the key itself.
COPIED = (
    "algorithm",
    "keySize",
    "secretSize",
    "ecdsaEllipticCurveKey",
    "eddsaEllipticCurveKey",
    "ecGenerateCertificate",
)
SPARE = timedelta(days=1)  # clocks, and tokens that were made while the run went on


def overlap(realm: dict[str, Any]) -> timedelta:
    """How long something that was signed just now may be valid."""
    offline = (
        "offlineSessionMaxLifespan" if realm.get("offlineSessionMaxLifespanEnabled") else "offlineSessionIdleTimeout"
    )
    lives = (offline, "ssoSessionMaxLifespan", "ssoSessionMaxLifespanRememberMe", "accessTokenLifespan")
    return timedelta(seconds=max(int(realm.get(life) or 0) for life in lives)) + SPARE


def said(key: dict[str, Any], name: str, default: str) -> str:
    """Return a setting; Keycloak keeps each as a list."""
    return str((key.get("config", {}).get(name) or [default])[0])


def made(key: dict[str, Any]) -> datetime:
    """When a key was made by this module; others are older than all."""
    found = MADE.search(key["name"])
    return (
        datetime.strptime(found[1], STAMP).replace(tzinfo=timezone.utc)
        if found
        else datetime.min.replace(tzinfo=timezone.utc)
    )


def successor(key: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return the key that takes over."""
    config = {name: key["config"][name] for name in COPIED if key["config"].get(name)}
    name = f"{MADE.sub('', key['name'])}-{now.strftime(STAMP)}"
    config.update(priority=[str(int(said(key, "priority", "0")) + 1)], enabled=["true"], active=["true"])
    return {"name": name, "providerId": key["providerId"], "providerType": KIND, "config": config}


def plan(
    keys: Iterable[dict[str, Any]], providers: list[str], life: timedelta, now: datetime
) -> tuple[list[dict[str, Any]], str]:
    """What is due, in order, and until when old keys stay. Each change has `action`, `name` and the `body` of the component."""
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for key in keys:
        if key["providerId"] in providers and said(key, "enabled", "true") == "true":
            kinds.setdefault((key["providerId"], said(key, "algorithm", "")), []).append(key)
    changes: list[dict[str, Any]] = []
    until = ""
    for _, same in sorted(kinds.items()):
        active = [key for key in same if said(key, "active", "true") == "true"]
        if not active:
            continue  # somebody wants none
        newest = max(active, key=lambda key: (made(key), int(said(key, "priority", "0"))))
        passive = [key for key in same if key not in active]
        ends = made(newest) + life if MADE.search(newest["name"]) else now
        if len(same) == 1:
            changes.append({"action": "create", "body": successor(newest, now)})
            changes.append({"action": "retire", "body": newest})
            ends = now + life
        changes += [{"action": "retire", "body": key} for key in active if key is not newest]
        if now >= ends:
            changes += [{"action": "delete", "body": key} for key in passive]
        if now < ends:
            until = max(until, ends.strftime(STAMP))
    return [{"name": change["body"]["name"], **change} for change in changes], until


def named(client: Client, name: str) -> str | None:
    """Return the id of a key."""
    return next((str(key["id"]) for key in client.get("/components", type=KIND) if key["name"] == name), None)


def carry_out(client: Client, changes: list[dict[str, Any]]) -> None:
    """Write the changes."""
    for change in changes:
        body = change["body"]
        if change["action"] == "create":
            client.create("/components", body, partial(named, client, body["name"]))
        elif change["action"] == "retire":
            client.put(f"/components/{part(body['id'])}", {**body, "config": {**body["config"], "active": ["false"]}})
        else:
            client.delete(f"/components/{part(body['id'])}")


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "ca_path": {"type": "path"},
            "client_id": {"type": "str", "required": True},
            "client_secret": {"type": "str", "required": True, "no_log": True},
            "token_realm": {"type": "str", "default": "master", "no_log": False},
            "parallel": {"type": "int", "default": 4},
            "timeout": {"type": "int", "default": 30},
            "realm": {"type": "str", "required": True},
            "providers": {
                "type": "list",
                "elements": "str",
                "default": [
                    "rsa-generated",
                    "rsa-enc-generated",
                    "hmac-generated",
                    "aes-generated",
                    "ecdsa-generated",
                    "eddsa-generated",
                ],
            },
        },
        supports_check_mode=True,
    )
    if not HAS_REQUESTS:
        module.fail_json(msg="Python's requests is missing on this host; the role keycloak installs it")
    wanted = module.params
    client = Client(
        new_session(wanted["ca_path"], wanted["parallel"]),
        wanted["url"],
        wanted["realm"],
        wanted["client_id"],
        wanted["client_secret"],
        token_realm=wanted["token_realm"],
        timeout=wanted["timeout"],
    )
    try:
        keys, life = client.get("/components", type=KIND), overlap(client.get())
        changes, until = plan(keys, wanted["providers"], life, datetime.now(timezone.utc))
        if not module.check_mode:
            carry_out(client, changes)
    except KeycloakError as error:
        module.fail_json(msg=str(error))
    told = [{"action": change["action"], "name": change["name"]} for change in changes]
    module.exit_json(changed=bool(changes), plan=told, until=until)


if __name__ == "__main__":
    main()
