"""Every line is taken once, in a transaction of its own; what cannot be taken is kept aside and blocks nothing."""

import json

import pytest
from sqlalchemy import event

from booklore_core import BookRef, Item, Remark, hookimpl
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
MD5 = DUNE["partial_md5"]


def aside(core):
    return core.database.rows("SELECT source, line, field, reason FROM quarantine ORDER BY id")


def feature(core, name="feature", **hooks):
    """Adds a feature whose hooks are these functions."""
    core.plugins.register(name, type(name, (), {hook: staticmethod(hookimpl(work)) for hook, work in hooks.items()})())


def note(event, kind="note", key=None):
    return Item(kind, key or event.id, event.book.ref, {"at": event.name}, event.at)


def items(core):
    return [(row["plugin"], row["key"][-2:]) for row in core.database.rows("SELECT plugin, key FROM items ORDER BY id")]


def test_lines_are_taken_decoded_or_as_text(open_core):
    core = open_core()
    opened, closed = SampleReader().read(DUNE)

    taken = core.take([json.dumps(opened), closed], "test")

    assert taken.acknowledged == [opened["id"], closed["id"]]
    assert [event.name for event in taken.events] == ["book_open", "book_close"]
    assert taken.news == 1


def test_the_same_line_twice_changes_nothing(open_core):
    core = open_core(FakeTarget())
    lines = SampleReader().read(DUNE)
    core.take(lines, "test")

    again = core.take([json.dumps(line) for line in lines], "test")

    assert (again.repeated, again.news, again.events, again.rejected) == (2, 0, [], [])
    assert again.acknowledged == [line["id"] for line in lines]
    assert core.pending() == {"session": 1}


def test_a_bad_line_is_reported_with_its_number_and_the_good_ones_are_taken(open_core):
    core = open_core()
    opened, closed = SampleReader().read(DUNE)

    taken = core.take(["{torn", opened, {**closed, "id": "x", "at": "noon"}, closed], "spool.jsonl")

    assert [(refused.line, refused.field) for refused in taken.rejected] == [(1, "line"), (3, "at")]
    assert taken.rejected[1].error.startswith("at: ")
    assert len(taken.events) == 2


def test_a_bad_line_is_kept_aside_once_however_often_it_comes(open_core):
    core = open_core()

    for _ in range(3):
        core.take(["{torn"], "test")

    assert [row["line"] for row in aside(core)] == ["{torn"]


UNFIT = [
    '{"v":1,"id":"\\ud800","event":"network_connected","at":"2026-11-20T14:00:00Z","device":"kobo"}',
    '{"v":1,"id":"1","event":"network_connected","at":"2026-11-20T14:00:00Z","device":"kobo","more":"\\udfff"}',
    "\ud83d is half a character",
    "a\0b",
    "[" * 5000,
    {"v": 1, "id": "kobo-\u00b2", "event": "network_connected", "at": "2026-11-20T14:00:00Z", "device": "kobo"},
    {**SampleReader().delete(DUNE), "book": {**DUNE, "size": 1 << 80}},
]  # fmt: skip


@pytest.mark.both_databases
@pytest.mark.parametrize("line", UNFIT, ids=range(len(UNFIT)))
def test_a_line_that_no_database_takes_is_kept_aside_and_blocks_nothing(open_core, line):
    core = open_core()
    good = SampleReader().open(DUNE)

    taken = core.take([line, good], "test")

    assert len(taken.rejected) + len(taken.events) == 2
    assert taken.acknowledged[-1] == good["id"]
    json.dumps([vars(refused) for refused in taken.rejected], ensure_ascii=False).encode()


def test_a_device_line_names_the_device(open_core):
    core = open_core()
    line = {"v": 1, "id": "kobo-1", "event": "device", "at": "2026-11-20T14:00:00Z", "device": "kobo", "name": "Libra"}

    core.take([line, {**line, "id": "kobo-2", "name": None, "model": "H2O"}], "test")

    row = core.database.row("SELECT name, model FROM devices WHERE id = 'kobo'")
    assert row == {"name": "Libra", "model": "H2O"}


