"""A file that arrives in parts, and what is known of it beside it.

What is held is of one state of the file, which its size and its time of change on the device tell. How much of it
counts is written last: bytes behind that are of a part that a crash cut short.
"""

import os
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from booklore_core.bridge.models import FilePart

WAL, ABOUT = "-wal", ".json"
"""Endings: of what SQLite keeps beside a database, and of what is known about a file that is held."""


class FileState(BaseModel):
    """A state of a file, and how much of it is held. changed: seconds of the device's clock. changes: how many states
    came right before it. at: when the last part of it came."""

    size: int
    changed: int
    held: int = 0
    changes: int = 0
    at: datetime

    @property
    def is_whole(self) -> bool:
        return self.held == self.size

    def is_of(self, part: FilePart) -> bool:
        return (self.size, self.changed) == (part.size, part.changed)


class Upload:
    """A file that is sent, perhaps not whole yet."""

    def __init__(self, path: Path) -> None:
        self.path, self._about = path, path.with_name(path.name + ABOUT)

    @property
    def beside(self) -> "Upload":
        """What SQLite keeps beside the database that this is."""
        return Upload(self.path.with_name(self.path.name + WAL))

    def state(self) -> FileState | None:
        """None where nothing is held, or nobody knows what."""
        try:
            state = FileState.model_validate_json(self._about.read_bytes())
            return state if self.path.stat().st_size >= state.held else None
        except (OSError, ValidationError):
            return None

    def begin(self, state: FileState) -> FileState:
        """Takes away what was held. It may be lent out: what is written goes into another file. Raises OSError."""
        self.remove()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        return self._note(state)

    def add(self, state: FileState, body: bytes, now: datetime) -> FileState:
        """Durable when this returns. Raises OSError."""
        with self.path.open("r+b") as file:
            file.truncate(state.held)
            file.seek(state.held)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        return self._note(state.model_copy(update={"held": state.held + len(body), "at": now}))

    def _note(self, state: FileState) -> FileState:
        new = self._about.with_name(self._about.name + ".new")
        new.write_text(state.model_dump_json(), encoding="utf-8")
        new.replace(self._about)
        return state

    def remove(self) -> None:
        """With what it has beside it, which is of no use without it."""
        for path in (self.path, self._about):
            path.unlink(missing_ok=True)
        if not self.path.name.endswith(WAL):
            self.beside.remove()
