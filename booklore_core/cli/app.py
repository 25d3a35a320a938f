"""The command `booklore`: its global options, its subcommands, and how an expected error ends it.

Nothing here or in a command's module may import the core before the command runs: `--help` must not wait for it.
"""

import logging
from typing import Annotated, Any

import typer

from booklore_core.cli.contents import COMMANDS, HELP, Group, TableOfContents, make_light, without_default
from booklore_core.cli.errors import Stopped, error_in_one_line, is_expected
from booklore_core.cli.output import end_stopped, own_stdout, say

CHATTY = ("sqlalchemy", "urllib3", "asyncio", "alembic")
"""Libraries whose own debug lines tell nobody anything, and might tell too much."""

COMPLETION = ("install_completion", "show_completion")

TYPERS: tuple[Any, ...] = (typer.Exit, typer.Abort, typer.BadParameter.__mro__[2], BrokenPipeError)
"""What typer raises and tells itself, a misuse of the command line among it."""

BUG = "this is a fault of booklore itself; `booklore -v …` tells where, for a report"


class Commands(Group):
    """The root of all commands. A mistake or refusal ends in one line and code 1, a bug too; its traceback is for
    who asks with -v."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = TableOfContents()
        make_light(self)

    def told(self, name: str) -> str:
        return COMMANDS[name][1]

    def get_params(self, ctx: Any) -> Any:
        """typer adds its options for completion when the group is made already."""
        params = super().get_params(ctx)
        for option in params:
            if option.name in COMPLETION:
                without_default(option)
        return params

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Ours, or a plugin's action."""
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        from booklore_core.cli.commands.run import plugin_command

        return plugin_command(cmd_name)

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


app = typer.Typer(
    name="booklore", cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, context_settings=HELP,
    rich_markup_mode=None,
)  # fmt: skip


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
