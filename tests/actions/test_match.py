"""Matching books: automatic where it is certain, by hand where a person has to say."""

import pytest

from booklore_core.actions import start
from booklore_core.actions.answers import BadAnswer
from booklore_core.actions.by_hand import CANCEL, EDIT, SKIP
from booklore_core.bridge.effects import question_effect
from booklore_core.flows import Choose, Confirm, Request
from booklore_core.settings import BadSetting
from booklore_core.testing import FakeLibrary, FakePlugin, SampleReader, answer_all, sample_book

DUNE, EMMA, IVANHOE = sample_book("Dune"), sample_book("Emma"), sample_book("Ivanhoe")


@pytest.fixture
def library():
    return FakeLibrary({}, {"7": "Dune Messiah", "8": "Dune", "9": "Emma"})


@pytest.fixture
def core(open_core, library):
    core = open_core(library)
    reader = SampleReader()
    for book in (DUNE, EMMA, IVANHOE):
        reader.read(book)
        reader.sleep(600)
    core.take(reader.lines, "test")
    return core


def run(core, name, *answers, **request):
    return answer_all(start(core, name, Request(**request)), answers)


def questions(core, name, *answers, **request):
    """The questions a flow asks when it is given these answers."""
    asked, flow = [], start(core, name, Request(**request))
    try:
        asked.append(next(flow))
        for answer in answers:
            asked.append(flow.send(index_of(asked[-1], answer)))
    except StopIteration:
        pass
    return asked


def index_of(question, answer):
    """Options may be answered by their text."""
    return question.options.index(answer) if isinstance(question, Choose) and isinstance(answer, str) else answer


def test_newly_matched_books_get_what_waited_for_them_at_once(core, library):
    library.shelf[DUNE["partial_md5"]] = "8"

    result = run(core, "match_unmatched", False)

    assert [item.book.title for item in library.received] == ["Dune"]
    assert core.status().books == {"total": 3, "matched": 1, "unmatched": 2}
    assert "1 matched, 2 still unmatched" in result.message


def test_without_a_new_match_it_asks_whether_to_go_on_by_hand(core):
    (question,) = questions(core, "match_unmatched")

    assert isinstance(question, Confirm)
    assert question.text.startswith("No new matches found (3 still unmatched).")


def test_automatic_only_asks_nothing(core):
    assert questions(core, "match_unmatched", args={"auto": True}) == []


def test_by_hand_every_book_is_offered_once_and_none_is_skipped(core):
    asked = questions(core, "match_unmatched", True, SKIP, SKIP, SKIP)

    titles = [question.text.splitlines()[0] for question in asked[1:]]
    assert [title.split(":")[0] for title in titles] == ["1 of 3", "2 of 3", "3 of 3"]
    assert len({title.split(": ")[1] for title in titles}) == 3


def test_candidates_show_title_score_and_author_then_edit_skip_and_cancel(core, library):
    question = questions(core, "match_book", book=DUNE["partial_md5"])[0]

    assert isinstance(question, Choose)
    assert question.options == [
        "86 % · Dune Messiah\nAn Author", "86 % · Dune\nAn Author", EDIT, SKIP, CANCEL,
    ]  # fmt: skip


def test_there_is_one_way_to_stop(core, library):
    question = questions(core, "match_book", book=DUNE["partial_md5"])[0]

    assert question_effect("7", question)["cancel"] == ""


def test_a_chosen_candidate_is_remembered_and_its_items_are_sent(core, library):
    run(core, "match_book", 1, book=DUNE["partial_md5"])

    assert core.books.matches("library") == {DUNE["partial_md5"]: "8"}
    assert [item.book.match for item in library.received] == ["8"]


def test_cancelling_ends_the_matching_and_keeps_what_was_matched_before(core):
    first = core.books.unmatched("library")[0]
    choice = "86 % · Emma\nAn Author" if first.title == "Emma" else SKIP

    asked = questions(core, "match_unmatched", True, choice, CANCEL)

    assert len(asked) == 3
    assert len(core.books.matches("library")) == (choice != SKIP)


def test_a_number_goes_straight_to_that_id(core, library):
    run(core, "match_book", 2, "9", book=DUNE["partial_md5"])

    assert core.books.matches("library") == {DUNE["partial_md5"]: "9"}
    assert library.searched == ["Dune"]


