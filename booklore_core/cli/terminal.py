"""Questions to the person at the terminal, and what happens where there is none."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from booklore_core.cli.errors import Refused
from booklore_core.cli.output import printable, say
from booklore_core.cli.progress import Activity

if TYPE_CHECKING:
    from booklore_core.flows import Flow, Question, Result

Reply = Callable[["Question"], Any]
"""Answers a question, as its flow expects it."""

PICK_NONE = "Numbers such as 1,3 (Return for none)"


def is_interactive() -> bool:
    """Whether somebody can see a question and answer it."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def typed_secret(name: str, option: str, may_ask: bool) -> str:
    """A secret that a person types, unseen. Raises Refused naming option without one."""
    if not (may_ask and is_interactive()):
        raise Refused(f"{name} is missing: give {option}")
    return str(asked(typer.prompt, name, hide_input=True))


def confirmed(question: str, option: str, yes: bool) -> bool:
    """Whether a person agrees. Without one, raises Refused naming option."""
    if yes:
        return True
    if not is_interactive():
        raise Refused(f"{question} Give {option} to say so")
    return bool(asked(typer.confirm, question, default=False))


def asked(ask: Callable[..., Any], text: str, **options: Any) -> Any:
    """What a person types. Raises Abort at the end of input, and KeyboardInterrupt, which typer makes the same."""
    try:
        return ask(text, err=True, **options)
    except typer.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def read_secret(path: Path, option: str = "--password-file") -> str:
    """A secret from a file, or from standard input for `-`: without BOM and last line end. Raises BadSetting."""
    if str(path) == "-":
        return read_line()
    from booklore_core.storage.preset import read_secret_file

    return read_secret_file(path, option)


def read_line() -> str:
    """A line of standard input, without BOM and line end."""
    return without_ends(sys.stdin.readline())


def read_lines() -> str:
    """All of standard input, from a person one line; without BOM and the last line end."""
    return read_line() if sys.stdin.isatty() else without_ends(sys.stdin.read())


def without_ends(text: str) -> str:
    return text.removeprefix("\ufeff").rstrip("\r\n")


def run_flow(flow: "Flow", reply: Reply, activity: Activity | None = None) -> "Result":
    """Runs an action to its end, every question answered by reply; the activity is shown in between."""
    shown, text = activity or Activity(), None
    while True:
        try:
            with shown.shown():
                question = flow.send(text)
        except StopIteration as end:
            result: Result = end.value
            return result
        text = reply(question)


def person(answers: Iterable[str] = (), may_ask: bool = True, option: str = "") -> Reply:
    """Answers as given first, then a person's, then the safe defaults. Raises Refused where there is none of these.

    option: what agrees where nobody can be asked; it is told with the question.
    """
    texts = iter(answers)
    return lambda question: answer(question, texts, may_ask, option)


def chosen(question: "Question") -> Any:
    """Takes all there is, and agrees to everything."""
    return True if question.kind == "confirm" else list(range(len(getattr(question, "options", ()))))


def agreed(question: "Question") -> Any:
    """Agrees to what is to be done; who is not there chooses nothing."""
    return True if question.kind == "confirm" else answer(question, iter(()), may_ask=False)


def answer(question: "Question", given: Iterator[str], may_ask: bool, option: str = "") -> Any:
    """The answer to one question, as its flow expects it. Raises BadAnswer for a given one that does not fit."""
    from booklore_core.actions.answers import check_answer

    text = next(given, None)
    if text is not None:
        return checked(question, text)
    if may_ask and is_interactive():
        return ask_until_it_fits(question)
    default: Any = question.default
    if default is None:
        raise Refused(f"a question needs an answer: {question.text} Give --answer")
    if option and may_ask and question.kind == "confirm" and not default:
        say(f"{printable(question.text)}\nNobody is here to answer; give {option} to agree.")
    return check_answer(question, list(default) if isinstance(default, tuple) else default)


def ask_until_it_fits(question: "Question") -> Any:
    """Asks until the answer fits."""
    from booklore_core.actions.answers import BadAnswer, check_answer

    while True:
        text = read_answer(question)
        try:
            return check_answer(question, None) if text is None else checked(question, text)
        except BadAnswer as error:
            typer.echo(str(error), err=True)


def checked(question: "Question", text: str) -> Any:
    """A typed text as answer. Raises BadAnswer in terms of what is typed: options count from 1."""
    from booklore_core.actions.answers import BadAnswer, check_answer

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
        typer.echo(printable(question.text), err=True)
        for number, option in enumerate(options, start=1):
            typer.echo(f"{number:3}  " + printable(option).replace("\n", f"\n{'':5}"), err=True)
    hidden = bool(getattr(question, "secret", False))
    try:
        text = asked(
            typer.prompt, label(question), default=return_means(question), hide_input=hidden, show_default=False
        )
    except (EOFError, typer.Abort):
        return None
    is_cancelled = question.kind == "choose" and str(text).strip().lower() == "q"
    return str(text) if (text or question.default == "") and not is_cancelled else None


def label(question: "Question") -> str:
    """What stands before the cursor. The text of a question with options stands above these."""
    if question.kind == "choose":
        return "Number (Return or q to cancel)"
    if question.kind == "pick":
        return (
            f"Numbers such as 1,3 (Return for {return_means(question)}, 0 for none)"
            if return_means(question)
            else PICK_NONE
        )
    if question.kind == "confirm":
        hint = f"y for {getattr(question, 'ok', '')}, n for {getattr(question, 'cancel', '')}"
    elif question.default == "":
        return printable(question.text)
    else:
        hint = f"Return for {return_means(question)!r}" if return_means(question) else "Return to cancel"
        skip = getattr(question, "skip", "")
        hint += f", - for {skip}" if skip else ""
    return f"{printable(question.text)} ({hint})"


def return_means(question: "Question") -> str:
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
    return "" if getattr(question, "skip", "") and text.strip() == "-" else text


def as_index(text: str) -> int | str:
    return int(text) - 1 if text.strip().isdigit() else text
