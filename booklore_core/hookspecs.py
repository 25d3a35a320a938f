# mypy: disable-error-code="empty-body"
"""Everything a plugin can do, one hook after the other.

A plugin is a module (or object) behind an entry point of the group `booklore`; its functions marked `@hookimpl` are
called by name and take only the arguments they need. The `on_…` hooks run inside the ingest transaction: they read
their arguments and nothing else, no file, no network, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from booklore_core.events import BookClose, BookOpen, Delete, Event, NetworkConnected, PageTurns, Rating, Resume
    from booklore_core.flows import Action, Effect
    from booklore_core.items import Item
    from booklore_core.kinds import Kind
    from booklore_core.pipeline.facts import Facts
    from booklore_core.pipeline.gateway import Gateway
    from booklore_core.pipeline.journal import Journal
    from booklore_core.settings import Section, Setting
    from booklore_core.storage.store import Store
    from booklore_core.targets import Target

PROJECT = "booklore"
API_VERSION = 1
"""Counts incompatible changes of this file. A plugin may set its own `API_VERSION`; another number is not loaded."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_kinds() -> Iterable[Kind]:
    """Declare the kinds of facts."""


@hookspec
def register_settings() -> Iterable[Setting]:
    """Declare the plugin's settings. The menu, `booklore config` and validation come from the declarations.

    ::

        @hookimpl
        def register_settings():
            yield Setting("url", str, "", "Address that each rating is posted to")
    """


@hookspec
def register_targets(settings: Section, store: Store) -> Iterable[Target]:
    """Places that items go. Called once at start; connect on the first delivery, not here.

    ::

        @hookimpl
        def register_targets(settings, store):
            yield Webhook(settings["url"])
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
def on_book_open(event: BookOpen, journal: Journal, facts: Facts, settings: Section) -> Iterable[Item] | None:
    """A book was opened.

    ::

        @hookimpl
        def on_book_open(event):
            yield Item("opened", event.id, event.book.ref, {"pages": event.book.pages}, event.at)
    """


@hookspec
def on_page_turns(event: PageTurns, journal: Journal, facts: Facts, settings: Section) -> Iterable[Item] | None:
    """A few pages were turned.

    ::

        @hookimpl
        def on_page_turns(event, settings):
            if settings["periodic"]:
                body = {"percent": event.reading.percent}
                yield Item("progress", event.book.partial_md5, event.book.ref, body, event.at)
    """


@hookspec
def on_book_close(event: BookClose, journal: Journal, facts: Facts, settings: Section) -> Iterable[Item] | None:
    """A stretch of reading ended: the book was closed, the device went to sleep, or KOReader exits.

    ::

        @hookimpl
        def on_book_close(event, journal):
            opened = [line for line in journal.around(event) if isinstance(line, BookOpen)]
            yield Item("opens", event.book.partial_md5, event.book.ref, {"count": len(opened)}, event.at)
    """


@hookspec
def on_resume(event: Resume, journal: Journal, facts: Facts, settings: Section) -> Iterable[Item] | None:
    """The device woke up; event.book is None in the file browser.

    ::

        @hookimpl
        def on_resume(event):
            if event.book:
                yield Item("woken", event.id, event.book.ref, {}, event.at)
    """


@hookspec
def on_network_connected(
    event: NetworkConnected, journal: Journal, facts: Facts, settings: Section
) -> Iterable[Item] | None:
    """The device has a network.

    ::

        @hookimpl
        def on_network_connected(event, journal):
            last = journal.latest(event.device, BookClose)
            return last and [Item("online", event.id, last.book.ref, {}, event.at)]
    """


@hookspec
def on_rating(event: Rating, journal: Journal, facts: Facts, settings: Section) -> Iterable[Item] | None:
    """The stars differ from the last known ones; event.stars is None when they were taken away.

    ::

        @hookimpl
        def on_rating(event):
            yield Item("rating", event.book.partial_md5, event.book.ref, {"stars": event.stars}, event.at)
    """


@hookspec
def on_delete(event: Delete, journal: Journal, facts: Facts, settings: Section) -> Iterable[Item] | None:
    """The book's file was deleted on the device.

    ::

        @hookimpl
        def on_delete(event):
            yield Item("deletion", event.book.partial_md5, event.book.ref, {"file": event.book.file}, event.at)
    """


@hookspec
def reply(
    event: Event, journal: Journal, facts: Facts, targets: Mapping[str, Gateway], settings: Section
) -> Iterable[Effect] | None:
    """Something for the reader, after the event is durable and under a deadline.

    remote(target) is that target when it is enabled, else None; asking it may raise TargetUnavailable.

    ::

        @hookimpl
        def reply(event, remote):
            target = remote("bookworm")
            if isinstance(event, BookOpen) and target:
                place = target.remote_progress(event.book.ref)
                yield GoTo(event.book.partial_md5, place.position, place.percent)
    """


@hookspec(firstresult=True)
def import_history(path: Path, journal: Journal, facts: Facts, settings: Section) -> Iterable[Item] | None:
    """The items that a file of past reading holds, or None when the file is not of this plugin's kind.

    A plain function, never a generator: a generator is not None, so no other plugin would be asked.

    ::

        @hookimpl
        def import_history(path):
            if path.suffix != ".csv":
                return None
            return [item_of(row) for row in read_rows(path)]
    """
