"""Filters for the pre-flight and for the registration at operators of identity providers. Pure functions on plain data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# A key of facility_identity_providers -> Keycloak's name of the endpoint.
OVERRIDES = {
    "authorization_url": "authorizationUrl",
    "token_url": "tokenUrl",
    "userinfo_url": "userInfoUrl",
    "jwks_url": "jwksUrl",
}
SECRET = ("client_secret",)


def overridden_endpoints(providers: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return for each alias the endpoints that the site itself gives, in spite of what discovery may say."""
    return {
        str(provider["alias"]): [name for key, name in OVERRIDES.items() if provider.get(key)] for provider in providers
    }


def unregistered(providers: Iterable[Mapping[str, Any]], placeholder: str) -> list[dict[str, Any]]:
    """Return the identity providers as before a registration: without a secret, the client id perhaps still open.

    Values that cannot be had are not looked at, so a vault without the secret of a provider is no obstacle.
    """
    return [
        {
            "client_id": placeholder,
            **{str(key): provider[key] for key in provider if key not in SECRET},
            "client_secret": placeholder,
        }
        for provider in providers
    ]


def claims_wanted(provider: Mapping[str, Any]) -> list[str]:
    """Return the claims (or SAML attributes) that the mappers of a provider of the document read, in order."""
    found: dict[str, None] = {}
    for mapper in provider.get("mappers") or []:
        config = mapper["config"]
        texts = [config.get("claim"), config.get("attribute.name"), *_within_template(config.get("template"))]
        found.update(dict.fromkeys(str(text) for text in texts if text))
    return list(found)


def _within_template(template: Any) -> list[str]:
    """The claims of Keycloak's template of a user name, such as `${CLAIM.voperson_id}`."""
    return re.findall(r"\$\{(?:CLAIM|ATTRIBUTE)\.([^}]+)\}", str(template or ""))


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return name -> function."""
        return {
            "claims_wanted": claims_wanted,
            "overridden_endpoints": overridden_endpoints,
            "unregistered": unregistered,
        }
