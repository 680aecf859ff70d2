# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Authentication flows as trees: from the document, from Keycloak's flat export, and as an outline.

Two flows are equal when their outlines are equal. The alias of an execution's config is a label that
must be unique in the realm; it is not part of the outline.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .compare import texts
from .errors import DocumentError

# Config values that name another flow of the same tree; they must follow when the tree is renamed.
FLOW_REFERENCES = ("flow_to_check",)
REQUIREMENTS = ("REQUIRED", "ALTERNATIVE", "CONDITIONAL", "DISABLED")
RESERVED = set(":/?#@!$&()*+,;=[]\\<>\"'")  # refused by Keycloak in aliases of configs

_MARK = re.compile(r" ~[0-9a-f]{8}$")


def marked(alias: str, digest: str) -> str:
    """The alias of a temporary copy: the same, with the digest of its content."""
    return f"{unmarked(alias)} ~{digest}"


def unmarked(alias: str) -> str:
    """The alias that a temporary copy stands for."""
    return _MARK.sub("", alias)


@dataclass(frozen=True)
class Execution:
    """One step of a flow: an authenticator with its config, or a flow below."""

    requirement: str
    authenticator: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    config_alias: str = ""
    config_id: str = ""
    flow: Flow | None = None


@dataclass(frozen=True)
class Flow:
    """A flow and everything below it; ids are those of the server, empty in what the document says."""

    alias: str
    provider: str = "basic-flow"
    description: str = ""
    executions: tuple[Any, ...] = ()
    id: str = ""
    built_in: bool = False

    def outline(self, depth: int = 0) -> list[str]:
        """One line for each execution, indented by depth: what people read in a diff."""
        lines = []
        for step in self.executions:
            pad = "  " * depth
            if step.flow:
                kind = "" if step.flow.provider == "basic-flow" else f" ({step.flow.provider})"
                lines.append(f"{pad}{step.requirement} flow '{step.flow.alias}'{kind}")
                lines += step.flow.outline(depth + 1)
            else:
                settings = ", ".join(f"{key}={value}" for key, value in sorted(step.config.items()))
                lines.append(f"{pad}{step.requirement} {step.authenticator}{' {' + settings + '}' if settings else ''}")
        return lines

    def digest(self) -> str:
        """Short name of this very content; marks the temporary copy of a swap."""
        return hashlib.sha256("\n".join([self.provider, *self.outline()]).encode()).hexdigest()[:8]

    def subflows(self) -> list[Flow]:
        """All flows below this one, parents first."""
        found = []
        for step in self.executions:
            if step.flow:
                found += [step.flow, *step.flow.subflows()]
        return found

    def steps(self) -> list[Execution]:
        """All executions of the tree."""
        return [*self.executions, *(step for flow in self.subflows() for step in flow.executions)]

    def renamed(self, rename: Any) -> Flow:
        """The same tree with `rename` applied to every alias in it and every reference to one."""
        own = {flow.alias for flow in [self, *self.subflows()]}

        def follow(flow: Flow) -> Flow:
            return replace(flow, alias=rename(flow.alias), executions=tuple(step(one) for one in flow.executions))

        def step(one: Execution) -> Execution:
            config = {
                key: rename(value) if key in FLOW_REFERENCES and value in own else value
                for key, value in one.config.items()
            }
            alias = rename(one.config_alias) if one.config_alias else ""
            return replace(one, config=config, config_alias=alias, flow=follow(one.flow) if one.flow else None)

        return follow(self)


