"""What plugins say to events: in time, to what is still so, and one that fails alone."""

from __future__ import annotations

from typing import Any

import pytest
from bridge_world import DUNE, EReader

from booklore_core import AskReader, GoTo, HandOver, Remark, Schedule, Toast, hookimpl
from booklore_core.core import Core
from booklore_core.testing import sample_book

GOTO = {"type": "goto", "book": DUNE["partial_md5"], "position": "/body/p[9].0", "percent": 0.5}


class Librarian:
    """Leads to where the target says that the reader was."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @hookimpl
    def reply(self, event: Any, targets: Any) -> Any:
        self.asked.append(event.name)
        assert "nobody" not in targets
        if event.name == "book_open":
            yield GoTo(event.book.partial_md5, targets["bookworm"].about, 0.5)
        if event.name == "book_close":
            yield AskReader("Rate it?", on_ok=(Toast("Thanks"),))


class Failing:
    @hookimpl
    def reply(self, event: Any) -> Any:
        raise RuntimeError("no idea")


class Absurd:
    @hookimpl
    def reply(self, event: Any) -> Any:
        return ["shout"]


@pytest.fixture
def librarian(core: Core, bookworm: Any) -> Librarian:
    librarian = Librarian()
    bookworm.about = "/body/p[9].0"
    core.plugins.register("librarian", librarian)
    core.refresh()
    return librarian


def test_a_plugin_answers_an_opening(ereader: EReader, librarian: Librarian) -> None:
    assert ereader.hand_off(ereader.reader.open(DUNE))["effects"] == [GOTO]


def test_a_scheduled_action_may_say_what_it_is_about(core: Core, ereader: EReader) -> None:
    class Planner:
        @hookimpl
        def reply(self, event: Any) -> Any:
            yield Schedule(30, "sync_book", event.book.partial_md5, {"quick": True})
            yield Schedule(60, "about")

    core.plugins.register("planner", Planner())
    core.refresh()

    said = {"type": "schedule", "in": 30, "action": "sync_book", "book": DUNE["partial_md5"], "args": {"quick": True}}
    plain = {"type": "schedule", "in": 60, "action": "about"}
    assert ereader.hand_off(ereader.reader.open(DUNE))["effects"] == [said, plain]


def test_a_repeated_line_is_not_answered_again(ereader: EReader, librarian: Librarian) -> None:
    ereader.hand_off(ereader.reader.open(DUNE))

    assert ereader.hand_off()["effects"] == []


def test_an_opening_that_was_read_past_is_not_answered(ereader: EReader, librarian: Librarian) -> None:
    ereader.reader.open(DUNE)
    ereader.reader.turn(5)
    ereader.reader.checkpoint()
    ereader.reader.network()

    assert ereader.hand_off()["effects"] == []
    assert librarian.asked == ["page_turns", "network_connected"]


def test_a_close_is_answered_however_late_it_comes(ereader: EReader, librarian: Librarian) -> None:
    ereader.reader.read(DUNE, pages=0)
    ereader.reader.open(sample_book("Emma"))

    effects = ereader.hand_off()["effects"]

    confirm = {"type": "confirm", "text": "Rate it?", "ok": "OK", "cancel": "Cancel", "on_cancel": []}
    assert effects[0] == {**confirm, "on_ok": [{"type": "toast", "text": "Thanks"}]}
    assert librarian.asked == ["book_close", "book_open"]


@pytest.mark.parametrize("plugin", [Failing(), Absurd()])
def test_a_plugin_that_fails_costs_the_others_nothing(
    core: Core, ereader: EReader, librarian: Librarian, plugin: Any
) -> None:
    core.plugins.register("a_bad_one", plugin)
    core.refresh()

    assert ereader.hand_off(ereader.reader.open(DUNE))["effects"] == [GOTO]
    assert core.plugins.plugins["a_bad_one"].error


def test_a_remark_is_told_once_and_kept(core: Core, ereader: EReader) -> None:
    class Watchful:
        @hookimpl
        def reply(self, event: Any) -> Any:
            yield Remark("clash", event.book.ref, "Two of them do the same.")

    core.plugins.register("watchful", Watchful())
    core.refresh()

    told = [ereader.hand_off(ereader.reader.open(DUNE))["effects"] for _ in range(2)]

    assert told == [[{"type": "toast", "text": "Two of them do the same."}], []]
    assert core.database.value("SELECT remark FROM remarks") == "Two of them do the same."


def test_silent_mode_hides_what_is_said_and_nothing_else(core: Core, ereader: EReader, librarian: Librarian) -> None:
    core.settings.set("sync.silent", True)

    assert ereader.hand_off(ereader.reader.open(DUNE))["effects"] == [GOTO]


def test_a_device_with_more_lines_in_its_hands_is_told_with_the_last_of_them(
    ereader: EReader, librarian: Librarian
) -> None:
    opened, network = ereader.reader.open(DUNE), ereader.reader.network()

    assert ereader.hand_off(opened, waiting=2)["effects"] == []
    assert librarian.asked == []
    ereader.hand_off(network, waiting=1)
    assert librarian.asked == ["network_connected"]


class Curious:
    """Wants to hear of a reader soon."""

    def __init__(self, pages: int, seconds: int) -> None:
        self.wish = HandOver(pages, seconds)

    @hookimpl
    def hand_over(self) -> Any:
        yield self.wish


@pytest.mark.parametrize(("setting", "value"), [(None, None), ("sync.manual_only", True), ("sync.enabled", False)])
def test_checkpoints_are_handed_over_as_soon_as_any_plugin_wishes(core, ereader, setting, value) -> None:  # type: ignore[no-untyped-def]
    core.plugins.register("curious", Curious(10, 25))
    core.plugins.register("patient", Curious(20, 5))
    if setting:
        core.settings.set(setting, value)

    state = ereader.hand_off([])["state"]

    assert state["hand_over"] == (None if setting else {"pages": 10, "seconds": 5})
