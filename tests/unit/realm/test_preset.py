"""The lookup that loads presets: what its templates see, what it says when there is none."""

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.panosc.facility.plugins.lookup import preset

DEFAULTS = {name: option.get("default") for name, option in yaml.safe_load(preset.DOCUMENTATION)["options"].items()}

PRESET = {
    "needs": ["url", "client_secret"],
    "defaults": {"display_name": "Wiki"},
    "clients": [
        {
            "clientId": "{{ service.name }}",
            "name": "{{ service.display_name }}",
            "redirectUris": "{{ [service.url ~ '/cb'] }}",
            "secret": "{{ service.client_secret | default(omit) }}",
        }
    ],
}


@pytest.fixture
def lookup(tmp_path):
    """Call the lookup with a folder of site presets in front of those of the role."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "wiki.yml").write_text(yaml.safe_dump(PRESET))

    def call(*terms, variables=None, **options):
        loader = DataLoader()
        plugin = preset.LookupModule(loader=loader, templar=Templar(loader=loader, variables=variables or {}))
        # Ansible's plugin loader fills options in from the documentation; it cannot run twice in one process, so this does.
        given = {"directories": [str(tmp_path)], **options}
        assert given.keys() <= DEFAULTS.keys()
        plugin.set_options = lambda **_: None
        plugin.get_option = {**DEFAULTS, **given}.__getitem__
        return plugin.run(list(terms), variables=variables or {})

    return call


def test_names_of_the_role_and_of_the_site(lookup):
    names = lookup("services")
    assert names == sorted(names)
    assert {
        "account",
        "api",
        "catalogue",
        "icat",
        "inveniordm",
        "jupyterhub",
        "keystone",
        "scicat",
        "visa",
        "web",
    } == set(names) - {"wiki"}


def test_an_entry_over_the_defaults_of_its_preset(lookup):
    entries = [
        {"name": "one", "preset": "wiki", "url": "https://one.example"},
        {"name": "two", "preset": "wiki", "url": "https://two.example", "display_name": "Second", "client_secret": "s"},
    ]
    first, second = lookup("services", each=entries, called="service")
    assert first["source"] == "presets/services/wiki.yml for one"
    assert first["document"] == {
        "clients": [{"clientId": "one", "name": "Wiki", "redirectUris": ["https://one.example/cb"]}]
    }
    assert second["document"]["clients"][0]["name"] == "Second"
    assert second["document"]["clients"][0]["secret"] == "s"


def test_a_preset_based_on_another_has_its_content_and_its_own(lookup, tmp_path):
    own = {
        "based_on": "wiki",
        "needs": ["url"],
        "defaults": {"display_name": "Better wiki"},
        "localization": {"en": {"hello-{{ service.name }}": "Hello from {{ service.display_name }}"}},
    }
    (tmp_path / "services" / "better.yml").write_text(yaml.safe_dump(own))
    entry = {"name": "one", "preset": "better", "url": "https://one.example"}
    base, added = lookup("services", each=[entry], called="service")
    assert base["source"] == "presets/services/wiki.yml for one"
    assert base["document"]["clients"][0]["name"] == "Better wiki"
    assert added["document"] == {"localization": {"en": {"hello-one": "Hello from Better wiki"}}}


def test_needs_are_read_without_an_entry(lookup):
    assert lookup("services", "wiki", section="needs") == [["url", "client_secret"]]


def test_templates_see_nothing_else(lookup):
    with pytest.raises(AnsibleError, match=r"wiki\.yml"):
        lookup("services", "wiki", variables={"service": {"name": "x", "url": "https://x.example"}})


def test_unknown_preset_names_the_known(lookup):
    with pytest.raises(AnsibleError, match=r"no preset 'wikki' among services; known are account, api, .*wiki"):
        lookup("services", "wikki", vars={})


def test_unknown_kind(lookup):
    with pytest.raises(AnsibleError, match="no kind of preset called 'sevices'"):
        lookup("sevices")


def test_a_preset_of_the_site_wins(lookup, tmp_path):
    (tmp_path / "services" / "visa.yml").write_text("displayName: of the site\n")
    assert lookup("services", "visa")[0]["document"] == {"displayName": "of the site"}


def test_staff_need_their_second_factor_at_gated_services_too(lookup):
    service = {"name": "visa", "client_id": "visa"}
    (found,) = lookup("gates/staff", each=[service], called="service", vars={"staff": {"second_factor": "passkey"}})
    (flow,) = found["document"]["authenticationFlows"]
    *conditions, last = flow["executions"][0]["flow"]["executions"]
    assert flow["alias"] == "panosc login visa"
    assert [step["config"].get("flow_to_check", "") for step in conditions] == [
        "",
        "panosc login visa password",
        "panosc login visa second factor",
    ]
    assert last == {"authenticator": "webauthn-authenticator", "requirement": "REQUIRED"}
