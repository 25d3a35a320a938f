"""One clock for core, target and server, and the BookLore plugin running by it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from booklore_core import Fact, Section, Store, hookimpl
from booklore_targets import booklore
from booklore_targets.booklore.target import BookLore


class Clock:
    """Tells the time it was given, for core, target and server; waiting moves it."""

    def __init__(self, now: datetime) -> None:
        self.seconds = now.timestamp()

    def __call__(self) -> float:
        return self.seconds

    def utc(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def forward(self, seconds: float) -> None:
        self.seconds += seconds


class OnClock:
    """The BookLore plugin as it is shipped, on a clock of the test's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @hookimpl
    def register_settings(self) -> Any:
        return booklore.register_settings()

    @hookimpl
    def register_targets(self, settings: Section, store: Store, beside: Callable[..., Sequence[Fact]]) -> list[Any]:
        return [BookLore(settings, store, self._clock, self._clock.forward, beside)]
