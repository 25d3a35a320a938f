"""Highlights and notes whose way to the server goes wrong: each ends up there once, as the device has it."""

from collections.abc import Sequence
from typing import Any

import pytest
from booklore_world import FRESH, MAYBE_SENT, OpenWorld, World
from marks_world import TABLES, WebReader, before, changed, elsewhere, highlight, removed

from booklore_core import Before, Declined, Item, ItemFailed, TargetUnavailable
from booklore_core.testing import small_epub

REPEAT_AFTER = 600
LOST = ("close_before", "close_after", "half_body", "refuse", "commit_then_500", "status:503", "commit_then_html_200")
OFTEN_LOST = ("close_before", "close_after", "refuse", "commit_then_500")
WRITES = ("POST", "PUT", "DELETE")
FORMS: dict[str, dict[str, Any]] = {
    "highlight": {},
    "note": {"note": "who turns it?"},
    "book note": {"note": "who turns it?", "place": "in_booklore"},
}


class Household:
    """Delivers the revisions of one item as the core does: it looks before it sends what may be there, and waits."""

    def __init__(self, world: World) -> None:
        self.world, self.remote_id, self.maybe_sent = world, "", False
        self.tried_at = 0.0

    def sync(self, item: Item) -> bool:
        """Whether the item is delivered."""
        target = self.world.target()
        try:
            if self.maybe_sent and not self.remote_id and not item.is_tombstone:
                found = target.find(item)
                self.remote_id, self.maybe_sent = found or "", self.maybe_sent and not found
                if found or self.world.clock.now < self.tried_at + REPEAT_AFTER:
                    return bool(found)
            told, self.tried_at = Before(self.remote_id or None, self.maybe_sent), self.world.clock.now
            self.remote_id = target.deliver(item, told) or self.remote_id
            self.maybe_sent = False
        except Declined as error:
            self.maybe_sent = self.maybe_sent or error.maybe_sent
            return False
        finally:
            target.close()
        return True

    def bring(self, *items: Item) -> None:
        """Every revision is tried once, the last one until it is delivered."""
        for item in items[:-1]:
            self.sync(item)
        for _ in range(8):
            if self.sync(items[-1]):
                return
            self.world.clock.now += 400
        raise AssertionError("it is never delivered")


def state(world: World) -> dict[str, list[dict[str, Any]]]:
    return WebReader(world).everything()


UNDISTURBED: dict[str, dict[str, list[dict[str, Any]]]] = {}


def undisturbed(open_world: OpenWorld, item: Item) -> dict[str, list[dict[str, Any]]]:
    """What a server holds after this item alone."""
    if item.is_tombstone:
        return {}
    if item.idempotency_key not in UNDISTURBED:
        world = open_world("booklore")
        world.target().deliver(item, FRESH)
        UNDISTURBED[item.idempotency_key] = state(world)
    return UNDISTURBED[item.idempotency_key]


@pytest.fixture(params=["booklore", "grimmory-3.5"])
def served(request: pytest.FixtureRequest, open_world: OpenWorld) -> World:
    """A server that answers for what is gone with 500, and one that answers with 404."""
    world = open_world(request.param)
    world.target().check()
    return world


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("form", FORMS)
def test_lost_answer_makes_no_second_one(served: World, open_world: OpenWorld, fault: str, form: str) -> None:
    marked = highlight(served.server.books[1], **FORMS[form])
    for path in TABLES.values():
        served.server.fail(fault, f"POST {path}")

    Household(served).bring(marked)

    assert state(served) == undisturbed(open_world, marked)


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("fault", OFTEN_LOST)
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize(
    ("forms"),
    [
        ("highlight", "note", "highlight"),
        ("note", "highlight"),
        ("highlight", "gone"),
        ("note", "gone"),
        ("book note", "gone"),
        ("highlight", "note", "gone"),
        ("highlight", "gone", "note"),
        ("note", "edited"),
        ("highlight", "shorter", "gone"),
        ("highlight", "shorter"),
    ],
    ids=" then ".join,
)
def test_edits_end_alike_whatever_goes_wrong(
    served: World, open_world: OpenWorld, forms: Sequence[str], method: str, fault: str, after: int
) -> None:
    items = [form_of(served, form) for form in forms if form != "gone"]
    if "gone" in forms:
        items.insert(forms.index("gone"), removed(items[forms.index("gone") - 1]))
    for path in TABLES.values():
        served.server.fail(fault, f"{method} {path}", after=after)

    Household(served).bring(*items)

    assert state(served) == undisturbed(open_world, items[-1])


