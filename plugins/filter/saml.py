"""Filter that reads the metadata of a SAML identity provider. Pure functions on text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from ansible.errors import AnsibleFilterError

METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


def saml_provider(metadata: str) -> dict[str, str]:
    """Return what Keycloak's configuration of a SAML identity provider takes from metadata (SAML 2.0 Metadata, section 2.4).

    Args:
        metadata: The XML document of one entity. All its signing certificates count, so that keys can change without a break.

    Raises:
        AnsibleFilterError: It is not the metadata of exactly one identity provider, or lacks what a safe login needs.
    """
    if "<!DOCTYPE" in metadata:
        raise AnsibleFilterError("The SAML metadata has a DOCTYPE, which metadata never needs and attacks use")
    try:
        root = ElementTree.fromstring(metadata)  # noqa: S314 - without a DOCTYPE there are no entities to attack with
    except ElementTree.ParseError as error:
        raise AnsibleFilterError(f"The SAML metadata is not XML: {error}") from error
    found = [
        (entity, role)
        for entity in root.iter(f"{METADATA}EntityDescriptor")
        for role in entity.findall(f"{METADATA}IDPSSODescriptor")
    ]
    if len(found) != 1:
        raise AnsibleFilterError(
            f"The SAML metadata describes {len(found)} identity providers, wanted is one: "
            "Keycloak does not read aggregates of a federation; ask the provider for its own metadata"
        )
    ((entity, role),) = found
    services = {item.get("Binding"): item.get("Location", "") for item in role.iter(f"{METADATA}SingleSignOnService")}
    address = services.get(POST) or services.get(REDIRECT) or ""
    if not address.startswith("https://"):
        raise AnsibleFilterError(
            f"The SAML metadata of {entity.get('entityID')} has no https address for logins by POST or redirect"
        )
    certificates = list(_certificates(role))
    if not certificates:
        raise AnsibleFilterError(
            f"The SAML metadata of {entity.get('entityID')} has no signing certificate: no login could be believed"
        )
    return {
        "idpEntityId": str(entity.get("entityID")),
        "singleSignOnServiceUrl": address,
        "postBindingAuthnRequest": "true" if POST in services else "false",
        "signingCertificate": ",".join(certificates),
    }


def saml_fragments(answers: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a fragment for each SAML identity provider whose metadata were asked for.

    Without certificates: Keycloak itself reads them at the address, whenever it needs to.

    Args:
        answers: Results of the module `uri` in a loop over identity providers of the document: `item` and `content`.
    """
    fragments = []
    for answer in answers:
        if "content" not in answer:
            continue  # skipped
        provider = answer["item"]
        config = saml_provider(answer["content"])
        del config["signingCertificate"]
        document = {"identityProviders": [{"alias": provider["alias"], "config": config}]}
        fragments.append({"source": f"the SAML metadata of {config['idpEntityId']}", "document": document})
    return fragments


def _certificates(role: ElementTree.Element) -> Iterable[str]:
    """The certificates for signatures, each once, without white space."""
    seen = set()
    for key in role.findall(f"{METADATA}KeyDescriptor"):
        if key.get("use", "signing") != "signing":
            continue
        for item in key.iter(f"{SIGNATURE}X509Certificate"):
            text = re.sub(r"\s", "", item.text or "")
            if text and text not in seen:
                seen.add(text)
                yield text


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {"saml_fragments": saml_fragments, "saml_provider": saml_provider}
