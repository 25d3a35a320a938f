"""Only certain matches are taken silently: ISBNs, rewritten files, equal titles, and what a person is shown."""

import pytest
from booklore_world import OpenWorld, World, ref, session

from booklore_core import Before, BookRef, BookUnmatched, Match, TargetUnavailable
from booklore_core.testing import small_epub
from booklore_targets.booklore.identities import is_same
from booklore_targets.booklore.library import BookFile, Listed
from booklore_targets.booklore.titles import likeness, titles_agree

DUNE_ISBN = "9780441013593"


def stranger(**known: object) -> BookRef:
    """A book whose file the server does not have."""
    return BookRef("f" * 32, **known)  # type: ignore[arg-type]


def test_book_is_found_by_its_isbn(world: World) -> None:
    found = world.target().match([stranger(title="Dune", isbn=DUNE_ISBN)])

    assert found == {"f" * 32: Match("1", "isbn", 0.95, "Dune")}


@pytest.mark.parametrize(
    "written", [{"isbn13": "978-0-306-40615-7"}, {"isbn10": "0-306-40615-2"}, {"isbn10": "0306406152"}]
)
def test_isbn_is_compared_without_hyphens_and_in_thirteen_digits(
    open_world: OpenWorld, written: dict[str, str]
) -> None:
    world = open_world()
    book = world.server.add_book(small_epub("Hyphens"), "h.epub", "Hyphens", **written)

    assert world.target().match([stranger(title="hyphens", isbn="9780306406157")])["f" * 32].remote_id == str(book.id)


def test_isbn_that_grimmory_has_cut_matches_nothing(open_world: OpenWorld) -> None:
    world = open_world("grimmory")
    world.server.add_book(small_epub("Cut"), "cut.epub", "Cut", isbn13="978-0-306-40615-7")

    assert world.target().match([stranger(isbn="9780306406157")]) == {}


@pytest.mark.parametrize("isbn", ["", "-", "x", "9780441013590", "0000000000000", "not an isbn", "978"])
def test_invalid_isbn_never_matches_a_book_without_one(world: World, isbn: str) -> None:
    assert world.target().match([stranger(title="Unheard of", isbn=isbn)]) == {}


def test_isbn_of_two_books_is_no_match(world: World) -> None:
    world.server.add_book(small_epub("Another edition"), "dune2.epub", "Dune", isbn13=DUNE_ISBN)

    assert world.target().match([stranger(title="Dune", isbn=DUNE_ISBN)]) == {}


def test_isbn_of_a_box_does_not_match_another_volume(stock: World) -> None:
    stock.server.add_book(small_epub("One"), "one.epub", "Saga: Volume One", isbn13="9780306406157")

    assert stock.target().match([stranger(title="Saga: Volume Two", isbn="9780306406157")]) == {}


def test_isbn_of_an_audiobook_is_no_match(stock: World) -> None:
    stock.server.add_book(b"sound" * 999, "heard.m4b", "Heard", isbn13="9780306406157")

    assert stock.target().match([stranger(title="Heard", isbn="9780306406157")]) == {}


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("Dune", "DUNE ", True),
        ("Dune", "Dune: Deluxe Edition", False),
        ("Sapiens: A Brief History of Humankind", "Sapiens", False),
        ("Sapiens: A Brief History of Humankind", "SAPIENS – a brief history\n  of humankind", True),
        ("Café des Artistes", "Cafe\u0301 des artistes", True),
        ("Ender's Game", "Ender’s Game", True),
        ("“Dune”", "Dune", True),
        ("Ｄｕｎｅ\u00ad", "dune", True),
        ("Сага", "Сага. Том 2", False),
        ("三体", "三体 第2卷", False),
        ("三体", "三体Ⅱ", False),
        ("三体Ⅱ", "三体II", True),
        ("Saga", "Saga (Leseprobe)", False),
        ("Saga!", "Saga!!", False),
        ("Saga", "Saga ②", False),
        ("Dune (Dune Chronicles #1)", "Dune", False),
        ("Saga", "Saga: Volume Two", False),
        ("Mistborn", "Mistborn - The Complete Trilogy", False),
        ("Emperor", "Emperor: Part IV", False),
        ("Dune", None, False),
        ("", "Dune", False),
        (None, None, False),
        ("Foundation", "Foundation and Empire", False),
        ("Saga: Volume One", "Saga: Volume Two", False),
        ("Dune (Book 1)", "Dune (Book 2)", False),
        ("Dune 1", "Dune 2", False),
        ("The Hobbit", "The Fellowship of the Ring", False),
    ],
)
def test_titles_that_share_an_isbn_may_still_be_two_books(one: str | None, other: str | None, agree: bool) -> None:
    assert titles_agree(one, other) is titles_agree(other, one) is agree


