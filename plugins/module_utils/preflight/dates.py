# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Until when certificates are good. Nothing but dates is read, so that no library is needed. Times are UTC, durations days."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from typing import NamedTuple

from . import ber

PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
VERSION = 0xA0  # the optional first field of a certificate's body
UTC_TIME = 0x17  # two digits of the year; 50 and above are of the last century
HALF_CENTURY = 50


class Dates(NamedTuple):
    """When a certificate begins and ends."""

    begin: datetime.datetime
    end: datetime.datetime

    def days_left(self, now: datetime.datetime) -> float:
        """How many days it is still good for; negative when it has ended."""
        return (self.end - now).total_seconds() / 86400


def utc_now() -> datetime.datetime:
    """This moment with its time zone."""
    return datetime.datetime.now(datetime.timezone.utc)


def of_der(certificate: bytes) -> Dates:
    """Dates of one certificate in DER.

    Raises:
        ValueError: this is no certificate.
    """
    try:
        (whole,) = ber.elements(certificate)
        body = whole.children()[0].children()
        # [version], serial number, signature algorithm, issuer, validity, ...
        validity = body[4 if body[0].tag == VERSION else 3].children()
        begin, end = (_moment(field) for field in validity)
    except (IndexError, ValueError) as error:
        raise ValueError(f"no certificate: {error}") from error
    return Dates(begin, end)


def of_pem(text: str) -> list[Dates]:
    """Dates of the certificates of a PEM text, in order.

    Raises:
        ValueError: there is none, or one cannot be read.
    """
    found = [of_der(der(body)) for body in PEM.findall(text)]
    if not found:
        raise ValueError("no PEM certificate")
    return found


def der(text: str) -> bytes:
    """The bytes of a certificate in Base64, with or without line breaks and PEM marks.

    Raises:
        ValueError: this is not Base64.
    """
    marked = PEM.search(text)
    try:
        return base64.b64decode("".join((marked[1] if marked else text).split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"no Base64: {error}") from error


def _moment(field: ber.Element) -> datetime.datetime:
    text = field.value.decode("ascii").rstrip("Z")
    if field.tag == UTC_TIME:
        text = ("19" if int(text[:2]) >= HALF_CENTURY else "20") + text
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=datetime.timezone.utc)
