"""What the demo's closing steps need: the state files of the browser tests, and the table at the end.

usage: report.py prepare|table|logins STATE_FOLDER

`prepare` writes two files into the state folder, both mode 0600:
demo.json    realm, urls, hosts (inventory name -> address), names (public name -> address), ca, screenshots
logins.json  users (who -> username, password, where), clients (client id -> secret), tokens (what for -> token)
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import yaml

from pan_facility.secrets import Vault, password_from

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventories" / "demo"
USER = "vault_equipment_user_"
DIRECTORY = ("alice", "bob", "carol")  # in the LDAP; the others are people of the home organisation


def addresses() -> tuple[dict[str, str], dict[str, str]]:
    """Return inventory name -> address and public name -> address of the demo's hosts."""
    hosts: dict[str, str] = {}
    names: dict[str, str] = {}

    def walk(groups: dict) -> None:
        for group in groups.values():
            for host, variables in ((group or {}).get("hosts") or {}).items():
                hosts[host] = variables["ansible_host"]
                names.update(dict.fromkeys([host, *variables.get("container_aliases", [])], variables["ansible_host"]))
            walk({k: v for k, v in ((group or {}).get("children") or {}).items() if v})

    walk(yaml.safe_load((INVENTORY / "hosts.yml").read_text()))
    return hosts, names


def prepare(state: Path) -> None:
    """Write demo.json and logins.json."""
    facility = yaml.safe_load((INVENTORY / "group_vars" / "all" / "facility.yml").read_text())
    secret = Vault(INVENTORY / "group_vars" / "all" / "vault.yml", password_from(state / "vault-password")).read()
    auth, realm = facility["facility_auth_url"], facility["facility_short_name"]
    hosts, names = addresses()
    (state / "screenshots").mkdir(exist_ok=True)
    demo = {
        "realm": realm,
        "urls": {
            "auth": auth,
            "realm": f"{auth}/realms/{realm}",
            "account": f"{auth}/realms/{realm}/account/",
            "umbrella": facility["facility_identity_providers"][0]["issuer"],
            "home_idp": "https://idp.home.test:8444",
            "data": facility["facility_services"]["catalogue"]["url"],
        },
        "hosts": hosts,
        "names": names,
        "ca": str(INVENTORY / ".pki" / "ca.pem"),
        "screenshots": str(state / "screenshots"),
    }
    users = {
        name: {"username": name, "password": value, "where": "directory" if name in DIRECTORY else "home organisation"}
        for key, value in secret.items()
        if key.startswith(USER) and (name := key.removeprefix(USER).removesuffix("_password"))
    }
    clients = {
        "facility-automation": secret["vault_keycloak_automation_secret"],
        "facility-demo": secret["vault_equipment_umbrella_client_secret"],
        "scicat": secret["vault_scicat_client_secret"],
        "jupyterhub": secret["vault_jupyterhub_client_secret"],
    }
    write(state / "demo.json", demo)
    tokens = {"push": secret["vault_catalogue_push_token"]}
    write(state / "logins.json", {"users": users, "clients": clients, "tokens": tokens})


def logins(state: Path) -> None:
    """Print who can log in, with passwords: only on request, so that they stand in no log."""
    prepare(state)
    for user in json.loads((state / "logins.json").read_text())["users"].values():
        print(f"{user['username']:<12}{user['password']:<36}{user['where']}")


def write(path: Path, content: object) -> None:
    """Write JSON that only the owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=1)


def table(state: Path) -> None:
    """Print where things are, who can log in, and where the time went."""
    demo = json.loads((state / "demo.json").read_text())
    users = json.loads((state / "logins.json").read_text())["users"]
    print("\nThe facility is up.\n")
    for what, url in (
        ("Account console", demo["urls"]["account"]),
        ("Administration", f"{demo['urls']['auth']}/admin/{demo['realm']}/console/ (from this machine only)"),
        ("Catalogue, search API", f"{demo['urls']['data']}/api/Datasets"),
        ("UmbrellaID look-alike", f"{demo['urls']['umbrella']} (test equipment)"),
    ):
        print(f"  {what:<24}{url}")
    print(f"\n  To open them in a browser here, trust {shorten(demo['ca'])} and add to /etc/hosts:")
    by_address: dict[str, list[str]] = {}
    for name, address in demo["names"].items():
        if name not in demo["hosts"]:
            by_address.setdefault(address, []).append(name)
    for address, names in by_address.items():
        print(f"    {address:<16}{' '.join(sorted(names))}")
    print("\n  Logins (passwords: scripts/demo --logins)")
    for where, how in (("home organisation", "button UmbrellaID, then"), ("directory", "the login form,")):
        print(f"    {how:<26}{', '.join(sorted(u['username'] for u in users.values() if u['where'] == where))}")
    print(f"\n  Screenshots             {shorten(demo['screenshots'])}\n")
    seconds: dict[str, dict[str, float]] = {}
    for file in (state / "times-equipment.json", state / "times-site.json"):
        for host, steps in json.loads(file.read_text()).items():
            for step, value in steps.items():
                seconds.setdefault(host, {})[step] = seconds.get(host, {}).get(step, 0) + value
    steps = [
        s
        for s in dict.fromkeys(step for host in seconds.values() for step in host)
        if sum(h.get(s, 0) for h in seconds.values()) >= 1
    ]
    print("  Seconds per host and step".ljust(30) + "".join(f"{step[:12]:>13}" for step in steps))
    for host in sorted(seconds):
        print(
            f"    {host:<26}"
            + "".join(f"{seconds[host][s]:>13.1f}" if s in seconds[host] else f"{'-':>13}" for s in steps)
        )
    print()


def shorten(path: str | Path) -> str:
    """Return the path as seen from the checkout."""
    return str(Path(path).relative_to(ROOT)) if Path(path).is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    {"prepare": prepare, "table": table, "logins": logins}[sys.argv[1]](Path(sys.argv[2]))