def test_the_title_can_be_edited_and_searched_again(core, library):
    run(core, "match_book", 2, "emma", 0, book=DUNE["partial_md5"])

    assert library.searched == ["Dune", "emma"]
    assert core.books.matches("library") == {DUNE["partial_md5"]: "9"}


def test_a_number_that_is_no_book_is_searched_as_a_title(core, library):
    questions(core, "match_book", 2, "1984", book=DUNE["partial_md5"])

    assert library.searched == ["Dune", "1984"]


def test_match_by_id_is_refused_when_the_server_has_no_such_book(core):
    result = run(core, "match_book", book=DUNE["partial_md5"], args={"id": "4711"})

    assert not result.ok
    assert result.message == "library has no book 4711"
    assert core.books.matches("library") == {}


def test_match_by_id_takes_the_book(core, library):
    result = run(core, "match_book", book=DUNE["partial_md5"][:8], args={"id": "8"})

    assert result.ok
    assert [item.book.match for item in library.received] == ["8"]


def test_whoever_matches_two_books_to_one_is_told(core):
    run(core, "match_book", book=DUNE["partial_md5"], args={"id": "9"})

    result = run(core, "match_book", book=EMMA["partial_md5"], args={"id": "9"})

    assert result.message.splitlines()[-1].startswith("Dune")
    assert result.message.endswith("is matched to it, too")
    assert result.ok


def test_a_matched_book_is_rematched_only_on_confirmation(core):
    run(core, "match_book", book=DUNE["partial_md5"], args={"id": "8"})

    (question,) = questions(core, "match_book", book=DUNE["partial_md5"])

    assert isinstance(question, Confirm)


def test_an_unknown_book_is_named(core):
    with pytest.raises(BadSetting, match="no book is known as 'ffffffff'"):
        run(core, "match_book", book="ffffffff")


def test_a_library_that_is_closed_is_told_and_nothing_changes(core, library):
    library.is_open = False

    result = run(core, "match_unmatched")

    assert (result.ok, result.message) == (False, "library: closed")
    assert core.pending() == {"session": 3}


def test_rematch_all_finds_every_match_anew_and_keeps_what_a_person_matched(core, library):
    library.shelf = {DUNE["partial_md5"]: "7", EMMA["partial_md5"]: "8"}
    core.sync()
    run(core, "match_book", book=IVANHOE["partial_md5"], args={"id": "9"})
    library.shelf = {DUNE["partial_md5"]: "8", IVANHOE["partial_md5"]: "7"}

    run(core, "rematch_all")

    assert core.books.matches("library") == {DUNE["partial_md5"]: "8", IVANHOE["partial_md5"]: "9"}


def test_what_a_person_matched_is_matched_anew_once_the_server_has_that_book_no_more(core, library):
    run(core, "match_book", book=DUNE["partial_md5"], args={"id": "9"})
    del library.titles["9"]
    library.shelf = {DUNE["partial_md5"]: "8"}

    run(core, "rematch_all")

    assert core.books.matches("library") == {DUNE["partial_md5"]: "8"}


def test_rematch_forgets_nothing_while_the_server_is_away(core, library):
    run(core, "match_book", book=DUNE["partial_md5"], args={"id": "9"})
    library.shelf = {EMMA["partial_md5"]: "8"}
    core.sync()
    before = core.books.matches("library")
    library.is_open = False

    result = run(core, "rematch_all")

    assert not result.ok
    assert "closed; its matches stay" in result.message
    assert core.books.matches("library") == before


def test_clear_cache_forgets_matches_and_paths_and_keeps_queues_and_what_was_synced(core, library):
    run(core, "match_book", book=DUNE["partial_md5"], args={"id": "8"})
    core.books.track(EMMA["partial_md5"], False)

    run(core, "clear_cache", True)

    assert core.books.matches("library") == {}
    assert core.books.get(DUNE["partial_md5"]).file is None
    assert core.status().pending == {"session": 2}
    assert core.status().synced == {"session": 1}
    assert not core.books.is_tracked(EMMA["partial_md5"])


def test_after_clear_cache_nothing_is_sent_again(core, library):
    library.shelf = {book["partial_md5"]: str(number) for number, book in enumerate((DUNE, EMMA, IVANHOE))}
    core.sync()

    run(core, "clear_cache", True)
    core.sync()

    assert len(library.received) == 3


