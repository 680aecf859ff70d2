#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Keep files and folders on a host, all in one go
version_added: "0.1.0"
description:
  - Templates are rendered on the control node as M(ansible.builtin.template) does it. One call to the host then compares all of them, with owner, group
    and mode, and writes what differs. M(ansible.builtin.template) and M(ansible.builtin.copy) take two calls for each file that is as it should be.
  - A file gets its name when it is whole, has its owner and mode, and O(files[].validate) has accepted it. Where that refuses one, all files are left as
    they were.
  - Contents are neither in the journal of the host nor in the arguments that Ansible shows.
options:
  files:
    description: In the order in which they are made. A folder has to come before the files in it; those above it are made too, as V(0755).
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where it is.
        type: path
        required: true
      state:
        description: What it is.
        type: str
        choices: [file, directory]
        default: file
      template:
        description: A template of the role, or of the playbook. A file has one of O(files[].template), O(files[].source) and O(files[].content).
        type: path
      source:
        description: A file of the role, or of the playbook, that is taken as it is.
        type: path
      content:
        description: The text itself.
        type: str
      owner:
        description: A user of the host.
        type: str
        default: root
      group:
        description: A group of the host.
        type: str
        default: root
      mode:
        description: Octal. Default is V(0644), for a folder V(0755).
        type: str
      secret:
        description: Whether its text stays out of a diff.
        type: bool
        default: false
      validate:
        description: A command that ends with 0 where a new file can be used. C(%s) in it stands for the file.
        type: str
  texts:
    description: The contents, rendered and packed. The control node fills this in.
    type: str
attributes:
  check_mode:
    description: Tells what would be made or changed. Nothing is validated.
    support: full
  diff_mode:
    description: Texts that are not secret; owner, group and mode.
    support: full
author: PaN Facility Kit contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Write configuration, secrets and unit
  panosc.facility.files:
    files:
      - {path: /etc/keycloak, state: directory}
      - {path: /etc/keycloak/secrets.env, template: secrets.env.j2, mode: "0600", secret: true}
      - {path: /etc/systemd/system/keycloak.service, template: keycloak.service.j2}
"""

RETURN = r"""
written:
  description: Paths of what was made or changed, or would be.
  returned: always
  type: list
  elements: str
  sample: [/etc/systemd/system/keycloak.service]
