# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""The directory of a facility: does its name fit its certificate, may our account read, are there people and their attributes?

LDAP version 3 as far as one bind and one search go (RFC 4511), with filters as text (RFC 4515). Of the people found only numbers are kept.
"""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from . import ber
from .dates import utc_now
from .findings import ERROR, OK, WARNING, Finding
from .net import Line, UnreachedError, failed, judge_chain, seen_chain, unreached

LDAPS_PORT, LDAP_PORT = 636, 389
BIND, BOUND, UNBIND = 0x60, 0x61, 0x42
SEARCH, ENTRY, DONE, REFERENCE = 0x63, 0x64, 0x65, 0x73
EXTENDED, EXTENDED_ANSWER = 0x77, 0x78
SIMPLE, REQUEST_NAME = 0x80, 0x80
START_TLS = b"1.3.6.1.4.1.1466.20037"
SAMPLE = 50  # people looked at
# Result codes of RFC 4511, appendix A.
SUCCESS, SIZE_LIMIT, NO_SUCH_OBJECT, INVALID_DN, BAD_CREDENTIALS, NO_ACCESS = 0, 4, 32, 34, 49, 50
NAMES = {1: "operations error", 8: "stronger authentication required", 10: "referral", 13: "confidentiality required", 53: "unwilling"}  # fmt: skip


@dataclass(frozen=True)
class Directory:
    """What the realm document says of one LDAP provider; `attributes` maps what it is for to its name."""

    alias: str
    config: Mapping[str, str]
    attributes: Mapping[str, str]
    password: str = field(default="", repr=False)

    @property
    def where(self) -> str:
        """Its place in the document."""
        return f"userFederation[{self.alias}]"


class Result(NamedTuple):
    """What a search gave: the result code, and for each entry the attributes that have a value, in lower case."""

    code: int
    entries: list[set[str]]


def probe(directory: Directory, line: Line) -> Iterator[Finding]:
    """Connect, bind and search at each address that is configured."""
    for url in directory.config.get("connectionUrl", "").split():
        try:
            yield from _probe(directory, url, line)
        except UnreachedError as error:
            yield failed(directory.alias, "directory", url, error)
        except ValueError as error:
            yield Finding(
                directory.alias, "directory", ERROR, f"does not speak LDAP: {error}", url, "Check the address"
            )


def _probe(directory: Directory, url: str, line: Line) -> Iterator[Finding]:
    alias, config = directory.alias, directory.config
    tls, start_tls = url.startswith("ldaps://"), config.get("startTls") == "true"
    if not tls and not start_tls:
        message = "the connection is not encrypted: passwords would pass in the clear, and none was sent"
        yield Finding(alias, "directory", ERROR, message, url, "Give ldaps://")
        return
    session = Session.open(url, line, start_tls and not tls)
    try:
        found = judge_chain(alias, url, seen_chain(session.connection), utc_now(), line.warn_days)
        if found:
            yield found
        code = session.bind(config.get("bindDn", ""), directory.password)
        yield judge_bind(directory, url, code)
        if code == SUCCESS:
            wanted = [name for name in directory.attributes.values() if name]
            result = session.search(
                config.get("usersDn", ""), config.get("searchScope") == "2", people_filter(config), wanted
            )
            yield from judge_search(directory, url, result)
        session.close()
    finally:
        session.connection.close()


def judge_bind(directory: Directory, url: str, code: int) -> Finding:
    """Does the directory take our account?"""
    who = repr(directory.config.get("bindDn", ""))
    if code == SUCCESS:
        return Finding(directory.alias, "bind", OK, f"{who} is accepted", url)
    if code == BAD_CREDENTIALS:
        mend = "Compare bind_dn and bind_password of facility_local_identity with what the directory has"
        return Finding(directory.alias, "bind", ERROR, f"{who} is refused with this password", url, mend)
    if code == INVALID_DN:
        return Finding(directory.alias, "bind", ERROR, f"{who} is no distinguished name", url, "Correct bind_dn")
    message = f"{who} is refused: {NAMES.get(code, 'result code')} ({code})"
    return Finding(directory.alias, "bind", ERROR, message, url, "Ask the operators of the directory")


def judge_search(directory: Directory, url: str, result: Result) -> Iterator[Finding]:
    """Are there people, and has each what an account is made of?"""
    alias, base = directory.alias, directory.config.get("usersDn", "")
    if result.code not in {SUCCESS, SIZE_LIMIT}:
        reason = {
            NO_SUCH_OBJECT: "there is no such entry, or the account may not see it",
            INVALID_DN: "this is no distinguished name",
            NO_ACCESS: "the account may not search there",
        }.get(result.code, f"{NAMES.get(result.code, 'result code')} ({result.code})")
        yield Finding(alias, "search", ERROR, f"{base!r}: {reason}", url, "Check users_dn of facility_local_identity")
        return
    people = len(result.entries)
    if not people:
        mend = "Nobody could log in by it: check users_dn, user_classes, username_attribute and filter of facility_local_identity"
        yield Finding(alias, "search", WARNING, f"nobody found below {base!r}", url, mend)
        return
    more = " or more" if result.code == SIZE_LIMIT else ""
    yield Finding(alias, "search", OK, f"{people}{more} people found below {base!r}", url)
    have = Counter(name for entry in result.entries for name in entry)
    for purpose, attribute in directory.attributes.items():
        lacking = people - have[attribute.lower()]
        if not attribute or not lacking:
            continue
        needed = purpose in {"username", "uuid"}
        yield Finding(
            alias,
            f"attribute {attribute}",
            ERROR if needed and lacking == people else WARNING,
            f"{lacking} of {people} people looked at have none ({purpose})",
            url,
            "Such people cannot log in" if needed else f"Correct the entries, or name another attribute for {purpose}",
        )


class Session:
    """One connection to a directory."""

    def __init__(self, connection: socket.socket, at: tuple[str, int], timeout: float) -> None:
        self.connection, self._at, self._timeout = connection, at, timeout
        self._number, self._rest = 0, b""

    @classmethod
    def open(cls, url: str, line: Line, start_tls: bool) -> Session:
        """Connect.

        Raises:
            UnreachedError: with the reason in words.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname:
            raise UnreachedError(f"{url} is no address of a directory", "Give ldaps://host")
        tls = parts.scheme == "ldaps"
        host, port = parts.hostname, parts.port or (LDAPS_PORT if tls else LDAP_PORT)
        session = cls(line.connect(host, port, tls), (host, port), line.timeout)
        if start_tls:
            code = session._result(ber.encode(EXTENDED, ber.encode(REQUEST_NAME, START_TLS)), EXTENDED_ANSWER)
            if code != SUCCESS:
                session.connection.close()
                raise UnreachedError(f"{host}:{port} refuses StartTLS ({code})", "Use ldaps, or ask its operators")
            try:
                session.connection = line.context.wrap_socket(session.connection, server_hostname=host)
            except OSError as error:
                session.connection.close()
                raise unreached(error, host, port, line.timeout) from error
        return session

    def bind(self, name: str, password: str) -> int:
        """Simple bind; the result code. Without a password nothing is tried: the directory would take it for anonymous."""
        if not password:
            return BAD_CREDENTIALS
        secret = ber.encode(SIMPLE, password.encode())
        return self._result(ber.encode(BIND, ber.number(3), ber.encode(ber.OCTETS, name.encode()), secret), BOUND)

    def search(self, base: str, subtree: bool, condition: bytes, attributes: Iterable[str]) -> Result:
        """Which of the attributes have a value in the first entries that fit."""
        request = ber.encode(
            SEARCH,
            ber.encode(ber.OCTETS, base.encode()),
            ber.number(2 if subtree else 1, ber.ENUMERATED),
            ber.number(0, ber.ENUMERATED),  # aliases are not followed
            ber.number(SAMPLE),
            ber.number(max(1, int(self._timeout))),
            ber.encode(0x01, b"\xff"),  # names of attributes only: no personal data
            condition,
            ber.encode(ber.SEQUENCE, *(ber.encode(ber.OCTETS, name.encode()) for name in attributes)),
        )
        entries: list[set[str]] = []
        for tag, value in self._answers(request):
            if tag == ENTRY:
                _, listed = ber.elements(value)
                entries.append({one.children()[0].value.decode().lower() for one in listed.children()})
            elif tag == DONE:
                return Result(next(ber.elements(value)).number(), entries)
            elif tag != REFERENCE:
                raise ValueError(f"unexpected answer 0x{tag:02x}")
        raise ValueError("the answer has no end")

    def close(self) -> None:
        """Say good-bye."""
        self._send(ber.encode(UNBIND))

    def _result(self, request: bytes, answer: int) -> int:
        for tag, value in self._answers(request):
            if tag == answer:
                return next(ber.elements(value)).number()
            raise ValueError(f"unexpected answer 0x{tag:02x}")
        raise ValueError("no answer")

    def _answers(self, request: bytes) -> Iterator[tuple[int, bytes]]:
        """Tag and content of each answer to one request."""
        self._send(request)
        while True:
            message = self._message()
            number, operation = message.children()[:2]
            if number.number() != self._number:
                raise ValueError("the directory ended the connection")  # the only message without our number
            yield operation

    def _send(self, operation: bytes) -> None:
        self._number += 1
        try:
            self.connection.sendall(ber.encode(ber.SEQUENCE, ber.number(self._number), operation))
        except OSError as error:
            raise unreached(error, *self._at, self._timeout) from error

    def _message(self) -> ber.Element:
        while (size := ber.whole(self._rest)) is None or len(self._rest) < size:
            try:
                more = self.connection.recv(65536)
            except OSError as error:
                raise unreached(error, *self._at, self._timeout) from error
            if not more:
                raise ValueError("the connection was closed in the middle of an answer")
            self._rest += more
        whole, self._rest = self._rest[:size], self._rest[size:]
        return next(ber.elements(whole))


