"""Progress: tells where the reader is, and asks on opening a book whether to go where another device has been since.

One fact for each book and device, of which the newest counts. Which remote position is newer, and what may overwrite
what, is decided with the pushes (see `booklore_core.pipeline.positions`); here it is about the reader in front of the
book: one question at most at an opening, and none twice about the same place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from booklore_core import (
    Action,
    AskReader,
    BookClose,
    BookOpen,
    BookRef,
    Declined,
    Effect,
    Event,
    Facts,
    Flow,
    Gateway,
    GoTo,
    HandOver,
    Item,
    Journal,
    Kind,
    PageTurns,
    Position,
    ProgressTarget,
    Rating,
    Remark,
    RemotePosition,
    Request,
    Result,
    Resume,
    Schedule,
    Section,
    Setting,
    Toast,
    hookimpl,
)
from booklore_features.places import Here, came_at, device_name, is_below, last_read, percents, spot

KIND = "progress"
MENU = ("What to Sync", "Progress Sync")
SILENTLY, PROMPT, DISABLE = STRATEGIES = ("silently", "prompt", "disable")
PULLS: Mapping[type[Event], str] = {BookOpen: "pull_on_open", Resume: "pull_on_resume"}

VIEWS = {
    "pending_koreader_progress": """SELECT id, book_id, book_md5 AS document, {real:{text:percent}} AS percentage,
        {text:position} AS progress, occurred_at AS timestamp, {text:device} AS device, {text:device_id} AS device_id,
        retry_count, last_retry_at, created_at, book_title FROM pending_items WHERE kind = 'progress'""",
}
"""Source: seed progress-sync and lua-plugin-behaviour §2; the existing plugin's later versions."""


@hookimpl
def register_kinds() -> Iterable[Kind]:
    yield Kind(KIND, "P", "progress update", "progress updates", 40, VIEWS, history="Synced progress", label_rank=50)


@hookimpl
def register_settings() -> Iterable[Setting]:
    def setting(name: str, type_: type, default: Any, about: str, label: str, **more: Any) -> Setting:
        return Setting(name, type_, default, about, label=label, **more)

    about = "Whether positions are sent, and those of other devices are asked for"
    yield setting("enabled", bool, True, about, "Automatically keep documents in sync", menu=MENU)
    about = "Look where other devices are, if there is a connection already"
    yield setting("pull_on_open", bool, True, about, "Pull progress on book open")
    yield setting("pull_on_resume", bool, True, about, "Pull progress on resume")
    about = "What to do when another device has read since, or further"
    yield setting("newer", str, PROMPT, about, "Sync to a newer state", choices=STRATEGIES)
    about = "What to do when another device read earlier, and less"
    yield setting("older", str, DISABLE, about, "Sync to an older state", choices=STRATEGIES)
    yield setting("periodic", bool, True, "Send positions while a book is read", "Periodic page-turn updates")
    about, pages = "After so many page turns a position is sent", {"low": 1, "high": 10_000}
    yield setting("every_pages", int, 10, about, "Periodically sync every # pages", **pages)
    about, seconds = "Least time between two of them", {"low": 0, "high": 86_400, "unit": "seconds"}
    yield setting("min_interval", int, 25, about, "Least time between page-turn updates", **seconds)
    yield setting("read_on_rating", bool, False, "A rating says that the book is read", "Set book to read on rating")


@hookimpl
def register_actions() -> Iterable[Action]:
    about = "What a device asks for when its reader has been asked whether to go where another device is."
    yield Action("stay_here", "Stay here", stay_here, about, menu=None)


@hookimpl
def hand_over(settings: Section) -> Iterator[HandOver]:
    if settings["periodic"]:
        yield HandOver(settings["every_pages"], settings["min_interval"])


@hookimpl
def on_book_open(event: BookOpen, journal: Journal, facts: Facts) -> Iterator[Item]:
    return place(event, journal, facts, is_opening=True)


