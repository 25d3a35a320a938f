"""The command line: `booklore`."""

import os
import sys

AT_A_GLANCE = (["status"], ["status", "--json"])
"""What prompts and scripts ask all the time: loading the command line takes several times as long as the answer."""


def main() -> None:
    """The console script."""
    arguments = sys.argv[1:]
    if arguments in AT_A_GLANCE and answered("--json" in arguments):
        return
    from booklore_core.cli.app import app

    app()


def answered(as_json: bool) -> bool:
    """Whether the status could be shown at once; otherwise the whole program has to open the database."""
    from booklore_core.cli.glance import show_at_once

    try:
        return show_at_once(as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
