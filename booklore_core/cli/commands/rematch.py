"""`booklore rematch`: finds every match anew."""

from booklore_core.cli.acting import perform
from booklore_core.cli.commands.match import conclude, show_matching
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json, Yes
from booklore_core.cli.terminal import chosen


def rematch(as_json: Json = False, yes: Yes = False) -> None:
    """Match every book anew, for when the server's library was rebuilt and its ids changed.

    --json prints the same as `booklore match`. Ends with 3 when items still wait, with 1 when the server is out of
    reach: every match then stays as it was.
    """
    with opened() as core:
        result = perform(core, "rematch_all", reply=chosen if yes else None)
        matching = conclude(core, result, failed=not result.ok)
    show_matching(matching, as_json)