def people_filter(config: Mapping[str, str]) -> bytes:
    """The filter by which Keycloak looks for people: classes, a user name, and what the site asks for besides."""
    classes = [
        f"(objectClass={name.strip()})" for name in config.get("userObjectClasses", "").split(",") if name.strip()
    ]
    name = f"({config.get('usernameLDAPAttribute') or 'uid'}=*)"
    return encode_filter(f"(&{''.join(classes)}{name}{config.get('customUserSearchFilter', '').strip()})")


AND, OR, NOT, EQUAL, SUBSTRINGS, GREATER, LESS, PRESENT, ALIKE, EXTENSIBLE = (
    0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0x87, 0xA8, 0xA9)  # fmt: skip
ITEM = re.compile(r"\(([A-Za-z0-9.;-]*)((?::[A-Za-z0-9.-]+)*)(:=|~=|>=|<=|=)([^()]*)\)")


def encode_filter(text: str) -> bytes:
    """A filter as it is sent.

    Raises:
        ValueError: the text is no filter.
    """
    encoded, rest = _filter(text)
    if rest:
        raise ValueError(f"after the filter comes {rest!r}")
    return encoded


def _filter(text: str) -> tuple[bytes, str]:
    """The filter at the beginning of the text, and what comes after it."""
    tag = {"(&": AND, "(|": OR, "(!": NOT}.get(text[:2])
    if tag is None:
        item = ITEM.match(text)
        if not item:
            raise ValueError(f"{text[:60]!r} is no filter")
        return _item(*item.groups()), text[item.end() :]
    parts, rest = [], text[2:]
    while rest.startswith("("):
        part, rest = _filter(rest)
        parts.append(part)
    if not rest.startswith(")") or (tag == NOT and len(parts) != 1):
        raise ValueError(f"{text[:60]!r} is no filter: brackets do not match")
    return ber.encode(tag, *parts), rest[1:]


