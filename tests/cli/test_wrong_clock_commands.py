"""Lines by a wrong clock at the terminal: taken as far as they can be, shown, and placed by a person."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_world import Booklore, Spool

from booklore_core.testing import SampleReader, sample_book


@pytest.fixture
def two_lines_of_2012(booklore: Booklore, reader: SampleReader, spool: Spool) -> Path:
    """Read on a good day, by a clock that was reset, and on another good day."""
    reader.read(sample_book())
    good, reader.now = reader.now, datetime(2012, 1, 1, tzinfo=UTC)
    reader.read(sample_book("Emma"))
    reader.now = good.replace(day=good.day + 1)
    reader.read(sample_book())
    path = spool()
    assert booklore("ingest", path).code == 1
    return path


def ids(booklore: Booklore) -> list[int]:
    return sorted(one["id"] for one in booklore("quarantine", "list", "--json").json)


@pytest.mark.usefixtures("two_lines_of_2012")
def test_status_tells_how_many_wait_and_why(booklore: Booklore) -> None:
    ran, as_json = booklore("status"), booklore("status", "--json").json

    assert as_json["quarantine"]["lines"] == 2
    assert as_json["quarantine"]["reason"].startswith("by the device's clock it was written at 2012-01-01 00:06 UTC")
    assert as_json["pending"] == {"session": 2}
    assert "2 lines of the devices wait in quarantine" in ran.out and "2012-01-01" in ran.out
    assert "booklore quarantine place" in booklore("quarantine", "list").err


def test_lines_are_placed_and_known_from_then_on(booklore: Booklore, two_lines_of_2012: Path) -> None:
    placed = booklore("quarantine", "place", *ids(booklore), "--at", "2026-11-20T21:30Z", "--json")

    assert (placed.code, placed.json) == (0, {"taken": 2, "left": 0})
    assert booklore("status", "--json").json["pending"] == {"session": 3}
    assert booklore("ingest", two_lines_of_2012, "--json").json == {"accepted": 0, "repeated": 6, "rejected": []}


@pytest.mark.usefixtures("two_lines_of_2012")
@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("tomorrow", "tomorrow is no time"),
        ("2026-11-19T10:00Z", "lines that were written before it say 2026-11-20"),
        ("2012-01-01T00:00Z", "that clock had been reset"),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_nothing_changes(booklore: Booklore, at: str, said: str) -> None:
    ran = booklore("quarantine", "place", *ids(booklore), "--at", at)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert said in ran.err
    assert len(ids(booklore)) == 2


def set_back_in_one_boot(reader: SampleReader) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Two sessions by a clock that is five hours ahead, the second one begun by it, and what was read after that."""
    reader.up, reader.boot, reader.now = 1000, "1a2b3c4d", reader.now + timedelta(hours=5)
    reader.read(sample_book())
    reader.open(sample_book())
    reader.turn(5, 60)
    reader.checkpoint()
    wrong = [*reader.lines]
    reader.now -= timedelta(hours=5)
    reader.turn(5, 60)
    reader.close()
    reader.start("2b3c4d5e", seconds=40_000)
    reader.read(sample_book())
    return wrong, reader.lines[len(wrong) :]


def written(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "booklore.sqlite")) as database:
        rows = database.execute("SELECT strftime('%H:%M', at, 'unixepoch') FROM events ORDER BY ord")
        return [time for (time,) in rows]


TRUE = ["08:00", "08:06", "08:06", "08:11", "08:16", "19:23", "19:30"]
"""When the lines were written by a clock that is right."""


def test_a_clock_that_was_set_back_between_two_files_of_a_folder_is_set_right_in_both(
    booklore: Booklore, reader: SampleReader, tmp_path: Path, home: Path
) -> None:
    for number, lines in enumerate(set_back_in_one_boot(reader)):
        (tmp_path / f"{number}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    ran = booklore("ingest", tmp_path, "--json")

    assert (ran.code, ran.json) == (0, {"accepted": 7, "repeated": 0, "rejected": []})
    assert written(home) == TRUE
    assert booklore("ingest", tmp_path, "--json").json == {"accepted": 0, "repeated": 7, "rejected": []}


@pytest.mark.parametrize("count", [496, 997, 1500])
def test_a_clock_that_was_set_back_is_set_right_in_a_file_that_is_taken_in_parts(
    booklore: Booklore, reader: SampleReader, spool: Spool, home: Path, count: int
) -> None:
    for _ in range(count):
        reader.network()
    set_back_in_one_boot(reader)

    ran = booklore("ingest", spool())

    assert (ran.code, ran.err) == (0, "")
    assert written(home)[count:] == TRUE


def test_who_places_lines_is_told_what_contradicts_them_and_how_to_insist(
    booklore: Booklore, reader: SampleReader, tmp_path: Path
) -> None:
    for number, lines in enumerate(set_back_in_one_boot(reader)):
        path = tmp_path / f"{number}.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines[:2]))
        booklore("ingest", path)
    place = ("quarantine", "place", *ids(booklore), "--at", "2026-11-20T08:16:40Z")

    refused, taken = booklore(*place), booklore(*place, "--insist", "--json")

    assert refused.code == 1
    assert "by your word it was written at 2026-11-20 08:16 UTC, but lines" in refused.err
    assert "if you are sure, say --insist" in refused.err
    assert (taken.code, taken.json) == (0, {"taken": 1, "left": 0})


@pytest.mark.usefixtures("two_lines_of_2012")
def test_each_reason_is_told_when_lines_are_refused_for_several(booklore: Booklore, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"v":torn\n')
    booklore("ingest", other)

    ran = booklore("quarantine", "place", *ids(booklore), "--at", "2031-01-01T00:00Z")

    assert ran.code == 1
    assert "0 lines taken in, 3 still in quarantine" in ran.err
    assert "which is yet to come" in ran.err and "it is no JSON" in ran.err


def test_lines_that_are_taken_because_one_of_their_boot_is_placed_are_told(
    booklore: Booklore, reader: SampleReader, spool: Spool
) -> None:
    reader.up, reader.boot, reader.now = 10, "1a2b3c4d", datetime(2012, 1, 1, tzinfo=UTC)
    reader.read(sample_book())
    booklore("ingest", spool())
    first, _ = ids(booklore)

    ran = booklore("quarantine", "place", first, "--at", "2026-11-20T08:00Z")

    assert ran.out == "2 lines taken in, 1 of them because the same boot wrote them, 0 still in quarantine\n"
