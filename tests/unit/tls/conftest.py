import datetime
import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.panosc.facility.plugins.module_utils import certificate as x
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


class Authority:
    """A CA that signs what the tests ask for, wrong things included."""

    def __init__(self, name="Test CA"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._build(self.name, self.key.public_key(), 100, ca=True)
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def _build(self, subject, key, days, *, ca=False, names=(), begins=-1):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + min(begins, days - 1) * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([x._general_name(n) for n in names]), False)
        return builder.sign(self.key, hashes.SHA256())

    def pair(self, *names, days=90.0, begins=-1, kind="ecdsa"):
        """Return (key, certificate) in PEM."""
        key = x.new_key(kind)
        certificate = self._build(x509.Name([]), x.load_key(key).public_key(), days, names=names, begins=begins)
        return key, certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, request, days=90):
        """Return the certificate for a request."""
        csr = x509.load_pem_x509_csr(request.encode())
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
        certificate = self._build(csr.subject, csr.public_key(), days, names=wanted)
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def authority():
    return Authority()


@pytest.fixture
def other():
    return Authority("Other CA")


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a module in this process; returns what it prints."""
    monkeypatch.setattr("os.chown", lambda *_: None)  # the tests are not root everywhere

    def call(module, *, check=False, **arguments):
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return call
