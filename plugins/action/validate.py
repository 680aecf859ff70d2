"""Action `validate`: refuse a bad inventory before a host is touched."""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action import ActionBase

SHOWN = 200  # characters of a bad value that a message repeats
# Ansible's own variables that differ from task to task though nothing was told anew.
MAGIC = {"hostvars", "play_hosts", "role_names", "role_uuid", "vars"}
# Lookups and variables by which an expression sees what it does not name: then no host is like another.
SEES_MORE = re.compile(r"""['"]([\w.]+\.)?(declared|template|varnames|vars)\\?['"]|\b(hostvars\b|vars\[)""")
GOOD, BAD = "good", "bad"  # what one host found, for those that are told the same


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
        self._specs: dict[str, Any] = yaml_load(self._text("argument_specs.yml"))["argument_specs"]
        self._options: dict[str, dict[str, Any]] = self._specs["main"].get("options", {})
        result.update(changed=False, problems=[])
        checked = Path(constants.DEFAULT_LOCAL_TMP, "checked", self._digest())
        checked.parent.mkdir(exist_ok=True)
        with checked.open("a+") as verdict:
            # Of the hosts that are told the same one evaluates it, and the others wait for what it finds.
            fcntl.flock(verdict, fcntl.LOCK_EX)
            verdict.seek(0)
            known = verdict.read()
            if known == GOOD:
                return result
            if known == BAD:
                fcntl.flock(verdict, fcntl.LOCK_UN)
            problems = self._problems()
            if not known:
                verdict.write(BAD if problems else GOOD)
        if problems:
            result.update(failed=True, problems=problems, msg=self._message(problems))
        return result

    def _digest(self) -> str:
        """Of everything that the check depends on: what the role was told, what its rules name, and what those name in turn.

        Every playbook begins with a look at the whole inventory, and each role looks again, for it may be used alone: what was found good is not
        evaluated a second time while the playbook runs, nor for each host. A variable that says nothing about a host, like its name, counts where
        something names it. Private variables are the roles' own and do not count, but what they name does.
        """
        own = [name for name in self._vars if name.startswith(f"{self._role}_")]
        told = {"role_path": self._role_path} | {name: "any text" for name in own if self._any_text_will_do(name)}
        pending = [*(name for name in own if name not in told), *_named(self._text("rules.yml"))]
        seen = set(MAGIC)
        while pending:
            name = pending.pop()
            if name in seen or name not in self._vars:
                continue
            seen.add(name)
            text = json.dumps(self._vars[name], sort_keys=True, default=str)
            pending += _named(text)
            if not name.startswith("__"):
                told[name] = text
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def _any_text_will_do(self, name: str) -> bool:
        """Whether a variable is a plain text and its option takes any: only a rule can refuse it, and would name it."""
        option = self._options.get(name)
        value = self._vars[name]
        plain = isinstance(value, str) and "{{" not in value and "{%" not in value
        return plain and option is not None and option.get("type", "str") == "str" and "choices" not in option

    def _problems(self) -> list[dict[str, Any]]:
        """Evaluate everything, and return what is wrong with it."""
        self._own = self._templar.copy_with_new_env(available_variables=self._vars)
        known = {name for spec in self._specs.values() for name in spec.get("options", {})}
        problems = [*self._unknown(known), *self._specified()]
        return [*problems, *self._ruled(already=bool(problems))]

    def _text(self, name: str) -> str:
        path = Path(self._role_path, "meta", name)
        return path.read_text(encoding="utf-8") if path.exists() else ""

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
        rules = Path(self._role_path, "meta", "rules.yml")
        for rule in self._loader.load_from_file(str(rules), trusted_as_template=True) if rules.exists() else []:
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


def _named(text: str) -> list[str]:
    """Return every word of a text, for each may be the name of a variable; the host's name too where the text sees more than it names."""
    return [*re.findall(r"\w+", text), *(["inventory_hostname"] if SEES_MORE.search(text) else [])]


def _first_sentence(description: str | list[str]) -> str:
    text = description if isinstance(description, str) else description[0]
    return text.split(". ")[0].rstrip(".")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:SHOWN]


def _shown(value: Any) -> str:
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
