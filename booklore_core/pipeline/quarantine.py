"""Lines that could not be taken: kept with field and reason, tried again by a newer version, dismissed by a person."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from booklore_core.events import Event
from booklore_core.pipeline.boots import Stamp, is_same_boot
from booklore_core.pipeline.spool import BadLine, Line, as_text, parse_line
from booklore_core.storage.counts import iso_utc
from booklore_core.storage.database import Database

MAX_LINES = 1000

PUT = """
INSERT INTO quarantine (digest, source, line, field, reason, seen_at, version, device)
VALUES (:digest, :source, :line, :field, :reason, :now, :version, :device)
ON CONFLICT (digest) DO UPDATE SET field = excluded.field, reason = excluded.reason, version = excluded.version,
    device = excluded.device
"""
OF_DEVICES = """
SELECT id, device, line, seen_at FROM quarantine WHERE device IN :ids AND field = :field AND dismissed_at IS NULL
ORDER BY id LIMIT :limit
"""
REFUSED_TO_DEVICE = "device"
"""The field of lines that a device told in another one's name: only a person takes those in, or its word that the other
was its own."""

UNTIMED = "at"
"""The field of lines of which nobody knows when they were written."""


@dataclass(frozen=True)
class QuarantinedLine:
    """One line. source: where it came from. field, reason: what was wrong with it when it was last tried."""

    id: int
    source: str
    line: str
    field: str
    reason: str
    seen_at: float
    device: str | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> "QuarantinedLine":
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})


class Quarantine:
    """The lines that wait for a newer version or a person."""

    def __init__(self, database: Database) -> None:
        self._database, self._table = database, database.table("quarantine")
        self.version = version("booklore-sync")

    def put(self, line: Any, source: str, error: BadLine, now: datetime) -> None:
        """Keeps a line. The same one again is kept once, with the newest reason."""
        text = as_text(line)
        digest = hashlib.sha256(text.encode()).hexdigest()
        why = {"field": error.field, "reason": as_text(error.reason), "device": error.device}
        self._database.run(
            PUT, digest=digest, source=source, line=text, **why, now=now.timestamp(), version=self.version
        )

    def lines(self, limit: int = MAX_LINES) -> list[QuarantinedLine]:
        """Those that nobody has dismissed, the newest first."""
        return [QuarantinedLine.of(row) for row in self._table.find("-id", limit, dismissed_at=None)]

    def count(self) -> int:
        return self._table.count(dismissed_at=None)

    def acceptable(self, version: str = "") -> list[QuarantinedLine]:
        """Those that may be tried again without a word about each: not refused by this version of the program."""
        other, takeable = {"not": version}, {"not": REFUSED_TO_DEVICE}
        rows = self._table.find("id", MAX_LINES, dismissed_at=None, version=other, field=takeable)
        return [QuarantinedLine.of(row) for row in rows]

    def untimed(self, devices: Sequence[str]) -> dict[int, Line]:
        """The lines of devices of which nobody knows when they were written, by their ids here."""
        rows = self._database.rows(OF_DEVICES, field=UNTIMED, ids=list(devices), limit=MAX_LINES)
        lines = dict[int, Line]()
        for row in rows:
            with suppress(BadLine):  # another version kept it
                line = parse_line(row["line"]).of_device(row["device"])
                lines[row["id"]] = replace(line, waits_since=row["seen_at"])
        return lines

    def refused_to(self, source: str) -> list[QuarantinedLine]:
        """The lines that came from a source in another device's name."""
        rows = self._table.find("id", MAX_LINES, dismissed_at=None, field=REFUSED_TO_DEVICE, source=source)
        return [QuarantinedLine.of(row) for row in rows]

    def chosen(self, ids: Sequence[int]) -> list[QuarantinedLine]:
        """Those with these ids, dismissed or not."""
        return [QuarantinedLine.of(row) for row in self._table.find("id", id=list(ids))]

    def remove(self, ids: Sequence[int]) -> None:
        """For lines that were taken in after all."""
        if ids:
            self._table.delete(id=list(ids))

    def dismiss(self, ids: Sequence[int] | None, now: datetime) -> int:
        """Puts lines away for good, all of them for None. Returns how many they were."""
        chosen = [one.id for one in self.lines(self.count()) if ids is None or one.id in ids]
        with self._database.writing():
            return sum(self._table.update({"id": one, "dismissed_at": now.timestamp()}, ["id"]) for one in chosen)


def placed(lines: Sequence[QuarantinedLine], first: datetime) -> dict[int, str]:
    """The number of each line, from 1 on, and its `at` when the first of them was written at first. Those that cannot
    be read have none."""
    events = dict[int, Event]()
    for number, one in enumerate(lines, start=1):
        with suppress(BadLine):
            events[number] = event_of(one.line, iso_utc(first.timestamp()))
    numbers = sorted(events, key=lambda number: events[number].order)
    stamps = [Stamp.of(events[number]) for number in numbers]
    times = spread(stamps, first.timestamp())
    return {number: iso_utc(at) for number, at in zip(numbers, times, strict=False)}


def spread(stamps: Sequence[Stamp], first: float) -> list[float]:
    """When lines were written of which the first is known: they keep their distances, by the boot clock where one boot
    wrote them."""
    times = [first]
    for before, one in pairwise(stamps):
        passed = one.up - before.up if is_same_boot(before, one) else one.at - before.at  # type: ignore[operator]
        times.append(times[-1] + max(0.0, passed))
    return times[: len(stamps)]


def event_of(line: str, at: str) -> Event:
    """What a line tells; as if it were written at `at` where its own time cannot be read. Raises BadLine."""
    try:
        return parse_line(line).event
    except BadLine:
        return parse_line(line, at=at).event
