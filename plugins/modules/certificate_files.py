#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_files
short_description: Keep the keys, certificates and reload hooks of a list of certificates on a host
version_added: "0.1.0"
description:
  - Keeps one folder per certificate under O(directory) with C(key.pem), C(cert.pem), C(fullchain.pem) and C(bundle.pem)
    (C(fullchain.pem) and C(key.pem) in one file), and the hook C(reload) that makes the services of the certificate take up new files.
  - A certificate of source V(site_ca) is made in two calls. The first call makes a new key on the host, where it stays, and returns a signing
    request. The control node signs it. The second call gets the result in O(issued) and puts key and certificate into place together,
    so that a run that is stopped in between leaves the old pair working.
  - A certificate of source V(files) is put into place from O(given_certificates) and O(given_keys).
  - A certificate of source V(acme) is put into place from the files of certbot. When certbot has none that will do, the module returns it in RV(acme).
  - The hook runs when the files have changed. It is owed until it has succeeded, also over several runs of the module.
options:
  certificates:
    description: The certificates of this host that are to be looked after. Folders of others are left alone.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the folder.
        type: str
        required: true
      state:
        description: Whether the certificate is there. V(absent) removes the folder.
        type: str
        choices: [present, absent]
        default: present
      names:
        description: DNS names and IP addresses that clients use. The first is the main one.
        type: list
        elements: str
        default: []
      group:
        description: The group that may read the key.
        type: str
        default: root
      reload:
        description: Units of systemd to reload (or restart, when they cannot reload) if they are running.
        type: list
        elements: str
        default: []
      key_type:
        description: Kind of key to make for this one. Default is O(key_type).
        type: str
        choices: [ecdsa, rsa]
  key_type:
    description: Kind of key to make, V(ecdsa) on P-256 or V(rsa) with 3072 bits. Only for source V(site_ca).
    type: str
    choices: [ecdsa, rsa]
    default: ecdsa
  source:
    description: Where the certificates come from.
    type: str
    choices: [site_ca, files, acme]
    default: site_ca
  sources:
    description: Certificates that come from elsewhere, certificate name to source.
    type: dict
    default: {}
  directory:
    description: Where the folders are.
    type: path
    default: /etc/facility/tls
  authority:
    description: Certificate of the site CA in PEM. Needed for source V(site_ca).
    type: str
    default: ""
  renew_days:
    description: Ask for a new certificate when the present one has fewer days left. Certificates of source V(files) give a warning.
    type: int
    default: 30
  issued:
    description: Certificates signed from the requests of an earlier call, certificate name to PEM text.
    type: dict
    default: {}
  given_certificates:
    description: Certificates of source V(files) with their intermediates, certificate name to PEM text.
    type: dict
    default: {}
  given_keys:
    description: Keys of source V(files), certificate name to PEM text.
    type: dict
    default: {}
  acme_directory:
    description: Where certbot keeps its current files; one folder per certificate, its name led by C(facility-).
    type: path
    default: /etc/letsencrypt/live
requirements:
  - python3-cryptography >= 36
attributes:
  check_mode:
    description: Says what would change, and returns reasons in place of requests.
    support: full
  diff_mode:
    description: Names, dates and modes; never a key.
    support: full
author: PaN Facility Kit contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look after the certificate of the database
  panosc.facility.certificate_files:
    certificates:
      - name: postgresql
        names: [db1.facility.example]
        group: postgres
        reload: [postgresql@15-main.service]
    authority: "{{ lookup('ansible.builtin.file', 'pki/ca.pem') }}"
"""

RETURN = r"""
requests:
  description: Certificates that the site CA has to sign. The request itself (csr) is empty in check mode.
  returned: always
  type: list
  elements: dict
  sample: [{name: postgresql, names: [db1.facility.example], csr: "-----BEGIN CERTIFICATE REQUEST-----...", reason: there is none}]
acme:
  description: Certificates that certbot has to fetch.
  returned: always
  type: list
  elements: dict
  sample: [{name: haproxy, names: [auth.facility.example], reason: there is none}]
reloaded:
  description: Certificates whose hook ran.
  returned: always
  type: list
  elements: str
