"""What is loaded before Ansible forks its workers is not loaded again in each."""

import json
import subprocess
import sys

PROGRAM = """
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template
init_plugin_loader()
from ansible_collections.panosc.facility.plugins.plugin_utils import before_fork
if {load}:
    before_fork.load()
before = set(sys.modules)
template = "{{{{ ('10.0.0.1' | default('') is string) and lookup('panosc.facility.declared', 'x', errors='ignore') is none, [] | panosc.facility.host_addresses }}}}"
Templar(DataLoader(), variables={{}}).template(trust_as_template(template))
print(json.dumps(sorted(name for name in set(sys.modules) - before if ".plugins.filter." in name or ".plugins.test." in name or ".lookup." in name)))
"""


def loaded_by_a_template(*, load):
    """Modules with filters, tests and lookups that a template loads, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(load=load)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_template_loads_nothing_more():
    assert loaded_by_a_template(load=True) == []
    without = " ".join(loaded_by_a_template(load=False))
    assert "ansible.plugins.filter.core" in without
    assert "panosc.facility.plugins.filter.look" in without
    assert "panosc.facility.plugins.lookup.declared" in without
