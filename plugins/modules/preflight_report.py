"""Documentation of the action `preflight_report`, which runs on the control node."""

from __future__ import annotations

DOCUMENTATION = """
module: preflight_report
short_description: One report of the pre-flight checks of all hosts
description:
  - Puts together what the entry points C(preflight) of the roles found on each host, and shows it, the worst first. Equal findings of several
    hosts become one.
  - Keeps the report in full as C(preflight.txt) and as data in C(preflight.json), both of mode 0600. There is no secret in it.
  - Fails when there is an error, after everything has been told.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  title:
    description: First words of the report.
    type: str
    required: true
  checked:
    description: Host to the roles that had to be checked there. A role that registered nothing in C(__<role>_preflight) counts as an error.
    type: dict
    required: true
  directory:
    description: Folder on the control node for the report, made with mode 0700.
    type: path
    required: true
attributes:
  check_mode:
    support: full
    description: The report is kept in check mode too.
"""

EXAMPLES = """
- name: Tell what was found
  panosc.facility.preflight_report:
    title: Pre-flight of Demo Light Source
    checked: {kc1.facility.test: [tls, keycloak, realm]}
    directory: "{{ inventory_dir }}/.reports"
"""

RETURN = """
findings:
  description: As M(panosc.facility.identity_preflight) returns them, each with C(hosts), the hosts that found it.
  returned: always
  type: list
  elements: dict
files:
  description: Where the report is kept.
  returned: always
  type: list
  elements: str
"""
