"""Highlights and notes as the server gets them, as it keeps them through edits, and what is left when they go."""

import pytest
from booklore_world import FRESH, World, ref
from marks_world import WebReader, brought, changed, elsewhere, highlight, removed

from booklore_core import BookUnmatched, Item, ItemRejected
from booklore_core.testing import ServerBook

CFI = "epubcfi(/6/2!/4/2,/1:0,/1:34)"
SHOWN = {
    "cfi": CFI,
    "text": "Dune, paragraph 1: the page turns.",
    "color": "#FFC107",
    "style": "highlight",
    "note": None,
    "chapterTitle": "Book One",
}
NOTED = {
    "cfi": CFI,
    "selectedText": "Dune, paragraph 1: the page turns.",
    "noteContent": "who turns it?",
    "color": "#FFC107",
    "chapterTitle": "Book One",
}


@pytest.fixture
def dune(world: World) -> ServerBook:
    return world.server.books[1]


@pytest.fixture
def web(world: World) -> WebReader:
    return WebReader(world)


def test_highlight_arrives_as_an_annotation(world: World, dune: ServerBook, web: WebReader) -> None:
    assert world.target().deliver(highlight(dune), FRESH) == "annotation:1"

    assert web.everything() == {"annotations": [SHOWN]}


def test_note_arrives_as_a_note_in_the_book_and_nothing_beside(world: World, dune: ServerBook, web: WebReader) -> None:
    assert world.target().deliver(highlight(dune, note="who turns it?"), FRESH) == "note:1"

    assert web.everything() == {"notes": [NOTED]}


def test_note_on_the_book_says_when_and_on_what_it_was_made(world: World, dune: ServerBook, web: WebReader) -> None:
    noted = elsewhere(highlight(dune, note="who turns it?"))

    assert world.target().deliver(noted, FRESH) == "book-note:1"

    title = "Book One (2026-11-20 13:41:01)"
    content = "“Dune, paragraph 1: the page turns.”\n\nwho turns it?"
    assert web.everything() == {"book_notes": [{"title": title, "content": content}]}


@pytest.mark.parametrize("note", [None, "", "  \n"])
def test_note_that_says_nothing_is_none(world: World, dune: ServerBook, web: WebReader, note: str | None) -> None:
    world.target().deliver(highlight(dune, note=note), FRESH)

    assert web.everything() == {"annotations": [SHOWN]}


@pytest.mark.parametrize(
    ("color", "sent"),
    [
        ("yellow", "#FFC107"),
        ("green", "#4ADE80"),
        ("cyan", "#38BDF8"),
        ("blue", "#38BDF8"),
        ("pink", "#F472B6"),
        ("purple", "#F472B6"),
        ("orange", "#FB923C"),
        ("red", "#FB923C"),
        ("olive", "#FFC107"),
        ("gray", "#FFC107"),
        ("white", "#FFC107"),
        (None, "#FFC107"),
    ],
)
def test_colours_are_the_servers_own(stock: World, color: str | None, sent: str) -> None:
    stock.target().deliver(highlight(stock.server.books[1], color=color), FRESH)

    assert WebReader(stock).rows("annotations")[0]["color"] == sent


@pytest.mark.parametrize(
    ("drawer", "style"),
    [
        ("lighten", "highlight"),
        ("underscore", "underline"),
        ("strikeout", "strikethrough"),
        ("invert", "highlight"),
        (None, "highlight"),
    ],
)
def test_drawers_are_the_servers_styles(stock: World, drawer: str | None, style: str) -> None:
    stock.target().deliver(highlight(stock.server.books[1], drawer=drawer), FRESH)

    assert WebReader(stock).rows("annotations")[0]["style"] == style


def test_what_is_the_same_is_sent_no_second_time(world: World, dune: ServerBook) -> None:
    brought(world, highlight(dune), changed(highlight(dune), pageno=13, updated="2026-11-21 10:00:00"))

    assert [one.method for one in world.server.requests if "annotations" in one.path] == ["POST", "GET"]


def test_colour_and_style_change_in_place(world: World, dune: ServerBook, web: WebReader) -> None:
    remote_id = brought(world, highlight(dune), highlight(dune, color="green", drawer="underscore"))

    assert remote_id == "annotation:1"
    assert web.everything() == {"annotations": [{**SHOWN, "color": "#4ADE80", "style": "underline"}]}


def test_note_changes_in_place(world: World, dune: ServerBook, web: WebReader) -> None:
    noted = highlight(dune, note="who turns it?")

    remote_id = brought(world, noted, changed(noted, note="nobody", color="pink", chapter="Book Two"))

    told = {**NOTED, "noteContent": "nobody", "color": "#F472B6", "chapterTitle": "Book Two"}
    assert (remote_id, web.everything()) == ("note:1", {"notes": [told]})


