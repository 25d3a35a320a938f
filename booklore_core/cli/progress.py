"""A progress bar on standard error, where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Move = Callable[[str, int, int], None]
"""What work calls: a label, how much is done, of how much."""


@contextmanager
def bar() -> Iterator[Move]:
    """A function to tell progress to; one bar per label."""
    if not sys.stderr.isatty():
        yield lambda label, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as display:
        tasks: dict[str, Any] = {}

        def move(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = display.add_task(label)
            display.update(tasks[label], completed=done, total=total)

        yield move


@contextmanager
def busy() -> Iterator[None]:
    """A sign that something is under way, of which nobody knows how much is left."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status("working"):
        yield
