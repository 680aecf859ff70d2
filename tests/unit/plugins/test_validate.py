"""The gate in front of every role: what it refuses, what it says, what it keeps to itself."""

import pytest

CHECK = [{"panosc.facility.validate": None}]
SPEC = {
    "argument_specs": {
        "main": {
            "short_description": "A web server",
            "options": {
                "web_port": {"type": "int", "default": 80, "description": "The port."},
                "web_name": {"type": "str", "required": True, "description": "Name shown to people. Any text."},
                "web_password": {"type": "str", "no_log": True, "description": "A secret."},
                "web_sites": {"type": "dict", "default": {}, "description": "The sites."},
                "web_extra": {"type": "str", "description": "More."},
            },
        },
        "backup": {
            "short_description": "Save",
            "options": {"web_backup_folder": {"type": "str", "description": "Where to."}},
        },
    }
}
RULES = [
    {
        "variable": "web_sites.{{ item.key }}.url",
        "loop": "web_sites",
        "that": "item.value.url is match('https://')",
        "value": "{{ item.value.url }}",
        "allowed": "an https URL",
        "why": "passwords travel on it",
        "set_in": "group_vars/all",
    },
    {
        "variable": "web_password",
        "when": "web_password is defined",
        "that": "web_password | length >= 16",
        "allowed": "16 characters or more",
    },
    {"variable": "web_port", "that": ["web_port > 0", "web_port < 65536"], "allowed": "1 to 65535"},
]
FILES = {
    "meta/argument_specs.yml": SPEC,
    "meta/rules.yml": RULES,
    "defaults/main.yml": {"web_port": 80, "web_sites": {}},
}
GOOD = {
    "web_name": "Demo",
    "web_password": "x" * 16,
    "web_sites": {"a": {"url": "https://a"}},
    "web_backup_folder": "/b",
}


def test_a_good_inventory_passes(play):
    code, output = play(CHECK, files=FILES, variables=GOOD)
    assert code == 0, output


def test_all_problems_come_at_once_each_with_its_mend(play):
    bad = {
        "web_password": "short-secret",
        "web_prot": 1,
        "web_sites": {"a": {"url": "http://plain"}, "b": {"url": "https://b"}},
        "web_port": 0,
    }
    code, output = play(CHECK, files=FILES, variables=bad)
    assert code != 0
    assert "role web, 5 problem(s)" in output
    assert "web_prot is not a variable of this kit" in output
    assert "did you mean web_port?" in output
    assert "web_name is not set\n     allowed: Name shown to people" in output
    assert (
        "web_sites.a.url is 'http://plain'\n     allowed: an https URL\n     why: passwords travel on it\n     set it in: group_vars/all"
        in output
    )
    assert "web_sites.b" not in output
    assert "web_port is 0\n     allowed: 1 to 65535" in output
    assert "web_password is refused (the value is secret and not shown)" in output
    assert "short-secret" not in output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"web_port": "eighty"}, "web_port is refused"),
        ({"web_name": "{{ not_there }}"}, "web_name cannot be evaluated"),
        ({"web_sites": {"a": {}}}, "web_sites.a.url cannot be checked"),
        ({"web_extra": ["a", {"b": 1}]}, None),
    ],
)
def test_wrong_types_and_broken_templates_are_named(play, variables, said):
    code, output = play(CHECK, files=FILES, variables={**GOOD, **variables})
    assert (code != 0) == (said is not None), output
    assert said is None or said in output


def test_a_role_whose_name_begins_alike_keeps_its_variables(play):
    files = {**FILES, "../web_cache/tasks/main.yml": []}
    assert play(CHECK, files=files, variables={**GOOD, "web_cache_size": 1})[0] == 0


def test_hosts_that_fail_alike_are_told_together(play):
    inventory = {
        "web": {
            "hosts": {name: {"ansible_connection": "local"} for name in ("one", "two", "three")},
            "vars": {"web_name": "x", "web_prot": 1},
        }
    }
    inventory["web"]["hosts"]["three"]["web_prat"] = 1
    _, output = play(CHECK, files=FILES, inventory=inventory)
    assert output.count("web_prot is not a variable") == 2
    assert "FAILED on one, two: " in output or "FAILED on two, one: " in output
    assert "FAILED on three: " in output


