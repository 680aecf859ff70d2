"""Bind and search at a directory with faults. The real slapd answers in the demo; here is a server of a few answers."""

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.preflight import ber
from ansible_collections.panosc.facility.plugins.module_utils.preflight.directory import (
    BOUND,
    DONE,
    ENTRY,
    Directory,
    encode_filter,
    people_filter,
    probe,
)
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line
from hypothesis import given
from hypothesis import strategies as st
from servers import closed_port, listening

PASSWORD = "canary-of-the-directory"
ATTRIBUTES = {"username": "uid", "uuid": "entryUUID", "e-mail address": "mail"}
WHOLE = {"uid", "entryUUID", "mail"}


def result(tag, code):
    return ber.encode(tag, ber.number(code, ber.ENUMERATED), ber.encode(ber.OCTETS), ber.encode(ber.OCTETS))


def entry(names):
    listed = [ber.encode(ber.SEQUENCE, ber.encode(ber.OCTETS, name.encode()), ber.encode(ber.SET)) for name in names]
    return ber.encode(ENTRY, ber.encode(ber.OCTETS, b"uid=x"), ber.encode(ber.SEQUENCE, *listed))


def directory_server(bind=0, search=0, people=(WHOLE,), seen=None):
    """Speaks for one connection; a byte at a time, for answers come in any portions."""

    def speak(connection):
        buffer = b""
        while data := connection.recv(4096):
            buffer += data
            while (size := ber.whole(buffer)) is not None and len(buffer) >= size:
                message, buffer = next(ber.elements(buffer[:size])), buffer[size:]
                number, operation = message.children()[:2]
                if seen is not None:
                    seen.append(operation)
                answers = {
                    0x60: [result(BOUND, bind if PASSWORD.encode() in operation.value else 49)],
                    0x63: [*map(entry, people), result(DONE, search)],
                }.get(operation.tag, [])
                for answer in answers:
                    for byte in ber.encode(ber.SEQUENCE, ber.number(number.number()), answer):
                        connection.sendall(bytes([byte]))

    return speak


def ask(authority, server, certificate=None, password=PASSWORD, **config):
    with listening(server, authority.context(**(certificate or {}))) as port:
        given = {
            "connectionUrl": f"ldaps://localhost:{port}",
            "bindDn": "cn=reader",
            "usersDn": "ou=people",
            "userObjectClasses": "inetOrgPerson, person",
            "usernameLDAPAttribute": "uid",
            "searchScope": "2",
            **config,
        }
        found = list(probe(Directory("ldap", given, ATTRIBUTES, password), Line(str(authority.path), timeout=10)))
    assert "canary-" not in str(found)
    return [(finding.what, finding.level, finding.message) for finding in found]


def test_a_directory_in_order(authority):
    seen = []
    found = ask(authority, directory_server(people=[WHOLE] * 3, seen=seen))
    assert [what for what, _, _ in found] == ["TLS certificate", "bind", "search"]
    assert {level for _, level, _ in found} == {"ok"}
    assert found[2][2] == "3 people found below 'ou=people'"
    assert [operation.tag for operation in seen[:2]] == [0x60, 0x63]
    assert seen[1].children()[5].value == b"\xff", "values of people were asked for"


@pytest.mark.parametrize(
    ("server", "what", "level", "words"),
    [
        ({"bind": 49}, "bind", "error", "'cn=reader' is refused with this password"),
        ({"bind": 34}, "bind", "error", "is no distinguished name"),
        ({"bind": 8}, "bind", "error", "stronger authentication required (8)"),
        ({"search": 32, "people": []}, "search", "error", "there is no such entry"),
        ({"search": 50, "people": []}, "search", "error", "may not search"),
        ({"people": []}, "search", "warning", "nobody found"),
        ({"search": 4, "people": [WHOLE] * 50}, "search", "ok", "50 or more people"),
        ({"people": [{"uid", "mail"}] * 2}, "attribute entryUUID", "error", "2 of 2"),
        ({"people": [WHOLE, WHOLE - {"mail"}]}, "attribute mail", "warning", "1 of 2 people looked at have none (e-mail address)"),
    ],
)  # fmt: skip
def test_one_fault(authority, server, what, level, words):
    found = {name: (worse, message) for name, worse, message in ask(authority, directory_server(**server))}
    assert found[what][0] == level
    assert words in found[what][1]


