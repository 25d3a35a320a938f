"""Short stretches that follow each other are one session: nobody begins to read every twenty seconds."""

import pytest

from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")


def durations(found):
    return [session["duration"] for session in found]


def nap(reader, seconds=15):
    reader.suspend()
    reader.sleep(seconds)
    reader.resume()


@pytest.mark.parametrize("seconds", [20, 29, 30, 45, 59])
def test_losing_the_focus_again_and_again_is_one_session(sessions, seconds):
    reader = SampleReader("android-02")
    reader.open(DUNE)
    for _ in range(40):
        reader.turn(1, seconds)
        nap(reader)
    reader.turn(3, 20)
    reader.close()

    [session] = sessions(reader)

    assert session["duration"] == 40 * seconds + 60
    assert session["turns"] == 43
    assert (session["start_page"], session["end_page"]) == (1, 44)


def test_losing_the_focus_for_a_moment_does_not_end_an_evenings_session(sessions):
    reader = SampleReader("android-02")
    reader.open(DUNE)
    reader.turn(20, 60)
    nap(reader)
    reader.turn(1, 20)
    nap(reader)
    reader.turn(20, 60)
    reader.suspend()

    assert durations(sessions(reader)) == [2420]


def test_sleep_between_two_long_stretches_ends_the_first(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.turn(2, 30)
    nap(reader, 120)
    reader.turn(2, 50)
    reader.close()

    assert durations(sessions(reader)) == [60, 100]


def test_a_read_with_naps_every_25_seconds_counts_where_the_old_plugin_dropped_every_piece(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    for _ in range(24):
        reader.turn(1, 25)
        nap(reader, 10)
    reader.close()

    assert durations(sessions(reader)) == [24 * 25]


def test_a_page_that_was_not_turned_between_two_losses_of_focus_was_read_all_the_same(sessions):
    reader = SampleReader("android-02")
    reader.open(DUNE)
    for _ in range(5):
        for is_turned in (True, False, False):
            reader.turn(1, 20) if is_turned else reader.wait(20)
            nap(reader)
    reader.close()

    [session] = sessions(reader)

    assert (session["turns"], session["duration"]) == (5, 13 * 20)  # what follows the last turn is no reading


def test_a_long_look_at_one_page_does_not_join_what_lies_around_it(sessions):
    reader = SampleReader()
    for turned in (True, False, True):
        reader.open(DUNE)
        reader.turn(1, 20) if turned else reader.wait(90)
        reader.close()

    assert sessions(reader) == []


def test_pieces_are_not_joined_across_a_long_pause(sessions):
    reader = SampleReader()
    reader.read(DUNE, pages=1, seconds=20)
    reader.sleep(301)
    reader.read(DUNE, pages=1, seconds=20)

    assert sessions(reader) == []


def test_pieces_of_different_books_are_not_joined(sessions):
    reader = SampleReader()
    for book in (DUNE, EMMA, DUNE, EMMA):
        reader.read(book, pages=1, seconds=20)

    assert sessions(reader) == []


def test_a_long_stretch_is_not_joined_with_the_next(sessions):
    reader = SampleReader()
    for _ in range(2):
        reader.read(DUNE, pages=1, seconds=40)

    assert durations(sessions(reader)) == [40, 40]


@pytest.mark.parametrize("pieces", [(20, 400), (400, 20), (20, 20, 20), (400, 20, 400)])
def test_a_short_piece_is_of_the_session_before_or_after_it(sessions, pieces):
    reader = SampleReader()
    for seconds in pieces:
        reader.read(DUNE, pages=1, seconds=seconds)
        reader.sleep(100)

    assert durations(sessions(reader)) == [sum(pieces)]


def test_in_pages_mode_what_has_too_few_turns_belongs_to_what_follows(sessions):
    reader = SampleReader()
    for pages in (6, 4, 3, 6):
        reader.read(DUNE, pages=pages)

    assert [session["turns"] for session in sessions(reader, mode="pages")] == [6, 13]


def test_whoever_has_everything_count_has_every_stretch_told_apart(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    for _ in range(3):
        reader.turn(1, 20)
        nap(reader)
    reader.close()

    assert durations(sessions(reader, min_duration=0)) == [20, 20, 20]


def test_a_stretch_without_a_page_turn_is_no_part_of_a_session(sessions):
    reader = SampleReader()
    reader.open(DUNE)
    reader.wait(20)
    reader.suspend()
    reader.sleep(60)
    begin = reader.resume()["at"]
    reader.turn(2, seconds=30)
    reader.close()

    (session,) = sessions(reader, min_duration=0)

    assert (session["start"], session["duration"]) == (begin, 60)


def test_what_was_sent_before_the_next_loss_of_focus_stays_and_nothing_is_sent_twice(open_core):
    reader, bookworm = SampleReader("android-02"), FakeTarget()
    core = open_core(bookworm)
    reader.open(DUNE)
    for _ in range(30):
        reader.turn(1, 20)
        nap(reader)
        core.take(reader.lines[-2:] if len(reader.lines) > 3 else reader.lines, "test")
        core.sync()
    reader.close()
    core.take(reader.lines[-1:], "test")
    core.sync()

    openings = [first for item in bookworm.received for first, *_ in item.body["stretches"]]
    assert len(openings) == len(set(openings)) == 30
    assert sum(durations(item.body for item in bookworm.received)) == 600
