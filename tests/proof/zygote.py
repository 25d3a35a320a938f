"""A program that forks one process after the other to take lines in and to sync, for tests that kill them.

It is told about each process by one line of JSON on standard input, and tells on standard output: `pid N`, then for
each hand-over `ack` with the ids that are durable now, `done` at the end, and `ended N` once the process is gone.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from household import Clock, features
from one_clock import OnClock

from booklore_core.core import Core
from booklore_core.storage.places import Places


class Shifted(Clock):
    """The time of day, some seconds later: the lease of the process before has lapsed."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._ahead = seconds

    def __call__(self) -> float:
        return time.time() + self._ahead

    def forward(self, seconds: float) -> None:
        self._ahead += seconds

    @property
    def seconds(self) -> float:
        return self()

    @seconds.setter
    def seconds(self, value: float) -> None:
        """The base class sets a time that does not matter here."""


def tell(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


def live(told: dict[str, Any]) -> None:
    """One process: opens, takes the lines in by small hand-overs, syncing in between and at the end."""
    clock = Shifted(told["ahead"])
    core = Core(Places.from_environment(), clock.utc, None, features())
    core.plugins.register("booklore", OnClock(clock))
    core.refresh()
    lines = told["lines"]
    for start in range(0, len(lines), told["chunk"]):
        taken = core.ingest.take(lines[start : start + told["chunk"]], "spool", clock.utc())
        tell("ack", *taken.acknowledged)  # from here on the e-reader never hands these over again
        core.derive.lead()
    core.sync()
    tell("done")


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(json.loads(line))
            os._exit(0)
        tell("pid", str(child))
        os.waitpid(child, 0)
        tell("ended", str(child))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
