"""Action `platform`: which operating system, and which variable files of the role go with it."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

NEEDED = ("distribution", "distribution_major_version", "distribution_version", "os_family")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Gather what is missing of a few facts and name the variable files. See the documentation in modules/platform.py."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(["subset"])

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `vars_files`, general first; fail on a platform that the role does not know."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        subsets = self._task.args.get("subset", [])
        facts = task_vars.get("ansible_facts", {})
        if any(name not in facts for name in NEEDED) or ("hardware" in subsets and "memtotal_mb" not in facts):
            gathered = self._execute_module(
                module_name="ansible.legacy.setup",
                module_args={"gather_subset": ["!all", "!min", "distribution", *subsets]},
                task_vars=task_vars,
            )
            if gathered.get("failed"):
                return {**result, **gathered}
            new = gathered["ansible_facts"]
            facts = {**facts, **{name.removeprefix("ansible_"): value for name, value in new.items()}}
            result["ansible_facts"] = new

        folder = os.path.join(task_vars["role_path"], "vars")
        family, name, major, version = (
            facts["os_family"],
            facts["distribution"],
            facts["distribution_major_version"],
            facts["distribution_version"],
        )
        candidates = dict.fromkeys([family, name, f"{name}_{major}", f"{name}_{version}"])
        files = [path for path in (os.path.join(folder, f"{c}.yml") for c in candidates) if os.path.exists(path)]
        specific = sorted(f.removesuffix(".yml") for f in os.listdir(folder) if "_" in f)
        # A role that has files for single releases runs on those only; others run wherever the family fits.
        if not files or (specific and not any("_" in os.path.basename(f) for f in files)):
            role = os.path.basename(task_vars["role_path"])
            raise AnsibleActionFail(
                f"{task_vars.get('inventory_hostname')} runs {name} {version}, for which role {role} has no settings. "
                f"It knows: {', '.join(s.replace('_', ' ') for s in specific) or family}. Use one of these, or add roles/{role}/vars/{name}_{major}.yml"
            )
        result.update(changed=False, vars_files=files)
        return result
