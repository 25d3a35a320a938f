"""How much was read: by day, book and month, and for how many days in a row; of every kind that tells reading time.

Days are those of this computer's time zone, and the database counts them: it is told from when on the clock was how far
from UTC. A stretch counts for the day on which it began.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from booklore_core.core import Core
from booklore_core.storage.views import expand

DAY, FIRST_YEAR = 86_400, 2007
"""Seconds. Before that year there were no e-readers to speak of; its clock holds for what came earlier."""

BY_DAY = """SELECT {day} AS day, SUM({seconds}) AS seconds, COUNT(*) AS count FROM items i
    WHERE i.kind = :kind AND i.occurred_at >= :begin AND i.occurred_at < :until GROUP BY 1 HAVING SUM({seconds}) > 0"""
BY_BOOK = """SELECT i.book_md5 AS md5, MAX(b.title) AS title, SUM({seconds}) AS seconds
    FROM items i JOIN books b ON b.partial_md5 = i.book_md5
    WHERE i.kind = :kind AND i.occurred_at >= :begin AND i.occurred_at < :until GROUP BY 1 HAVING SUM({seconds}) > 0"""
RUNS = """SELECT MIN(day) AS first, MAX(day) AS last FROM (
    SELECT day, day - ROW_NUMBER() OVER (ORDER BY day) AS run FROM (SELECT DISTINCT {day} AS day FROM items i
        WHERE i.kind IN :ids) AS days) AS runs GROUP BY run ORDER BY 1"""
"""The days on which anything was read, those in a row together."""

MOST_BOOKS = 20


@dataclass
class Year:
    """A year's reading. days: day → seconds. books: partial MD5 → seconds. stretches: how many. years: those in which
    anything was read. streak: days in a row until today or yesterday; longest: the most ever, with its last day."""

    year: int
    today: date
    days: Counter[date] = field(default_factory=Counter)
    books: Counter[str] = field(default_factory=Counter)
    titles: dict[str, str | None] = field(default_factory=dict)
    stretches: int = 0
    years: list[int] = field(default_factory=list)
    streak: int = 0
    longest: int = 0
    longest_until: date | None = None

    @property
    def seconds(self) -> int:
        return self.days.total()

    @property
    def months(self) -> list[int]:
        """Seconds of each month, January first."""
        return [sum(told for day, told in self.days.items() if day.month == month) for month in range(1, 13)]

    def named(self, md5: str) -> str:
        return self.titles.get(md5) or md5[:8]

    def as_json(self) -> dict[str, Any]:
        """The shape of `booklore stats --json`. Minutes are whole ones."""
        books = [
            {"book": self.named(md5), "md5": md5, "minutes": minutes(told)} for md5, told in self.books.most_common()
        ]
        until = self.longest_until.isoformat() if self.longest_until else None
        return {
            "year": self.year,
            "minutes": minutes(self.seconds),
            "days_read": len(self.days),
            "stretches": self.stretches,
            "current_streak": self.streak,
            "longest_streak": {"days": self.longest, "until": until},
            "months": [minutes(told) for told in self.months],
            "books": books,
            "days": {day.isoformat(): minutes(told) for day, told in sorted(self.days.items())},
            "years": self.years,
        }


def read_year(core: Core, year: int | None = None) -> Year:
    """A year's reading, by default this one's: of each kind a query by day and one by book, and one for the streaks."""
    today = core.clock().astimezone().date()
    found, kinds = Year(year or today.year, today), dict(timed_kinds(core))
    with core.database.transaction():
        for kind, seconds in kinds.items():
            add_year(core, found, kind, seconds)
        rows = core.database.rows(RUNS.replace("{day}", local_day(core.database.dialect)), ids=list(kinds))
    runs = [(day_of(row["first"]), day_of(row["last"])) for row in rows]
    found.years = sorted({year for first, last in runs for year in range(first.year, last.year + 1)})
    for first, last in runs:
        count = (last - first).days + 1
        if count > found.longest:
            found.longest, found.longest_until = count, last
        if first <= today <= last + timedelta(days=1):  # a day that is not over yet breaks none
            found.streak = (min(last, today) - first).days + 1
    return found


def timed_kinds(core: Core) -> Iterator[tuple[str, str]]:
    """The kinds that tell reading time, each with how the database finds the seconds in a body."""
    for name, (_, kind) in core.registry.declared.items():
        if kind.seconds:
            yield name, expand("{real:{text:" + kind.seconds + "}}", core.database.dialect).replace("body", "i.body")


def add_year(core: Core, found: Year, kind: str, seconds: str) -> None:
    begin, until = (datetime(year, 1, 1).astimezone().timestamp() for year in (found.year, found.year + 1))
    about = {"kind": kind, "begin": begin, "until": until}
    by_day, by_book = (sql.replace("{seconds}", seconds) for sql in (BY_DAY, BY_BOOK))
    for row in core.database.rows(by_day.replace("{day}", local_day(core.database.dialect)), **about):
        found.days[day_of(row["day"])] += round(row["seconds"])
        found.stretches += row["count"]
    for row in core.database.rows(by_book, **about):
        found.books[row["md5"]] += round(row["seconds"])
        found.titles[row["md5"]] = row["title"]


def day_of(number: int) -> date:
    return datetime.fromtimestamp(number * DAY, UTC).date()


def local_day(dialect: str) -> str:
    """The number of the day on which an item occurred, for the database: the last change of the clock comes first."""
    (_, first), *later = shifts((*time.tzname, str(time.timezone)), datetime.now(UTC).year + 1)
    cases = [f"WHEN i.occurred_at >= {since} THEN {offset}" for since, offset in reversed(later)]
    offset = f"CASE {' '.join(cases)} ELSE {first} END" if cases else str(first)
    return expand("{int:(i.occurred_at + " + offset + f") / {DAY}" + "}", dialect)


@lru_cache(maxsize=4)
def shifts(zone: tuple[str, ...], until: int) -> list[tuple[int, int]]:
    """From which second on this computer's clock is how many seconds ahead of UTC, up to the end of a year."""
    begin, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (FIRST_YEAR, until + 1))
    found = [(begin, ahead(begin))]
    for second in range(begin + DAY, end, DAY):
        if ahead(second) != found[-1][1]:
            found.append((changed(second - DAY, second), ahead(second)))
    return found


def changed(before: int, after: int) -> int:
    """The second between two at which the clock was changed."""
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if ahead(middle) == ahead(before) else (before, middle)
    return after


def ahead(second: int) -> int:
    return int(time.localtime(second).tm_gmtoff)


def minutes(seconds: float) -> int:
    return int(seconds // 60)


def in_hours(seconds: float) -> str:
    """`2 h 05 min`, `12 min`."""
    hours, rest = divmod(minutes(seconds), 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"
