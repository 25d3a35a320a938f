"""What becomes a reading session, how long it is, and what the old plugin got wrong about it."""

import pytest

from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")


def test_opening_reading_and_closing_is_a_session(sessions):
    reader = SampleReader()
    reader.read(DUNE, pages=10, seconds=40)

    [session] = sessions(reader)

    assert (session["start"], session["end"]) == ("2026-11-20T08:00:00Z", "2026-11-20T08:06:40Z")
    assert (session["duration"], session["turns"]) == (400, 10)
    assert (session["start_page"], session["end_page"]) == (1, 11)
    assert session["start_percent"] == pytest.approx(1 / 600)
    assert session["end_position"] == "/body/p[11].0"
    assert (session["device"], session["format"]) == ("kobo-7f3a", "epub")


def test_waking_up_and_falling_asleep_is_a_session(sessions):
    reader = SampleReader()
    reader.read(DUNE)
    reader.open(DUNE)
    reader.turn(5)
    reader.suspend()
    reader.sleep(3600)
    reader.resume()
    reader.turn(6)
    reader.suspend()

    assert [session["turns"] for session in sessions(reader)] == [10, 5, 6]


@pytest.mark.parametrize(
    ("pages", "seconds", "expected"), [(1, 30, 1), (1, 29, 0), (0, 0, 0), (30, 1, 1), (29, 1, 0), (1, 600, 1)]
)
def test_in_duration_mode_thirty_seconds_and_a_turn_are_a_session(sessions, pages, seconds, expected):
    reader = SampleReader()
    reader.read(DUNE, pages=pages, seconds=seconds)

    assert len(sessions(reader)) == expected


