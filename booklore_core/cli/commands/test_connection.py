"""`booklore test-connection`: what works, line by line."""

from booklore_core.cli.acting import perform
from booklore_core.cli.checks import report
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json


def test_connection(as_json: Json = False) -> None:
    """Test the server, the account and what else has to work."""
    with opened() as core:
        result = perform(core, "test_connection")
    report(result.data, as_json)
