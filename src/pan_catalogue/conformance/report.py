"""What came of the checks, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SIGN = {"passed": "passed", "failed": "FAILED", "not applicable": "-"}


@dataclass(frozen=True)
class Result:
    """One check and what came of it.

    Attributes:
        name: of the check.
        says: what a provider should do.
        source: where that stands.
        outcome: `passed`, `failed` or `not applicable`.
        asked: the last request.
        told: what came back instead, or what data is missing; empty when it passed.
    """

    name: str
    says: str
    source: str
    outcome: str
    asked: str
    told: str


@dataclass(frozen=True)
class Report:
    """All results.

    Attributes:
        url: of the provider.
        totals: class -> how many objects it has, None: it does not say.
        results: in the order they were tried.
        seconds: how long it took.
    """

    url: str
    totals: dict[str, int | None]
    results: list[Result]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.named("failed")

    def named(self, outcome: str) -> list[str]:
        """Return the names of the checks with an outcome."""
        return [r.name for r in self.results if r.outcome == outcome]

    def as_dict(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**asdict(self), "passed": self.passed}

    def as_text(self) -> str:
        """Return it for people: a line for each check, and under each that failed what was asked and what came back."""
        holds = ", ".join(f"{'?' if n is None else n} {path}" for path, n in self.totals.items())
        lines = [f"Search API at {self.url}: {holds}", ""]
        width = max(len(r.name) for r in self.results)
        for r in self.results:
            lines.append(
                f"{SIGN[r.outcome]:<7} {r.name:<{width}}  {r.told if r.outcome == 'not applicable' else r.says}"
            )
            if r.outcome == "failed":
                lines += [
                    f"{'':>8}asked   {shortened(r.asked)}",
                    f"{'':>8}got     {r.told}",
                    f"{'':>8}source  {r.source}",
                ]
        counts = [f"{len(self.named(o))} {o}" for o in SIGN]
        return "\n".join([*lines, "", f"{', '.join(counts)}; {self.seconds:.1f} s"])


def shortened(text: str, most: int = 400) -> str:
    """Return a text that fits a few lines."""
    return text if len(text) <= most else text[:most] + "..."
