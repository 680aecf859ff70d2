"""A mail server with faults: encryption, password, sender. No mail is ever begun."""

import pytest
from ansible_collections.panosc.facility.plugins.module_utils.preflight.mail import MailServer, probe
from ansible_collections.panosc.facility.plugins.module_utils.preflight.net import Line
from servers import closed_port, listening

PASSWORD = "canary-of-the-mail"


def mail_server(context, seen, starttls=True, auth=True, sender="250 ok", greeting="220 mail.test ESMTP"):
    def speak(connection):
        connection.sendall(f"{greeting}\r\n".encode())
        encrypted = not starttls
        lines = connection.makefile("rb")
        while line := lines.readline():
            verb = line.decode().split()[0].upper() if line.split() else ""
            seen.append(verb)
            offered = [
                *(["STARTTLS"] if starttls and not encrypted else []),
                *(["AUTH PLAIN"] if auth and encrypted else []),
            ]
            said = {
                "EHLO": "250-mail.test\r\n" + "".join(f"250-{word}\r\n" for word in offered) + "250 SIZE",
                "STARTTLS": "220 go",
                "AUTH": "235 welcome" if line.split()[-1] == b"AGtjAGNhbmFyeS1vZi10aGUtbWFpbA==" else "535 no",
                "MAIL": sender,
                "RSET": "250 ok",
                "QUIT": "221 bye",
            }.get(verb, "500 what")
            connection.sendall(f"{said}\r\n".encode())
            if verb == "STARTTLS":
                connection, encrypted = context.wrap_socket(connection, server_side=True), True
                lines = connection.makefile("rb")

    return speak


def ask(authority, certificate=None, password=PASSWORD, config=None, **server):
    seen = []
    with listening(mail_server(authority.context(**(certificate or {})), seen, **server)) as port:
        given = {
            "host": "localhost",
            "port": str(port),
            "starttls": "true",
            "auth": "true",
            "user": "kc",
            "from": "no-reply@facility.test",
            **(config or {}),
        }
        found = list(probe(MailServer(given, password), Line(str(authority.path), timeout=10)))
    assert "canary-" not in str(found)
    assert not {"RCPT", "DATA"} & set(seen)
    return {finding.what: (finding.level, finding.message) for finding in found}


def test_a_mail_server_in_order(authority):
    found = ask(authority)
    assert list(found) == ["mail server", "TLS certificate", "mail password", "sender"]
    assert {level for level, _ in found.values()} == {"ok"}
    assert found["mail server"][1] == "answers, encrypted"


@pytest.mark.parametrize(
    ("given", "what", "level", "words"),
    [
        ({"password": "canary-wrong"}, "mail password", "error", "refused for user 'kc' (535)"),
        ({"starttls": False}, "mail server", "error", "offers no STARTTLS"),
        ({"auth": False}, "mail password", "error", "takes no passwords"),
        ({"sender": "550 not you"}, "sender", "warning", "no-reply@facility.test is refused (550)"),
        ({"greeting": "554 go away"}, "mail server", "error", "does not speak SMTP"),
        ({"certificate": {"name": "other.test"}}, "mail server", "error", "is for another name"),
        ({"certificate": {"days": 3.5}}, "TLS certificate", "warning", "ends in 3 days"),
    ],
)
def test_one_fault(authority, given, what, level, words):
    found = ask(authority, **given)
    assert found[what][0] == level
    assert words in found[what][1]


def test_no_password_goes_over_a_plain_connection(authority):
    assert "mail password" not in ask(authority, starttls=False)


def test_nobody_there_and_nobody_speaking(authority):
    gone = MailServer({"host": "localhost", "port": str(closed_port())})
    assert "refuses connections" in next(probe(gone, Line(str(authority.path)))).message
    with listening() as port:
        silent = MailServer({"host": "localhost", "port": str(port), "ssl": "true"})
        assert "gave no answer within 0.2 s" in next(probe(silent, Line(str(authority.path), timeout=0.2))).message
