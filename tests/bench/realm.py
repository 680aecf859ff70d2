"""A realm of 500 clients, 50 identity providers and 2,000 groups: reconciled, changed, created, against bare REST and module loops.

Prints a table with the budgets of DESIGN.md; the exit code is 1 when one is missed. Starts a Keycloak of its own on PostgreSQL,
or uses the one that FACILITY_TEST_KEYCLOAK_URL, _CA, _CLIENT_ID and _CLIENT_SECRET name (a client that may create realms).
Times depend on what else runs here; ratios are of one run, and requests are exact.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ansible.module_utils import basic
from ansible_collections.panosc.facility.plugins.module_utils.keycloak import client as http
from ansible_collections.panosc.facility.plugins.modules import keycloak_realm
from own_server import OwnServer

ROOT = Path(__file__).resolve().parents[2]
PARALLEL = 4
KEY = "k" * 32

# What keycloak-measured knows of the peers, on a quiet machine of the same size: Keycloak 26.7.5, PostgreSQL 15.
KNOWN = {
    "no change": "1.2 s, 96 requests (bare reads); keycloak-config-cli 157.8 s when its cache is off or missed",
    "one client": "keycloak-config-cli 168 s, 19,426 requests",
    "creation": "9.2-14.2 s (REST, 4 in flight); keycloak-config-cli 157.8 s; whole-realm POST 26 s",
    "loop": "1,200-1,380 s extrapolated, some 12,000 requests",
}


def document(realm: str, size: float) -> dict[str, Any]:
    """The big realm, or a part of it: every kind of object that a facility has many of, and some of the others."""

    def some(number: int) -> range:
        return range(max(1, round(number * size)))

    claims = {
        "id.token.claim": True,
        "access.token.claim": True,
        "userinfo.token.claim": True,
        "jsonType.label": "String",
    }

    def mapper(name: str) -> dict[str, Any]:
        config = {**claims, "user.attribute": name, "claim.name": name}
        return {
            "name": name,
            "protocol": "openid-connect",
            "protocolMapper": "oidc-usermodel-attribute-mapper",
            "config": config,
        }

    def client(number: int) -> dict[str, Any]:
        host = f"https://service{number:03}.facility.test"
        return {
            "clientId": f"service{number:03}",
            "name": f"Service {number}",
            "secret": "secret:client",
            "publicClient": False,
            "standardFlowEnabled": True,
            "directAccessGrantsEnabled": False,
            "fullScopeAllowed": False,
            "redirectUris": [f"{host}/callback", f"{host}/other"],
            "webOrigins": [host],
            "attributes": {"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": f"{host}/bye"},
            "protocolMappers": [mapper("facility_user_id")],
        }

    def provider(number: int) -> dict[str, Any]:
        issuer = f"https://idp{number:02}.test"
        config = {
            "issuer": issuer,
            "authorizationUrl": f"{issuer}/auth",
            "tokenUrl": f"{issuer}/token",
            "jwksUrl": f"{issuer}/jwks",
            "useJwksUrl": True,
            "validateSignature": True,
            "clientId": "facility",
            "clientSecret": "secret:idp",
            "syncMode": "IMPORT",
        }
        mappers = [
            {
                "name": f"attribute {one}",
                "identityProviderMapper": "oidc-user-attribute-idp-mapper",
                "config": {"claim": f"claim{one}", "user.attribute": f"attribute{one}", "syncMode": "FORCE"},
            }
            for one in range(6)
        ]
        return {
            "alias": f"idp{number:02}",
            "providerId": "oidc",
            "trustEmail": False,
            "config": config,
            "mappers": mappers,
        }

    def flow(number: int) -> dict[str, Any]:
        deny = {
            "authenticator": "deny-access-authenticator",
            "requirement": "REQUIRED",
            "config": {"denyErrorMessage": "no"},
        }
        role = {"condUserRole": "role000", "negate": True}
        condition = {"authenticator": "conditional-user-role", "requirement": "REQUIRED", "config": role}
        gate = {"alias": f"gate {number}", "executions": [condition, deny]}
        allow = {"authenticator": "allow-access-authenticator", "requirement": "REQUIRED"}
        return {"alias": f"flow {number}", "executions": [{"requirement": "CONDITIONAL", "flow": gate}, allow]}

    composite = {"composites": {"realm": ["role001", "role002"]}}
    ldap = {
        "connectionUrl": "ldaps://ldap.test",
        "usersDn": "dc=test",
        "vendor": "other",
        "authType": "none",
        "enabled": False,
    }
    ldap.update(usernameLDAPAttribute="uid", rdnLDAPAttribute="uid", uuidLDAPAttribute="entryUUID", editMode="UNSYNCED")
    given_name = {
        "name": "first name",
        "providerId": "user-attribute-ldap-mapper",
        "config": {"ldap.attribute": "givenName"},
    }
    return {
        "realm": realm,
        "displayName": "Big",
        "userProfile": {
            "attributes": [{"name": "facility_user_id", "permissions": {"view": ["admin"], "edit": ["admin"]}}]
        },
        "clientScopes": [
            {"name": f"scope{number:02}", "protocolMappers": [mapper(f"claim{one}") for one in range(3)]}
            for number in some(20)
        ],
        "roles": {
            "realm": [
                {"name": f"role{n:03}", "attributes": {"n": n}, **(composite if n > 2 and n % 10 == 5 else {})}
                for n in some(100)
            ],
            "client": {f"service{n:03}": [{"name": "admin"}, {"name": "user"}] for n in some(500) if n % 10 == 0},
        },
        "clients": [client(number) for number in some(500)],
        "groups": [
            {
                "name": f"group{number:02}",
                "attributes": {"kind": "x"},
                "subGroups": [{"name": f"member{one:03}", "attributes": {"number": one}} for one in range(100)],
            }
            for number in some(20)
        ],
        "authenticationFlows": [flow(1), flow(2)],
        "identityProviders": [provider(number) for number in some(50)],
        "userFederation": [{"name": "ldap", "config": ldap, "mappers": [given_name]}],
        "localization": {"en": {"no": "No."}, "de": {"no": "Nein."}},
    }


SECRETS = {"client": "bench-client-secret-0123456789", "idp": "bench-idp-secret-0123456789"}


class Bench:
    """One server and what is done to it."""

    def __init__(self, login: dict[str, str], folder: Path, size: float) -> None:
        self.login, self.folder, self.size = login, folder, size

    def client(self, realm: str) -> http.Client:
        session = http.new_session(self.login["ca_path"], PARALLEL)
        return http.Client(session, self.login["url"], realm, self.login["client_id"], self.login["client_secret"])

    def module(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The module as Ansible starts it, in a process of its own: its result, seconds, and peak memory in MB."""
        call = {**self.login, "realm": wanted, "secrets": SECRETS, "fingerprint_key": KEY, "verify_discovery": False}
        file = self.folder / "call.json"
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": call}))
        file.chmod(0o600)
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, __file__, "--call", str(file)], capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - started
        result = json.loads(done.stdout or "{}")
        if done.returncode or result.get("failed"):
            raise SystemExit(f"the module failed: {result.get('msg')}\n{done.stderr[-3000:]}")
        inside, peak = done.stderr.split("measured ")[-1].split()
        return {**result, "process": seconds, "seconds": float(inside), "rss": int(peak) / 1024}


