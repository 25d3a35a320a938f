"""How much was read: by day, book and month, and for how many days in a row; of every kind that tells reading time.

A quarter of an hour belongs to one day in every time zone, so the database adds up quarters, and days are those of this
computer's time zone. A stretch counts for the day on which it began.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from booklore_core.core import Core
from booklore_core.storage.views import expand

QUARTER = 900
"""Seconds."""

READ = """
SELECT CAST(i.occurred_at / 900 AS BIGINT) AS quarter, i.book_md5 AS md5, SUM({seconds}) AS seconds, COUNT(*) AS count
FROM items i WHERE i.kind = :kind AND i.occurred_at >= :begin AND i.occurred_at < :until AND {seconds} > 0
GROUP BY 1, 2
"""
QUARTERS = "SELECT DISTINCT CAST(occurred_at / 900 AS BIGINT) AS quarter FROM items WHERE kind = :kind"
TITLES = "SELECT partial_md5, title FROM books WHERE partial_md5 IN :ids"
MOST_BOOKS = 20


@dataclass
class Year:
    """A year's reading. days: day → seconds. books: partial MD5 → seconds. stretches: how many. years: those in which
    anything was read. streak: days in a row until today or yesterday; longest: the most ever, with its last day."""

    year: int
    today: date
    days: Counter[date] = field(default_factory=Counter)
    books: Counter[str] = field(default_factory=Counter)
    titles: Mapping[str, str] = field(default_factory=dict)
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
    """A year's reading, by default this one's. One query for the year and one for the streaks, a kind."""
    today = core.clock().astimezone().date()
    found = Year(year or today.year, today)
    days = set[date]()
    with core.database.transaction():
        for kind, seconds in timed_kinds(core):
            add_year(core, found, kind, seconds)
            days |= {day_of(row["quarter"]) for row in core.database.rows(QUARTERS, kind=kind)}
        ids = [md5 for md5, _ in found.books.most_common()]
        found.titles = {row["partial_md5"]: row["title"] for row in core.database.rows(TITLES, ids=ids)}
    found.years = sorted({day.year for day in days})
    found.streak, (found.longest, found.longest_until) = streak(days, today), longest(days)
    return found


def timed_kinds(core: Core) -> Iterator[tuple[str, str]]:
    """The kinds that tell reading time, each with how the database finds the seconds in a body."""
    for name, (_, kind) in core.registry.declared.items():
        if kind.seconds:
            yield name, expand("{real:{text:" + kind.seconds + "}}", core.database.dialect).replace("body", "i.body")


def add_year(core: Core, found: Year, kind: str, seconds: str) -> None:
    begin, until = (datetime(year, 1, 1).astimezone().timestamp() for year in (found.year, found.year + 1))
    for row in core.database.rows(READ.replace("{seconds}", seconds), kind=kind, begin=begin, until=until):
        found.days[day_of(row["quarter"])] += round(row["seconds"])
        found.books[row["md5"]] += round(row["seconds"])
        found.stretches += row["count"]


def day_of(quarter: int) -> date:
    return datetime.fromtimestamp(quarter * QUARTER, UTC).astimezone().date()


def streak(days: set[date], today: date) -> int:
    """How many days in a row until today; a day that is not over yet breaks none."""
    day = today if today in days else today - timedelta(days=1)
    count = 0
    while day in days:
        day, count = day - timedelta(days=1), count + 1
    return count


def longest(days: set[date]) -> tuple[int, date | None]:
    """The most days in a row, and the last of them."""
    best: tuple[int, date | None] = (0, None)
    for day in sorted(days):
        if day + timedelta(days=1) not in days:
            best = max(best, (streak(days, day), day), key=lambda one: one[0])
    return best


def minutes(seconds: float) -> int:
    return int(seconds // 60)


def in_hours(seconds: float) -> str:
    """`2 h 05 min`, `12 min`."""
    hours, rest = divmod(minutes(seconds), 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"
