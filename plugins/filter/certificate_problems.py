"""Filter `certificate_problems`: files of a site checked before a host is touched."""

from __future__ import annotations

DOCUMENTATION = """
name: certificate_problems
short_description: What keeps a certificate and its key from being used
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
description:
  - Takes the absolute paths of a certificate file and a key file on the control node and returns what is wrong with them, in words.
  - Files encrypted with ansible-vault cannot be looked into here; only that they exist is checked. The module that installs them checks the rest.
positional: _input
options:
  _input:
    description: A dictionary with the paths C(certificate) and C(key). Without C(key) the file has to hold CAs.
    type: dict
    required: true
  names:
    description: DNS names and IP addresses that the certificate must be for.
    type: list
    elements: str
    default: []
"""

EXAMPLES = """
- name: Refuse files that would not work
  ansible.builtin.assert:
    that: "{'certificate': '/srv/pki/proxy.pem', 'key': '/srv/pki/proxy.key'} | panosc.facility.certificate_problems(['auth.facility.example']) | length == 0"
"""

RETURN = """
_value:
  description: What is wrong, one sentence each; empty when the files will do.
  type: list
  elements: str
"""

import datetime
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.panosc.facility.plugins.module_utils import certificate as x

VAULT_HEADER = "$ANSIBLE_VAULT;"


def certificate_problems(files: Mapping[str, Any], names: Iterable[str] = ()) -> list[str]:
    """Return what keeps the files from being used, in words."""
    texts = {}
    found = []
    for kind in ("certificate", "key") if "key" in files else ("certificate",):
        path = Path(str(files.get(kind) or "")).expanduser()
        if not path.is_absolute():
            found.append(f"the {kind} file {str(path)!r} is not an absolute path")
            continue
        try:
            texts[kind] = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            found.append(f"the {kind} file {path} does not exist on the control node")
        except (OSError, UnicodeDecodeError) as error:
            found.append(f"the {kind} file {path} cannot be read: {type(error).__name__}")
    if found or any(text.startswith(VAULT_HEADER) for text in texts.values()):
        return found
    now = datetime.datetime.now(datetime.timezone.utc)
    if "key" in texts:
        return x.pair_problems(texts["certificate"], texts["key"], names, now)
    return authority_problems(texts["certificate"], now)


def authority_problems(text: str, now: datetime.datetime) -> list[str]:
    """Return what keeps a PEM text of CA certificates from being trusted, in words."""
    try:
        chain = x.load_chain(text)
    except x.CertificateError as error:
        return [f"the file {error}"]
    found = []
    if len(chain) > 1:
        found.append("the file holds several certificates: give each CA its own file")
    for certificate in chain:
        if not x.is_authority(certificate):
            found.append(f"{certificate.subject.rfc4514_string()} is not the certificate of a CA")
        if x.days_left(certificate, now) < 0:
            found.append(f"{certificate.subject.rfc4514_string()} ended on {x.not_after(certificate):%Y-%m-%d}")
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"certificate_problems": certificate_problems}
