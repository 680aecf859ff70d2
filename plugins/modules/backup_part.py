#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Module `backup_part`: what a program prints, kept only encrypted."""

from __future__ import annotations

DOCUMENTATION = """
module: backup_part
short_description: Keep what a program prints, encrypted as it is read
description:
  - Runs a program and encrypts its output with C(age) on the way to a file. Nothing is on the disk in clear, and the host has no
    key that could open the file again.
  - The same output can be given to a second program at the same time, for example to one that tries it out.
  - The file appears when all programs have ended well, and in one step.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  argv:
    description: The program and its arguments.
    type: list
    elements: str
    required: true
  also:
    description: A second program, which reads the same on its standard input.
    type: list
    elements: str
    default: []
  recipients:
    description: Public keys, of age or of SSH, whose owners can open the file.
    type: list
    elements: str
    required: true
  dest:
    description: The file. Its folder has to be there.
    type: path
    required: true
requirements: [age]
attributes:
  check_mode:
    support: full
    description: Says that it would write the file; runs nothing.
  diff_mode:
    support: none
    description: The content is secret.
"""

EXAMPLES = """
- name: Dump a database
  panosc.facility.backup_part:
    argv: [runuser, -u, postgres, --, pg_dump, --format=custom, catalogue]
    also: [runuser, -u, postgres, --, pg_restore, --exit-on-error, --dbname=rehearsal]
    recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
    dest: /var/lib/facility/backup/catalogue.age
"""

RETURN = """
sha256:
  description: Checksum of what was encrypted.
  returned: when not in check mode
  type: str
size:
  description: Its length in bytes.
  returned: when not in check mode
  type: int
"""

import contextlib
import hashlib
import os
import tempfile
from typing import IO, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.panosc.facility.plugins.module_utils import streams

CHUNK = 1 << 20
SHOWN = 500  # characters of what a program said when it failed


class PartError(Exception):
    """A program failed; the message says which and what it said."""


def encrypt(argv: list[str], also: list[str], recipients: list[str], out: IO[bytes]) -> dict[str, Any]:
    """Copy the output of `argv` to `also` and, through age, to `out`.

    Raises:
        PartError: one of the programs failed.
    """
    keys = [word for key in recipients for word in ("--recipient", key)]
    digest, size = hashlib.sha256(), 0
    with contextlib.ExitStack() as stack:
        said = {name: stack.enter_context(tempfile.TemporaryFile()) for name in ("argv", "also", "age")}
        nothing: Any = streams.DISCARD

        def start(name: str, command: list[str], **pipes: Any) -> Any:
            return stack.enter_context(streams.start(command, stderr=said[name], **pipes))

        sources = {"argv": start("argv", argv, stdin=nothing, stdout=streams.PIPE)}
        sinks = {"age": start("age", ["age", "--encrypt", *keys], stdin=streams.PIPE, stdout=out)}
        if also:
            sinks["also"] = start("also", also, stdin=streams.PIPE, stdout=nothing)
        stdout = streams.end_of(sources["argv"].stdout)
        whole = True
        try:
            while chunk := stdout.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                for sink in sinks.values():
                    sink.stdin.write(chunk)
        except BrokenPipeError:
            whole = False
        stdout.close()
        for sink in sinks.values():
            try:
                sink.stdin.close()
            except BrokenPipeError:  # what was left in the buffer has no reader
                whole = False
        commands = {"also": also, "age": ["age"], "argv": argv}
        codes = {name: process.wait() for name, process in {**sinks, **sources}.items()}
        for name in ("also", "age", "argv"):
            if name == "argv" and not whole:  # the program was only cut off
                raise PartError(f"{' '.join(also)} did not read to the end")
            if codes.get(name):
                said[name].seek(0)
                text = " ".join(said[name].read().decode(errors="replace").split())[:SHOWN]
                raise PartError(f"{' '.join(commands[name])} ended with {codes[name]}: {text}")
    return {"sha256": digest.hexdigest(), "size": size}


def write(parameters: dict[str, Any]) -> dict[str, Any]:
    """Make the file of the module's parameters, whole or not at all."""
    folder, name = os.path.split(parameters["dest"])
    handle, partial = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            found = encrypt(parameters["argv"], parameters["also"], parameters["recipients"], out)
            os.fsync(out.fileno())
        os.replace(partial, parameters["dest"])
    except BaseException:
        os.unlink(partial)
        raise
    return found


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "argv": {"type": "list", "elements": "str", "required": True},
            "also": {"type": "list", "elements": "str", "default": []},
            "recipients": {"type": "list", "elements": "str", "required": True},
            "dest": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True)
    try:
        module.exit_json(changed=True, **write(module.params))
    except FileNotFoundError as error:
        module.fail_json(msg=f"{error.filename} is missing on this host: install it, or make the folder first")
    except (PartError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
