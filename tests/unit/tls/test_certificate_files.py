import stat

import pytest
from ansible_collections.panosc.facility.plugins.module_utils import certificate as x
from ansible_collections.panosc.facility.plugins.modules import certificate_files as module

NAME = "db.facility.test"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "facility" / "tls" / "db"


@pytest.fixture
def keep(run, tmp_path, authority, monkeypatch):
    """Run the module for one certificate `db` whose hook appends to a file."""
    monkeypatch.setattr(module, "HOOK", "#!/bin/sh\n# {name} {units}\necho ran >>" + str(tmp_path / "hook.log") + "\n")

    def call(*, wanted=None, check=False, **arguments):
        item = {"name": "db", "names": [NAME], "reload": ["db.service"], **(wanted or {})}
        settings = {
            "directory": str(tmp_path / "facility" / "tls"),
            "acme_directory": str(tmp_path / "live"),
            "authority": authority.pem,
        }
        return run(module, check=check, certificates=[item], **{**settings, **arguments})

    return call


@pytest.fixture
def issued(keep, authority):
    """A certificate in place."""
    csr = keep()["requests"][0]["csr"]
    return keep(issued={"db": authority.sign(csr)})


def hooks(tmp_path):
    log = tmp_path / "hook.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_the_key_is_made_here_and_only_a_request_leaves(keep, folder):
    result = keep()
    assert result["changed"]
    assert result["requests"][0]["reason"] == "there is none"
    assert "PRIVATE KEY" not in str(result)
    assert not (folder / "key.pem").exists()


def test_a_certificate_comes_into_place_with_its_key(issued, keep, folder, tmp_path):
    assert issued["changed"]
    assert issued["reloaded"] == ["db"]
    assert (
        x.pair_problems(
            (folder / "fullchain.pem").read_text(),
            (folder / "key.pem").read_text(),
            [NAME],
            module.datetime.datetime.now(module.datetime.timezone.utc),
        )
        == []
    )
    assert (folder / "bundle.pem").read_text() == (folder / "fullchain.pem").read_text() + (
        folder / "key.pem"
    ).read_text()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"key.pem": 0o640, "bundle.pem": 0o640, "cert.pem": 0o644, "fullchain.pem": 0o644, "reload": 0o750}
    assert hooks(tmp_path) == 1
    again = keep()
    assert not again["changed"]
    assert again["requests"] == again["reloaded"] == []
    assert hooks(tmp_path) == 1


def test_while_a_request_is_open_the_old_pair_stays(issued, keep, folder):
    before = (folder / "bundle.pem").read_text()
    result = keep(renew_days=91)
    assert result["requests"][0]["csr"]
    assert (folder / "bundle.pem").read_text() == before


def test_a_renewal_has_a_new_key(issued, keep, folder, authority, tmp_path):
    before = (folder / "key.pem").read_text()
    keep(issued={"db": authority.sign(keep(renew_days=91)["requests"][0]["csr"])})
    assert (folder / "key.pem").read_text() != before
    assert hooks(tmp_path) == 2


def test_a_run_that_was_stopped_between_request_and_answer_is_repeated(keep, authority, folder):
    old = keep()["requests"][0]["csr"]
    new = keep()["requests"][0]["csr"]
    refused = keep(issued={"db": authority.sign(old)})
    assert refused["failed"]
    assert "does not belong" in refused["msg"]
    assert not (folder / "cert.pem").exists()
    assert keep(issued={"db": authority.sign(new)})["changed"]


def test_an_answer_for_other_names_is_not_installed(keep, authority, folder):
    keep()
    _, wrong = authority.pair("evil.facility.test")
    assert keep(issued={"db": wrong})["failed"]
    assert not (folder / "cert.pem").exists()


def test_a_failed_hook_is_owed(keep, authority, folder, tmp_path, monkeypatch):
    working = module.HOOK
    monkeypatch.setattr(module, "HOOK", "#!/bin/sh\n# {name} {units}\nexit 7\n")
    result = keep(issued={"db": authority.sign(keep()["requests"][0]["csr"])})
    assert result["failed"]
    assert "failed with 7" in result["msg"]
    monkeypatch.setattr(module, "HOOK", working)
    assert keep()["reloaded"] == ["db"]
    assert hooks(tmp_path) == 1
    assert not keep()["changed"]


