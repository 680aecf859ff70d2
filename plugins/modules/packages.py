"""Documentation of the action `packages`, which asks the host before it calls its package manager."""

from __future__ import annotations

DOCUMENTATION = """
module: packages
short_description: Install the packages that are missing
description:
  - Asks C(dpkg-query) first, which answers in milliseconds. M(ansible.builtin.apt) reads the lists of all packages that there are to find the same.
  - What is missing is installed by M(ansible.builtin.apt), without recommended packages, from lists at most an hour old.
  - On a host without dpkg M(ansible.builtin.package) does it all.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  name:
    description: Names of packages.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    support: full
    description: Tells what would be installed.
"""

EXAMPLES = """
- name: Install the server
  panosc.facility.packages:
    name: [postgresql, python3-psycopg2]
"""

RETURN = r""" # """
