"""Chromium that trusts the site CA, and the pages a person meets on the way through a login."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import Browser, Page, Playwright, Request
from playwright.sync_api import TimeoutError as Late
from site_under_test import Json, Login, Site

CHROMIUM = "/usr/bin/chromium"
CONSOLE_TIMEOUT = 30_000  # milliseconds; the console is a large script and the machine may be busy


@contextmanager
def chromium(playwright: Playwright, site: Site, home: Path) -> Iterator[Browser]:
    """Start the distribution's Chromium with a home of its own, in which the site CA is trusted.

    Names outside the demo do not resolve: a test that would reach for the Internet fails here. It runs in the network of one of
    the demo's hosts: on this machine's own, Chromium drops its requests (ERR_NETWORK_CHANGED) whenever any container comes or goes.
    """
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    nss = ["certutil", "-d", f"sql:{database}"]
    subprocess.run([*nss, "-N", "--empty-password"], check=True)
    subprocess.run([*nss, "-A", "-n", "site CA", "-t", "C,,", "-i", site.ca], check=True)
    names = [f"MAP {name} {address}" for name, address in site.addresses.items()]
    arguments = [
        "--disable-background-networking",
        "--disable-gpu",
        "--host-resolver-rules=" + ", ".join([*names, "MAP * ~NOTFOUND"]),
        "--no-proxy-server",
    ]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to run as root with it
    wrapper = home / "chromium"
    wrapper.write_text(
        f'#!/bin/sh\nexec nsenter --net=/proc/{site.process(site.hosts("ldap")[0])}/ns/net -- {CHROMIUM} "$@"\n'
    )
    wrapper.chmod(0o700)
    browser = playwright.chromium.launch(
        executable_path=wrapper, args=arguments, env={**os.environ, "HOME": str(home)}, headless=True
    )
    try:
        yield browser
    finally:
        browser.close()


class Person:
    """Somebody in front of a fresh browser window."""

    def __init__(self, site: Site, browser: Browser, locale: str = "en-US", dark: bool = False) -> None:
        self.site = site
        self._context = browser.new_context(
            locale=locale, color_scheme="dark" if dark else "light", viewport={"width": 1100, "height": 800}
        )
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(20_000)

    def leave(self) -> None:
        """Close the window; nothing of the session stays."""
        self._context.close()

    # --- the login page of Keycloak ---------------------------------------------------------------------------------

    def give_password(self, login: Login, *, username: bool = True) -> None:
        """Fill in Keycloak's login form; without ``username`` only the password is asked for."""
        self.page.wait_for_selector("#kc-login")
        if username:
            self.page.fill("#username", login.username)
        self.page.fill("#password", login.password)
        self.page.click("#kc-login")

    def choose(self, alias: str = "umbrella") -> None:
        """Press the button of an identity provider on Keycloak's login page."""
        self.page.click(f"#social-{alias}")

    # --- the home organisation --------------------------------------------------------------------------------------

    def log_in_at_home(self, login: Login) -> None:
        """Fill in the form of the home organisation; the pages after it send themselves."""
        self.page.wait_for_selector("form#login #username")
        self.page.fill("#username", login.username)
        self.page.fill("#password", login.password)
        self.page.click("#submit")

    def through_umbrella(self, login: Login) -> None:
        """Go from Keycloak's login page through UmbrellaID and the home organisation."""
        self.choose()
        self.log_in_at_home(login)

    # --- the account console ----------------------------------------------------------------------------------------

    def open_console(self, page: str = "") -> None:
        """Ask for the account console, which leads to the login page for somebody who is not logged in."""
        self.page.goto(f"{self.site.issuer}/account/{page}")

    def console_shows(self) -> Json:
        """Wait for the console's first page and read who it thinks this is."""
        self.page.wait_for_selector("#save-btn", timeout=CONSOLE_TIMEOUT)
        return {name: self.page.input_value(f"#{name}") for name in ("username", "email", "firstName", "lastName")}

    def console_token(self) -> str:
        """Open the console and take the access token that it uses."""

        def authorised(request: Request) -> bool:
            return "/account/" in request.url and "authorization" in request.headers

        with self.page.expect_request(authorised, timeout=CONSOLE_TIMEOUT) as seen:
            self.open_console()
        return seen.value.headers["authorization"].removeprefix("Bearer ")

    def link(self, alias: str = "umbrella") -> None:
        """Press the console's button that links an identity provider; once more if it goes nowhere, as anybody would. That was seen once in some hundred presses; why is not known."""
        for last in (False, True):
            self.page.click(f"#{alias}-idp-link")
            try:
                self.page.wait_for_url(lambda url: "/account/" not in url, wait_until="commit", timeout=8_000)
            except Late:
                if last:
                    raise
            else:
                return

    def log_out(self) -> None:
        """Log out by the menu of the console."""
        self.page.click("[data-testid=options-toggle]")
        self.page.get_by_text("Sign out").first.click()
        self.page.wait_for_selector("#kc-login", timeout=CONSOLE_TIMEOUT)

    # --- a service --------------------------------------------------------------------------------------------------

    def ask_service(self, client: str, redirect_uri: str, scope: str = "openid", **extra: str) -> Service:
        """Start a login at a service, as its "log in" button does."""
        service = Service(self, client, redirect_uri)
        service.start(scope, **extra)
        return service

    # --- anything ---------------------------------------------------------------------------------------------------

    def reads(self) -> str:
        """What the page says, in one line."""
        return " ".join(self.page.inner_text("body").split())