def call_module(file: str) -> None:
    """In the process of its own: runs the module; the last words on stderr are its seconds and its peak memory in kB."""
    started = time.monotonic()

    def measured() -> None:
        seconds, peak = time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"measured {seconds:.3f} {peak}", end="", file=sys.stderr)

    basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = Path(file).read_bytes(), "legacy"
    atexit.register(measured)
    keycloak_realm.main()


def bare_reads(bench: Bench, realm: str) -> tuple[float, int]:
    """Seconds and number of the reads of plan B (export, pages of clients, groups, roles), 4 in flight, nothing parsed but ids."""
    best, count = 1e9, 0
    for _ in range(3):
        api = bench.client(realm)
        started = time.monotonic()
        first: list[tuple[str, dict[str, Any]]] = [
            ("/groups", {"briefRepresentation": "false", "max": -1}),
            ("/roles", {"briefRepresentation": "false"}),
            *(("/clients", {"first": at, "max": 50}) for at in range(0, round(500 * bench.size) + 50, 50)),
        ]
        with ThreadPoolExecutor(PARALLEL) as pool:
            export = pool.submit(api.read, "/partial-export")
            got = list(pool.map(lambda job, api=api: api.get(job[0], **job[1]), first))
            export.result()
            ids = {item["clientId"]: item["id"] for page in got[2:] for item in page}
            query: dict[str, Any] = {"briefRepresentation": "false"}
            second = [(f"/groups/{item['id']}/children", {**query, "first": 0, "max": 1000}) for item in got[0]]
            second += [
                (f"/clients/{ids[name]}/roles", query) for name in ids if name[-1] == "0" and name.startswith("service")
            ]
            second += [(f"/roles-by-id/{item['id']}/composites", {}) for item in got[1] if item["composite"]]
            list(pool.map(lambda job, api=api: api.get(job[0], **job[1]), second))
        best, count = min(best, time.monotonic() - started), api.requests
    return best, count


