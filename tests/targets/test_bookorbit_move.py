"""Moving house: all that was ever read goes to a BookOrbit that is set up years later, once, whatever is killed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from orbit_world import SECRET, OrbitWorld, dog_ear, highlight, orbit_world

from booklore_core import BookRef, Item, Request
from booklore_core.actions import start
from booklore_core.testing import MORNING, BookOrbitServer, SampleReader, answer_all, sample_book

EVENTS_A_SESSION, EVENTS_A_REQUEST = 2, 500


def past(world: OrbitWorld, count: int, books: int) -> list[Item]:
    """Ten years of an hour each day, or so."""
    told = []
    for number in range(count):
        one = world.books[number % books]
        start = MORNING - timedelta(days=3650) + number * timedelta(hours=2)
        body = {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"}
        body |= {"duration": 1500, "device": "kobo-7f3a", "start_percent": 0.1, "end_percent": 0.2, "turns": 30}
        book = BookRef(one.md5, one.title, tuple(one.authors), size=one.size)
        told.append(Item("session", f"past {number}", book, body, start))
    return told


def library(books: int) -> dict[str, object]:
    listed = [
        {
            "id": number, "libraryId": 1, "title": f"Book {number}", "authors": ["Somebody"], "sizeBytes": 1000,
            "fileName": f"{number}.epub", "md5": f"{number:032x}",
        }
        for number in range(1, books + 1)
    ]  # fmt: skip
    accounts = {"web_login": {"username": "admin", "password": "adminadmin"}}
    return {**accounts, "koreader_account": {"username": "reader", "password": SECRET}, "books": listed}


@pytest.mark.parametrize("count", [4_000, pytest.param(40_000, marks=pytest.mark.soak)])
def test_ten_years_arrive_in_full_requests(tmp_path: Path, count: int) -> None:
    with orbit_world(tmp_path / "home", library(300), BOOKLORE_BOOKORBIT__SINCE="all") as world:
        world.core.put(past(world, count, 300), "bookorbit")

        report = world.sync()

        assert world.core.pending() == {}
        assert report.total("delivered") == {"session": count}
        assert world.asked("/plugin/page-stats") <= -(-count * EVENTS_A_SESSION // EVENTS_A_REQUEST) + 1
        assert len(world.server.requests) <= world.asked("/plugin/page-stats") + 5
        assert sum(one["durationSeconds"] for one in world.server.sessions) == 1500 * count


def booklore(home: Path, url: str, *words: str) -> subprocess.Popen[str]:
    account = {"URL": url, "USERNAME": "reader", "PASSWORD": SECRET}
    environ = {**os.environ, **{f"BOOKLORE_BOOKORBIT__{name}": value for name, value in account.items()}}
    environ |= {"BOOKLORE_HOME": str(home), "BOOKLORE_BOOKLORE__ENABLED": "false"}
    command = [sys.executable, "-m", "booklore_core", *words]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def years(world: OrbitWorld) -> None:
    """Read before anybody had heard of BookOrbit."""
    reader = world.reader
    for number in range(60):
        reader.stars = 1 + number % 5
        reader.open(world.book(number % 3))
        reader.turn(10, 60)
        marks = [highlight(1 + one, MORNING + timedelta(minutes=one), note=f"note {one}") for one in range(number // 3)]
        reader.close(annotations=[*marks, *(dog_ear(20 + one) for one in range(number // 15))])
        reader.sleep(8000)
    world.clock.seconds = reader.now.timestamp()
    world.take()


def test_a_move_that_is_killed_goes_on_and_doubles_nothing(tmp_path: Path) -> None:
    with orbit_world(tmp_path / "home") as world:
        years(world)
        world.core.settings.set("bookorbit.since", "all")
        world.core.close()
        world.server.fail("delay_before:0.05", "* /", times=None)
        for after in (4, 2, 3, 1, 5):
            program = booklore(world.home, world.server.url, "sync", "--target", "bookorbit")
            begun = len(world.server.requests)
            while program.poll() is None and len(world.server.requests) < begun + after:
                time.sleep(0.005)
            program.send_signal(signal.SIGKILL)
            program.communicate()
            lapse(world)
        world.server.recover()
        for _ in range(3):
            world.core = world.open()
            world.clock.forward(86400)
            world.sync()
            world.core.close()
        world.core = world.open()

        assert world.core.pending() == {}
        assert len(world.server.sessions) == 60
        assert sum(one["durationSeconds"] for one in world.server.sessions) == 60 * 600
        marks = [(one["bookId"], one["pageno"]) for one in world.server.annotations]
        assert len(marks) == len(set(marks)) == 3 * 19
        assert len(world.server.bookmarks) == 3 * 3
        assert verified(world) == []


def lapse(world: OrbitWorld) -> None:
    """A killed process holds its lease for a minute."""
    with sqlite3.connect(world.home / "booklore.sqlite") as database:
        database.execute("DELETE FROM leases")


def verified(world: OrbitWorld) -> list[str]:
    result = answer_all(start(world.core, "verify", Request(args={"target": "bookorbit"})), [])
    return [*result.data["missing"], *result.data["duplicate"]]


def test_an_account_is_logged_in_to_and_only_its_md5_is_kept(tmp_path: Path) -> None:
    home, secret = tmp_path / "home", tmp_path / "secret"
    secret.write_text(SECRET)
    environ = {**os.environ, "BOOKLORE_HOME": str(home), "BOOKLORE_BOOKLORE__ENABLED": "false"}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "booklore_core", *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    with BookOrbitServer() as server:
        to = ("login", "--target", "bookorbit", "--url", f"{server.url}/", "--username", "reader")
        (tmp_path / "wrong").write_text("wrong")
        assert run(*to, "--password-file", str(tmp_path / "wrong")).returncode == 1
        done = run(*to, "--password-file", str(secret), "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        tested = run("test-connection", "--json")

    kept = "".join(file.read_bytes().decode("latin-1") for file in home.iterdir() if file.is_file())
    assert SECRET not in kept
    lines = {one["check"]: one for one in json.loads(tested.stdout)}
    assert lines["bookorbit"]["ok"]
    assert "dev-183ae7ad" in lines["bookorbit"]["detail"]
    assert "bookmarkSync" in lines["bookorbit"]["detail"]


def test_who_logs_in_is_owed_the_past_on_request(tmp_path: Path) -> None:
    reader, spool = SampleReader(), tmp_path / "spool.jsonl"
    environ = {**os.environ, "BOOKLORE_HOME": str(tmp_path / "home"), "BOOKLORE_BOOKLORE__ENABLED": "false"}
    environ["BOOKLORE_BOOKORBIT__PASSWORD"] = SECRET

    def run(*words: str) -> int:
        command = [sys.executable, "-m", "booklore_core", *words]
        return subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False).returncode

    with BookOrbitServer() as server:
        one = server.books[1]
        reader.read(sample_book(one.title, partial_md5=one.md5, size=one.size))
        spool.write_text(reader.spool())
        assert run("ingest", str(spool)) == 0
        assert run("login", "--target", "bookorbit", "--url", server.url, "--username", "reader", "--yes") == 0
        assert run("sync") == 0
        assert server.sessions == []

        assert run("config", "set", "bookorbit.since", "all") == 0
        assert run("sync", "--target", "bookorbit") == 0
        assert [held["durationSeconds"] for held in server.sessions] == [400]
        reader.sleep(7200)
        reader.read(sample_book(one.title, partial_md5=one.md5, size=one.size))
        spool.write_text(reader.spool())
        assert run("ingest", str(spool)) == 0
        assert run("sync") == 0
        assert [held["durationSeconds"] for held in server.sessions] == [400, 400]