def stars(reader, *given):
    """A line with each of the stars; `...` is one that does not tell."""
    for one in given:
        reader.stars = "unknown" if one is ... else one
        reader.open(DUNE)
        reader.wait(60)
        reader.close()
    return reader.lines


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([4], [(4, None)]),
        ([None], []),
        ([...], []),
        ([4, 4, 4], [(4, None)]),
        ([4, 5], [(4, None), (5, 4)]),
        ([4, None], [(4, None), (None, 4)]),
        ([4, 0], [(4, None), (None, 4)]),
        ([4, ..., 4], [(4, None)]),
        ([None, 2], [(2, None)]),
        ([3.5, 3.5, 4], [(3.5, None), (4, 3.5)]),
        ([4, 4.0, 8, 4], [(4, None)]),
        ([8, "five", -1], []),
    ],
)
def test_a_rating_is_derived_from_the_snapshots_and_follows_each_change(open_core, given, told):
    core, seen = open_core(), []
    feature(core, on_rating=lambda event: seen.append((event.stars, event.before)))

    core.take(stars(SampleReader(), *given), "test")

    assert seen == told


def test_stars_that_are_none_cost_no_session_and_leave_one_remark(open_core):
    core, reader = open_core(FakeTarget()), SampleReader(stars=8)
    for _ in range(3):
        reader.read(DUNE)

    core.take(reader.lines, "test")

    assert core.pending() == {"session": 3}
    (remark,) = core.database.rows("SELECT plugin, book_md5, remark FROM remarks")
    assert (remark["plugin"], remark["book_md5"]) == ("core", MD5)
    assert remark["remark"].startswith("reading.stars of Dune was left out")
    assert core.status().as_json()["remarks"] == 1


def test_an_older_snapshot_that_arrives_late_does_not_undo_a_rating(open_core):
    core, seen = open_core(), []
    feature(core, on_rating=lambda event: seen.append((event.stars, event.is_first)))
    old, _, new, _ = stars(SampleReader(), 2, 5)

    core.take([new, old], "test")

    assert seen == [(5, True), (5, False)]


def rate(event):
    yield Item("rating", event.book.partial_md5, event.book.ref, {"stars": event.stars}, event.at)


def test_a_rating_by_a_clock_in_2099_does_not_outdo_the_ones_that_follow(open_core, clock):
    bookworm = FakeTarget(kinds={"rating"})
    core = open_core(bookworm)
    feature(core, on_rating=rate)
    future, present = SampleReader("boox", stars=2), SampleReader("kobo", stars=5)
    future.now = future.now.replace(year=2099)

    core.take([future.open(DUNE)], "test")
    clock.forward(minutes=1)
    present.now = clock()
    core.take([present.open(DUNE)], "test")
    core.sync()

    assert [item.body for item in bookworm.received] == [{"stars": 5}]


def test_a_feature_that_raises_loses_only_its_own_items(open_core):
    core = open_core()

    def half(event):
        yield note(event, key="half-done")
        raise RuntimeError("out of ideas")

    feature(core, "broken", on_book_close=half)
    feature(core, "careful", on_book_close=lambda event: [note(event)])
    taken = core.take(SampleReader().read(DUNE), "test")

    assert items(core) == [("careful", "02"), ("sessions", "01")]
    assert taken.news == 2
    assert core.plugins.plugins["broken"].error.startswith("on_book_close failed: RuntimeError: out of ideas (")


NONSENSE = [5, "text", [5], [None], object(), [{"kind": "session"}], SystemExit(3), [TypeError]]


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
def test_a_feature_that_returns_nonsense_harms_nobody_else(open_core, answer):
    core = open_core()

    def nonsense(event):
        if isinstance(answer, BaseException):
            raise answer
        return answer

    feature(core, "broken", on_book_close=nonsense)
    core.take(SampleReader().read(DUNE), "test")

    assert items(core) == [("sessions", "01")]
    assert core.plugins.plugins["broken"].error


def test_an_event_at_which_a_feature_failed_is_given_to_it_again_and_to_no_other(open_core):
    core, mood, calls = open_core(), {"ok": False}, []

    def moody(event):
        if not mood["ok"]:
            raise RuntimeError("not now")
        yield note(event, key="late")

    feature(core, "moody", on_book_close=moody)
    feature(core, "steady", on_book_close=lambda event: calls.append(event.id))
    core.take(SampleReader().read(DUNE), "test")
    mood["ok"] = True
    core.take([], "test")
    core.take([], "test")

    assert items(core) == [("sessions", "01"), ("moody", "te")]
    assert len(calls) == 1
    assert core.database.rows("SELECT * FROM failures") == []


