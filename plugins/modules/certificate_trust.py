#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_trust
short_description: Make a host and the browsers of its users trust a list of CAs
version_added: "0.1.0"
description:
  - Puts each CA into the system's store, from where OpenSSL, curl, Python and the Java of the distribution take it, and removes the CAs
    that an earlier call put there and that are no longer listed. Other CAs of the host are left alone.
  - Looks into the store itself whether the CAs are in, and runs the distribution's update program when they are not. A run that was stopped
    between the two steps is therefore mended by the next.
  - Writes the listed CAs to one file for programs that are to trust nothing else, or links that file to the system's store.
  - Puts the CAs into the NSS databases of the users named, for Chromium and Firefox.
options:
  authorities:
    description: CAs to trust, short name to certificate in PEM. An empty dictionary removes all that the module put there.
    type: dict
    required: true
  anchors:
    description: Folder from which the distribution's update program takes local CAs. Files of this module are named C(facility-<name>.crt).
    type: path
    required: true
  update:
    description: The distribution's update program with its arguments.
    type: list
    elements: str
    required: true
  update_removed:
    description: The same when a CA was removed, where the program needs to be told. Default is O(update).
    type: list
    elements: str
    default: []
  hooks:
    description:
      - Folder of programs that keep stores of their own, as Debian's Java does, and that the update program does not tell of removed local CAs.
      - They get lines with the paths of the CAs in the folder of O(store), led by C(-).
    type: path
    default: ""
  store:
    description: The file of all trusted CAs that the update program writes.
    type: path
    required: true
  destination:
    description: File for programs of the kit that are to trust the listed CAs only. Removed when O(authorities) is empty and O(system) is not set.
    type: path
    default: /etc/facility/tls/ca.pem
  system:
    description: Make O(destination) a link to O(store), so that programs of the kit trust public CAs too.
    type: bool
    default: false
  nss_users:
    description: Users whose NSS database (C(~/.pki/nssdb)) gets the CAs. Needs C(certutil).
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Says what would change.
    support: full
  diff_mode:
    description: One line per change.
    support: full
author: PaN Facility Kit contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Trust the site CA
  panosc.facility.certificate_trust:
    authorities:
      site: "{{ lookup('ansible.builtin.file', 'pki/ca.pem') }}"
    anchors: /usr/local/share/ca-certificates
    update: [update-ca-certificates]
    store: /etc/ssl/certs/ca-certificates.crt
"""

RETURN = r"""
updated:
  description: Whether the system's store was written anew.
  returned: always
  type: bool
"""

import os
import pwd
import re
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

PREFIX = "facility-"
BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----")


def bodies(text: str) -> set[str]:
    """Return the certificates of a PEM text without their line breaks, which differ between programs."""
    return {"".join(body.split()) for body in BLOCK.findall(text)}


def read(path: Path) -> str:
    """Return the text of a file, empty when it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


