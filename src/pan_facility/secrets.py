"""Secrets of a facility: generated once into an ansible-vault file, merged when new ones are needed, never rewritten.

Every name `vault_...` that a role's defaults or the inventory mentions and that no file of the inventory defines is a secret to make. Names
`vault_given_...` come from somebody else (the operators of UmbrellaID hand out a client secret, say): they are listed, never made.

A rotation has two steps. `--rotate NAME` makes a new value and keeps the old one as `NAME_old`; the playbooks put the new one in place. `--retire`
forgets the old ones. In between the vault says itself how far it is, so a rotation that was stopped is taken up by the same command.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import yaml
from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.vault import VaultLib, VaultSecret

ROLES = Path(__file__).resolve().parents[2] / "roles"
# A name that is used with `| default(...)` may be missing.
NAME = re.compile(r"\bvault_[a-z0-9_]+\b(?!\s*\|\s*default\()")
DEFINITION = re.compile(r"^(vault_[a-z0-9_]+):", re.MULTILINE)
GIVEN = "vault_given_"
OLD = "_old"  # ending of the name that keeps a value until the new one is in place
AGE = "_age_identity"  # ending of names that hold a key of age
# What is encrypted or recognised with these cannot be read with another: a new value alone would lose it.
FIXED = re.compile(rf"{AGE}$|_passphrase$|_fingerprint_key$")
LENGTH = 32  # characters of A-Z a-z 0-9 - _ : 192 bits
HEADER = "# Secrets of this facility, made by scripts/secrets. Read and change them with ansible-vault edit.\n"


def mentioned(files: Iterable[Path]) -> set[str]:
    """Return the `vault_...` names that occur in the text of `files`."""
    return {name for file in files for name in NAME.findall(file.read_text(encoding="utf-8"))}


def defined(files: Iterable[Path]) -> set[str]:
    """Return the `vault_...` names that `files` themselves set, in clear or as single encrypted values."""
    return {name for file in files for name in DEFINITION.findall(file.read_text(encoding="utf-8"))}


def inventory_files(inventory: Path) -> list[Path]:
    """Return the YAML files of the inventory folder, vault files left out (they are read by `Vault`)."""
    return [f for f in sorted(inventory.rglob("*.yml")) if f.name != "vault.yml"]


def role_files(folders: Iterable[Path]) -> list[Path]:
    """Return the defaults of all roles in `folders`."""
    return [file for folder in folders for file in sorted(folder.glob("*/defaults/main.yml"))]


class Vault:
    """One ansible-vault encrypted YAML file of name -> text.

    Raises:
        ValueError: the file is not encrypted, or not with this password.
    """

    def __init__(self, path: Path, password: str) -> None:
        """Bind a file, which need not exist yet, and the password that opens it."""
        self.path = path
        self._lib = VaultLib([(DEFAULT_VAULT_ID_MATCH, VaultSecret(password.encode()))])

    def read(self) -> dict[str, str]:
        """Return the secrets; empty when there is no file."""
        if not self.path.exists():
            return {}
        text = self.path.read_bytes()
        if not text.startswith(b"$ANSIBLE_VAULT"):
            raise ValueError(f"{self.path} is not encrypted: run ansible-vault encrypt {self.path}")
        try:
            return dict(yaml.safe_load(self._lib.decrypt(text)) or {})
        except Exception as error:  # ansible raises its own class for a wrong password, another for a damaged file
            raise ValueError(f"{self.path} cannot be opened with this vault password ({error})") from error

    def write(self, content: dict[str, str]) -> None:
        """Replace the file in one step, mode 0600: a kill in between leaves the old one."""
        body = HEADER + yaml.safe_dump(content, sort_keys=True, width=1000)
        encrypted = self._lib.encrypt(body.encode())
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".vault-")
        with os.fdopen(handle, "wb") as file:
            file.write(encrypted)
        Path(name).replace(self.path)


def new(name: str) -> str:
    """Return a value for the secret `name`.

    Raises:
        ValueError: age is needed to make it, and missing.
    """
    if not name.endswith(AGE):
        return secrets.token_urlsafe(LENGTH * 3 // 4)
    try:
        made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    except FileNotFoundError as error:
        raise ValueError(f"{name} is a key of age, and age is missing: install the package `age`") from error
    return next(line for line in made.splitlines() if line.startswith("AGE-SECRET-KEY-"))


def complete(vault: Vault, needed: set[str]) -> tuple[list[str], list[str]]:
    """Add what is missing to the vault.

    Returns:
        The names made now, and the names that somebody else has to give.
    """
    have = vault.read()
    missing = sorted(needed - have.keys())
    made = [name for name in missing if not name.startswith(GIVEN)]
    if made:
        vault.write({**have, **{name: new(name) for name in made}})
    return made, [name for name in missing if name.startswith(GIVEN)]


def rotate(vault: Vault, names: list[str]) -> list[str]:
    """Give `names` new values and keep the old ones; a name whose old value is still kept has its new one already.

    Returns:
        The names that got a new value now.

    Raises:
        ValueError: a name is not in the vault, or not to be changed like this.
    """
    have = vault.read()
    for name in names:
        if name not in have or name.endswith(OLD):
            own = ", ".join(sorted(n for n in have if not n.endswith(OLD) and not n.startswith(GIVEN)))
            raise ValueError(f"{name} is no secret of {vault.path}, which has: {own}")
        if name.startswith(GIVEN):
            raise ValueError(
                f"{name} was given by others: get a new one from them, and put it in with ansible-vault edit"
            )
        if FIXED.search(name):
            raise ValueError(f"{name} cannot be rotated alone: docs/operations.md says what depends on it")
    made = [name for name in names if f"{name}{OLD}" not in have]
    if made:
        old = {f"{name}{OLD}": have[name] for name in made}
        vault.write({**have, **old, **{name: new(name) for name in made}})
    return made


def retire(vault: Vault) -> list[str]:
    """Forget the old values of a rotation; returns the names whose old value is gone."""
    have = vault.read()
    old = sorted(name for name in have if name.endswith(OLD))
    if old:
        vault.write({name: value for name, value in have.items() if name not in old})
    return [name.removesuffix(OLD) for name in old]


def password_from(path: Path) -> str:
    """Return the vault password of a file, made (mode 0600) when the file does not exist.

    Raises:
        ValueError: others may read the file, or it is empty.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(LENGTH * 3 // 4) + "\n")
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} may be read by others: chmod 600 {path}")
    password = path.read_text(encoding="utf-8").strip()
    if not password:
        raise ValueError(f"{path} is empty: it must hold the vault password")
    return password


