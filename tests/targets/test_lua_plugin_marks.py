"""Highlights, notes, bookmarks and ratings from the Lua plugin: each once on the server, none lost that waited.

The plugin's places on the server are other ones than ours wherever it could not tell them exactly (§10 E).
"""

import json

import pytest
from lua_database import kept_highlight
from lua_world import LuaClient, open_world

from booklore_core.testing import SampleReader

TABLES = {
    "annotations": "/api/v1/annotations",
    "notes": "/api/v2/book-notes",
    "book_notes": "/api/v1/book-notes",
    "bookmarks": "/api/v1/bookmarks",
}


def made(number):
    return f"2026-03-01 20:{number:02}:00"


def text(number):
    return f"Dune, paragraph {number}: the page turns."


def cfi(number):
    """The plugin's place of a paragraph, which no reader of the server finds."""
    return f"epubcfi(/6/2!/4/{2 * number},/1:0,/1:9)"


def highlight(number, note=None, **more):
    """As KOReader's list has it."""
    place = f"/body/DocFragment[1]/body/p[{number}]/text()"
    about = {"datetime": made(number), "drawer": "lighten", "color": "yellow", "text": text(number), "chapter": "One"}
    where = {"pos0": f"{place}.0", "pos1": f"{place}.{len(text(number))}", "page": f"{place}.0"}
    return {**about, **where, **({"note": note} if note else {}), **more}


def bookmark(number):
    place = f"/body/DocFragment[1]/body/p[{number}]/text().0"
    return {"datetime": made(number), "page": place, "text": "in One", "chapter": "One"}


class Marks:
    """A book that the plugin has sent marks of, and an e-reader that tells all of them."""

    def __init__(self, world):
        self.world, self.book, self.client = world, world.book("Dune"), LuaClient(world.server)
        self.database = world.database().book(1, self.book.partial_md5, book_id=self.book.id, title="Dune")

    def sent(self, what, number, table, tells_id=True, **fields):
        """A mark that is on the server, and that the plugin knows of."""
        row = self.client.send(TABLES[table], bookId=self.book.id, **fields)
        known = {"book_cache_id": 1, "server_id": row["id"] if tells_id else 0}
        if what == "bookmark":
            self.database.put("synced_bookmarks", {**known, "datetime": made(number)})
        else:
            about = {"koreader_datetime": made(number), "annotation_type": what, "destination": what}
            self.database.put("synced_annotations", {**known, **about})

    def waits(self, number, **kept):
        """A highlight that the plugin has still to send."""
        payload = {"datetime": made(number), "text": text(number), "cfi": cfi(number), **places(number), **kept}
        row = {"book_cache_id": 1, "datetime": made(number), "ann_type": payload.get("ann_type", "highlight")}
        times = {"created_at": 1772400000, "retry_count": payload.pop("retry_count", 0), "last_retry_at": 1772400000}
        self.database.put("pending_annotations", {**row, **times, "payload": kept_highlight(**payload)})

    def close(self, *marks):
        """The book is closed on the e-reader, with these marks in it."""
        file = {"partial_md5": self.book.partial_md5, "title": "Dune", "pages": 600}
        reader = SampleReader()
        reader.open({**file, "file": f"/mnt/onboard/{self.book.file_name}", "size": len(self.book.read())})
        assert not self.world.core.take([reader.lines[0], reader.close(annotations=list(marks))], "test").rejected

    def settle(self):
        """Syncs until nothing waits, over as much time as it takes."""
        for _ in range(4):
            self.world.sync()
            self.world.clock.forward(minutes=11)
        assert self.world.core.pending() == {}

    def rows(self, table):
        return self.world.server.rows(table)

    def counts(self):
        return {table: len(rows) for table in TABLES if (rows := self.rows(table))}


def places(number):
    return {name: highlight(number)[name] for name in ("pos0", "pos1")}


@pytest.fixture(params=["booklore", "grimmory"])
def marks(request, tmp_path, open_core, clock):
    for world in open_world(tmp_path, open_core, clock, request.param):
        yield Marks(world)
        world.close()