def test_a_failed_rating_is_given_again_too(open_core):
    core, mood, seen = open_core(), {"ok": False}, []

    def moody(event):
        if not mood["ok"]:
            raise RuntimeError("not now")
        seen.append(event.stars)

    feature(core, "moody", on_rating=moody)
    core.take(stars(SampleReader(), 4), "test")
    mood["ok"] = True
    core.take([], "test")

    assert seen == [4]


def test_a_feature_that_never_copes_is_not_asked_about_everything_each_time(open_core, clock):
    core, asked = open_core(), []

    def hopeless(event):
        asked.append(event.id)
        raise RuntimeError("never")

    feature(core, "hopeless", on_book_open=hopeless)
    reader = SampleReader()
    core.take([reader.open(DUNE) for _ in range(30)], "test")
    asked.clear()
    for _ in range(3):
        clock.forward(minutes=1)
        core.take([], "test")

    assert len(asked) == 30
    assert len(set(asked)) == 30  # in turn, so that one hopeless event does not bar the others


def test_a_remark_is_kept_once_and_is_no_item(open_core):
    core = open_core()
    feature(core, on_book_open=lambda event: [Remark("why", event.book.ref, "nothing follows from this")])
    reader = SampleReader()

    core.take([reader.open(DUNE), reader.open(DUNE)], "test")

    assert [row["remark"] for row in core.database.rows("SELECT remark FROM remarks")] == ["nothing follows from this"]
    assert core.pending() == {}


def test_a_disabled_feature_is_not_asked(open_core):
    core = open_core(BOOKLORE_SESSIONS__ENABLED="false")

    core.take(SampleReader().read(DUNE), "test")

    assert items(core) == []


def test_facts_of_a_book_that_no_line_told_of_make_it_known(open_core, clock):
    core = open_core()

    core.put([Item("rating", "x", BookRef("0" * 32, "Imported"), {"stars": 3}, clock())], "import")

    assert core.books.get("0" * 32).title == "Imported"


@pytest.fixture
def rows_read(open_core, clock, monkeypatch):
    """How many rows the last of so many sessions reads from the database."""

    clock.forward(days=2)

    def count(sessions):
        core, reader, rows = open_core(home=f"home-{sessions}"), SampleReader(), []
        for _ in range(sessions):
            reader.read(DUNE, pages=2)
            reader.sleep(600)
        core.take(reader.lines[:-2], "test")
        clock.forward(seconds=1)
        read = core.database.rows
        with monkeypatch.context() as patch:
            patch.setattr(core.database, "rows", lambda *a, **k: rows.extend(got := read(*a, **k)) or got)
            core.take(reader.lines[-2:], "test")
        return len(rows)

    return count


def test_the_work_for_a_line_does_not_grow_with_the_journal(rows_read):
    assert rows_read(120) == rows_read(40)


@pytest.mark.both_databases
@pytest.mark.parametrize("character", ["\ud83d", "\x00"])
def test_a_damaged_character_costs_no_session(open_core, character):
    core, reader = open_core(FakeTarget()), SampleReader()
    reader.open({**sample_book("Dune"), "title": f"Dune {character}"})
    reader.turn(10)
    reader.close(annotations=[{"datetime": "2026-11-20 13:41:02", "text": f"half {character}"}])

    taken = core.take(reader.lines, "test")
    repeated = core.take(reader.lines, "test")

    assert (taken.rejected, taken.news, repeated.repeated) == ([], 1, 2)
    assert core.status().waiting[0].book == "Dune \ufffd"


def test_a_mistake_of_our_own_acknowledges_nothing_and_blames_no_line(open_core, monkeypatch):
    core, lines = open_core(), SampleReader().read(DUNE)
    with monkeypatch.context() as patch:
        patch.setattr(core.books, "see", lambda *given: int("no number"))
        with pytest.raises(ValueError, match="no number"):
            core.take(lines, "test")

    assert (core.quarantine.count(), core.event_log.end) == (0, 0)
    assert core.take(lines, "test").acknowledged == [line["id"] for line in lines]


@pytest.mark.both_databases
def test_many_lines_are_one_transaction(open_core, clock):
    clock.forward(days=2)
    core, reader = open_core(), SampleReader()
    commits = []
    event.listen(core.database.engine, "commit", commits.append)
    for _ in range(100):
        reader.read(DUNE, pages=2)
        reader.sleep(600)

    core.ingest.take(reader.lines, "test", core.clock())

    assert len(commits) == 1
    assert core.event_log.end == 200
