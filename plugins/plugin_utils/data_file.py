"""YAML data files whose strings are templates, keys too: presets, and what a role declares in its meta folder.

Such a file is part of a role or of the inventory, hence as trusted as a task file. Its templates see only the variables
that the caller names, so that a reader knows from the caller what the file can depend on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleFileNotFound


def load_template_data(path: str, loader: Any, templar: Any, variables: Mapping[str, Any], section: str = "") -> Any:
    """Return the content of the YAML file `path` with its templates filled in.

    Args:
        path: Absolute path of the file.
        loader: Ansible's DataLoader (`self._loader` in an action or lookup plugin).
        templar: A public Templar (`self._templar` in an action or lookup plugin); it is not changed.
        variables: The only variables that the templates see; their own values may be templates too.
        section: Evaluate and return only this top-level key; None when the file does not have it.

    Raises:
        AnsibleFileNotFound: There is no such file.
        AnsibleError: The file is not YAML or one of its templates fails; the message names the file.
    """
    if not os.path.isfile(path):
        raise AnsibleFileNotFound(file_name=path)
    try:
        # `unsafe` saves a deep copy of what is only read here; templating makes new containers.
        data = loader.load_from_file(path, unsafe=True, trusted_as_template=True)
        if section:
            data = data.get(section)
        seeing = templar.copy_with_new_env(available_variables=dict(variables))
        return seeing.template(_with_keys(data, seeing.template))
    except AnsibleError as error:
        raise AnsibleError(f"{os.path.basename(path)}: {error.message}") from error


def _with_keys(value: Any, template: Callable[[str], Any]) -> Any:
    """Fill in the templates among the keys of mappings, which Ansible leaves alone."""
    if isinstance(value, Mapping):
        return {
            template(key) if isinstance(key, str) and "{{" in key else key: _with_keys(item, template)
            for key, item in value.items()
        }
    return [_with_keys(item, template) for item in value] if isinstance(value, list) else value
