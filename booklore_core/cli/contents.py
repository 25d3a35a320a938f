"""What commands there are, each with the line that the list of them shows; its module is loaded when it is used.

`booklore --help` and the tabulator key must not wait for twenty-five modules of which one at most is wanted.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

COMMANDS = {
    "demo": ("demo:demo", "Show the whole way on sample data: e-reader, bridge, core, server."),
    "login": ("login:login", "Log in to the server: asks for what is missing, tests it and keeps it."),
    "test-connection": (
        "test_connection:test_connection", "Test the server, the account and what else has to work.",
    ),
    "run": ("run:run_action", "Run an action of the core or of a plugin; without a name, list them."),
    "serve": ("serve:serve", "Serve the bridge for e-readers until stopped."),
    "ingest": ("ingest:ingest", "Take spool files in; a folder stands for its files in their order."),
    "sync": ("sync:sync", "Send everything that waits."),
    "status": ("status:status", "Show what is known, what waits to be synced, and why."),
    "stats": (
        "stats:stats", "Tell how much was read in a year: by month and book, and for how many days in a row.",
    ),
    "answer": (
        "questions:answer",
        "Answer what you are asked before it is synced, such as whether most of a book's highlights shall go.",
    ),
    "books": ("books:books", "List your books: what each is matched to and how, what was read of it, and what waits."),
    "match": ("match:match", "Match books with the server's: those that are certain first, then the others by hand."),
    "unmatch": ("books:unmatch", "Forget what a book is matched to."),
    "rematch": (
        "rematch:rematch", "Match every book anew, for when the server's library was rebuilt and its ids changed.",
    ),
    "track": ("track:track", "Record the reading of a book, or stop doing so."),
    "verify": (
        "verify:verify",
        "Compare what was sent with what the server holds: is something missing, there twice, or overlapping?",
    ),
    "doctor": (
        "doctor:doctor", "Look at the data folder, the database, the settings, the plugins, the targets and the queue.",
    ),
    "reset": ("reset:reset", "Remove the database, the secrets, the cache and what e-readers sent."),
    "bridge": ("bridge:app", "Connect e-readers."),
    "clear": ("clear:app", "Clear what waits, what was synced, or the book cache."),
    "config": ("config:app", "Show and change settings."),
    "database": ("database:app", "Move everything to another database."),
    "history": ("history:app", "Import past reading: extract, match, then look at the statistics."),
    "plugins": ("plugins:app", "List plugins, switch them on and off, find out what ails them."),
    "quarantine": (
        "quarantine:app", "Look at lines that could not be taken in, try them again, put them away.",
    ),
    "service": ("service:app", "Run `booklore serve` at every start of this machine."),
}  # fmt: skip
"""name → where it is, below `booklore_core.cli.commands`, and its help's first sentence."""

HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


class Group(TyperGroup):
    """A command with others below it, which its help lists in whole sentences."""

    def told(self, name: str) -> str:
        """What a command does, in a sentence."""
        return first_sentence(self.commands[name].help or "")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.told(name)) for name in self.commands])


class TableOfContents(Mapping[str, Any]):
    """The commands by name, each loaded when it is asked for."""

    def __init__(self) -> None:
        self._loaded = dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            module, _, attribute = COMMANDS[name][0].partition(":")
            self._loaded[name] = made(name, getattr(import_module(f"booklore_core.cli.commands.{module}"), attribute))
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def made(name: str, function: Any) -> Any:
    """A command of a function, or of what holds several."""
    holder = typer.Typer(add_completion=False, rich_markup_mode=None, cls=Group)
    holder.callback()(lambda: None)  # a program of one command would be that command
    if isinstance(function, typer.Typer):
        holder.add_typer(function, name=name, cls=Group)
    else:
        holder.command(name)(function)
    command = get_command(holder).commands[name]  # type: ignore[attr-defined]
    for one in all_of(command):
        make_light(one)
    return command


def all_of(command: Any) -> Iterator[Any]:
    """A command and those below it."""
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from all_of(one)


def make_light(command: Any) -> None:
    """Has its help broken by the terminal's width, and loaded without pydantic."""
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    without_default(command.get_help_option(typer.Context(command, **HELP)))


def without_default(option: Any) -> None:
    """Gives a switch of typer's own False as its default: typer loads pydantic to check a value of None."""
    option.default = False


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence, or the first paragraph."""
    paragraph = " ".join(text.partition("\n\n")[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return sentence + stop.strip()