@hookimpl
def on_resume(event: Resume, journal: Journal, facts: Facts) -> Iterator[Item]:
    return place(event, journal, facts, is_opening=True)


@hookimpl
def on_page_turns(event: PageTurns, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item] | None:
    # A device that turns no pages has no other line to tell its place: it is one without our shim.
    return place(event, journal, facts) if settings["periodic"] or not event.reading.turns else None


@hookimpl
def on_book_close(event: BookClose, journal: Journal, facts: Facts) -> Iterator[Item]:
    return place(event, journal, facts, is_opening=event.reason == "sidecar")  # it was read earlier


def place(event: Event, journal: Journal, facts: Facts, is_opening: bool = False) -> Iterator[Item]:
    """Where the reader is now. One who has not moved is where the last fact says: that one is told again."""
    here = Here.of(event)
    if here is None or here.is_looking_up:
        return
    held = held_of(here.key, facts)
    last = Position.of(held) if held else here.told(journal)
    is_unmoved = held is not None and here.is_unmoved(last)
    is_again = held is not None and not is_opening and here.has_come_back(held, journal)
    read_at = last_read(held) if is_opening else event.at.timestamp() if is_unmoved else None
    is_done = here.is_done(held_of(f"{here.book.partial_md5}/read", facts))
    more = (last.seen, last.seen_at, is_opening, read_at, None, is_done)
    told = last if is_unmoved and not is_again else here.told(journal, *more)
    # A dead battery has the book open where it was closed before: what was read since may have reached nobody yet.
    is_only_shown = is_opening or (isinstance(event, BookClose) and not event.reading.turns)
    is_left_behind = is_only_shown and held is not None and not last.is_opening and told.percent < last.percent
    if not is_left_behind and not told.is_at_start and not (is_unmoved and is_only_shown):
        yield Item(KIND, here.key, here.book.ref, *here.in_time(told, held))


def held_of(key: str, facts: Facts) -> Item | None:
    return next((fact.item for fact in facts.known(KIND, [key])), None)


@hookimpl
def on_rating(event: Rating, journal: Journal, facts: Facts, settings: Section) -> Iterator[Item]:
    """Takes a rating for the end of the book, once: a second push would only move the finish date. Stars are no rating
    where the reader is asked for one instead."""
    md5, key = event.book.partial_md5, f"{event.book.partial_md5}/read"
    is_rated = event.stars and (event.id.endswith("/asked") or settings.get("ratings.mode") != "select_at_complete")
    if not settings["read_on_rating"] or not is_rated or held_of(key, facts):
        return
    held = held_of(f"{md5}:{event.device}", facts)
    at = Position.of(held) if held else Position(0.0, None, device_name(event.device, journal), event.device)
    read = Position(1.0, at.position, at.device, at.device_id, forced_from=at.percent)
    yield Item(KIND, key, event.book.ref, read.as_body(), event.at)


@hookimpl
def reply(
    event: Event, journal: Journal, facts: Facts, targets: Mapping[str, Gateway], settings: Section
) -> Iterator[Effect | Item | Remark]:
    if isinstance(event, BookOpen) and event.kosync:
        yield from clashes(event, event.kosync, targets)
    here, pull = Here.of(event), PULLS.get(type(event))
    if here and pull and settings[pull]:
        yield from lead(here, journal, facts, targets, settings)


def clashes(event: BookOpen, address: str, targets: Mapping[str, Gateway]) -> Iterator[Remark]:
    """KOReader's own sync beside ours at one server: each takes the other's pushes for somebody else's."""
    for name, target in targets.items():
        if KIND in target.kinds and is_below(address, target.address):
            text = f"KOReader's own progress sync is on for the server that {name} keeps progress at, {target.address}."
            advice = "Switch one of the two off, or they lead you back and forth."
            yield Remark(f"kosync {event.device} {target.address}", event.book.ref, f"{text} {advice}")


