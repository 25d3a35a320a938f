"""`booklore rematch`: forgets every match and finds them anew."""

from booklore_core.cli.commands.match import conclude, matches, run, show_outcome
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json


def rematch(as_json: Json = False) -> None:
    """Match every book anew, for when the server's library was rebuilt and its ids changed.

    --json prints the same as `booklore match`. Ends with 3 when items still wait, with 1 when the server is out of
    reach: the books are then matched at the next sync.
    """
    from booklore_core.flows import Request

    with opened() as core:
        result = run(core, "rematch_all", Request())
        outcome = conclude(core, result, matches(core), failed=not result.ok)
    show_outcome(outcome, as_json)
