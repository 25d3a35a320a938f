"""How long `booklore status` keeps a person waiting."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from booklore_core import BookRef, Item
from booklore_core.core import Core
from booklore_core.storage.places import Places

QUEUED, BOOKS, ROUNDS = 10_000, 200, 7
LIMIT = 0.150
"""Seconds beyond an empty Python and the import of typer."""


@pytest.fixture
def long_queue(home: Path) -> None:
    core = Core(Places.from_environment())
    when = datetime.now(UTC) + timedelta(hours=1)
    books = [BookRef(f"{number:032x}", f"Book {number}") for number in range(BOOKS)]
    core.put([Item("session", f"key {n}", books[n % BOOKS], {"n": n}, when) for n in range(QUEUED)], "sessions")
    assert core.pending() == {"session": QUEUED}
    core.close()


@pytest.mark.bench
@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"]], ids=" ".join)
def test_status_of_a_long_queue_is_quick(long_queue: None, arguments: list[str]) -> None:
    allowed = quickest("-c", "import typer") + LIMIT

    took = quickest("-m", "booklore_core", *arguments)

    assert took <= allowed, f"{took * 1000:.0f} ms, allowed are {allowed * 1000:.0f} ms"


def quickest(*arguments: str) -> float:
    """Seconds of the fastest of a few runs of Python: what is slower than that is other programs' doing."""
    return min(measure(arguments) for _ in range(ROUNDS))


def measure(arguments: tuple[str, ...]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True, timeout=60)
    return time.perf_counter() - began
