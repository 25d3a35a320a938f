"""What lines tell of when they were written, and which of them one boot wrote: in one the boot clock never falls."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from booklore_core.events import Event

SLACK = 120.0
"""Seconds that a clock may differ from what is known before it counts as wrong."""

ROUNDING = 2.0
"""Seconds by which a boot clock may seem to fall: it is told in whole seconds here, in parts of them there."""

GLITCH = 100
"""So many lines in a row may tell a boot clock that cannot be."""


@dataclass(frozen=True)
class Stamp:
    """What a line tells of when it was written. order: its place among its device's lines. at: unix seconds by the
    device's clock, or by the word of a person: is_placed. up: seconds of the boot clock; boot: which boot. weight: how
    much it counts against others."""

    order: str
    at: float
    up: float | None = None
    boot: str | None = None
    weight: float = 1.0
    is_placed: bool = False

    @classmethod
    def of(cls, event: Event) -> "Stamp":
        return cls(event.order, event.at.timestamp(), event.up, event.boot)

    @property
    def base(self) -> float:
        """When the device started, by its clock; of a line that tells a boot clock."""
        return self.at - (self.up or 0.0)

    def since(self, start: float) -> float:
        """When a line was written whose boot began at start."""
        return round(start + (self.up or 0.0))

    def agrees(self, other: "Stamp") -> bool:
        """Whether both tell the same of when their boot began."""
        return self.boot == other.boot and abs(self.base - other.base) <= SLACK


def boots(stamps: Iterable[Stamp]) -> list[list[Stamp]]:
    """The lines that tell a boot clock, those of one boot together. The last of each tells which boot it was, if any
    does."""
    found: list[list[Stamp]] = []
    for one in stamps:
        if found and is_same_boot(before := found[-1][-1], one):
            found[-1].append(one if one.boot else replace(one, boot=before.boot))
        elif one.up is not None:
            found.append([one])
    return found


def is_same_boot(before: Stamp, one: Stamp) -> bool:
    if before.up is None or one.up is None:
        return False
    return before.boot == one.boot if before.boot and one.boot else before.up <= one.up + ROUNDING


def believable(stamps: Iterable[Stamp]) -> list[Stamp]:
    """The lines in their order, without the boot clocks that cannot be: between two lines that agree on when their boot
    began the clock went on as it should, and the boot clock did not."""
    lines, told, wrong = sorted(stamps, key=lambda one: one.order), list[Stamp](), set[str]()
    for one in lines:
        if one.up is None:
            continue
        reach = range(len(told) - 1, max(-1, len(told) - GLITCH), -1)
        before = next((index for index in reach if told[index].agrees(one)), len(told))
        since = [*told[before:], one]
        if is_rising([it.at for it in since]) and not is_rising([it.up or 0.0 for it in since]):
            wrong |= {it.order for it in told[before + 1 :]}
            del told[before + 1 :]
        told.append(one)
    return [replace(one, up=None) if one.order in wrong else one for one in lines]


def is_rising(values: list[float]) -> bool:
    return values == sorted(values)
