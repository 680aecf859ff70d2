"""Action `files`: renders what a role keeps on a host, and has all of it put into place in one go."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

SOURCES = ("template", "source", "content")


class ActionModule(ActionBase):  # type: ignore[misc]
    """Render here, compare and write there. See the documentation in modules/files.py."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(["files"])

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module says of all files and folders."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        files = self._task.args.get("files")
        if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
            raise AnsibleActionFail("files is to be a list of files and folders, each with its path")
        texts = [self._text(file, task_vars or {}) for file in files]
        # Packed: a text that is an argument of its own would be noted in the journal of the host.
        packed = base64.b64encode(zlib.compress(json.dumps(texts).encode())).decode()
        known = [{key: value for key, value in file.items() if key not in SOURCES} for file in files]
        done: dict[str, Any] = self._execute_module(
            module_name="panosc.facility.files",
            module_args={"files": known, "texts": packed},
            task_vars=task_vars,
        )
        return {**result, **done}

    def _text(self, file: dict[str, Any], task_vars: dict[str, Any]) -> str | None:
        """Return what is to be in a file, None for a folder."""
        given = [name for name in SOURCES if name in file]
        folder = file.get("state") == "directory"
        if len(given) != (0 if folder else 1):
            raise AnsibleActionFail(
                f"{file.get('path')}: {'a folder has none' if folder else 'a file has one'} of {', '.join(SOURCES)}"
            )
        if folder:
            return None
        if given == ["content"]:
            return str(file["content"])
        try:
            if given == ["source"]:
                return Path(self._find_needle("files", file["source"])).read_bytes().decode()
            return self._rendered(self._find_needle("templates", file["template"]), task_vars)
        except (AnsibleError, UnicodeDecodeError) as error:
            raise AnsibleActionFail(f"{file.get('path')}: {error}") from error

    def _rendered(self, template: str, task_vars: dict[str, Any]) -> str:
        """Return the text of a template, as ansible.builtin.template makes it."""
        folders = [*task_vars.get("ansible_search_path", []), str(Path(template).parent)]
        templar = self._templar.copy_with_new_env(
            searchpath=[place for folder in folders for place in (str(Path(folder, "templates")), folder)],
            available_variables={"ansible_managed": "Ansible managed", **task_vars},
        )
        text = trust_as_template(self._loader.get_text_file_contents(template))
        return str(templar.template(text, escape_backslashes=False, overrides={"trim_blocks": True}))
