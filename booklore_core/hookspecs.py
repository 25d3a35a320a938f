# mypy: disable-error-code="empty-body"
"""Everything a plugin can do, one hook after the other.

A plugin is a module (or object) behind an entry point of the group `booklore`; its functions marked `@hookimpl` are
called by name and take only the arguments they need. Each example is a whole plugin, but for its imports.
The `on_…` hooks turn events into facts. Each feature is led through the journal from its own place, event by event; one
that takes longer than 10 s suspends its feature. They read their arguments only, no file, network or clock: what they
make of an event is always the same. `journal` is what happened, `facts` what followed so far: `facts.of(kind, book)`
are the items of a book, newest first, `facts.known(kind, keys)` those with these keys, and whether a target may have
them, `facts.since(kind, moment)` those of all books; `trylast=True` is last. An event at which one raises comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from booklore_core.events import BookClose, BookOpen, Delete, Event, NetworkConnected, PageTurns, Rating, Resume
    from booklore_core.flows import Action, Effect, HandOver
    from booklore_core.items import Item, Proposal, Remark
    from booklore_core.kinds import Kind
    from booklore_core.pipeline.facts import Fact, Facts
    from booklore_core.pipeline.gateway import Gateway
    from booklore_core.pipeline.journal import Journal
    from booklore_core.settings import Section, Setting
    from booklore_core.storage.store import Store
    from booklore_core.targets import Target

    Made = Iterable[Item | Remark | Proposal] | None
    """The facts that follow from an event, those to ask a person about first, and remarks on why one does not."""
    Beside = Callable[[Item, str], Sequence[Fact]]
    Done = Callable[[int, int], None]

PROJECT = "booklore"
API_VERSION = 1
"""Counts incompatible changes of this file. A plugin may set its own `API_VERSION`; another number is not loaded."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_kinds(settings: Section) -> Iterable[Kind]:
    """Declare the kinds of facts that the plugin makes: labels, counts, clearing, order and SQL views follow from them.

    ::

        QUOTES = "SELECT id, book_title, {text:quote} AS quote FROM pending_items WHERE kind = 'quote'"

        @hookimpl
        def register_kinds():
            yield Kind("quote", "Q", "quote", "quotes", rank=60, views={"pending_quotes": QUOTES})
    """


@hookspec
def register_settings() -> Iterable[Setting]:
    """Declare the plugin's settings. The menu, `booklore config` and validation come from the declarations.

    One that says where data go names in `forgets` the secrets that go there. When an e-reader changes it, they are
    forgotten and asked for anew: whoever holds the e-reader cannot have them sent to a server of his own.

    ::

        @hookimpl
        def register_settings():
            yield Setting("minutes", int, 30, "Reading that is aimed at", low=1, high=1440, unit="minutes a day")
            yield Setting("url", str, "", "Address of the diary", forgets=("token",))
            yield Setting("token", str, "", "Opens the diary", secret=True)
    """


@hookspec
def register_targets(settings: Section, store: Store, kinds: Mapping[str, Kind], beside: Beside) -> Iterable[Target]:
    """Places that items go. Called at every start and after a change of settings; connect on the first delivery.
    Where a repeat would be a second one it also has `find(item)`, see `LookingTarget`. kinds: all that are declared.
    beside: told an item and a target's name, all of its kind and of what is its book there, and which the target has.

    ::

        class Diary:
            name, kinds = "diary", frozenset({"session"})

            def __init__(self, store):
                self.store = store

            def deliver(self, item, before):
                self.store.set(item.key, f"{item.body['duration']} s of {item.book.title}")

        @hookimpl
        def register_targets(store):
            yield Diary(store)
    """


@hookspec
def register_actions(settings: Section, store: Store) -> Iterable[Action]:
    """Things a person can ask for: each becomes a menu entry, a command and, with a title, a dispatcher action.

    ::

        def greet(core, request):
            name = yield Ask("Your name?")
            return Result(f"Hello {name}")

        @hookimpl
        def register_actions():
            yield Action("greet", "Say hello", greet, dispatcher="Say hello")
    """


