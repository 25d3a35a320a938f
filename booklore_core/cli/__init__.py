"""The command line: `booklore`."""

import os
import sys
from io import TextIOWrapper
from pathlib import Path

QUICK = {"status": "status_view:show_at_once", "sync": "at_rest:say_again"}
"""What prompts and scripts ask all the time: loading the command line takes several times as long as the answer."""

SQLITE = "sqlite:///"
NO_FILE = tuple(SQLITE + beginning for beginning in (":memory:", "file:", "?"))


def main() -> None:
    """The console script."""
    replace_closed_streams()
    spare_plain_consoles()
    anchor_places()
    try:
        run(sys.argv[1:])
    except KeyboardInterrupt as error:  # while modules are loaded; a command tells itself what it has done
        from booklore_core.cli.output import end_stopped

        end_stopped(error)


def run(arguments: list[str]) -> None:
    name, *options = arguments or [""]
    if name in QUICK and options in ([], ["--json"]) and answered(QUICK[name], bool(options)):
        return
    from booklore_core.cli.app import app

    app(prog_name="booklore")


def replace_closed_streams() -> None:
    """A standard stream that was closed leads nowhere; the next file opened, the database, would take its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def spare_plain_consoles() -> None:
    """A console without the letters of a title shows question marks in their place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def anchor_places() -> None:
    """A relative place means the same after a change of directory, and to every process that is started from here."""
    for name, value in os.environ.items():
        if name in ("BOOKLORE_HOME", "BOOKLORE_CONFIG") or (name.startswith("BOOKLORE_") and name.endswith("_FILE")):
            os.environ[name] = value and str(Path(value).expanduser().absolute())
        elif name == "BOOKLORE_DATABASE_URL" and value.startswith(SQLITE) and not value.startswith(NO_FILE):
            os.environ[name] = SQLITE + str(Path(value.removeprefix(SQLITE)).absolute())


def answered(quick: str, as_json: bool) -> bool:
    """Whether a command could be answered at once; otherwise the whole program has to open the database."""
    from importlib import import_module

    from booklore_core.cli.errors import error_in_one_line, is_expected
    from booklore_core.cli.output import say

    module, _, function = quick.partition(":")
    try:
        return bool(getattr(import_module(f"booklore_core.cli.{module}"), function)(as_json))
    except Exception as error:
        if not is_expected(error):
            raise
        say(error_in_one_line(error))
        sys.exit(1)