def from_document(raw: Mapping[str, Any], where: str = "") -> Flow:
    """A Flow from the nested form of the document; raises DocumentError."""
    where = where or f"authenticationFlows[{raw.get('alias')}]"
    alias = raw.get("alias")
    if not isinstance(alias, str) or not alias:
        raise DocumentError("a flow has no alias", where)
    steps, seen = [], Counter[str]()
    for number, item in enumerate(raw.get("executions") or [], 1):
        here = f"{where}.executions[{number}]"
        unknown = set(item) - {"authenticator", "requirement", "config", "flow"}
        if unknown:
            raise DocumentError(
                f"unknown keys {sorted(unknown)}", here, "Known: authenticator, flow, requirement, config"
            )
        if item.get("requirement") not in REQUIREMENTS:
            raise DocumentError(
                f"requirement is {item.get('requirement')!r}", here, f"One of {', '.join(REQUIREMENTS)}"
            )
        authenticator, sub = item.get("authenticator") or "", item.get("flow")
        if not authenticator and not sub:
            raise DocumentError("neither authenticator nor flow is given", here)
        if item["requirement"] == "CONDITIONAL" and not sub:
            raise DocumentError(
                "only a flow can be CONDITIONAL", here, "Put the condition and what depends on it into a flow"
            )
        config = dict(item.get("config") or {})
        seen[authenticator] += 1
        label = f"{alias} {authenticator}" + (f" {seen[authenticator]}" if seen[authenticator] > 1 else "")
        config_alias = str(config.pop("alias", label))
        if config and RESERVED & set(config_alias):
            raise DocumentError(
                f"the config alias {config_alias!r} has a reserved character",
                here,
                f"Not allowed: {''.join(sorted(RESERVED))}",
            )
        steps.append(
            Execution(
                requirement=item["requirement"],
                authenticator=authenticator,
                config={key: value for key, value in texts(config).items() if value},
                config_alias=config_alias if config else "",
                flow=from_document(sub, f"{here}.flow") if sub else None,
            )
        )
    return Flow(alias, raw.get("providerId") or "basic-flow", raw.get("description") or "", tuple(steps))


def to_document(flow: Flow) -> dict[str, Any]:
    """The nested form of the document; the inverse of from_document."""
    found: dict[str, Any] = {"alias": unmarked(flow.alias)}
    if flow.description:
        found["description"] = flow.description
    if flow.provider != "basic-flow":
        found["providerId"] = flow.provider
    found["executions"] = []
    for step in flow.renamed(unmarked).executions:
        item: dict[str, Any] = {"authenticator": step.authenticator} if step.authenticator else {}
        item["requirement"] = step.requirement
        if step.config:
            item["config"] = {"alias": step.config_alias, **step.config}
        if step.flow:
            item["flow"] = to_document(step.flow)
        found["executions"].append(item)
    return found


def from_export(export: Mapping[str, Any]) -> dict[str, Flow]:
    """Every top-level flow of a realm by alias, and sub-flows that hang nowhere."""
    raw = {flow["alias"]: flow for flow in export.get("authenticationFlows") or []}
    configs = {item["alias"]: item for item in export.get("authenticatorConfig") or []}

    def build(flow: Mapping[str, Any], trail: tuple[Any, ...]) -> Flow:
        steps = []
        for item in sorted(flow.get("authenticationExecutions") or [], key=lambda one: one.get("priority", 0)):
            alias = item.get("flowAlias")
            sub = raw.get(alias) if item.get("authenticatorFlow") else None
            config = configs.get(item.get("authenticatorConfig") or "", {})
            steps.append(
                Execution(
                    requirement=item["requirement"],
                    authenticator=item.get("authenticator") or "",
                    config={key: value for key, value in (config.get("config") or {}).items() if value},
                    config_alias=config.get("alias") or "",
                    config_id=config.get("id") or "",
                    flow=build(sub, (*trail, alias)) if sub and alias not in trail else None,
                )
            )
        return Flow(
            flow["alias"],
            flow.get("providerId") or "basic-flow",
            flow.get("description") or "",
            tuple(steps),
            flow.get("id") or "",
            bool(flow.get("builtIn")),
        )

    used = {step.get("flowAlias") for flow in raw.values() for step in flow.get("authenticationExecutions") or []}
    return {alias: build(flow, (alias,)) for alias, flow in raw.items() if flow.get("topLevel") or alias not in used}
