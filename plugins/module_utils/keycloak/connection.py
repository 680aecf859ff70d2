# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""What the modules share: options of the connection, and the client made of them."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from . import client as http

ARGUMENTS: dict[str, dict[str, Any]] = {
    "url": {"type": "str", "required": True},
    "ca_path": {"type": "path"},
    "client_id": {"type": "str", "required": True},
    "client_secret": {"type": "str", "required": True, "no_log": True},
    "token_realm": {"type": "str", "default": "master", "no_log": False},
    "timeout": {"type": "int", "default": 30},
    "parallel": {"type": "int", "default": 4},
}


def connection(module: AnsibleModule, realm: str) -> http.Client:
    """A client for that realm; fails the module when it cannot be had."""
    given = module.params
    if not http.HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests", reason="to speak to Keycloak"), requests=0)
    if not given["url"].startswith("https://"):
        module.fail_json(msg=f"url is {given['url']!r}: give an https URL, for secrets are sent to it", requests=0)
    options = {name: given[name] for name in ARGUMENTS if name != "ca_path"}
    return http.Client(session=http.new_session(given["ca_path"], given["parallel"]), realm=realm, **options)
