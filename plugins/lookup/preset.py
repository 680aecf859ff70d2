"""Lookup `preset`: what an identity provider or a service adds to the realm, as data."""

from __future__ import annotations

DOCUMENTATION = """
name: preset
short_description: Fragments of the realm document from preset files
description:
  - Loads C(presets/KIND/NAME.yml) of the C(realm) role, or C(presets/KIND.yml) where the kind has no folder, and fills in its templates.
  - The templates of a preset see the variables given in O(vars), the entry in hand when O(each) is used, and nothing else.
  - Some keys of a preset are not part of the fragment. C(needs) lists what an entry must say, C(needs_one_of) what it must say one of.
    C(defaults) is what it need not say.
    C(based_on) names another preset of the kind. Its fragment comes first, with the defaults of this one over its own.
  - With the name of a folder alone, returns the names of the presets in it.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  _terms:
    description: The kind of preset (V(realm), V(services), ...) and, for a folder, the name of a preset.
    type: list
    elements: str
    required: true
  vars:
    description: The variables that the templates of the preset see.
    type: dict
    default: {}
  each:
    description: Load one preset for each of these entries. An entry names its preset in the key O(by).
    type: list
    elements: dict
  by:
    description: The key of an entry that names its preset.
    type: str
    default: preset
  called:
    description: The name under which the templates see the entry.
    type: str
    default: entry
  section:
    description: Evaluate only this top-level key and return its value instead of a fragment.
    type: str
    default: ""
  directories:
    description: Folders of the site with presets of its own, laid out like that of the role. They win over the role's presets.
    type: list
    elements: path
    default: []
"""

EXAMPLES = """
- name: Show what the VISA preset adds to the realm
  ansible.builtin.debug:
    msg: "{{ lookup('panosc.facility.preset', 'services', 'visa', vars={'service': realm_services.visa}).document }}"

- name: List the presets of services
  ansible.builtin.debug:
    msg: "{{ query('panosc.facility.preset', 'services') }}"
"""

RETURN = """
_list:
  description:
    - One dictionary per fragment, with C(document) (the fragment) and C(source) (which file it comes from and for which entry).
    - The names of the presets if only a folder was named; the value of the section if O(section) was given.
  type: list
  elements: raw
"""

import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.panosc.facility.plugins.plugin_utils.data_file import load_template_data

PRESETS = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", "..", "roles", "realm", "presets"))
ABOUT = {"needs", "needs_one_of", "defaults", "based_on"}  # keys of a preset that are not part of the fragment


class LookupModule(LookupBase):  # type: ignore[misc]
    """Read presets of the realm role and of the site."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """Return fragments, a section, or the names of the presets of a kind."""
        self.set_options(var_options=variables, direct=kwargs)
        self._roots = [*self.get_option("directories"), PRESETS]
        given: dict[str, Any] = self.get_option("vars")
        if self.get_option("each") is not None:
            return [found for entry in self.get_option("each") for found in self._entry(terms, entry, given)]
        if len(terms) == 1 and not self._file(terms[0]):
            return self._names(terms[0])
        return self._load("/".join(terms), given)

    def _entry(self, terms: list[str], entry: Mapping[str, Any], given: Mapping[str, Any]) -> list[Any]:
        name = "/".join(terms) if self._file("/".join(terms)) else "/".join([*terms, str(entry[self.get_option("by")])])
        label = entry.get("name") or entry.get("alias") or ""
        return self._load(name, given, label, entry)

    def _load(
        self, name: str, given: Mapping[str, Any], label: str = "", entry: Mapping[str, Any] | None = None
    ) -> list[Any]:
        path = self._file(name)
        if not path:
            kind, _, preset = name.partition("/")
            raise AnsibleLookupError(
                f"there is no preset {preset!r} among {kind}; known are {', '.join(self._names(kind))}"
            )
        if self.get_option("section"):
            return [load_template_data(path, self._loader, self._templar, given, self.get_option("section"))]
        fragments = []
        if entry is not None:
            entry = {**self._defaults(name, given), **entry}
            base = load_template_data(path, self._loader, self._templar, given, "based_on")
            fragments = self._load(_beside(name, base), given, label, entry) if base else []
            given = {**given, self.get_option("called"): entry}
        data = load_template_data(path, self._loader, self._templar, given)
        document = {key: value for key, value in data.items() if key not in ABOUT}
        if document or not fragments:
            source = f"presets/{name}.yml{f' for {label}' if label else ''}"
            fragments.append({"source": source, "document": document})
        return fragments

    def _defaults(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The defaults of a preset over those of the one that it is based on."""
        path = self._file(name)
        if not path:
            return {}
        base = load_template_data(path, self._loader, self._templar, given, "based_on")
        own = load_template_data(path, self._loader, self._templar, given, "defaults") or {}
        return {**(self._defaults(_beside(name, base), given) if base else {}), **own}

    def _file(self, name: str) -> str | None:
        return next((path for root in self._roots if os.path.isfile(path := os.path.join(root, f"{name}.yml"))), None)

    def _names(self, kind: str) -> list[str]:
        folders = [folder for root in self._roots if os.path.isdir(folder := os.path.join(root, kind))]
        if not folders:
            raise AnsibleLookupError(f"there is no kind of preset called {kind!r}")
        return sorted({name[:-4] for folder in folders for name in os.listdir(folder) if name.endswith(".yml")})


def _beside(name: str, other: str) -> str:
    """The preset `other` of the same kind as `name`."""
    return f"{name.rpartition('/')[0]}/{other}"
