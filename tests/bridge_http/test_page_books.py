"""Books on the page: found, matched by hand beside covers that come through the core, and forgotten again."""

from __future__ import annotations

from typing import Any

import pytest
from page_world import Browser

from booklore_core.core import Core
from booklore_core.testing import FakeLibrary, SampleReader, sample_book

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
TITLES = {"1": "Dune", "2": "Dune Messiah", "3": "Emma", "4": "Emma Stories", "5": "Persuasion"}


@pytest.fixture
def library() -> FakeLibrary:
    library = FakeLibrary({sample_book("Persuasion")["partial_md5"]: "5"}, TITLES)
    library.covers = {"1": PNG, "5": PNG, "3": b"<svg onload='alert(1)'>", "4": b"\xff\xd8\xff" + b"x" * 3_000_000}
    return library


@pytest.fixture
def core(open_core: Any, library: FakeLibrary) -> Core:
    core: Core = open_core(library)
    reader = SampleReader()
    for title in ("Dune", "Emma", "Persuasion"):
        reader.read(sample_book(title))
    core.take(reader.lines, "test")
    core.sync()
    return core


@pytest.fixture
def browser(url: str) -> Browser:
    return Browser(url)


def test_books_are_found_by_title_author_and_path(browser: Browser) -> None:
    for text, count in (("emma", 1), ("HERBERT", 3), ("onboard/dune", 1), ("", 3)):
        browser.get(f"books?q={text}")
        assert browser.seen.text.count('<h2 class="name">') == count


def test_only_unmatched_ones(browser: Browser) -> None:
    browser.get("books?unmatched=1")

    assert "Dune" in browser.text and "Persuasion" not in browser.text


def test_where_nothing_is_found_the_way_on_is_told(browser: Browser) -> None:
    browser.get("books?q=nowhere")

    assert "No such book is known." in browser.text and "All books" in browser.text


def test_three_books_are_matched_by_hand_one_after_the_other(core: Core, browser: Browser) -> None:
    browser.get("books")
    browser.press("Match Unmatched Books (2)")
    browser.press("Yes")
    assert "1 of 2: Emma" in browser.text
    browser.press(next(text for text in browser.buttons if "Emma An Author" in text))
    assert "2 of 2: Dune" in browser.text
    browser.press(next(text for text in browser.buttons if "Dune Messiah" in text))

    assert "2 matched, 0 still unmatched" in browser.text
    assert set(core.books.matches("library").values()) == {"2", "3", "5"}


def test_the_candidates_have_covers_that_come_through_the_core(
    core: Core, browser: Browser, library: FakeLibrary
) -> None:
    browser.get("books?q=dune")
    browser.press("Match")
    assert 'src="../covers/library/1"' in browser.seen.text

    answer = browser.get("covers/library/1")

    assert (answer.content, answer.headers["Content-Type"]) == (PNG, "image/png")
    browser.get("covers/library/1")
    assert library.looked_at == ["1"]


@pytest.mark.parametrize("address", ["library/3", "library/4", "library/2", "nobody/1", "library/..%2f..%2fetc"])
def test_what_is_no_picture_of_a_fitting_size_is_none(browser: Browser, address: str) -> None:
    assert browser.get(f"covers/{address}").status_code == 404


def test_a_cover_that_there_is_not_is_not_asked_for_each_time(browser: Browser, library: FakeLibrary) -> None:
    for _ in range(3):
        browser.get("covers/library/2")

    assert library.looked_at == ["2"]


def test_a_target_that_is_away_costs_no_view(core: Core, browser: Browser, library: FakeLibrary) -> None:
    library.is_open = False

    assert browser.get("covers/library/1").status_code == 404
    library.is_open = True
    assert browser.get("covers/library/1").status_code == 200


def test_a_book_says_what_waits_and_is_matched_and_forgotten(core: Core, browser: Browser) -> None:
    md5 = sample_book("Dune")["partial_md5"]
    browser.get(f"books/{md5}")
    assert "No target knows this book yet" in browser.text and "1 session for library" in browser.text

    browser.press("Match book")
    browser.press(next(text for text in browser.buttons if "· Dune An" in text))
    assert "Matched at library" in browser.text and browser.view.endswith(f"/books/{md5}")
    browser.press("Forget match")

    assert "is no longer matched to Dune at library" in browser.text
    assert md5 not in core.books.matches("library")


def test_a_book_can_be_kept_from_being_recorded(core: Core, browser: Browser) -> None:
    md5 = sample_book("Dune")["partial_md5"]
    browser.get(f"books/{md5}")
    browser.press("Run", at="track_book")

    assert "Dune is not tracked from now on" in browser.text
    assert not core.books.is_tracked(md5)


def test_what_is_no_book_is_told(browser: Browser) -> None:
    assert browser.get(f"books/{'0' * 32}").status_code == 404
    assert browser.get("books/dune").status_code == 422


def test_many_books_are_shown_a_few_at_a_time(core: Core, browser: Browser) -> None:
    reader = SampleReader("kobo-two")
    for number in range(60):
        reader.read(sample_book(f"Volume {number}"), pages=6)
    core.take(reader.lines, "test")

    browser.get("books")
    assert browser.seen.text.count('<h2 class="name">') == 50
    browser.get("books?start=50")
    assert browser.seen.text.count('<h2 class="name">') == 13


def test_a_book_that_is_nowhere_is_asked_about_never_again(core: Core, browser: Browser) -> None:
    md5 = sample_book("Dune")["partial_md5"]
    unmatched = core.count_books()["unmatched"]
    browser.get(f"books/{md5}")

    browser.press("Never")
    assert "Never send anything of Dune? What waits is discarded, for good: 1 session." in browser.text
    browser.press("Never")

    assert "Dune is not tracked from now on" in browser.text
    assert "No target knows" not in browser.text and "Never" not in browser.buttons
    assert core.count_books()["unmatched"] == unmatched - 1
    assert md5 not in {book.partial_md5 for book in core.books.unmatched("library")}


def test_whoever_matches_one_of_a_list_stays_in_it_and_reads_which_book_it_was(core: Core, browser: Browser) -> None:
    browser.get("books?q=dune&unmatched=1&start=0")
    browser.press("Match", at="match_book")
    browser.press(browser.buttons[0])

    assert browser.view == f"{browser.url}/books?q=dune&unmatched=1&start=0"
    assert "Dune Matched at library" in browser.text


def test_behind_the_last_view_of_books_is_the_last_one(browser: Browser) -> None:
    browser.get("books?start=1000")

    assert browser.seen.text.count('<h2 class="name">') == 3
