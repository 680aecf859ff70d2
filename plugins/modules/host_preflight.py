#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: is a host fit for what a role will put there?"""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_preflight
short_description: Look whether a host is fit for a role, before the role runs
version_added: 0.1.0
description:
  - Looks at names, ports, disk, memory, clock, packages and certificates, and at addresses that must answer. Nothing is changed.
  - What is not asked for is not looked at. Never fails because of what it finds.
  - Needs nothing but Python, so that it runs on a host on which nothing has been installed yet.
author: PaN Facility Kit contributors (@panosc-eu)
options:
  subject:
    description: What the findings are about, by default the host's own name.
    type: str
  names:
    description: DNS names that must resolve on this host.
    type: list
    elements: str
    default: []
  ports:
    description: Ports that must be free, or held by one of the units.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: TCP port.
        type: int
        required: true
      units:
        description: Units of systemd, or programs, that may hold it. May have wildcards.
        type: list
        elements: str
        required: true
      variable:
        description: Variable of the inventory that gives the port.
        type: str
        required: true
  disks:
    description: Space that must be free.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Folder, which need not be there yet.
        type: path
        required: true
      mb:
        description: Megabytes.
        type: int
        required: true
  memory_mb:
    description: Memory that the host should have in all, in megabytes.
    type: int
  clock:
    description: The time of the control node, in seconds since 1970.
    type: float
  packages:
    description: Packages that must be installed or have a candidate.
    type: list
    elements: str
    default: []
  certificates:
    description: Files with certificates in PEM; may have wildcards. Files that are not there are no error.
    type: list
    elements: str
    default: []
  certificate_texts:
    description: Name to certificates in PEM.
    type: dict
    default: {}
  acme:
    description: Addresses of ACME directories that must answer.
    type: list
    elements: str
    default: []
  ca_path:
    description: File on this host with authorities to trust besides the system's. It need not be there yet.
    type: path
  warn_days:
    description: Warn of certificates that end sooner.
    type: int
    default: 30
  timeout:
    description: Seconds to wait for each answer.
    type: int
    default: 10
attributes:
  check_mode:
    description: Only looks.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
"""

EXAMPLES = r"""
- name: Is this host fit for a database?
  panosc.facility.host_preflight:
    ports: [{port: 5432, units: ["postgresql@*.service"], variable: postgresql_port}]
    disks: [{path: /var/lib/postgresql, mb: 2048}]
    packages: [postgresql]
    clock: "{{ now(utc=true).timestamp() }}"
  register: fitness
"""

RETURN = r"""
findings:
  description: One entry for each check, as M(panosc.facility.identity_preflight) returns them.
  returned: success
  type: list
  elements: dict
  sample:
    - subject: proxy1.facility.test
      what: port
      level: error
      message: 443 is held by nginx.service
      where: port 443
      mend: Stop and disable it, or give haproxy_https_port another value
"""

import socket
from collections.abc import Iterator, Sequence
from itertools import chain

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.panosc.facility.plugins.module_utils.preflight import host
from ansible_collections.panosc.facility.plugins.module_utils.preflight.dates import utc_now
from ansible_collections.panosc.facility.plugins.module_utils.preflight.findings import Finding
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line

ARGUMENTS = {
    "subject": {"type": "str"},
    "names": {"type": "list", "elements": "str", "default": []},
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "port": {"type": "int", "required": True},
            "units": {"type": "list", "elements": "str", "required": True},
            "variable": {"type": "str", "required": True},
        },
    },
    "disks": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "path", "required": True}, "mb": {"type": "int", "required": True}},
    },
    "memory_mb": {"type": "int"},
    "clock": {"type": "float"},
    "packages": {"type": "list", "elements": "str", "default": []},
    "certificates": {"type": "list", "elements": "str", "default": []},
    "certificate_texts": {"type": "dict", "default": {}},
    "acme": {"type": "list", "elements": "str", "default": []},
    "ca_path": {"type": "path"},
    "warn_days": {"type": "int", "default": 30},
    "timeout": {"type": "int", "default": 10},
}


def main() -> None:
    """Runs the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        found = list(look(module))
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, findings=[finding.data() for finding in found])


def look(module: AnsibleModule) -> Iterator[Finding]:
    """All checks that are asked for."""
    given = module.params
    subject = given["subject"] or socket.getfqdn()
    line = Line(given["ca_path"] or "", timeout=given["timeout"], warn_days=given["warn_days"])

    def run(command: Sequence[str]) -> tuple[int, str]:
        code, out, _ = module.run_command(list(command))
        return code, out

    return chain(
        host.clock(subject, given["clock"], run) if given["clock"] is not None else (),
        host.memory(subject, given["memory_mb"]) if given["memory_mb"] is not None else (),
        host.disks(subject, given["disks"]),
        host.ports(subject, given["ports"]),
        host.names(subject, given["names"]),
        host.packages(subject, given["packages"], run),
        host.certificates(subject, given["certificates"], given["certificate_texts"], utc_now(), given["warn_days"]),
        host.addresses(subject, given["acme"], line),
    )


if __name__ == "__main__":
    main()
