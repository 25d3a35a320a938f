"""`booklore stats`: how much was read, in numbers."""

from typing import TYPE_CHECKING, Annotated

import typer

from booklore_core.cli.opening import opened
from booklore_core.cli.options import Json
from booklore_core.cli.output import say, show, show_json, show_table

if TYPE_CHECKING:
    from booklore_core.bridge.web.reading import Year


def stats(
    year: Annotated[int | None, typer.Option(min=1970, max=9998, help="Which one.", show_default="this year")] = None,
    as_json: Json = False,
) -> None:
    """Tell how much was read in a year: by month and book, and for how many days in a row.

    --json prints {"year", "minutes", "days_read", "stretches", "current_streak", "longest_streak": {"days", "until"},
    "months": [MINUTES…], "books": [{"book", "md5", "minutes"}], "days": {DAY: MINUTES}, "years": [YEAR…]}.
    """
    from booklore_core.bridge.web.reading import read_year

    with opened() as core:
        found = read_year(core, year)
    if as_json:
        show_json(found.as_json())
    elif found.days:
        show_year(found)
    else:
        say(f"nothing was read in {found.year} that is known here; `booklore history extract` brings your past along")


def show_year(found: "Year") -> None:
    from calendar import month_name

    from booklore_core.bridge.web.reading import MOST_BOOKS, in_hours
    from booklore_core.kinds import quantity

    days = quantity(len(found.days), "day")
    show(f"{found.year}: {in_hours(found.seconds)} on {days}, in {quantity(len(found.books), 'book')}")
    show(f"Current streak {quantity(found.streak, 'day')}, the longest ever {quantity(found.longest, 'day')}", "")
    months = [(month_name[number], in_hours(told)) for number, told in enumerate(found.months, start=1) if told]
    show_table(months, "MONTH", "READ#")
    show("")
    listed = found.books.most_common(MOST_BOOKS)
    show_table([(found.named(md5), in_hours(told)) for md5, told in listed], "BOOK", "READ#")
    if len(found.books) > len(listed):
        show(f"… and {len(found.books) - len(listed)} more")
