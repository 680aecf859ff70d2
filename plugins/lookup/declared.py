"""Lookup `declared`: what the deployed services say of themselves."""

from __future__ import annotations

DOCUMENTATION = """
name: declared
short_description: What the roles of the deployed services declare about one subject
description:
  - A role tells others what it needs by a data file in its meta folder, for example C(roles/keycloak/meta/proxy.yml) for the
    proxy or C(roles/keycloak/meta/database.yml) for the database. So a new role adds itself without a change elsewhere.
  - Returns one dictionary per role that has such a file and whose group, named like the role, has hosts in the inventory.
  - A file whose key C(when) is false declares nothing, for example when the role is set to need no database.
  - The strings of the file are templates. They see the variables of the current host, over them the defaults of the declaring
    role, and over those what the inventory says of the first host of the group.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  _terms:
    description: The subject, which is the name of the file, for example V(proxy) or V(database).
    type: list
    elements: str
    required: true
"""

EXAMPLES = """
- name: Show what the proxy will publish
  ansible.builtin.debug:
    msg: "{{ query('panosc.facility.declared', 'proxy') | map(attribute='role') }}"
"""

RETURN = """
_list:
  description:
    - What each role's file says, plus C(role) (its name), C(hosts) (inventory names of the group) and C(servers) (list of
      C(name) and C(address) of these hosts).
  type: list
  elements: dict
"""

import os
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.panosc.facility.plugins.filter.host_addresses import host_addresses
from ansible_collections.panosc.facility.plugins.plugin_utils.data_file import load_template_data

ROLES = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "..", "roles"))


class LookupModule(LookupBase):  # type: ignore[misc]
    """Read `roles/*/meta/SUBJECT.yml` of the deployed services."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **_: Any) -> list[dict[str, Any]]:
        """Return one dictionary per declaring role, in alphabetical order of the roles."""
        if len(terms) != 1:
            raise AnsibleLookupError("panosc.facility.declared takes one subject, for example 'proxy'")
        variables = variables or {}
        subject = terms[0]
        found = []
        for role in sorted(os.listdir(ROLES)):
            path = os.path.join(ROLES, role, "meta", f"{subject}.yml")
            hosts = variables.get("groups", {}).get(role, [])
            if hosts and os.path.isfile(path):
                seen = self._seen_by(role, hosts[0], variables)
                if load_template_data(path, self._loader, self._templar, seen, "when") is False:
                    continue
                said = load_template_data(path, self._loader, self._templar, seen)
                said.pop("when", None)
                servers = [
                    {"name": host, "address": host_addresses([variables["hostvars"][host]])[0]} for host in hosts
                ]
                found.append({**said, "role": role, "hosts": list(hosts), "servers": servers})
        return found

    def _seen_by(self, role: str, host: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Variables as the declaring role would see them on `host`: its defaults, and what the inventory overrides."""
        defaults = (
            self._loader.load_from_file(os.path.join(ROLES, role, "defaults", "main.yml"), trusted_as_template=True)
            or {}
        )
        there = variables["hostvars"][host]
        return {**variables, **{name: there.get(name, default) for name, default in defaults.items()}}
