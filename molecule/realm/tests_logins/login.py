"""A browser without a screen: logs in to the realm at the node, with cookies and forms, as far as the address of a service."""

import base64
import hashlib
import html
import json
import re
import secrets
import socket
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter

PUBLIC = "auth.facility.test"
PROVIDERS = ("proxy.umbrella.test", "checkin.test", "login.uni.test", "orcid.test")
FORM = re.compile(r'<form[^>]*?\baction="([^"]+/login-actions/[^"]+)"', re.DOTALL)
ERROR = re.compile(r'id="kc-error-message".*?>\s*<p[^>]*>(.*?)</p>', re.DOTALL)
RESOLVED = {}  # name -> address, before DNS is asked


def resolving(system):
    """The system's resolver behind RESOLVED."""
    return lambda host, *rest, **options: system(RESOLVED.get(host, host), *rest, **options)


socket.getaddrinfo = resolving(socket.getaddrinfo)


class Node(HTTPAdapter):
    """Reaches the public name at one node, whose certificate is for the node's own name."""

    def __init__(self, name):
        self._name = name
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, **options, server_hostname=self._name, assert_hostname=self._name)


class Site:
    """Where the server is, and who is served."""

    def __init__(self, name, address, ca, services, port=8443):
        self.name, self.address, self.ca, self.services, self.port = name, address, ca, services, port
        self.realm = f"https://{PUBLIC}:{port}/realms/demo"

    def browser(self, language="en"):
        """A browser for which public names lead to this node."""
        RESOLVED.update(dict.fromkeys((PUBLIC, *PROVIDERS), self.address))
        return Browser(self, language)


class Browser:
    """One person's browser: cookies, the page in front of them, and where it ended."""

    def __init__(self, site, language):
        self._site = site
        self._http = requests.Session()
        self._http.trust_env = False  # neither proxies nor authorities of the machine that runs the tests
        self._http.verify = site.ca
        self._http.mount(f"https://{PUBLIC}", Node(site.name))
        self._http.headers["Accept-Language"] = language
        self.page = ""
        self.arrived = {}  # the query of the address of the service
        self.claims = {}  # what a provider says of this person

    def open(self, service, scope="openid", **parameters):
        """Go to a service, which sends the browser to the login."""
        client, redirect, secret = self._site.services[service]
        self.arrived = {}
        self._verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(self._verifier.encode()).digest()
        self._client = {"client_id": client, "redirect_uri": redirect, **({"client_secret": secret} if secret else {})}
        query = {
            "client_id": client,
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": scope,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **parameters,
        }
        return self._go(f"{self._site.realm}/protocol/openid-connect/auth?{urlencode(query)}")

    def password(self, username, password):
        """Fill in the login form, or the part of it that is there."""
        return self._submit(username=username, password=password, credentialId="")

    def through(self, alias, **claims):
        """Log in with a provider's button; the provider says these claims."""
        link = re.search(rf'id="social-{alias}"[^>]*?href="([^"]+)"', self.page, re.DOTALL)
        assert link, f"no button {alias}: {self.reads()}"
        self.claims = claims
        return self._go(self._here(html.unescape(link[1])))

    def press(self, **fields):
        """Send the form of the page with a button or fields; what it has filled in already goes along."""
        return self._submit(**fields)

    def refusal(self):
        """The text of the error page, or none."""
        found = ERROR.search(self.page)
        return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""

    def reads(self):
        """The text of the page."""
        text = re.sub(r"<script.*?</script>|<[^>]+>", " ", self.page, flags=re.DOTALL)
        return re.sub(r"\s+", " ", html.unescape(text))[:1500]

    def tokens(self):
        """What the service gets for the code."""
        assert "code" in self.arrived, f"{self.arrived} {self.reads()}"
        answer = self._http.post(
            f"{self._site.realm}/protocol/openid-connect/token",
            data={
                "grant_type": "authorization_code",
                "code": self.arrived["code"],
                "code_verifier": self._verifier,
                **self._client,
            },
            timeout=30,
        )
        assert answer.ok, answer.text
        return answer.json()

    def userinfo(self, tokens):
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = self._http.get(f"{self._site.realm}/protocol/openid-connect/userinfo", headers=bearer, timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def _submit(self, **fields):
        form = FORM.search(self.page)
        assert form, f"no form: {self.reads()}"
        kept = {}
        for tag in re.findall(r"<input[^>]+>", self.page):
            given = dict(re.findall(r'\b(name|value|type)="([^"]*)"', tag))
            if given.get("type", "text") not in {"submit", "checkbox", "radio"} and "name" in given:
                kept[given["name"]] = html.unescape(given.get("value", ""))
        answer = self._http.post(
            self._here(html.unescape(form[1])), data={**kept, **fields}, allow_redirects=False, timeout=30
        )
        return self._follow(answer)

    def _go(self, url):
        return self._follow(self._http.get(url, allow_redirects=False, timeout=30))

    def _follow(self, answer):
        for _ in range(20):
            target = answer.headers.get("Location")
            if target is None:
                self.page = answer.text
                return self
            url = urlsplit(target := self._here(target))
            if answer.headers["Location"].startswith(self._client["redirect_uri"]):
                self.arrived = {name: values[0] for name, values in parse_qs(url.query).items()}
                self.page = ""
                return self
            if url.path.endswith("/OIDC/authorization"):
                self.asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                target += "&" + urlencode({"claims": json.dumps(self.claims)})
            answer = self._http.get(target, allow_redirects=False, timeout=30)
        raise AssertionError("redirects without end")

    def _here(self, url):
        """The same at the node: the public name has no port there."""
        if url.startswith("/"):
            url = f"https://{PUBLIC}{url}"
        return url.replace(f"https://{PUBLIC}/", f"https://{PUBLIC}:{self._site.port}/")


def claims(token):
    """Read a token without verifying it: for looking, not for trusting."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