def test_hundreds_of_unmatched_books_cost_one_question(open_core):
    library = FakeLibrary({DUNE["partial_md5"]: "8"})
    core, reader = open_core(library), SampleReader()
    for number in range(200):
        reader.read(sample_book(f"Unknown {number}"), pages=1)
    reader.read(DUNE)
    core.take(reader.lines, "test")

    report = core.sync()

    assert len(library.asked) == 1
    assert report.total("delivered") == {"session": 1}
    assert report.total("waiting") == {"session": 200}


def test_too_few_answers_are_an_error_of_the_caller(core):
    with pytest.raises(BadAnswer, match="no answer left"):
        run(core, "match_unmatched")


@pytest.fixture
def both(open_core, library):
    """A core with another's matching target, which has taken Dune already, before the library by its name."""
    other = FakeLibrary({DUNE["partial_md5"]: "77"}, {"77": "Dune", "78": "Emma"}, name="another")
    core, reader = open_core(other, library), SampleReader()
    for book in (DUNE, EMMA):
        reader.read(book)
        reader.sleep(600)
    core.take(reader.lines, "test")
    core.sync()
    return core


def test_a_book_is_matched_by_hand_where_it_is_not_matched_yet(both):
    result = run(both, "match_book", book=DUNE["partial_md5"], args={"id": "8"})

    assert result.message == "Dune – Frank Herbert is matched to Dune (8) at library"
    assert both.books.matches("another") == {DUNE["partial_md5"]: "77"}
    assert both.books.matches("library") == {DUNE["partial_md5"]: "8"}


def test_where_two_targets_can_be_meant_it_asks_at_which(both):
    (question,) = questions(both, "match_book", book=EMMA["partial_md5"])
    result = run(both, "match_book", 1, 0, book=EMMA["partial_md5"])

    assert question.options == ["another", "library"]
    assert result.message == "Matched at library"
    assert both.books.matches("library") == {EMMA["partial_md5"]: "9"}


def test_nothing_is_matched_when_nobody_says_at_which_target(both):
    result = run(both, "match_book", None, book=EMMA["partial_md5"], args={"id": "9"})

    assert (result.ok, result.message) == (False, "Not matched")
    assert EMMA["partial_md5"] not in both.books.matches("library")


def test_the_target_can_be_named(both):
    run(both, "match_book", book=DUNE["partial_md5"], args={"id": "78", "target": "another"})

    assert both.books.matches("another") == {DUNE["partial_md5"]: "78"}
    with pytest.raises(BadSetting, match="'nobody'.*another, library"):
        run(both, "match_book", book=DUNE["partial_md5"], args={"id": "78", "target": "nobody"})


def test_a_book_is_unmatched_while_one_target_that_is_owed_something_has_no_match(both):
    assert both.status().books == {"total": 2, "matched": 0, "unmatched": 2}

    run(both, "match_book", book=DUNE["partial_md5"], args={"id": "8"})

    assert both.status().books == {"total": 2, "matched": 1, "unmatched": 1}


def test_what_is_owed_to_a_target_that_was_never_reached_leaves_its_book_unmatched(open_core, library):
    core, reader = open_core(library), SampleReader()
    library.shelf[DUNE["partial_md5"]] = "8"
    reader.read(DUNE)
    core.take(reader.lines, "test")
    core.sync()
    assert core.count_books()["unmatched"] == 0

    core.plugins.register("another_plugin", FakePlugin([FakeLibrary({}, name="another")]))
    core.refresh()
    reader.read(DUNE)
    core.take(reader.lines, "test")

    assert core.count_books() == {"total": 1, "matched": 0, "unmatched": 1}
    assert [book.title for book in core.books.unmatched("another")] == ["Dune"]


def test_a_target_that_is_owed_nothing_is_not_asked_for_a_book_that_is_matched_elsewhere(open_core, library):
    other = FakeLibrary({}, name="another", kinds=("rating",))
    core, reader = open_core(other, library), SampleReader()
    library.shelf[DUNE["partial_md5"]] = "8"
    reader.read(DUNE)
    core.take(reader.lines, "test")
    core.sync()

    result = run(core, "match_unmatched", args={"auto": True})

    assert result.data["books"] == {"total": 1, "matched": 1, "unmatched": 0}
    assert result.message == "another: 0 matched, 0 still unmatched\nlibrary: 0 matched, 0 still unmatched"


def test_one_book_matched_anew_is_told_as_one(core, library):
    library.shelf = {DUNE["partial_md5"]: "8"}

    assert run(core, "rematch_all").message == "1 book matched anew"
