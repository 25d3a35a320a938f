"""Ctrl-C ends any command with 130, and one line that says what was done until then."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cli_world import Booklore, Spool, book_on, heed_ctrl_c, in_a_dialog

from booklore_core.testing import BookLoreServer, SampleReader, sample_book

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGINT to another process")

TRACE = ("Traceback", "KeyboardInterrupt")


def stopped(arguments: list[str], when: Callable[[], bool]) -> tuple[int, str, str]:
    """Exit code, standard output and error of a command that is interrupted as soon as something is so."""
    command = [sys.executable, "-m", "booklore_core", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, preexec_fn=heed_ctrl_c, **pipes) as ran:
        wait_until(when)
        ran.send_signal(signal.SIGINT)
        out, err = ran.communicate(timeout=20)
    assert not any(word in err for word in TRACE)
    return ran.returncode, out, err


def wait_until(when: Callable[[], bool]) -> None:
    for _ in range(2000):
        if when():
            return
        time.sleep(0.01)
    raise AssertionError("it never came so far")


@pytest.mark.parametrize("dialect", ["booklore"], indirect=True)
def test_sync_tells_how_much_was_delivered_and_the_next_one_sends_the_rest(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool, home: Path
) -> None:
    for title in ("Dune", "Dune", "Dune", "Emma", "Emma"):
        reader.read(book_on(account, title))
    booklore("ingest", spool())
    account.fail("delay_before:60", "POST /api/v1/reading-sessions$", times=None, after=3)

    code, out, err = stopped(["sync"], lambda: len(account.sessions) == 3)

    assert (code, out) == (130, "")
    assert err.startswith("booklore: stopped: 2 books matched, 3 of 5 delivered to booklore; the same command")
    assert err.count("\n") == 1
    account.recover()
    booklore("config", "set", "booklore.repeat_after", "0")
    assert booklore("sync", "--json").json["delivered"] == {"session": 2}


def test_ingest_tells_how_many_lines_were_taken_and_the_next_one_takes_the_rest(
    booklore: Booklore, home: Path, tmp_path: Path
) -> None:
    reader, path = SampleReader(), tmp_path / "many.jsonl"
    for _ in range(600):
        reader.read(sample_book(), pages=1)
    path.write_text(reader.spool())
    count = len(reader.spool().splitlines())
    command = [sys.executable, "-m", "booklore_core", "ingest", "-"]

    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, preexec_fn=heed_ctrl_c, **pipes) as ran:
        assert ran.stdin
        ran.stdin.write(path.read_bytes())
        ran.stdin.flush()
        wait_until(lambda: asked(home, "SELECT COUNT(*) FROM events") == 1000)
        ran.send_signal(signal.SIGINT)
        err = ran.communicate(timeout=20)[1].decode()

    told = "booklore: stopped: 1000 lines taken, 0 known already; the same command goes on there the next time\n"
    assert (ran.returncode, err) == (130, told)
    assert booklore("ingest", path, "--json").json == {"accepted": count - 1000, "repeated": 1000, "rejected": []}


def asked(home: Path, sql: str) -> int:
    """A number from the database, 0 before there is one."""
    try:
        with closing(sqlite3.connect(home / "booklore.sqlite")) as database:
            return int(database.execute(sql).fetchone()[0])
    except sqlite3.Error:
        return 0


@pytest.mark.parametrize("command", ["test-connection", "login --yes", "sync", "match --auto"])
def test_a_command_that_waits_for_a_server_ends_at_once(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool, command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    reader.read(book_on(account, "Dune"))
    booklore("ingest", spool())
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        monkeypatch.setenv("BOOKLORE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        silent.settimeout(20)

        code, out, err = stopped(command.split(), lambda: bool(silent.accept()))

    assert (code, out, err) == (130, "", "booklore: stopped\n")


def test_a_question_is_no_place_where_it_is_lost(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    """The end of input cancels a question; Ctrl-C ends the command."""
    for title in ("Unheard of", "Nor of this"):
        reader.read(sample_book(title))
    booklore("ingest", spool())

    code, told = in_a_dialog(["match"], ("", "\x03"))

    assert code == 130
    assert told.splitlines()[-1] == "booklore: stopped"


@pytest.mark.parametrize("arguments", [["reset"], ["config", "set", "booklore.password"]], ids=" ".join)
def test_nothing_is_done_where_a_person_is_asked_and_stops(
    booklore: Booklore, account: BookLoreServer, arguments: list[str]
) -> None:
    booklore("config", "set", "sessions.min_pages", "7")

    code, told = in_a_dialog(arguments, ("", "\x03"))

    assert (code, told.splitlines()[-1]) == (130, "booklore: stopped")
    assert booklore("config", "get", "sessions.min_pages").out == "7\n"


def test_what_was_matched_until_then_is_told(
    booklore: Booklore, account: BookLoreServer, reader: SampleReader, spool: Spool
) -> None:
    for title in ("Emma Annotated", "Dune Annotated"):
        reader.read(sample_book(title))
    booklore("ingest", spool())

    code, told = in_a_dialog(["match"], ("by hand", "y\n"), ("1 of 2", "1\n"), ("2 of 2", "\x03"))

    assert code == 130
    assert "booklore: stopped: 1 book matched" in told.splitlines()[-1]
