"""`booklore database`: moves everything to another one."""

from typing import Annotated

import typer

from booklore_core.cli.acting import insist, perform
from booklore_core.cli.errors import Stopped
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import show, show_json

app = typer.Typer(no_args_is_help=True, help="Move everything to another database.")

Address = Annotated[str, typer.Argument(metavar="URL", help="As BOOKLORE_DATABASE_URL; of an empty database.")]


@app.callback()
def database() -> None:
    """Makes `copy` a command below `database` although it is the only one."""


@app.command("copy")
def copy(url: Address, as_json: Json = False) -> None:
    """Copy everything to another database, from SQLite to PostgreSQL or back, and compare every row.

    All of it arrives or nothing does; the old database is left as it is. Refused while `booklore serve` or another
    command uses it. --json prints {"from", "to", "rows", "tables": {TABLE: n}}.
    """
    with opened() as core:
        try:
            result = insist(perform(core, "copy_database", args={"url": url}))
        except Stopped:
            raise Stopped("stopped; nothing was copied") from None
    if as_json:
        show_json(result.data)
    else:
        show(result.message)
