"""Secrets are made once, merged, never rewritten, and nobody else can read them."""

import subprocess
import sys

import pytest
import yaml

from pan_facility import secrets


@pytest.fixture
def inventory(tmp_path):
    (tmp_path / "site" / "group_vars" / "all").mkdir(parents=True)
    (tmp_path / "site" / "group_vars" / "all" / "facility.yml").write_text(
        "a: '{{ vault_db_password }}'\nb: '{{ vault_given_umbrella_secret }}'\nvault_own: set-here\nc: '{{ vault_own }}'\n"
    )
    return tmp_path / "site"


@pytest.fixture
def run(inventory, tmp_path, monkeypatch):
    monkeypatch.setattr(secrets, "ROLES", tmp_path / "no-roles")

    def call(*more):
        return secrets.main([str(inventory), "--vault-password-file", str(tmp_path / "password"), *more])

    call.vault = lambda: secrets.Vault(
        inventory / "group_vars" / "all" / "vault.yml", secrets.password_from(tmp_path / "password")
    )
    return call


def test_what_is_mentioned_is_made_and_what_others_give_is_listed(run, capsys):
    assert run() == 1  # something is still to be filled in
    assert list(run.vault().read()) == ["vault_db_password"]
    assert "vault_given_umbrella_secret" in capsys.readouterr().out


def test_a_second_run_keeps_what_is_there_and_adds_what_is_new(run, inventory):
    run()
    before = run.vault().read()
    (inventory / "more.yml").write_text("d: '{{ vault_new }}'\n")
    run()
    after = run.vault().read()
    assert after["vault_db_password"] == before["vault_db_password"]
    assert len(after["vault_new"]) == 32


def test_secrets_differ_and_are_not_printed(run, inventory, capsys):
    (inventory / "more.yml").write_text("d: '{{ vault_new }}'\n")
    run()
    values = run.vault().read().values()
    assert len(set(values)) == 2
    output = capsys.readouterr()
    assert not [v for v in values if v in output.out + output.err]


def test_files_are_for_the_owner_only_and_encrypted(run, inventory, tmp_path):
    run()
    vault = inventory / "group_vars" / "all" / "vault.yml"
    assert vault.stat().st_mode & 0o077 == 0
    assert (tmp_path / "password").stat().st_mode & 0o077 == 0
    assert vault.read_bytes().startswith(b"$ANSIBLE_VAULT")


def test_ansible_vault_itself_opens_the_file(run, inventory, tmp_path):
    run()
    vault = inventory / "group_vars" / "all" / "vault.yml"
    shown = subprocess.run(
        ["ansible-vault", "view", "--vault-password-file", str(tmp_path / "password"), str(vault)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert yaml.safe_load(shown.stdout) == run.vault().read()


def spoil_password(tmp_path, vault):
    (tmp_path / "password").write_text("another\n")


def spoil_mode(tmp_path, vault):
    (tmp_path / "password").chmod(0o644)


def spoil_encryption(tmp_path, vault):
    vault.write_text("vault_db_password: clear\n")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_password, "cannot be opened"),
        (spoil_mode, "may be read by others: chmod 600"),
        (spoil_encryption, "is not encrypted"),
    ],
)
def test_what_cannot_be_used_is_refused_and_left_alone(run, inventory, tmp_path, capsys, spoil, said):
    run()
    vault = inventory / "group_vars" / "all" / "vault.yml"
    spoil(tmp_path, vault)
    before = vault.read_bytes()
    assert run() == 2
    assert said in capsys.readouterr().err
    assert vault.read_bytes() == before


def test_the_command_explains_itself():
    shown = subprocess.run(
        [sys.executable, "-m", "pan_facility.secrets", "--help"], capture_output=True, text=True, check=True
    )
    assert "--vault-password-file" in shown.stdout


def test_a_rotation_keeps_the_old_value_until_it_is_retired(run):
    run()
    before = run.vault().read()["vault_db_password"]
    assert run("--rotate", "vault_db_password") == 0
    between = run.vault().read()
    assert between["vault_db_password_old"] == before
    assert between["vault_db_password"] != before
    assert run("--retire") == 0
    assert run.vault().read() == {"vault_db_password": between["vault_db_password"]}


def test_a_rotation_that_is_under_way_is_not_begun_again(run):
    run()
    run("--rotate", "vault_db_password")
    between = run.vault().read()
    assert run("--rotate", "vault_db_password") == 0
    assert run.vault().read() == between


def test_a_rotation_that_is_killed_leaves_the_vault_as_it_was_or_rotated(run, monkeypatch):
    run()
    before = run.vault().read()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(secrets.Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            run("--rotate", "vault_db_password")
    assert run.vault().read() == before
    assert run("--rotate", "vault_db_password") == 0
    assert run.vault().read()["vault_db_password_old"] == before["vault_db_password"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vault_unknown", "is no secret of"),
        ("vault_given_umbrella_secret", "was given by others"),
        ("vault_tls_ca_passphrase", "cannot be rotated alone"),
        ("vault_backup_age_identity", "cannot be rotated alone"),
    ],
)
def test_what_cannot_be_rotated_is_refused(run, capsys, name, said):
    run()
    vault = run.vault()
    given = dict.fromkeys(["vault_given_umbrella_secret", "vault_tls_ca_passphrase", "vault_backup_age_identity"], "x")
    vault.write({**vault.read(), **given})
    before = vault.read()
    assert run("--rotate", "vault_db_password", name) == 2
    assert said in capsys.readouterr().err
    assert vault.read() == before


def test_a_key_of_age_is_made_where_one_is_needed(run, inventory):
    (inventory / "more.yml").write_text("d: '{{ vault_backup_age_identity }}'\n")
    run()
    assert run.vault().read()["vault_backup_age_identity"].startswith("AGE-SECRET-KEY-1")
