"""Of each book the last list of annotations stays, and those not consumed yet; untracked books keep none."""

from contextlib import closing

import pytest
from function_features import add_feature, place, switch

from booklore_core.storage.database import Database
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
HIGHLIGHT = "Fear is the mind-killer"


@pytest.fixture
def core(open_core):
    return open_core(FakeTarget())


def collect(core, name="collector"):
    """A feature, and the lists that it was told: the texts of each."""
    told = []

    def on_book_close(event):
        told.append(None if event.annotations is None else [one["text"] for one in event.annotations])

    add_feature(core, name, on_book_close=on_book_close)
    return told


def close(core, reader, *texts, book=DUNE):
    """The reader reads and closes the book, which has these highlights now."""
    reader.open(book)
    reader.turn(3)
    reader.close(annotations=[{"text": text} for text in texts])
    return core.take(reader.lines[-2:], "test")


def kept(core):
    return [row["list"] for row in core.database.rows("SELECT list FROM annotation_lists ORDER BY event")]


def test_a_list_is_kept_once_for_each_book_and_device(core):
    told = collect(core)
    kobo, kindle = SampleReader(), SampleReader("kindle")
    for number in range(3):
        close(core, kobo, f"dune {number}")
        close(core, kobo, f"emma {number}", book=EMMA)
        close(core, kindle, f"kindle {number}")

    assert len(told) == 9
    assert kept(core) == ['[{"text":"dune 2"}]', '[{"text":"emma 2"}]', '[{"text":"kindle 2"}]']


def test_a_feature_that_was_disabled_is_told_the_list_of_each_closing_that_it_has_not_consumed(core):
    told, reader = collect(core), SampleReader()
    close(core, reader, "one")
    switch(core, False, "collector")
    for texts in (["one", "two"], ["two"], []):
        close(core, reader, *texts)
    assert (told, len(kept(core))) == ([["one"]], 3)

    switch(core, True, "collector")
    core.derive.lead()

    assert told == [["one"], ["one", "two"], ["two"], []]
    assert kept(core) == ["[]"]


def test_a_feature_that_is_gone_holds_lists_back_until_a_person_switches_it_off(open_core):
    first, reader = open_core(FakeTarget()), SampleReader()
    collect(first)
    close(first, reader, "one")
    core = open_core(FakeTarget())
    collect(core, "other")
    for texts in (["two"], ["three"]):
        close(core, reader, *texts)
    assert len(kept(core)) == 2

    core.settings.declare_switch("collector")
    switch(core, False, "collector")
    close(core, reader, "four")

    assert kept(core) == ['[{"text":"four"}]']


def test_the_list_of_an_event_at_which_a_feature_raised_is_kept_until_it_copes(core):
    mood, told, reader = ["bad"], [], SampleReader()

    def moody(event):
        if mood:
            raise RuntimeError("not now")
        told.append(event.annotations)

    add_feature(core, on_book_close=moody)
    close(core, reader, "one")
    collected = collect(core)
    close(core, reader, "two")
    assert len(kept(core)) == 2

    mood.clear()
    close(core, reader, "three")

    assert sorted(told, key=str) == [({"text": "one"},), ({"text": "three"},), ({"text": "two"},)]
    assert (collected, kept(core)) == ([["one"], ["two"], ["three"]], ['[{"text":"three"}]'])


def test_a_line_that_does_not_tell_annotations_leaves_the_last_list_as_it_is(core):
    told, reader = collect(core), SampleReader()
    close(core, reader, "one")

    core.take(reader.read(DUNE), "test")

    assert (told, kept(core)) == ([["one"], None], ['[{"text":"one"}]'])


def test_a_list_that_arrives_late_is_told_and_does_not_replace_the_last_one(core):
    told, reader = collect(core), SampleReader()
    reader.read(DUNE)
    early = reader.lines[-1]
    early["annotations"] = [{"text": "early"}]
    close(core, reader, "late")

    core.take([early], "test")

    assert (told, kept(core)) == ([["late"], ["early"]], ['[{"text":"late"}]'])


def contents(core):
    """Every byte that the core has written down."""
    files = b"".join(file.read_bytes() for file in core.places.home.rglob("*") if file.is_file())
    return files if core.places.database_file else files + repr(rows_of_all_tables(core.places.database_url)).encode()


def rows_of_all_tables(url):
    with closing(Database(url)) as database:
        return [database.rows(f"SELECT * FROM {table}") for table in database.names()[0]]


@pytest.fixture
def untracked(core):
    """A core that does not track Dune, and a reader with one closing of it as yet."""
    reader = SampleReader()
    close(core, reader)
    core.sync()
    core.books.track(DUNE["partial_md5"], False)
    return core, reader


def test_of_a_book_that_is_not_tracked_only_opening_and_closing_are_kept(untracked):
    core, reader = untracked
    reader.open(DUNE)
    reader.stars, reader.page = 4, 123
    reader.turn(5, 77)
    reader.checkpoint()
    reader.turn(5, 77)
    reader.close(annotations=[{"text": HIGHLIGHT}])
    taken = core.take(reader.lines[2:], "test")

    rows = core.database.rows("SELECT name, line FROM events WHERE id > 2")
    assert [row["name"] for row in rows] == ["book_open", "book_close"]
    assert [row["line"].count('"reading":{}') for row in rows] == [1, 1]
    assert (taken.acknowledged, taken.news) == ([line["id"] for line in reader.lines[2:]], 0)
    assert (len(kept(core)), core.pending()) == (1, {})
    core.database.close()
    written = contents(core)
    assert b"Dune" in written
    assert HIGHLIGHT.encode() not in written
    assert b"/body/p[133]" not in written


def test_what_was_read_of_a_tracked_book_is_found_in_the_file(core):
    """So that the test before would see it."""
    close(core, SampleReader(), HIGHLIGHT)
    core.database.close()

    assert HIGHLIGHT.encode() in contents(core)
    assert b"/body/p[4]" in contents(core)


def test_the_lines_of_a_book_that_is_not_tracked_may_come_again(untracked):
    core, reader = untracked
    close(core, reader, HIGHLIGHT)

    again = core.take(reader.lines, "test")

    assert (again.accepted, again.repeated, again.rejected) == (0, 4, [])


def test_no_feature_is_told_of_a_book_that_is_not_tracked(untracked):
    core, reader = untracked
    told = collect(core)
    close(core, reader, HIGHLIGHT)
    reader.stars = 5
    close(core, reader, HIGHLIGHT)

    assert (told, place(core, "collector")) == ([[]], 2)
    assert core.database.value("SELECT COUNT(*) FROM events WHERE name = 'rating'") == 0
