"""What KOReader's own statistics of a recorded spring make, beside what was really read."""

import json
import shutil
from collections import defaultdict

import pytest
from history_world import RECORDED, START, by_book, ends

LEAST, MOST = 5, 120
"""Seconds of a page that KOReader's statistics keep by themselves, in the recording."""

GAP = 300
SESSIONS = json.loads((RECORDED / "sessions.json").read_text(encoding="utf-8"))["sessions"]
BOOKS = sorted({session["id_book"] for session in SESSIONS})


@pytest.fixture
def recorded(path):
    path.parent.mkdir()
    shutil.copyfile(RECORDED / "statistics.sqlite3", path)
    return path


def views(id_book):
    """When the pages of a book were looked at, as far as KOReader's statistics say it: not for a moment, of a long look
    the beginning; what was slept through lies before it. The page at which a PDF or comic is opened they never note."""
    for session in (one for one in SESSIONS if one["id_book"] == id_book):
        for view in session["views"][not session["file"].endswith(".epub") :]:
            start = view["enter"] + view.get("suspended", 0)
            end = min(view["leave"], start + MOST)
            if end - start >= LEAST:
                yield start, end


def stretches(looks):
    """Start, end and seconds of what lies close together."""
    found = []
    for start, end in sorted(looks):
        if not found or start - found[-1][1] > GAP:
            found.append([start, end, 0])
        found[-1][1:] = end, found[-1][2] + end - start
    return [tuple(one) for one in found]


@pytest.fixture
def past(read, recorded):
    items, remarks = read(recorded)
    assert remarks == []
    titles = {session["id_book"]: session["title"].strip() for session in SESSIONS}
    files = {session["id_book"]: session["md5"] for session in SESSIONS}
    found = by_book(items)
    named = {item.book.title: md5 for md5, some in found.items() for item in some}
    return {id_book: found[files[id_book] or named[title]] for id_book, title in titles.items()}


@pytest.mark.parametrize("id_book", BOOKS)
def test_what_was_really_read_comes_out_book_by_book(past, id_book):
    made = [
        (start + START, end + START, item.body["duration"]) for item in past[id_book] for start, end in [ends(item)]
    ]

    assert made == stretches(views(id_book))


def test_every_page_of_the_file_counts_once(past):
    total = sum(item.body["duration"] for items in past.values() for item in items)

    assert total == 209554
    assert {id_book: len(items) for id_book, items in past.items()} == {
        1: 17, 2: 59, 3: 44, 4: 37, 5: 25, 6: 32, 7: 37, 8: 23, 9: 35, 10: 22, 11: 18, 12: 18,
    }  # fmt: skip


def test_progress_is_that_of_the_page_in_the_layout_of_the_time(past):
    looked_at = defaultdict(set)
    for session in SESSIONS:
        for view in session["views"]:
            looked_at[session["id_book"]].add((view["page"], round(view["page"] / view["total_pages"], 9)))

    for id_book, items in past.items():
        for item in items:
            for side in ("start", "end"):
                page, percent = item.body[f"{side}_page"], item.body[f"{side}_percent"]
                assert 0 <= percent <= 1
                assert (page, round(percent, 9)) in looked_at[id_book]


def test_books_are_named_as_koreader_knows_them(past):
    assert {(items[0].book.title, items[0].book.authors) for items in past.values()} >= {
        ("Whitespace Oddities", ("Eve Blank",)),
        ("Package Oddities", ("P. Gil", "Second Author")),
        ("p02-comic", ()),
    }


@pytest.fixture
def copied(tmp_path):
    """A copy of later on: a book's digest is gone, and the last pages are in the log only."""
    copy = tmp_path / "copy" / "statistics.sqlite3"
    copy.parent.mkdir()
    shutil.copyfile(RECORDED / "statistics.sqlite3", copy)
    shutil.copyfile(RECORDED / "null-md5.sqlite3-wal", copy.with_name("statistics.sqlite3-wal"))
    return copy


def test_a_later_copy_adds_the_pages_in_its_log_and_nothing_of_the_book_that_lost_its_digest(take_in, recorded, copied):
    take_in(recorded)

    items = take_in(copied)

    assert {item.book.title for item in items} == {"Plain Chapters"}
    assert [(item.body["start_page"], item.body["end_page"]) for item in items] == [(94, 104), (105, 108), (108, 117)]
    assert sum(item.body["duration"] for item in items) == 1276
    assert take_in(copied) == []


def test_a_digest_that_becomes_known_adds_nothing(take_in, recorded, copied):
    first = take_in(copied)

    assert take_in(recorded) == []
    assert sum(item.body["duration"] for item in first) == 209554 + 1276
