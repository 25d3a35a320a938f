"""What a plugin declares about its facts; labels, counts, clearing, the order of delivery and SQL views follow."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = re.compile(r"[a-z][a-z0-9_]*")
LETTER = re.compile(r"[A-Z]")
MAX_RANK = 10**9


def quantity(number: int, one: str, many: str = "") -> str:
    """`1 line`, `3 lines`."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def check_fields(declared: Any, **types: Any) -> None:
    """Raises ValueError naming what a plugin has declared and its field that is of another type, or a text that no
    screen should show; a tuple holds texts."""
    what = f"{type(declared).__name__.lower()} {declared.name!r}"
    for name, kind in {"name": str, **types}.items():
        value = getattr(declared, name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{what}: {name}: expected {getattr(kind, '__name__', kind)}, got {value!r}")
        texts = value if isinstance(value, tuple) else filter(lambda one: isinstance(one, str), [value])
        if not all(isinstance(text, str) and text.isprintable() for text in texts):
            raise ValueError(f"{what}: {name}: expected texts of one line, without control characters, got {value!r}")
    if not NAME.fullmatch(declared.name):
        raise ValueError(f"{what}: name: expected a lower-case name with underscores")


@dataclass(frozen=True)
class Kind:
    """One kind of facts. Raises ValueError naming the field that is wrong.

    name: of the items' `kind`. letter: stands in a label's counts, as in `3S`. one, many: what a person calls them.
    rank: place in the order of delivery; lower goes first (ratings 10, annotations 20, bookmarks 30, progress 40,
    sessions 50, deletions 90). label_rank: place in labels and lists, by default rank.
    seconds: the field of a body that tells how long was read, of a kind that tells reading time.
    history: what the record of those that were sent is called, by default `Synced` and many.
    views: name → SELECT of a documented SQL view, made over `pending_items` and `delivered_items` (see
    `booklore_core.storage.views`); `{text:start}` is the field `start` of an item's body.
    """

    name: str
    letter: str
    one: str
    many: str
    rank: int = 60
    views: Mapping[str, str] = field(default_factory=dict, hash=False)
    history: str = ""
    label_rank: int | None = None
    seconds: str = ""

    def __post_init__(self) -> None:
        texts = dict.fromkeys(("letter", "one", "many", "history", "seconds"), str)
        check_fields(self, **texts, rank=int, views=Mapping, label_rank=int | None)
        if self.letter and not LETTER.fullmatch(self.letter):
            raise ValueError(f"kind {self.name!r}: letter: expected one of A to Z, got {self.letter!r}")
        if not (self.one and self.many):
            raise ValueError(f"kind {self.name!r}: one, many: must not be empty")
        if max(abs(self.rank), abs(self.place)) > MAX_RANK:
            raise ValueError(f"kind {self.name!r}: rank, label_rank: expected at most {MAX_RANK}")
        if not all(isinstance(text, str) for view in self.views.items() for text in view):
            raise ValueError(f"kind {self.name!r}: views: expected name → SELECT, got {self.views!r}")

    @property
    def place(self) -> int:
        """Where it stands in labels and lists."""
        return self.rank if self.label_rank is None else self.label_rank

    @property
    def history_name(self) -> str:
        return self.history or f"Synced {self.many}"

    def count(self, number: int) -> str:
        """`1 session`, `3 sessions`."""
        return quantity(number, self.one, self.many)


class Kinds(dict[str, Kind]):
    """Every known kind by name, in the order in which labels show them.

    One that no plugin declares (any more) has no letter, and its name is all there is to say.
    """

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        super().__init__((kind.name, kind) for kind in sorted(kinds, key=lambda kind: (kind.place, kind.name)))

    def __missing__(self, name: str) -> Kind:
        return Kind(name, "", name, name)

    def counted(self, counts: Mapping[str, int]) -> list[tuple[Kind, int]]:
        """The kinds that there are any of, in their order."""
        return [(kind, counts[kind.name]) for kind in self.all_of(counts) if counts.get(kind.name)]

    def all_of(self, counts: Iterable[str]) -> list[Kind]:
        """Every kind in its order; undeclared ones, which only counts name, come last."""
        return [self[name] for name in [*self, *sorted(name for name in counts if name not in self)]]

    def short_counts(self, counts: Mapping[str, int]) -> str:
        """`3S, 1A`: the counts as a label shows them, non-zero only (seed sync-and-cache); empty without any."""
        found = self.counted(counts)
        lettered = [f"{count}{kind.letter}" for kind, count in found if kind.letter]
        others = sum(count for kind, count in found if not kind.letter)
        return ", ".join([*lettered, *([f"{others} more"] if others else [])])

    def in_words(self, counts: Mapping[str, int]) -> str:
        """`3 sessions, 1 rating`; empty when there are none."""
        return ", ".join(kind.count(count) for kind, count in self.counted(counts))
