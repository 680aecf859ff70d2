"""Documentation of the action `platform`, which runs on the control node and asks the host only for missing facts."""

from __future__ import annotations

DOCUMENTATION = """
module: platform
short_description: Name the variable files of a role that fit the host's operating system
description:
  - Gathers the facts C(distribution), C(distribution_major_version), C(distribution_version) and C(os_family) unless they are known.
  - Returns the files of the calling role's C(vars) folder in the order family, distribution, distribution_major, distribution_version.
  - Fails, naming the platforms that the role knows, when the role has no settings for the host.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  subset:
    description: More subsets of M(ansible.builtin.setup) that the role needs, for example V(hardware) for the memory size.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Reads only.
"""

EXAMPLES = """
- name: Know the operating system
  panosc.facility.platform:
  register: __web_platform

- name: Load what differs on it
  ansible.builtin.include_vars: "{{ item }}"
  loop: "{{ __web_platform.vars_files }}"
"""

RETURN = """
vars_files:
  description: Absolute paths on the control node, the most general first.
  returned: success
  type: list
  elements: str
"""
