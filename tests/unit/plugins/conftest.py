import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def play(tmp_path):
    """Run tasks of a role `web` on localhost; returns (exit code, output)."""

    def run(tasks, *, files=None, variables=None, inventory=None):
        role = tmp_path / "roles" / "web"
        for name, content in {"tasks/main.yml": tasks, **(files or {})}.items():
            path = role / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        (tmp_path / "hosts.yml").write_text(
            yaml.safe_dump(inventory or {"web": {"hosts": {"here": {"ansible_connection": "local"}}}})
        )
        playbook = [
            {
                "hosts": "all",
                "gather_facts": False,
                "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **(variables or {})},
                "tasks": [{"import_role": {"name": "web", "rolespec_validate": False}}],
            }
        ]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(playbook))
        result = subprocess.run(
            ["ansible-playbook", "-i", "hosts.yml", "play.yml"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_STDOUT_CALLBACK": "panosc.facility.progress",
                "NO_COLOR": "1",
            },
        )
        return result.returncode, result.stdout + result.stderr

    return run


@pytest.fixture
def as_json():
    """A debug task that prints an expression as one line of JSON, and the reader of that line."""

    def task(expression):
        return {"debug": {"msg": "{{ 'JSON ' ~ (" + expression + ") | to_json }}"}}

    def read(output):
        line = next(part for part in output.splitlines() if ": JSON " in part)
        return json.loads(line.split(": JSON ", 1)[1])

    task.read = read
    return task
