"""Lines that could not be taken: kept with field and reason, tried again, dismissed by a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booklore_core.storage.database import Database

MAX_LINES = 1000
LAST = "SELECT id, source, line, field, reason, seen_at FROM kept_aside ORDER BY id DESC LIMIT :limit"


@dataclass(frozen=True)
class QuarantinedLine:
    """One line. source: where it came from. field, reason: what was wrong with it when it was last tried."""

    id: int
    source: str
    line: str
    field: str
    reason: str
    seen_at: float

    @classmethod
    def of(cls, row: dict[str, Any]) -> "QuarantinedLine":
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


class Quarantine:
    """The lines that wait for a newer version or a person."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, limit: int = MAX_LINES) -> list[QuarantinedLine]:
        return [QuarantinedLine.of(row) for row in self._database.rows(LAST, limit=limit)]

    def count(self) -> int:
        return int(self._database.value("SELECT COUNT(*) FROM kept_aside"))

    def chosen(self, ids: Sequence[int]) -> list[QuarantinedLine]:
        return [one for one in self.lines(self.count()) if one.id in ids]

    def remove(self, ids: Sequence[int]) -> None:
        self._database.run("DELETE FROM kept_aside WHERE id IN :ids", ids=list(ids))

    def dismiss(self, ids: Sequence[int] | None, now: datetime) -> int:
        chosen = [one.id for one in self.lines(self.count()) if ids is None or one.id in ids]
        self.remove(chosen)
        return len(chosen)
