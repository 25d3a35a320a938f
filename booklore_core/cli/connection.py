"""`booklore test-connection`: what works, line by line."""

import typer

from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import show_checks, show_json


def test_connection(as_json: Json = False) -> None:
    """Test the server, the account and what else has to work."""
    from booklore_core.actions import check_json, check_targets

    with opened() as core:
        checks = [check_json(check) for check in check_targets(core)]
    (show_json if as_json else show_checks)(checks)
    if not all(check["ok"] for check in checks):
        raise typer.Exit(1)
