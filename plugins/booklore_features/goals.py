"""Goals: how far a year's reading goal is reached, once `goals.minutes` or `goals.books` is set.

One fact for each year, made of what others made: minutes of the reading sessions that began in it, those of an imported
past among them, and the books that were marked as finished in it. So it comes last, and nothing of it has to be kept.
Years are those of this computer's time zone. Of a year that is over the goal stays what it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from booklore_core import (
    Action,
    BookClose,
    BookOpen,
    BookRef,
    Effect,
    Event,
    Facts,
    Flow,
    Info,
    Item,
    Journal,
    Kind,
    Request,
    Result,
    Resume,
    Section,
    Setting,
    hookimpl,
)

KIND, TOLD = "goal", "goal_told"
"""The second is no target's: which goals of a year the reader was told that he has met."""

SESSION, STATUS, FINISHED = "session", "status", "complete"
MEASURES = {"minutes": ("minute", "minutes"), "books": ("book", "books")}
LATE = timedelta(days=31)
"""So long after its end a year still counts what comes late."""

PENDING = """SELECT id, {int:{text:year}} AS year, {int:{text:minutes}} AS minutes, {int:{text:books}} AS books,
    {int:{text:minutes_goal}} AS minutes_goal, {int:{text:books_goal}} AS books_goal, {text:met} AS met, created_at
    FROM pending_items WHERE kind = 'goal'"""
VIEWS = {"pending_goals": PENDING, "synced_goals": PENDING.replace("pending_items", "delivered_items")}
"""met: the measures whose goal is reached, parted by blanks. A goal that is not set is NULL."""

Aims = Mapping[str, int]
"""Measure → what is aimed at in a year, of those that are set."""


@hookimpl
def register_settings() -> Iterator[Setting]:
    about, most = "Reading that is aimed at in a year; 0 for no goal", 366 * 24 * 60
    yield Setting("minutes", int, 0, about, low=0, high=most, unit="minutes", label="Yearly minutes", needed=True)
    about = "Books that are to be finished in a year; 0 for no goal"
    yield Setting("books", int, 0, about, low=0, high=10_000, unit="books", label="Yearly books", needed=True)


@hookimpl
def register_kinds(settings: Section) -> Iterator[Kind]:
    if aims_of(settings):
        yield Kind(KIND, "G", "reading goal", "reading goals", 70, VIEWS)


@hookimpl
def register_actions(settings: Section) -> Iterator[Action]:
    aims = aims_of(settings)
    if aims:
        about = "How far this year's reading goal is reached."
        yield Action("reading_goal", partial(label, aims), partial(show_goal, aims), about, order=90)


@hookimpl(trylast=True)
def on_book_open(event: BookOpen, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item]:
    return goals(event, journal, facts, aims_of(settings))


@hookimpl(trylast=True)
def on_resume(event: Resume, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item] | None:
    return goals(event, journal, facts, aims_of(settings)) if event.book else None


@hookimpl(trylast=True)
def on_book_close(event: BookClose, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item]:
    return goals(event, journal, facts, aims_of(settings))


def aims_of(settings: Section) -> Aims:
    return {measure: settings[measure] for measure in MEASURES if settings[measure]}


def goals(event: Any, journal: Journal, facts: Facts, aims: Aims) -> Iterator[Item]:
    """How this year stands, and in January the last one, too; told once for many lines, at the last of them."""
    if aims and journal.is_last(event):
        for year in years_about(event.at):
            if year == year_of(event.at) or held_of(KIND, year, facts):
                yield goal(year, event.book.ref, facts, aims)


def goal(year: int, book: BookRef, facts: Facts, aims: Aims) -> Item:
    """The fact of a year, as of now: what comes late counts, too. book: the one that was read last."""
    held, reached = held_of(KIND, year, facts), standing(year, facts)
    if held and year < year_of(facts.now):
        aims = aims_then(held)
        reached["books"] = max(reached["books"], held.body["books"])  # one may be finished once more since
    met = " ".join(measure for measure, aim in aims.items() if reached[measure] >= aim)
    aimed = {f"{measure}_goal": aims.get(measure) for measure in MEASURES}
    return Item(KIND, str(year), book, {"year": year, **reached, **aimed, "met": met}, facts.now)


def aims_then(held: Item) -> Aims:
    """What the fact of a year says that was aimed at."""
    return {measure: aim for measure in MEASURES if (aim := held.body[f"{measure}_goal"])}


def year_of(moment: datetime) -> int:
    return moment.astimezone().year


def years_about(moment: datetime) -> list[int]:
    """The years for which something may be news then, the older one first."""
    return sorted({year_of(moment - LATE), year_of(moment)})


def standing(year: int, facts: Facts) -> dict[str, int]:
    """Measure → what is reached of it in a year."""
    read = in_year(SESSION, year, facts)
    finished = {one.book.partial_md5 for one in in_year(STATUS, year, facts) if one.body.get("status") == FINISHED}
    return {"minutes": sum(one.body.get("duration") or 0 for one in read) // 60, "books": len(finished)}


def in_year(kind: str, year: int, facts: Facts) -> list[Item]:
    found = facts.since(kind, datetime(year, 1, 1).astimezone())
    return [one for one in found if year_of(one.occurred_at) == year and not one.is_tombstone]


def held_of(kind: str, year: int, facts: Facts) -> Item | None:
    return next((fact.item for fact in facts.known(kind, [str(year)])), None)


@hookimpl
def reply(event: Event, facts: Facts, settings: Section) -> Iterator[Effect | Item]:
    """Tells the reader once of each goal that he has met, on whichever device; of a higher one again."""
    for year in years_about(event.at) if aims_of(settings) else ():
        held, told = (held_of(kind, year, facts) for kind in (KIND, TOLD))
        if held is None:
            continue
        aims, known = aims_then(held), told.body if told else {}
        news = {one: aims[one] for one in held.body["met"].split() if aims[one] > known.get(one, 0)}
        if news:
            at = max(event.at, told.occurred_at) if told else event.at
            yield Item(TOLD, held.key, held.book, {**known, **news}, at)
            yield Info("Reading goal", f"You have met your reading goal of {held.key}: {in_words(held.body, news)}.")


def in_words(reached: Mapping[str, int], aims: Aims) -> str:
    """`310 of 6,000 minutes and 1 of 1 book`."""
    told = [f"{reached[one]:,} of {aim:,} {MEASURES[one][aim != 1]}" for one, aim in aims.items()]
    return " and ".join(told)


def label(aims: Aims, core: Any) -> str:
    """The menu's line, from the last fact: it is shown often."""
    now, facts = core.clock(), Facts(core.database, core.clock())
    held = held_of(KIND, year_of(now), facts)
    return f"Reading goal: {in_words(held.body if held else standing(year_of(now), facts), aims)}"


def show_goal(aims: Aims, core: Any, request: Request) -> Flow:
    """Says how this year stands, by now. args: none."""
    yield from ()
    now, facts = core.clock(), Facts(core.database, core.clock())
    year = year_of(now)
    text, read = in_words(standing(year, facts), aims), in_year(SESSION, year, facts)
    items: Iterable[Item] = [goal(year, read[-1].book, facts, aims)] if read else []
    return Result(f"{year}: {text}", title="Reading goal", items=tuple(items))