@hookspec
def on_book_open(event: BookOpen, journal: Journal, facts: Facts, settings: Section) -> Made:
    """A book was opened.

    ::

        @hookimpl
        def on_book_open(event):
            yield Item("opened", event.id, event.book.ref, {"pages": event.book.pages}, event.at)
    """


@hookspec
def on_page_turns(event: PageTurns, journal: Journal, facts: Facts, settings: Section) -> Made:
    """A few pages were turned.

    ::

        @hookimpl
        def on_page_turns(event):
            yield Item("place", event.book.partial_md5, event.book.ref, {"percent": event.reading.percent}, event.at)
    """


@hookspec
def on_book_close(event: BookClose, journal: Journal, facts: Facts, settings: Section) -> Made:
    """A stretch of reading ended: the book was closed, the device went to sleep, or KOReader exits.

    ::

        @hookimpl
        def on_book_close(event, facts):
            if event.reading.status == "complete" and not facts.of("finished", event.book.ref):
                yield Item("finished", event.book.partial_md5, event.book.ref, {"device": event.device}, event.at)
    """


@hookspec
def on_resume(event: Resume, journal: Journal, facts: Facts, settings: Section) -> Made:
    """The device woke up; event.book is None in the file browser.

    ::

        @hookimpl
        def on_resume(event):
            if event.book:
                yield Item("woken", event.id, event.book.ref, {}, event.at)
    """


@hookspec
def on_network_connected(event: NetworkConnected, journal: Journal, facts: Facts, settings: Section) -> Made:
    """The device has a network.

    ::

        @hookimpl
        def on_network_connected(event, journal):
            last = journal.latest(event.device, BookClose)
            return last and [Item("online", event.id, last.book.ref, {}, event.at)]
    """


@hookspec
def on_rating(event: Rating, journal: Journal, facts: Facts, settings: Section) -> Made:
    """The stars differ from the last known ones; event.stars is None when they were taken away.

    ::

        @hookimpl
        def on_rating(event):
            praise = Item("praise", event.book.partial_md5, event.book.ref, {"stars": event.stars}, event.at)
            yield praise if event.stars else Remark(event.id, event.book.ref, "no stars, no praise")
    """


@hookspec
def on_delete(event: Delete, journal: Journal, facts: Facts, settings: Section) -> Made:
    """The book's file was deleted on the device.

    ::

        @hookimpl
        def on_delete(event):
            yield Item("gone", event.book.partial_md5, event.book.ref, {"file": event.book.file}, event.at)
    """


@hookspec
def reply(
    event: Event, journal: Journal, facts: Facts, targets: Mapping[str, Gateway], settings: Section
) -> Iterable[Effect | Item | Remark] | None:
    """Something for the reader, and facts that follow from what a target says; after the event is durable. targets: the
    enabled ones by name; asking one may raise Declined. What takes longer than two seconds comes later, and leads
    nobody away from another page. A remark is told the reader once.

    ::

        @hookimpl
        def reply(event, targets):
            target = targets.get("bookworm")
            if isinstance(event, BookOpen) and target and target.has(ProgressTarget):
                if place := target.remote_position(event.book.ref):
                    yield GoTo(event.book.partial_md5, place.position, place.percent)
    """


@hookspec
def hand_over(settings: Section) -> Iterable[HandOver]:
    """When a checkpoint is worth a hand-over while a book is read; without a word it waits for the next occasion.

    ::

        @hookimpl
        def hand_over():
            yield HandOver(pages=5, seconds=25)
    """


@hookspec(firstresult=True)
def import_history(path: Path, journal: Journal, facts: Facts, settings: Section, progress: Done) -> Made:
    """The facts of a file of past reading that do not stand yet, each body with a `source`; None for a file of another
    kind. No generator: that is not None. Raises ValueError saying what is wrong with the file.

    ::

        def read_day(day, md5, minutes):
            body = {"minutes": int(minutes), "source": "diary"}
            return Item("past_day", day, BookRef(md5), body, datetime.fromisoformat(day + "T00Z"))

        @hookimpl
        def import_history(path):
            return [read_day(*row) for row in csv.reader(path.open())] if path.suffix == ".csv" else None
    """