def form_of(world: World, form: str) -> Item:
    book, place = world.server.books[1], "/body/DocFragment[1]/body/p[1]/text()"
    if form == "edited":
        return highlight(book, note="nobody", color="green")
    if form == "shorter":
        return highlight(book, pos0=f"{place}.6", pos1=f"{place}.15", text="paragraph")
    return highlight(book, **FORMS[form])


@pytest.mark.parametrize("form", FORMS)
def test_request_that_is_carried_out_minutes_later_makes_no_second_one(
    served: World, open_world: OpenWorld, form: str
) -> None:
    marked, household = highlight(served.server.books[1], **FORMS[form]), Household(served)
    for path in TABLES.values():
        served.server.fail("late:300", f"POST {path}")

    household.bring(marked)

    assert state(served) == undisturbed(open_world, marked)


def test_note_on_the_book_that_was_edited_while_its_way_was_unknown_is_there_once(served: World) -> None:
    marked = elsewhere(highlight(served.server.books[1], note="who turns it?"))
    served.server.fail("close_after", "POST /api/v1/book-notes")

    Household(served).bring(marked, changed(marked, note="nobody"))

    assert [row["content"][-6:] for row in WebReader(served).rows("book_notes")] == ["nobody"]


def test_equal_notes_on_the_book_are_both_there(served: World) -> None:
    book = served.server.books[1]
    notes = [elsewhere(highlight(book, key=name, note="who turns it?")) for name in ("one", "two")]
    served.server.fail("close_after", "POST /api/v1/book-notes", times=2)

    for household, one in [(Household(served), one) for one in notes]:
        household.bring(one)

    assert len(WebReader(served).rows("book_notes")) == 2


def test_note_on_the_book_that_went_away_is_made_anew_once(served: World) -> None:
    marked, household = elsewhere(highlight(served.server.books[1], note="who turns it?")), Household(served)
    household.bring(marked)
    WebReader(served).delete("book_notes", 1)
    served.server.fail("late:300", "POST /api/v1/book-notes")

    household.bring(changed(marked, note="nobody"))

    assert len(WebReader(served).rows("book_notes")) == 1


def test_removal_waits_for_a_move_that_may_still_come(served: World) -> None:
    marked, household = highlight(served.server.books[1]), Household(served)
    household.bring(marked)
    served.server.fail("late:300", "POST /api/v2/book-notes")

    household.bring(changed(marked, note="who turns it?"), removed(changed(marked, note="who turns it?")))

    assert state(served) == {}


def test_one_of_two_that_come_at_once_takes_over_the_other(world: World) -> None:
    marked, web = highlight(world.server.books[1]), WebReader(world)
    target = world.target()
    target.check()
    web.make("annotations", cfi="epubcfi(/6/2!/4/2,/1:0,/1:34)", text=marked.body["text"])
    world.server.fail("conflict", "POST /api/v1/annotations")

    assert target.deliver(marked, FRESH) == "annotation:1"

    assert [row["color"] for row in web.rows("annotations")] == ["#FFC107"]


def test_look_finds_what_an_earlier_database_has_sent_and_brings_it_up_to_date(world: World) -> None:
    web = WebReader(world)
    web.make("annotations", cfi="epubcfi(/6/2!/4/2,/1:0,/1:34)", text="Dune, paragraph 1: the page turns.")

    assert world.target().find(highlight(world.server.books[1], color="green")) == "annotation:1"

    assert [row["color"] for row in web.rows("annotations")] == ["#4ADE80"]


def test_look_finds_the_highlight_that_an_earlier_database_has_sent_before_it_got_a_note(world: World) -> None:
    web = WebReader(world)
    web.make("annotations", cfi="epubcfi(/6/2!/4/2,/1:0,/1:34)", text="Dune, paragraph 1: the page turns.")

    assert world.target().find(highlight(world.server.books[1], note="who turns it?")) == "note:1"

    assert (web.rows("annotations"), len(web.rows("notes"))) == ([], 1)


