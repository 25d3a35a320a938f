"""Work of plugins in threads of their own, so that nobody has to wait for one that hangs."""

import sys
import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

TICK = 10.0
"""Seconds between two signs of life of somebody who waits."""


class TookTooLong(Exception):
    """The work did not come back in time; its thread goes on, and nobody waits for it any more. The traceback ends
    where the thread was just then."""


class Watch(Generic[T]):
    """Work that has begun. work is given a function to call before each of its parts: the limit counts anew from there.

    Time is counted in waits, not by a clock: clocks are set, and frozen in tests.
    """

    def __init__(self, work: Callable[[Callable[[], None]], T], name: str) -> None:
        self._done, self._parts = Future[T](), 0
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True, name=name)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the work goes on."""
        return not self._done.done()

    def wait(self, limit: float, meanwhile: Callable[[], None] = lambda: None, tick: float = TICK) -> T:
        """What the work returns or raises. limit: seconds for each part. meanwhile: called at every tick; what it
        raises ends the waiting. Raises TookTooLong."""
        waited, parts = 0.0, self._parts
        while not futures.wait([self._done], min(tick, limit - waited)).done:
            waited, parts = (waited + min(tick, limit - waited), parts) if parts == self._parts else (0.0, self._parts)
            if waited >= limit:
                raise self.late(f"took longer than {limit:g} s")
            meanwhile()
        return self._done.result()

    def late(self, text: str = "an earlier call has not come back yet") -> TookTooLong:
        """The error that says so, and where the work is now."""
        frame, steps = sys._current_frames().get(self._thread.ident or 0), None
        while frame:
            steps, frame = TracebackType(steps, frame, frame.f_lasti, frame.f_lineno), frame.f_back
        return TookTooLong(text).with_traceback(steps)

    def _next_part(self) -> None:
        self._parts += 1

    def _run(self, work: Callable[[Callable[[], None]], T]) -> None:
        outcome = caught(lambda: work(self._next_part))
        if isinstance(outcome, Exception):
            self._done.set_exception(outcome)
        else:
            self._done.set_result(outcome)


def caught(work: Callable[[], T]) -> T | Exception:
    """What work returns or raises. What ends a program that does not expect it is a fault here."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 handed over to whoever asked
        return error
    except BaseException as error:  # noqa: BLE001
        told = RuntimeError(f"tried to end the program ({type(error).__name__}: {error})")
        return told.with_traceback(error.__traceback__)