def test_without_a_turn_it_is_no_session_however_long(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.wait(1800)
    reader.close()

    assert sessions(reader) == []


@pytest.mark.parametrize(("pages", "expected"), [(5, 1), (4, 0)])
def test_in_pages_mode_five_turns_are_a_session_however_short(sessions, pages, expected):
    reader = SampleReader()
    reader.read(DUNE, pages=pages, seconds=1)

    assert len(sessions(reader, mode="pages")) == expected


def test_the_thresholds_are_settings(sessions):
    reader = SampleReader()
    reader.read(DUNE, pages=2, seconds=40)

    assert sessions(reader, min_duration=81) == []


def test_turning_back_and_forth_is_reading_because_turns_are_counted_not_the_difference_of_pages(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(6)
    reader.page = 1
    reader.close()

    [session] = sessions(reader)

    assert session["start_page"] == session["end_page"] == 1
    assert session["turns"] == 6


def test_a_book_left_open_counts_ten_minutes_because_nobody_reads_a_page_for_hours(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(2, 60)
    reader.wait(3 * 3600)
    reader.close()

    [session] = sessions(reader)

    assert session["duration"] == 2 * 60 + 600
    assert session["end"] == "2026-11-20T08:12:00Z"


def test_suspend_then_close_in_quick_succession_is_one_stretch(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(10)
    reader.suspend()
    reader.sleep(2)
    reader.close()

    [session] = sessions(reader)

    assert session["end"] == "2026-11-20T08:06:40Z"


def test_a_dead_battery_ends_the_session_at_its_last_checkpoint_where_the_old_plugin_lost_it(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(5)
    reader.checkpoint()
    reader.turn(5)
    reader.checkpoint()
    reader.turn(4)
    reader.die()
    reader.sleep(7200)
    reader.open(EMMA)

    [session] = sessions(reader)

    assert (session["end"], session["turns"], session["duration"]) == ("2026-11-20T08:06:40Z", 10, 400)


def test_a_stretch_that_goes_on_is_no_session_yet(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(10)
    reader.checkpoint()

    assert sessions(reader) == []


def test_two_books_alternating_are_each_their_own(sessions):
    reader = SampleReader()
    for book in (DUNE, EMMA, DUNE, EMMA):
        reader.read(book)

    found = sessions(reader)

    assert [session["start_page"] for session in found] == [1, 11, 1, 11]  # by book: Dune's two, Emma's two
    assert {session["duration"] for session in found} == {400}


def test_two_devices_do_not_end_each_others_stretches(open_core):
    kobo, boox = SampleReader("kobo"), SampleReader("boox")
    for reader in (kobo, boox):
        reader.open(DUNE)
        reader.turn(5)
        reader.close()
    mixed = [line for pair in zip(kobo.lines, boox.lines, strict=True) for line in pair]
    bookworm = FakeTarget()
    core = open_core(bookworm)

    core.take(mixed, "test")
    core.sync()

    assert sorted(item.key for item in bookworm.received) == ["boox:boox-000001", "kobo:kobo-000001"]
    assert {item.body["turns"] for item in bookworm.received} == {5}


def test_a_resume_need_not_say_where_the_reader_was(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.suspend()
    reader.sleep(600)
    del reader.resume()["reading"]
    reader.turn(5)
    reader.suspend()

    [session] = sessions(reader)

    assert session["start_percent"] is None
    assert session["turns"] == 5


def test_a_resume_in_the_file_browser_begins_nothing(sessions):
    reader = SampleReader()
    reader.read(DUNE)
    reader.sleep(60)
    reader.resume()

    assert len(sessions(reader)) == 1


def test_tracking_off_keeps_a_book_out_and_on_takes_it_in_again(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    core.take(reader.read(DUNE), "test")

    core.books.track(DUNE["partial_md5"], False)
    core.take(reader.read(DUNE, pages=7) + reader.read(EMMA, pages=8), "test")
    core.books.track(DUNE["partial_md5"], True)
    core.take(reader.read(DUNE, pages=9), "test")
    core.sync()

    assert sorted(item.body["turns"] for item in bookworm.received) == [8, 9, 10]


def test_tracking_stays_off_when_the_book_is_seen_again_where_the_old_plugin_switched_it_on(open_core):
    reader = SampleReader()
    core = open_core(FakeTarget())
    core.take([reader.open(DUNE), reader.close()], "test")
    core.books.track(DUNE["partial_md5"], False)

    core.take(reader.read({**DUNE, "file": "/mnt/onboard/moved.epub", "title": "Dune, again"}), "test")

    assert not core.books.is_tracked(DUNE["partial_md5"])
    assert core.pending() == {}


def test_a_dead_battery_before_many_stretches_of_an_untracked_book_is_still_a_session(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    core.take([reader.open(EMMA), reader.close()], "test")
    core.books.track(EMMA["partial_md5"], False)
    start = len(reader.lines)
    reader.open(DUNE)
    reader.turn(5)
    reader.checkpoint()
    reader.die()
    for _ in range(30):
        reader.read(EMMA)
    reader.open(DUNE)

    core.take(reader.lines[start:], "test")
    core.sync()

    assert [item.body["turns"] for item in bookworm.received] == [5]


def test_a_setting_changed_later_does_not_touch_what_was_sent(open_core):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    core.take(reader.read(DUNE, pages=2, seconds=300), "test")
    core.sync()

    core.settings.set("sessions.idle_cap", 60)
    core.settings.set("sessions.min_duration", 1000)
    core.take([reader.open(DUNE)], "test")
    core.sync()

    assert [item.body["duration"] for item in bookworm.received] == [600]
    assert core.pending() == {}


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_lower_threshold_counts_no_reading_twice(open_core, is_sent):
    reader, bookworm = SampleReader(), FakeTarget()
    core = open_core(bookworm)
    core.settings.set("sessions.min_duration", 60)
    core.take(reader.read(DUNE, pages=1, seconds=40) + reader.read(DUNE, pages=1, seconds=40), "test")
    if is_sent:
        core.sync()

    core.settings.set("sessions.min_duration", 30)
    core.take([reader.open(DUNE)], "test")
    core.sync()

    assert sum(item.body["duration"] for item in bookworm.received) == 80
