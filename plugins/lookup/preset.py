# Copyright (c) 2026 PaN Facility Kit contributors
# Apache-2.0 (see LICENSE)
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
name: preset
author: PaN Facility Kit contributors
version_added: 0.1.0
short_description: A fragment of the realm document from a preset file
description:
  - Loads C(presets/KIND/NAME.yml) of the C(realm) role and fills in its templates.
  - The templates of a preset see only the variables given to the lookup, plus C(omit).
  - Without a name, returns the names of all presets of that kind.
options:
  _terms:
    description:
      - The kind of preset, which is the name of a folder, and the name of one preset.
      - Leave the name out for the list of names; use V(realm) alone for the base realm.
    type: list
    elements: str
    required: true
  directories:
    description: Folders searched before the presets of the role, for presets that a site keeps in its inventory.
    type: list
    elements: path
    default: []
  vars:
    description: The variables that the templates of the preset see.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what the VISA preset adds to the realm
  ansible.builtin.debug:
    msg: "{{ lookup('panosc.facility.preset', 'services', 'visa', vars={'service': {'url': 'https://visa.example.org'}}) }}"

- name: List the service presets
  ansible.builtin.debug:
    msg: "{{ query('panosc.facility.preset', 'services') }}"
"""

RETURN = r"""
_raw:
  description: The fragment as one dictionary, or the names of the presets when no name was given.
  type: list
  elements: raw
"""

import os
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.panosc.facility.plugins.plugin_utils.data_file import load_template_data

ROLE_PRESETS = os.path.join(os.path.dirname(__file__), "..", "..", "roles", "realm", "presets")


def _names(directories: list[str]) -> list[str]:
    """The presets found in `directories`, each once."""
    files = [name for directory in directories if os.path.isdir(directory) for name in os.listdir(directory)]
    return sorted({name.removesuffix(".yml") for name in files if name.endswith(".yml")})


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        roots = [*self.get_option("directories"), os.path.abspath(ROLE_PRESETS)]
        if terms == ["realm"]:
            directories, name = roots, "realm"
        elif len(terms) == 1:
            return _names([os.path.join(root, terms[0]) for root in roots])
        elif len(terms) == 2:
            directories, name = [os.path.join(root, terms[0]) for root in roots], terms[1]
        else:
            raise AnsibleLookupError("preset needs a kind and at most one name, for example 'services', 'visa'")

        for directory in directories:
            path = os.path.join(directory, f"{name}.yml")
            if os.path.isfile(path):
                # `omit` lets a preset leave a key out, as it does in a task.
                seen = {"omit": (variables or {}).get("omit"), **self.get_option("vars")}
                return [load_template_data(path, self._loader, self._templar, seen)]
        raise AnsibleLookupError(f"There is no preset {name!r} in {terms[0]}. Known are: {', '.join(_names(directories))}")
