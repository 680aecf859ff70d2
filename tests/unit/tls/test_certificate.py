import datetime

import pytest
from ansible_collections.panosc.facility.plugins.filter.certificate_problems import certificate_problems
from ansible_collections.panosc.facility.plugins.module_utils import certificate as x
from cryptography import x509

NOW = datetime.datetime.now(datetime.timezone.utc)


def reason(authority, chain, key, **changes):
    wanted = {"names": ["db.facility.test"], "kind": "ecdsa", "renew_days": 30, **changes}
    return x.renewal_reason(chain, key, authority_text=wanted.pop("authority", authority.pem), now=NOW, **wanted)


def test_a_good_certificate_stays(authority):
    key, chain = authority.pair("db.facility.test")
    assert reason(authority, chain, key) == ""


@pytest.mark.parametrize(
    ("made", "wanted", "said"),
    [
        ({"days": 29}, {}, "29 days are left"),
        ({"days": -3}, {}, "0 days are left"),
        ({}, {"names": ["db.facility.test", "other.facility.test"]}, "wanted db.facility.test, other.facility.test"),
        ({}, {"names": ["DB.facility.test"]}, ""),
        ({}, {"kind": "rsa"}, "the key is ecdsa, wanted rsa"),
        ({}, {"renew_days": 91}, "renewed below 91"),
    ],
)
def test_why_a_certificate_is_renewed(authority, made, wanted, said):
    key, chain = authority.pair("db.facility.test", **made)
    found = reason(authority, chain, key, **wanted)
    assert said in found
    assert bool(said) == bool(found)


def test_a_certificate_of_another_ca_is_renewed_even_when_the_ca_has_the_same_name(authority, other):
    other.name = authority.name
    key, chain = other.pair("db.facility.test")
    assert reason(authority, chain, key) == "another CA signed it"


def test_files_that_cannot_be_read_are_renewed_not_fatal(authority):
    key, chain = authority.pair("db.facility.test")
    assert reason(authority, "", key) == reason(authority, chain, "") == "there is none"
    assert "cannot be read" in reason(authority, chain.replace("M", "!", 1), key) or reason(authority, "garbage", key)
    assert reason(authority, chain, x.new_key("ecdsa")) == "key and certificate do not match"


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_a_request_asks_for_a_server_with_exactly_these_names(kind):
    request = x509.load_pem_x509_csr(
        x.new_request(x.new_key(kind), ["a.facility.test", "10.0.0.1", "2001:db8::1"]).encode()
    )
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.facility.test"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "2001:db8::1"]
    assert not request.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert request.is_signature_valid
    assert x.key_kind(request.public_key()) == kind


def test_a_long_name_makes_no_common_name():
    name = ".".join(["x" * 40] * 3)
    assert not list(x509.load_pem_x509_csr(x.new_request(x.new_key("ecdsa"), [name]).encode()).subject)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["a.facility.test"], []),
        (["A.Facility.Test"], []),
        (["a.b.facility.test"], ["a.b.facility.test"]),  # a wildcard stands for one label
        (["facility.test"], ["facility.test"]),
        (["10.0.0.1"], ["10.0.0.1"]),
    ],
)
def test_what_a_wildcard_covers(authority, names, missing):
    _, chain = authority.pair("*.facility.test")
    assert x.uncovered(x.load_chain(chain)[0], names) == missing


def test_pairs_that_do_not_work(authority, other):
    key, chain = authority.pair("a.facility.test")
    assert x.pair_problems(chain, key, ["a.facility.test"], NOW) == []
    assert x.pair_problems(chain, key, ["b.facility.test"], NOW) == [
        "the certificate is not for b.facility.test (it is for a.facility.test)"
    ]
    assert "does not belong" in x.pair_problems(chain, x.new_key("rsa"), [], NOW)[0]
    assert "ended on" in x.pair_problems(chain, key, [], NOW + datetime.timedelta(days=91))[0]
    assert "begins only on" in x.pair_problems(chain, key, [], NOW - datetime.timedelta(days=2))[0]
    assert x.pair_problems("", key, [], NOW) == ["the certificate file holds no PEM certificate"]
    assert x.pair_problems(chain, "", [], NOW) == ["the key file holds no private key that can be read"]
    assert x.pair_problems(chain + authority.pem, key, [], NOW) == []
    assert x.pair_problems(chain + other.pem, key, [], NOW) == [
        "certificate 2 of the file did not sign the one before it"
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a.facility.test", ""),
        ("localhost", ""),
        ("10.1.2.3", ""),
        ("2001:db8::1", ""),
        ("*.facility.test", ""),
        ("*.facility.ac.uk", ""),
        ("*.co.de.example", ""),
        ("*.test", "wildcard over a public suffix"),
        ("*.ac.uk", "wildcard over a public suffix"),
        ("*.com", "wildcard over a public suffix"),
        ("a.*.facility.test", "no DNS name"),
        ("*", "no DNS name"),
        ("-a.facility.test", "no DNS name"),
        ("a..test", "no DNS name"),
        ("https://a.test", "no DNS name"),
        ("x" * 64 + ".test", "no DNS name"),
    ],
)
def test_names(name, problem):
    assert problem in x.name_problem(name)
    assert bool(problem) == bool(x.name_problem(name))


def test_files_of_a_site(tmp_path, authority, other):
    key, chain = authority.pair("a.facility.test")
    for name, text in {
        "cert": chain,
        "key": key,
        "ca": authority.pem,
        "vaulted": "$ANSIBLE_VAULT;1.1;AES256\n00",
        "both": authority.pem + other.pem,
    }.items():
        (tmp_path / name).write_text(text)
    path = {file.name: str(file) for file in tmp_path.iterdir()}
    assert certificate_problems({"certificate": path["cert"], "key": path["key"]}, ["a.facility.test"]) == []
    assert certificate_problems({"certificate": path["cert"], "key": path["vaulted"]}) == []
    assert "does not exist" in certificate_problems({"certificate": path["cert"], "key": "/nowhere"})[0]
    assert "not an absolute path" in certificate_problems({"certificate": "pki/cert.pem", "key": path["key"]})[0]
    assert "does not belong" in certificate_problems({"certificate": path["ca"], "key": path["key"]})[0]
    assert certificate_problems({"certificate": path["ca"]}) == []
    assert "several certificates" in certificate_problems({"certificate": path["both"]})[0]
    assert "not the certificate of a CA" in certificate_problems({"certificate": path["cert"]})[0]