def test_a_highlight_that_was_sent_is_moved_to_its_place_and_not_doubled(marks):
    marks.sent("highlight", 3, "annotations", cfi=cfi(3), text=text(3), color="#FFC107", style="highlight")

    marks.world.take_over(marks.database)
    marks.close(highlight(3), highlight(4))
    marks.settle()

    assert sorted(row["text"] for row in marks.rows("annotations")) == [text(3), text(4)]
    assert cfi(3) not in [row["cfi"] for row in marks.rows("annotations")]


def test_what_somebody_wrote_on_the_server_moves_with_it(marks):
    about = {"color": "#FFC107", "style": "highlight", "note": "written in the browser"}
    marks.sent("highlight", 3, "annotations", cfi=cfi(3), text=text(3), **about)

    marks.world.take_over(marks.database)
    marks.close(highlight(3))
    marks.settle()

    (row,) = marks.rows("annotations")
    assert (row["text"], row["note"]) == (text(3), "written in the browser")


def test_a_highlight_without_a_number_is_known_by_its_text(marks):
    about = {"color": "#FFC107", "style": "highlight"}
    marks.sent("highlight", 3, "annotations", tells_id=False, cfi=cfi(3), text=text(3), **about)

    marks.world.take_over(marks.database)
    marks.close(highlight(3))
    marks.settle()

    assert marks.counts() == {"annotations": 1}


def test_a_highlight_that_was_only_called_sent_is_sent(marks):
    row = {"book_cache_id": 1, "koreader_datetime": made(3), "annotation_type": "highlight", "destination": ""}
    marks.database.put("synced_annotations", row)

    marks.world.take_over(marks.database)
    marks.close(highlight(3))
    marks.settle()

    assert marks.counts() == {"annotations": 1}


@pytest.mark.parametrize("tells_id", [True, False])
def test_a_note_in_the_book_is_not_doubled(marks, tells_id):
    about = {"noteContent": "mine", "selectedText": text(3), "color": "#FFC107"}
    marks.sent("in_book_note", 3, "notes", tells_id, cfi=cfi(3), **about)

    marks.world.take_over(marks.database)
    marks.close(highlight(3, "mine"))
    marks.settle()

    assert marks.counts() == {"notes": 1}


@pytest.mark.parametrize("tells_id", [True, False])
def test_a_note_on_the_book_is_not_doubled(marks, tells_id):
    marks.sent("booklore_note", 3, "book_notes", tells_id, content="mine", title="One")
    marks.database.settings(notes_destination="in_booklore")

    marks.world.take_over(marks.database)
    marks.close(highlight(3, "mine"))
    marks.settle()

    assert marks.counts() == {"book_notes": 1}


def test_a_note_that_went_to_both_places_is_in_each_once(marks):
    about = {"noteContent": "mine", "selectedText": text(3), "color": "#FFC107"}
    marks.client.send(TABLES["book_notes"], bookId=marks.book.id, content="mine", title="One")
    marks.sent("both_note", 3, "notes", cfi=cfi(3), **about)
    marks.database.settings(notes_destination="both")

    marks.world.take_over(marks.database)
    marks.close(highlight(3, "mine"))
    marks.settle()

    assert marks.counts() == {"notes": 1, "book_notes": 1}


def test_a_note_that_was_edited_since_is_known_by_its_number(marks):
    marks.sent("booklore_note", 3, "book_notes", content="as it was", title="One")
    marks.database.settings(notes_destination="in_booklore")

    marks.world.take_over(marks.database)
    marks.close(highlight(3, "rewritten"))
    marks.settle()

    (row,) = marks.rows("book_notes")
    assert "rewritten" in row["content"]


def test_a_bookmark_is_not_doubled(marks):
    marks.sent("bookmark", 3, "bookmarks", cfi=cfi(3), title="One")

    marks.world.take_over(marks.database)
    marks.close(bookmark(3), bookmark(4))
    marks.settle()

    assert marks.counts() == {"bookmarks": 2}


def test_another_mark_of_the_same_reader_stays(marks):
    """What a reader has marked in the browser is not what the plugin has sent."""
    marks.client.send(TABLES["annotations"], bookId=marks.book.id, cfi="epubcfi(/6/2!/4/8/1:0)", text="elsewhere")
    marks.sent("highlight", 3, "annotations", cfi=cfi(3), text=text(3))

    marks.world.take_over(marks.database)
    marks.close(highlight(3))
    marks.settle()

    assert sorted(row["text"] for row in marks.rows("annotations")) == [text(3), "elsewhere"]


