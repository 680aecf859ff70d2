"""Output `progress`: one line per task, what failed in full, and at the end where the time went."""

from __future__ import annotations

DOCUMENTATION = """
name: progress
type: stdout
short_description: One line per task, errors in full, times per host and step
description:
  - Shows each task on one line with how many hosts were changed and how long it took. Skipped tasks are not shown, nor
    those that only include others.
  - A failure is shown with its message as the author wrote it, line by line, and where the task stands.
  - Ends with a table of the hosts and of the seconds each spent in each role.
  - The log file (C(log_path)) gets one more line per host and task.
version_added: "0.1.0"
author: PaN Facility Kit contributors (!UNKNOWN)
options:
  times_file:
    description: Also write the times as JSON to this file, a mapping of host to a mapping of step to seconds.
    type: path
    env:
      - name: FACILITY_TIMES_FILE
    ini:
      - section: progress
        key: times_file
extends_documentation_fragment:
  - default_callback
"""

import json
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from ansible import constants as C  # noqa: N812  # ansible's own name for it
from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase
from ansible_collections.panosc.facility.plugins.plugin_utils import before_fork

WIDTH = 78
OURS = "panosc.facility."  # before the name of a role: says nothing here
# Tasks that only bring in others, which show themselves.
SILENT = frozenset(
    f"ansible.builtin.{name}" for name in ("import_role", "include_role", "include_tasks", "include_vars")
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Output plugin; Ansible calls the v2_ methods as things happen."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "panosc.facility.progress"

    def __init__(self) -> None:
        """Start the clock."""
        super().__init__()
        self._begun = time.monotonic()
        self._task: Task | None = None
        self._task_begun = 0.0
        self._counts: Counter[str] = Counter()
        self._running: dict[tuple[str, str], float] = {}
        self._seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._failures: dict[tuple[str, ...], list[str]] = defaultdict(list)

    # What happens ------------------------------------------------------------------------------------------------

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Load what the processes of the tasks share, before the first is forked."""
        before_fork.load()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Show the play's name."""
        self._close_task()
        mode = " (check only, nothing is changed)" if play.check_mode else ""
        self._display.display(f"\n{play.get_name().strip()}{mode}", color=C.COLOR_HIGHLIGHT)

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """Close the line of the task before."""
        self._close_task()
        self._task, self._task_begun = task, time.monotonic()

    def v2_playbook_on_handler_task_start(self, task: Task) -> None:
        """Show handlers like tasks."""
        self.v2_playbook_on_task_start(task, is_conditional=False)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Stay silent: the included tasks show themselves."""

    def v2_runner_on_start(self, host: Any, task: Task) -> None:
        """Note when this host began."""
        self._running[host.get_name(), task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count; show diffs and messages of debug tasks."""
        self._done(result, "changed" if result.is_changed() else "ok")
        data = result.result
        if self._display.verbosity > 1:
            self._display.display(self._dump_results(data))
        elif result.task.action in C._ACTION_DEBUG and "msg" in data:
            self._display.display(f"  {result.host.get_name()}: {data['msg']}")
        self._handle_warnings_and_exception(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Count only."""
        self._done(result, "skipped")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show a failure in full, with what the author of the task wants the reader to do."""
        self._done(result, "ignored" if ignore_errors else "failed")
        if ignore_errors:
            return
        self._failure(result, str(result.result.get("msg", "")))
        self._handle_warnings(result.result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Show why."""
        self._done(result, "unreachable")
        self._failure(result, f"unreachable: {result.result.get('msg', '')}")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Show the item that failed."""
        item = self._get_item_label(result.result)
        self._failure(result, f"({item}) {result.result.get('msg', '')}")

    def v2_runner_retry(self, result: Any) -> None:
        """Leave a trace in the log: a wait is no news."""
        self._display.display(
            f"    {result.host.get_name()}: waiting, try {result.result.get('attempts')}", log_only=True
        )

    def v2_on_file_diff(self, result: Any) -> None:
        """Show diffs where asked for; Ansible has masked what must be."""
        results = result.result.get("results", [result.result]) if result.task.loop else [result.result]
        for each in results:
            if each.get("diff") and each.get("changed"):
                self._display.display(f"  {result.host.get_name()}:")
                self._display.display(self._get_diff(each["diff"]))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Close with the hosts, what happened to them and where their time went."""
        self._close_task()
        hosts = sorted(stats.processed)
        self._display.display("")
        if hosts:
            self._table(stats, hosts)
        total = time.monotonic() - self._begun
        self._display.display(f"\n{_duration(total)} in all.")
        if file := self.get_option("times_file"):
            Path(file).write_text(json.dumps(self._seconds, indent=1), encoding="utf-8")

    # How it is shown ---------------------------------------------------------------------------------------------

    def _done(self, result: Any, outcome: str) -> None:
        host = result.host.get_name()
        seconds = time.monotonic() - self._running.pop((host, result.task._uuid), time.monotonic())
        self._counts[outcome] += 1
        self._seconds[host][_step(result.task)] += seconds
        self._display.display(f"    {host}: {outcome} ({seconds:.1f} s) {result.task.get_name()}", log_only=True)

    def _close_task(self) -> None:
        counts, self._counts = self._counts, Counter()
        if self._task is None:
            return
        self._tell_failures(self._task)
        shown = {k: n for k, n in counts.items() if k != "skipped"}
        if not shown or (shown.keys() == {"ok"} and self._task.action in SILENT):
            return
        name = f"  {self._task.get_name().strip().removeprefix(OURS)}"
        name = name if len(name) <= WIDTH else f"{name[: WIDTH - 3]}..."
        words = ", ".join(f"{count} {outcome}" for outcome, count in shown.items())
        seconds = time.monotonic() - self._task_begun
        color = (
            C.COLOR_ERROR
            if "failed" in shown or "unreachable" in shown
            else C.COLOR_CHANGED
            if "changed" in shown
            else C.COLOR_OK
        )
        self._display.display(f"{name:<{WIDTH}} {seconds:6.1f} s  {words}", color=color)

    def _failure(self, result: Any, message: str) -> None:
        """Keep what failed until the task ends: hosts that fail alike are told together."""
        data = result.result
        texts = (message, *(str(data[key]) for key in ("stderr", "stdout") if data.get(key)))
        lines = tuple(line for text in texts for line in text.strip().splitlines())
        self._failures[lines].append(result.host.get_name())

    def _tell_failures(self, task: Task) -> None:
        failures, self._failures = self._failures, defaultdict(list)
        for lines, hosts in failures.items():
            self._display.display(f"\nFAILED on {', '.join(hosts)}: {task.get_name()}", color=C.COLOR_ERROR)
            for line in lines:
                self._display.display(f"  {line}", color=C.COLOR_ERROR)
            if path := task.get_path():
                self._display.display(f"  (the task is {path})\n", color=C.COLOR_ERROR)

    def _table(self, stats: Any, hosts: list[str]) -> None:
        steps = list(dict.fromkeys(step for host in hosts for step in self._seconds.get(host, {})))
        width = max(len(host) for host in hosts) + 2
        head = "".join(f"{step[:12]:>14}" for step in steps)
        self._display.display(f"{'':<{width}}{'ok':>5}{'changed':>9}{'failed':>8}{head}")
        for host in hosts:
            summary = stats.summarize(host)
            bad = summary["failures"] + summary["unreachable"]
            times = "".join(f"{self._seconds[host].get(step, 0):>12.1f} s" for step in steps)
            color = C.COLOR_ERROR if bad else C.COLOR_CHANGED if summary["changed"] else C.COLOR_OK
            self._display.display(
                f"{host:<{width}}{summary['ok']:>5}{summary['changed']:>9}{bad:>8}{times}", color=color
            )


def _step(task: Task) -> str:
    """The role a task belongs to, without its namespace, or `playbook`."""
    role = getattr(task, "_role", None)
    return role.get_name().rsplit(".", 1)[-1] if role else "playbook"


def _duration(seconds: float) -> str:
    return f"{int(seconds // 60)} min {seconds % 60:.0f} s" if seconds >= 60 else f"{seconds:.1f} s"  # noqa: PLR2004