def lose_what_is_known(world: World) -> None:
    for key in list(world.store.keys()):
        world.store.remove(key)


def test_look_finds_the_highlight_that_an_earlier_database_has_sent_before_it_got_a_note_on_the_book(
    world: World,
) -> None:
    web, noted = WebReader(world), highlight(world.server.books[1], note="who turns it?", place="in_booklore")
    web.make("annotations", cfi="epubcfi(/6/2!/4/2,/1:0,/1:34)", text="Dune, paragraph 1: the page turns.")

    assert world.target().find(noted) == "book-note:1"

    assert (web.rows("annotations"), len(web.rows("book_notes"))) == ([], 1)


def test_look_finds_the_note_on_the_book_that_an_earlier_database_has_sent_before_it_was_taken_away(
    world: World,
) -> None:
    web, plain = WebReader(world), highlight(world.server.books[1])
    world.target().deliver(changed(plain, note="who turns it?", place="in_booklore"), FRESH)
    lose_what_is_known(world)

    assert world.target().find(plain) == "annotation:1"

    assert (web.rows("book_notes"), len(web.rows("annotations"))) == ([], 1)


def test_look_for_a_note_on_the_book_leaves_the_one_in_it_that_an_earlier_database_has_sent(world: World) -> None:
    web, noted = WebReader(world), highlight(world.server.books[1], note="who turns it?")
    for one in (noted, elsewhere(noted)):
        world.target().deliver(one, FRESH)
    lose_what_is_known(world)

    found = [world.target().find(one) for one in (elsewhere(noted), noted)]

    assert found == ["book-note:1", "note:1"]
    assert (len(web.rows("book_notes")), len(web.rows("notes"))) == (1, 1)


def test_look_finds_nothing_that_is_another_items(world: World) -> None:
    target, book = world.target(), world.server.books[1]
    target.deliver(highlight(book), FRESH)

    assert target.find(highlight(book, key="again")) is None


def test_look_that_fails_holds_the_item(stock: World) -> None:
    target = stock.target()
    target.check()
    stock.server.fail("status:503", "GET /api/v1/annotations")

    with pytest.raises(TargetUnavailable):
        target.find(highlight(stock.server.books[1]))

    assert stock.asked("/api/v1/annotations", "POST") == 0


@pytest.mark.parametrize("fault", ["refuse", "commit_then_500"])
def test_failure_of_the_server_leaves_the_outcome_open(stock: World, fault: str) -> None:
    target = stock.target()
    target.check()
    stock.server.fail(fault, "POST /api/v1/annotations")

    with pytest.raises(ItemFailed) as failure:
        target.deliver(highlight(stock.server.books[1]), FRESH)

    assert failure.value.maybe_sent


def test_one_listing_serves_all_items_of_a_book(open_world: OpenWorld) -> None:
    world = open_world()
    titles = [f"Book {number}" for number in range(12)]
    books = [world.server.add_book(small_epub(title), f"{title}.epub", title) for title in titles]
    items = [highlight(book, paragraph, note=note) for book in books for paragraph in (1, 2, 3) for note in (None, "n")]
    target = world.target()

    for item in items:
        assert target.find(changed(item, place="in_booklore")) is None
        assert target.find(item) is None

    for path in ("/api/v1/annotations/book", "/api/v2/book-notes/book", "/api/v1/book-notes/book"):
        assert world.asked(path, "GET") == len(books)


def test_maybe_sent_removal_finds_what_it_was(world: World) -> None:
    marked = highlight(world.server.books[1], note="who turns it?")
    target = world.target()
    target.check()
    world.server.fail("close_after", "POST /api/v2/book-notes")
    with pytest.raises(TargetUnavailable):
        target.deliver(marked, FRESH)

    target.deliver(removed(marked), MAYBE_SENT)

    assert state(world) == {}


def test_removal_leaves_the_note_of_another_item(world: World) -> None:
    book, target = world.server.books[1], world.target()
    target.deliver(highlight(book), FRESH)

    target.deliver(removed(highlight(book, key="again")), before(None, maybe_sent=True))

    assert len(WebReader(world).rows("annotations")) == 1
