"""What becomes of one book of the Lua plugin's, as it is put together step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from booklore_core import BookRef, Fact, Item, Proposal, Remark
from booklore_targets.booklore.lua_plugin.loose_values import counted, one_line
from booklore_targets.booklore.spans import Span

SOURCE = "lua"


@dataclass(frozen=True)
class SentItem:
    """An item that the plugin has sent, for certain or perhaps. given_to: the server's number of the book, None where
    that is not known. tried_at: when it was sent perhaps."""

    item: Item
    remote_id: str | None = None
    given_to: str | None = None
    is_certain: bool = True
    tried_at: datetime | None = None


@dataclass(frozen=True)
class KnownReading:
    """What there is already of a book. open: when it was open on a device of ours. in_part: the keys of the sessions of
    which only what the server lacked was sent."""

    sessions: Sequence[Fact]
    open: Sequence[Span]
    in_part: Collection[str]


@dataclass(frozen=True)
class Circumstances:
    """What is the same for all books. is_same_library: whether the server here is the plugin's; else what was sent is
    looked for there. rates_by_stars: whether the plugin's ratings are KOReader's stars. shelf: that a deleted book is
    taken off, "" where the server is told of no deletion. present: the books that lie on a device by now."""

    now: datetime
    is_same_library: bool
    rates_by_stars: bool
    shelf: str
    present: frozenset[str] = frozenset()


@dataclass
class BookPlan:
    """due: facts that no target has. sent: those that the server has, perhaps. gone: facts that were made here of the
    same reading and that nobody has been told of. counts: by what."""

    ref: BookRef
    due: list[Item] = field(default_factory=list)
    sent: list[SentItem] = field(default_factory=list)
    gone: list[Item] = field(default_factory=list)
    asked: list[Proposal] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def items(self) -> list[Item]:
        """All that is put into the outbox, what gives way first."""
        return [*self.gone, *(one.item for one in self.sent), *self.due]

    def remark(self, kind: str, number: int, reason: str, how: str = "not taken over") -> None:
        """Tells why rows of the plugin are not taken as they are."""
        if number == 0:
            return
        name = f"“{one_line(self.ref.title)}”" if self.ref.title else "a book"
        what = f"{counted(number, kind)} of {name} that the Lua plugin kept {'is' if number == 1 else 'are'} {how}"
        text = f"{what}: {reason}" if number == 1 else f"{what}; of each of them: {reason}"
        self.remarks.append(Remark(f"lua {kind} {reason} {self.ref.partial_md5}", self.ref, text))
