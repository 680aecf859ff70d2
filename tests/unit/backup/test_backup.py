"""Parts and archives with the real age: encrypted on the way, read back, refused when anything is not as it was."""

import json
import subprocess
import tarfile

import pytest
from ansible_collections.panosc.facility.plugins.filter.age_recipient import age_recipient
from ansible_collections.panosc.facility.plugins.modules import backup_archive, backup_part

SECRET = b"CANARY-in-the-dump"


def new_identity():
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout
    return made.splitlines()[-1]


@pytest.fixture(scope="module")
def identity():
    return new_identity()


@pytest.fixture
def part(tmp_path, identity):
    """Make a part from a program's output."""
    (tmp_path / "parts").mkdir()

    def make(argv, also=(), recipients=None):
        dest = tmp_path / "parts" / "database.age"
        wanted = {
            "argv": argv,
            "also": list(also),
            "recipients": recipients or [age_recipient(identity)],
            "dest": str(dest),
        }
        found = backup_part.write(wanted)
        (tmp_path / "parts" / "database.json").write_text(json.dumps({**found, "kind": "database"}))
        return dest

    return make


@pytest.fixture
def seal(tmp_path, part, identity):
    (tmp_path / "inventory" / "sub").mkdir(parents=True)
    (tmp_path / "inventory" / "sub" / "vault.yml").write_bytes(SECRET)
    (tmp_path / "inventory" / "old").mkdir()
    (tmp_path / "inventory" / "old" / "left-out").write_text("x")

    def make(stamp="20261126T120000Z", **more):
        if not (tmp_path / "parts").exists():
            (tmp_path / "parts").mkdir()
        part(["echo", SECRET.decode()])
        wanted = {
            "path": str(tmp_path / f"demo-{stamp}.tar"),
            "parts": str(tmp_path / "parts"),
            "folders": {"inventory": str(tmp_path / "inventory")},
            "exclude": [str(tmp_path / "inventory" / "old")],
            "facts": {"facility": "demo"},
            "identity": identity,
            "recipients": [age_recipient(identity)],
            "keep": 2,
            **more,
        }
        return backup_archive.seal(wanted)

    return make


def test_the_second_program_reads_what_is_encrypted(part, tmp_path, identity):
    part(["sh", "-c", "seq 300000"], ["sh", "-c", f"cat >{tmp_path}/read"])
    (tmp_path / "key").write_text(identity)
    opened = subprocess.run(
        ["age", "-d", "-i", tmp_path / "key", tmp_path / "parts/database.age"], capture_output=True, check=True
    )
    assert opened.stdout == (tmp_path / "read").read_bytes()
    assert len(opened.stdout) > 1 << 20


@pytest.mark.parametrize(
    ("argv", "also", "said"),
    [
        (["sh", "-c", "echo half; echo no space >&2; exit 3"], [], "ended with 3: no space"),
        (["seq", "900000"], ["sh", "-c", "echo wrong version >&2; exit 4"], "ended with 4: wrong version"),
        (["seq", "900000"], ["true"], "did not read to the end"),
    ],
)
def test_nothing_is_kept_of_a_failure(part, tmp_path, argv, also, said):
    with pytest.raises(backup_part.PartError, match=said):
        part(argv, also)
    assert list((tmp_path / "parts").iterdir()) == []


def test_a_wrong_recipient_is_refused(part):
    with pytest.raises(backup_part.PartError, match="age ended with 1"):
        part(["echo", "x"], recipients=["age1nonsense"])


def test_an_archive_is_read_back_and_has_nothing_in_clear(seal, tmp_path, identity):
    done = seal()
    assert set(done["manifest"]["parts"]) == {"database", "inventory"}
    archive = tmp_path / "demo-20261126T120000Z.tar"
    assert SECRET not in archive.read_bytes()
    assert archive.stat().st_mode & 0o077 == 0
    assert "verified" in json.loads((tmp_path / "demo-20261126T120000Z.tar.json").read_text())
    assert not (tmp_path / "parts").exists()
    found = []
    backup_archive.Archive(str(archive), identity).read("inventory", found.append)
    (tmp_path / "inventory.tar").write_bytes(b"".join(found))
    with tarfile.open(tmp_path / "inventory.tar") as tar:
        assert "./sub/vault.yml" in tar.getnames()
        assert "./old" not in tar.getnames()


def test_old_archives_go_when_a_new_one_is_verified(seal, tmp_path):
    (tmp_path / "other-20200101T000000Z.tar").touch()
    for day in (1, 2, 3):
        seal(f"2026110{day}T000000Z")
    assert sorted(f.name for f in tmp_path.glob("demo-*.tar*")) == [
        "demo-20261102T000000Z.tar",
        "demo-20261102T000000Z.tar.json",
        "demo-20261103T000000Z.tar",
        "demo-20261103T000000Z.tar.json",
    ]
    assert (tmp_path / "other-20200101T000000Z.tar").exists()


def test_what_cannot_be_read_back_is_no_backup(seal, part, tmp_path, monkeypatch):
    right = backup_archive.pack
    monkeypatch.setattr(backup_archive, "pack", lambda *a: {**right(*a), "sha256": "0" * 64})
    with pytest.raises(backup_archive.ArchiveError, match="checksum differs"):
        seal()
    assert list(tmp_path.glob("demo-*")) == []


def test_a_part_is_handed_out_for_another_key(seal, tmp_path, identity):
    path = seal()["path"]
    done = backup_archive.hand_out(
        {"path": path, "identity": identity, "part": "database", "dest": str(tmp_path / "d.age")}
    )
    found = []
    with (tmp_path / "d.age").open("rb") as file:
        backup_archive.decrypt(done["identity"], file, found.append)
    assert b"".join(found) == SECRET + b"\n"
    with (tmp_path / "d.age").open("rb") as file, pytest.raises(backup_archive.ArchiveError, match="right key"):
        backup_archive.decrypt(identity, file, found.append)


def test_an_archive_of_somebody_else_is_refused(seal):
    path = seal()["path"]
    with pytest.raises(backup_archive.ArchiveError, match="not made with this key"):
        backup_archive.read({"path": path, "identity": new_identity()})


def test_a_changed_manifest_is_refused(seal, tmp_path, identity):
    path = seal()["path"]
    content = (tmp_path / "demo-20261126T120000Z.tar").read_bytes()
    (tmp_path / "demo-20261126T120000Z.tar").write_bytes(content.replace(b'"facility": "demo"', b'"facility": "evil"'))
    with pytest.raises(backup_archive.ArchiveError, match="changed since"):
        backup_archive.read({"path": path, "identity": identity})
