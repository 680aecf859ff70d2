"""Dates of certificates and the encoding of LDAP, against the libraries that the checks do without."""

import datetime

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.preflight import ber, dates
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = ec.generate_private_key(ec.SECP256R1())
MOMENTS = st.datetimes(
    datetime.datetime(1951, 1, 1), datetime.datetime(2120, 1, 1), timezones=st.just(datetime.timezone.utc)
)


def certificate(begin, end, name="x"):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .sign(KEY, hashes.SHA256())
    )


@settings(max_examples=60, deadline=None)
@given(MOMENTS, MOMENTS, st.text("abc", min_size=1, max_size=60))
def test_dates_are_those_that_cryptography_reads(one, other, name):
    made = certificate(min(one, other), max(one, other), name)
    begin, end = dates.of_der(made.public_bytes(serialization.Encoding.DER))
    assert (begin, end) == (made.not_valid_before_utc, made.not_valid_after_utc)
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    assert dates.of_pem(f"text before\n{pem}between\n{pem}") == [(begin, end), (begin, end)]
    assert dates.of_der(dates.der(pem)) == dates.of_der(dates.der("".join(pem.splitlines()[1:-1]))) == (begin, end)


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_refused(text):
    with pytest.raises(ValueError, match="no "):
        dates.of_pem(text)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_certificate_break_nothing(data):
    with pytest.raises(ValueError, match="no certificate"):
        dates.of_der(data)


@given(st.lists(st.tuples(st.sampled_from([2, 4, 0x30, 0x60]), st.binary(max_size=400)), max_size=5))
def test_elements_come_back_as_they_went(parts):
    data = b"".join(ber.encode(tag, value) for tag, value in parts)
    assert list(ber.elements(data)) == parts


@given(st.integers(-(2**40), 2**40))
def test_numbers_come_back_as_they_went(value):
    assert next(ber.elements(ber.number(value))).number() == value


@given(st.binary(min_size=1, max_size=200), st.integers(1, 50))
def test_what_is_cut_off_is_noticed(value, cut):
    whole = ber.encode(4, value)
    with pytest.raises(ValueError, match="cut off"):
        list(ber.elements(whole[: -min(cut, len(whole) - 1)]))
