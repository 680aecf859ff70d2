"""What is taken from SAML metadata, and what is refused."""

from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.panosc.facility.plugins.filter import saml

METADATA = (Path(__file__).resolve().parents[2] / "render" / "idp.xml").read_text()


def test_address_entity_and_both_certificates_of_a_change_of_keys():
    assert saml.saml_provider(METADATA) == {
        "idpEntityId": "https://idp.uni.example/saml",
        "singleSignOnServiceUrl": "https://idp.uni.example/post",
        "postBindingAuthnRequest": "true",
        "signingCertificate": "b2xkIGtleQ==,bmV3IGtleQ==",
    }


def test_redirect_where_there_is_no_post():
    config = saml.saml_provider(METADATA.replace("HTTP-POST", "SOAP"))
    assert (config["singleSignOnServiceUrl"], config["postBindingAuthnRequest"]) == (
        "https://idp.uni.example/redirect",
        "false",
    )


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ("", "not XML"),
        ("<html/>", "0 identity providers"),
        (METADATA.replace("IDPSSODescriptor", "SPSSODescriptor"), "0 identity providers"),
        (f"<x>{METADATA.split('?>')[1]}{METADATA.split('?>')[1]}</x>", "2 identity providers"),
        (
            METADATA.replace('use="signing"', 'use="encryption"').replace(
                "<md:KeyDescriptor>", '<md:KeyDescriptor use="encryption">'
            ),
            "no signing certificate",
        ),
        (METADATA.replace("https://idp.uni.example/post", "http://idp.uni.example/post"), "no https address"),
        (
            METADATA.replace("<md:Entity", "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><md:Entity"),
            "DOCTYPE",
        ),
    ],
)
def test_what_no_login_could_be_believed_by_is_refused(metadata, why):
    with pytest.raises(AnsibleFilterError, match=why):
        saml.saml_provider(metadata)


def test_keys_at_an_address_are_left_to_keycloak():
    answers = [{"item": {"alias": "uni"}, "content": METADATA}, {"item": {"alias": "skipped"}, "skipped": True}]
    (fragment,) = saml.saml_fragments(answers)
    assert fragment["source"] == "the SAML metadata of https://idp.uni.example/saml"
    assert fragment["document"]["identityProviders"] == [
        {
            "alias": "uni",
            "config": {
                "idpEntityId": "https://idp.uni.example/saml",
                "singleSignOnServiceUrl": "https://idp.uni.example/post",
                "postBindingAuthnRequest": "true",
            },
        }
    ]
