"""Filter `host_addresses`: what IP addresses other hosts see."""

from __future__ import annotations

DOCUMENTATION = """
name: host_addresses
short_description: IP addresses of hosts, from their inventory variables
description:
  - Takes hostvars of several hosts and returns the IP address of each, in order and without duplicates.
  - The address is C(facility_address), else C(ansible_host), else the inventory name; a name is resolved on the control node.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
positional: _input
options:
  _input:
    description: Hostvars of the hosts, for example C(groups.keycloak | map('extract', hostvars)).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = """
- name: Whom Keycloak believes when it reads X-Forwarded-For
  ansible.builtin.debug:
    msg: "{{ groups.haproxy | map('extract', hostvars) | panosc.facility.host_addresses }}"
"""

RETURN = """
_value:
  description: IPv4 or IPv6 addresses as text.
  type: list
  elements: str
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def host_addresses(hosts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the IP address of each host (hostvars in, addresses out), duplicates dropped.

    Raises:
        AnsibleFilterError: a name does not resolve on the control node.
    """
    return list(dict.fromkeys(_address(host) for host in hosts))


def _address(host: Mapping[str, Any]) -> str:
    name = str(host.get("facility_address") or host.get("ansible_host") or host["inventory_hostname"])
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise AnsibleFilterError(
            f"{host['inventory_hostname']}: the name {name!r} does not resolve on the control node ({error}): "
            "set facility_address of this host to the IP address by which the other hosts reach it"
        ) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"host_addresses": host_addresses}