def test_what_was_found_good_is_evaluated_again_only_if_it_changed(play, tmp_path):
    counted = tmp_path / "counted"
    rule = {
        "variable": "web_name",
        "that": f"lookup('ansible.builtin.pipe', 'echo x >> {counted}') == '' and web_name == 'Demo'",
        "allowed": "Demo",
    }
    files = {**FILES, "meta/rules.yml": [rule]}
    changed = {**CHECK[0], "vars": {"helper": "Other"}}
    code, output = play(
        [*CHECK, *CHECK, changed], files=files, variables={**GOOD, "helper": "Demo", "web_name": "{{ helper }}"}
    )
    assert code != 0
    assert "web_name is 'Other'" in output
    assert counted.read_text().split() == ["x", "x"]


def hosts(**own):
    return {"web": {"hosts": {name: {"ansible_connection": "local", **told} for name, told in own.items()}}}


@pytest.fixture
def evaluated(play, tmp_path):
    """Check on several hosts; returns (code, output, how often the rules were evaluated)."""
    counted = tmp_path / "counted"

    def run(inventory, name, rule="web_name != 'Bad'"):
        counted.write_text("")
        rule = {
            "variable": "web_name",
            "that": f"lookup('ansible.builtin.pipe', 'echo x >> {counted}') == '' and {rule}",
            "allowed": "-",
        }
        code, output = play(
            CHECK, files={**FILES, "meta/rules.yml": [rule]}, inventory=inventory, variables={**GOOD, **name}
        )
        return code, output, len(counted.read_text().split())

    return run


def test_hosts_that_are_told_the_same_are_evaluated_once(evaluated):
    # Any text will do for web_extra, and nothing names helper.
    inventory = hosts(
        one={"web_extra": "a", "helper": 1}, two={"web_extra": "b", "helper": 2}, three={"web_extra": "c"}
    )
    code, output, times = evaluated(inventory, {})
    assert (code, times) == (0, 1), output


@pytest.mark.parametrize(
    ("inventory", "name", "times"),
    [
        (hosts(one={"helper": "a"}, two={"helper": "b"}), {"web_name": "{{ helper }}"}, 2),
        (hosts(one={}, two={}), {"web_name": "{{ inventory_hostname }}"}, 2),
        (hosts(one={"deep": "a"}, two={"deep": "b"}), {"web_name": "{{ helper }}", "helper": "{{ deep }}"}, 2),
        (hosts(one={"web_extra": "a"}, two={"web_extra": "b"}), {"web_name": "{{ web_extra }}"}, 2),
        (hosts(one={"helper": "a"}, two={"helper": "b"}), {"web_name": "{{ lookup('vars', 'hel' ~ 'per') }}"}, 2),
    ],
)
def test_hosts_that_are_told_another_thing_are_evaluated_each(evaluated, inventory, name, times):
    code, output, found = evaluated(inventory, name)
    assert (code, found) == (0, times), output


@pytest.mark.parametrize(
    ("two", "said"),
    [
        ({"web_extra": "{{ not_there }}"}, "web_extra cannot be evaluated"),
        ({"web_prot": 1}, "web_prot is not a variable"),
        ({"web_port": "x"}, "web_port is refused"),
    ],
)
def test_what_is_wrong_on_one_host_is_seen_beside_others(evaluated, two, said):
    code, output, _ = evaluated(hosts(one={}, two=two, three={}), {})
    assert code != 0
    assert said in output
    assert "two" in output


def test_what_is_missing_on_one_host_is_seen_beside_others(play):
    told = {name: value for name, value in GOOD.items() if name != "web_name"}
    code, output = play(
        CHECK,
        files=FILES,
        variables=told,
        inventory=hosts(one={"web_name": "Demo"}, two={}, three={"web_name": "Demo"}),
    )
    assert code != 0
    assert "web_name is not set" in output


def test_hosts_that_are_told_the_same_wrong_thing_are_each_refused(evaluated):
    code, output, times = evaluated(hosts(one={}, two={}, three={}), {"web_name": "Bad"})
    assert code != 0
    assert times == 3
    assert all(name in output for name in ("one", "two", "three"))
