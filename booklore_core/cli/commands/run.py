"""`booklore run`: any action that the core or a plugin offers, its questions asked in the terminal."""

import os
from collections.abc import Iterable
from inspect import Parameter, Signature, signature
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from typer.main import get_command

from booklore_core.cli.acting import perform
from booklore_core.cli.errors import Refused
from booklore_core.cli.opening import find_places, opened
from booklore_core.cli.options import BOOK, Json, Yes
from booklore_core.cli.output import printable, say, show, show_json, show_table
from booklore_core.cli.terminal import agreed, person


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
    else:
        run_one(action.replace("-", "_"), book, dict(map(as_argument, arg or ())), answer or (), as_json, not yes)


def run_one(
    action: str, book: str | None, args: dict[str, Any], given: Iterable[str], as_json: bool, may_ask: bool,
    agrees: bool | None = None,
) -> None:  # fmt: skip
    """Runs an action and shows what it comes to. given: answers, in order. agrees: to what is asked beyond them; None
    where there is no option that does."""
    answers, option = iter(given), "--answer y" if agrees is None else "--yes"
    with opened() as core:
        result = perform(core, action, book, args, agreed if agrees else person(answers, may_ask, option))
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


def plugin_command(name: str) -> Any:
    """A plugin's action as a command of its own, with the options of `booklore run`; None for a name that none has."""
    action = find_plugin_action(name.replace("-", "_"))
    if action is None:
        return None

    def call(**given: Any) -> None:
        args = dict(map(as_argument, given["arg"] or ())) | {param: given[param] for param in action.params}
        answers, yes = given["answer"] or (), given["yes"]
        run_one(action.name, given["book"], args, answers, given["as_json"], may_ask=not yes, agrees=yes)

    options = list(signature(run_action).parameters.values())[1:]
    named = {param: Annotated[str, typer.Argument(metavar=param.upper())] for param in action.params}
    arguments = [Parameter(param, Parameter.KEYWORD_ONLY, annotation=text) for param, text in named.items()]
    parameters = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (*arguments, *options)]
    call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    plugin = typer.Typer(add_completion=False)
    plugin.command(name, help=action.help or action.name)(call)
    return get_command(plugin)


def find_plugin_action(name: str) -> Any:
    """Looks for it without leaving a data folder where there is none yet."""
    from booklore_core.core import Core
    from booklore_core.storage.places import Places

    places = find_places()
    with TemporaryDirectory() as elsewhere:
        if not places.home.exists():
            places = Places.from_environment({**os.environ, "BOOKLORE_HOME": elsewhere})
        core = Core(places)
        try:
            return core.plugin_actions.get(name, (None, None))[1]
        finally:
            core.close()


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