def _item(attribute: str, rules: str, operator: str, value: str) -> bytes:
    if rules or operator == ":=":
        words = rules.split(":")[1:]
        rule = [word for word in words if word != "dn"]
        return ber.encode(
            EXTENSIBLE,
            *(ber.encode(0x81, word.encode()) for word in rule),
            *([ber.encode(0x82, attribute.encode())] if attribute else []),
            ber.encode(0x83, _bytes(value)),
            *([ber.encode(0x84, b"\xff")] if "dn" in words else []),
        )
    name = ber.encode(ber.OCTETS, attribute.encode())
    if operator == "=" and value == "*":
        return ber.encode(PRESENT, attribute.encode())
    if operator == "=" and "*" in value:
        first, *middle, last = value.split("*")
        pieces = [(0x80, first), *((0x81, piece) for piece in middle), (0x82, last)]
        return ber.encode(
            SUBSTRINGS,
            name,
            ber.encode(ber.SEQUENCE, *(ber.encode(tag, _bytes(piece)) for tag, piece in pieces if piece)),
        )
    tag = {"=": EQUAL, "~=": ALIKE, ">=": GREATER, "<=": LESS}[operator]
    return ber.encode(tag, name, ber.encode(ber.OCTETS, _bytes(value)))


def _bytes(value: str) -> bytes:
    """The value with its escapes (backslash and two hexadecimal digits) undone."""
    return re.sub(rb"\\([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), value.encode())
