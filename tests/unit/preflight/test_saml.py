"""Metadata of a SAML identity provider: the right entity, keys that end, a provider that has changed its key."""

import base64
import datetime

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.preflight.dates import utc_now
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line
from ansible_collections.panosc.facility.plugins.module_utils.preflight.saml import SamlProvider, entity_of, probe
from cryptography.hazmat.primitives.serialization import Encoding
from servers import Op, serving

SSO = "https://idp.test/sso"
ENTITY = "https://idp.test/metadata"


def text(certificate):
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def metadata(*certificates, entity=ENTITY, use=' use="signing"', more=""):
    keys = "".join(
        f"<md:KeyDescriptor{use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{text(one)}\n"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for one in certificates
    )
    return (
        '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" '
        f'entityID="{entity}"{more}><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}'
        f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{SSO}"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    )


def ask(authority, body, **config):
    """{what: [findings]} of one probe of metadata at a real address."""
    op = Op(answers={"/md": (200, {}, body)} if body else {})
    with serving(op, authority.context()):
        given = {
            "idpEntityId": ENTITY,
            "singleSignOnServiceUrl": SSO,
            "metadataDescriptorUrl": f"{op.base}/md",
            **config,
        }
        provider = SamlProvider("hub", {key: value for key, value in given.items() if value})
        found = {}
        for finding in probe(provider, Line(str(authority.path), timeout=10)):
            found.setdefault(finding.what, []).append((finding.level, finding.message))
    return found


def test_metadata_in_order(authority):
    one = authority.certificate_for(days=90.5)
    found = ask(authority, metadata(one), signingCertificate=text(one))
    assert {level for findings in found.values() for level, _ in findings} == {"ok"}
    assert found["signing certificate"] == [("ok", "good for 90 more days")]


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [
        ([5.5], "warning", "ends in 5 days"),
        ([-2], "error", "has expired on"),
        ([5.5, 300.5], "ok", "good for 300 more days"),
        ([-2, 300.5], "ok", "good for 300 more days, beside 1 that has expired"),
        ([], "error", "there is none"),
    ],
)
def test_how_long_the_keys_are_good(authority, days, level, words):
    found = ask(authority, metadata(*(authority.certificate_for(days=number) for number in days)))
    assert found["signing certificate"][0][0] == level
    assert words in found["signing certificate"][0][1]


def test_keys_for_encryption_do_not_count(authority):
    found = ask(authority, metadata(authority.certificate_for(), use=' use="encryption"'))
    assert found["signing certificate"] == [("error", "there is none")]


def test_a_provider_that_changed_its_key(authority):
    old, new = authority.certificate_for(), authority.certificate_for()
    found = ask(authority, metadata(new), signingCertificate=text(old))
    assert "the provider has changed its key" in found["signing certificate"][1][1]
    both = ask(authority, metadata(new), signingCertificate=f"{text(old)},{text(new)}")
    assert len(both["signing certificate"]) == 1
    followed = ask(authority, metadata(new), signingCertificate=text(old), useMetadataDescriptorUrl="true")
    assert len(followed["signing certificate"]) == 1


@pytest.mark.parametrize(
    ("body", "what", "words"),
    [
        (None, "metadata", "HTTP 404"),
        ("<html>", "metadata", "this is no XML"),
        ("<html/>", "metadata", "it holds no identity provider"),
        (metadata(entity="https://other.test"), "metadata", "it holds https://other.test"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a/>', "metadata", "document type"),
    ],
)
def test_metadata_that_will_not_do(authority, body, what, words):
    level, message = ask(authority, body)[what][0]
    assert level == "error"
    assert words in message


def test_metadata_that_has_ended_or_sends_people_elsewhere(authority):
    ended = (utc_now() - datetime.timedelta(days=2)).isoformat(timespec="seconds")[:19] + "Z"
    one = metadata(authority.certificate_for(), more=f' validUntil="{ended}"')
    assert ask(authority, one)["metadata"][1][0] == "error"
    moved = ask(authority, metadata(authority.certificate_for()), singleSignOnServiceUrl="https://idp.test/old")
    assert SSO in moved["endpoint singleSignOnServiceUrl"][0][1]


def test_without_metadata_the_certificates_of_the_document_are_judged(authority):
    soon = authority.certificate_for(days=5.5)
    found = ask(authority, None, metadataDescriptorUrl="", signingCertificate=text(soon))
    assert list(found) == ["signing certificate"]
    assert found["signing certificate"][0][0] == "warning"


def test_one_entity_among_many(authority):
    def entity(name):
        return metadata(authority.certificate_for(), entity=name)

    many = f'<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{entity("a")}{entity(ENTITY)}</md:EntitiesDescriptor>'
    assert entity_of(many.encode(), ENTITY).get("entityID") == ENTITY
    with pytest.raises(ValueError, match="not that of one identity provider: it holds a, https"):
        entity_of(many.encode(), "")