class Trust:
    """What one call does; each change is a line in `changes`."""

    def __init__(self, module: AnsibleModule) -> None:
        """Take the parameters."""
        self.module = module
        self.authorities: dict[str, str] = {
            name: text.strip() + "\n" for name, text in module.params["authorities"].items()
        }
        self.changes: list[str] = []
        # Names of removed CAs that a stopped run may have left in the store: the files alone do not tell.
        self.owed = Path(module.params["destination"]).with_name(".removed-cas")
        self.removed: list[str] = read(self.owed).split()

    def keep_anchors(self) -> None:
        """Keep one file per CA where the distribution looks for them."""
        folder = Path(self.module.params["anchors"])
        wanted = {f"{PREFIX}{name}.crt": text for name, text in self.authorities.items()}
        # A CA that has a new certificate under its name counts as removed: Debian's program sees no difference there.
        stale = [path for path in sorted(folder.glob(PREFIX + "*.crt")) if wanted.get(path.name) != read(path)]
        self.removed += [path.stem for path in stale]
        if stale and not self.module.check_mode:
            self.owed.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self.owed.write_text("\n".join(self.removed), encoding="utf-8")
        for path in stale:
            if path.name not in wanted:
                self.changes.append(f"remove {path}")
                if not self.module.check_mode:
                    path.unlink()
        for name, text in wanted.items():
            self._write(folder / name, text)

    def _write(self, path: Path, text: str) -> None:
        if read(path) == text and not path.is_symlink():
            return
        self.changes.append(f"write {path}")
        if self.module.check_mode:
            return
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(text, encoding="utf-8")
        draft.chmod(0o644)
        draft.rename(path)
        self.module.set_default_selinux_context(str(path), False)

    def keep_store(self) -> bool:
        """Run the update program when an anchor changed or the store does not hold the CAs."""
        store = Path(self.module.params["store"])
        wanted = set().union(*map(bodies, self.authorities.values())) if self.authorities else set()
        if not self.changes and not self.removed and wanted <= bodies(read(store)):
            return False
        if not wanted and not store.exists():
            return False
        self.changes.append(f"update {store}")
        if not self.module.check_mode:
            update = (self.removed and self.module.params["update_removed"]) or self.module.params["update"]
            self._tell_hooks()
            self.module.run_command(update, check_rc=True)
            self.owed.unlink(missing_ok=True)
            if not wanted <= bodies(read(store)):
                self.module.fail_json(
                    msg=f"{' '.join(update)} ended well, but {store} does not hold the CAs of tls_ca_files and the site"
                )
        return True

    def _tell_hooks(self) -> None:
        hooks = self.module.params["hooks"]
        if not self.removed or not hooks or not os.path.isdir(hooks):
            return
        folder = os.path.dirname(self.module.params["store"])
        lines = "\n".join(f"-{folder}/{name}.pem" for name in self.removed)  # run_command ends the last one
        for hook in sorted(Path(hooks).iterdir()):
            if hook.is_file() and os.access(hook, os.X_OK):
                self.module.run_command([str(hook)], data=lines, check_rc=True)

    def keep_destination(self) -> None:
        """Keep the file (or link) that programs of the kit are pointed to."""
        path, store = Path(self.module.params["destination"]), self.module.params["store"]
        if self.module.params["system"]:
            if path.is_symlink() and os.readlink(path) == store:
                return
            self.changes.append(f"link {path} to {store}")
            if not self.module.check_mode:
                path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                draft = path.with_name(f".{path.name}.draft")
                draft.unlink(missing_ok=True)
                draft.symlink_to(store)
                draft.rename(path)
        elif self.authorities:
            self._write(path, "".join(self.authorities.values()))
        elif path.is_symlink() or path.exists():
            self.changes.append(f"remove {path}")
            if not self.module.check_mode:
                path.unlink()

    def keep_browser(self, user: str) -> None:
        """Keep the CAs in the NSS database of a user; certutil runs as that user."""
        try:
            home = Path(pwd.getpwnam(user).pw_dir)
        except KeyError:
            if not self.module.check_mode:
                self.module.fail_json(msg=f"tls_nss_users: the user {user} does not exist on this host")
            self.changes.append(f"let the browsers of {user} trust {', '.join(self.authorities)}")
            return
        database = home / ".pki" / "nssdb"
        present = self._browser_authorities(user, database)
        for name in sorted(present - {PREFIX + name for name in self.authorities}):
            self.changes.append(f"remove {name} from {database}")
            self._certutil(user, database, "-D", "-n", name)
        for name, text in self.authorities.items():
            nick = PREFIX + name
            if nick in present and bodies(self._certutil(user, database, "-L", "-n", nick, "-a", reads=True)) == bodies(
                text
            ):
                continue
            self.changes.append(f"add {nick} to {database}")
            if not self.module.check_mode and not database.is_dir():
                self._as_user(user, ["mkdir", "-p", "-m", "0700", str(database)])
                self._certutil(user, database, "-N", "--empty-password")
            if nick in present:
                self._certutil(user, database, "-D", "-n", nick)
            self._certutil(user, database, "-A", "-n", nick, "-t", "C,,", "-a", data=text)

    def _browser_authorities(self, user: str, database: Path) -> set[str]:
        if not database.is_dir():
            return set()
        listing = self._certutil(user, database, "-L", reads=True)
        return {line.split()[0] for line in listing.splitlines() if line.startswith(PREFIX)}

    def _certutil(self, user: str, database: Path, *arguments: str, data: str = "", reads: bool = False) -> str:
        if self.module.check_mode and not reads:
            return ""
        return self._as_user(user, ["certutil", "-d", f"sql:{database}", *arguments], data)

    def _as_user(self, user: str, command: list[str], data: str = "") -> str:
        _, out, _ = self.module.run_command(["runuser", "-u", user, "--", *command], data=data or None, check_rc=True)
        return str(out)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "authorities": {"type": "dict", "required": True},
            "anchors": {"type": "path", "required": True},
            "update": {"type": "list", "elements": "str", "required": True},
            "update_removed": {"type": "list", "elements": "str", "default": []},
            "hooks": {"type": "path", "default": ""},
            "store": {"type": "path", "required": True},
            "destination": {"type": "path", "default": "/etc/facility/tls/ca.pem"},
            "system": {"type": "bool", "default": False},
            "nss_users": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    trust = Trust(module)
    trust.keep_anchors()
    updated = trust.keep_store()
    trust.keep_destination()
    for user in module.params["nss_users"]:
        trust.keep_browser(user)
    after = "".join(line + "\n" for line in trust.changes)
    module.exit_json(changed=bool(trust.changes), updated=updated, diff={"before": "", "after": after})


if __name__ == "__main__":
    main()
