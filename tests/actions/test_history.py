"""Import & Matching with any plugin's file of past reading: what is new, what it comes to, and the way by hand."""

from datetime import datetime

import pytest

from booklore_core import BookRef, Item, Remark, hookimpl
from booklore_core.actions import start
from booklore_core.actions.by_hand import CANCEL, MANUAL, PROCEED, SKIP
from booklore_core.bridge.effects import question_effect
from booklore_core.cli.terminal import label, understand
from booklore_core.flows import Ask, Choose, Confirm, Request
from booklore_core.settings import BadSetting
from booklore_core.testing import FakeLibrary, SampleReader, answer_all, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
ISBN = "9780441013593"


class Diary:
    """Reads files of past reading: a day and a title a line; one that begins with `!` is a remark."""

    @hookimpl
    def import_history(self, path, facts, progress):
        if path.suffix != ".diary":
            return None
        lines = path.read_text().splitlines()
        if "broken" in lines:
            raise ValueError("line 1 is broken; copy the file again")
        progress(len(lines), len(lines))
        return [one for line in lines for one in self.read(line, facts)]

    def read(self, line, facts):
        day, _, title = line.partition(" ")
        book = BookRef(sample_book(title)["partial_md5"], title, isbn=ISBN if title == "Emma" else None)
        if day == "!":
            yield Remark(title, book, f"{title} has no day")
        elif not facts.known("session", [f"diary:{line}"]):
            times = {"start": f"{day}T20:00:00Z", "end": f"{day}T20:30:00Z", "duration": 1800}
            body = {**times, "source": "diary", "start_percent": 0.1, "end_percent": 0.2, "device": None}
            yield Item("session", f"diary:{line}", book, body, datetime.fromisoformat(f"{day}T20:00:00Z"))


@pytest.fixture
def library():
    return FakeLibrary({}, {"7": "Dune Messiah", "8": "Dune", "9": "Emma", "1984": "Nineteen Eighty-Four"})


@pytest.fixture
def core(open_core, library):
    core = open_core(library)
    core.plugins.register("diary", Diary())
    core.refresh()
    return core


@pytest.fixture
def diary(tmp_path):
    file = tmp_path / "years.diary"
    file.write_text("2019-03-02 Dune\n2019-03-04 Dune\n2020-01-01 Emma\n")
    return file


def run(core, name, *answers, **args):
    return answer_all(start(core, name, Request(args=args)), answers)


def asked(core, name, *answers, **args):
    """The questions that a flow asks when it is given these answers."""
    questions, flow = [], start(core, name, Request(args=args))
    try:
        questions.append(next(flow))
        for answer in answers:
            options = getattr(questions[-1], "options", [])
            questions.append(flow.send(options.index(answer) if answer in options else answer))
    except StopIteration:
        pass
    return questions


def extracted(core, diary):
    return run(core, "extract_history", True, True, path=str(diary))


def test_it_asks_first_and_then_says_how_many_are_new(core, diary):
    first, second = asked(core, "extract_history", True, path=str(diary))

    assert first.text == "Read the past reading in KOReader's statistics?"
    assert second.text == "New: 3 sessions of 2 books, from 2019-03-02 to 2020-01-01\nTake them in?"
    assert core.pending() == {}


def test_what_is_agreed_to_is_taken_in_once(core, diary):
    result = extracted(core, diary)
    again = run(core, "extract_history", True, path=str(diary))

    expected = {"new": {"session": 3}, "books": 2, "added": 3, "first": "2019-03-02", "last": "2020-01-01"}
    assert result.data == {**expected, "remarks": []}
    assert core.pending() == {"session": 3}
    assert again.message == "Nothing is new: what years.diary tells stands already"
    assert again.data["added"] == 0


@pytest.mark.parametrize("answers", [(False,), (True, False)])
def test_a_no_takes_nothing_in(core, diary, answers):
    result = run(core, "extract_history", *answers, path=str(diary))

    assert not result.ok
    assert core.pending() == {}


def test_a_dry_run_asks_nothing_and_takes_nothing_in(core, diary):
    diary.write_text("2019-03-02 Dune\n! Emma\n")

    result = run(core, "extract_history", path=str(diary), dry_run=True)

    assert result.data["new"] == {"session": 1}
    assert result.data["remarks"] == ["Emma has no day"]
    assert core.pending() == {}
    assert core.status().remarks == 0


def test_remarks_are_told_and_kept(core, diary):
    diary.write_text("2019-03-02 Dune\n! Emma\n")

    result = extracted(core, diary)

    assert "Emma has no day" in result.message
    assert core.status().remarks == 1


def test_a_book_whose_tracking_is_off_is_left_out(core, diary):
    core.take(SampleReader().read(DUNE), "test")
    core.books.track(DUNE["partial_md5"], on=False)

    result = run(core, "extract_history", path=str(diary), dry_run=True)

    assert result.data["new"] == {"session": 1}


