import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.panosc.facility.plugins.filter.host_addresses import host_addresses


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ({"inventory_hostname": "a", "ansible_host": "192.0.2.1"}, "192.0.2.1"),
        ({"inventory_hostname": "a", "ansible_host": "192.0.2.1", "facility_address": "192.0.2.9"}, "192.0.2.9"),
        ({"inventory_hostname": "2001:db8::1"}, "2001:db8::1"),
        ({"inventory_hostname": "localhost"}, "127.0.0.1"),
    ],
)
def test_where_the_address_comes_from(host, address):
    assert host_addresses([host]) in ([address], ["::1"])


def test_one_machine_in_two_roles_counts_once():
    host = {"inventory_hostname": "a", "ansible_host": "192.0.2.1"}
    assert host_addresses([host, {**host, "inventory_hostname": "b"}]) == ["192.0.2.1"]


def test_a_name_that_does_not_resolve_is_named_with_the_mend():
    with pytest.raises(AnsibleFilterError, match=r"a\.invalid.*set facility_address"):
        host_addresses([{"inventory_hostname": "a.invalid"}])
