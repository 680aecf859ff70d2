# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Which partners a realm document names, and all of them probed at once, in bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from ..keycloak.document import OIDC_PROVIDERS, Wanted
from . import directory, mail, oidc, saml
from .findings import ERROR, Finding
from .net import Line

SMTP = "smtp"  # the name of the mail server among the partners
STEPS = 6  # a partner gets as many times the time of one step before it is given up
# What an account is made of: attribute of a Keycloak user -> what it is for.
PURPOSES = {"firstName": "given name", "lastName": "family name", "email": "e-mail address"}

Probe = Callable[[Line], Iterator[Finding]]


def partners(
    wanted: Wanted, public_url: str, overridden: Mapping[str, Collection[str]] | None = None
) -> dict[str, Probe]:
    """What there is to probe: aliases of identity providers, names of directories, `smtp`.

    Args:
        wanted: the realm document.
        public_url: scheme and host under which people reach Keycloak; redirect URIs follow from it.
        overridden: alias -> endpoints in which the site knowingly departs from discovery.
    """
    found: dict[str, Probe] = {}
    for alias, item in wanted.idps.items():
        secret = wanted.idp_secrets.get(alias)
        if item.get("enabled") is False:
            continue
        if item.get("providerId") in OIDC_PROVIDERS:
            redirect_uri = f"{public_url}/realms/{wanted.realm}/broker/{alias}/endpoint"
            known = (overridden or {}).get(alias, ())
            found[alias] = _bound(
                oidc.probe,
                oidc.Provider(alias, item["config"], redirect_uri, secret.reveal() if secret else "", known),
            )
        elif item.get("providerId") == "saml":
            found[alias] = _bound(saml.probe, saml.SamlProvider(alias, item["config"]))
    for name, item in wanted.federation.items():
        config = {key: " ".join(map(str, values)) for key, values in item["config"].items()}
        if item["providerId"] == "ldap" and config.get("enabled") != "false":
            secret = wanted.bind_secrets.get(name)
            found[name] = _bound(
                directory.probe,
                directory.Directory(name, config, _attributes(wanted, name, config), secret.reveal() if secret else ""),
            )
    server = wanted.settings.get("smtpServer") or {}
    if server.get("host"):
        secret = wanted.smtp_secret
        found[SMTP] = _bound(mail.probe, mail.MailServer(server, secret.reveal() if secret else ""))
    return found


def _bound(probe: Callable[[Any, Line], Iterator[Finding]], partner: Any) -> Probe:
    return lambda line: probe(partner, line)


def _attributes(wanted: Wanted, name: str, config: Mapping[str, str]) -> dict[str, str]:
    mapped = {
        PURPOSES[mapper["config"]["user.model.attribute"][0]]: mapper["config"]["ldap.attribute"][0]
        for (owner, _), mapper in wanted.federation_mappers.items()
        if owner == name and (mapper["config"].get("user.model.attribute") or [""])[0] in PURPOSES
    }
    return {
        "username": config.get("usernameLDAPAttribute", ""),
        "uuid": config.get("uuidLDAPAttribute", ""),
        **mapped,
    }


def probe_all(probes: Mapping[str, Probe], line: Line) -> list[Finding]:
    """The findings of all partners, in their order.

    Each partner has a thread. One that hangs where no time limit reaches (name resolution, an answer that drips) is left behind: its
    findings so far count, and that it did not end is one more.
    """
    found: dict[str, list[Finding]] = {name: [] for name in probes}

    def run(name: str) -> None:
        try:
            for finding in probes[name](line):
                found[name].append(finding)
        except Exception as error:
            found[name].append(_broken(name, error))

    threads = {name: threading.Thread(target=run, args=(name,), daemon=True) for name in probes}
    for thread in threads.values():
        thread.start()
    end = time.monotonic() + STEPS * line.timeout
    for name, thread in threads.items():
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            message = f"was not done after {STEPS * line.timeout:g} s"
            found[name] = [
                *found[name],
                Finding(
                    name, "all checks", ERROR, message, mend="Its server is too slow for logins: ask its operators"
                ),
            ]
    return [finding for name in probes for finding in found[name]]


def _broken(name: str, error: Exception) -> Finding:
    trace, step = error.__traceback__, ""
    while trace:
        step, trace = f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}", trace.tb_next
    # Not the text of the error: it could repeat what was being handled.
    return Finding(
        name,
        "all checks",
        ERROR,
        f"a check broke: {type(error).__name__} in {step}",
        mend="This is a fault of the kit: report it",
    )


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Those that forbid going on."""
    return [finding for finding in findings if finding.level == ERROR]


def changed(changes: Iterable[Any]) -> set[str]:
    """Names of the partners that a plan makes, or with which it would speak otherwise than before."""
    spoken = {
        "identity provider": ("config", "enabled", "providerId"),
        "user federation": ("config", "providerId"),
        "realm": ("smtpServer",),
    }
    return {
        SMTP if item.kind == "realm" else item.name
        for item in changes
        if any(item.touches(field) for field in spoken.get(item.kind, ()))
    }
