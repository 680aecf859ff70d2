"""What keeps one client from taking the service away from the others."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

REMEMBERED = 10_000  # clients


@dataclass
class Bucket:
    """A token bucket for each client: `rate` requests a second on average, `burst` at once. Each process counts for itself.

    Attributes:
        rate: requests a second; 0: no limit.
        burst: requests at once.
        clock: seconds.
    """

    rate: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    _clients: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, client: str) -> float:
        """Take one request of a client. Returns 0, or the seconds after which it may ask again."""
        if self.rate <= 0:
            return 0.0
        now = self.clock()
        left, since = self._clients.pop(client, (float(self.burst), now))
        left = min(self.burst, left + (now - since) * self.rate)
        allowed = left >= 1
        self._clients[client] = (left - 1 if allowed else left, now)
        if len(self._clients) > REMEMBERED:
            self._clients.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self.rate
