"""A database with nothing but its schema: making one anew takes longer than most tests."""

import tempfile
from functools import cache
from pathlib import Path

from booklore_core.storage.database import Database


def put_empty_database(home: Path) -> None:
    """Puts one into a data folder, which may be yet to be made, unless it has a database."""
    home.mkdir(exist_ok=True)
    file = home / "booklore.sqlite"
    if not file.exists():
        file.write_bytes(content())
        file.chmod(0o600)


@cache
def content() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        Database(f"sqlite:///{folder}/empty.sqlite").close()
        return Path(folder, "empty.sqlite").read_bytes()
