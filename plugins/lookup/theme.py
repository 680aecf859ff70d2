"""Lookup `theme`: the login pages of a facility as files for Keycloak."""

from __future__ import annotations

DOCUMENTATION = """
name: theme
short_description: A Keycloak theme from what a facility says of its look
description:
  - Fills in the files below C(templates/theme) of the role C(keycloak) and packs them. They extend Keycloak's own themes.
  - The name of the theme contains a digest of its files. A changed look is therefore a new theme, which no cache of the server or of a
    browser can confuse with the old one, and to which a realm can go back.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  _terms:
    description: First part of the theme's name.
    type: list
    elements: str
    required: true
  look:
    description: What the templates see as C(look). Its keys are those of C(keycloak_look) of the role C(keycloak).
    type: dict
    required: true
"""

EXAMPLES = """
- name: Show the name of the theme
  ansible.builtin.debug:
    msg: "{{ lookup('panosc.facility.theme', 'demo', look=keycloak_look).name }}"
"""

RETURN = """
_list:
  description: One dictionary with C(name), C(files) (paths in the theme) and C(archive) (a compressed tar file in Base64).
  type: list
  elements: dict
"""

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.template import trust_as_template
from ansible_collections.panosc.facility.plugins.plugin_utils.data_file import load_template_data
from ansible_collections.panosc.facility.plugins.plugin_utils.look import pack, properties, text_colour, tree

TEMPLATES = os.path.normpath(
    os.path.join(os.path.dirname(__file__), "..", "..", "roles", "keycloak", "templates", "theme")
)


class LookupModule(LookupBase):  # type: ignore[misc]
    """Render `roles/keycloak/templates/theme`."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **options: Any) -> list[dict[str, Any]]:
        """Return the theme."""
        self.set_options(var_options=variables, direct=options)
        if len(terms) != 1:
            raise AnsibleLookupError("panosc.facility.theme takes one name, for example 'demo'")
        look: dict[str, Any] = dict(self.get_option("look"))
        logo = Path(look["logo"]) if look.get("logo") else None
        look["colours"] = {**look["colours"], "text": text_colour(look["colours"]["background"])}
        look["logo_file"] = f"logo{logo.suffix}" if logo else ""
        files = self._texts(look)
        for path in tree(TEMPLATES):
            if not path.endswith(".yml"):
                files[path] = self._file(path, look)
        if logo:
            for kind in ("login", "account"):
                files[f"{kind}/resources/img/{look['logo_file']}"] = logo.read_bytes()
        return [pack(terms[0], files)]

    def _texts(self, look: dict[str, Any]) -> dict[str, bytes]:
        """What becomes properties files: theme.yml of each type, and its messages, over which the site's own go."""
        files = {}
        for path in tree(TEMPLATES):
            kind, *folder, name = path.split("/")
            stem, suffix = os.path.splitext(name)
            if suffix != ".yml":
                continue
            said = self._data(path, look)
            if folder == ["messages"]:
                login = kind == "login"  # the account console takes its texts as they are
                own = look["messages"].get(stem, {}) if login else {}
                target = f"{kind}/messages/messages_{stem.replace('-', '_')}.properties"
                files[target] = properties({**said, **own}, message_format=login).encode()
            else:
                files[f"{kind}/{stem}.properties"] = properties(said).encode()
        for language, own in look["messages"].items():
            target = f"login/messages/messages_{language.replace('-', '_')}.properties"
            files.setdefault(target, properties(own, message_format=True).encode())
        return files

    def _data(self, path: str, look: dict[str, Any]) -> dict[str, Any]:
        data: dict[str, Any] = load_template_data(
            os.path.join(TEMPLATES, path), self._loader, self._templar, {"look": look}
        )
        return data

    def _file(self, path: str, look: dict[str, Any]) -> bytes:
        text = Path(TEMPLATES, path).read_text(encoding="utf-8")
        if not path.endswith(".css"):
            return text.encode()  # FreeMarker and scripts speak for themselves
        templar = self._templar.copy_with_new_env(available_variables={"look": look})
        return str(templar.template(trust_as_template(text))).encode()
