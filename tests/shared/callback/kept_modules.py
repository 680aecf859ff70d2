"""In the tests: put a module together only once, not once a playbook.

Ansible parses a module and all it imports before it sends them, a quarter of a second for each kind of module, and forgets the result when the playbook ends: in a test
run of hundreds of playbooks that is most of what the control node does. This plugin lets Ansible's own cache outlive the playbook: it puts a link to the folder
FACILITY_KEPT_MODULES where the cache is going to be. scripts/test makes the folder, and removes it when it ends, so no module is older than the run.
"""

from __future__ import annotations

import os
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kept_modules
type: aggregate
short_description: Share the cache of assembled modules between playbooks
description: For the tests alone.
requirements: [to be enabled]
"""


class CallbackModule(CallbackBase):
    """Nothing is called back; what has to be done is done before the first task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept_modules"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache").symlink_to(os.environ["FACILITY_KEPT_MODULES"])
