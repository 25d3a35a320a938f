"""A database of the Lua plugin in which hardly a row is as it should be: each becomes what it means, or is told."""

from pathlib import Path

import pytest
from lua_world import open_world

ODD = Path(__file__).parents[1] / "captures" / "lua_plugin" / "booklore-sync-odd.sqlite"
ALPHA, BETA = "a" * 32, "b" * 32
SECRET = "00123"


@pytest.fixture
def world(tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock)


@pytest.fixture
def result(world):
    return world.take_over(ODD)


def test_sessions_that_can_be_believed_become_facts_once(world, result):
    assert result.ok
    assert world.spans() == [
        ("01-01 10:00", "01-01 10:20", 1200),
        ("01-02 10:00", "01-02 10:20", 1200),
        ("01-03 10:00", "01-03 10:20", 1200),
        ("03-01 20:00", "03-01 20:30", 1800),
        ("03-02 20:00", "03-02 20:01", 60),  # 420 s in one minute
        ("03-03 20:00", "03-03 20:10", 600),
        ("03-05 20:00", "03-05 20:10", 600),  # no digest, but the number of a book that has one
    ]


def test_each_session_belongs_to_its_book(world, result):
    of_book = {(item.book.title, item.body["start"][:10]) for item in world.items("session")}

    assert {day for title, day in of_book if title == "Beta\nSecond line"} == {"2026-03-03"}
    assert {day for title, day in of_book if title == "Gamma"} == {"2025-01-03"}
    assert {item.book.partial_md5 for item in world.items("session") if item.book.title != "Gamma"} == {ALPHA, BETA}


def test_what_was_sent_counts_as_delivered_and_the_rest_is_due(world, result):
    states = world.states()

    assert [key for key, state in states.items() if state == "delivered"] == [f"lua:{ALPHA}:1735725600"]
    assert len(states) - 1 == world.core.pending()["session"] == 6


def test_rows_that_no_session_can_be_are_told(world, result):
    told = "\n".join(world.remarks())

    assert "it ends before it begins" in told
    assert "it began before there was KOReader" in told
    assert "longer than from its start to its end" in told


def test_a_book_that_is_not_tracked_stays_so(world, result):
    assert world.core.books.untracked() == [BETA]
    assert "untracked.epub" in world.take_over(ODD, dry_run=True).message


def test_texts_that_look_like_numbers_stay_as_they_are(world, result):
    assert world.core.settings["booklore.koreader_password"] == SECRET
    assert world.core.settings["booklore.koreader_username"] == "1e5"


def test_a_setting_that_is_null_is_none(world, result):
    assert world.core.settings.value("sessions.min_duration").source == "default"
    assert world.core.settings["sessions.decimals"] == 2


def test_a_plugin_that_was_off_leaves_sync_off(world, result):
    assert world.core.settings["sync.enabled"] is False
    assert "switched off" in result.message


def test_a_deletion_is_asked_about_before_anything_is_done(world, result):
    assert world.items("deletion") == []
    (question,) = world.core.questions()
    assert "deleted on the e-reader" in question

    world.core.outbox.answer(question, True, world.clock())

    (deletion,) = world.items("deletion")
    assert deletion.body["policy"] == "unshelve"


def test_no_secret_is_told_or_kept_where_others_read(world, result):
    told = f"{result.message} {result.data} {world.everything_kept()} {world.take_over(ODD, dry_run=True).message}"

    assert SECRET not in told


def test_a_second_time_changes_nothing(world, result):
    before = world.everything()

    again = world.take_over(ODD)

    assert world.everything() == before
    assert again.data["news"] == 0
    assert "taken over before" in again.message
    assert "accounted for" not in again.message


def test_a_dry_run_changes_nothing(world):
    before = world.everything()

    told = world.take_over(ODD, dry_run=True)

    assert world.everything() == before
    assert told.data["session"] == {"delivered": 1, "perhaps": 3, "due": 3, "capped": 1, "left_out": 2}


def test_a_no_changes_nothing(world):
    before = world.everything()

    assert not world.take_over(ODD, answer=False).ok
    assert world.everything() == before
