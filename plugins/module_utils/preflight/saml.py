# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""A SAML identity provider: is its metadata there, is it the entity that the document means, how long are its keys good?

Specification meant: SAML 2.0 Metadata (OASIS saml-metadata-2.0-os).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from xml.etree import ElementTree as ET

from . import dates
from .findings import ERROR, OK, WARNING, Finding
from .net import REDIRECTS, Line, UnreachedError, failed, judge_chain

MD, DS = "{urn:oasis:names:tc:SAML:2.0:metadata}", "{http://www.w3.org/2000/09/xmldsig#}"


@dataclass(frozen=True)
class SamlProvider:
    """What the realm document says of one provider."""

    alias: str
    config: Mapping[str, str]

    @property
    def where(self) -> str:
        """Its place in the document."""
        return f"identityProviders[{self.alias}]"


def probe(provider: SamlProvider, line: Line) -> Iterator[Finding]:
    """Fetch the metadata, if the document says where; judge it, and the certificates that the document itself holds."""
    now, url = dates.utc_now(), provider.config.get("metadataDescriptorUrl", "")
    if not url:
        yield from judge_configured(provider, now, line.warn_days)
        return
    try:
        answer = line.fetch(url, follow=REDIRECTS)
    except UnreachedError as error:
        yield failed(provider.alias, "metadata", url, error)
        return
    if answer.status != HTTPStatus.OK:
        mend = "Ask the operators of the provider for the address of its metadata"
        yield Finding(provider.alias, "metadata", ERROR, f"not there (HTTP {answer.status})", url, mend)
        return
    yield from judge_metadata(provider, url, answer.body, now, line.warn_days)
    own = judge_chain(provider.alias, url, answer.chain, now, line.warn_days)
    if own:
        yield own


def judge_configured(provider: SamlProvider, now: datetime.datetime, warn_days: float) -> Iterator[Finding]:
    """Days left of the certificates that stand in the document."""
    where = f"{provider.where}.config.signingCertificate"
    yield judge_signing(provider.alias, where, _listed(provider), now, warn_days)


def judge_metadata(
    provider: SamlProvider, url: str, metadata: bytes, now: datetime.datetime, warn_days: float
) -> Iterator[Finding]:
    """Is this the metadata of the provider that the document means, and does the document still fit it?"""
    alias, config = provider.alias, provider.config
    try:
        entity = entity_of(metadata, config.get("idpEntityId", ""))
    except ValueError as error:
        yield Finding(
            alias, "metadata", ERROR, str(error), url, "Check the address and the entity id with its operators"
        )
        return
    yield Finding(alias, "metadata", OK, f"of {entity.get('entityID')}", url)
    until = entity.get("validUntil", "")
    if until and _moment(until) < now:
        mend = "Its operators must publish it anew; do not use it before"
        yield Finding(alias, "metadata", ERROR, f"ended on {until[:10]} (validUntil)", url, mend)
    targets = {
        service.get("Location", "") for service in entity.iterfind(f"{MD}IDPSSODescriptor/{MD}SingleSignOnService")
    }
    ours = config.get("singleSignOnServiceUrl", "")
    if ours and ours not in targets:
        yield Finding(
            alias,
            "endpoint singleSignOnServiceUrl",
            ERROR,
            f"configured is {ours}, the metadata names {', '.join(sorted(targets)) or 'none'}",
            f"{provider.where}.config.singleSignOnServiceUrl",
            "Take the address of the metadata",
        )
    published = signing_certificates(entity)
    yield judge_signing(alias, url, published, now, warn_days)
    held = _listed(provider)
    if held and config.get("useMetadataDescriptorUrl") != "true" and not set(held) & set(published):
        yield Finding(
            alias,
            "signing certificate",
            ERROR,
            "none of the configured certificates is in the metadata: the provider has changed its key",
            f"{provider.where}.config.signingCertificate",
            "Take the certificates of the metadata, after asking the operators whether they changed it",
        )


def judge_signing(alias: str, where: str, held: list[str], now: datetime.datetime, warn_days: float) -> Finding:
    """How long the provider's signatures can be verified; during a roll-over the newest certificate counts."""
    what = "signing certificate"
    try:
        found = [dates.of_der(dates.der(text)) for text in held]
    except ValueError as error:
        return Finding(alias, what, ERROR, f"cannot be read: {error}", where, "Take it from the provider's metadata")
    if not found:
        mend = "Without one no signature can be verified: ask the provider's operators for it"
        return Finding(alias, what, ERROR, "there is none", where, mend)
    last = max(found, key=lambda one: one.end)
    left = last.days_left(now)
    if left < 0:
        mend = "Its operators must publish a new one"
        return Finding(alias, what, ERROR, f"has expired on {last.end:%Y-%m-%d}", where, mend)
    if left < warn_days:
        mend = "Ask its operators when they publish the next one, and run this again then"
        return Finding(alias, what, WARNING, f"ends in {left:.0f} days, on {last.end:%Y-%m-%d}", where, mend)
    gone = sum(one.days_left(now) < 0 for one in found)
    note = f", beside {gone} that has expired" if gone else ""
    return Finding(alias, what, OK, f"good for {left:.0f} more days{note}", where)


def entity_of(metadata: bytes, wanted: str) -> ET.Element:
    """The entity of that id, or the only identity provider when no id is wanted.

    Raises:
        ValueError: this is no metadata, or not of that entity.
    """
    if b"<!DOCTYPE" in metadata or b"<!ENTITY" in metadata:
        raise ValueError("the metadata has a document type, which SAML has not and which could do harm")
    try:
        root = ET.fromstring(metadata)  # noqa: S314 - no entities, see above
    except ET.ParseError as error:
        raise ValueError(f"this is no XML: {error}") from error
    entities = [one for one in root.iter(f"{MD}EntityDescriptor") if one.find(f"{MD}IDPSSODescriptor") is not None]
    fitting = [one for one in entities if not wanted or one.get("entityID") == wanted]
    if len(fitting) != 1:
        names = ", ".join(str(one.get("entityID")) for one in entities[:5]) or "no identity provider"
        raise ValueError(f"the metadata is not that of {wanted or 'one identity provider'}: it holds {names}")
    return fitting[0]


def signing_certificates(entity: ET.Element) -> list[str]:
    """The certificates with which the entity may sign, Base64 without line breaks."""
    return [
        "".join((certificate.text or "").split())
        for key in entity.iterfind(f"{MD}IDPSSODescriptor/{MD}KeyDescriptor")
        if key.get("use", "signing") == "signing"
        for certificate in key.iter(f"{DS}X509Certificate")
    ]


def _listed(provider: SamlProvider) -> list[str]:
    """The certificates of the document: Keycloak keeps several in one text, with commas."""
    texts = provider.config.get("signingCertificate", "").split(",")
    return ["".join(dates.PEM.sub(r"\1", text).split()) for text in texts if text.strip()]


def _moment(text: str) -> datetime.datetime:
    """A moment of XML Schema; without a zone it is UTC."""
    moment = datetime.datetime.fromisoformat(text[:19])
    return moment.replace(tzinfo=datetime.timezone.utc)
