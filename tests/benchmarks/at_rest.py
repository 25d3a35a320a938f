"""A service that has nothing to do, and after a day of a busy device."""

from __future__ import annotations

import time
from pathlib import Path

from bridge_http.bridge_world import paired

from tests.benchmarks.figures import Measured, figure, memory_of
from tests.benchmarks.ingesting import bridge, core_in, hand_over, lines_of

MOST = 120
"""MiB that a service may take."""


@figure("memory", "memory of the service after 10,000 lines", f"{MOST} MiB", 1)
def memory(folder: Path) -> Measured:
    with core_in(folder) as core, bridge(folder) as (url, pid):
        one = paired(core, url)
        hand_over(one, lines_of(count=2000))
        before = memory_of(pid)
        hand_over(one, lines_of("kobo-7f3a", 12_000)[2000:])
        after = memory_of(pid)
    return Measured(after, MOST, unit="MiB", detail=f"{after - before:+.0f} MiB over 10,000 lines")


@figure("idle", "times that an idle service wakes up in a minute", "once in each of its threads' minutes", 10)
def idle(folder: Path) -> Measured:
    with core_in(folder) as core, bridge(folder) as (url, pid):
        paired(core, url)
        time.sleep(5)
        before = wake_ups(pid)
        time.sleep(30)
        return Measured(2.0 * (wake_ups(pid) - before), 1.0, unit="a minute")


def wake_ups(pid: int) -> int:
    """Of all its threads."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    told = [(thread / "status").read_text() for thread in threads]
    return sum(int(one.split("\nvoluntary_ctxt_switches:")[1].split()[0]) for one in told)
