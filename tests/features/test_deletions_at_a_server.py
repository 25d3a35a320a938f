"""What a reader deletes, and what becomes of it at a BookLore server: told once, in doubt asked, never made up for."""

from typing import Any

import pytest
from library_world import Household, on_device

from booklore_core.actions.verify import compare
from booklore_core.testing import SampleReader, ServerBook

DELETE = {"BOOKLORE_DELETIONS__POLICY": "delete"}
DIALECTS = ["booklore", "grimmory", "custom"]


class Deleting(Household):
    """A household that reads and deletes. Its account's shelf holds every book."""

    def __init__(self, home: Any, dialect: str, **environ: str) -> None:
        super().__init__(home, dialect, None, ("sessions", "deletions"), **environ)
        self.server.add_shelf("KOReader", list(self.server.books))
        self.dune, self.emma, *_ = self.server.books.values()

    def delete(self, book: dict[str, Any]) -> None:
        """One deletion on a device."""
        reader = self.readers.setdefault("kobo-1", SampleReader("kobo-1"))
        reader.wait(5)
        assert self.core.take([reader.delete(book)], "test").rejected == []

    def shelf(self) -> set[int]:
        return next(row["books"] for row in self.server.rows("shelves") if row["name"] == "KOReader")

    def deletes(self) -> list[Any]:
        return [one.query["ids"] for one in self.server.requests if one.method == "DELETE"]

    def status(self) -> tuple[dict[str, int], list[str]]:
        status = self.core.status()
        return status.pending, [f"{one.state}: {one.reason}" for one in status.waiting]

    def answer(self, agrees: bool) -> None:
        for question in self.core.questions():
            self.core.outbox.answer(question, agrees, self.clock.utc())


@pytest.fixture(params=DIALECTS)
def house(request, tmp_path):
    with_default = Deleting(tmp_path / "home", request.param)
    yield with_default
    with_default.close()


@pytest.fixture(params=DIALECTS)
def harsh(request, tmp_path):
    """A household that has agreed to `delete` before it began to read."""
    household = Deleting(tmp_path / "home", request.param, **DELETE)
    yield household
    household.close()


def had(household: Deleting, book: ServerBook) -> dict[str, Any]:
    """A book that was read and is deleted."""
    on = on_device(book)
    household.read(on)
    household.sync()
    household.delete(on)
    return on


def test_a_deleted_book_leaves_the_shelf_once(house):
    had(house, house.dune)

    house.sync()
    assert house.dune.id not in house.shelf()
    house.shelf().add(house.dune.id)  # by hand, on the server's page
    house.sync()

    assert (house.shelf(), house.deletes()) == (set(house.server.books), [])


def test_a_deleted_book_leaves_the_library_where_that_was_agreed_to(harsh):
    had(harsh, harsh.dune)

    harsh.sync()

    assert (harsh.deletes(), harsh.dune.id in harsh.server.books) == (["1"], False)


def test_the_same_lines_in_a_new_database_take_nothing_off_again(house):
    had(house, house.dune)
    house.sync()
    house.shelf().add(house.dune.id)

    house.begin_anew()
    report = house.sync()

    assert house.dune.id in house.shelf()
    assert (report.total("failed"), house.core.pending(), house.core.status().superseded) == ({}, {}, [])
    house.answer(False)
    (given_up,) = house.core.status().superseded
    assert (given_up.book, given_up.reason.partition(",")[0]) == (
        "Dune", "it was deleted before the server was set up here"
    )  # fmt: skip


def test_the_same_lines_in_a_new_database_delete_nothing(harsh):
    on = had(harsh, harsh.dune)
    harsh.sync()
    harsh.clock.forward(60)
    again = harsh.server.add_book(harsh.dune.read() or b"", "dune.epub", "Dune", ["Frank Herbert"])
    harsh.shelf().add(again.id)

    harsh.begin_anew()
    harsh.sync()
    harsh.sync()

    assert (harsh.deletes(), again.id in harsh.server.books, again.id in harsh.shelf()) == (["1"], True, True)
    assert on["title"] == harsh.core.status().asked[0].rows[0]["book"]


def test_who_set_the_server_up_after_the_deletion_is_asked_and_has_it_done(house):
    house.read(on := on_device(house.dune))
    house.delete(on)
    house.begin_anew()
    house.sync()

    (question,) = house.core.questions()
    assert question.startswith("Some books were deleted before the server was set up here") and "“Dune”" in question
    house.answer(True)
    house.sync()

    assert house.dune.id not in house.shelf()
    assert (house.status(), house.core.status().superseded) == (({}, []), [])


def test_a_file_that_comes_back_after_the_server_was_told_leaves_nothing_that_waits(house):
    on = had(house, house.dune)
    house.sync()

    house.read(on)
    report = house.sync()

    assert (report.total("delivered"), house.status()) == ({"session": 1}, ({}, []))


def test_a_book_that_is_gone_from_the_server_is_done(harsh):
    on = on_device(harsh.dune)
    harsh.read(on)
    harsh.sync()
    harsh.server.remove_book(harsh.dune.id)

    harsh.delete(on)
    harsh.sync()

    assert (harsh.status(), harsh.deletes(), harsh.core.count_books()["total"]) == (({}, []), [], 0)


def test_a_book_that_no_server_has_is_known_no_more_once_it_is_deleted(house):
    alien = on_device(house.dune, partial_md5="1" * 32, title="Nowhere", size=77, file="/mnt/onboard/x.epub")
    house.read(alien)
    assert house.core.count_books() == {"total": 1, "matched": 0, "unmatched": 1}

    house.delete(alien)
    house.sync()

    assert house.core.count_books() == {"total": 0, "matched": 0, "unmatched": 0}
    assert house.core.pending() == {"session": 1, "deletion": 1}


def test_a_file_that_a_scan_brings_back_stays_a_trouble_until_it_is_removed(harsh):
    harsh.server.protect_file(harsh.dune.id)
    had(harsh, harsh.dune)
    harsh.sync()
    harsh.clock.forward(60)
    (back,) = harsh.server.rescan()

    for _ in range(2):
        harsh.sync()
        assert harsh.status() == ({"deletion": 1}, [
            f"rejected: the server has deleted the book and has its file again, as “Dune” ({back.id}): clear "
            "this deletion if that is to stay, or delete it on the server's page, and let the server write to its "
            "folder, or a scan brings it back"
        ])  # fmt: skip
    harsh.server.remove_book(back.id)
    harsh.sync()

    assert (harsh.status(), harsh.deletes()) == (({}, []), ["1"])


def test_verify_passes_over_what_was_deleted_on_purpose_and_names_what_is_gone_otherwise(harsh):
    for book in (harsh.emma, harsh.server.books[3]):
        harsh.read(on_device(book))
    had(harsh, harsh.dune)
    harsh.sync()
    assert compare(harsh.core).is_clean

    harsh.server.remove_book(harsh.emma.id)
    harsh.server.remove_book(3)

    why = compare(harsh.core).unavailable["booklore"]
    assert [name in why for name in ("Dune", "Emma", "Moby Dick")] == [False, True, True]


def test_a_copy_that_is_deleted_leaves_the_book_alone_until_a_person_has_said_more(harsh):
    harsh.read(on_device(harsh.dune))
    harsh.read(on_device(harsh.dune, "/mnt/onboard/copies"))
    harsh.delete(on_device(harsh.dune, "/mnt/onboard/copies"))

    harsh.sync()
    assert (harsh.deletes(), len(harsh.core.questions())) == ([], 1)
    harsh.answer(True)
    harsh.sync()

    assert harsh.deletes() == ["1"]
