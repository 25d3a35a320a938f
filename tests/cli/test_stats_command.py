"""`booklore stats`, and the commands that let a browser in to the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from booklore_core.bridge.web.gate import Keys
from booklore_core.cli.app import app
from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import SampleReader, sample_book


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOOKLORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path / "home"


def opened(home: Path) -> Core:
    return Core(Places.from_environment({"BOOKLORE_HOME": str(home)}), environ={})


def run(*words: str, typed: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words), input=typed)
    return result.exit_code, result.output


def read(home: Path) -> None:
    core = opened(home)
    reader = SampleReader()
    reader.read(sample_book("Dune"), pages=60, seconds=60)
    reader.read(sample_book("Emma"), pages=15, seconds=60)
    core.take(reader.lines, "test")
    core.close()


def test_a_year_is_told_by_month_and_book(home: Path) -> None:
    read(home)

    code, said = run("stats", "--year", "2026")

    assert code == 0
    assert "2026: 1 h 15 min on 1 day, in 2 books" in said
    assert "November" in said and "Dune" in said and "1 h 00 min" in said


def test_the_same_as_json(home: Path) -> None:
    read(home)

    told = json.loads(run("stats", "--year", "2026", "--json")[1])

    assert (told["minutes"], told["days_read"], told["months"][10]) == (75, 1, 75)
    assert [(one["book"], one["minutes"]) for one in told["books"]] == [("Dune", 60), ("Emma", 15)]


def test_a_year_without_reading_says_where_the_past_comes_from(home: Path) -> None:
    code, said = run("stats", "--year", "1999")

    assert code == 0 and "booklore history extract" in said


def test_a_password_is_set_from_standard_input_and_forgotten(home: Path) -> None:
    code, said = run("bridge", "page-password", "--password-file", "-", typed="a long walk\n")
    assert code == 0 and "a long walk" not in said
    core = opened(home)
    assert Keys(core).is_password("a long walk") and not Keys(core).is_password("a long wal")

    assert json.loads(run("bridge", "page-password", "--forget", "--json")[1]) == {"has_password": False}
    assert not Keys(core).has_password
    core.close()


def test_a_short_password_is_refused_in_one_line() -> None:
    code, said = run("bridge", "page-password", "--password-file", "-", typed="short\n")

    assert code == 1 and "at least 8 letters" in said


def test_a_link_lets_in_once(home: Path) -> None:
    told = json.loads(run("bridge", "page-link", "--url", "https://books.example.org/sync", "--json")[1])

    start, _, key = told["url"].partition("?key=")
    core = opened(home)
    assert (start, told["expires_in"]) == ("https://books.example.org/sync/enter", 86400)
    assert Keys(core).use_link(key) and not Keys(core).use_link(key)
    core.close()
