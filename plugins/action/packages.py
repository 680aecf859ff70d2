"""Action `packages`: install what is missing."""

from __future__ import annotations

import shlex
from typing import Any

from ansible.plugins.action import ActionBase

NO_SUCH_COMMAND = 127  # of a shell


class ActionModule(ActionBase):  # type: ignore[misc]
    """Ask dpkg first, and the package manager only when something is missing. See the documentation in modules/packages.py."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(["name"])

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the package manager says, or that nothing was to do."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, args = self.validate_argument_spec({"name": {"type": "list", "elements": "str", "required": True}})
        names: list[str] = args["name"]
        asked = self._low_level_execute_command(
            shlex.join(["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}\\n", "--", *names])
        )
        # Three letters: wanted, is, trouble. `hi` is one that the administrator holds back.
        if asked["rc"] == 0 and all(state[1:].strip() == "i" for state in asked["stdout"].splitlines()):
            return {**result, "changed": False}
        if asked["rc"] == NO_SUCH_COMMAND:
            return {**result, **self._by_package(names, task_vars)}
        wanted = {"name": names, "state": "present", "install_recommends": False, "cache_valid_time": 3600}
        done: dict[str, Any] = self._execute_module(
            module_name="ansible.legacy.apt", module_args=wanted, task_vars=task_vars
        )
        return {**result, **done}

    def _by_package(self, names: list[str], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Leave it to ansible.builtin.package: there is no dpkg here."""
        task = self._task.copy()
        task.args = {"name": names, "state": "present"}
        done: dict[str, Any] = self._shared_loader_obj.action_loader.get(
            "ansible.legacy.package",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        ).run(task_vars=task_vars)
        return done