def test_equal_titles_alone_are_no_match(world: World) -> None:
    world.server.add_book(small_epub("one"), "one.epub", "Selected Poems", ["Ann"])
    world.server.add_book(small_epub("two"), "two.epub", "Selected Poems", ["Bob"])

    assert world.target().match([stranger(title="Selected Poems"), BookRef("e" * 32, "Dune")]) == {}


def test_file_that_the_server_has_rewritten_is_known_by_name_size_and_title(world: World) -> None:
    emma = world.server.books[2]
    before = ref(emma)
    world.server.rewrite_book(emma.id, swapped(emma.read() or b""))

    assert world.target().match([before]) == {before.partial_md5: Match("2", "file", 0.9, "Emma")}


def swapped(content: bytes) -> bytes:
    """The content with its first byte changed."""
    return bytes([content[0] ^ 1]) + content[1:]


@pytest.mark.parametrize(
    "changed", [{"title": "Emma II"}, {"file": "/books/emma2.epub"}, {"size": 99}, {"title": None}]
)
def test_rewritten_file_that_differs_in_anything_else_is_no_match(stock: World, changed: dict[str, object]) -> None:
    emma = stock.server.books[2]
    before = ref(emma, **changed)
    stock.server.rewrite_book(emma.id, swapped(emma.read() or b""))

    assert stock.target().match([before]) == {}


def test_book_that_was_removed_waits_for_a_new_match(world: World) -> None:
    target = world.target()
    dune = world.server.books[1]
    target.deliver(session(dune), Before())
    world.server.remove_book(1)

    with pytest.raises(BookUnmatched, match="Book not found"):
        target.deliver(session(dune, minute=10), Before())
    target.close()
    again = world.server.add_book(dune.read() or b"", "dune.epub", "Dune")

    assert target.match([ref(dune)])[dune.partial_md5].remote_id == str(again.id)


def test_search_shows_the_likeliest_books_first(world: World) -> None:
    world.server.add_book(small_epub("m"), "m.epub", "Dune Messiah", ["Frank Herbert"])
    target = world.target()

    found = target.search("dune", 2)

    assert [(one.remote_id, one.title) for one in found] == [("1", "Dune"), ("5", "Dune Messiah")]
    assert 1.0 == found[0].score > found[1].score >= 0.4
    assert found[0].authors == ("Frank Herbert",)


@pytest.mark.parametrize("text", [DUNE_ISBN, "978-0-441-01359-3", "0441013597"])
def test_search_takes_an_isbn(open_world: OpenWorld, text: str) -> None:
    assert open_world().target().search(text, 5)[0].remote_id == "1"


def test_search_for_nonsense_finds_nothing(open_world: OpenWorld) -> None:
    assert open_world().target().search("qqqq zzzz", 5) == []


def test_step_by_step_search_lists_the_library_once(open_world: OpenWorld) -> None:
    world = open_world()
    target = world.target()

    for text in ("dune", "emma", "moby"):
        target.search(text, 5)

    assert sum(one.path == "/api/v1/books" for one in world.server.requests) == 1


def test_book_is_looked_up_by_its_id(world: World) -> None:
    target = world.target()

    assert target.book("1").title == "Dune"  # type: ignore[union-attr]
    assert [target.book(remote_id) for remote_id in ("999", "x", "", "-1", "1/content", "²")] == [None] * 6


