# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Replacing an authentication flow without a moment in which a broken one is in use.

A flow in use is never edited. A copy is built under a marked alias and read back; when it is complete,
everything bound to the old flow is bound to the copy, the old flow is deleted and the copy takes
its name. The mark is a digest of the content, so a later run knows whether a copy that it finds is
complete and still wanted, and goes on from any point at which an earlier run was killed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import flow_tree
from ..client import Client, part
from ..document import BINDINGS, IDP_BINDINGS, OVERRIDES
from ..errors import KeycloakError
from ..flow_tree import Execution, Flow, marked, unmarked
from ..state import PAGE
from .clients import put_client

FLOWS = "/authentication/flows"
IDPS = "/identity-provider/instances"


def variants(flows: dict[str, Flow], alias: str) -> list[Flow]:
    """The flow of that alias and the marked copies of it that interrupted runs left."""
    return [flow for flow in flows.values() if unmarked(flow.alias) == alias]


def equal(wanted: Flow, live: Flow | None) -> bool:
    """Whether `live`, marked or not, has the wanted content."""
    if live is None:
        return False
    return wanted.provider == live.provider and wanted.outline() == live.renamed(unmarked).outline()


def swap(client: Client, wanted: Flow, flows: dict[str, Flow]) -> None:
    """Makes `wanted` the only flow of its name, in use wherever one of the others was."""
    there = variants(flows, wanted.alias)
    current = flows.get(wanted.alias)
    if not there:
        _built(client, wanted)
        return
    keep = current if current and equal(wanted, current) else _complete_copy(client, wanted, flows)
    old = [flow for flow in there if flow.id != keep.id and flow.alias != keep.alias]
    if old:
        rebind(client, old, keep)
        for flow in old:
            client.delete(f"{FLOWS}/{flow.id}")
    _take_name(client, keep, wanted)


def _complete_copy(client: Client, wanted: Flow, flows: dict[str, Flow]) -> Flow:
    """The marked copy with the ids of all its parts: found complete, or built."""
    digest = wanted.digest()
    copy = flows.get(marked(wanted.alias, digest))
    if copy and equal(wanted, copy):
        return copy
    if copy:  # its build was interrupted, so nothing uses it
        client.delete(f"{FLOWS}/{copy.id}")
    return _built(client, wanted.renamed(lambda name: marked(name, digest)))


def _built(client: Client, tree: Flow) -> Flow:
    """Builds a flow and reads it back; raises KeycloakError when it is not what was sent."""
    build(client, tree)
    stored = flow_tree.from_export(client.read("/partial-export")).get(tree.alias)
    if stored is None or stored.outline() != tree.outline():
        strange = set(tree.outline()) ^ set(stored.outline() if stored else [])
        raise KeycloakError(
            f"Keycloak stored something else than was sent: {'; '.join(sorted(line.strip() for line in strange))}",
            f"authenticationFlows[{unmarked(tree.alias)}]",
            "It is not put to use. Write the flow as Keycloak keeps it",
        )
    return stored


def rebind(client: Client, old: Iterable[Flow], new: Flow) -> None:
    """Binds to `new` whatever uses one of `old`: the realm, identity providers, clients."""
    aliases, ids = {flow.alias for flow in old}, {flow.id for flow in old}
    realm = client.get("")
    moved: dict[str, Any] = {key: new.alias for key in BINDINGS if realm.get(key) in aliases}
    if moved:
        client.put("", moved)
    for idp in client.get(IDPS):
        moved = {key: new.alias for key in IDP_BINDINGS if idp.get(key) in aliases}
        if moved:  # the whole object: a PUT empties what is absent; the masked secret is kept
            client.put(f"{IDPS}/{part(idp['alias'])}", {**idp, **moved})
    start, more = 0, True
    while more:
        page = client.get("/clients", first=start, max=PAGE)
        start, more = start + PAGE, len(page) == PAGE
        for item in page:
            moved = {key: new.id for key, flow in (item.get(OVERRIDES) or {}).items() if flow in ids}
            if moved:
                put_client(client, item, {OVERRIDES: {**item[OVERRIDES], **moved}})


def _take_name(client: Client, copy: Flow, wanted: Flow) -> None:
    """Removes the marks, the top-level flow last: until then the next run knows that this is unfinished."""
    for step, target in zip(copy.steps(), copy.renamed(unmarked).steps()):
        if step.config_id and (step.config_alias, step.config) != (target.config_alias, target.config):
            body = {"id": step.config_id, "alias": target.config_alias, "config": dict(target.config)}
            client.put(f"/authentication/config/{step.config_id}", body)
    for flow in copy.subflows():
        if flow.alias != unmarked(flow.alias):
            _rename(client, flow, flow.description, top=False)
    if copy.alias != wanted.alias or copy.description != wanted.description:
        _rename(client, copy, wanted.description, top=True)


def _rename(client: Client, flow: Flow, description: str, top: bool) -> None:
    body = {"id": flow.id, "alias": unmarked(flow.alias), "description": description}
    client.put(f"{FLOWS}/{flow.id}", {**body, "providerId": flow.provider, "topLevel": top, "builtIn": False})


def build(client: Client, tree: Flow) -> str:
    """Creates the flow with everything in it, step by step; returns its id."""
    body = {"alias": tree.alias, "description": tree.description, "providerId": tree.provider}
    new = client.create(FLOWS, {**body, "topLevel": True, "builtIn": False}, lambda: _find_flow(client, tree.alias))
    _fill(client, tree, new)
    wanted = {step.flow.alias: step.requirement for step in tree.steps() if step.flow}
    path = f"{FLOWS}/{part(tree.alias)}/executions"
    for row in client.get(path) if wanted else []:
        requirement = wanted.get(row.get("displayName"))
        if row.get("authenticationFlow") and requirement != row["requirement"]:
            client.put(path, {**row, "requirement": requirement})
    return new


def _fill(client: Client, flow: Flow, flow_id: str) -> None:
    path = f"{FLOWS}/{part(flow.alias)}/executions"
    for number, step in enumerate(flow.executions):
        if step.flow:
            body = {"alias": step.flow.alias, "type": step.flow.provider, "description": step.flow.description}
            body["provider"] = step.authenticator or "registration-page-form"  # looked at for form-flow only
            sub = client.create(f"{path}/flow", {**body, "priority": number}, _at(client, path, number, "flowId"))
            _fill(client, step.flow, sub)
        else:
            _execution(client, path, flow_id, number, step)


def _execution(client: Client, path: str, flow_id: str, number: int, step: Execution) -> None:
    body: dict[str, Any] = {"authenticator": step.authenticator, "requirement": step.requirement, "parentFlow": flow_id}
    body.update(priority=number, authenticatorFlow=False)
    new = client.create("/authentication/executions", body, _at(client, path, number, "id"))
    if step.config:
        config = {"alias": step.config_alias, "config": dict(step.config)}
        client.create(
            f"/authentication/executions/{new}/config", config, _at(client, path, number, "authenticationConfig")
        )


def _at(client: Client, path: str, number: int, key: str) -> Any:
    """Finds what a lost answer may have created: the row at that place of the flow."""

    def find() -> str | None:
        rows = [row for row in client.get(path) if row.get("level") == 0]
        return rows[number].get(key) if number < len(rows) else None

    return find


def _find_flow(client: Client, alias: str) -> str | None:
    return next((flow["id"] for flow in client.get(FLOWS) if flow["alias"] == alias), None)