class Service:
    """A service that logs people in: the part that sends them to Keycloak and takes the answer.

    The demo runs no such service, so the browser cannot reach the callback; its request is seen all the same.
    """

    def __init__(self, person: Person, client: str, redirect_uri: str) -> None:
        self._person, self._client, self._redirect_uri = person, client, redirect_uri
        self._verifier = secrets.token_urlsafe(48)
        self.nonce = secrets.token_hex(8)
        self._came_back: list[str] = []
        person.page.on("request", self._see)

    def _see(self, request: Request) -> None:
        if request.url.startswith(self._redirect_uri + "?"):
            self._came_back.append(request.url)

    def start(self, scope: str, **extra: str) -> None:
        """Send the browser to Keycloak."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": self._client,
            "response_type": "code",
            "scope": scope,
            "redirect_uri": self._redirect_uri,
            "state": "demo",
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **extra,
        }
        url = f"{self._person.site.issuer}/protocol/openid-connect/auth?{urlencode(asked)}"
        try:
            self._person.page.goto(url)
        except Exception:  # somebody with a session is sent on at once, to the callback that nobody serves
            if not self._came_back:
                raise

    def answer(self) -> dict[str, str]:
        """Wait for the browser to come back and return what it brought: a code or an error."""
        until = time.monotonic() + 20
        while not self._came_back and time.monotonic() < until:
            self._person.page.wait_for_timeout(50)
        assert self._came_back, f"nobody came back to {self._client}; the browser shows: {self._person.reads()[:300]}"
        return dict(parse_qsl(urlsplit(self._came_back[-1]).query))

    def tokens(self) -> Json:
        """Wait for the browser to come back and change its code for tokens."""
        brought = self.answer()
        assert "code" in brought, f"{self._client} was refused: {brought}"
        site = self._person.site
        fields: dict[str, Any] = {
            "grant_type": "authorization_code",
            "code": brought["code"],
            "redirect_uri": self._redirect_uri,
            "code_verifier": self._verifier,
            "client_id": self._client,
        }
        if self._client in site.client_secrets:
            fields["client_secret"] = site.client_secrets[self._client]
        reply = site.http.post(f"{site.issuer}/protocol/openid-connect/token", data=fields, timeout=30)
        assert reply.ok, f"no tokens for {self._client}: {reply.status_code} {reply.text[:300]}"
        got: Json = reply.json()
        return got
