"""`booklore test-connection`: what works, line by line."""

from booklore_core.cli.checks import report
from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json


def test_connection(as_json: Json = False) -> None:
    """Test the server, the account and what else has to work."""
    from booklore_core.actions import check_targets

    with opened() as core:
        checks = check_targets(core)
    report(checks, as_json)
