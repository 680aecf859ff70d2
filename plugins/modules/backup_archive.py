#!/usr/bin/python
# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Module `backup_archive`: one archive of encrypted parts, read back before it counts."""

from __future__ import annotations

DOCUMENTATION = """
module: backup_archive
short_description: Make an archive of encrypted parts, read it back, or hand out a part of it
description:
  - Runs on the control node, the only place where the key is. Nothing is ever on the disk in clear.
  - An archive is a tar file of C(manifest.json), C(manifest.hmac) and C(NAME.age) for each part. The manifest tells checksums,
    versions and time, and is authenticated with the key, so that nobody can put an archive of their own in its place.
  - O(state=sealed) takes the parts that M(panosc.facility.backup_part) made and folders of the control node, writes the archive in
    one step, decrypts every part of it again and compares checksums. Only then C(ARCHIVE.json), the manifest beside the archive, is
    written, and archives beyond O(keep) are removed.
  - O(state=read) returns the manifest of an archive that is authentic.
  - O(state=opened) checks a part of an archive in the same way and encrypts it anew, for a key that exists only for this purpose, so
    that a host can read this part and no other.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  state:
    description: What to do.
    type: str
    choices: [sealed, read, opened]
    required: true
  path:
    description: The archive, NAME-TIME.tar.
    type: path
    required: true
  identity:
    description: The age identity that opens it.
    type: str
    required: true
  recipients:
    description: Public keys that can open what comes from the control node.
    type: list
    elements: str
    default: []
  parts:
    description: Folder with the parts that hosts made, C(NAME.age) with C(NAME.json). Removed when the archive is whole.
    type: path
  folders:
    description: Folders of the control node that become parts as well, by name.
    type: dict
    default: {}
  exclude:
    description: Folders below O(folders) that are left out.
    type: list
    elements: path
    default: []
  facts:
    description: More for the manifest.
    type: dict
    default: {}
  keep:
    description: How many archives with the same NAME stay.
    type: int
    default: 14
  part:
    description: The part to hand out.
    type: str
  dest:
    description: Where to write it, encrypted anew.
    type: path
requirements: [age]
attributes:
  check_mode:
    support: full
    description: Says that it would make an archive. Reading and opening are the same; what opening writes is for one run.
  diff_mode:
    support: none
    description: The content is secret.
"""

EXAMPLES = """
- name: Seal the archive
  panosc.facility.backup_archive:
    state: sealed
    path: /srv/backup/demo-20261126T120000Z.tar
    parts: /srv/backup/.parts
    folders: {inventory: /srv/inventory}
    identity: "{{ vault_backup_age_identity }}"
    recipients: ["{{ vault_backup_age_identity | panosc.facility.age_recipient }}"]
  delegate_to: localhost
"""

RETURN = """
manifest:
  description: What is in the archive.
  returned: when not in check mode
  type: dict
identity:
  description: With O(state=opened), the key that opens O(dest). Worthless elsewhere.
  returned: state is opened
  type: str
path:
  description: The archive.
  returned: state is sealed
  type: str
removed:
  description: Archives that were removed because there are newer ones.
  returned: state is sealed
  type: list
  elements: str
"""

import hashlib
import hmac
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Callable

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.panosc.facility.plugins.module_utils import streams

CHUNK = 1 << 20
FORMAT = 1
ENDING = re.compile(r"-[0-9]{8}T[0-9]{6}Z\.tar$")


class ArchiveError(Exception):
    """The archive cannot be made or used; the message says why."""


class Counted:
    """A sink that knows the checksum and length of what went through it."""

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self._write, self._digest, self.size = write, hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        """Pass on and count."""
        self._digest.update(data)
        self.size += len(data)
        self._write(data)
        return len(data)

    def told(self) -> dict[str, Any]:
        """Return what a manifest says of it."""
        return {"sha256": self._digest.hexdigest(), "size": self.size}


@contextmanager
def encrypting(recipients: list[str], out: IO[bytes]) -> Iterator[IO[bytes]]:
    """A sink that age encrypts into `out`."""
    keys = [word for key in recipients for word in ("--recipient", key)]
    with streams.start(["age", "--encrypt", *keys], stdin=streams.PIPE, stdout=out) as age:
        stdin = streams.end_of(age.stdin)
        try:
            yield stdin
            stdin.close()
        except BrokenPipeError:  # age has ended; its exit code says why
            age.stdin = None
        if age.wait():
            raise ArchiveError("age could not encrypt: are all of `recipients` public keys of age or SSH?")


