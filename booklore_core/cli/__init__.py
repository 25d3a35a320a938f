"""The command line: `booklore`."""


def main() -> None:
    """The console script."""
    from booklore_core.cli.app import app

    app()
