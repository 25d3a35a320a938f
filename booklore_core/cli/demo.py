"""`booklore demo`."""


def demo() -> None:
    """Show the whole way on sample data."""