def decrypt(identity: str, source: IO[bytes], write: Callable[[bytes], Any]) -> None:
    """Decrypt `source`; the identity reaches age by a pipe of its own."""
    key, key_end = os.pipe()
    os.write(key_end, identity.encode() + b"\n")
    os.close(key_end)
    command = ["age", "--decrypt", "--identity", f"/dev/fd/{key}"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), streams.PIPE)
    with streams.start(command, pass_fds=[key], **pipes) as age:
        os.close(key)
        stdin, stdout, stderr = map(streams.end_of, (age.stdin, age.stdout, age.stderr))

        def feed() -> None:
            try:
                shutil.copyfileobj(source, stdin, CHUNK)
                stdin.close()
            except BrokenPipeError:  # age has ended; its exit code says why
                pass

        feeder = threading.Thread(target=feed)
        feeder.start()
        while chunk := stdout.read(CHUNK):
            write(chunk)
        feeder.join()
        said = stderr.read().decode(errors="replace").strip()
        age.stdin = None
        if age.wait():
            raise ArchiveError(f"a part cannot be decrypted ({' '.join(said.split())[:200]}): is this the right key?")


def authentic(identity: str, manifest: bytes) -> str:
    """What proves that the owner of the identity wrote the manifest."""
    return hmac.new(identity.encode(), manifest, hashlib.sha256).hexdigest()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Put a small file into the archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
    archive.addfile(entry, io.BytesIO(content))


def pack(folder: str, exclude: list[str], recipients: list[str], dest: str) -> dict[str, Any]:
    """Write a folder of the control node to `dest`, as encrypted tar; what the manifest says of it."""
    left_out = {os.path.realpath(path) for path in exclude}

    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if os.path.realpath(os.path.join(folder, entry.name)) in left_out else entry

    with open(dest, "wb") as out, encrypting(recipients, out) as sink:
        counted = Counted(sink.write)
        with tarfile.open(fileobj=counted, mode="w|") as tar:  # type: ignore[call-overload]  # anything with write() will do
            tar.add(folder, arcname=".", filter=kept)
    return {**counted.told(), "kind": "folder"}


class Archive:
    """An archive that exists; opening it checks that its manifest is authentic.

    Raises:
        ArchiveError: it is no archive, or another key made it.
    """

    def __init__(self, path: str, identity: str) -> None:
        self._path, self._identity = path, identity
        try:
            with tarfile.open(path) as tar:
                said, proof = (self._file(tar, name).read() for name in ("manifest.json", "manifest.hmac"))
        except (tarfile.TarError, OSError) as error:
            raise ArchiveError(f"{path} cannot be read as an archive: {error}") from error
        if not hmac.compare_digest(proof.decode().strip(), authentic(identity, said)):
            raise ArchiveError(f"{path} was not made with this key, or was changed since: it is not used")
        self.manifest: dict[str, Any] = json.loads(said)
        if self.manifest["format"] != FORMAT:
            raise ArchiveError(f"{path} has format {self.manifest['format']}, this kit knows {FORMAT}")

    def _file(self, tar: tarfile.TarFile, name: str) -> IO[bytes]:
        try:
            file = tar.extractfile(name)
        except KeyError as error:
            raise ArchiveError(f"{self._path} has no {name}") from error
        return streams.end_of(file)  # only folders have none

    def read(self, name: str, write: Callable[[bytes], Any]) -> None:
        """Decrypt a part, and compare it with the manifest."""
        counted = Counted(write)
        with tarfile.open(self._path) as tar:
            decrypt(self._identity, self._file(tar, f"{name}.age"), counted.write)
        said = self.manifest["parts"].get(name, {})
        if any(said.get(key) != value for key, value in counted.told().items()):
            raise ArchiveError(f"part {name} of {self._path} is not what was backed up: its checksum differs")

    def verify(self) -> None:
        """Read everything back."""
        for name in self.manifest["parts"]:
            self.read(name, lambda _chunk: None)