def test_a_lost_answer_while_a_highlight_is_moved_leaves_one(marks):
    marks.sent("highlight", 3, "annotations", cfi=cfi(3), text=text(3))
    marks.world.take_over(marks.database)
    marks.close(highlight(3))
    marks.world.server.fail("close_after", "POST /api/v1/annotations")

    marks.settle()

    assert marks.counts() == {"annotations": 1}


def test_what_waits_is_sent_and_meets_the_list_of_the_e_reader(marks):
    marks.waits(3)
    marks.waits(5, ann_type="in_book_note", note="mine")

    marks.world.take_over(marks.database)
    marks.settle()

    assert marks.counts() == {"annotations": 1, "notes": 1}
    (row,) = marks.rows("annotations")
    assert (row["color"], row["style"], row["text"]) == ("#4ADE80", "underline", text(3))

    marks.close(highlight(3), highlight(5, "mine"))
    marks.settle()

    assert marks.counts() == {"annotations": 1, "notes": 1}
    assert len(marks.world.items("annotation")) == 2


def test_what_waits_although_it_has_arrived_is_not_sent_again(marks):
    marks.client.send(TABLES["annotations"], bookId=marks.book.id, cfi=cfi(3), text=text(3))
    marks.waits(3, retry_count=2)

    marks.world.take_over(marks.database)
    marks.settle()

    assert marks.counts() == {"annotations": 1}


def test_a_bookmark_that_waits_is_sent_and_meets_the_list(marks):
    kept = {"datetime": made(3), "pos0": bookmark(3)["page"], "chapter": "One", "notes": "in One"}
    marks.database.put("pending_bookmarks", {"book_cache_id": 1, "datetime": made(3), "payload": json.dumps(kept),
                                             "created_at": 1772400000})  # fmt: skip

    marks.world.take_over(marks.database)
    marks.settle()
    marks.close(bookmark(3))
    marks.settle()

    assert marks.counts() == {"bookmarks": 1}


def test_a_highlight_that_waits_and_got_a_note_is_one(marks):
    marks.waits(3)
    marks.waits(3, ann_type="in_book_note", note="mine")
    with_note = "UPDATE pending_annotations SET created_at = created_at + 60 WHERE ann_type = 'in_book_note'"
    marks.database.run(with_note)

    marks.world.take_over(marks.database)
    marks.settle()

    assert marks.counts() == {"notes": 1}


def test_what_cannot_be_read_or_placed_is_told(marks):
    row = {"book_cache_id": 1, "datetime": made(3), "ann_type": "highlight"}
    marks.database.put("pending_annotations", {**row, "payload": "{"})
    marks.waits(4, pos0=None)

    marks.world.take_over(marks.database)

    assert marks.world.items("annotation") == []
    assert len(marks.world.remarks()) == 2


@pytest.mark.parametrize(
    "payload",
    [
        "[]",
        "null",
        '{"pos0": NaN, "text": "\\ud800"}',
        '{"pos0": 1e999, "pos1": {}}',
        '{"pos0": {"page": 3.0, "x": 1.5}, "text": "\\ud800\\u0000", "note": [1], "color": {}, "cfi": 7}',
        '{"pos0": "\\udfff", "datetime": 5}',
        "[" * 900 + "]" * 900,
        "{" * 100_000,
    ],
)
def test_whatever_is_kept_of_a_mark_ends_nothing(marks, payload):
    row = {"book_cache_id": 1, "datetime": made(3), "ann_type": "both_note", "payload": payload}
    marks.database.put("pending_annotations", row).put("pending_bookmarks", row)

    assert marks.world.take_over(marks.database).ok
    assert marks.world.items("annotation") or marks.world.remarks()


def test_marks_and_ratings_of_a_book_that_is_not_tracked_are_asked_about(marks):
    marks.database.run("UPDATE book_cache SET tracking_enabled = 0")
    marks.waits(3)
    marks.database.put("pending_ratings", {"book_cache_id": 1, "rating": 8, "created_at": 1772400000})

    marks.world.take_over(marks.database)

    assert marks.world.core.pending() == {}
    (question,) = marks.world.core.questions()
    assert "tracking is off" in question

    marks.world.core.outbox.answer(question, False, marks.world.clock())
    marks.world.take_over(marks.database)
    assert marks.world.core.questions() == []
