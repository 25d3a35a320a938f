"""Everything that lives as long as one run of the target: the connection and what was learnt through it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from booklore_core import TargetUnavailable
from booklore_targets.booklore.capabilities import Capabilities, find_capabilities
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.hashes import Hashes
from booklore_targets.booklore.identities import Identities
from booklore_targets.booklore.library import Library
from booklore_targets.booklore.login import OUTAGE_SECONDS
from booklore_targets.booklore.marks.epub_source import EpubSource
from booklore_targets.booklore.marks.page_bookmarks import PageBookmarks
from booklore_targets.booklore.matching import Matcher
from booklore_targets.booklore.proofs import Proofs
from booklore_targets.booklore.setup import read_setup

if TYPE_CHECKING:
    from booklore_core import Fact, Item, Section, Store

IDLE_SECONDS = 600

log = logging.getLogger(__name__)


class Run:
    """Opened at the first use after a `close()`, so that changed settings count from the next run on.

    beside: all of an item's kind that is known here of its book. Raises TargetUnavailable when no server is set up.
    """

    def __init__(
        self,
        settings: Section,
        store: Store,
        clock: Callable[[], float],
        wait: Callable[[float], object],
        beside: Callable[[Item], Sequence[Fact]] = lambda item: (),
    ) -> None:
        self.settings, self._clock, self.beside = settings, clock, beside
        self.connection = Connection(read_setup(settings), store, clock, wait)
        self.library = Library(self.connection, clock)
        self.identities = Identities(self.connection)
        self.handlers: dict[str, Any] = {}
        self._connecting = threading.Lock()
        self._obstacle: TargetUnavailable | None = None
        self._obstacle_at = 0.0

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the server can do. Raises TargetUnavailable, also when the address is no BookLore's."""
        return find_capabilities(self.connection, self._clock())

    def connect(self) -> None:
        """Raises TargetUnavailable unless the address is a BookLore's: nothing else is sent anywhere before. Of several
        requests at a time one asks."""
        with self._connecting:
            if self._obstacle and self._clock() - self._obstacle_at < OUTAGE_SECONDS:
                raise self._obstacle
            try:
                log.debug("connected to %s %s", self.capabilities.product, self.capabilities.version)
            except TargetUnavailable as error:
                self._obstacle, self._obstacle_at = error, self._clock()
                raise

    @cached_property
    def proofs(self) -> Proofs:
        return Proofs(self.connection)

    @cached_property
    def matcher(self) -> Matcher:
        hashes = Hashes(self.connection, self.capabilities.by_hash)
        takes_newest = self.capabilities.family == "grimmory"  # of one file's books its kosync takes that (contract §1)
        return Matcher(self.library, hashes, self.proofs, self.identities, takes_newest, self._clock)

    @cached_property
    def page_bookmarks(self) -> PageBookmarks:
        return PageBookmarks(self.connection, self.capabilities)

    @cached_property
    def epubs(self) -> EpubSource:
        return EpubSource(self)

    @cached_property
    def decimals(self) -> int:
        """Places of the percentages that are sent."""
        return int(self.settings.get("sessions.decimals", 2))

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    @property
    def is_stale(self) -> bool:
        """Whether settings, server or library may have changed since: nobody has closed the run, and it is over."""
        return self._clock() - self.connection.used_at > IDLE_SECONDS

    def forget_capabilities(self) -> None:
        """The server has shown that it can do less than it seemed: the next run probes it again."""
        self.connection.store.remove("dialect")

    def close(self) -> None:
        self.connection.close()
        self.epubs.close()