def bare_creation(bench: Bench, wanted: dict[str, Any]) -> tuple[float, int]:
    """Seconds and number of requests to make the same objects with nothing but POSTs, 4 in flight, kind after kind."""
    api = bench.client(wanted["realm"])
    started = time.monotonic()

    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    def config(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "config": {key: text(value) for key, value in item["config"].items()}}

    def post(job: tuple[str, Any]) -> str:
        return api.create(job[0], job[1], lambda: None)

    with ThreadPoolExecutor(PARALLEL) as pool:
        api.create_realm({"realm": wanted["realm"], "enabled": True, "displayName": wanted["displayName"]})
        roles = [{**role, "attributes": {"n": [text(role["attributes"]["n"])]}} for role in wanted["roles"]["realm"]]
        list(pool.map(post, [("/roles", {key: role[key] for key in ("name", "attributes")}) for role in roles]))
        ids = {role["name"]: role for role in api.get("/roles")}
        for role in roles:
            if "composites" in role:
                members = [ids[name] for name in role["composites"]["realm"]]
                api.post(f"/roles-by-id/{ids[role['name']]['id']}/composites", members)
        scopes = [
            {
                **scope,
                "protocol": "openid-connect",
                "protocolMappers": [config(one) for one in scope["protocolMappers"]],
            }
            for scope in wanted["clientScopes"]
        ]
        list(pool.map(post, [("/client-scopes", scope) for scope in scopes]))
        clients = [
            {
                **client,
                "secret": SECRETS["client"],
                "protocolMappers": [config(one) for one in client["protocolMappers"]],
            }
            for client in wanted["clients"]
        ]
        made = dict(
            zip((one["clientId"] for one in clients), pool.map(post, [("/clients", client) for client in clients]))
        )
        jobs = [
            (f"/clients/{made[owner]}/roles", role)
            for owner, some in wanted["roles"]["client"].items()
            for role in some
        ]
        list(pool.map(post, jobs))
        tops = [
            {"name": group["name"], "attributes": {key: [value] for key, value in group["attributes"].items()}}
            for group in wanted["groups"]
        ]
        parents = list(pool.map(post, [("/groups", group) for group in tops]))
        jobs = [
            (
                f"/groups/{parent}/children",
                {"name": sub["name"], "attributes": {"number": [text(sub["attributes"]["number"])]}},
            )
            for parent, group in zip(parents, wanted["groups"])
            for sub in group["subGroups"]
        ]
        list(pool.map(post, jobs))
        for idp in wanted["identityProviders"]:
            idp["config"]["clientSecret"] = SECRETS["idp"]
        idps = [
            {key: value for key, value in config(idp).items() if key != "mappers"}
            for idp in wanted["identityProviders"]
        ]
        list(pool.map(post, [("/identity-provider/instances", idp) for idp in idps]))
        jobs = [
            (
                f"/identity-provider/instances/{idp['alias']}/mappers",
                {**config(one), "identityProviderAlias": idp["alias"]},
            )
            for idp in wanted["identityProviders"]
            for one in idp["mappers"]
        ]
        list(pool.map(post, jobs))
    return time.monotonic() - started, api.requests


