"""How long a command keeps a person waiting."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from booklore_core import BookRef, Item
from booklore_core.core import Core
from booklore_core.storage.places import Places
from tests.benchmarks.figures import Figure, Measured, best, figure

QUEUED, BOOKS, TIMES = 10_000, 200, 7


def took(home: Path, *arguments: str) -> float:
    environ = {**os.environ, "BOOKLORE_HOME": str(home)}

    def run() -> None:
        subprocess.run([sys.executable, *arguments], env=environ, capture_output=True, check=True, timeout=60)

    return best(TIMES, run)


def command(name: str, about: str, bar: float, *arguments: str) -> Figure:
    @figure(name, about, "python -c 'import typer'", bar)
    def measure(folder: Path) -> Measured:
        queue(folder)
        return Measured(took(folder, "-m", "booklore_core", *arguments), took(folder, "-c", "import typer"))

    return measure


def queue(home: Path) -> None:
    """Sessions that wait, of two hundred books."""
    core = Core(Places.from_environment({"BOOKLORE_HOME": str(home)}))
    core.outbox.subscribe("diary", ["session"], None, "diary", datetime.now(UTC))
    when = datetime.now(UTC) + timedelta(hours=1)
    books = [BookRef(f"{number:032x}", f"Book {number}") for number in range(BOOKS)]
    core.put([Item("session", f"key {n}", books[n % BOOKS], {"n": n}, when) for n in range(QUEUED)], "sessions")
    assert core.pending() == {"session": QUEUED}
    core.close()


HELP = command("help", "booklore --help", 1.5, "--help")
STATUS = command("status", f"booklore status, {QUEUED:,} waiting", 3, "status")
