"""Files of a role: rendered as Ansible's own template does it, put into place as a whole, nothing secret said."""

import base64
import grp
import json
import os
import pwd
import zlib

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.panosc.facility.plugins.modules import files as module

OWN = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


@pytest.fixture
def keep(capsys):
    """The module in this process: files with their texts, as the action hands them over."""

    def call(*files, check=False, **result):
        texts = [file.pop("text", None) for file in files]
        arguments = {
            "files": [{**OWN, **file, "path": str(file["path"])} for file in files],
            "texts": base64.b64encode(zlib.compress(json.dumps(texts).encode())).decode(),
            "_ansible_check_mode": check,
            "_ansible_diff": True,
        }
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return call


def mode(path):
    return f"{path.stat().st_mode & 0o7777:04o}"


def test_folders_and_files_are_made_and_the_second_time_nothing_changes(keep, tmp_path):
    folder = tmp_path / "new" / "etc"
    file = folder / "settings"

    def wanted():
        return {"path": folder, "state": "directory", "mode": "0750"}, {"path": file, "text": "a = 1\n"}

    assert keep(*wanted())["written"] == [str(folder), str(file)]
    assert (file.read_text(), mode(file), mode(folder)) == ("a = 1\n", "0644", "0750")
    again = keep(*wanted())
    assert (again["changed"], again["written"], again["diff"]) == (False, [], [])
    assert os.listdir(folder) == ["settings"]
    assert mode(folder.parent) == "0755"


def test_owner_and_mode_are_mended_without_writing_the_file_anew(keep, tmp_path):
    file = tmp_path / "secrets"
    file.write_text("x")
    file.chmod(0o666)
    before = file.stat().st_mtime_ns, file.stat().st_ino
    said = keep({"path": file, "text": "x", "mode": "0600"})
    assert said["written"] == [str(file)]
    assert (mode(file), (file.stat().st_mtime_ns, file.stat().st_ino)) == ("0600", before)
    assert "mode: 0666" in said["diff"][0]["before"]
    assert "mode: 0600" in said["diff"][0]["after"]


def test_a_check_run_tells_and_writes_nothing(keep, tmp_path):
    file = tmp_path / "missing" / "settings"
    said = keep(
        {"path": file.parent, "state": "directory"},
        {"path": file, "text": "x", "group": "not-yet-installed"},
        check=True,
    )
    assert said["written"] == [str(file.parent), str(file)]
    assert os.listdir(tmp_path) == []


