"""The command line as tests see it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from booklore_core.testing import BookLoreServer

in_every_dialect = pytest.mark.parametrize("dialect", ["booklore", "grimmory", "custom"], indirect=True)


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be one JSON document and nothing else."""
        return json.loads(self.out)


CTRL_C = "\x03"

Booklore = Callable[..., Ran]
"""Runs `booklore …`. stdin: standard input, which is no terminal."""

Install = Callable[[str, str], None]
"""Installs a third party's plugin, by name and the source of its module."""

Spool = Callable[[], Path]
"""Writes what the reader has written down so far into a spool file."""


def book_on(server: BookLoreServer, title: str) -> dict[str, Any]:
    """A book of the server's library, as the e-reader tells of it."""
    book = next(one for one in server.books.values() if one.title == title)
    return {
        "partial_md5": book.partial_md5,
        "file": f"/mnt/onboard/{book.file_name}",
        "size": len(book.read() or b""),
        "title": book.title,
        "authors": list(book.authors),
        "pages": 600,
    }


def on_a_terminal(arguments: list[str], typed: str) -> tuple[int, str, str]:
    """Exit code, standard output (no terminal) and what the terminal showed. Skips where Python has no terminals."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "booklore_core", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True) as ran:
        os.close(theirs)
        os.write(ours, typed.encode())
        out, _ = ran.communicate(timeout=60)
    told = b""
    try:
        while part := os.read(ours, 65536):
            told += part
    except OSError:
        pass  # Linux ends a terminal that nobody holds any more with an error
    os.close(ours)
    return ran.returncode, out.decode(), told.decode()


def in_a_dialog(arguments: list[str], *answers: tuple[str, str]) -> tuple[int, str]:
    """Exit code and what the terminal showed. answers: a part of each question, and what is then typed.

    A hidden question throws away what was typed before it; the blank at its end comes when it is ready. Skips where
    Python has no terminals.
    """
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "booklore_core", *arguments]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=hold_terminal
    ) as ran:
        os.close(theirs)
        killing = threading.Timer(60, ran.kill)
        killing.start()
        told = ""
        for question, typed in answers:
            told += read_until(ours, rf"(?s){re.escape(question)}.*: $")
            os.write(ours, typed.encode())
        again = threading.Timer(5, lambda: ran.poll() is None and typed == CTRL_C and os.write(ours, typed.encode()))
        again.start()  # Python loses a signal that comes just before it begins to read
        told += read_until(ours, "(?!)")
        again.cancel()
        killing.cancel()
    os.close(ours)
    return ran.returncode, told


def hold_terminal() -> None:
    """Makes standard input the terminal whose Ctrl-C this process gets."""
    import fcntl
    import termios

    heed_ctrl_c()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def heed_ctrl_c() -> None:
    """For a process that is about to begin: it would ignore SIGINT where the tests do, being run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_until(terminal: int, pattern: str) -> str:
    """What a terminal shows until that matches a pattern, or to its end."""
    import select

    told = ""
    while not re.search(pattern, told):
        ready, _, _ = select.select([terminal], [], [], 20)
        assert ready, f"{pattern} was not shown, but {told!r}"
        try:
            told += os.read(terminal, 65536).decode(errors="replace")
        except OSError:
            break  # Linux ends a terminal that nobody holds any more with an error
    return told


def shown_at(columns: int, *arguments: str, **environ: str) -> tuple[int, str]:
    """Exit code and all that a terminal of so many columns showed. Skips where Python has no terminals."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "TERM")}
    command = [sys.executable, "-m", "booklore_core", *arguments]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**known, "TERM": "xterm-256color", **environ},
    ) as ran:  # fmt: skip
        os.close(theirs)
        told = read_until(ours, "(?!)")
    os.close(ours)
    return ran.returncode, told.replace("\r\n", "\n")
