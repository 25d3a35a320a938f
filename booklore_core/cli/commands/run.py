"""`booklore run`: any action that the core or a plugin offers, its questions asked in the terminal."""

from typing import Annotated, Any

import typer

from booklore_core.cli.acting import perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import opened
from booklore_core.cli.options import BOOK, Json, Yes
from booklore_core.cli.output import printable, say, show, show_json, show_table
from booklore_core.cli.terminal import person


def run_action(
    action: Annotated[str | None, typer.Argument(help="Its name; without one the actions are listed.")] = None,
    book: Annotated[str | None, typer.Option(help=f"The book it is about: {BOOK}")] = None,
    arg: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="An argument; may be repeated.")] = None,
    answer: Annotated[
        list[str] | None, typer.Option(help="Answer to a question, in order; options count from 1; may be repeated.")
    ] = None,
    as_json: Json = False,
    yes: Yes = False,
) -> None:
    """Run an action of the core or of a plugin; without a name, list them."""
    if action is None:
        show_actions(as_json)
        return
    args, answers = dict(map(as_argument, arg or ())), iter(answer or ())
    with opened() as core:
        result = perform(core, action.replace("-", "_"), book, args, person(answers, may_ask=not yes))
    surplus = ", ".join(answers)
    if surplus:
        say(f"Nothing was asked that this would answer: {surplus}")
    if as_json:
        effects = [effect.as_json() for effect in result.effects]
        show_json({"ok": result.ok, "message": result.message, "data": result.data, "effects": effects})
    else:
        show(*map(printable, filter(None, (result.message, *map(effect_text, result.effects)))))
    if not result.ok:
        raise typer.Exit(1)


def show_actions(as_json: bool) -> None:
    from booklore_core.actions import all_actions, owner_of, told_of

    with opened() as core:
        owned = [(action, owner_of(core, action.name)) for action in all_actions(core).values()]
        listed = [
            {
                "name": action.name,
                "text": told_of(core, action, action.text, action.name),
                "help": action.help,
                "plugin": owner.name if owner else "core",
            }
            for action, owner in owned
        ]
    if as_json:
        show_json(listed)
    else:
        rows = [(one["name"].replace("_", "-"), one["plugin"], one["text"], one["help"]) for one in listed]
        show_table(rows, "ACTION", "PLUGIN", "MENU", "WHAT IT DOES")


def as_argument(text: str) -> tuple[str, Any]:
    """NAME=VALUE; true, false and whole numbers keep their type. Raises Refused."""
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise Refused(f"--arg {text}: expected NAME=VALUE")
    words: dict[str, Any] = {"true": True, "false": False}
    return name, words.get(value, int(value) if is_number(value) else value)


def is_number(text: str) -> bool:
    """Whether text is a whole number as one writes it; 00123 may be a password."""
    return text.isdecimal() and len(text) < 19 and str(int(text)) == text


def effect_text(effect: Any) -> str:
    """What an effect says to a person; one that only an e-reader can carry out says nothing."""
    return str(getattr(effect, "text", ""))
