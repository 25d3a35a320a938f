"""What a figure is, and how seconds and memory are taken."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MARGIN = 1.25
"""A ratio fails when it is worse than its bar by more than a quarter."""

KIB_PER_MIB = 1024


@dataclass(frozen=True)
class Measured:
    """ours, limit: seconds, or what unit says. detail: what else was seen, for people."""

    ours: float
    limit: float
    unit: str = "s"
    detail: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.limit


@dataclass(frozen=True)
class Figure:
    """One line of the table. beside: what ours is divided by. bar: the most that the ratio may be.

    measure: is given an empty folder.
    """

    name: str
    about: str
    beside: str
    bar: float
    measure: Callable[[Path], Measured]

    def holds(self, measured: Measured) -> bool:
        return measured.ratio <= self.bar * MARGIN


FIGURES: dict[str, Figure] = {}


def figure(name: str, about: str, beside: str, bar: float) -> Callable[[Callable[[Path], Measured]], Figure]:
    """Declares what a function measures. name: to ask for it alone."""

    def declare(measure: Callable[[Path], Measured]) -> Figure:
        FIGURES[name] = Figure(name, about, beside, bar, measure)
        return FIGURES[name]

    return declare


@contextmanager
def timed(took: list[float], clock: Callable[[], float] = time.perf_counter) -> Iterator[None]:
    """Adds the seconds that a block takes. clock: `time.process_time` counts those of the processor."""
    gc.collect()
    begun = clock()
    yield
    took.append(clock() - begun)


def best(times: int, work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of the quickest of some runs: what is slower than that is other programs' doing."""
    took: list[float] = []
    for _ in range(times):
        with timed(took, clock):
            work()
    return min(took)


def memory_of(pid: int, name: str = "VmRSS") -> float:
    """MiB of a process, now or at most (`VmHWM`). Linux only."""
    told = Path(f"/proc/{pid}/status").read_text()
    return int(told.split(f"{name}:")[1].split()[0]) / KIB_PER_MIB
