"""Questions to the person at the terminal, and what happens where there is none."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.output import plain
from booklore_core.cli.progress import busy

if TYPE_CHECKING:
    from booklore_core.flows import Flow, Question, Result

PICK_NONE = "Numbers such as 1,3 (Return for none)"


def is_interactive() -> bool:
    """Whether somebody can see a question and answer it."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def prompt(label: str, option: str, known: str = "", secret: bool = False, may_ask: bool = True) -> str:
    """What a person answers, known being the answer to Return. Without one, known; raises Refused naming option."""
    if not (may_ask and is_interactive()):
        if known:
            return known
        raise Refused(f"{label.lower()} is missing: give {option}")
    return str(typer.prompt(label, default=known or None, hide_input=secret, err=True))


def confirmed(question: str, option: str, yes: bool) -> bool:
    """Whether a person agrees. Without one, raises Refused naming option."""
    if yes:
        return True
    if not is_interactive():
        raise Refused(f"{question} Give {option} to say so")
    return typer.confirm(question, default=False, err=True)


def read_secret(path: Path) -> str:
    """The text of a file, or of standard input for `-`, without its last line end. Raises BadSetting."""
    if str(path) == "-":
        return sys.stdin.readline().rstrip("\r\n")
    from booklore_core.storage.preset import read_secret_file

    return read_secret_file(path, "--password-file")


def run_flow(flow: "Flow", answers: Sequence[str] = (), may_ask: bool = True) -> "Result":
    """Runs an action: the given answers first, then a person's, then the safe defaults. Raises Refused without any."""
    given = iter(answers)
    return drive(flow, lambda question: answer(question, given, may_ask))


def drive(flow: "Flow", reply: Callable[["Question"], Any]) -> "Result":
    """Runs an action to its end, every question answered by reply."""
    given = None
    while True:
        try:
            with busy():
                question = flow.send(given)
        except StopIteration as end:
            result: Result = end.value
            return result
        given = reply(question)


def answer(question: "Question", given: Iterator[str], may_ask: bool) -> Any:
    """The answer to one question, as its flow expects it. Raises BadAnswer for a given one that does not fit."""
    from booklore_core.flows import check_answer

    text = next(given, None)
    if text is not None:
        return checked(question, text)
    if may_ask and is_interactive():
        return ask(question)
    default: Any = question.default
    if default is None:
        raise Refused(f"a question needs an answer: {question.text} Give --answer")
    return check_answer(question, list(default) if isinstance(default, tuple) else default)


def ask(question: "Question") -> Any:
    """Asks until the answer fits."""
    from booklore_core.flows import BadAnswer, check_answer

    while True:
        text = read_answer(question)
        try:
            return check_answer(question, None) if text is None else checked(question, text)
        except BadAnswer as error:
            typer.echo(str(error), err=True)


def checked(question: "Question", text: str) -> Any:
    """A typed text as answer. Raises BadAnswer in terms of what is typed: options count from 1."""
    from booklore_core.flows import BadAnswer, check_answer

    try:
        return check_answer(question, understand(question, text))
    except BadAnswer as error:
        most = len(getattr(question, "options", ()))
        expected = {
            "choose": f"a number from 1 to {most}",
            "pick": f"numbers from 1 to {most} with commas between",
            "confirm": "y or n",
        }
        if question.kind not in expected:
            raise
        raise BadAnswer(f"answer: expected {expected[question.kind]}") from error


def read_answer(question: "Question") -> str | None:
    """What a person types; None for cancelled: nothing, or the end of input."""
    options = getattr(question, "options", ())
    if options:
        typer.echo(plain(question.text), err=True)
        for number, option in enumerate(options, start=1):
            typer.echo(f"{number:3}  " + plain(option).replace("\n", f"\n{'':5}"), err=True)
    hidden = bool(getattr(question, "secret", False))
    try:
        text = typer.prompt(label(question), default=preset(question), hide_input=hidden, show_default=False, err=True)
    except (EOFError, typer.Abort):
        return None
    return str(text) or None


def label(question: "Question") -> str:
    """What stands before the cursor. The text of a question with options stands above these."""
    if question.kind == "choose":
        return "Number (Return to cancel)"
    if question.kind == "pick":
        return f"Numbers such as 1,3 (Return for {preset(question)}, 0 for none)" if preset(question) else PICK_NONE
    if question.kind == "confirm":
        hint = f"y for {getattr(question, 'ok', '')}, n for {getattr(question, 'cancel', '')}"
    else:
        hint = f"Return for {preset(question)!r}" if preset(question) else "Return to cancel"
    return f"{plain(question.text)} ({hint})"


def preset(question: "Question") -> str:
    """What Return means."""
    if question.kind == "pick":
        return ",".join(str(index + 1) for index in getattr(question, "chosen", ()))
    if question.kind == "confirm":
        return "y" if question.default else "n"
    return str(getattr(question, "value", ""))


def understand(question: "Question", text: str) -> Any:
    """A typed text as answer: options by their number from 1, several with commas; y or n."""
    if question.kind == "choose":
        return as_index(text)
    if question.kind == "pick":
        return [as_index(part) for part in text.split(",") if part.strip() not in ("", "0")]
    if question.kind == "confirm":
        return {"y": True, "yes": True, "n": False, "no": False}.get(text.strip().lower(), text)
    return text


def as_index(text: str) -> int | str:
    return int(text) - 1 if text.strip().isdigit() else text
