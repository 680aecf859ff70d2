# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The mail server: does it answer, encrypt, take our password and our sender? Nothing is sent."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .dates import utc_now
from .findings import ERROR, OK, WARNING, Finding
from .net import Line, failed, judge_chain, seen_chain, unreached

SMTP_PORT, OK_CODE = 25, 250


@dataclass(frozen=True)
class MailServer:
    """`smtpServer` of the realm document."""

    config: Mapping[str, str]
    password: str = field(default="", repr=False)
    alias: str = "smtp"


def probe(server: MailServer, line: Line) -> Iterator[Finding]:
    """Go as far as a mail would, and stop before the recipient."""
    config = server.config
    host, port = config.get("host", ""), int(config.get("port") or SMTP_PORT)
    at, ssl_from_start = f"{host}:{port}", config.get("ssl") == "true"
    try:
        mail = (
            smtplib.SMTP_SSL(host, port, timeout=line.timeout, context=line.context)
            if ssl_from_start
            else smtplib.SMTP(host, port, timeout=line.timeout)
        )
        with mail:
            if not ssl_from_start and config.get("starttls") == "true":
                mail.starttls(context=line.context)
            yield Finding("smtp", "mail server", OK, "answers" + (", encrypted" if _encrypted(mail) else ""), at)
            if _encrypted(mail):
                found = judge_chain("smtp", at, seen_chain(mail.sock), utc_now(), line.warn_days)
                if found:
                    yield found
            yield from _as_sender(server, mail, at)
    except smtplib.SMTPNotSupportedError:
        mend = "Passwords and links would pass in the clear: use another port, or ask its operators"
        yield Finding("smtp", "mail server", ERROR, "offers no STARTTLS", at, mend)
    except smtplib.SMTPException as error:
        yield Finding(
            "smtp", "mail server", ERROR, f"does not speak SMTP: {type(error).__name__}", at, "Check host and port"
        )
    except OSError as error:
        yield failed("smtp", "mail server", at, unreached(error, host, port, line.timeout))


def _as_sender(server: MailServer, mail: smtplib.SMTP, at: str) -> Iterator[Finding]:
    config = server.config
    if config.get("auth") == "true":
        try:
            mail.login(config.get("user", ""), server.password)
        except smtplib.SMTPNotSupportedError:
            mend = "Leave out auth in realm_smtp, or use the port for submission (587, 465)"
            yield Finding("smtp", "mail password", ERROR, "the server takes no passwords here", at, mend)
            return
        except smtplib.SMTPAuthenticationError as error:
            mend = "Compare user and password of realm_smtp with what the mail server's operators gave"
            message = f"refused for user {config.get('user', '')!r} ({error.smtp_code})"
            yield Finding("smtp", "mail password", ERROR, message, at, mend)
            return
        yield Finding("smtp", "mail password", OK, "accepted", at)
    sender = config.get("from", "")
    mail.ehlo_or_helo_if_needed()
    code, _ = mail.mail(sender)
    mail.rset()
    if code == OK_CODE:
        yield Finding("smtp", "sender", OK, f"{sender} may send", at)
    else:
        mend = "Ask the operators of the mail server to let this host send for it, or set another realm_smtp.from"
        yield Finding("smtp", "sender", WARNING, f"{sender} is refused ({code})", at, mend)


def _encrypted(mail: smtplib.SMTP) -> bool:
    return isinstance(mail.sock, ssl.SSLSocket)