def test_what_one_file_is_refused_for_leaves_all_as_they_were(keep, tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    bad.write_text("works\n")
    said = keep(
        {"path": good, "text": "new\n"},
        {
            "path": bad,
            "text": "broken\n",
            "validate": "sh -c 'grep -q works \"$0\" || { echo line 1: broken >&2; false; }' %s",
        },
    )
    assert said["failed"]
    assert said["msg"] == f"{bad}: nothing was changed, for sh refuses the new one. line 1: broken"
    assert (os.listdir(tmp_path), bad.read_text()) == (["bad"], "works\n")


def test_a_file_has_its_name_only_when_it_is_whole_and_has_its_mode(keep, tmp_path, monkeypatch):
    file = tmp_path / "secrets"
    seen = []
    replace = module.Path.replace

    def spied(draft, path):
        seen.append((draft.read_text(), mode(draft), path.exists()))
        return replace(draft, path)

    monkeypatch.setattr(module.Path, "replace", spied)
    (tmp_path / ".secrets.draft").write_text("of a run that was killed")
    keep({"path": file, "text": "x\n", "mode": "0600"})
    assert seen == [("x\n", "0600", False)]
    assert os.listdir(tmp_path) == ["secrets"]


def test_a_link_is_replaced_and_what_it_points_to_is_left_alone(keep, tmp_path):
    other, file = tmp_path / "other", tmp_path / "file"
    other.write_text("the same")
    file.symlink_to(other)
    keep({"path": file, "text": "the same", "mode": "0600"})
    assert (file.is_symlink(), file.read_text(), mode(file), mode(other)) == (False, "the same", "0600", "0644")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"path": "folder", "text": "x"}, "is to be a file, and a folder is there. Move it away."),
        ({"path": "file", "state": "directory"}, "is to be a folder, and something else is there. Move it away."),
        ({"path": "none/file", "text": "x"}, "there is no folder {}/none. What makes it has to come before."),
        ({"path": "new", "text": "x", "mode": "u=rw"}, "mode u=rw is not octal. Write it as '0640', with quotes."),
        ({"path": "new", "text": "x", "owner": "nobody-here"}, "this host has no user nobody-here. What makes it"),
        ({"path": "new", "text": "x", "group": "nobody-here"}, "this host has no group nobody-here. What makes it"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(keep, tmp_path, wanted, said):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("theirs")
    answer = keep({**wanted, "path": tmp_path / wanted["path"]})
    assert answer["msg"].startswith(f"{tmp_path / wanted['path']}: {said.format(tmp_path)}")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "theirs"


def test_a_diff_shows_texts_and_hides_secret_ones(keep, tmp_path):
    said = keep(
        {"path": tmp_path / "a", "text": "open\n"}, {"path": tmp_path / "b", "text": "hidden\n", "secret": True}
    )
    assert [part.get("after", part.get("prepared")) for part in said["diff"]] == [
        "open\n",
        f"{tmp_path / 'b'}: another text, which is not shown\n",
    ]
    assert "hidden" not in json.dumps(said)


# -- the action, in a real run

TEMPLATE = """{{ ansible_managed | comment }}
{% for name in names %}
  {{ name }} = {{ settings[name] | to_json }}
{% endfor %}
{% include 'part.j2' %}
back\\slash {{ '{{ not evaluated }}' }} {{ password }}

last line, and two empty ones

"""
FILES = {
    "templates/whole.j2": TEMPLATE,
    "templates/part.j2": "part of {{ names[0] }}\n",
    "templates/deep/whole.j2": "{% include 'beside.j2' %}",
    "templates/deep/beside.j2": "beside\n",
    "files/as-it-is": "{{ as it is }}\r\n",
}
VARIABLES = {"names": ["a", "b"], "settings": {"a": [1, "x"], "b": True}, "password": "correct-horse"}


def entry(tmp_path, name, **more):
    return {"path": str(tmp_path / name), **OWN, **more}


def test_a_template_is_rendered_as_ansibles_own_module_does(play, tmp_path):
    tasks = [
        {
            "panosc.facility.files": {
                "files": [
                    entry(tmp_path, "ours", template="whole.j2"),
                    entry(tmp_path, "source", source="as-it-is"),
                    entry(tmp_path, "content", content="{{ names | join }}\n"),
                ]
            }
        },
        {"panosc.facility.files": {"files": [entry(tmp_path, "our-deep", template="deep/whole.j2")]}},
        {"template": {"src": "whole.j2", "dest": str(tmp_path / "theirs")}},
        {"template": {"src": "deep/whole.j2", "dest": str(tmp_path / "their-deep")}},
    ]
    code, output = play(tasks, files=FILES, variables=VARIABLES)
    assert code == 0, output
    assert (tmp_path / "ours").read_text() == (tmp_path / "theirs").read_text()
    assert "part of a" in (tmp_path / "ours").read_text()
    assert (tmp_path / "our-deep").read_text() == (tmp_path / "their-deep").read_text() == "beside"
    assert (tmp_path / "source").read_bytes() == b"{{ as it is }}\r\n"
    assert (tmp_path / "content").read_text() == "ab\n"


def test_no_text_is_said_however_much_is_asked_for(play, tmp_path, monkeypatch):
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    monkeypatch.setenv("ANSIBLE_DIFF_ALWAYS", "1")
    task = {"panosc.facility.files": {"files": [entry(tmp_path, "secrets", template="whole.j2", secret=True)]}}
    code, output = play([task], files=FILES, variables=VARIABLES)
    assert code == 0, output
    assert "correct-horse" in (tmp_path / "secrets").read_text()
    assert "correct-horse" not in output
    assert "another text, which is not shown" in output


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "a file has one of template, source, content"),
        ({"template": "whole.j2", "content": "x"}, "a file has one of template, source, content"),
        ({"state": "directory", "content": "x"}, "a folder has none of template, source, content"),
        ({"template": "there-is-none.j2"}, "Could not find or access 'there-is-none.j2'"),
        ({"template": "part.j2"}, "'names' is undefined"),
    ],
)
def test_a_wrong_list_is_refused_before_the_host_is_asked(play, tmp_path, wanted, said):
    good = entry(tmp_path, "good", content="x")
    code, output = play([{"panosc.facility.files": {"files": [good, entry(tmp_path, "bad", **wanted)]}}], files=FILES)
    assert code != 0
    assert said in " ".join(output.split())
    assert not (tmp_path / "good").exists()
