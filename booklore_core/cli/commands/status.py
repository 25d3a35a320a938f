"""`booklore status`: what is known, what waits, and why."""

from typing import Annotated

import typer

from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.status_view import look, show_status
from booklore_core.storage.counts import MAX_WAITING


def status(
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=0, help="How many waiting items --json lists.")] = MAX_WAITING,
) -> None:
    """Show what is known, what waits to be synced, and why."""
    most = limit if as_json else MAX_WAITING
    found = look(most)
    if found is None:
        with opened() as core:
            found = core.status(most)
    show_status(found, as_json)
