"""Action `preflight_report`: one report of what all hosts found."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812  # ansible's own name for it
from ansible.plugins.action import ActionBase
from ansible_collections.panosc.facility.plugins.plugin_utils.preflight_report import gather, summary, text


class ActionModule(ActionBase):  # type: ignore[misc]
    """Show the report, keep it, and fail when there are errors. See the documentation in modules/preflight_report.py."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(["title", "checked", "directory"])

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `findings` and `files`."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        hostvars = (task_vars or {})["hostvars"]
        checked = self._task.args["checked"]
        results = {
            host: {role: dict(hostvars[host].get(f"__{role}_preflight") or {}) for role in roles}
            for host, roles in checked.items()
        }
        findings = gather(results, checked)
        title, folder = self._task.args["title"], Path(self._task.args["directory"])
        files = [folder / "preflight.txt", folder / "preflight.json"]
        moment = datetime.now(timezone.utc).isoformat(timespec="seconds")
        _keep(files[0], f"{moment}\n{text(title, findings, everything=True)}")
        _keep(files[1], json.dumps({"title": title, "time": moment, "findings": findings}, indent=1) + "\n")
        bad = any(finding["level"] == "error" for finding in findings)
        self._display.display("\n" + text(title, findings), color=C.COLOR_ERROR if bad else None)
        self._display.display(f"In full: {files[0]}, as data: {files[1]}\n")
        result.update(changed=False, findings=findings, files=list(map(str, files)))
        if bad:
            result.update(failed=True, msg=f"{title}: {summary(findings)}. They are told above and in {files[0]}")
        return result


def _keep(path: Path, content: str) -> None:
    """Write a file of mode 0600 in one step, in a folder for its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
    Path(draft).replace(path)