def test_a_file_that_nobody_knows_a_broken_one_and_none_at_all_are_told(core, diary, tmp_path):
    strange = tmp_path / "years.txt"
    strange.write_text("")

    unknown = run(core, "extract_history", True, path=str(strange))
    diary.write_text("broken\n")
    broken = run(core, "extract_history", True, path=str(diary))
    missing = run(core, "extract_history", True, path=str(tmp_path / "no.diary"))

    assert "no enabled plugin knows this file" in unknown.message
    assert broken.message == "years.diary: line 1 is broken; copy the file again"
    assert missing.message == "no.diary: No such file or directory"
    assert not (unknown.ok or broken.ok or missing.ok)
    with pytest.raises(BadSetting, match="which file"):
        run(core, "extract_history")


def test_the_statistics_count_what_was_imported_and_nothing_else(core, library, diary):
    library.shelf[DUNE["partial_md5"]] = "8"
    core.take(SampleReader().read(EMMA), "test")
    extracted(core, diary)
    run(core, "match_history", auto=True)

    result = run(core, "history_stats")

    assert result.data == {"total": 3, "matched": 2, "unmatched": 1, "synced": 2}
    lines = ["Total sessions: 3", "Matched sessions: 2", "Unmatched sessions: 1", "Synced sessions: 2"]
    assert result.message.splitlines() == lines


def test_matching_asks_only_about_books_of_the_past_and_sends_each_at_once(core, library, diary):
    core.take(SampleReader().read(sample_book("Ivanhoe")), "test")
    extracted(core, diary)
    flow = start(core, "match_history", Request())

    first = next(flow)
    second = flow.send(first.options.index(next(option for option in first.options if option.endswith("An Author"))))
    sent_so_far = [item.book.title for item in library.received]
    with pytest.raises(StopIteration):
        flow.send(second.options.index(SKIP))

    assert sent_so_far in (["Dune", "Dune"], ["Emma"])
    assert len(sent_so_far) == len(library.received)


def test_a_book_of_the_same_isbn_is_offered_before_titles(core, library, diary):
    library.titles["9"] = f"{ISBN}"
    diary.write_text("2020-01-01 Emma\n")
    extracted(core, diary)

    question, by_title = asked(core, "match_history", MANUAL)

    assert isinstance(question, Choose)
    assert list(question.options) == [PROCEED, "Manual Match", SKIP]
    assert by_title.options[-1] == CANCEL


def test_proceeding_with_the_isbn_matches_and_sends(core, library, diary):
    library.titles["9"] = f"{ISBN}"
    diary.write_text("2020-01-01 Emma\n")
    extracted(core, diary)

    run(core, "match_history", 0)

    assert [item.book.match for item in library.received] == ["9"]


def test_by_hand_the_title_stands_there_and_a_number_is_an_id(core, library, diary):
    extracted(core, diary)

    first, second = asked(core, "manual_match", "8")

    assert isinstance(first, Ask)
    assert (first.value, first.skip) == (first.text.split(": ")[1], SKIP)
    assert second.text.startswith("2 of 2")
    assert {item.book.match for item in library.received} == {"8"}


def test_a_title_that_is_a_number_is_no_id(core, library, diary):
    diary.write_text("2020-01-01 1984\n")
    extracted(core, diary)

    _, choice = asked(core, "manual_match", "1984")

    assert isinstance(choice, Choose)
    assert library.received == []


def test_by_hand_a_book_can_be_skipped_and_the_rest_cancelled(core, library, diary):
    extracted(core, diary)

    skipped = asked(core, "manual_match", "", None)

    assert [question.text[:6] for question in skipped] == ["1 of 2", "2 of 2"]
    assert library.received == []


def test_what_the_server_still_has_is_not_sent_again_and_the_rest_is(core, library, diary):
    library.shelf[DUNE["partial_md5"]] = "8"
    extracted(core, diary)
    run(core, "match_history", auto=True)
    library.received.clear()

    (question,) = asked(core, "resync_history")
    result = run(core, "resync_history", True)

    assert isinstance(question, Confirm)
    assert not question.default
    assert result.data["asked"] == 2
    assert result.message.startswith("2 items asked for")


def test_the_device_is_told_the_way_to_skip_and_the_terminal_takes_a_dash(core, diary):
    extracted(core, diary)
    (question, *_) = asked(core, "manual_match", None)

    assert question_effect("7", question)["skip"] == SKIP
    assert "- for Skip this book" in label(question)
    assert understand(question, "-") == ""
    assert "skip" not in question_effect("7", Ask("Your name?"))


def test_a_device_is_asked_once_and_then_sends_its_file(core, diary):
    def at_device(**args):
        return start(core, "extract_history", Request(device="kobo", args=args))

    first = answer_all(at_device(), [True])
    sent = at_device(path=str(diary))

    assert [effect.as_json() for effect in first.effects] == [
        {"type": "send_file", "name": "statistics.sqlite3", "then": {"action": "extract_history", "args": {}}}
    ]
    assert next(sent).text.startswith("New: 3 sessions")
