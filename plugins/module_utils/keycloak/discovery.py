# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Does an OpenID Connect provider call itself what the document calls it?

Keycloak never compares the configured issuer with the discovery document; a slash too many shows only
when the first user logs in, as an error without a reason. The document is fetched by the Keycloak
server, whose view of network and certificates is the one that counts. Only providers that are new or
whose endpoints change are asked, so a run without such a change sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .client import Client
from .document import OIDC_PROVIDERS, Wanted
from .errors import IssuerError, RefusedError, ServerError, UnreachableError
from .kinds.identity_providers import IdentityProviders
from .plan import REMOVE, Change

ENDPOINTS = ("issuer", "authorizationUrl", "tokenUrl", "userInfoUrl", "jwksUrl", "metadataDescriptorUrl")
WELL_KNOWN = "/.well-known/openid-configuration"


def verify_issuers(client: Client, wanted: Wanted, changes: Iterable[Change]) -> None:
    """Raises IssuerError when a discovery document names another issuer, UnreachableError when there is none."""
    client.map(
        lambda alias: _verify(client, alias, wanted.idps[alias]["config"]),
        [
            item.name
            for item in changes
            if item.kind == IdentityProviders.name
            and item.action != REMOVE
            and wanted.idps[item.name].get("providerId") in OIDC_PROVIDERS
            and wanted.idps[item.name].get("enabled") is not False
            and wanted.idps[item.name]["config"].get("issuer")
            and any(item.touches(f"config.{key}") for key in ENDPOINTS)
        ],
    )


def _verify(client: Client, alias: str, config: Mapping[str, str]) -> None:
    issuer, where = config["issuer"], f"identityProviders[{alias}]"
    url = config.get("metadataDescriptorUrl") or issuer.rstrip("/") + WELL_KNOWN
    try:
        body = {"providerId": "oidc", "fromUrl": url}
        said = client.read("/identity-provider/import-config", body, repeat=False).get("issuer")
    except (RefusedError, ServerError) as error:
        raise UnreachableError(
            f"the Keycloak server could not read {url}",
            where,
            "Check address, DNS and firewall as seen from the Keycloak node, and that the CA of the provider is in "
            "Keycloak's truststore; the server's log has the reason. Nothing was written. With verify_discovery: false "
            "this check is left out",
        ) from error
    if said != issuer:
        raise IssuerError(
            f"the issuer is configured as {issuer!r}, but the provider calls itself {said!r}",
            f"{where}.config.issuer",
            f"Every login would fail: configure {said!r} to the last character. Nothing was written",
        )
