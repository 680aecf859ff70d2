"""X.509 as the role `tls` needs it: keys, requests, checks and dates. No Ansible in here.

Runs on the control node (filter) and on the managed hosts (modules), so it keeps to what cryptography 36 (EL 9) knows.
All text is PEM, all times are UTC, all durations are days.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError as error:  # the modules report it: on a fresh host in check mode this is no error
    IMPORT_ERROR: ImportError | None = error
else:
    IMPORT_ERROR = None

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes, PrivateKeyTypes

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
# Second-level labels under which registries sell names: `*.ac.uk` is nobody's to hold.
REGISTRY_LABELS = frozenset(
    {"ac", "asso", "co", "com", "edu", "go", "gob", "gouv", "gov", "mil", "ne", "net", "nom", "or", "org", "sch"}
)
COUNTRY_CODE_LENGTH = 2
DNS_NAME_LENGTH = 253
COMMON_NAME_LENGTH = 64  # upper bound of X.520


class CertificateError(ValueError):
    """Text that should be a key or a certificate is not; the message says what is wrong, never what was in it."""


def blocks(text: str) -> list[str]:
    """Return the certificates of a PEM text, one string each, in order, with a final newline."""
    return [block.rstrip("\n") + "\n" for block in BLOCK.findall(text)]


def load_chain(text: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text, in order.

    Raises:
        CertificateError: there is none, or one cannot be read.
    """
    found = blocks(text)
    if not found:
        raise CertificateError("holds no PEM certificate")
    try:
        return [x509.load_pem_x509_certificate(block.encode()) for block in found]
    except ValueError as error:
        raise CertificateError(f"holds a certificate that cannot be read: {error}") from error


def load_key(text: str) -> PrivateKeyTypes:
    """Return the private key of a PEM text.

    Raises:
        CertificateError: it cannot be read, or asks for a passphrase.
    """
    try:
        return serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError as error:
        raise CertificateError("is a key with a passphrase: services could not read it at start") from error
    except ValueError as error:
        raise CertificateError("holds no private key that can be read") from error


def new_key(kind: str) -> str:
    """Return a new private key as unencrypted PKCS 8.

    Args:
        kind: `ecdsa` (P-256) or `rsa` (3072 bits).
    """
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else rsa.generate_private_key(65537, 3072)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def key_kind(key: Any) -> str:
    """Return `ecdsa` or `rsa` for a key, the class name for any other."""
    if isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey)):
        return "ecdsa"
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        return "rsa"
    return type(key).__name__


def new_request(key_text: str, names: list[str]) -> str:
    """Return a certificate signing request of a server with these DNS names and IP addresses."""
    key: Any = load_key(key_text)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=key_kind(key) == "rsa",
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    common_name = [x509.NameAttribute(NameOID.COMMON_NAME, names[0])] if len(names[0]) <= COMMON_NAME_LENGTH else []
    request = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name(common_name))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=not common_name)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return request.public_bytes(serialization.Encoding.PEM).decode()


def canonical(name: str) -> str:
    """Return a DNS name in lower case, an IP address in its shortest form."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def names_of(certificate: x509.Certificate) -> set[str]:
    """Return the DNS names (lower case) and IP addresses a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    found = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    return {canonical(name) for name in found}


def uncovered(certificate: x509.Certificate, names: Iterable[str]) -> list[str]:
    """Return those of the names that a client would not accept from this certificate. `*` stands for one label."""
    has = names_of(certificate)
    return [
        name for name in names if canonical(name) not in has and "*." + canonical(name).partition(".")[2] not in has
    ]


