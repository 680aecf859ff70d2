# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Connections that end in time, and what a failed one means in plain words.

Like Keycloak, no proxy of the environment is used, TLS is always verified, and redirects go to https only.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from . import dates
from .findings import ERROR, OK, WARNING, Finding

LARGEST = 5_000_000  # bytes of an answer that are read; the metadata of a federation hub is large
REDIRECTS = 3
AGENT = "panosc-facility-preflight"
HTTPS_PORT = 443


class UnreachedError(Exception):
    """No usable answer; `str()` of it says why, `mend` what to do."""

    def __init__(self, why: str, mend: str) -> None:
        self.mend = mend
        super().__init__(why)


class Answer(NamedTuple):
    """An HTTP answer; `url` is where it came from in the end, `chain` the server's certificates that Python lets one see."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    url: str
    chain: list[dates.Dates]

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            said = json.loads(self.body)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


class Line:
    """How to connect: whom to trust, how long to wait for each step, when to warn of a certificate that ends."""

    def __init__(self, ca_path: str = "", authorities: str = "", timeout: float = 10, warn_days: float = 30) -> None:
        """Trust the system's authorities, those of the file `ca_path` if there is one, and those of the PEM text.

        Raises:
            ValueError: the file or the text holds no certificate.
        """
        self.timeout, self.warn_days = timeout, warn_days
        self.context = ssl.create_default_context()
        # Python 3.13 refuses certificates that Java and older Pythons take, for want of a key identifier.
        self.context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        try:
            if ca_path and os.path.exists(ca_path):
                self.context.load_verify_locations(cafile=ca_path)
            if authorities.strip():
                self.context.load_verify_locations(cadata=authorities)
        except (ssl.SSLError, OSError) as error:
            raise ValueError(f"{ca_path or 'authorities'} holds no certificates that can be read: {error}") from error

    def connect(self, host: str, port: int, tls: bool = True) -> socket.socket:
        """An open connection.

        Raises:
            UnreachedError: with the reason in words.
        """
        try:
            raw = socket.create_connection((host, port), self.timeout)
            try:
                return self.context.wrap_socket(raw, server_hostname=host) if tls else raw
            except BaseException:
                raw.close()
                raise
        except (OSError, ValueError) as error:
            raise unreached(error, host, port, self.timeout) from error

    def fetch(
        self,
        url: str,
        method: str = "GET",
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        follow: int = 0,
    ) -> Answer:
        """Send one request; follow as many redirects as told.

        Raises:
            UnreachedError: with the reason in words.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise UnreachedError(f"{url} is no https address", "Give an address that begins with https://")
        port = parts.port or HTTPS_PORT
        connection = HTTPSConnection(parts.hostname, port, timeout=self.timeout, context=self.context)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, path, body, {"User-Agent": AGENT, "Accept": "*/*", **(headers or {})})
            chain = seen_chain(connection.sock)
            response = connection.getresponse()
            said = Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(LARGEST),
                url,
                chain,
            )
        except (OSError, ValueError, HTTPException) as error:
            raise unreached(error, parts.hostname, port, self.timeout) from error
        finally:
            connection.close()
        if follow and 300 <= said.status < 400 and "location" in said.headers:  # noqa: PLR2004
            return self.fetch(urljoin(url, said.headers["location"]), method, body, headers, follow - 1)
        return said


def seen_chain(connection: Any) -> list[dates.Dates]:
    """Dates of the verified chain of a TLS connection; before Python 3.13 of the server's own certificate only."""
    if hasattr(connection, "get_verified_chain"):
        return [dates.of_der(certificate) for certificate in connection.get_verified_chain()]
    own = connection.getpeercert(binary_form=True)
    return [dates.of_der(own)] if own else []


def judge_chain(
    subject: str, where: str, chain: list[dates.Dates], now: datetime.datetime, warn_days: float
) -> Finding | None:
    """Days left of the certificate that ends first. One that has ended was refused before it came here."""
    if not chain:
        return None
    first = min(chain, key=lambda one: one.end)
    left = first.days_left(now)
    whose = "the server's certificate" if first == chain[0] else "a certificate of the server's chain"
    if left < warn_days:
        mend = "Tell its operators; when it has ended nobody can log in this way"
        return Finding(
            subject,
            "TLS certificate",
            WARNING,
            f"{whose} ends in {left:.0f} days, on {first.end:%Y-%m-%d}",
            where,
            mend,
        )
    return Finding(subject, "TLS certificate", OK, f"good for {left:.0f} more days", where)


def failed(subject: str, what: str, where: str, error: UnreachedError) -> Finding:
    """The finding for something that did not answer."""
    return Finding(subject, what, ERROR, str(error), where, error.mend)


def unreached(error: Exception, host: str, port: int, timeout: float) -> UnreachedError:
    """Tell what an exception of a connection means, and what to do."""
    at = f"{host}:{port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(error, at)
    if isinstance(error, socket.gaierror):
        return UnreachedError(
            f"the name {host} does not resolve on this host", "Correct the address, or the DNS that this host asks"
        )
    if isinstance(error, (socket.timeout, TimeoutError)):
        return UnreachedError(
            f"{at} gave no answer within {timeout:g} s",
            "A firewall may drop the packets: let this host out to it. Or the server is down or slow: ask its operators",
        )
    if isinstance(error, ConnectionRefusedError):
        return UnreachedError(
            f"{at} refuses connections", "Is the port right? Then the server is down: ask its operators"
        )
    if isinstance(error, ssl.SSLError):
        return UnreachedError(
            f"TLS with {at} failed: {_reason(error)}", "Is this a TLS port? The server must speak TLS 1.2 or newer"
        )
    return UnreachedError(
        f"no answer from {at}: {str(error) or type(error).__name__}", "Check address, routes and firewall of this host"
    )


def _unverified(error: ssl.SSLCertVerificationError, at: str) -> UnreachedError:
    said = error.verify_message
    if "expired" in said:
        return UnreachedError(f"the certificate of {at} has expired", "Its operators must renew it")
    if "not yet valid" in said:
        return UnreachedError(f"the certificate of {at} is not valid yet", "Is the clock of this host right?")
    if "mismatch" in said or "not valid for" in said:
        return UnreachedError(
            f"the certificate of {at} is for another name ({said.rstrip('.')})",
            "Use the name that is in the certificate, or have a certificate made for this one",
        )
    return UnreachedError(
        f"the certificate of {at} is signed by nobody whom this host trusts ({said})",
        "If it is an authority of your own, name its certificate in facility_tls.ca_files and run playbooks/site.yml --tags tls. "
        "If the server leaves out its intermediate certificate, its operators must add it",
    )


def _reason(error: ssl.SSLError) -> str:
    return re.sub(r"\s*\(_ssl\.c:\d+\)", "", error.reason or str(error)).replace("_", " ").lower()
