"""Lines by a wrong clock at the terminal: taken as far as they can be, shown, and placed by a person."""

from datetime import UTC, datetime
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
    assert as_json["quarantine"]["reason"].startswith(
        "at: by the device's clock it was written at 2012-01-01 00:06 UTC"
    )
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
