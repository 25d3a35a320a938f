"""The existing plugin's tables of highlights, notes and bookmarks, as views over what our features make."""

import pytest
from annotated_world import Marking, bookmark, highlight

MARKS = [highlight(1), highlight(2, note="why"), bookmark(3)]


@pytest.fixture
def marking(open_core):
    return Marking(open_core)


def rows(marking, view, *columns):
    found = marking.core.database.rows(f"SELECT * FROM {view} ORDER BY id")
    return [tuple(row[column] for column in columns) for row in found]


def test_what_waits_is_told_as_there(marking):
    marking.set("annotations.destination", "both")
    marking.close(*MARKS)

    assert rows(marking, "pending_annotations", "ann_type", "datetime", "retry_count") == [
        ("highlight", MARKS[0]["datetime"], 0),
        ("in_book_note", MARKS[1]["datetime"], 0),
        ("booklore_note", MARKS[1]["datetime"], 0),
    ]
    assert rows(marking, "pending_bookmarks", "datetime", "book_id") == [(MARKS[2]["datetime"], None)]
    assert '"note":"why"' in rows(marking, "pending_annotations", "payload")[1][0]


def test_what_was_sent_is_told_as_there_and_what_was_removed_no_more(marking):
    marking.close(*MARKS)
    marking.sent()
    marking.core.database.run("UPDATE deliveries SET remote_id = 'book-note:' || item_id WHERE item_id > 0")

    columns = ("koreader_datetime", "annotation_type", "destination", "server_id")
    told = rows(marking, "synced_annotations", *columns)
    assert [one[:3] for one in told] == [
        (MARKS[0]["datetime"], "highlight", "highlight"), (MARKS[1]["datetime"], "in_book_note", "in_book_note")
    ]  # fmt: skip
    assert all(isinstance(one[3], int) and one[3] > 0 for one in told)
    assert [one[0] for one in rows(marking, "synced_bookmarks", "datetime")] == [MARKS[2]["datetime"]]

    marking.close()
    marking.sent()

    assert (rows(marking, "synced_annotations", "id"), rows(marking, "synced_bookmarks", "id")) == ([], [])


def test_counts_and_histories_follow_from_the_kinds(marking):
    marking.close(*MARKS)

    assert marking.core.kinds.short_counts(marking.core.pending()) == "2A, 1B"
    assert [marking.core.kinds[kind].history_name for kind in ("annotation", "bookmark")] == [
        "Synced annotations", "Synced bookmarks"
    ]  # fmt: skip
