"""In the tests: what Ansible makes of its sources is made only once, not once a playbook.

Ansible parses a module and all it imports before it sends them, a quarter of a second for each kind of module, and compiles each template to Python each time that a variable
is mentioned. It forgets both when the playbook ends: in a test run of hundreds of playbooks that is half of what the control node does. This plugin lets them outlive the
playbook, in the folder FACILITY_KEPT. scripts/test makes the folder, and removes it when it ends, so nothing is older than the run.

A module brings its sources with it, and its host compiles them each time, which is half of what a module costs there. Here it brings them compiled as well, for hosts with the
Python of the control node; others pass that by.

Of a template its code is kept, which depends on its text, on the settings in the file's name and on the filters of this run; it is run as ever.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import zipfile
from contextvars import ContextVar
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

from ansible import constants
from ansible._internal._templating import _jinja_bits as bits
from ansible.executor import module_common
from ansible.plugins.callback import CallbackBase
from ansible_collections.panosc.facility.plugins.plugin_utils import before_fork
from jinja2.environment import TemplateExpression

DOCUMENTATION = """
name: kept
type: aggregate
short_description: Share assembled modules and compiled templates between playbooks
description: For the tests alone.
requirements: [to be enabled]
"""
FOLDER = Path(os.environ["FACILITY_KEPT"])
compiled, compiled_expression = bits.AnsibleEnvironment.compile, bits.AnsibleEnvironment.compile_expression
expression: ContextVar[str | None] = ContextVar("expression", default=None)


# The head of a file of compiled code whose sources are not to be compared with it (PEP 552).
UNCHECKED = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)


class CallbackModule(CallbackBase):
    """Nothing is called back; what has to be done is done before the first task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        for name in ("modules", "templates"):
            (FOLDER / name).mkdir(exist_ok=True)
        Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache").symlink_to(FOLDER / "modules")
        module_common.zipfile = SimpleNamespace(**{**vars(zipfile), "ZipFile": WithCode})
        bits.AnsibleEnvironment.compile = kept
        bits.AnsibleEnvironment.compile_expression = kept_expression

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """As the collection's own output plugin does, which is not the one of all tests."""
        before_fork.load()


class WithCode(zipfile.ZipFile):
    """A zip file in which each source file has its compiled code beside it."""

    def writestr(self, zinfo_or_arcname: Any, data: bytes | str, *more: Any, **other: Any) -> None:
        super().writestr(zinfo_or_arcname, data, *more, **other)
        if zinfo_or_arcname.filename.endswith(".py"):
            code = zipfile.ZipInfo(f"{zinfo_or_arcname.filename}c", zinfo_or_arcname.date_time)
            code.compress_type = zinfo_or_arcname.compress_type
            source = compile(data, zinfo_or_arcname.filename, "exec", dont_inherit=True)
            super().writestr(code, UNCHECKED + marshal.dumps(source))


def file_of(environment: bits.AnsibleEnvironment, kind: str, source: str) -> Path:
    """Where the code of a template is kept: by all that it depends on."""
    context = bits._TemplateCompileContext.current(optional=True)
    settings = [getattr(environment, name) for name in bits._TEMPLATE_OVERRIDE_FIELD_NAMES]
    about = repr((kind, str.__str__(source), settings, context and context.escape_backslashes))
    return FOLDER / "templates" / hashlib.sha256(about.encode()).hexdigest()


def found(file: Path) -> CodeType | None:
    """Code that was kept."""
    try:
        code: CodeType = marshal.loads(file.read_bytes())  # noqa: S302  this run's own
    except (FileNotFoundError, EOFError, ValueError):
        return None
    return code


def kept(self: bits.AnsibleEnvironment, source: Any, *more: Any, **other: Any) -> Any:
    """Environment.compile of what has no name, as all in YAML, and no more to be regarded."""
    if more or other or not (isinstance(source, str) or expression.get() is not None):
        return compiled(self, source, *more, **other)
    about = ("template", source) if isinstance(source, str) else ("expression", expression.get())
    file = file_of(self, *about)
    code = found(file)
    if code is None:
        code = compiled(self, source)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_bytes(marshal.dumps(code))
        new.replace(file)
    return code


def kept_expression(self: bits.AnsibleEnvironment, source: str, undefined_to_none: bool = True) -> TemplateExpression:
    """Environment.compile_expression."""
    code = found(file_of(self, "expression", source))
    if code is not None:
        template = self.template_class.from_code(self, code, self.make_globals(None), None)
        return TemplateExpression(template, undefined_to_none)
    token = expression.set(source)
    try:
        return compiled_expression(self, source, undefined_to_none)
    finally:
        expression.reset(token)
