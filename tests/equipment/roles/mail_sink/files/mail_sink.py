"""TEST EQUIPMENT: a mail server that takes mail from one account, over TLS only, and keeps it in a folder. Never for production.

usage: mail_sink.py CONFIG_FILE FOLDER
"""

from __future__ import annotations

import asyncio
import hmac
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Sink:
    """Writes each mail to a file of its own, named by the time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (its name there)
        """Keep a mail; its recipients are those of the envelope."""
        content = envelope.original_content or b""
        name = f"{time.time_ns()}.eml"
        (self._folder / f".{name}").write_bytes(f"X-Sent-To: {', '.join(envelope.rcpt_tos)}\r\n".encode() + content)
        (self._folder / f".{name}").rename(self._folder / name)
        return "250 kept, delivered to nobody"


def main(config_file: Path, folder: Path) -> None:
    """Serve until the end."""
    config = json.loads(config_file.read_text(encoding="utf-8"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(config["certificate"], config["key"])

    def authenticator(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and hmac.compare_digest(
            given.login + b"\0" + given.password, f"{config['user']}\0{config['password']}".encode()
        )
        return AuthResult(success=right, handled=False)

    def connection() -> SMTP:
        return SMTP(
            Sink(folder),
            authenticator=authenticator,
            auth_required=True,
            auth_require_tls=False,  # it looks for STARTTLS; here the whole connection is TLS
            hostname=config["name"],
        )

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(connection, config["address"], config["port"], ssl=tls)
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