def test_note_on_the_book_changes_in_place_and_keeps_its_title(world: World, dune: ServerBook, web: WebReader) -> None:
    noted = elsewhere(highlight(dune, note="who turns it?"))

    remote_id = brought(world, noted, changed(noted, note="nobody"))

    assert remote_id == "book-note:1"
    assert [row["title"] for row in web.rows("book_notes")] == ["Book One (2026-11-20 13:41:01)"]
    assert web.rows("book_notes")[0]["content"].endswith("\n\nnobody")


@pytest.mark.parametrize(
    ("at_first", "then"),
    [({}, {"note": "who turns it?"}), ({"note": "who turns it?"}, {}), ({"note": "who turns it?"}, {"note": ""})],
)
def test_highlight_that_gets_a_note_or_loses_it_changes_its_table(
    world: World, dune: ServerBook, web: WebReader, at_first: dict[str, str], then: dict[str, str]
) -> None:
    brought(world, highlight(dune, **at_first), highlight(dune, **then))

    assert web.everything() == ({"notes": [NOTED]} if then.get("note") else {"annotations": [SHOWN]})


def test_highlight_whose_range_changes_moves(world: World, dune: ServerBook, web: WebReader) -> None:
    place = "/body/DocFragment[1]/body/p[1]/text()"
    shorter = {"pos0": f"{place}.6", "pos1": f"{place}.15", "text": "paragraph"}

    remote_id = brought(world, highlight(dune), highlight(dune, **shorter))

    assert remote_id == "annotation:2"
    assert web.everything() == {"annotations": [{**SHOWN, "cfi": "epubcfi(/6/2!/4/2,/1:6,/1:15)", "text": "paragraph"}]}


def test_highlight_whose_text_alone_changes_is_made_anew(world: World, dune: ServerBook, web: WebReader) -> None:
    remote_id = brought(world, highlight(dune), highlight(dune, text="Dune,  paragraph 1: the page turns."))

    assert remote_id == "annotation:2"
    assert [row["text"] for row in web.rows("annotations")] == ["Dune,  paragraph 1: the page turns."]


def test_text_that_the_reader_wrote_anew_stays_in_its_place(world: World, dune: ServerBook, web: WebReader) -> None:
    first = highlight(dune, 2)
    remote_id = brought(world, first)
    (there,) = web.rows("annotations")

    brought(world, changed(first, text="In my own words", text_edited=True), remote_id=remote_id)

    (row,) = web.rows("annotations")
    assert (row["cfi"], row["text"]) == (there["cfi"], "In my own words")


@pytest.mark.parametrize("facts", [{}, {"note": "who turns it?"}, {"place": "in_booklore", "note": "who turns it?"}])
def test_what_was_removed_is_gone_and_can_come_back(
    world: World, dune: ServerBook, web: WebReader, facts: dict[str, str]
) -> None:
    marked = highlight(dune, **facts)
    remote_id = brought(world, marked)
    there = web.everything()

    brought(world, removed(marked), remote_id=remote_id)
    gone = web.everything()
    brought(world, marked, remote_id=remote_id)

    assert gone == {}
    assert web.everything() == there


def test_removal_of_what_is_gone_already_is_done(world: World, dune: ServerBook, web: WebReader) -> None:
    remote_id = brought(world, highlight(dune), highlight(dune))
    web.delete("annotations", 1)

    brought(world, removed(highlight(dune)), remote_id=remote_id)

    assert world.asked("/api/v1/annotations", "DELETE") == 1  # the one in the browser


def test_removal_of_what_was_never_sent_asks_nobody_about_it(world: World, dune: ServerBook) -> None:
    world.target().deliver(removed(highlight(dune)), FRESH)

    assert world.asked("/api/v1/annotations") == world.content_requests() == 0


def test_removal_takes_away_nothing_that_somebody_else_has_made(world: World, dune: ServerBook, web: WebReader) -> None:
    remote_id = brought(world, highlight(dune))
    web.make("annotations", cfi="epubcfi(/6/2!/4/4,/1:0,/1:4)", text="Dune")

    brought(world, removed(highlight(dune)), remote_id=remote_id)

    assert [row["text"] for row in web.rows("annotations")] == ["Dune"]


def test_what_went_away_on_the_server_comes_back_only_when_it_changes_here(
    world: World, dune: ServerBook, web: WebReader
) -> None:
    remote_id = brought(world, highlight(dune))
    web.delete("annotations", 1)

    remote_id = brought(world, highlight(dune, color="green"), remote_id=remote_id)

    assert remote_id == "annotation:2"
    assert web.everything() == {"annotations": [{**SHOWN, "color": "#4ADE80"}]}


