"""A core with the target that is examined, and beside it one that never fails; on a clock that moves when told."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from booklore_core.core import Core
from booklore_core.items import Item
from booklore_core.pipeline.delivery import RunSummary
from booklore_core.pipeline.gateway import Answer, Gateway
from booklore_core.storage.database import Database
from booklore_core.storage.places import Places
from booklore_core.storage.store import Store
from booklore_core.targets import AccountTarget, Before, Declined, MatchingTarget, Target
from booklore_core.testing.reader import MORNING
from booklore_core.testing.targets import FakePlugin, FakeTarget

PLUGIN, NEIGHBOUR = "contract", "neighbour"
DUE = """
SELECT i.key, d.book_md5 AS book, d.state, d.retry_count, d.reason
FROM due d JOIN items i ON i.id = d.item_id WHERE target = :name
"""

MakeTarget = Callable[[Store], Target]


class Household:
    """One target's core. Raises AssertionError, in the core's own words, when it does not take the target."""

    def __init__(self, home: Path, make_target: MakeTarget, kinds: Iterable[str] = ()) -> None:
        self._home, self._make_target, self._kinds = home, make_target, kinds
        self.now = MORNING - timedelta(hours=2)  # the target is there before anything is read
        self._open()
        self.now += timedelta(hours=14)

    def _open(self) -> None:
        put_empty_database(self._home)
        places = Places.from_environment({"BOOKLORE_HOME": str(self._home)})
        self.core = Core(places, lambda: self.now, {}, entry_points=())
        target = self._make_target(self.store)
        self.kinds: list[str] = sorted(self._kinds or getattr(target, "kinds", ()))
        self.neighbour = FakeTarget(NEIGHBOUR, self.kinds)
        self.core.plugins.register(PLUGIN, FakePlugin([target]))
        self.core.plugins.register(NEIGHBOUR, FakePlugin([self.neighbour]))
        self.core.refresh()
        ours = [one for one in self.core.targets.values() if one.plugin == PLUGIN]
        assert ours, f"the core does not take the target: {self.core.plugins.plugins[PLUGIN].error}"
        self.target: Gateway = ours[0]

    @property
    def store(self) -> Store:
        return self.core.store(PLUGIN)

    def deliver(self, item: Item, before: Before) -> None:
        """Gives the target one item, whatever the outbox knows of it. Raises Declined."""
        answers: list[Answer] = []
        self.target.deliver_all([[(item, before)]], answers, lambda: True, lambda: None)
        if isinstance(answers[0], Declined):
            raise answers[0]

    def put(self, items: Sequence[Item]) -> None:
        self.core.put(items, PLUGIN)

    def sync(self) -> RunSummary:
        """One delivery run at every target; how it went at the one that is examined."""
        runs = {run.target: run for run in self.core.sync().runs}
        return runs[self.target.name]

    def settle(self) -> None:
        """What happens when all works again: an account that was refused is tried anew, and what is of unknown outcome
        is sent again when it was not found for ten minutes."""
        if self.target.has(AccountTarget):
            self.target.log_in()
        for _ in range(3):
            self.now += timedelta(minutes=11)
            self.sync()

    def due(self) -> list[dict[str, Any]]:
        """key, book (a partial MD5), state, retry_count and reason of what waits for the target."""
        return self.core.database.rows(DUE, name=self.target.name)

    def match_of(self, item: Item) -> Item:
        """An item as the target is given it."""
        if not self.target.has(MatchingTarget):
            return item
        match = self.target.match([item.book]).get(item.book.partial_md5)
        return item.matched(match.remote_id if match else None)

    def restart(self) -> None:
        """A new process on the same data: the target is made anew."""
        self.core.close()
        self._open()

    def close(self) -> None:
        self.core.close()


def put_empty_database(home: Path) -> None:
    """Making one anew takes longer than most tests."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "booklore.sqlite"
    if not file.exists():
        file.write_bytes(empty_database())
        file.chmod(0o600)


@cache
def empty_database() -> bytes:
    folder = tempfile.mkdtemp()
    try:
        Database(f"sqlite:///{folder}/empty.sqlite").close()
        return Path(folder, "empty.sqlite").read_bytes()
    finally:
        shutil.rmtree(folder)
