"""Which variable files a host gets, and what a host of an unknown system is told."""

TASKS = [
    {"panosc.facility.platform": None, "register": "__p"},
    {"include_vars": "{{ item }}", "loop": "{{ __p.vars_files }}"},
]


def facts(name, version, family="Debian"):
    return {
        "distribution": name,
        "distribution_version": version,
        "distribution_major_version": version.split(".")[0],
        "os_family": family,
    }


def with_facts(name, version, tasks=TASKS, family="Debian"):
    """Canned facts stand in for those of a host; cacheable set_fact makes them ansible_facts."""
    return [{"set_fact": {**facts(name, version, family), "cacheable": True}}, *tasks]


FILES = {
    "vars/Debian.yml": {"__web_package": "nginx", "__web_user": "www-data"},
    "vars/Debian_13.yml": {"__web_package": "nginx-light"},
    "vars/Debian_12.yml": {"__web_package": "nginx-old"},
}


def test_the_more_special_file_wins(play, as_json):
    code, output = play([*with_facts("Debian", "13.1"), as_json("[__web_package, __web_user]")], files=FILES)
    assert code == 0, output
    assert as_json.read(output) == ["nginx-light", "www-data"]


def test_an_unknown_release_is_refused_with_those_that_are_known(play):
    code, output = play(with_facts("Debian", "9.1"), files=FILES)
    assert code != 0
    assert "here runs Debian 9.1, for which role web has no settings. It knows: Debian 12, Debian 13." in output


def test_a_role_without_release_files_runs_on_the_whole_family(play, as_json):
    files = {"vars/Debian.yml": {"__web_package": "nginx"}}
    code, output = play([*with_facts("Ubuntu", "24.04"), as_json("__web_package")], files=files)
    assert code == 0, output
    assert as_json.read(output) == "nginx"


def test_missing_facts_are_gathered_from_the_host(play, as_json):
    code, output = play(
        [*TASKS[:1], as_json("ansible_facts.os_family")], files={"vars/Debian.yml": {}, "vars/RedHat.yml": {}}
    )
    assert code == 0, output
    assert as_json.read(output) in ("Debian", "RedHat")