def lead(
    here: Here, journal: Journal, facts: Facts, targets: Mapping[str, Gateway], settings: Section
) -> Iterator[Effect | Item]:
    """Leads the reader to the newest of the other positions that is worth it, or asks whether to go there."""
    held = held_of(here.key, facts)
    own = Position.of(held) if held else None
    found = [one for one in elsewhere(here, facts, targets) if here.is_worth(one, own)]
    for remote in sorted(found, key=here.time_of, reverse=True):
        is_newer = here.is_behind(remote, last_read(held))
        strategy = settings["newer" if is_newer else "older"]
        if strategy != DISABLE:
            yield from there(here, remote, strategy, here.noted(remote, own))
        elif is_newer:
            yield staying(here.book.ref, own or here.told(journal), held, here.event.at, here.noted(remote, own))
        if strategy != DISABLE or is_newer:
            return


def elsewhere(here: Here, facts: Facts, targets: Mapping[str, Gateway]) -> Iterator[RemotePosition]:
    """What targets say, as far as they can be reached, and what other devices have told the core itself."""
    for target in targets.values():
        with suppress(Declined):
            remote = target.remote_position(here.book.ref) if target.has(ProgressTarget) else None
            if remote:
                yield remote
    for item in facts.of(KIND, here.book.ref):
        told = Position.of(item)
        if not told.is_opening or told.percent > here.percent:
            about = (told.device_id, here.book.partial_md5, told.forced_from)
            yield RemotePosition(told.percent, told.position, told.device, came_at(item), *about)


def there(here: Here, remote: RemotePosition, strategy: str, noted: Sequence[Any]) -> Iterator[Effect]:
    """To where the other reader is, or a question after which a place is noted. Between different files of a book only
    the percent travels."""
    md5, text = here.book.partial_md5, here.beside(remote)
    goto = GoTo(md5, remote.position if remote.partial_md5 in (None, md5) else None, remote.percent)
    if strategy == SILENTLY:
        yield from (goto, Toast(text))
        return
    args = {"device": here.device, "at": here.event.at.isoformat(), "here": [here.percent, here.position]}
    known = Schedule(0, "stay_here", md5, {**args, "there": noted})
    # Who goes there knows the place too: coming back is his decision, and no reason to ask again.
    yield AskReader(f"{text} Go to {percents(remote.percent)}?", "Go there", "Stay here", (goto, known), (known,), md5)


def staying(book: BookRef, own: Position, held: Item | None, at: datetime, seen: Sequence[Any]) -> Item:
    """The fact that the reader was asked: seen is known, and may be overwritten by what is read here from now on.

    own: as held, or as it was at the time of the question. It counts as opened only, unless more was read since.
    """
    is_opening = own.is_opening or held is None or held.occurred_at <= at
    read_at, when = last_read(held) if is_opening else own.read_at, max(at, held.occurred_at) if held else at
    told = replace(own, seen=(seen[0], seen[1]), seen_at=at.timestamp(), is_opening=is_opening, read_at=read_at)
    return Item(KIND, f"{book.partial_md5}:{own.device_id}", book, told.as_body(), when)


def stay_here(core: Any, request: Request) -> Flow:
    """args: as the question gave them to the device."""
    yield from ()
    book, args = core.books.get(request.book or ""), request.args
    try:
        device, at = str(args["device"]), datetime.fromisoformat(args["at"]).astimezone(UTC)
        (percent, position), seen = spot(args["here"]), spot(args["there"])
    except (KeyError, TypeError, ValueError, OverflowError):
        book = None
    if book is None:
        return Result("Nothing was noted: only an e-reader can say that its reader stays where he is.", ok=False)
    held = held_of(f"{book.partial_md5}:{device}", Facts(core.database, core.clock()))
    own = Position.of(held) if held else Position(percent, position, device_name(device, core.journal), device)
    return Result(items=(staying(book, own, held, at, seen),))
