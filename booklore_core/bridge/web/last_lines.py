"""The last lines of the log, in memory, for who cannot see where the program writes them."""

import logging
from collections import deque
from datetime import UTC, datetime
from typing import Any

MOST, MOST_LETTERS = 200, 400
ROOT = "booklore_core"


class LastLines(logging.Handler):
    """Keeps the newest lines of what this program and its plugins tell, none of which holds a secret."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[dict[str, Any]] = deque(maxlen=MOST)

    @classmethod
    def listening(cls) -> "LastLines":
        """The one that there is, for all pages of this process."""
        log = logging.getLogger()
        found = next((one for one in log.handlers if isinstance(one, cls)), None)
        if found is None:
            found = cls()
            log.addHandler(found)
        return found

    def emit(self, record: logging.LogRecord) -> None:
        at = f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"
        text = "".join(one if one.isprintable() else " " for one in record.getMessage())[:MOST_LETTERS]
        self._lines.append({"at": at, "level": record.levelname.lower(), "text": text})

    @property
    def newest(self) -> list[dict[str, Any]]:
        """The last one first."""
        return list(reversed(self._lines))
