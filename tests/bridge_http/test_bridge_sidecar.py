"""*Sync this book* with the book closed does what the open book would: its sidecar comes in as a line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from annotated_world import bookmark, highlight
from bridge_world import DUNE, EReader, ok, paired, toasts

from booklore_core.core import Core
from booklore_core.testing import FakeTarget, SampleReader, sample_book

KINDS = {"annotation", "bookmark", "progress", "session", "praise"}
MARKS = [highlight(1), highlight(2, note="why"), bookmark(3)]
READING = {"percent": 0.5, "page": 300, "pages": 600, "position": "/body/p[300].0", "status": "reading"}


@pytest.fixture
def bookworm() -> FakeTarget:
    return FakeTarget(kinds=KINDS)


@pytest.fixture
def core(open_core: Any, bookworm: FakeTarget) -> Core:
    opened: Core = open_core(bookworm, plugins=("sessions", "progress", "annotations", "bookmarks"))
    opened.settings.set("sync.manual_only", True)
    return opened


@pytest.fixture
def kobo(core: Core, url: str) -> EReader:
    """A device on which Dune was read to page 41, without a mark."""
    ereader = paired(core, url)
    ereader.reader.open(DUNE)
    ereader.reader.turn(40)
    ereader.reader.close(annotations=[])
    ereader.hand_off()
    return ereader


def sync_book(ereader: EReader, book: Any = DUNE, **sidecar: Any) -> dict[str, Any]:
    return ok(ereader.post("/v1/actions/sync_book", {"book": book, "args": {}, **sidecar}))


def received(bookworm: FakeTarget) -> dict[str, int]:
    """What arrived since it was asked last, by kind."""
    kinds = [item.kind for item in bookworm.received]
    bookworm.received.clear()
    bookworm.befores.clear()
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def lines_of(core: Core) -> list[str]:
    return [row["event_id"] for row in core.database.rows("SELECT event_id FROM events ORDER BY ord, id")]


def test_marks_and_position_follow_as_from_the_open_book(core: Core, kobo: EReader, bookworm: FakeTarget) -> None:
    core.sync()
    received(bookworm)

    answer = sync_book(kobo, annotations=MARKS, reading=READING)

    assert toasts(answer) == ["2 annotations, 1 bookmark, 1 progress update synced"]
    assert {item.kind: item.body.get("percent") for item in bookworm.received} == {
        "annotation": None, "bookmark": None, "progress": 0.5
    }  # fmt: skip


def test_stars_follow_as_from_the_open_book(core: Core, kobo: EReader) -> None:
    sync_book(kobo, reading=READING | {"stars": 4})

    (rating,) = core.database.rows("SELECT event_id, line FROM events WHERE name = 'rating'")
    assert json.loads(rating["line"])["stars"] == 4
    assert rating["event_id"].endswith("/rating")


def test_the_same_request_twice_changes_nothing(core: Core, kobo: EReader, bookworm: FakeTarget) -> None:
    sync_book(kobo, annotations=MARKS, reading=READING | {"stars": 4})
    sync_book(kobo, book=sample_book("Emma"), annotations=MARKS)
    before = lines_of(core)
    received(bookworm)

    answer = sync_book(kobo, annotations=MARKS, reading=READING | {"stars": 4})

    assert toasts(answer) == ["Nothing to sync"]
    assert (lines_of(core), received(bookworm)) == (before, {})


def test_each_sidecar_counts_once_and_in_its_turn(core: Core, kobo: EReader, bookworm: FakeTarget) -> None:
    for marks in ([highlight(1)], [highlight(1, note="a")], [highlight(1)], [highlight(1, note="b")]):
        sync_book(kobo, annotations=marks)

    assert len(lines_of(core)) == 2 + 4
    notes = [item.body["note"] for item in bookworm.received if item.kind == "annotation"]
    assert notes == [None, "a", None, "b"]


def test_it_makes_no_reading_session(core: Core, kobo: EReader, bookworm: FakeTarget) -> None:
    kobo.reader.open(DUNE)
    kobo.reader.turn(10)
    kobo.reader.checkpoint()
    kobo.hand_off(*kobo.reader.lines[2:])
    core.sync()
    assert received(bookworm)["session"] == 1

    sync_book(kobo, annotations=MARKS, reading=READING)
    assert "session" not in received(bookworm)
    kobo.reader.turn(10)
    kobo.reader.close()
    kobo.hand_off(kobo.reader.lines[-1])
    core.sync()

    (session,) = [item.body for item in bookworm.received if item.kind == "session"]
    assert (session["turns"], session["end_page"]) == (20, 61)


def test_the_sidecar_stands_before_what_the_device_tells_next(core: Core, kobo: EReader, bookworm: FakeTarget) -> None:
    kobo.reader.open(DUNE)
    kobo.reader.turn(3)
    kobo.reader.close(annotations=[highlight(1, note="from the line")])
    sync_book(kobo, annotations=[highlight(1, note="from the sidecar")], reading=READING)

    answer = kobo.hand_off(*kobo.reader.lines[2:])
    core.sync()

    assert answer["rejected"] == []
    order = lines_of(core)
    assert order[2].startswith("kobo-7f3a-000002/sidecar-0001-")
    assert order[3:] == ["kobo-7f3a-000003", "kobo-7f3a-000004"]
    assert [item.body["note"] for item in bookworm.received if item.kind == "annotation"][-1] == "from the line"


def test_a_sidecar_after_lines_under_a_former_id_stands_before_what_comes_next(
    core: Core, url: str, bookworm: FakeTarget
) -> None:
    kobo = paired(core, url, "kobo-new")
    device = {**kobo.device, "former_ids": ["kobo-old"]}
    before = SampleReader("kobo-old", kobo.reader.now)
    before.open(DUNE)
    before.close(annotations=MARKS[:1])
    ok(kobo.post("/v1/events", {"device": device, "lines": before.lines}))

    sync_book(kobo, reading=READING, annotations=MARKS)
    kobo.reader.wait(3600)
    kobo.reader.open(DUNE)
    kobo.reader.close(annotations=[*MARKS, highlight(8)])
    ok(kobo.post("/v1/events", {"device": device, "lines": kobo.reader.lines}))
    core.sync()

    assert received(bookworm)["annotation"] == 3


def test_an_unmoved_position_is_no_news(core: Core, kobo: EReader, bookworm: FakeTarget) -> None:
    core.sync()
    received(bookworm)
    here = {"percent": 41 / 600, "page": 41, "pages": 600, "position": "/body/p[41].0"}

    sync_book(kobo, annotations=MARKS, reading=here)

    assert received(bookworm) == {"annotation": 2, "bookmark": 1}


def test_a_position_is_not_newer_because_it_is_told_now(core: Core, kobo: EReader) -> None:
    """On another device somebody has read on since."""
    reader = SampleReader("kindle", now=kobo.reader.now)
    reader.wait(3600)
    reader.open(DUNE)
    reader.turn(400)
    reader.close()
    core.take(reader.lines, "test")

    sync_book(kobo, reading=READING)

    held = {row["key"]: row["occurred_at"] for row in core.database.rows("SELECT * FROM items WHERE kind = 'progress'")}
    mine, other = (next(at for key, at in held.items() if key.endswith(name)) for name in ("kobo-7f3a", "kindle"))
    assert mine < other
    (body,) = [row["body"] for row in core.database.rows("SELECT body FROM items WHERE key LIKE '%kobo-7f3a'")
               if "percent" in row["body"]]  # fmt: skip
    assert '"is_opening":true' in body


def test_a_book_that_was_never_opened_is_taken_from_the_request(
    core: Core, kobo: EReader, bookworm: FakeTarget
) -> None:
    sync_book(kobo, book=sample_book("Emma"), annotations=MARKS, reading=READING | {"percent": 1.0})

    (item, *_) = [one for one in bookworm.received if one.kind == "annotation"]
    assert (item.book.title, item.book.file) == ("Emma", "/mnt/onboard/emma.epub")


def test_a_device_that_has_never_told_a_line_can_ask_first(core: Core, url: str, bookworm: FakeTarget) -> None:
    ereader = paired(core, url, "kindle-9")
    sync_book(ereader, annotations=MARKS, reading=READING)
    ereader.reader.now = core.clock()

    ereader.reader.read(DUNE)
    answer = ereader.hand_off()

    assert answer["rejected"] == []
    assert lines_of(core)[0].startswith("kindle-9-0/sidecar-0001-")
    assert received(bookworm)["annotation"] == 2


def test_a_book_that_is_not_tracked_tells_nothing(core: Core, kobo: EReader) -> None:
    core.books.track(DUNE["partial_md5"], False)

    sync_book(kobo, annotations=MARKS, reading=READING)

    assert len(lines_of(core)) == 2
    assert core.database.value("SELECT COUNT(*) FROM items WHERE kind = 'annotation'") == 0


def test_without_a_sidecar_what_waits_is_sent(core: Core, kobo: EReader, bookworm: FakeTarget) -> None:
    sync_book(kobo, book=DUNE["partial_md5"])

    assert received(bookworm) == {"progress": 1, "session": 1}
    assert len(lines_of(core)) == 2


def test_what_does_not_fit_costs_nothing_else(core: Core, kobo: EReader, bookworm: FakeTarget) -> None:
    sync_book(kobo, annotations=MARKS, reading={"percent": "half", "stars": 99, "position": "/body/p[300].0"})
    sync_book(kobo, annotations="none", reading=[])

    assert received(bookworm)["annotation"] == 2


def test_a_sidecar_of_another_book_with_that_digest_is_refused_and_said(core: Core, kobo: EReader) -> None:
    other = {**DUNE, "title": "Something else", "size": 77}

    answer = sync_book(kobo, book=other, annotations=MARKS)

    assert toasts(answer)[0].startswith("What KOReader has stored of this book was not taken in: book.partial_md5:")
    assert core.quarantine.count() == 1


def test_removed_marks_are_asked_about_on_the_device(core: Core, kobo: EReader) -> None:
    sync_book(kobo, annotations=[highlight(number) for number in range(1, 8)])

    sync_book(kobo, annotations={})

    menu = kobo.menu()
    (line,) = [one for one in menu["items"] if one["text"] == "Sync & Cache"]
    assert "Answer Questions... (1)" in [one["text"] for one in line["items"]]
    (question,) = kobo.act("answer_questions")["effects"]
    assert (question["kind"], question["options"]) == ("choose", ["Yes", "No"])
    assert question["text"].startswith("7 of 7 highlights and bookmarks of “Dune” are gone on")
    assert toasts(kobo.answer(question, 0)) == ["7 changes will be synced"]
