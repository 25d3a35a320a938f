"""The yearly reading goal: what counts, when it is met, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from booklore_core import BookRef, Item
from booklore_core.bridge.replies import Replies
from booklore_core.bridge.workers import Workers
from booklore_core.cli.plugin_view import plugin_json
from booklore_core.core import Core
from booklore_core.flows import Request
from booklore_core.testing import FakePlugin, FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
PLUGINS = ("sessions", "finished", "goals")
OpenCore = Callable[..., Core]


@pytest.fixture
def board() -> FakeTarget:
    """A third party's target, for goals alone."""
    return FakeTarget("board", kinds={"goal"})


@pytest.fixture
def aiming(open_core: OpenCore, board: FakeTarget) -> Callable[..., Core]:
    def aim(**goals: int) -> Core:
        environ = {f"BOOKLORE_GOALS__{name.upper()}": str(aim) for name, aim in goals.items()}
        core = open_core(plugins=PLUGINS, **environ)
        core.plugins.register("boards", FakePlugin([board]))
        core.refresh()
        return core

    return aim


@pytest.fixture
def reader() -> SampleReader:
    return SampleReader()


@pytest.fixture
def replies() -> Iterator[Callable[[Core, SampleReader], list[str]]]:
    """Hands lines over and tells what the reader is shown."""

    def hand_over(core: Core, reader: SampleReader) -> list[str]:
        taken = core.take(reader.lines, "test")
        reader.lines.clear()
        effects = Replies(core, Workers()).gather(reader.device, taken.events, 10)
        return [effect["text"] for effect in effects if effect["type"] == "info"]

    yield hand_over


def menu_line(core: Core) -> str | None:
    plugin_action = core.plugin_actions.get("reading_goal")
    return plugin_action and plugin_action[1].text(core)


def last(board: FakeTarget) -> Any:
    return board.received[-1].body


def test_without_a_goal_there_is_nothing(open_core: OpenCore, reader: SampleReader) -> None:
    core = open_core(plugins=PLUGINS)
    reader.read(DUNE)
    core.take(reader.lines, "test")

    assert "goal" not in core.kinds
    assert menu_line(core) is None
    assert core.database.rows("SELECT 1 FROM items WHERE kind LIKE 'goal%'") == []
    assert plugin_json(core, core.plugins.plugins["goals"])["notes"] == [
        "it does nothing until goals.minutes or goals.books is set: `booklore config set`"
    ]


def test_minutes_are_those_of_the_sessions_at_once(
    aiming: Callable[..., Core], board: FakeTarget, reader: SampleReader
) -> None:
    core = aiming(minutes=600)
    reader.read(DUNE, 60, 60)
    reader.wait(3600)
    reader.read(EMMA, 30, 60)

    core.take(reader.lines, "test")
    core.sync()

    assert [item.body for item in board.received] == [
        {"year": 2026, "minutes": 90, "minutes_goal": 600, "books": 0, "books_goal": None, "met": ""}
    ]
    assert menu_line(core) == "Reading goal: 90 of 600 minutes"


@pytest.mark.parametrize("piecewise", [True, False])
def test_same_lines_count_the_same_in_one_piece_or_many(
    aiming: Callable[..., Core], board: FakeTarget, reader: SampleReader, piecewise: bool
) -> None:
    core = aiming(minutes=600, books=2)
    for book in (DUNE, EMMA, DUNE):
        reader.status = "complete" if book is EMMA else "reading"
        reader.read(book, 20, 60)
        reader.wait(3600)

    for lines in [[line] for line in reader.lines] if piecewise else [reader.lines]:
        core.take(lines, "test")
    core.take(reader.lines, "again")
    core.sync()

    assert last(board) == {
        "year": 2026, "minutes": 60, "minutes_goal": 600, "books": 1, "books_goal": 2, "met": "",
    }  # fmt: skip


def test_books_count_in_the_year_in_which_they_were_finished(
    aiming: Callable[..., Core], board: FakeTarget, clock: Any, reader: SampleReader
) -> None:
    core = aiming(books=2)
    reader.status = "complete"
    reader.read(DUNE)
    core.take(reader.lines, "test")

    clock.forward(days=60)
    reader.sleep(60 * 86400)
    reader.read(DUNE)
    reader.read(EMMA)
    core.take(reader.lines, "test")
    core.sync()

    years = {item.key: item.body for item in board.received}
    assert (years["2026"]["books"], years["2026"]["met"]) == (1, "")
    assert (years["2027"]["books"], years["2027"]["met"]) == (1, "")


def test_past_reading_counts_as_soon_as_a_goal_is_set(
    open_core: OpenCore, board: FakeTarget, reader: SampleReader
) -> None:
    core = open_core(plugins=PLUGINS)
    core.plugins.register("boards", FakePlugin([board]))
    reader.read(DUNE, 60, 60)
    core.take(reader.lines, "test")
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    body = {"start": "2026-03-01T00:00:00Z", "duration": 7200, "source": "statistics"}
    core.put([Item("session", "past", BookRef(EMMA["partial_md5"]), body, begun)], "history")

    core.settings.set("goals.minutes", 600)
    core.refresh()
    assert menu_line(core) == "Reading goal: 180 of 600 minutes"
    core.put(run(core).items, "goals")
    core.sync()

    assert last(board)["minutes"] == 180


def run(core: Core) -> Any:
    flow = core.plugin_actions["reading_goal"][1].run(core, Request())
    with pytest.raises(StopIteration) as end:
        next(flow)
    return end.value.value


def test_reader_is_told_once_across_restarts_and_devices(
    aiming: Callable[..., Core], reader: SampleReader, replies: Callable[[Core, SampleReader], list[str]]
) -> None:
    core, other = aiming(minutes=60, books=1), SampleReader("kindle-1")
    reader.read(DUNE, 30, 60)
    assert replies(core, reader) == []
    reader.wait(3600)
    reader.status = "complete"
    reader.read(DUNE, 30, 60)

    assert replies(core, reader) == ["You have met your reading goal of 2026: 60 of 60 minutes and 1 of 1 book."]
    again = aiming(minutes=60, books=1)
    other.now = reader.now
    other.read(EMMA)
    assert replies(again, other) == []
    higher = aiming(minutes=65, books=1)
    other.read(EMMA)
    assert replies(higher, other) == ["You have met your reading goal of 2026: 73 of 65 minutes."]


def test_what_a_spool_brought_is_told_at_the_next_contact(
    aiming: Callable[..., Core], reader: SampleReader, replies: Callable[[Core, SampleReader], list[str]]
) -> None:
    core = aiming(minutes=30)
    reader.read(DUNE, 30, 60)
    core.take(reader.lines, "a spool")
    reader.lines.clear()

    reader.open(EMMA)

    assert replies(core, reader) == ["You have met your reading goal of 2026: 30 of 30 minutes."]


def test_goals_can_be_read_by_sql(aiming: Callable[..., Core], reader: SampleReader) -> None:
    core = aiming(minutes=30)
    reader.read(DUNE, 30, 60)
    core.take(reader.lines, "test")
    columns = "year, minutes, minutes_goal, books, books_goal, met"
    expected = {"year": 2026, "minutes": 30, "minutes_goal": 30, "books": 0, "books_goal": None, "met": "minutes"}

    assert core.database.rows(f"SELECT {columns} FROM pending_goals") == [expected]
    assert core.kinds.short_counts(core.pending()) == "1G"
    core.sync()
    assert core.database.rows(f"SELECT {columns} FROM synced_goals") == [expected]
