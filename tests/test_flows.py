"""Flows: answers are checked against their questions, and the same flow runs from a list of answers."""

import pytest

from booklore_core import Action, Ask, AskReader, Choose, Confirm, GoTo, Info, Pick, Result, Schedule, Toast
from booklore_core.actions.answers import BadAnswer, check_answer
from booklore_core.flows import range_text
from booklore_core.testing import answer_all

COLOUR = Choose("Colour?", ["red", "green"])
COLOURS = Pick("Colours?", ["red", "green", "blue"])
NAME = Ask("Name?")
STARS = Ask("Stars?", low=1, high=5)
SURE = Confirm("Sure?")


def paint(core, request):
    """Asks until it knows how to paint."""
    colour = yield COLOUR
    if colour is None:
        return Result("Nothing painted", ok=False)
    coats = yield Ask("Coats?", low=1, high=9)
    sure = yield SURE
    return Result(f"{coats} × {COLOUR.options[colour]}, {'sure' if sure else 'unsure'}")


@pytest.mark.parametrize(
    ("question", "answer", "checked"),
    [
        (COLOUR, 0, 0),
        (COLOUR, 1, 1),
        (COLOUR, None, None),
        (COLOURS, [], []),
        (COLOURS, [2, 0], [2, 0]),
        (COLOURS, None, None),
        (NAME, "Ann", "Ann"),
        (NAME, "", ""),
        (NAME, "00123", "00123"),
        (NAME, 5, "5"),
        (NAME, None, None),
        (STARS, 3, 3),
        (STARS, " 3 ", 3),
        (STARS, "+3", 3),
        (Ask("Degrees?", low=-40), "-3", -3),
        (SURE, True, True),
        (SURE, False, False),
        (SURE, None, False),
    ],
)
def test_an_answer_that_fits_is_taken_in_the_questions_type(question, answer, checked):
    found = check_answer(question, answer)

    assert found == checked
    assert type(found) is type(checked)


@pytest.mark.parametrize(
    ("question", "answer", "fits"),
    [
        *((COLOUR, answer, "an index from 0 to 1") for answer in (2, -1, True, "0", 0.0, [0], {})),
        *((COLOURS, answer, "a list of indexes") for answer in (0, [3], ["0"], [True], "0", {"0": 1})),
        *((NAME, answer, "a text") for answer in (True, 1.5, ["Ann"], {})),
        *((STARS, answer, "a whole number from 1 to 5") for answer in (0, 6, "six", "", "²", "--3", "3.0", True, [3])),
        (STARS, "9" * 5000, "a whole number from 1 to 5"),
        (Ask("Pages?", low=1), 0, "a whole number of at least 1"),
        (Ask("Pages?", high=1_000_000), 1_000_001, "a whole number of at most 1000000"),
        *((SURE, answer, "true or false") for answer in (1, 0, "yes", [])),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_what_does(question, answer, fits):
    with pytest.raises(BadAnswer, match=f"answer: expected {fits}"):
        check_answer(question, answer)


def test_a_flow_runs_from_a_list_of_answers():
    assert answer_all(paint(None, None), [1, "2", True]) == Result("2 × green, sure")


def test_a_flow_may_end_early():
    assert answer_all(paint(None, None), [None]) == Result("Nothing painted", ok=False)


def test_a_flow_without_questions_needs_no_answers():
    def nothing():
        yield from ()
        return Result("Done")

    assert answer_all(nothing(), ["never asked for"]) == Result("Done")


def test_too_few_answers_are_told_with_the_question():
    with pytest.raises(BadAnswer, match=r"Coats\?"):
        answer_all(paint(None, None), [1])


def test_a_wrong_answer_does_not_reach_the_flow():
    with pytest.raises(BadAnswer, match="from 1 to 9"):
        answer_all(paint(None, None), [1, 10, True])


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (None, None, ""),
        (1, 5, "from 1 to 5"),
        (0, 0, "from 0 to 0"),
        (0.5, None, "of at least 0.5"),
        (None, 10_000_000, "of at most 10000000"),
    ],
)
def test_a_range_in_words(low, high, text):
    assert range_text(low, high) == text


def test_effects_as_the_shim_reads_them():
    go = GoTo("ec549edd15e40cfc506269777a36b559", "/body/p[3].0", 0.42)
    ask = AskReader("Go there?", "Go", "Stay", on_ok=(go,), on_cancel=(Toast("Stayed"),))

    assert Toast("Hi").as_json() == {"type": "toast", "text": "Hi"}
    assert Info("T", "Hi").as_json() == {"type": "info", "title": "T", "text": "Hi"}
    assert Schedule(15, "sync_pending").as_json() == {"type": "schedule", "in": 15, "action": "sync_pending"}
    assert ask.as_json() == {
        "type": "confirm",
        "text": "Go there?",
        "ok": "Go",
        "cancel": "Stay",
        "on_ok": [{"type": "goto", "book": go.book, "position": "/body/p[3].0", "percent": 0.42}],
        "on_cancel": [{"type": "toast", "text": "Stayed"}],
    }


def test_a_label_may_depend_on_the_core():
    assert Action("paint", "Paint", paint).text(None) == "Paint"
    assert Action("paint", lambda core: f"Paint ({core})", paint).text("3S") == "Paint (3S)"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Bad Name!"),
        ("name", None),
        ("label", None),
        ("label", "two\nlines"),
        ("run", None),
        ("help", None),
        ("enabled", True),
        ("checked", "yes"),
        ("menu", "Advanced"),
        ("menu", ("Advanced", 1)),
        ("dispatcher", None),
        ("order", "first"),
        ("args", None),
    ],
)
def test_what_cannot_be_an_action_is_refused_with_the_field_that_is_wrong(field, value):
    with pytest.raises(ValueError, match=f"^action .*: {field}: expected"):
        Action(**{"name": "paint", "label": "Paint", "run": paint, field: value})
