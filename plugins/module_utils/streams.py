# Copyright: PaN Facility Kit contributors
# SPDX-License-Identifier: Apache-2.0
"""Programs that are fed and read while they run, so that what passes through is never whole in memory or on a disk."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from typing import IO, Any

DISCARD = subprocess.DEVNULL
PIPE = subprocess.PIPE


def start(command: Iterable[str], **streams: Any) -> subprocess.Popen[bytes]:
    """A program under way; `streams` as for subprocess.Popen. No shell."""
    return subprocess.Popen(list(command), **streams)  # noqa: S603


def end_of(pipe: IO[bytes] | None) -> IO[bytes]:
    """The stream that was asked for by PIPE."""
    if pipe is None:
        raise ValueError("this stream is no pipe")
    return pipe
