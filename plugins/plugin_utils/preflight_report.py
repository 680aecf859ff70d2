"""The report of a pre-flight: findings of many hosts put together, as text for a terminal. Pure functions."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

WORST_FIRST = ("error", "warning", "unknown", "ok")
SHOWN = {"error": "ERROR", "warning": "warning", "unknown": "unknown"}
PLURAL = {"error": "error{}", "warning": "warning{}", "unknown": "that cannot be known", "ok": "in order"}
WIDTH = 110


def gather(results: Mapping[str, Mapping[str, Any]], hosts: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Put together what the hosts found; equal findings become one, with `hosts`.

    Args:
        results: host -> role -> the registered result of its check.
        hosts: host -> the roles that had to be checked there.
    """
    found: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for host, roles in hosts.items():
        for role in roles:
            result = results.get(host, {}).get(role) or {}
            for finding in result["findings"] if "findings" in result else [_not_done(host, role, result)]:
                key = tuple(sorted(finding.items()))
                found.setdefault(key, {**finding, "hosts": []})["hosts"].append(host)
    return sorted(found.values(), key=lambda one: WORST_FIRST.index(one["level"]))


def _not_done(host: str, role: str, result: Mapping[str, Any]) -> dict[str, str]:
    return {
        "subject": host,
        "what": f"checks of role {role}",
        "level": "error",
        "message": f"were not made: {result.get('msg') or 'the host was not reached, or failed before'}",
        "where": "",
        "mend": "The messages above say why",
    }


def summary(findings: Iterable[Mapping[str, Any]]) -> str:
    """The numbers in words, the worst first."""
    counts = Counter(finding["level"] for finding in findings)
    words = [
        f"{counts[level]} {PLURAL[level].format('' if counts[level] == 1 else 's')}"
        for level in WORST_FIRST
        if counts[level]
    ]
    return ", ".join(words) or "nothing was checked"


def text(title: str, findings: list[dict[str, Any]], everything: bool = False) -> str:
    """The report: what is not in order in full, then what is, in short or (`everything`) in full too."""
    lines = [f"{title}: {summary(findings)}"]
    fine = [finding for finding in findings if finding["level"] == "ok"]
    for finding in findings:
        if finding["level"] != "ok":
            lines += ["", *_paragraph(finding)]
    if fine:
        lines += ["", "In order"]
        lines += [f"  {line}" for line in (_in_full(fine) if everything else _in_short(fine))]
    return "\n".join(lines) + "\n"


def _paragraph(finding: Mapping[str, Any]) -> list[str]:
    head = f"  {SHOWN[finding['level']]:<8} {finding['subject']}: {finding['what']}"
    seen = _elsewhere(finding)
    parts = [("", finding["message"])]
    if finding["where"] and finding["where"] not in finding["message"]:
        parts.append(("at ", finding["where"]))
    if finding["mend"]:
        parts.append(("-> ", finding["mend"]))
    return [f"{head}{seen}", *(line for mark, part in parts for line in _wrapped(mark, part))]


def _wrapped(mark: str, words: str) -> list[str]:
    """Long lines are broken between words only: addresses stay whole, to be copied."""
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=" " * 11 + mark,
        subsequent_indent=" " * (11 + len(mark)),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _elsewhere(finding: Mapping[str, Any]) -> str:
    """From which hosts it was seen, unless it is about that very host."""
    hosts = [host for host in finding["hosts"] if host != finding["subject"]]
    return f"   (seen from {', '.join(hosts)})" if hosts else ""


def _in_short(fine: list[dict[str, Any]]) -> list[str]:
    """One line for each subject: the names of its checks, how often if more than once."""
    width = max(len(finding["subject"]) for finding in fine) + 2
    lines = []
    for subject in dict.fromkeys(finding["subject"] for finding in fine):
        checks = Counter(finding["what"] for finding in fine if finding["subject"] == subject)
        words = ", ".join(what if times == 1 else f"{what} ({times})" for what, times in checks.items())
        lines += textwrap.wrap(
            words, WIDTH, initial_indent=f"{subject:<{width}}", subsequent_indent=" " * width, break_long_words=False
        )
    return lines


def _in_full(fine: list[dict[str, Any]]) -> list[str]:
    width = max(len(f"{finding['subject']}: {finding['what']}") for finding in fine) + 2
    return [f"{finding['subject'] + ': ' + finding['what']:<{width}}{finding['message']}" for finding in fine]
