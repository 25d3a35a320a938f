"""A machine whose power fails at one step: a database statement, a commit or an HTTP exchange."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import databases
from requests.adapters import HTTPAdapter
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

BEFORE, AFTER = "before", "after"
_running: list[Machine] = []


class PowerCut(BaseException):
    """The process ends here. Whoever catches it comes no further: every step that follows raises it again."""


class Machine:
    """Counts steps, and loses power before or after the effect of the one called cut_at (from 1 on).

    At that moment the home folder is copied to `image`: just what a killed process leaves to the next one. Whatever the
    dying process still does to its own files changes nothing any more, and the network is out of its reach. A database
    on a server loses its connections, and is the image's from then on.

    changes: how many commits there were that changed something on such a server.
    """

    def __init__(self, home: Path, image: Path, cut_at: int = 0, side: str = BEFORE, torn: bool = False) -> None:
        self.home, self.image, self.cut_at, self.side, self.torn = home, image, cut_at, side, torn
        self.steps = 0
        self.is_dead = False
        self.changes = 0
        self.before_step: Callable[[], object] = lambda: None
        self._synced = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """One step: the body is its effect."""
        if self.is_dead:
            raise PowerCut
        self.before_step()
        self.steps += 1
        is_last = self.steps == self.cut_at
        if is_last and self.side == BEFORE:
            self.fail()
        yield
        if is_last and self.side == AFTER:
            self.fail()

    def fail(self) -> None:
        self.is_dead = True
        if there := databases.on_postgresql():
            there.leave(self.home, self.image)
        if self.home.exists():
            shutil.copytree(self.home, self.image)
        else:
            self.image.mkdir()
        if self.torn:
            self._tear()
        raise PowerCut

    def note_sync(self) -> None:
        """A commit has returned: with synchronous=FULL, what is in the log by now survives a loss of power."""
        self._synced = size_of(self.log_of(self.home))

    def log_of(self, home: Path) -> Path:
        return home / "booklore.sqlite-wal"

    def _tear(self) -> None:
        """Takes from the image what was never synced, and leaves rubbish in its place."""
        log = self.log_of(self.image)
        if size_of(log) > self._synced:
            with log.open("r+b") as file:
                file.truncate(self._synced)
                file.seek(self._synced)
                file.write(b"\x5a" * 700)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def step() -> Iterator[None]:
    """A step of the machine that is running, if one is: for whatever has effects beyond database and HTTP."""
    if not _running:
        yield
        return
    with _running[-1].step():
        yield


@contextmanager
def powered(machine: Machine) -> Iterator[Machine]:
    """While this lasts every database statement, commit and HTTP exchange of the process is a step of machine.

    What a process raises whose power has failed reaches nobody.
    """
    steps: dict[int, Any] = {}

    def before(connection: Any, cursor: Any, sql: str, values: Any, context: Any, many: bool) -> None:
        begun = steps[id(context)] = machine.step()
        begun.__enter__()

    def after(connection: Any, cursor: Any, sql: str, values: Any, context: Any, many: bool) -> None:
        finish(steps.pop(id(context)))

    commit, send = DefaultDialect.do_commit, HTTPAdapter.send

    def committing(self: Any, connection: Any) -> None:
        with machine.step():
            machine.changes += self.name == databases.POSTGRESQL and changes_something(connection)
            commit(self, connection)
            machine.note_sync()

    def sending(self: Any, *given: Any, **more: Any) -> Any:
        with machine.step():
            return send(self, *given, **more)

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    DefaultDialect.do_commit, HTTPAdapter.send = committing, sending  # type: ignore[method-assign]
    _running.append(machine)
    try:
        yield machine
    except BaseException:
        if not machine.is_dead:
            raise
    finally:
        _running.remove(machine)
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)
        DefaultDialect.do_commit, HTTPAdapter.send = commit, send  # type: ignore[method-assign]


def changes_something(connection: Any) -> bool:
    """Whether a transaction on a PostgreSQL server has written anything."""
    return connection.execute("SELECT pg_current_xact_id_if_assigned()").fetchone()[0] is not None


def finish(begun: Any) -> None:
    """Ends a step that went well; the power may fail right after it."""
    begun.__exit__(None, None, None)
