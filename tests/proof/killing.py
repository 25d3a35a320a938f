"""Processes that are killed with SIGKILL at seeded moments, and the e-reader that hands lines over to them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from books import TITLES
from databases import asked
from psycopg.errors import UndefinedTable
from scenario import CHANGES, Diary, Line

from booklore_core.testing import BookLoreServer, Record

LONG_AGO = datetime(2024, 3, 1, 8, 0, tzinfo=UTC)
"""When these devices read: before any time at which the tests are run."""

AHEAD = 120.0
"""Seconds by which each process is later than the one before."""


class EReader:
    """A diary and its spool: lines leave it only when they have been acknowledged, and are never handed over again."""

    def __init__(self, rng: random.Random, destination: str) -> None:
        self.rng, self.diary = rng, Diary("kobo-7f3a", LONG_AGO, destination=destination)
        self.acknowledged: set[str] = set()
        self._spool: list[Line] = []

    def live(self) -> None:
        """Reads once or twice, marks something, rates, and has done with a book."""
        diary = self.diary
        for _ in range(self.rng.randint(1, 2)):
            act = self.rng.choice((diary.read, diary.checkpoint, diary.wake, diary.nap, diary.run_dry))
            self._spool += act(self.rng.choice(TITLES)).lines
        change = diary.mark(self.rng.choice(TITLES), self.rng.choice(CHANGES))
        self._spool += change.lines + diary.rate(self.rng.choice(TITLES), self.rng.choice((None, 2, 5))).lines
        done = (diary.finish, diary.put_aside, diary.take_up, diary.delete, diary.bring_back)
        self._spool += self.rng.choice(done)().lines

    @property
    def spool(self) -> list[Line]:
        self._spool = [line for line in self._spool if line["id"] not in self.acknowledged]
        return self._spool


class Killer:
    """Kills one process at a moment of its life: at a request, or after so many seconds."""

    def __init__(self, rng: random.Random, server: BookLoreServer, longest: float, shortest: float = 0.0) -> None:
        self._requests_left = rng.randint(1, 15) if rng.random() < 0.4 else 0
        self._seconds = rng.uniform(shortest, longest)
        self._server, self._pid = server, 0
        self.has_killed = False

    @contextmanager
    def aimed_at(self, pid: int) -> Iterator[None]:
        """While this lasts the process may be killed at any moment."""
        self._pid = pid
        timer = threading.Timer(self._seconds, self._kill)
        if self._requests_left:
            self._server.on_request = self._count
        else:
            timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._pid = 0
            self._server.on_request = None

    def _count(self, record: Record) -> None:
        self._requests_left -= 1
        if self._requests_left == 0:
            self._kill()

    def _kill(self) -> None:
        pid = self._pid
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.has_killed = True


def lapse_lease(home: Path) -> None:
    """A minute passes: the lease of a killed process is over, if it came to have one."""
    if home.exists():
        with contextlib.suppress(sqlite3.OperationalError, UndefinedTable):  # killed before there were tables
            asked(home, "UPDATE leases SET expires_at = 0")


class Command:
    """`booklore …` in a process of its own."""

    def __init__(self, environ: dict[str, str], *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "booklore_core", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
        )

    def finish(self) -> int:
        """The exit code, negative for a process that was killed. Raises AssertionError for a traceback."""
        _, errors = self.process.communicate(timeout=60)
        assert "Traceback" not in errors, errors
        return self.process.returncode

    def first_line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline()


class Zygote:
    """The program that forks the processes."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._program = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )

    def round(self, number: int, reader: EReader, killer: Killer) -> None:
        """One process, killed or not, and what it acknowledged until then."""
        assert self._program.stdin and self._program.stdout
        told = {"ahead": number * AHEAD, "lines": reader.spool, "chunk": reader.rng.randint(1, 6)}
        self._program.stdin.write(json.dumps(told) + "\n")
        self._program.stdin.flush()
        words = self._program.stdout.readline().split()
        assert words[0] == "pid", words
        with killer.aimed_at(int(words[1])):
            while (words := self._program.stdout.readline().split())[0] != "ended":
                if words[0] == "ack":
                    reader.acknowledged.update(words[1:])

    def close(self) -> None:
        self._program.communicate(timeout=60)
