"""Reading: a year as a calendar of minutes a day, hours by book and by month; numbers beside every picture."""

from calendar import month_abbr, month_name
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from booklore_core.bridge.web.asking import Shared
from booklore_core.bridge.web.frame import render
from booklore_core.bridge.web.reading import MOST_BOOKS, Year, in_hours, minutes, read_year
from booklore_core.bridge.web.route import PageRoute

calls = APIRouter(route_class=PageRoute, include_in_schema=False)

CELL, STEP, LEFT, TOP = 11, 13, 26, 14
"""Of the calendar: the side of a day and the way to the next one; room for weekdays and months."""

SHADES = (1, 15, 30, 60)
"""Minutes from which a day has the next darker shade."""


@calls.get("/reading")
def reading(request: Request, bridge: Shared, year: Annotated[int | None, Query(ge=1970, le=9998)] = None) -> Response:
    found = read_year(bridge.core, year)
    books = [(md5, found.named(md5), told) for md5, told in found.books.most_common(MOST_BOOKS)]
    told = {
        "found": found,
        "cells": list(cells(found)),
        "marks": list(marks(found.year)),
        "size": (LEFT + 54 * STEP, TOP + 7 * STEP),
        "cell": CELL,
        "books": books,
        "more": max(0, len(found.books) - MOST_BOOKS),
        "months": list(zip(month_name[1:], found.months, strict=True)),
        "in_hours": in_hours,
        "shades": SHADES,
    }
    return render(request, "reading.html", title="Reading", **told)


def cells(found: Year) -> Iterator[dict[str, Any]]:
    """A square for each day of the year, weeks from left to right, each from Monday down."""
    day = date(found.year, 1, 1)
    while day.year == found.year:
        x, y = place_of(day)
        told = minutes(found.days.get(day, 0))
        if day <= found.today:
            yield {"x": x, "y": y, "shade": sum(told >= least for least in SHADES), "day": day, "minutes": told}
        day += timedelta(days=1)


def place_of(day: date) -> tuple[int, int]:
    first = date(day.year, 1, 1)
    week = (day - first + timedelta(days=first.weekday())).days // 7
    return LEFT + week * STEP, TOP + day.weekday() * STEP


def marks(year: int) -> Iterator[dict[str, Any]]:
    """What stands beside the calendar: months above it, a few weekdays to its left."""
    for month in range(1, 13):
        x, _ = place_of(date(year, month, 1))
        yield {"x": x, "y": TOP - 4, "text": month_abbr[month]}
    for row, name in ((0, "Mon"), (2, "Wed"), (4, "Fri")):
        yield {"x": 0, "y": TOP + row * STEP + 9, "text": name}