def test_a_wrong_password_and_none(authority):
    refused = ("error", "'cn=reader' is refused with this password")
    for password, asked in (("canary-wrong", 1), ("", 0)):
        seen = []
        assert ask(authority, directory_server(seen=seen), password=password)[1][1:] == refused
        assert sum(operation.tag == 0x60 for operation in seen) == asked, (
            "without a password the bind would be anonymous"
        )


def test_no_password_goes_over_a_plain_connection():
    given = {"connectionUrl": "ldap://localhost:1", "bindDn": "cn=reader"}
    (found,) = probe(Directory("ldap", given, {}, PASSWORD), Line(timeout=1))
    assert (found.level, found.message[:31]) == ("error", "the connection is not encrypted")


def test_a_certificate_for_another_name(authority):
    ((what, level, message),) = ask(authority, directory_server(), {"name": "other.test"})
    assert (what, level) == ("directory", "error")
    assert "is for another name" in message


def test_who_speaks_something_else(authority):
    *_, (_, level, message) = ask(authority, lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert level == "error"
    assert "does not speak LDAP" in message


def test_who_says_nothing_more(authority):
    def silent(connection):
        connection.recv(1)

    with listening(silent, authority.context()) as port:
        given = {"connectionUrl": f"ldaps://localhost:{port}", "bindDn": "cn=reader"}
        found = list(probe(Directory("ldap", given, {}, PASSWORD), Line(str(authority.path), timeout=0.3)))
    assert found[-1].level == "error"


def test_who_takes_the_connection_and_says_nothing():
    with listening() as port:
        given = {"connectionUrl": f"ldaps://localhost:{port}", "bindDn": "cn=reader"}
        (found,) = probe(Directory("ldap", given, {}, PASSWORD), Line(timeout=0.2))
    assert "gave no answer within 0.2 s" in found.message


def test_every_address_is_asked(authority):
    gone = f"ldaps://localhost:{closed_port()}"
    with listening(directory_server(), authority.context()) as port:
        given = {"connectionUrl": f"{gone} ldaps://localhost:{port}", "bindDn": "cn=reader", "usersDn": "ou=people"}
        found = list(probe(Directory("ldap", given, {}, PASSWORD), Line(str(authority.path), timeout=1)))
    assert [finding.level for finding in found] == ["error", "ok", "ok", "ok"]
    assert "refuses connections" in found[0].message


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("(uid=*)", "8703756964"),
        ("(cn=Babs Jensen)", "a3110402636e040b42616273204a656e73656e"),
        ("(!(cn=Tim))", "a20ba3090402636e040354696d"),
        ("(o=univ*of*mich*)", "a41504016f3010800475" "6e697681026f6681046d696368"),
        ("(cn=\\2a)", "a3070402636e04012a"),
        ("(size>=5)", "a50904" "0473697a65040135"),
        # RFC 4515, section 4: matching rules; Active Directory's bitwise AND is the one people use
        ("(cn:caseExactMatch:=Fred)", "a91a810e6361736545786163744d617463688202636e830446726564"),
        ("(o:dn:=Ace)", "a90b82016f830341636584" "01ff"),
    ],
)  # fmt: skip
def test_filters_as_they_are_sent(text, encoded):
    assert encode_filter(text).hex() == encoded


@pytest.mark.parametrize("text", ["", "uid=*", "(uid=*", "(&(uid=*)", "(uid=*))", "(!(a=b)(c=d))", "(uid)"])
def test_what_is_no_filter_is_refused(text):
    with pytest.raises(ValueError, match="filter"):
        encode_filter(text)


FILTERS = st.recursive(
    st.sampled_from(["(uid=*)", "(cn=a*b)", "(mail=x@y.z)", "(a:1.2.3:=4)"]),
    lambda inner: st.builds(
        lambda sign, parts: f"({sign}{''.join(parts)})", st.sampled_from("&|"), st.lists(inner, max_size=3)
    ),
)


@given(FILTERS)
def test_nested_filters_are_whole_elements(text):
    encoded = encode_filter(text)
    assert ber.whole(encoded) == len(encoded)


def test_the_filter_of_the_site_is_part_of_the_question():
    config = {
        "userObjectClasses": "inetOrgPerson",
        "usernameLDAPAttribute": "uid",
        "customUserSearchFilter": "(memberOf=cn=x)",
    }
    assert people_filter(config) == encode_filter("(&(objectClass=inetOrgPerson)(uid=*)(memberOf=cn=x))")
