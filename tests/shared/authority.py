"""A CA of the tests, for servers on the loopback."""

import datetime
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
DAY = datetime.timedelta(days=1)


class Authority:
    """A CA, and a folder for what it signs."""

    def __init__(self, folder, name="Test CA"):
        self.folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._name, self._key.public_key(), days=100, ca=True)
        self.pem = self.certificate.public_bytes(PEM).decode()
        self.path = folder / f"{name}.pem"
        self.path.write_text(self.pem)

    def _sign(self, subject, key, days, ca=False, names=()):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + min(-1, days - 1) * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        return builder.sign(self._key, hashes.SHA256())

    def certificate_for(self, name="localhost", days=90.5):
        """A certificate without a key to use it, as in SAML metadata."""
        return self._sign(x509.Name([]), ec.generate_private_key(ec.SECP256R1()).public_key(), days, names=[name])

    def context(self, name="localhost", days=90.5):
        """What a TLS server needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        file = self.folder / f"{name}-{days}.pem"
        certificate = self._sign(x509.Name([]), key.public_key(), days, names=[name])
        file.write_bytes(
            key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(PEM)
        )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context
