"""`booklore run` with a plugin whose actions fail."""

import pytest
from cli_world import Booklore, Install
from typer.testing import CliRunner

from booklore_core.cli.app import app
from booklore_core.cli.commands import books
from booklore_core.cli.contents import COMMANDS

BROKEN_ACTIONS = """
import sys

from booklore_core import Action, hookimpl

def raising(core, request):
    yield from ()
    raise KeyError("bang")

def asking_a_text(core, request):
    yield "what?"

def leaving(core, request):
    yield from ()
    sys.exit(3)

def ending_with_a_number(core, request):
    yield from ()
    return 5

@hookimpl
def register_actions():
    yield Action("raising", lambda core: 1 / 0, raising)
    yield Action("leaving", "Leaves", leaving)
    yield Action("asking_a_text", "Asks", asking_a_text)
    yield Action("ending_with_a_number", "Ends", ending_with_a_number)
"""


@pytest.mark.parametrize("action", ["raising", "leaving", "asking-a-text", "ending-with-a-number"])
def test_an_action_that_fails_is_told_in_one_line_that_names_its_plugin(
    booklore: Booklore, install: Install, action: str
) -> None:
    install("evil", BROKEN_ACTIONS)

    ran = booklore("run", action)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1].startswith("booklore: the action ")
    assert "of plugin evil failed" in ran.err
    assert "Traceback" not in ran.err


def test_a_label_that_fails_keeps_no_action_from_being_listed(booklore: Booklore, install: Install) -> None:
    install("evil", BROKEN_ACTIONS)

    listed = {one["name"]: one["text"] for one in booklore("run", "--json").json}

    assert listed["raising"] == "raising"
    assert (listed["asking_a_text"], "doctor" in listed) == ("Asks", True)


@pytest.mark.parametrize("flags", [[], ["-v"]], ids=["plain", "-v"])
def test_a_fault_of_our_own_is_one_line_and_a_traceback_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    def faulty() -> None:
        raise ZeroDivisionError("half a session")

    monkeypatch.setattr(books, "faulty", faulty, raising=False)
    monkeypatch.setitem(COMMANDS, "faulty", ("books:faulty", "Fail."))

    ran = CliRunner().invoke(app, [*flags, "faulty"])

    assert ran.exit_code == 1
    assert ran.stderr.splitlines()[-1].startswith("booklore: this is a fault of booklore itself; `booklore -v …` tells")
    assert ran.stderr.endswith("ZeroDivisionError: half a session\n")
    assert ("Traceback" in ran.stderr) is bool(flags)
