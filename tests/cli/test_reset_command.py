"""`booklore reset`: removes what is ours, and only while nobody uses it."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from cli_world import Booklore

from booklore_core.cli.commands.reset import alone
from booklore_core.cli.errors import Refused
from booklore_core.core import Core
from booklore_core.storage.occupancy import occupants, occupied
from booklore_core.storage.places import Places

Serve = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def serve(home: Path) -> Iterator[Serve]:
    """Starts `booklore serve` as a program of its own, and waits until it serves."""
    programs: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "booklore_core", "serve", "--port", "0"]
        programs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert "bridge on http" in programs[-1].stdout.readline()
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
        program.communicate()


def files(home: Path) -> set[str]:
    return {path.name for path in home.rglob("*") if path.is_file()}


def test_reset_without_yes_removes_nothing(booklore: Booklore, home: Path) -> None:
    booklore("status")

    ran = booklore("reset")

    assert ran.code == 1
    assert "--yes" in ran.err
    assert ran.err.count("\n") == 1
    assert (home / "booklore.sqlite").exists()


def left_in(home: Path) -> set[str]:
    """What a reset has left, but for the lock that it held: one that is removed could be held twice."""
    return {path.name for path in home.iterdir()} - {"running", "running.lock"}


def test_reset_removes_only_what_is_ours(booklore: Booklore, home: Path) -> None:
    booklore("config", "set", "booklore.password", "-", stdin="secret\n")
    (home / "config.toml").write_text("")
    (home / "holiday.jpg").write_text("")
    (home / "uploads" / "of-a-device").mkdir(parents=True)
    (home / "uploads" / "of-a-device" / "statistics.sqlite3").write_text("")

    ran = booklore("reset", "--yes")

    assert ran.code == 0
    assert str(home / "booklore.sqlite") in ran.out
    assert "looked for there before they are sent" in ran.out
    assert left_in(home) == {"config.toml", "holiday.jpg"}


def test_reset_leaves_a_database_elsewhere_alone(
    booklore: Booklore, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKLORE_DATABASE_URL", f"sqlite:///{tmp_path / 'mine.sqlite'}")
    booklore("config", "set", "booklore.password", "-", stdin="secret\n")

    ran = booklore("reset", "--yes")

    assert ran.code == 0
    assert "what was sent" not in ran.out
    assert (tmp_path / "mine.sqlite").exists()
    assert "outside" in ran.err
    assert left_in(home) == set()


def test_reset_of_nothing_is_no_mistake(booklore: Booklore, home: Path) -> None:
    assert booklore("reset", "--yes").code == 0
    assert not home.exists()


def test_reset_beside_a_serving_program_is_refused_and_removes_nothing(
    booklore: Booklore, home: Path, serve: Serve
) -> None:
    program = serve()
    before = files(home)

    ran = booklore("reset", "--yes")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (f"booklore: {home} is in use by booklore serve (process {program.pid}); stop it first\n")
    assert files(home) == before
    assert program.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_reset_works_once_the_program_has_ended_in_whatever_way(
    booklore: Booklore, home: Path, serve: Serve, number: signal.Signals
) -> None:
    program = serve()
    program.send_signal(number)
    program.wait(30)

    ran = booklore("reset", "--yes")

    assert (ran.code, ran.err) == (0, "")
    assert left_in(home) == set()


def test_other_commands_work_beside_a_serving_program(booklore: Booklore, home: Path, serve: Serve) -> None:
    serve()

    assert booklore("config", "set", "sync.silent", "true").code == 0
    assert len(occupants(home)) == 1


def test_core_that_opens_waits_for_the_end_of_a_reset(home: Path) -> None:
    home.mkdir()
    opened: list[Core] = []
    opening = threading.Thread(target=lambda: opened.append(Core(Places.from_environment())))

    with alone(home):
        opening.start()
        opening.join(0.5)
        assert opened == [] and not (home / "booklore.sqlite").exists()
    opening.join(30)

    assert (home / "booklore.sqlite").exists()
    assert len(occupants(home)) == 1
    opened[0].close()
    assert occupants(home) == []


def test_resets_and_openings_at_the_same_time_leave_nobody_in_an_unlinked_file(home: Path) -> None:
    """Whoever opens in between finds the folder either as it was or anew, and a file that is still there."""
    stop = threading.Event()

    def reset_again_and_again() -> None:
        while not stop.is_set():
            with suppress(Refused), alone(home):
                for path in home.glob("booklore.sqlite*"):
                    path.unlink()

    resetting = threading.Thread(target=reset_again_and_again)
    resetting.start()
    try:
        for number in range(20):
            with closing(Core(Places.from_environment())) as core:
                core.settings.set("sync.wake_delay", number)
                with closing(sqlite3.connect(home / "booklore.sqlite")) as seen:
                    assert dict(seen.execute("SELECT name, value FROM settings"))["sync.wake_delay"] == str(number)
    finally:
        stop.set()
        resetting.join()


def test_what_a_killed_process_left_behind_goes_with_the_next_opening(home: Path) -> None:
    (home / "running").mkdir(parents=True)
    (home / "running" / "booklore serve.4711.0123abcd").touch()

    with occupied(home):
        pass

    assert list((home / "running").iterdir()) == []


def test_folder_that_takes_no_locks_can_be_opened_all_the_same(home: Path) -> None:
    home.mkdir()
    (home / "running").touch()

    with occupied(home):
        pass


def test_json_names_what_was_removed(booklore: Booklore, home: Path) -> None:
    booklore("status")

    refused, removed, again = (
        booklore("reset", "--json"),
        booklore("reset", "--yes", "--json"),
        booklore("reset", "--json"),
    )

    assert (refused.code, refused.out) == (1, "")
    assert str(home / "booklore.sqlite") in removed.json["removed"]
    assert not any(Path(path).exists() for path in removed.json["removed"])
    assert (again.code, again.json) == (0, {"removed": []})