def test_book_without_access_is_not_shown(world: World) -> None:
    world.server.add_user("ann", "annspassword")

    assert world.target(USERNAME="ann", PASSWORD="annspassword").book("1") is None


def test_lookup_without_a_server_is_unavailable(open_world: OpenWorld) -> None:
    world = open_world()
    world.server.stop()

    with pytest.raises(TargetUnavailable):
        world.target().book("1")


KNOWN = {"added": "2026-11-20T20:00:00", "title": "Emma", "files": ["emma.epub"], "isbns": [DUNE_ISBN]}
OTHERWISE = {"title": "Emma, tidied", "name": "1.epub", "isbn": "9780306406157"}


@pytest.mark.parametrize(
    ("known_added", "added", "changed", "same"),
    [
        ("2026-11-20T20:00:00", "2026-11-20T20:00:00", {}, True),
        ("2026-11-20T20:00:00", "2026-11-20T20:00:00", OTHERWISE, True),
        ("2026-11-20T20:00:00", "2026-11-21T20:00:00", {}, False),
        (None, "2026-11-20T20:00:00", {}, True),
        ("2026-11-20T20:00:00", None, {"title": "Emma, tidied"}, True),
        (None, None, {"name": "1.epub"}, True),
        (None, None, {"title": "Emma, tidied", "name": "1.epub"}, False),
        (None, None, {"title": "Emma, tidied", "isbn": "9780306406157"}, False),
        (None, None, OTHERWISE, False),
    ],
)
def test_an_id_is_still_the_same_books_by_its_date_or_else_by_two_facts(
    known_added: str | None, added: str | None, changed: dict[str, str], same: bool
) -> None:
    facts = {"title": "Emma", "name": "emma.epub", "isbn": DUNE_ISBN, **changed}
    files = (BookFile("EPUB", facts["name"], 3, is_primary=True),)

    book = Listed(2, facts["title"], (), frozenset({facts["isbn"]}), files, added)

    assert is_same({**KNOWN, "added": known_added}, book) is same


def test_editions_signs_and_the_order_of_names_cost_a_title_little() -> None:
    typed = "War & Peace (Oxford World's Classics) [2010]"

    assert likeness(typed, "War and Peace", ["Leo Tolstoy"]) >= 0.9
    assert likeness("War and Peace", typed, ["Tolstoy, Leo"]) >= 0.9
    assert all(likeness(typed, other) < 0.6 for other in ("The Art of War", "Crime and Punishment", "Peace", "It"))


LONG = "The Subtle Art of Not Giving a Damn: A Counterintuitive Approach to Living a Good Life in War and Peace Time"
FAMOUS = ["War and Peace", "The Art of War", "It", "A Good Life", "Peace", "The Life of Pi", "Crime and Punishment"]


@pytest.mark.parametrize("title", FAMOUS)
def test_no_other_book_is_likely_for_a_long_title(title: str) -> None:
    assert likeness(LONG, title) < 0.6
    assert likeness("It Ends with Us", title) < 0.6


@pytest.mark.parametrize(
    ("typed", "title", "least"),
    [
        ("dune", "Dune", 1.0),
        ("dune", "Dune: Deluxe Edition", 0.7),
        ("Frankenstein; or, The Modern Prometheus", "Frankenstein", 0.7),
        ("dnue messiah", "Dune Messiah", 0.85),
        ("les miserables", "Les Misérables", 0.85),
        ("herbert frank dune", "Dune", 0.9),
        ("hitchhikers guide", "The Hitchhiker's Guide to the Galaxy", 0.6),
        ("三体", "三体全集", 0.6),
        ("Der Prozess", "Der Prozeß", 1.0),
    ],
)
def test_what_a_person_types_for_a_book_finds_it(typed: str, title: str, least: float) -> None:
    assert likeness(typed, title, ["Frank Herbert"]) >= least
