"""Secrets of a facility: generated once into an ansible-vault file, merged when new ones are needed, never rewritten.

Every name `vault_...` that a role's defaults or the inventory mentions and that no file of the inventory defines is a secret to make. Names
`vault_given_...` come from somebody else (the operators of UmbrellaID hand out a client secret, say): they are listed, never made.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
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


def complete(vault: Vault, needed: set[str]) -> tuple[list[str], list[str]]:
    """Add what is missing to the vault.

    Returns:
        The names made now, and the names that somebody else has to give.
    """
    have = vault.read()
    missing = sorted(needed - have.keys())
    made = [name for name in missing if not name.startswith(GIVEN)]
    if made:
        vault.write({**have, **{name: secrets.token_urlsafe(LENGTH * 3 // 4) for name in made}})
    return made, [name for name in missing if name.startswith(GIVEN)]


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
    parser.add_argument("--roles", type=Path, action="append", default=[ROLES], help="one more folder of roles")
    options = parser.parse_args(arguments)
    vault_path = options.vault or options.inventory / "group_vars" / "all" / "vault.yml"
    try:
        if not options.inventory.is_dir():
            raise ValueError(f"{options.inventory} is no folder")
        vault = Vault(vault_path, password_from(options.vault_password_file))
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
