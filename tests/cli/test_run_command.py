"""`booklore run`: actions and their questions, with a terminal and without one."""

from pathlib import Path

import pytest
from cli_world import Booklore, Install, on_a_terminal

ASKING = """
from booklore_core import Action, Ask, Choose, Confirm, Pick, Result, Toast, hookimpl

def dine(core, request):
    dish = yield Choose("Which dish?", ["soup", "pie"], default=0)
    sides = yield Pick("What with it?", ["bread", "beans", "beer"], chosen=[0], default=[0])
    guests = yield Ask("How many?", value=2, default=2, low=1, high=6)
    agreed = yield Confirm("Shall we?", default=False)
    return Result(f"{dish} {sides} {guests} {agreed} {dict(request.args)}", (Toast("Enjoy"),), data={"dish": dish})

def insist(core, request):
    name = yield Ask("Your name?")
    return Result(f"Hello {name}", ok=name is not None)

@hookimpl
def register_actions():
    yield Action("dine_out", "Dine out", dine, "Orders a meal.")
    yield Action("insist", "Insist", insist)
"""


@pytest.fixture(autouse=True)
def asking(install: Install) -> None:
    install("asking", ASKING)


def test_actions_of_core_and_plugins_are_listed(booklore: Booklore) -> None:
    listed = {one["name"]: one["plugin"] for one in booklore("run", "--json").json}

    assert (listed["dine_out"], listed["sync_pending"]) == ("asking", "core")
    assert "dine-out" in booklore("run").out


def test_without_a_terminal_the_safe_defaults_are_taken(booklore: Booklore) -> None:
    ran = booklore("run", "dine-out", "--json")

    effects = [{"type": "toast", "text": "Enjoy"}]
    assert ran.code == 0
    assert ran.json == {"ok": True, "message": "0 [0] 2 False {}", "data": {"dish": 0}, "effects": effects}


def test_answers_and_arguments_can_be_given(booklore: Booklore) -> None:
    answers = ("--answer", "2", "--answer", "1,3", "--answer", "5", "--answer", "y")

    ran = booklore("run", "dine_out", *answers, "--arg", "table=4", "--arg", "late=true")

    assert (ran.code, ran.out) == (0, "1 [0, 2] 5 True {'table': 4, 'late': True}\nEnjoy\n")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (("3",), "a number from 1 to 2"),
        (("0",), "a number from 1 to 2"),
        (("1", "9"), "numbers from 1 to 3 with commas between"),
        (("1", "1", "seven"), "a whole number from 1 to 6"),
        (("1", "1", "2", "perhaps"), "y or n"),
    ],
)
def test_answer_that_does_not_fit_is_refused_in_terms_of_what_is_typed(
    booklore: Booklore, answers: tuple[str, ...], expected: str
) -> None:
    ran = booklore("run", "dine-out", *(part for answer in answers for part in ("--answer", answer)))

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"booklore: answer: expected {expected}\n"


def test_none_of_several_options_is_an_answer_too(booklore: Booklore) -> None:
    ran = booklore("run", "dine-out", "--answer", "1", "--answer", "0")

    assert (ran.code, ran.out) == (0, "0 [] 2 False {}\nEnjoy\n")


def test_an_answer_that_nothing_asked_for_is_told(booklore: Booklore) -> None:
    ran = booklore("run", "insist", "--answer", "Ann", "--answer", "0", "--answer", "y")

    assert (ran.code, ran.out) == (0, "Hello Ann\n")
    assert ran.err == "booklore: Nothing was asked that this would answer: 0, y\n"


def test_text_of_digits_stays_what_it_is(booklore: Booklore) -> None:
    booklore("run", "set-setting", "--arg", "name=booklore.username", "--arg", "value=00123")

    assert booklore("config", "get", "booklore.username", "--json").json["value"] == "00123"


def test_question_without_a_default_names_the_option(booklore: Booklore) -> None:
    ran = booklore("run", "insist")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "booklore: a question needs an answer: Your name? Give --answer\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing",), "there is no action"),
        (("insist", "--arg", "x"), "NAME=VALUE"),
        (("insist", "--book", "00"), "book"),
    ],
)
def test_mistakes_are_told_in_one_line(booklore: Booklore, arguments: tuple[str, ...], said: str) -> None:
    ran = booklore("run", *arguments)

    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert said in ran.err


def test_on_a_terminal_the_person_is_asked(booklore: Booklore) -> None:
    code, out, told = on_a_terminal(["run", "dine-out", "--json"], "2\n1,3\nmany\n4\ny\n")

    assert code == 0
    assert '"message": "1 [0, 2] 4 True {}"' in out
    for text in ("Which dish?", "2  pie", "expected a whole number from 1 to 6", "Shall we? (y for OK, n for Cancel)"):
        assert text in told


def test_return_takes_what_is_preset_or_cancels(booklore: Booklore) -> None:
    code, out, _ = on_a_terminal(["run", "insist"], "\n")

    assert (code, out) == (1, "Hello None\n")


def test_with_yes_nobody_is_asked_on_a_terminal_either(booklore: Booklore) -> None:
    code, out, told = on_a_terminal(["run", "dine-out", "--yes"], "")

    assert (code, out) == (0, "0 [0] 2 False {}\nEnjoy\n")
    assert "Which dish?" not in told


PARTICULAR = """
from booklore_core import Action, Confirm, Result, hookimpl

def bring(core, request):
    agreed = yield Confirm("Bring it?")
    return Result(f"{request.args} {agreed}", ok=agreed)

@hookimpl
def register_actions():
    yield Action("bring_along", "Bring along", bring, "Brings something along.", params=("what",))
"""


def test_an_action_of_a_plugin_is_a_command(booklore: Booklore, install: Install) -> None:
    install("particular", PARTICULAR)

    ran = booklore("bring-along", "00123", "--arg", "loud=true", "--yes")

    assert (ran.code, ran.out) == (0, "{'loud': True, 'what': '00123'} True\n")


def test_its_help_tells_what_it_takes(booklore: Booklore, install: Install) -> None:
    install("particular", PARTICULAR)

    ran = booklore("bring-along", "--help")

    assert "Brings something along." in ran.out
    assert "WHAT" in ran.out


def test_it_takes_no_less_than_its_arguments(booklore: Booklore, install: Install) -> None:
    install("particular", PARTICULAR)

    assert booklore("bring-along").code == 2


def test_a_command_that_there_is_not_leaves_no_data_folder(booklore: Booklore, home: Path) -> None:
    ran = booklore("syncc")

    assert ran.code == 2
    assert "Did you mean 'sync'?" in " ".join(ran.err.split())
    assert not home.exists()