"""

import base64
import grp
import json
import os
import pwd
import shlex
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

NOT_THERE = -1  # an owner or a group of a check run, which comes with a package that is not installed yet


class RefusedError(Exception):
    """What cannot be done, with where and how to mend it."""


class Entry:
    """One file or folder: what is there, and what is to be there."""

    def __init__(self, module: AnsibleModule, wanted: dict[str, Any], text: str | None) -> None:
        """Look at what is there.

        Raises:
            RefusedError: something else is there, or the wanted owner, group or mode are none.
        """
        self.module = module
        self.path = Path(wanted["path"])
        self.secret: bool = wanted["secret"]
        self.validate: str = wanted["validate"] or ""
        self.bytes = None if text is None else text.encode()
        self.wanted = (
            self._id(pwd.getpwnam, wanted["owner"], "user"),
            self._id(grp.getgrnam, wanted["group"], "group"),
            self._mode(wanted["mode"] or ("0755" if text is None else "0644")),
        )
        self.draft = self.path.parent / f".{self.path.name}.draft"
        self.present = os.path.lexists(self.path)
        self.before = self._read() if self.present else None
        self.differs = not self.present or self.before != self.bytes
        self.attributes = self._attributes() if self.present else self.wanted
        self.misplaced = not self.differs and self.attributes != self.wanted

    def _id(self, look: Callable[[str], Any], name: str, kind: str) -> int:
        try:
            return int(look(name)[2])
        except KeyError:
            if self.module.check_mode:
                return NOT_THERE
            raise RefusedError(
                f"{self.path}: this host has no {kind} {name}. What makes it has to come before."
            ) from None

    def _mode(self, text: str) -> int:
        try:
            return int(text, 8)
        except ValueError:
            raise RefusedError(f"{self.path}: mode {text} is not octal. Write it as '0640', with quotes.") from None

    def _read(self) -> bytes | None:
        """Return the bytes of what is there; None of a folder, and of a link, whose place a file takes."""
        if self.path.is_dir() != (self.bytes is None):
            raise RefusedError(
                f"{self.path}: is to be {'a folder, and something else' if self.bytes is None else 'a file, and a folder'} is there. Move it away."
            )
        return None if self.bytes is None or self.path.is_symlink() else self.path.read_bytes()

    def _attributes(self) -> tuple[int, int, int]:
        found = self.path.lstat() if self.differs else self.path.stat()
        return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)

    def diff(self) -> dict[str, Any]:
        """Return what `--diff` shows."""
        if self.misplaced:
            before, after = (
                f"owner: {owner}\ngroup: {group}\nmode: {mode:04o}\n"
                for owner, group, mode in (self.attributes, self.wanted)
            )
        elif self.secret:
            return {"prepared": f"{self.path}: another text, which is not shown\n"}
        elif self.bytes is None:
            before, after = "", "a folder\n"
        else:
            before, after = ((text or b"").decode(errors="replace") for text in (self.before, self.bytes))
        return {"before_header": str(self.path), "after_header": str(self.path), "before": before, "after": after}

    def prepare(self) -> None:
        """Make the folder; or write the new text beside the file, and try it."""
        if self.bytes is None:
            for folder in reversed([above for above in self.path.parents if not above.exists()]):
                folder.mkdir()
                folder.chmod(0o755)
            self.path.mkdir(mode=0o700)
            self.settle(self.path)
            return
        if not self.path.parent.is_dir():
            raise RefusedError(f"{self.path}: there is no folder {self.path.parent}. What makes it has to come before.")
        self.draft.unlink(missing_ok=True)
        with os.fdopen(os.open(self.draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(self.bytes)
            stream.flush()
            os.fsync(stream.fileno())
        self.settle(self.draft)
        command = [part.replace("%s", str(self.draft)) for part in shlex.split(self.validate)]
        if not command:
            return
        code, out, errors = self.module.run_command(command)
        if code != 0:
            raise RefusedError(
                f"{self.path}: nothing was changed, for {command[0]} refuses the new one. {(errors or out).strip()}"
            )

    def put(self) -> None:
        """Give the draft its name, in one step for whoever reads it; or the right owner and mode to what is there."""
        if self.misplaced:
            self.settle(self.path)
        elif self.bytes is not None:
            self.draft.replace(self.path)
            self.module.set_default_selinux_context(str(self.path), False)

    def settle(self, path: Path) -> None:
        """Give a path its owner, group and mode."""
        owner, group, mode = self.wanted
        os.chown(path, owner, group)
        path.chmod(mode)
        self.module.set_default_selinux_context(str(path), False)


def keep(module: AnsibleModule, files: list[dict[str, Any]], texts: list[str | None]) -> list[Entry]:
    """Make and write what differs; return it.

    Raises:
        RefusedError: one of them cannot be. No file was changed; folders before it may have been made.
        OSError: the host cannot, for example for want of space.
    """
    changed: list[Entry] = []
    try:
        for file, text in zip(files, texts):
            entry = Entry(module, file, text)
            if entry.differs or entry.misplaced:
                changed.append(entry)
                if entry.differs and not module.check_mode:
                    entry.prepare()
    except BaseException:
        for entry in changed:
            entry.draft.unlink(missing_ok=True)
        raise
    if not module.check_mode:
        for entry in changed:
            entry.put()
    return changed


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "state": {"type": "str", "choices": ["file", "directory"], "default": "file"},
                    "template": {"type": "path"},
                    "source": {"type": "path"},
                    "content": {"type": "str"},
                    "owner": {"type": "str", "default": "root"},
                    "group": {"type": "str", "default": "root"},
                    "mode": {"type": "str"},
                    "secret": {"type": "bool", "default": False, "no_log": False},
                    "validate": {"type": "str"},
                },
            },
            "texts": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    texts = json.loads(zlib.decompress(base64.b64decode(module.params["texts"])))
    try:
        changed = keep(module, module.params["files"], texts)
    except (RefusedError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(changed),
        written=[str(entry.path) for entry in changed],
        diff=[entry.diff() for entry in changed] if module._diff else [],
    )


if __name__ == "__main__":
    main()
