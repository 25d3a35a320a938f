"""Passwords and tokens: one file of mode 0600, written whole or not at all, shared by all processes."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

PRIVATE = 0o600

POLL = 0.01
"""Seconds between two looks at a lock that somebody else holds."""


class SecretsUnreadable(Exception):
    """The secrets file cannot be read; it is left as it is."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; log in again after moving it away")


class Secrets:
    """A small mapping from names to JSON values, kept out of the database, logs and exports.

    part: whose they are; each part has names of its own.
    """

    def __init__(self, path: Path, part: str = "") -> None:
        self.path, self._start = path, f"{part}/" if part else ""

    def of(self, part: str) -> "Secrets":
        return Secrets(self.path, part)

    def get(self, name: str, default: Any = None) -> Any:
        return self._load().get(self._start + name, default)

    def set(self, name: str, value: Any) -> None:
        with self._locked() as values:
            values[self._start + name] = value

    def remove(self, name: str) -> None:
        with self._locked() as values:
            values.pop(self._start + name, None)

    def clear(self) -> None:
        """Forgets all of this part."""
        with self._locked() as values:
            for name in [name for name in values if name.startswith(self._start)]:
                del values[name]

    def _load(self) -> dict[str, Any]:
        try:
            with self.path.open(encoding="utf-8") as file:
                keep_private(self.path)
                values = json.load(file)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise SecretsUnreadable(self.path, type(error).__name__) from error
        if not isinstance(values, dict):
            raise SecretsUnreadable(self.path, "expected a JSON object")
        return values

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = self.path.with_suffix(".lock")
        with FileLock(lock, mode=PRIVATE).acquire(poll_interval=POLL):
            keep_private(lock)
            values = self._load()
            yield values
            self._replace(values)

    def _replace(self, values: dict[str, Any]) -> None:
        text, draft = json.dumps(values, indent=1, sort_keys=True), self.path.with_suffix(".new")
        with open(draft, "w", encoding="utf-8", opener=private) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)


def private(path: str, flags: int) -> int:
    """Opens a file that only its owner may read, also one that is there and was open to others."""
    descriptor = os.open(path, flags, PRIVATE)
    keep_private(Path(path))
    return descriptor


def keep_private(path: Path) -> None:
    with suppress(OSError):  # somebody else's file, or a file system without modes
        if stat.S_IMODE(path.stat().st_mode) != PRIVATE:
            path.chmod(PRIVATE)
