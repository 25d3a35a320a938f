"""What many facts cost: how ingest, sync and status grow."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.figures import Measured, best, figure
from tests.benchmarks.ingesting import core_in, fill, lines_of

SMALL, LARGE = 1_000, 100_000


def spent(home: Path, facts: int) -> tuple[float, float]:
    """Seconds of a thousand lines taken in, and of a status."""
    with core_in(home) as core:
        fill(core, facts)
        lines = lines_of(count=1000, days=30)
        return best(1, lambda: core.take(lines, "test")), best(3, core.status)


@figure("growth-ingest", f"a thousand lines beside {LARGE:,} facts", f"beside {SMALL:,}", 1.2)
def ingest(folder: Path) -> Measured:
    return Measured(spent(folder / "large", LARGE)[0], spent(folder / "small", SMALL)[0])


@figure("growth-status", f"status beside {LARGE:,} facts", f"beside {SMALL:,}", LARGE / SMALL)
def status(folder: Path) -> Measured:
    return Measured(spent(folder / "large", LARGE)[1], spent(folder / "small", SMALL)[1])