def not_after(certificate: x509.Certificate) -> datetime.datetime:
    """Return when a certificate ends, with its time zone (cryptography before 42 leaves the zone out)."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def not_before(certificate: x509.Certificate) -> datetime.datetime:
    """Return when a certificate begins, with its time zone."""
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc
    return certificate.not_valid_before.replace(tzinfo=datetime.timezone.utc)


def days_left(certificate: x509.Certificate, now: datetime.datetime) -> float:
    """Return how many days a certificate is still good for; negative when it has ended."""
    return (not_after(certificate) - now).total_seconds() / 86400


def same_key(certificate: x509.Certificate, key: Any) -> bool:
    """Say whether a certificate and a private key belong together."""
    encoding = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    own: bytes = key.public_key().public_bytes(*encoding)
    return certificate.public_key().public_bytes(*encoding) == own


def is_authority(certificate: x509.Certificate) -> bool:
    """Say whether a certificate may sign others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Say whether the authority's key signed the certificate."""
    if certificate.issuer != authority.subject or certificate.signature_hash_algorithm is None:
        return False
    key: CertificateIssuerPublicKeyTypes = authority.public_key()  # type: ignore[assignment]
    signed = (certificate.signature, certificate.tbs_certificate_bytes)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(*signed, ec.ECDSA(certificate.signature_hash_algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(*signed, padding.PKCS1v15(), certificate.signature_hash_algorithm)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def name_problem(name: str) -> str:
    """Return what is wrong with a name for a certificate, or nothing."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return ""
    wildcard = name.startswith("*.")
    labels = name[2:].split(".") if wildcard else name.split(".")
    if not all(LABEL.fullmatch(label) for label in labels) or len(name) > DNS_NAME_LENGTH:
        return "is no DNS name and no IP address"
    if wildcard:
        *above, top = labels
        if not above or (len(top) == COUNTRY_CODE_LENGTH and len(above) == 1 and above[0] in REGISTRY_LABELS):
            return "is a wildcard over a public suffix"
    return ""


def pair_problems(chain_text: str, key_text: str, names: Iterable[str], now: datetime.datetime) -> list[str]:
    """Return what keeps a certificate file and a key file from serving these names, in words; nothing when all is well.

    Args:
        chain_text: the server's certificate first, then its intermediates.
        key_text: the private key, without passphrase.
        names: DNS names and IP addresses that clients will use.
        now: the moment to judge by.
    """
    try:
        chain = load_chain(chain_text)
        own = chain[0]
    except CertificateError as error:
        return [f"the certificate file {error}"]
    try:
        key = load_key(key_text)
    except CertificateError as error:
        return [f"the key file {error}"]
    found = []
    if not same_key(own, key):
        found.append("the key does not belong to the first certificate of the file")
    if now > not_after(own):
        found.append(f"the certificate ended on {not_after(own):%Y-%m-%d}")
    if now < not_before(own):
        found.append(f"the certificate begins only on {not_before(own):%Y-%m-%d}")
    missing = uncovered(own, names)
    if missing:
        found.append(f"the certificate is not for {', '.join(missing)} (it is for {', '.join(sorted(names_of(own)))})")
    found += [
        f"certificate {position} of the file did not sign the one before it"
        for position, (child, parent) in enumerate(zip(chain, chain[1:]), start=2)
        if not issued_by(child, parent)
    ]
    return found


def renewal_reason(  # noqa: PLR0913 - each is one thing that may have changed
    chain_text: str,
    key_text: str,
    *,
    names: list[str],
    kind: str,
    authority_text: str,
    renew_days: float,
    now: datetime.datetime,
) -> str:
    """Return why the site CA has to sign anew, in words; nothing when the present certificate will do.

    Args:
        chain_text: the present certificate, empty when there is none.
        key_text: the present key, empty when there is none.
        names: the names wanted; the certificate must hold exactly these.
        kind: kind of key wanted, `ecdsa` or `rsa`.
        authority_text: certificate of the site CA.
        renew_days: sign anew when fewer days are left.
        now: the moment to judge by.
    """
    if not chain_text or not key_text:
        return "there is none"
    try:
        own, key = load_chain(chain_text)[0], load_key(key_text)
        authority = load_chain(authority_text)[0]
    except CertificateError as error:
        return f"a file {error}"
    left = days_left(own, now)
    wanted = {canonical(name) for name in names}
    checks = [
        (not same_key(own, key), "key and certificate do not match"),
        (key_kind(key) != kind, f"the key is {key_kind(key)}, wanted {kind}"),
        (names_of(own) != wanted, f"it is for {', '.join(sorted(names_of(own)))}, wanted {', '.join(sorted(wanted))}"),
        (not issued_by(own, authority), "another CA signed it"),
        (left < renew_days, f"{max(left, 0):.0f} days are left, renewed below {renew_days:g}"),
    ]
    return next((reason for wrong, reason in checks if wrong), "")
