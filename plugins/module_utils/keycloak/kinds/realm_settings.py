# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the realm itself, with mail server and attributes.

A PUT keeps keys that are absent, but replaces `attributes` and `smtpServer` as a whole: each is sent
complete or not at all. The mask that stands for the SMTP password goes back with the rest and keeps it.
Whether administrators have fine-grained permissions is written later (see admin_permissions.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..compare import differences, filled, merged, top_level
from ..document import ADMIN_SWITCH, BINDINGS, NOT_HERE, SECTIONS, Wanted
from ..ownership import PREFIX as OWNED
from ..plan import Change, change
from ..secrets import CHANGED, FINGERPRINT, PREFIX, Secret
from ..state import Live
from .base import Kind, Realm

SMTP = "smtp"
MASKED = "smtpServer.password"
FIXED = ("realm", "keycloakVersion", "requiredCredentials", "notBefore")


class RealmSettings(Kind):
    """The one object that is the realm."""

    name = "realm"
    parallel = False

    def plan(self, live: Live, wanted: Wanted) -> Iterator[Change]:
        """Compares the settings that the document names."""
        found = differences({key: value for key, value in wanted.settings.items() if key != ADMIN_SWITCH}, live.realm)
        secret, shown = wanted.smtp_secret, (live.realm.get("smtpServer") or {}).get("password")
        if secret and not secret.stored(SMTP, live.attributes.get(f"{FINGERPRINT}.{SMTP}"), shown):
            found[MASKED] = CHANGED
        yield from change(self.name, wanted.realm, found, bool(live.id))

    def apply(self, realm: Realm, change: Change) -> None:
        """One PUT with what differs; the fingerprint goes with the password that it stands for."""
        live, wanted = realm.live, realm.wanted
        body = {key: merged(live.realm.get(key), wanted.settings.get(key)) for key in top_level(change.after)}
        if change.touches(MASKED) and wanted.smtp_secret:
            body["smtpServer"]["password"] = wanted.smtp_secret.reveal()
            body["attributes"] = with_fingerprint(body.get("attributes", live.attributes), SMTP, wanted.smtp_secret)
        realm.client.put("", body)
        live.realm.update(body)

    def describe(self, live: Live) -> dict[str, Any]:
        """Everything that is not a section, a binding, or fixed."""
        settings = filled(live.realm, *SECTIONS, *BINDINGS, *NOT_HERE, *FIXED)
        own = (FINGERPRINT, OWNED)
        settings["attributes"] = {key: text for key, text in live.attributes.items() if not key.startswith(own)}
        if (settings.get("smtpServer") or {}).get("password"):
            settings["smtpServer"] = {**settings["smtpServer"], "password": f"{PREFIX}{SMTP}"}
        return settings


def with_fingerprint(attributes: dict[str, str], place: str, secret: Secret) -> dict[str, str]:
    """Attributes of the realm with the fingerprint of the secret at `place` among them."""
    return {**attributes, f"{FINGERPRINT}.{place}": secret.fingerprint(place)}
