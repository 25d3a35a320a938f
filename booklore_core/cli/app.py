"""The command `booklore`: its global options, its subcommands, and how an expected error ends it.

Nothing here or in a command's module may import the core before the command runs: `--help` must not wait for it.
"""

import logging
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from booklore_core.cli.commands import bridge, clear, config, database, history, plugins, quarantine, service
from booklore_core.cli.commands.books import books, unmatch
from booklore_core.cli.commands.demo import demo
from booklore_core.cli.commands.doctor import doctor
from booklore_core.cli.commands.ingest import ingest
from booklore_core.cli.commands.login import login
from booklore_core.cli.commands.match import match
from booklore_core.cli.commands.questions import answer
from booklore_core.cli.commands.rematch import rematch
from booklore_core.cli.commands.reset import reset
from booklore_core.cli.commands.run import plugin_command, run_action
from booklore_core.cli.commands.serve import serve
from booklore_core.cli.commands.stats import stats
from booklore_core.cli.commands.status import status
from booklore_core.cli.commands.sync import sync
from booklore_core.cli.commands.test_connection import test_connection
from booklore_core.cli.commands.track import track
from booklore_core.cli.commands.verify import verify
from booklore_core.cli.errors import Stopped, error_in_one_line, is_expected
from booklore_core.cli.output import end_stopped, own_stdout, say

CHATTY = ("sqlalchemy", "urllib3", "asyncio", "alembic")
"""Libraries whose own debug lines tell nobody anything, and might tell too much."""

HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
COMPLETION = ("install_completion", "show_completion")

TYPERS: tuple[Any, ...] = (typer.Exit, typer.Abort, typer.BadParameter.__mro__[2], BrokenPipeError)
"""What typer raises and tells itself, a misuse of the command line among it."""

BUG = "this is a fault of booklore itself; `booklore -v …` tells where, for a report"


class Commands(TyperGroup):
    """The root of all commands. A mistake or refusal ends in one line and code 1, a bug too; its traceback is for
    who asks with -v."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for command in all_of(self):
            unwrap_help(command)
            make_light(command.get_help_option(typer.Context(command, **HELP)))

    def get_params(self, ctx: Any) -> Any:
        """typer adds its options for completion when the group is made already."""
        params = super().get_params(ctx)
        for option in params:
            if option.name in COMPLETION:
                make_light(option)
        return params

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Ours, or a plugin's action."""
        own = super().get_command(ctx, cmd_name)
        return own or plugin_command(cmd_name)

    def invoke(self, ctx: Any) -> Any:
        with own_stdout():
            try:
                return super().invoke(ctx)
            except (KeyboardInterrupt, Stopped) as error:
                end_stopped(error)
            except Exception as error:
                if isinstance(error, TYPERS):
                    raise
                is_bug = not is_expected(error)
                logging.getLogger(__name__).log(logging.INFO if is_bug else logging.DEBUG, "", exc_info=True)
                told = error_in_one_line(error)
                say(f"{BUG}: {type(error).__name__}: {told}" if is_bug else told)
                raise typer.Exit(1) from None


def all_of(command: Any) -> Iterator[Any]:
    """A command and those below it."""
    yield command
    for one in getattr(command, "commands", {}).values():
        yield from all_of(one)


def unwrap_help(command: Any) -> None:
    """Joins the lines of each paragraph: the terminal's width breaks them, not the source's."""
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def make_light(option: Any) -> None:
    """Gives a switch of typer's own False as its default: typer loads pydantic to check a value of None."""
    option.default = False


app = typer.Typer(
    name="booklore", cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, context_settings=HELP
)


def show_version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import version

    typer.echo(f"booklore {version('booklore-sync')}")
    raise typer.Exit


def log_to_stderr(ctx: typer.Context, level: int) -> None:
    """Tells on standard error what is logged, for as long as the command runs."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    ctx.call_on_close(lambda: root.removeHandler(handler))


@app.callback()
def booklore(  # a number as option would make typer load pydantic for every `--help`
    ctx: typer.Context,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done to standard error.")] = False,
    debug: Annotated[bool, typer.Option("--debug", "-vv", help="Log everything there is to know.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Carries everything you do in KOReader to your BookLore or Grimmory library, exactly once.

    Data lies in BOOKLORE_HOME. Every setting can be given as BOOKLORE_<SECTION>__<SETTING>; `booklore config show`
    lists them.
    """
    log_to_stderr(ctx, logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING)


app.command()(demo)
app.command()(login)
app.command("test-connection")(test_connection)
app.command("run")(run_action)
for command in (
    serve,
    ingest,
    sync,
    status,
    stats,
    answer,
    books,
    match,
    unmatch,
    rematch,
    track,
    verify,
    doctor,
    reset,
):
    app.command()(command)
app.add_typer(bridge.app, name="bridge")
app.add_typer(clear.app, name="clear")
app.add_typer(config.app, name="config")
app.add_typer(database.app, name="database")
app.add_typer(history.app, name="history")
app.add_typer(plugins.app, name="plugins")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(service.app, name="service")
