"""Hardcover as target: what it is told of a book, what stays the reader's there, and what is never there twice."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import put_empty_database
from hardcover_server import DUNE, EMMA, PRIVACY, HardcoverServer, Trouble, of

from booklore_core import (
    Before,
    BookRef,
    BookUnmatched,
    Declined,
    Item,
    ItemFailed,
    ItemRejected,
    Superseded,
    TargetUnavailable,
)
from booklore_core.core import Core
from booklore_core.storage.database import Database
from booklore_core.storage.secrets import Secrets
from booklore_core.storage.store import Store
from booklore_core.testing import SampleReader, sample_book
from booklore_core.testing.server.answers import Answer
from booklore_targets.hardcover import Hardcover

MD5 = "a" * 32
BOOK = BookRef(MD5, "Dune", isbn="9780441013593", match=str(DUNE))
EVENING = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
FRESH, MAYBE = Before(), Before(maybe_sent=True)
FEAR = {"datetime": "2026-11-20 13:41:02", "text": "Fear is the mind-killer.", "note": None, "pageno": 12}


@pytest.fixture
def server() -> Iterator[HardcoverServer]:
    with HardcoverServer() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    put_empty_database(tmp_path)
    database = Database(f"sqlite:///{tmp_path}/booklore.sqlite")
    yield Store(database, "hardcover", Secrets(tmp_path / "secrets.json"))
    database.close()


@pytest.fixture
def target(server: HardcoverServer, store: Store) -> Iterator[Hardcover]:
    target = Hardcover(server.url, server.token, store)
    yield target
    target.close()


def item(kind: str, key: str = MD5, book: BookRef = BOOK, minute: int = 0, **body: Any) -> Item:
    return Item(kind, key, book, body, EVENING + timedelta(minutes=minute))


def place(percent: float, minute: int = 0, device: str = "kobo", book: BookRef = BOOK) -> Item:
    told = {"percent": percent, "position": "/p[1].0", "device": device, "device_id": device}
    return item("progress", f"{MD5}:{device}", book, minute, **told)


def mark(key: str = "fear", book: BookRef = BOOK, **changed: Any) -> Item:
    return item("annotation", key, book, **{**FEAR, **changed})


def declined(work: Callable[[], object], kind: type[Declined]) -> Declined:
    with pytest.raises(kind) as found:
        work()
    assert "eyJ0" not in str(found.value)
    return found.value


def read(server: HardcoverServer) -> dict[str, Any]:
    (only,) = server.reads.values()
    return dict(only["read"])


def test_book_goes_on_the_shelf_with_its_edition_and_the_privacy_of_the_account(
    server: HardcoverServer, target: Hardcover
) -> None:
    target.deliver(item("status", status="reading"), FRESH)

    copy = server.copies[DUNE]
    assert (copy["status_id"], copy["edition"]["id"], copy["privacy_setting_id"]) == (2, 31, PRIVACY)


@pytest.mark.parametrize(("rating", "stars"), [(1, 0.5), (7, 3.5), (10, 5), (None, None)])
def test_rating_is_told_in_half_stars_and_cleared(
    server: HardcoverServer, target: Hardcover, rating: int | None, stars: float | None
) -> None:
    target.deliver(item("rating", rating=8), FRESH)

    target.deliver(item("rating", rating=rating), FRESH)

    assert server.copies[DUNE]["rating"] == stars


def test_no_rating_puts_no_book_on_the_shelf(server: HardcoverServer, target: Hardcover) -> None:
    target.deliver(item("rating", rating=None), FRESH)

    assert server.copies == {}


def test_progress_is_told_in_pages_of_the_edition_in_one_reading(server: HardcoverServer, target: Hardcover) -> None:
    first = target.deliver(place(0.1), FRESH)
    second = target.deliver(place(0.4242, minute=9), FRESH)

    assert first == second == str(next(iter(server.reads)))
    assert read(server) == {
        "progress_pages": 255, "edition_id": 31, "started_at": "2026-11-20", "finished_at": None,
    }  # fmt: skip


def test_finished_book_ends_its_reading_and_never_goes_back(server: HardcoverServer, target: Hardcover) -> None:
    target.deliver(place(0.98), FRESH)
    target.deliver(item("status", status="complete"), FRESH)

    assert (read(server)["progress_pages"], read(server)["finished_at"]) == (600, "2026-11-20")
    target.deliver(place(0.99, minute=5), FRESH)
    declined(lambda: target.deliver(item("status", status="reading"), FRESH), Superseded)
    declined(lambda: target.deliver(item("status", status="abandoned"), FRESH), Superseded)
    assert server.copies[DUNE]["status_id"] == 3
    assert len(server.reads) == 1


def test_second_reading_of_a_finished_book_is_one_of_its_own(server: HardcoverServer, target: Hardcover) -> None:
    target.deliver(place(0.5), FRESH)
    target.deliver(item("status", status="complete"), FRESH)

    target.deliver(place(0.1, minute=9), FRESH)
    target.deliver(place(0.2, minute=19), FRESH)

    assert [one["read"]["progress_pages"] for one in server.reads.values()] == [600, 120]
    assert server.copies[DUNE]["status_id"] == 3


def test_wanted_book_is_being_read_and_one_on_hold_stays_so(server: HardcoverServer, target: Hardcover) -> None:
    for status, expected in ((1, 2), (4, 4)):
        server.copies[DUNE] = {"id": 5, "status_id": status, "privacy_setting_id": 1, "edition": None, "rating": None}

        target.deliver(place(status / 10), FRESH)

        assert (server.copies[DUNE]["status_id"], server.copies[DUNE]["privacy_setting_id"]) == (expected, 1)


def test_place_that_was_set_there_further_on_is_not_overwritten(server: HardcoverServer, target: Hardcover) -> None:
    target.deliver(place(0.1), FRESH)
    next(iter(server.reads.values()))["read"]["progress_pages"] = 300

    declined(lambda: target.deliver(place(0.2, minute=5), FRESH), Superseded)

    assert read(server)["progress_pages"] == 300


def test_book_without_pages_is_told_no_place(server: HardcoverServer, target: Hardcover) -> None:
    emma = BookRef(MD5, "Emma", isbn="9780141439587", match=str(EMMA))

    refusal = declined(lambda: target.deliver(place(0.5, book=emma), FRESH), ItemRejected)

    assert "pages" in refusal.reason and server.reads == {}


def test_highlights_are_entries_that_follow_edits_and_removals(server: HardcoverServer, target: Hardcover) -> None:
    first = target.deliver(mark(), FRESH)
    target.deliver(mark("noted", text="", note="How true"), FRESH)
    target.deliver(mark("both/note"), FRESH)
    before = Before(first)

    target.deliver(mark(note="Always"), before)

    told = [(one["event"], one["entry"], one["action_at"], one["edition_id"]) for one in server.journal.values()]
    assert told == [
        ("quote", "Fear is the mind-killer.\n\nAlways", "2026-11-20", 31),
        ("note", "How true", "2026-11-20", 31),
    ]
    target.deliver(mark(removed=True), before)
    target.close()
    target.deliver(mark(removed=True), before)
    assert [one["entry"] for one in server.journal.values()] == ["How true"]


def test_entry_that_was_removed_there_is_written_anew_with_an_edit(server: HardcoverServer, target: Hardcover) -> None:
    gone = target.deliver(mark(), FRESH)
    server.journal.clear()
    target.close()

    target.deliver(mark(note="new"), Before(gone))

    assert len(server.journal) == 1


@pytest.mark.parametrize("keeps_metadata", [True, False])
def test_entry_whose_answer_was_lost_is_found(server: HardcoverServer, target: Hardcover, keeps_metadata: bool) -> None:
    server.keeps_metadata = keeps_metadata
    server.troubles = [Trouble("insert_reading_journal", lost="answer")]

    lost = declined(lambda: target.deliver(mark(), FRESH), TargetUnavailable)
    target.close()

    assert lost.maybe_sent
    assert target.find(mark()) == str(next(iter(server.journal)))
    assert target.find(mark("other", text="Another")) is None
    target.deliver(mark(removed=True), MAYBE)
    assert server.journal == {}


def test_equal_words_in_two_places_are_two_entries(server: HardcoverServer, target: Hardcover) -> None:
    target.deliver(mark("one"), FRESH)

    assert target.find(mark("two")) is None


def test_reading_whose_answer_was_lost_is_found(server: HardcoverServer, target: Hardcover) -> None:
    server.troubles = [Trouble("insert_user_book_read", lost="answer")]

    assert declined(lambda: target.deliver(place(0.5), FRESH), TargetUnavailable).maybe_sent

    assert target.find(place(0.5)) == str(next(iter(server.reads)))
    assert target.find(place(0.6)) is None


REFUSED = of({"error": "Unable to verify token"}, 401)
ERRORS = of({"errors": [{"message": "field 'rating' not found", "extensions": {"code": "validation-failed"}}]})


@pytest.mark.parametrize(
    ("operation", "answer", "kind", "maybe_sent"),
    [
        ("books", of({"error": "Throttled"}, 429), TargetUnavailable, False),
        ("insert_reading_journal", of({"error": "Throttled"}, 429), TargetUnavailable, False),
        ("insert_reading_journal", REFUSED, TargetUnavailable, False),
        ("books", Answer(502, b"<html>", "text/html"), TargetUnavailable, False),
        ("insert_reading_journal", Answer(502, b"<html>", "text/html"), TargetUnavailable, True),
        ("insert_reading_journal", Answer(200, b"<html>", "text/html"), TargetUnavailable, True),
        ("books", ERRORS, ItemFailed, False),
        ("insert_reading_journal", ERRORS, ItemFailed, True),
        (
            "insert_reading_journal",
            of({"data": {"insert_reading_journal": {"id": None, "errors": ["no"]}}}),
            ItemRejected,
            False,
        ),
        ("books", of({"data": {"books": []}}), BookUnmatched, False),
    ],
)
def test_refusal_is_told_for_what_it_is(
    server: HardcoverServer, target: Hardcover, operation: str, answer: Answer, kind: type[Declined], maybe_sent: bool
) -> None:
    server.troubles = [Trouble(operation, answer)]

    refusal = declined(lambda: target.deliver(mark(), FRESH), kind)

    assert refusal.maybe_sent is maybe_sent
    assert "{" not in refusal.reason and "<" not in refusal.reason


def test_nobody_there_sends_nothing(store: Store) -> None:
    target = Hardcover("http://127.0.0.1:9/v1/graphql", "t", store)

    assert not declined(lambda: target.deliver(mark(), FRESH), TargetUnavailable).maybe_sent


def test_books_are_matched_by_an_isbn_of_one_book_there(server: HardcoverServer, target: Hardcover) -> None:
    server.editions |= {"9780575081505": (33, DUNE, 500), "9783161484100": (34, EMMA, 1)}
    known = BookRef("1" * 32, isbns=("9780000000002", "9780441013593", "9780575081505"))
    unsure, unknown = BookRef("2" * 32, isbns=("9780441013593", "9783161484100")), BookRef("3" * 32, "Dune")

    found = target.match([known, unsure, unknown])

    assert {md5: (one.remote_id, one.how, one.title) for md5, one in found.items()} == {
        "1" * 32: (str(DUNE), "isbn", "Dune")
    }
    assert target.match([unknown]) == {}


def test_other_books_are_searched_for(target: Hardcover) -> None:
    found = target.search("dune messiah", 5)

    assert [(one.remote_id, one.title, one.authors, one.score) for one in found] == [
        (str(DUNE), "Dune", ("An Author",), 0.5)
    ]
    assert target.search("nothing", 5) == []
    emma = target.book(str(EMMA))
    assert emma is not None and emma.title == "Emma"
    assert target.book("1") is None


def test_token_is_checked(server: HardcoverServer, target: Hardcover) -> None:
    assert [one.detail for one in target.check()] == ["the token is that of user 7"]
    server.token = "another"
    target.close()
    assert "refuses the token" in declined(target.check, TargetUnavailable).reason


def everything(core: Core) -> str:
    tables = core.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    return json.dumps([core.database.rows(f"SELECT * FROM {one['name']}") for one in tables], default=str)


def test_reading_arrives_and_the_token_is_in_no_database_and_no_log(
    open_core: Callable[..., Core], server: HardcoverServer, caplog: pytest.LogCaptureFixture, clock: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    core, reader = open_core(plugins=("progress", "annotations", "ratings", "finished", "hardcover")), SampleReader()
    assert "hardcover" not in core.targets
    core.settings.set("hardcover.url", server.url)
    core.settings.set("hardcover.token", f" Bearer {server.token}\n")
    core.refresh()
    reader.stars = 4
    reader.open(sample_book("Dune", identifiers="ISBN:9780441013593"))
    reader.turn(60)
    marks = [
        {"datetime": f"2026-11-20 13:41:{one:02}", "pos0": f"/p[{one}].0", "text": f"Text {one}"} for one in range(3)
    ]
    reader.close(annotations=marks)
    core.take(reader.lines, "test")
    server.troubles = [Trouble("insert_reading_journal", lost="late")]

    core.sync()
    server.arrive()
    server.limit = len(server.asked) + 3
    limited = core.sync()
    server.limit = 10**6
    for _ in range(2):
        clock.forward(minutes=11)
        report = core.sync()

    assert "no more requests" in limited.unavailable["hardcover"]
    assert report.is_complete
    assert sorted(one["entry"] for one in server.journal.values()) == ["Text 0", "Text 1", "Text 2"]
    assert (server.copies[DUNE]["rating"], read(server)["progress_pages"]) == (4, 61)
    assert server.token not in everything(core) + caplog.text
    with pytest.raises(ValueError, match="expected the token") as bad:
        core.settings.set("hardcover.token", "two words")
    assert "two words" not in str(bad.value)