LOOP = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    login: {auth_keycloak_url: "{{ url }}", auth_realm: master, auth_client_id: "{{ client_id }}", auth_client_secret: "{{ client_secret }}",
            realm: "{{ wanted.realm }}"}
  tasks:
    - community.general.keycloak_role: "{{ login | combine({'name': item.name}) }}"
      loop: "{{ wanted.roles.realm }}"
      loop_control: {label: "{{ item.name }}"}
    - community.general.keycloak_clientscope: "{{ login | combine({'name': item.name, 'protocol': 'openid-connect'}) }}"
      loop: "{{ wanted.clientScopes }}"
      loop_control: {label: "{{ item.name }}"}
    - community.general.keycloak_client: >-
        {{ login | combine({'client_id': item.clientId, 'name': item.name, 'redirect_uris': item.redirectUris, 'web_origins': item.webOrigins}) }}
      loop: "{{ wanted.clients }}"
      loop_control: {label: "{{ item.clientId }}"}
    - community.general.keycloak_group: "{{ login | combine({'name': item.1.name, 'parents': [{'name': item.0.name}]}) }}"
      loop: "{{ wanted.groups | subelements('subGroups') }}"
      loop_control: {label: "{{ item.1.name }}"}
    - community.general.keycloak_identity_provider: >-
        {{ login | combine({'alias': item.alias, 'provider_id': 'oidc',
           'config': {'issuer': item.config.issuer, 'authorizationUrl': item.config.authorizationUrl, 'tokenUrl': item.config.tokenUrl,
                      'clientId': 'facility', 'clientSecret': secret},
           'mappers': item.mappers}) }}
      loop: "{{ wanted.identityProviders }}"
      loop_control: {label: "{{ item.alias }}"}
