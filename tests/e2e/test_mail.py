"""Mail, and what is proven by it: the stored password of the mail server, the address of a person (checks 3 and 5)."""

from __future__ import annotations

import re
import smtplib
import ssl

import pytest
from faulty_realm import FAY, HUB
from site_under_test import claims
from visitor import Visitor


@pytest.fixture
def realm(faulty):
    """Addresses are verified, as in every realm with a mail server."""
    faulty.admin.forget(FAY, "carol")
    faulty.admin("PUT", "", json={"verifyEmail": True})
    yield faulty
    faulty.admin("PUT", "", json={"verifyEmail": False})
    faulty.admin.forget(FAY, "carol")


def come(realm):
    visitor = Visitor(realm)
    visitor.ask(HUB)
    visitor.through("faulty")
    return visitor


def link_in(realm, mail):
    text = mail.get_body(("plain",)).get_content()
    (link,) = re.findall(rf"{re.escape(realm.issuer)}/login-actions/action-token\S+", text)
    return link


def test_an_address_is_verified_by_a_mail_to_it(realm):
    before = len(realm.mails())
    visitor = come(realm)
    assert visitor.answer == {}
    assert "verify" in visitor.page.text.lower()
    user = realm.admin.user(FAY)
    assert user["emailVerified"] is False
    mail = realm.mails()[before:][-1]
    assert mail["X-Sent-To"] == "fay.fault@uni.test"
    assert "aai@facility.test" in mail["From"]

    # Whoever else has the link gets no session by it.
    thief = Visitor(realm)
    page = thief.go("GET", link_in(realm, mail))
    assert page
    assert thief.answer == {}
    assert thief.ask(HUB), "a link from a mail logged somebody in"

    visitor.go("GET", link_in(realm, mail))
    if visitor.page:  # already proven by the one above, or confirmation wanted
        visitor = come(realm)
    tokens = visitor.tokens()
    user = realm.admin.user(FAY)
    assert user["emailVerified"] is True
    assert claims(tokens["id_token"])["sub"] == user["id"]
    assert come(realm).tokens()  # asked once


def test_an_unverified_address_is_no_way_into_an_account(realm):
    """Two who claim one address that nobody has yet (CVE-2026-9087): the second gets nothing by the first's mail."""
    first = come(realm)
    number = len(realm.mails_to("fay.fault@uni.test"))
    other = "e" * 32 + "@umbrellaid.test"
    with realm.faults(id_token={"sub": other}, userinfo={"sub": other, "voperson_id": [other]}):
        second = come(realm)
    assert "already exists" in second.page.text
    second.go("POST", second.page.forms[0]["action"], {"submitAction": "linkAccount"})
    assert second.answer == {}
    # There is no password to prove anything with, and no mail is offered: it ends here.
    assert len(realm.mails_to("fay.fault@uni.test")) == number
    link = link_in(realm, realm.mails_to("fay.fault@uni.test")[-1])
    second.go("GET", link)
    assert second.answer == {}
    assert realm.admin.user(other) is None
    assert list(realm.admin.user(FAY)["links"]) == ["faulty"]
    assert realm.admin.user(FAY)["links"]["faulty"]["userId"] == FAY
    assert first.page


def test_somebody_of_the_directory_is_not_asked_but_a_changed_address_is(realm):
    """Guard: people may change their address here; what it opens has to be proven first."""
    visitor = Visitor(realm)
    visitor.ask(HUB)
    visitor.give_password(realm.people["carol"])
    sub = claims(visitor.tokens()["id_token"])["sub"]
    console = Visitor(realm)
    console.ask(("account-console", f"{realm.issuer}/account/"))
    console.give_password(realm.people["carol"])
    bearer = {"Authorization": f"Bearer {console.tokens()['access_token']}", "Accept": "application/json"}
    url = f"{realm.issuer}/account/"
    mine = realm.http.get(url, headers=bearer, timeout=30).json()
    changed = realm.http.post(url, headers=bearer, json={**mine, "email": "carol@elsewhere.test"}, timeout=30)
    assert changed.status_code == 204
    user = realm.admin.user("carol")
    assert (user["email"], user["emailVerified"]) == ("carol@elsewhere.test", False)
    later = Visitor(realm)
    later.ask(HUB)
    later.give_password(realm.people["carol"])
    assert later.answer == {}
    assert "verify" in later.page.text.lower()
    later.go("GET", link_in(realm, realm.mails_to("carol@elsewhere.test")[-1]))
    got = claims(later.tokens()["id_token"])
    assert got["sub"] == sub


def test_the_mail_password_is_never_replaced_by_asterisks(realm):
    """After the realm was written again, by the kit and by hand with what the server shows, mail still goes out."""
    shown = realm.admin("GET", "")["smtpServer"]
    assert set(shown["password"]) == {"*"}
    realm.admin("PUT", "", json={"smtpServer": {**shown, "fromDisplayName": "by hand"}})
    realm.make()
    assert realm.admin("GET", "")["smtpServer"]["fromDisplayName"] == "TEST EQUIPMENT"
    realm.admin("PUT", "", json={"verifyEmail": True})
    before = len(realm.mails_to("fay.fault@uni.test", 0))
    come(realm)
    assert realm.mails_to("fay.fault@uni.test", before + 1)


def test_the_mail_server_would_notice_a_wrong_password(realm):
    """Else the mails above would prove nothing."""
    with smtplib.SMTP_SSL(
        "mail.facility.test", context=ssl.create_default_context(cafile=realm.ca), timeout=20
    ) as server:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            server.login("aai", "**********")
        with pytest.raises(smtplib.SMTPSenderRefused):
            server.sendmail("aai@facility.test", ["somebody@uni.test"], "Subject: x\r\n\r\nx")
