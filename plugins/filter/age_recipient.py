"""Filter `age_recipient`: the public key that belongs to an age identity."""

from __future__ import annotations

DOCUMENTATION = """
name: age_recipient
short_description: Public key of an age identity
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
description: Returns the public key, with which a host can encrypt what only the owner of the identity can read. Runs C(age-keygen -y).
options:
  _input:
    description: The identity, V(AGE-SECRET-KEY-1...).
    type: str
    required: true
"""

EXAMPLES = """
- name: Show for whom backups are encrypted
  ansible.builtin.debug:
    msg: "{{ vault_backup_age_identity | panosc.facility.age_recipient }}"
"""

RETURN = """
_value:
  description: The public key, V(age1...).
  type: str
"""

import subprocess
from collections.abc import Callable

from ansible.errors import AnsibleFilterError


def age_recipient(identity: str) -> str:
    """Return the public key of `identity`; neither the identity nor a part of it is ever in a message."""
    try:
        told = subprocess.run(["age-keygen", "-y"], input=identity.encode(), capture_output=True, check=False)  # noqa: S607  wherever the site has it
    except FileNotFoundError as error:
        raise AnsibleFilterError("age is missing on the control node: install the package `age`") from error
    if told.returncode:
        raise AnsibleFilterError("this is no age identity (AGE-SECRET-KEY-1...); scripts/secrets makes one")
    return told.stdout.decode().strip()


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return it by name."""
        return {"age_recipient": age_recipient}