"""


def module_loop(bench: Bench, wanted: dict[str, Any]) -> tuple[float, int]:
    """Seconds and number of objects of community.general's modules in a loop over objects that are all there already."""
    playbook, variables = bench.folder / "loop.yml", bench.folder / "loop.json"
    playbook.write_text(LOOP)
    login = {key: bench.login[key] for key in ("url", "client_id", "client_secret")}
    variables.write_text(json.dumps({**login, "wanted": wanted, "secret": SECRETS["idp"]}))
    variables.chmod(0o600)
    objects = sum(len(wanted[key]) for key in ("clientScopes", "clients", "identityProviders"))
    objects += len(wanted["roles"]["realm"]) + sum(len(group["subGroups"]) for group in wanted["groups"])
    environment = {
        **os.environ,
        "SSL_CERT_FILE": bench.login["ca_path"],
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
    }
    environment.update(ANSIBLE_INJECT_INVOCATION="0", ANSIBLE_PYTHON_INTERPRETER=sys.executable)
    command = ["ansible-playbook", "-i", "localhost,", str(playbook), "-e", f"@{variables}"]
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    if done.returncode:
        raise SystemExit(f"the loop of modules failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return time.monotonic() - started, objects


def main() -> int:
    """Measures and prints; 1 when a budget is missed."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench realm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=float, default=1.0, help="part of the big realm, such as 0.1 (default 1)")
    parser.add_argument(
        "--no-loop", action="store_true", help="leave out community.general's modules, which take minutes"
    )
    parser.add_argument("--call", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.call:
        call_module(options.call)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # what was started is stopped all the same
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="facility-bench-")))
        bench = Bench(server(stack, folder), folder, options.size)
        rows = measure(bench, stack, options)
    return table(rows, options.size)


Row = tuple[str, str, bool, str, str]  # what, measured, within, budget, what is known of others


def measure(bench: Bench, stack: ExitStack, options: argparse.Namespace) -> list[Row]:
    """All measurements, from an empty server to a loop of modules."""
    names = [f"bench-{word}-{os.getpid()}" for word in ("warm", "bare", "kit", "loop")]
    for name in names:
        stack.callback(lambda name=name: removed(bench, name))
    progress("warming the server up")
    bare_creation(bench, document(names[0], 0.04))
    progress("creating: bare REST, 4 in flight")
    bare_seconds, bare_requests = bare_creation(bench, document(names[1], bench.size))
    progress("creating: the module")
    wanted = document(names[2], bench.size)
    made = bench.module(wanted)
    progress("reading: bare, and the module without a change")
    read_seconds, read_requests = bare_reads(bench, names[2])
    runs = [bench.module(wanted) for _ in range(3)]
    same = min(runs, key=lambda run: run["seconds"])
    if any(run["changed"] for run in runs):
        raise SystemExit(f"a second run changes something: {runs[0]['plan'][:5]}")
    progress("changing one client")
    wanted["clients"][-1]["description"] = "changed"
    one = bench.module(wanted)
    writes = one["requests"] - same["requests"]
    rows: list[Row] = [
        ("no change", took(same), same["process"] < 3, "< 3 s", KNOWN["no change"]),
        ("", f"{same['requests']} requests", same["requests"] <= 100, "<= 100", f"bare reads now: {read_requests}"),
        ratio("against the bare reads", same["seconds"], read_seconds, 2),
        ("one changed client", took(one), one["process"] < 3, "< 3 s", KNOWN["one client"]),
        ("", f"{writes} write", writes == 1 and one["changed"], "1", ""),
        (
            "first creation",
            f"{made['process']:.1f} s, {made['requests']} requests",
            made["process"] < 30,
            "< 30 s",
            KNOWN["creation"],
        ),
        ratio(f"against bare REST ({bare_requests} requests)", made["seconds"], bare_seconds, 2),
    ]
    peak = max(made["rss"], same["rss"], one["rss"])
    rows.append(("peak memory of the module", f"{peak:.0f} MB", peak < 300, "< 300 MB", ""))
    if not options.no_loop:
        progress("looping over a tenth with community.general's modules: minutes")
        tenth = document(names[3], bench.size / 10)
        bench.module(tenth)
        loop, objects = module_loop(bench, tenth)
        scaled = loop * 10
        times = scaled / same["process"]
        said = f"{scaled:.0f} s (scaled by 10 from {objects} objects in {loop:.0f} s)"
        rows.append(("community.general in a loop, no change", said, True, "", KNOWN["loop"]))
        rows.append(("the module is faster", f"{times:.0f} times", times >= 200, ">= 200", ""))
    return rows


def took(run: dict[str, Any]) -> str:
    """Seconds of one run of the module."""
    return f"{run['seconds']:.2f} s, {run['process']:.2f} s with Python's start"


def ratio(what: str, mine: float, bare: float, budget: float) -> Row:
    """A row for a time against another one of the same run."""
    return (what, f"{mine / bare:.2f} times {bare:.2f} s", mine <= budget * bare, f"<= {budget}", "")


def removed(bench: Bench, realm: str) -> None:
    """Deletes a realm that may not be there."""
    api = bench.client(realm)
    if api.exists():
        api.delete("")


def progress(text: str) -> None:
    print(f"  {text} ...", file=sys.stderr, flush=True)


def table(rows: list[Row], size: float) -> int:
    """Prints the table; 1 when a budget is missed."""
    print(f"\nRealm of {500 * size:.0f} clients, {50 * size:.0f} identity providers, {2000 * size:.0f} groups\n")
    for what, measured, within, budget, known in rows:
        mark = "" if not budget else "ok" if within else "MISSED"
        print(f"{what:42} {measured:48} {budget:9} {mark:7} {known}")
    missed = [row for row in rows if row[3] and not row[2]]
    print(
        f"\n{len(missed)} of {sum(bool(row[3]) for row in rows)} budgets missed; load of this machine: {os.getloadavg()[0]:.1f}"
    )
    return 1 if missed else 0


# The server.


def server(stack: ExitStack, folder: Path) -> dict[str, str]:
    """The login to the server that the environment names, or to one that is started here."""
    given = {
        name: os.environ.get(f"FACILITY_TEST_KEYCLOAK_{name}", "")
        for name in ("URL", "CA", "CLIENT_ID", "CLIENT_SECRET")
    }
    if all(given.values()):
        return {
            "url": given["URL"],
            "ca_path": given["CA"],
            "client_id": given["CLIENT_ID"],
            "client_secret": given["CLIENT_SECRET"],
        }
    return OwnServer(stack, folder).login


if __name__ == "__main__":
    sys.exit(main())
