"""A person's browser without a screen: cookies, redirects, forms. For logins that only have to be made, not to be looked at."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from site_under_test import Json, Login, Site

MOVED = (301, 302, 303, 307, 308)
UNEXPECTED = "The answer of your home organisation could not be used"


class Page(HTMLParser):
    """A page that the visitor stopped at."""

    def __init__(self, answer: requests.Response) -> None:
        super().__init__()
        self.url, self.status, self.html = answer.url, answer.status_code, answer.text
        self.forms: list[Json] = []
        self.links: list[str] = []
        self._texts: list[str] = []
        self._skipped = 0
        self.feed(answer.text)

    @property
    def text(self) -> str:
        """What it says, in one line."""
        return " ".join(" ".join(self._texts).split())

    def form(self, *names: str) -> Json:
        """Find the form that has fields of these names."""
        for form in self.forms:
            if set(names) <= set(form["fields"]):
                return form
        raise AssertionError(f"no form with {', '.join(names)} on {self.url}, which says: {self.text[:400]}")

    def link(self, part: str) -> str:
        """Find the link whose address has `part` in it."""
        for link in self.links:
            if part in link:
                return link
        raise AssertionError(f"no link with {part} on {self.url}, which says: {self.text[:400]}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._skipped += 1
        elif tag == "a" and "href" in got:
            self.links.append(urljoin(self.url, got["href"]))
        elif tag == "form":
            self.forms.append({"action": urljoin(self.url, got.get("action", "")), "fields": {}, "buttons": {}})
        elif tag in ("input", "button", "select", "textarea") and self.forms and got.get("name"):
            pressed = tag == "button" or got.get("type") in ("submit", "image", "button")
            self.forms[-1]["buttons" if pressed else "fields"][got["name"]] = got.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._skipped -= 1

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._texts.append(data)


class Straight(HTTPAdapter):
    """Takes what is meant for the public name to one node, as the proxy would."""

    def __init__(self, public: str, node: str) -> None:
        super().__init__()
        self._public, self._node = public, node

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        sent = request.copy()
        sent.url = str(request.url).replace(self._public, self._node, 1)
        sent.headers["Host"] = urlsplit(self._public).netloc
        answer = super().send(sent, *args, **more)
        answer.url, answer.request = str(request.url), request
        return answer


class Visitor:
    """Somebody with a browser of their own. The last thing they met is `page`, unless they came back to the service."""

    def __init__(self, site: Site, *, node: str | None = None) -> None:
        """Open the browser; with `node` (an inventory name) everything goes to that Keycloak, past the proxy."""
        self.site = site
        self.http = site.session()
        if node:
            self.http.mount(site.auth, Straight(site.auth, f"https://{node}:8443"))
        self.page: Page | None = None
        self.answer: dict[str, str] = {}  # what the service's callback got
        self.requests = 0
        self._service: tuple[str, str] = ("", "")
        self._verifier = ""

    def through_the_proxy(self) -> None:
        """From now on go by the public name, like everybody."""
        self.http.mount(self.site.auth, HTTPAdapter())

    # --- moving about -----------------------------------------------------------------------------------------------

    def go(self, method: str, url: str, data: Json | None = None) -> Page | None:
        """Send a request and follow redirects, to a page or back to the service."""
        self.page, self.answer = None, {}
        while True:
            self.requests += 1
            answer = self.http.request(method, url, data=data, allow_redirects=False, timeout=180)
            if answer.status_code not in MOVED:
                self.page = Page(answer)
                return self.page
            url = urljoin(url, answer.headers["Location"])
            if self._service[1] and url.startswith(self._service[1] + "?"):
                self.answer = dict(parse_qsl(urlsplit(url).query))
                return None
            if answer.status_code in (301, 302, 303):
                method, data = "GET", None

    def submit(self, *names: str, press: str = "", **fields: str) -> Page | None:
        """Fill in the form that has the fields given (and `names`), and send it."""
        assert self.page, f"there is no page: the browser is back at the service with {self.answer}"
        form = self.page.form(*names, *fields)
        button = {press: form["buttons"].get(press, "")} if press else {}
        return self.go("POST", form["action"], {**form["fields"], **fields, **button})

    # --- a service --------------------------------------------------------------------------------------------------

    def ask(self, service: tuple[str, str], *, scope: str = "openid", **extra: str) -> Page | None:
        """Begin a login at a service: (client id, redirect URI)."""
        self._service, self._verifier = service, secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": service[0],
            "response_type": "code",
            "scope": scope,
            "redirect_uri": service[1],
            "state": secrets.token_hex(4),
            "nonce": secrets.token_hex(8),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **extra,
        }
        return self.go("GET", f"{self.site.issuer}/protocol/openid-connect/auth?{urlencode(asked)}")

    def give_password(self, login: Login, *, username: bool = True) -> Page | None:
        """Fill in Keycloak's login form."""
        return self.submit("password", password=login.password, **({"username": login.username} if username else {}))

    def through(self, alias: str) -> Page | None:
        """Press the button of an identity provider on the login page; a provider without pages of its own answers at once."""
        assert self.page, "there is no login page"
        self.go("GET", self.page.link(f"/broker/{alias}/login"))
        return self.carried()

    def carried(self) -> Page | None:
        """Send the forms that a browser with scripts would send by itself (SAML)."""
        while self.page and any({"SAMLRequest", "SAMLResponse"} & set(form["fields"]) for form in self.page.forms):
            form = next(form for form in self.page.forms if {"SAMLRequest", "SAMLResponse"} & set(form["fields"]))
            if "password" in form["fields"]:
                break
            self.go("POST", form["action"], form["fields"])
        return self.page

    def through_umbrella(self, login: Login) -> Page | None:
        """Go through the UmbrellaID stand-in and the home organisation."""
        self.through("umbrella")
        self.submit(username=login.username, password=login.password)
        return self.carried()

    def tokens(self) -> Json:
        """Change the code that the service got for tokens."""
        shown = f"{self.page.url.partition('?')[0]}: {self.page.text[:400]}" if self.page else str(self.answer)
        assert "code" in self.answer, f"nobody is logged in at {self._service[0]}: {shown}"
        return self.token(
            grant_type="authorization_code",
            code=self.answer["code"],
            redirect_uri=self._service[1],
            code_verifier=self._verifier,
        )

    def refresh(self, token: str) -> Json:
        """Change a refresh token for new tokens."""
        return self.token(grant_type="refresh_token", refresh_token=token)

    def ask_token(self, **fields: str) -> requests.Response:
        """Send a request of this service to the token endpoint."""
        client = self._service[0]
        secret = self.site.client_secrets.get(client)
        data = {**fields, "client_id": client, **({"client_secret": secret} if secret else {})}
        self.requests += 1
        return self.http.post(f"{self.site.issuer}/protocol/openid-connect/token", data=data, timeout=60)

    def token(self, **fields: str) -> Json:
        """The same, when it must succeed."""
        answer = self.ask_token(**fields)
        assert answer.ok, f"no tokens for {self._service[0]}: {answer.status_code} {answer.text[:300]}"
        got: Json = answer.json()
        return got


def timed(action: Any) -> tuple[Any, float]:
    """Do something; returns its result and the seconds it took."""
    begun = time.monotonic()
    return action(), time.monotonic() - begun