@pytest.mark.parametrize(
    "written", [CFI.upper(), CFI + " ", CFI.replace("34", "\uff134"), CFI.replace("/4", "/\u200b4")]
)
def test_mark_that_is_there_already_is_taken_over(world: World, dune: ServerBook, web: WebReader, written: str) -> None:
    web.make("annotations", cfi=written, text="Dune", color="#000000")

    assert world.target().deliver(highlight(dune), FRESH) == "annotation:1"

    assert web.rows("annotations") == [{**SHOWN, "cfi": written, "text": "Dune", "chapterTitle": None}]


def test_note_that_is_there_already_is_brought_up_to_date(world: World, dune: ServerBook, web: WebReader) -> None:
    web.make("notes", cfi=CFI, noteContent="old", selectedText="Dune, paragraph 1: the page turns.")

    assert world.target().deliver(highlight(dune, note="who turns it?"), FRESH) == "note:1"

    assert web.rows("notes") == [NOTED]


def test_note_that_somebody_has_put_on_a_highlight_stays(world: World, dune: ServerBook, web: WebReader) -> None:
    remote_id = brought(world, highlight(dune))
    web.edit("annotations", 1, note="from the browser")

    brought(
        world,
        highlight(dune, color="green"),
        highlight(dune, text="Dune,  paragraph 1: the page turns."),
        remote_id=remote_id,
    )

    assert [row["note"] for row in web.rows("annotations")] == ["from the browser"]


def test_two_highlights_of_one_range_are_told_by_name(world: World, dune: ServerBook, web: WebReader) -> None:
    target = world.target()
    target.deliver(highlight(dune), FRESH)

    with pytest.raises(ItemRejected) as refusal:
        target.deliver(highlight(dune, key="again", datetime="2026-11-21 08:00:00", color="green"), FRESH)

    assert "“Dune, paragraph 1: the page turns.” of 2026-11-21 08:00:00" in refusal.value.reason
    assert "“Dune, paragraph 1: the page turns.” of 2026-11-20 13:41:01" in refusal.value.reason
    assert web.everything() == {"annotations": [SHOWN]}


def test_second_highlight_of_a_range_arrives_once_the_first_has_gone(
    world: World, dune: ServerBook, web: WebReader
) -> None:
    remote_id = brought(world, highlight(dune))

    brought(world, removed(highlight(dune)), remote_id=remote_id)
    brought(world, highlight(dune, key="again", color="green"))

    assert web.everything() == {"annotations": [{**SHOWN, "color": "#4ADE80"}]}


def test_same_mark_of_another_copy_of_the_file_shares_the_row(world: World, dune: ServerBook, web: WebReader) -> None:
    mine = highlight(dune)
    remote_id = brought(world, mine)
    copy = Item(mine.kind, "0" * 32 + mine.key[32:], mine.book, mine.body, mine.occurred_at)

    assert brought(world, copy) == remote_id
    brought(world, removed(mine), remote_id=remote_id)

    assert web.everything() == {"annotations": [SHOWN]}


def test_row_of_a_library_that_was_made_anew_is_left_alone(world: World, dune: ServerBook, web: WebReader) -> None:
    remote_id = brought(world, highlight(dune))
    web.delete("annotations", 1)
    world.server._state.annotations._last_id = 0
    web.make("annotations", cfi="epubcfi(/6/2!/4/4,/1:0,/1:4)", text="Dune")

    brought(world, removed(highlight(dune)), remote_id=remote_id)

    assert [row["text"] for row in web.rows("annotations")] == ["Dune"]


def test_both_facts_about_a_note_have_a_row_each(world: World, dune: ServerBook, web: WebReader) -> None:
    noted = highlight(dune, note="who turns it?")
    remote_ids = [brought(world, one) for one in (noted, elsewhere(noted))]
    there = web.everything()

    brought(world, removed(noted), remote_id=remote_ids[0])

    assert {table: len(rows) for table, rows in there.items()} == {"notes": 1, "book_notes": 1}
    assert {table: len(rows) for table, rows in web.everything().items()} == {"book_notes": 1}


@pytest.mark.parametrize("facts", [{}, {"note": "n"}, {"note": "n", "place": "in_booklore"}])
def test_book_that_the_server_has_lost_is_unmatched(world: World, dune: ServerBook, facts: dict[str, str]) -> None:
    target = world.target()
    target.deliver(highlight(dune, 2), FRESH)
    world.server.remove_book(1)

    with pytest.raises(BookUnmatched):
        target.deliver(highlight(dune, **facts), FRESH)


def test_unmatched_book_is_told_so(stock: World) -> None:
    unmatched = highlight(stock.server.books[1])
    unmatched = Item(unmatched.kind, unmatched.key, ref(stock.server.books[1]), unmatched.body, unmatched.occurred_at)

    with pytest.raises(BookUnmatched):
        stock.target().deliver(unmatched, FRESH)
