# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Tag, length, value: the encoding of certificates (DER) and of LDAP (BER), as far as the checks need it.

A fresh host has neither cryptography nor an LDAP library, and a check installs nothing.
Specification meant: ITU-T X.690; lengths in the definite form only, tags of one byte only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x02, 0x04, 0x0A, 0x30, 0x31
LONG = 0x80  # a length with this bit set says how many bytes of length follow


class Element(NamedTuple):
    """One element; `value` is the content without tag and length."""

    tag: int
    value: bytes

    def children(self) -> list[Element]:
        """The elements that a constructed element holds."""
        return list(elements(self.value))

    def number(self) -> int:
        """The content as a signed integer."""
        return int.from_bytes(self.value, "big", signed=True)


def encode(tag: int, *parts: bytes) -> bytes:
    """One element around the parts."""
    content = b"".join(parts)
    size = len(content)
    if size < LONG:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, LONG | len(length)]) + length + content


def number(value: int, tag: int = INTEGER) -> bytes:
    """An integer or enumerated element."""
    return encode(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def elements(data: bytes) -> Iterator[Element]:
    """The elements of a byte string, one after the other.

    Raises:
        ValueError: the bytes are no whole elements.
    """
    position = 0
    while position < len(data):
        size = whole(data[position:])
        if size is None or position + size > len(data):
            raise ValueError("an element is cut off")
        yield Element(data[position], data[position + header(data[position:]) : position + size])
        position += size


def header(data: bytes) -> int:
    """How many bytes tag and length take."""
    return 2 + (data[1] & ~LONG if data[1] & LONG else 0)


def whole(data: bytes) -> int | None:
    """How many bytes the first element takes with tag and length; nothing when too few are there to tell."""
    if len(data) < 2 or len(data) < header(data):  # noqa: PLR2004 - tag and length
        return None
    if data[1] == LONG:
        raise ValueError("a length is of the indefinite form")
    length = int.from_bytes(data[2 : header(data)], "big") if data[1] & LONG else data[1]
    return header(data) + length