@pytest.mark.parametrize("file", ["cert.pem", "fullchain.pem", "bundle.pem", "key.pem"])
def test_a_damaged_file_is_mended(issued, keep, folder, authority, file):
    (folder / file).write_text("damaged")
    result = keep()
    assert result["changed"]
    if result["requests"]:
        keep(issued={"db": authority.sign(result["requests"][0]["csr"])})
    assert "damaged" not in (folder / file).read_text()
    assert not keep()["changed"]


def test_a_mode_is_mended_without_a_reload(issued, keep, folder, tmp_path):
    (folder / "key.pem").chmod(0o644)
    assert keep()["changed"]
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o640
    assert hooks(tmp_path) == 1


def test_check_mode_says_so_and_touches_nothing(keep, folder):
    result = keep(check=True)
    assert result["changed"]
    assert result["requests"] == [{"name": "db", "names": [NAME], "csr": "", "reason": "there is none"}]
    assert not folder.parent.parent.exists()


def test_check_mode_without_cryptography_is_that_of_a_fresh_host(keep, monkeypatch):
    monkeypatch.setattr(x, "IMPORT_ERROR", ImportError("no"))
    assert keep(check=True)["changed"]
    assert "panosc.facility.tls" in keep()["msg"]


def test_given_files(keep, folder, authority, tmp_path):
    key, chain = authority.pair("*.facility.test")
    given = {"given_certificates": {"db": chain.rstrip()}, "given_keys": {"db": key.rstrip()}}
    assert keep(source="files", **given)["changed"]
    assert (folder / "bundle.pem").read_text() == chain + key
    assert not keep(sources={"db": "files"}, **given)["changed"]
    assert hooks(tmp_path) == 1


def test_given_files_that_do_not_fit_are_refused(keep, folder, authority):
    key, _ = authority.pair(NAME)
    _, chain = authority.pair(NAME)
    result = keep(source="files", given_certificates={"db": chain}, given_keys={"db": key})
    assert "does not belong" in result["msg"]
    assert "PRIVATE KEY" not in str(result)
    assert not (folder / "key.pem").exists()


def test_given_files_near_their_end_give_a_warning(keep, authority, monkeypatch):
    warned = []
    monkeypatch.setattr(module.AnsibleModule, "warn", lambda _, text: warned.append(text))
    for days in (10.5, 40):
        key, chain = authority.pair(NAME, days=days)
        keep(source="files", given_certificates={"db": chain}, given_keys={"db": key})
    assert ["only 10 more days" in text for text in warned] == [True]


def test_files_of_certbot(keep, folder, authority, tmp_path):
    assert keep(source="acme")["acme"][0]["reason"] == "there is none"
    key, chain = authority.pair(NAME)
    lineage = tmp_path / "live" / "facility-db"
    lineage.mkdir(parents=True)
    (lineage / "privkey.pem").write_text(key)
    (lineage / "fullchain.pem").write_text(chain + "\n" + authority.pem)
    result = keep(source="acme")
    assert result["acme"] == []
    assert (folder / "fullchain.pem").read_text() == chain + authority.pem
    assert (folder / "cert.pem").read_text() == chain
    assert not keep(source="acme")["changed"]
    assert "is not for" in keep(source="acme", wanted={"names": ["new.facility.test"]})["acme"][0]["reason"]


def test_absent_removes_one_folder_only(issued, keep, folder):
    beside = folder.parent / "beside"
    beside.mkdir()
    assert keep(wanted={"state": "absent"})["changed"]
    assert not folder.exists()
    assert beside.exists()
    assert not keep(wanted={"state": "absent"})["changed"]


def test_a_group_that_is_not_there_is_named(keep):
    assert "group no-such-group does not exist" in keep(wanted={"group": "no-such-group"})["msg"]
    assert keep(wanted={"group": "no-such-group"}, check=True)["changed"]
