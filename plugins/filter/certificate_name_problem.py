"""Filter `certificate_name_problem`: names that no certificate should be made for."""

from __future__ import annotations

DOCUMENTATION = """
name: certificate_name_problem
short_description: What is wrong with a name for a certificate
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
description:
  - Returns what is wrong with a name, in words, or an empty string.
  - A wildcard has to stand for one whole label, and not directly under a top-level domain or a registry's domain such as C(ac.uk).
positional: _input
options:
  _input:
    description: DNS name, wildcard or IP address.
    type: str
    required: true
"""

EXAMPLES = """
- name: Refuse a wildcard over everybody's names
  ansible.builtin.assert:
    that: "'*.facility.example' | panosc.facility.certificate_name_problem == ''"
"""

RETURN = """
_value:
  description: What is wrong; empty when nothing is.
  type: str
"""

from collections.abc import Callable

from ansible_collections.panosc.facility.plugins.module_utils.certificate import name_problem


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return name -> function."""
        return {"certificate_name_problem": name_problem}
