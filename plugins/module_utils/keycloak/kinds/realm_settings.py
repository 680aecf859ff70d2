# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Settings of the realm itself, with mail server and attributes.

A PUT keeps keys that are absent, but replaces `attributes` and `smtpServer` as a whole: both are sent
complete or not at all. The mask as SMTP password keeps the stored one.
"""

from __future__ import annotations

from typing import Iterable

from ..compare import differences, merged, top_level
from ..document import Wanted
from ..plan import Change, change
from ..secrets import FINGERPRINT, MASK
from ..state import Live
from .base import Kind, Realm

SMTP = "smtp"
PASSWORD = "smtpServer.password"


class RealmSettings(Kind):
    name = "realm"
    parallel = False

    def plan(self, live: Live, wanted: Wanted) -> Iterable[Change]:
        found = differences(wanted.settings, live.realm)
        secret = wanted.smtp_password
        if secret:
            known = live.attributes.get(f"{FINGERPRINT}.{SMTP}") == secret.fingerprint(SMTP)
            if not known or not (live.realm.get("smtpServer") or {}).get("password"):
                found[PASSWORD] = ("(a secret)", "(changed)")
        return change(self.name, wanted.realm, found, bool(live.id))

    def apply(self, realm: Realm, change: Change) -> None:
        live, secret = realm.live, realm.wanted.smtp_password
        body = {key: merged(live.realm.get(key), realm.wanted.settings.get(key)) for key in top_level(change.after)}
        if "smtpServer" in body and secret:
            body["smtpServer"]["password"] = MASK
        if change.touches(PASSWORD):
            body["smtpServer"]["password"] = secret.reveal()
            attributes = body.get("attributes", live.attributes)
            body["attributes"] = {**attributes, f"{FINGERPRINT}.{SMTP}": secret.fingerprint(SMTP)}
        realm.client.put("", body)
        live.realm.update(body)


def store_fingerprint(realm: Realm, place: str, fingerprint: str) -> None:
    """Keeps a fingerprint in the realm's attributes, beside all that is there."""
    attributes = {**realm.live.attributes, f"{FINGERPRINT}.{place}": fingerprint}
    realm.client.put("", {"attributes": attributes})
    realm.live.realm["attributes"] = attributes
