"""A sign on standard error that something is under way, and how far it is, where that is a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Activity:
    """Shows a spinner while work goes on, and a bar for each label that it tells about.

    told: by label how much was done, of how much, shown or not.
    """

    def __init__(self) -> None:
        self.told: dict[str, tuple[int, int]] = {}
        self._display: Any = None
        self._bars: dict[str, Any] = {}

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Around the work; between two of them the terminal is free for questions."""
        if not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as self._display:
            self._bars = {"": self._display.add_task("working", total=None)}
            try:
                yield
            finally:
                self._display = None

    def tell(self, label: str, done: int, total: int) -> None:
        """What work calls: how much is done, of how much."""
        self.told[label] = done, total
        display = self._display
        if display is None:
            return
        if "" in self._bars:
            display.remove_task(self._bars.pop(""))
        if label not in self._bars:
            self._bars[label] = display.add_task(label)
        display.update(self._bars[label], completed=done, total=total)