def seal(wanted: dict[str, Any]) -> dict[str, Any]:
    """Make the archive, read it back, remove old ones."""
    folder, path = wanted["parts"], wanted["path"]
    parts = {}
    for file in sorted(os.listdir(folder)):
        if file.endswith(".json"):
            with open(os.path.join(folder, file), encoding="utf-8") as told:
                parts[file[: -len(".json")]] = json.load(told)
    for name, source in wanted["folders"].items():
        parts[name] = pack(source, wanted["exclude"], wanted["recipients"], os.path.join(folder, f"{name}.age"))
    if not parts:
        raise ArchiveError("there is nothing to back up: no host made a part")
    manifest = {**wanted["facts"], "format": FORMAT, "made": now(), "parts": parts}
    said = json.dumps(manifest, indent=2, sort_keys=True).encode()
    with open(f"{path}.partial", "wb") as out:
        os.chmod(out.fileno(), 0o600)
        with tarfile.open(fileobj=out, mode="w") as tar:
            add(tar, "manifest.json", said)
            add(tar, "manifest.hmac", authentic(wanted["identity"], said).encode())
            for name in parts:
                tar.add(os.path.join(folder, f"{name}.age"), arcname=f"{name}.age")
        out.flush()
        os.fsync(out.fileno())
    try:
        Archive(f"{path}.partial", wanted["identity"]).verify()
    except ArchiveError:
        os.unlink(f"{path}.partial")
        raise
    os.replace(f"{path}.partial", path)
    write_whole(f"{path}.json", json.dumps({**manifest, "verified": now()}, indent=2, sort_keys=True))
    shutil.rmtree(folder)
    return {"path": path, "manifest": manifest, "removed": forget(path, wanted["keep"])}


def forget(path: str, keep: int) -> list[str]:
    """Remove the oldest archives of the same name beyond `keep`."""
    folder, newest = os.path.split(path)
    name = ENDING.sub("", newest)
    same = sorted(f for f in os.listdir(folder) if ENDING.search(f) and ENDING.sub("", f) == name)
    for file in same[:-keep]:
        for victim in (f"{file}.json", file):
            if os.path.exists(os.path.join(folder, victim)):
                os.unlink(os.path.join(folder, victim))
    return same[:-keep]


def read(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what is in the archive."""
    return {"manifest": Archive(wanted["path"], wanted["identity"]).manifest}


def hand_out(wanted: dict[str, Any]) -> dict[str, Any]:
    """Encrypt one part for a key made now."""
    archive = Archive(wanted["path"], wanted["identity"])
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout  # noqa: S607  wherever the site has it
    identity = next(line for line in made.splitlines() if line.startswith("AGE-SECRET-KEY-"))
    recipient = next(line.split()[-1] for line in made.splitlines() if line.startswith("# public key:"))
    with open(wanted["dest"], "wb") as out, encrypting([recipient], out) as sink:
        archive.read(wanted["part"], sink.write)
    return {"manifest": archive.manifest, "identity": identity}


def now() -> str:
    """Return the time as the archives' names have it."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def write_whole(path: str, text: str) -> None:
    """Write a file for the owner only, whole or not at all."""
    with open(f"{path}.partial", "w", encoding="utf-8") as file:
        os.chmod(file.fileno(), 0o600)
        file.write(text + "\n")
    os.replace(f"{path}.partial", path)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["sealed", "read", "opened"], "required": True},
            "path": {"type": "path", "required": True},
            "identity": {"type": "str", "required": True, "no_log": True},
            "recipients": {"type": "list", "elements": "str", "default": []},
            "parts": {"type": "path"},
            "folders": {"type": "dict", "default": {}},
            "exclude": {"type": "list", "elements": "path", "default": []},
            "facts": {"type": "dict", "default": {}},
            "keep": {"type": "int", "default": 14},
            "part": {"type": "str"},
            "dest": {"type": "path"},
        },
        required_if=[("state", "sealed", ["parts", "recipients"]), ("state", "opened", ["part", "dest"])],
        supports_check_mode=True,
    )
    if module.params["state"] == "sealed" and module.check_mode:
        module.exit_json(changed=True)
    os.umask(0o077)
    try:
        found = {"sealed": seal, "read": read, "opened": hand_out}[module.params["state"]](module.params)
    except FileNotFoundError as error:
        program = str(error.filename).startswith("age")
        module.fail_json(
            msg=f"{error.filename} is missing on the control node{': install the package age' if program else ''}"
        )
    except (ArchiveError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=module.params["state"] == "sealed", **found)


if __name__ == "__main__":
    main()
