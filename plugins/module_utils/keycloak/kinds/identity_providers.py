# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Identity providers and their mappers.

A PUT replaces the whole provider and its whole config, so the live object is sent with the wanted
keys laid over it. The mask keeps the stored client secret; the fingerprint beside it says which one
that is. Before a new provider or a changed endpoint is written, the provider's discovery document is
read from the server's point of view: its issuer must be the configured one, byte for byte.
"""

from __future__ import annotations

from typing import Iterable

from ..client import Client, part
from ..compare import differences, merged
from ..document import OIDC_PROVIDERS, Wanted
from ..errors import Refused, Unreachable, WrongIssuer
from ..plan import Change, change
from ..secrets import FINGERPRINT, MASK
from ..state import Live
from .base import Kind, Realm

SECRET = "config.clientSecret"
ENDPOINTS = ("issuer", "authorizationUrl", "tokenUrl", "userInfoUrl", "jwksUrl", "metadataDescriptorUrl")


class IdentityProviders(Kind):
    name = "identity provider"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for alias, item in wanted.idps.items():
            now = live.idps.get(alias, {})
            config = {key: value for key, value in item["config"].items() if key != "clientSecret"}
            found = differences({**item, "config": config}, now)
            secret = item["config"].get("clientSecret")
            if secret:
                held = now.get("config") or {}
                if held.get(FINGERPRINT) != secret.fingerprint(alias) or not held.get("clientSecret"):
                    found[SECRET] = ("(a secret)" if now else None, "(changed)")
            yield from change(self.name, alias, found, alias in live.idps)

    def apply(self, realm: Realm, change: Change) -> None:
        wanted, now = realm.wanted.idps[change.name], realm.live.idps.get(change.name, {})
        body = merged(now, {**wanted, "config": {k: v for k, v in wanted["config"].items() if k != "clientSecret"}})
        body["config"] = {key: value for key, value in body["config"].items() if value != ""}
        secret = wanted["config"].get("clientSecret")
        if secret:
            body["config"]["clientSecret"] = secret.reveal() if change.touches(SECRET) else MASK
            body["config"][FINGERPRINT] = secret.fingerprint(change.name)
        path = "/identity-provider/instances"
        if now:
            realm.client.put(f"{path}/{part(change.name)}", body)
        else:
            realm.client.create(path, body, lambda: self._find(realm, change.name))
        realm.live.idps[change.name] = body

    @staticmethod
    def _find(realm: Realm, alias: str) -> str:
        found = realm.client.get("/identity-provider/instances")
        return next((item["internalId"] for item in found if item["alias"] == alias), "")


class IdentityProviderMappers(Kind):
    """Named `<alias>/<mapper>`."""

    name = "identity provider mapper"

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        for (alias, name), item in wanted.idp_mappers.items():
            now = live.idp_mappers.get((alias, name))
            # Keys of the config hold dots and are looked up whole.
            yield from change(self.name, f"{alias}/{name}", differences(item, now or {}), now is not None)

    def apply(self, realm: Realm, change: Change) -> None:
        alias, name = next(key for key in realm.wanted.idp_mappers if "/".join(key) == change.name)
        now = realm.live.idp_mappers.get((alias, name), {})
        body = {**merged(now, realm.wanted.idp_mappers[alias, name]), "identityProviderAlias": alias}
        path = f"/identity-provider/instances/{part(alias)}/mappers"
        if now:
            realm.client.put(f"{path}/{now['id']}", body)
        else:
            realm.client.create(
                path, body, lambda: next((m["id"] for m in realm.client.get(path) if m["name"] == name), None)
            )


def verify_issuers(client: Client, wanted: Wanted, changes: Iterable[Change]) -> None:
    """Raises WrongIssuer, before anything is written, when a provider calls itself something else."""
    client.map(
        lambda alias: _verify_issuer(client, alias, wanted.idps[alias]["config"]),
        [
            item.name
            for item in changes
            if item.kind == IdentityProviders.name
            and wanted.idps[item.name].get("providerId") in OIDC_PROVIDERS
            and wanted.idps[item.name].get("enabled") is not False
            and wanted.idps[item.name]["config"].get("issuer")
            and any(item.touches(f"config.{key}") for key in ENDPOINTS)
        ],
    )


def _verify_issuer(client: Client, alias: str, config: dict) -> None:
    issuer = config["issuer"]
    url = config.get("metadataDescriptorUrl") or issuer.rstrip("/") + "/.well-known/openid-configuration"
    where = f"identityProviders[{alias}]"
    try:
        found = client.read("/identity-provider/import-config", {"providerId": "oidc", "fromUrl": url}, repeat=False)
    except (Refused, Unreachable) as error:
        raise Unreachable(
            f"the Keycloak server could not read {url}",
            where,
            "Check the address, DNS and firewall as seen from the Keycloak node, and that the CA of the provider is in "
            "Keycloak's truststore; the server's log has the reason. Nothing was written. "
            "verify_discovery: false leaves this check out",
        ) from error
    said = found.get("issuer")
    if said != issuer:
        raise WrongIssuer(
            f"the issuer is configured as {issuer!r}, but the provider calls itself {said!r}",
            f"{where}.config.issuer",
            f"Every login would fail. Set the issuer to {said!r}, with or without the slash as written there. Nothing was written",
        )