def main(arguments: list[str] | None = None) -> int:
    """Command line; exit code 1 when secrets of others are still missing, 2 for a file that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="scripts/secrets", description="Generate the secrets that an inventory still lacks."
    )
    parser.add_argument("inventory", type=Path, help="folder of the inventory, for example inventories/mysite")
    parser.add_argument(
        "--vault-password-file",
        type=Path,
        required=True,
        help="holds the vault password; made, mode 0600, when it does not exist",
    )
    parser.add_argument(
        "--vault", type=Path, help="the vault file (default: group_vars/all/vault.yml of the inventory)"
    )
    parser.add_argument(
        "--rotate", metavar="NAME", nargs="+", default=[], help="give these secrets new values, keep the old ones"
    )
    parser.add_argument("--retire", action="store_true", help="forget the old values, when the new ones are in place")
    parser.add_argument("--roles", type=Path, action="append", default=[ROLES], help="one more folder of roles")
    options = parser.parse_args(arguments)
    vault_path = options.vault or options.inventory / "group_vars" / "all" / "vault.yml"
    try:
        if not options.inventory.is_dir():
            raise ValueError(f"{options.inventory} is no folder")
        vault = Vault(vault_path, password_from(options.vault_password_file))
        if options.rotate or options.retire:
            done = rotate(vault, options.rotate) if options.rotate else retire(vault)
            what = "rotated, the old value kept until --retire" if options.rotate else "old value forgotten"
            print(*[f"{vault_path}: {name}: {what}" for name in done] or [f"{vault_path}: nothing to do"], sep="\n")
            return 0
        own = inventory_files(options.inventory)
        made, given = complete(vault, mentioned(role_files(options.roles) + own) - defined(own))
    except ValueError as error:
        print(f"scripts/secrets: {error}", file=sys.stderr)
        return 2
    print(f"{vault_path}: {len(made)} made{''.join(f'{chr(10)}  {name}' for name in made)}")
    if given:
        print("still to be filled in by you, with ansible-vault edit (others hand these out):", *given, sep="\n  ")
    return 1 if given else 0


if __name__ == "__main__":
    sys.exit(main())