ends:
  description: When the certificate in place ends, by name. Empty text when there is none yet.
  returned: always
  type: dict
  sample: {postgresql: "2027-12-22T08:00:00+00:00"}
"""

import datetime
import grp
import os
import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.panosc.facility.plugins.module_utils import certificate as x

HOOK = """#!/bin/sh
# Ansible managed. Makes the services that use the certificate {name} take up new files of it.
set -eu
for unit in {units}; do
  if systemctl is-active --quiet "$unit"; then
    systemctl reload-or-restart "$unit"
  fi
done
"""
KEY = "key.pem"
CERT = "cert.pem"
FULLCHAIN = "fullchain.pem"
BUNDLE = "bundle.pem"
RELOAD = "reload"
NEXT_KEY = ".next-key.pem"  # the key of a request that is not answered yet
OWED = ".reload-owed"  # the files changed and the hook has not succeeded since


class Folder:
    """The folder of one certificate: reads at once, writes only differences, notes each in `changes`."""

    def __init__(self, module: AnsibleModule, wanted: dict[str, Any]) -> None:
        """Read what the folder holds now."""
        self.module = module
        self.wanted = wanted
        self.name: str = wanted["name"]
        self.path = Path(module.params["directory"]) / self.name
        self.changes: list[str] = []
        self.gid = self._gid()
        self.owed = (self.path / OWED).exists()

    def _gid(self) -> int | None:
        try:
            return grp.getgrnam(self.wanted["group"]).gr_gid
        except KeyError:
            if self.module.check_mode:
                return None  # the package that brings the group is not installed yet
            self.module.fail_json(
                msg=f"certificate {self.name}: the group {self.wanted['group']} does not exist on this host; "
                "ask for the certificate after the package that brings the group is installed"
            )
            raise  # not reached: fail_json ends the module

    def read(self, name: str) -> str:
        """Return the text of a file of this folder, empty when it is not there."""
        try:
            return str((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ""

    def keep_folder(self) -> None:
        """Make the folder, with its owner and mode."""
        for folder, mode, gid in (
            (self.path.parent.parent, 0o755, 0),
            (self.path.parent, 0o755, 0),
            (self.path, 0o750, self.gid),
        ):
            if not folder.is_dir():
                self.changes.append(f"make {folder}")
                if not self.module.check_mode:
                    folder.mkdir(mode=0o700)
                    self.module.set_default_selinux_context(str(folder), False)
            elif folder != self.path:
                continue  # made by somebody: leave its mode
            self._keep_mode(folder, mode, gid)

    def _keep_mode(self, path: Path, mode: int, gid: int | None) -> None:
        if not path.exists() or gid is None:
            return
        stat = path.stat()
        if (stat.st_uid, stat.st_gid, stat.st_mode & 0o7777) == (0, gid, mode):
            return
        self.changes.append(f"set {path} to {mode:04o} root:{self.wanted['group'] if gid else 'root'}")
        if not self.module.check_mode:
            os.chown(path, 0, gid)
            path.chmod(mode)

    def keep(self, name: str, text: str, mode: int, *, group: bool = True) -> bool:
        """Write one file if it differs, in one step for whoever reads it. Say whether its text changed."""
        gid = self.gid if group else 0
        path = self.path / name
        if self.read(name) == text:
            self._keep_mode(path, mode, gid)
            return False
        self.changes.append(f"write {path}")
        if self.module.check_mode:
            return True
        draft = self.path / f".{name}.draft"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chown(draft, 0, gid or 0)
        draft.chmod(mode)
        draft.rename(path)
        self.module.set_default_selinux_context(str(path), False)
        return True

    def remove(self, name: str) -> None:
        """Remove a file of the folder that is of no more use."""
        if not self.module.check_mode:
            (self.path / name).unlink(missing_ok=True)

    def keep_pair(self, key: str, chain: str) -> None:
        """Put a key and its certificate into place, and note that the services have to reload."""
        leaf, whole = x.blocks(chain)[0], "".join(x.blocks(chain))
        wanted = ((KEY, key, 0o640), (CERT, leaf, 0o644), (FULLCHAIN, whole, 0o644), (BUNDLE, whole + key, 0o640))
        if any(self.read(name) != text for name, text, _ in wanted):
            self.owed = True
            if not self.module.check_mode:
                (self.path / OWED).touch(mode=0o600)
        for name, text, mode in wanted:
            self.keep(name, text, mode)

    def keep_modes(self) -> None:
        """Mend owner and mode of the files in place."""
        for name, mode in ((KEY, 0o640), (CERT, 0o644), (FULLCHAIN, 0o644), (BUNDLE, 0o640)):
            self._keep_mode(self.path / name, mode, self.gid)

    def keep_hook(self) -> None:
        """Keep the hook that makes the services take up new files."""
        units = " ".join(unit for unit in self.wanted["reload"] if unit)
        text = (
            HOOK.format(name=self.name, units=units)
            if units
            else "#!/bin/sh\n# Ansible managed. Nothing has to reload.\n"
        )
        self.keep(RELOAD, text, 0o750, group=False)

    def run_hook(self) -> bool:
        """Run the hook when it is owed. Say whether it ran."""
        if not self.owed:
            return False
        self.changes.append(f"run {self.path / RELOAD}")
        if self.module.check_mode:
            return True
        code, _, errors = self.module.run_command([str(self.path / RELOAD)])
        if code != 0:
            self.module.fail_json(
                msg=f"certificate {self.name}: the new files are in place, but {self.path / RELOAD} failed with {code}: {errors.strip()}. "
                "Look at the service; the next run tries the reload again."
            )
        self.remove(OWED)
        return True


class Keeper:
    """All certificates of one call."""

    def __init__(self, module: AnsibleModule) -> None:
        """Take what every certificate needs to know."""
        self.module = module
        self.now = datetime.datetime.now(datetime.timezone.utc)
        self.requests: list[dict[str, Any]] = []
        self.acme: list[dict[str, Any]] = []
        self.reloaded: list[str] = []
        self.ends: dict[str, str] = {}
        self.changes: list[str] = []

    def run(self) -> None:
        """Look after each certificate in turn."""
        for wanted in self.module.params["certificates"]:
            folder = Folder(self.module, wanted)
            if wanted["state"] == "absent":
                self._remove(folder)
                continue
            folder.keep_folder()
            folder.keep_hook()
            keep = {"site_ca": self._keep_site_ca, "files": self._keep_files, "acme": self._keep_acme}
            keep[self.module.params["sources"].get(folder.name, self.module.params["source"])](folder)
            folder.keep_modes()
            if folder.run_hook():
                self.reloaded.append(folder.name)
            self.changes += folder.changes
            present = x.blocks(folder.read(CERT))
            self.ends[folder.name] = x.not_after(x.load_chain(present[0])[0]).isoformat() if present else ""

    def _remove(self, folder: Folder) -> None:
        if folder.path.is_dir():
            self.changes.append(f"remove {folder.path}")
            if not self.module.check_mode:
                shutil.rmtree(folder.path)

    def _keep_site_ca(self, folder: Folder) -> None:
        issued = self.module.params["issued"].get(folder.name)
        if issued:
            self._install(folder, issued)
            return
        if not self.module.params["authority"] and not self.module.check_mode:
            self.module.fail_json(
                msg=f"certificate {folder.name}: there is no site CA yet. Run the role panosc.facility.tls on this host first."
            )
        kind = folder.wanted["key_type"] or self.module.params["key_type"]
        reason = x.renewal_reason(
            folder.read(CERT),
            folder.read(KEY),
            names=folder.wanted["names"],
            kind=kind,
            authority_text=self.module.params["authority"],
            renew_days=self.module.params["renew_days"],
            now=self.now,
        )
        if not reason:
            folder.keep_pair(folder.read(KEY), folder.read(CERT))
            folder.remove(NEXT_KEY)
            return
        request = ""
        folder.changes.append(f"ask the site CA to sign {folder.name}: {reason}")
        if not self.module.check_mode:
            key = x.new_key(kind)
            folder.keep(NEXT_KEY, key, 0o600, group=False)
            request = x.new_request(key, folder.wanted["names"])
        self.requests.append({"name": folder.name, "names": folder.wanted["names"], "csr": request, "reason": reason})

    def _install(self, folder: Folder, issued: str) -> None:
        key = folder.read(NEXT_KEY)
        problems = (
            x.pair_problems(issued, key, folder.wanted["names"], self.now)
            if key
            else ["its request is no longer on the host"]
        )
        if problems:
            self.module.fail_json(
                msg=f"certificate {folder.name}: what the site CA signed cannot be used: {'; '.join(problems)}. Run again."
            )
        folder.keep_pair(key, issued)
        folder.remove(NEXT_KEY)

    def _keep_files(self, folder: Folder) -> None:
        chain = self.module.params["given_certificates"].get(folder.name, "")
        key = self.module.params["given_keys"].get(folder.name, "").strip() + "\n"
        problems = x.pair_problems(chain, key, folder.wanted["names"], self.now)
        if problems:
            self.module.fail_json(
                msg=f"certificate {folder.name}: the files given in tls_files cannot be used: {'; '.join(problems)}"
            )
        left = x.days_left(x.load_chain(chain)[0], self.now)
        if left < self.module.params["renew_days"]:
            self.module.warn(
                f"certificate {folder.name}: the file given in tls_files is good for only {left:.0f} more days"
            )
        folder.keep_pair(key, chain)

    def _keep_acme(self, folder: Folder) -> None:
        lineage = Path(self.module.params["acme_directory"]) / f"facility-{folder.name}"
        try:
            chain, key = ((lineage / name).read_text(encoding="utf-8") for name in ("fullchain.pem", "privkey.pem"))
        except FileNotFoundError:
            problems = ["there is none"]
        else:
            problems = x.pair_problems(chain, key, folder.wanted["names"], self.now)
        if problems:
            folder.changes.append(f"fetch {folder.name} by ACME: {'; '.join(problems)}")
            self.acme.append({"name": folder.name, "names": folder.wanted["names"], "reason": "; ".join(problems)})
            return
        folder.keep_pair(key, chain)


def main() -> None:
    """Run the module."""
    certificate = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "names": {"type": "list", "elements": "str", "default": []},
        "group": {"type": "str", "default": "root"},
        "reload": {"type": "list", "elements": "str", "default": []},
        "key_type": {"type": "str", "choices": ["ecdsa", "rsa"]},
    }
    module = AnsibleModule(
        argument_spec={
            "certificates": {"type": "list", "elements": "dict", "required": True, "options": certificate},
            "key_type": {"type": "str", "choices": ["ecdsa", "rsa"], "default": "ecdsa"},
            "source": {"type": "str", "choices": ["site_ca", "files", "acme"], "default": "site_ca"},
            "sources": {"type": "dict", "default": {}},
            "directory": {"type": "path", "default": "/etc/facility/tls"},
            "authority": {"type": "str", "default": ""},
            "renew_days": {"type": "int", "default": 30},
            "issued": {"type": "dict", "default": {}},
            "given_certificates": {"type": "dict", "default": {}},
            "given_keys": {"type": "dict", "default": {}, "no_log": True},
            "acme_directory": {"type": "path", "default": "/etc/letsencrypt/live"},
        },
        supports_check_mode=True,
    )
    if x.IMPORT_ERROR is not None:
        _without_cryptography(module)
    keeper = Keeper(module)
    keeper.run()
    after = "".join(line + "\n" for line in keeper.changes)
    module.exit_json(
        changed=bool(keeper.changes),
        requests=keeper.requests,
        acme=keeper.acme,
        reloaded=keeper.reloaded,
        ends=keeper.ends,
        diff={"before": "", "after": after},
    )


def _without_cryptography(module: AnsibleModule) -> None:
    """A fresh host in check mode has no python3-cryptography, nor any certificate; else say what is missing."""
    wanted = [item for item in module.params["certificates"] if item["state"] == "present"]
    if not module.check_mode:
        module.fail_json(
            msg=missing_required_lib("cryptography") + " Run the role panosc.facility.tls on this host first."
        )
    asked = [{"name": item["name"], "names": item["names"], "csr": "", "reason": "there is none"} for item in wanted]
    lines = "".join(f"ask for {item['name']}: there is none\n" for item in wanted)
    module.exit_json(
        changed=bool(wanted), requests=asked, acme=[], reloaded=[], ends={}, diff={"before": "", "after": lines}
    )


if __name__ == "__main__":
    main()
