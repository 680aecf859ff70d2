"""Action `validate`: refuse a bad inventory before a host is touched."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

SHOWN = 200  # characters of a bad value that a message repeats
# Ansible's own variables that differ from task to task though nothing was told anew.
MAGIC = {"hostvars", "play_hosts", "role_names", "role_uuid", "vars"}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Check the calling role's variables: argument spec, unknown names, rules. See the documentation in modules/validate.py."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `problems`, a list of {variable, found, allowed, why, set_in}; failed when there is one."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._vars = task_vars or {}
        if "role_path" not in self._vars:
            raise AnsibleError(
                "panosc.facility.validate checks the variables of the role that calls it: call it from a role"
            )
        self._role_path = self._vars["role_path"]
        self._role = os.path.basename(self._role_path)
        found_good = Path(constants.DEFAULT_LOCAL_TMP, "validated", self._digest())
        if found_good.exists():
            result.update(changed=False, problems=[])
            return result
        self._own = self._templar.copy_with_new_env(available_variables=self._vars)
        specs = self._load("argument_specs.yml")["argument_specs"]
        self._options: dict[str, dict[str, Any]] = specs["main"].get("options", {})
        known = {name for spec in specs.values() for name in spec.get("options", {})}

        problems = [*self._unknown(known), *self._specified()]
        problems += list(self._ruled(already=bool(problems)))
        result.update(changed=False, problems=problems)
        if problems:
            result.update(failed=True, msg=self._message(problems))
        else:
            found_good.parent.mkdir(exist_ok=True)
            found_good.touch()
        return result

    def _digest(self) -> str:
        """Of everything that the role was told on this host.

        Every playbook begins with a look at the whole inventory, and each role looks again, for it may be used alone: what was found good is not
        evaluated a second time while the playbook runs. Private variables are the roles' own, and those of another role come and go with it.
        """
        others = tuple(
            f"{role}_" for role in os.listdir(os.path.dirname(self._role_path)) if role not in (self._role, "facility")
        )
        told = {
            name: value
            for name, value in self._vars.items()
            if name.startswith(f"{self._role}_")
            or not (name in MAGIC or name.startswith(("__", "_ansible_", "ansible_")) or name.startswith(others))
        }
        text = json.dumps([self._role_path, told], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _load(self, name: str) -> Any:
        path = os.path.join(self._role_path, "meta", name)
        return self._loader.load_from_file(path, trusted_as_template=True) if os.path.exists(path) else {}

    def _unknown(self, known: set[str]) -> Iterator[dict[str, Any]]:
        """Names that look like this role's but are in no argument spec: a typing error that Ansible would pass silently."""
        siblings = [r for r in os.listdir(os.path.dirname(self._role_path)) if r.startswith(f"{self._role}_")]
        for name in sorted(self._vars):
            if (
                not name.startswith(f"{self._role}_")
                or name in known
                or any(name.startswith(f"{s}_") for s in siblings)
            ):
                continue
            near = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else f"the variables of this role are listed in roles/{self._role}/README.md"
            )
            yield {"variable": name, "found": "is not a variable of this kit", "allowed": hint}

    def _specified(self) -> Iterator[dict[str, Any]]:
        """Missing values, then wrong types and choices, by Ansible's own validator."""
        values: dict[str, Any] = {}
        options = {name: {**option, "required": False} for name, option in self._options.items()}
        for name, option in self._options.items():
            if name not in self._vars:
                if option.get("required"):
                    yield {"variable": name, "found": "is not set", "allowed": _first_sentence(option["description"])}
                continue
            try:
                values[name] = self._templar.template(self._vars[name])
            except AnsibleError as error:
                yield {
                    "variable": name,
                    "found": f"cannot be evaluated: {_one_line(error)}",
                    "allowed": _first_sentence(option["description"]),
                }
        # What was evaluated once is not evaluated again each time that a rule mentions it.
        self._vars = {**self._vars, **values}
        for text in ArgumentSpecValidator(options).validate(values, validate_role_argument_spec=True).error_messages:
            yield {
                "variable": next((n for n in sorted(options, key=len, reverse=True) if n in text), self._role),
                "found": f"is refused: {text}",
            }

    def _ruled(self, already: bool) -> Iterator[dict[str, Any]]:
        """What the rules of meta/rules.yml refuse."""
        for rule in self._load("rules.yml") or []:
            extra: dict[str, Any] = {}
            try:
                if "remember" in rule:
                    name = rule["remember"]
                    self._vars = {**self._vars, name: self._template(self._vars[name], {})}
                    continue
                items = self._evaluate(rule["loop"], {}) if "loop" in rule else [None]
                for item in items:
                    extra = {"item": item}
                    if self._true(rule.get("when", True), extra) and not self._true(rule["that"], extra):
                        yield self._broken(rule, extra)
            except AnsibleError as error:
                if not already:  # with another problem about, this is mostly its echo
                    yield {
                        "variable": str(
                            self._template(rule["variable"], extra) if extra else rule.get("variable", self._role)
                        ),
                        "found": f"cannot be checked: {_one_line(error)}",
                        "allowed": str(rule.get("allowed", "")),
                    }

    def _broken(self, rule: Mapping[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        text = {
            key: str(self._template(rule[key], extra))
            for key in ("variable", "allowed", "why", "set_in")
            if key in rule
        }
        name = text["variable"]
        if rule.get("secret") or self._options.get(name, {}).get("no_log"):
            found = "is refused (the value is secret and not shown)"
        elif "value" in rule:
            found = f"is {_shown(self._template(rule['value'], extra))}"
        elif name in self._vars:
            found = f"is {_shown(self._templar.template(self._vars[name]))}"
        else:
            found = "is refused"
        return {**text, "found": found}

    def _true(self, conditions: Any, extra: dict[str, Any]) -> bool:
        conditions = conditions if isinstance(conditions, list) else [conditions]
        templar = self._seeing(extra)
        return all(templar.evaluate_conditional(condition) for condition in conditions)

    def _template(self, value: Any, extra: dict[str, Any]) -> Any:
        return self._seeing(extra).template(value)

    def _seeing(self, extra: dict[str, Any]) -> Any:
        """The templar of this action's own: a new one would look for every filter and test again."""
        self._own.available_variables = {**self._vars, **extra}
        return self._own

    def _evaluate(self, value: Any, extra: dict[str, Any]) -> Any:
        """The items of a loop: a list, or an expression that yields one (or a mapping: its items)."""
        templar = self._seeing(extra)
        items = (
            templar.evaluate_expression(value)
            if isinstance(value, str) and "{{" not in value
            else templar.template(value)
        )
        return [{"key": key, "value": item} for key, item in items.items()] if isinstance(items, Mapping) else items

    def _message(self, problems: list[dict[str, Any]]) -> str:
        lines = [f"The inventory is refused: role {self._role}, {len(problems)} problem(s)."]
        for number, problem in enumerate(problems, 1):
            lines.append(f"{number}. {problem['variable']} {problem['found']}")
            lines += [
                f"   {label}: {problem[key]}"
                for key, label in (("allowed", "allowed"), ("why", "why"))
                if problem.get(key)
            ]
            lines.append(f"   set it in: {problem.get('set_in', 'group_vars or host_vars of your inventory')}")
        return "\n".join(lines)


def _first_sentence(description: str | list[str]) -> str:
    text = description if isinstance(description, str) else description[0]
    return text.split(". ")[0].rstrip(".")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:SHOWN]


def _shown(value: Any) -> str:
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
