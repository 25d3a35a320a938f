"""What the snapshots of a book show that no event tells: changes of its stars, and of its list of annotations.

KOReader tells of no edit, so lists are compared with the device's list before, by content. A device's copy of a book
has a memory: the key of each annotation, when it was made, and a digest of what a reader can change. Only what differs
from the own memory is told: the newest edit wins between devices, and the unchanged list of another one brings nothing
back. A key stays for good: an annotation is known by when and where it was made, and one that was moved as what is left
of the same second.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from booklore_core.events import RATING_SUFFIX, UNKNOWN, BookClose, Delete, Device, Rating, book_of
from booklore_core.items import TOMBSTONE, Item, Proposal, canonical_json
from booklore_core.pipeline.books import BookStars
from booklore_core.pipeline.event_log import Told
from booklore_core.pipeline.facts import Facts
from booklore_core.pipeline.journal import Journal
from booklore_core.pipeline.spool import digest_of, parse_event

Annotation = Mapping[str, Any]
"""An entry of KOReader's list, as it is."""

MadeOf = Callable[[Iterable[str]], Mapping[str, Annotation]]
"""Ends of keys → the bodies of the facts that there are under these, removed ones too."""

Known = Mapping[str, Sequence[str]]
"""End of a key → KOReader's `datetime`, and a digest of the content, empty for what a person is asked about."""

CHANGEABLE = ("page", "pos0", "pos1", "text", "note", "color", "drawer")
"""What a reader can change. Page numbers change with the font, `datetime_updated` not with a note (facts 0.4)."""

MANY = 5
"""That many may be gone by mistake, where they are more than half of all."""


@dataclass(frozen=True)
class Changes:
    """What a list says that is new, of highlights and bookmarks alike. at: when it was told, UTC.

    told: key → annotation, of those that are new or differ. gone: the keys of those that are not in the list any more;
    with a question a person has to agree first, to all of them and no others. undated: those without a `datetime`,
    which cannot be told apart. memory: has to be made with what follows, or the same comes again.
    """

    told: Mapping[str, Annotation]
    gone: Sequence[str]
    question: str
    undated: Sequence[Annotation]
    at: datetime
    memory: Item

    def removal(self, item: Item) -> Item | Proposal:
        """That the annotation of an item is gone. Its tombstone keeps the body, for who has to look for it."""
        removed = replace(item, body={**item.body, **TOMBSTONE}, occurred_at=self.at)
        return Proposal(removed, self.question) if self.question else removed


def annotation_changes(kind: str, event: BookClose, journal: Journal, facts: Facts) -> Changes | None:
    """What the list that stands at event says. None: nothing, as it or a later one was compared before.

    kind: of the facts that are made of it, whose keys are the same for all devices. When a device tells its first list,
    those that there are already stay as they are, removed ones too.
    """
    book, told, memory = event.book.ref, journal.annotations(event), f"{kind}_copy"
    start, copy = f"{book.partial_md5}:", f"{book.partial_md5}:{event.device}"
    held = next((fact.item for fact in facts.known(memory, [copy])), None)
    if told is None or (held and told.order <= held.body["order"]):
        return None
    dated = [one for one in told.annotations or () if isinstance(one.get("datetime"), str)]

    def made_of(names: Iterable[str]) -> Mapping[str, Annotation]:
        found = facts.known(kind, [start + one for one in names])
        return {fact.item.key.removeprefix(start): fact.item.body for fact in found}

    found = annotation_names(dated, held.body["known"] if held else made_before(kind, facts, event), made_of)
    now = {name: (one["datetime"], digest([one.get(field) or None for field in CHANGEABLE]))
           for name, one in found.items()}  # fmt: skip
    there = () if held else {fact.item.key for fact in facts.known(kind, (start + name for name in now))}
    known: Known = held.body["known"] if held else {name: now[name] for name in now if start + name in there}
    missing = {name: when for name, (when, _) in known.items() if name not in now}
    decided = facts.decided(book, held.occurred_at) if held else set[str]()
    lost = [name for name in missing if known[name][1]]
    unanswered = [name for name in missing if not known[name][1] and start + name not in decided]
    question = question_about(len(lost), len(unanswered), len(known) - len(missing), told, journal)
    asked = {name: (missing[name], "") for name in (*lost, *unanswered) if question}
    at = max(told.at, held.occurred_at) if held else told.at
    return Changes(
        {start + name: one for name, one in found.items() if name not in known or known[name][1] != now[name][1]},
        [start + name for name in (*lost, *unanswered)],
        question,
        [one for one in told.annotations or () if not isinstance(one.get("datetime"), str)],
        at,
        Item(memory, copy, book, {"order": told.order, "known": asked | now}, at),
    )


def annotation_names(told: Sequence[Annotation], known: Known, made_of: MadeOf = lambda _: {}) -> dict[str, Annotation]:
    """End of a key → annotation. Where several are equal in when and where they were made, their order tells.

    One that was moved keeps the name of what is gone of its second and sort. What another device has made in that
    second was not moved: it has a name of its own already.
    """
    counts, names = Counter[str](), list[str]()
    for one in told:
        where = ("pos0", "pos1") if one.get("pos0") else ("page",)
        made = digest([one["datetime"], *(one.get(field) for field in where)])
        names.append(digest([made, counts[made]]))
        counts[made] += 1
    left, same = defaultdict[str, list[str]](list), set(names)
    for name, (when, _) in known.items():
        if name not in same:
            left[when].append(name)
    moved = [index for index, one in enumerate(told) if names[index] not in known and one["datetime"] in left]
    bodies = made_of([name for index in moved for name in (names[index], *left[told[index]["datetime"]])])
    for index in (one for one in moved if names[one] not in bodies):
        gone, is_range = left[told[index]["datetime"]], bool(told[index].get("pos0"))
        fits = (name for name in gone if name in bodies and bool(bodies[name].get("pos0")) == is_range)
        if own := next(fits, None):
            names[index] = own
            gone.remove(own)
    return dict(zip(names, told, strict=True))


def made_before(kind: str, facts: Facts, event: BookClose) -> Known:
    """The annotations of which there are facts, to a device that has no memory yet."""
    book = event.book.ref
    made = {item.key.removeprefix(f"{book.partial_md5}:"): item.body for item in facts.of(kind, book)}
    return {name: (str(body.get("datetime")), "") for name, body in made.items() if "/" not in name}


def question_about(lost: int, unanswered: int, left: int, told: BookClose, journal: Journal) -> str:
    """What a person is asked before so many of a list are taken as removed, with those of an earlier question that
    nobody has answered yet; empty where that is no question. left: how many are still there."""
    if not unanswered and (lost < MANY or lost <= left):
        return ""
    device, book = journal.latest(told.device, Device), told.book
    title = book.title or PurePosixPath(book.file or "").name or book.partial_md5[:8]
    name = (device and (device.display or device.model)) or told.device
    gone = f"{lost + unanswered} of {lost + unanswered + left}"
    return f"{gone} highlights and bookmarks of “{title}” are gone on {name}. Remove them everywhere?"


def digest(parts: Sequence[Any]) -> str:
    return sha256(canonical_json(parts, "list").encode()).hexdigest()[:16]


def with_ratings(told: Iterable[Told], stars: dict[str, BookStars], now: datetime) -> Iterator[Told]:
    """The lines, each followed by the change of stars that its snapshot shows. stars: known before, and then after.

    KOReader fires no event for a rating (koreader-facts C). A device's clock may be ahead: nothing is later than now,
    or it would outdo all ratings to come.
    """
    for one in told:
        yield one
        event, book, reading = one.event, book_of(one.event), getattr(one.event, "reading", None)
        is_shown = reading.stars != UNKNOWN if reading else isinstance(event, Delete)
        if not one.tracked or book is None or not is_shown:
            continue
        before = stars[book.partial_md5]
        shown = [min(event.at, now).timestamp(), reading.stars] if reading else [None, None]
        after = stars[book.partial_md5] = before.after(event.device, [event.order, *shown])
        if after.given != before.given:
            yield rating(one, dict(zip(("stars", "is_first"), after.given, strict=True), before=before.given[0]))


def rating(told: Told, given: Mapping[str, Any]) -> Told:
    """The change of stars as an event of the journal."""
    line = {name: value for name, value in told.line.items() if name in ("v", "device", "at", "book", "former_id")}
    line |= {"id": f"{told.event.id}{RATING_SUFFIX}", "event": Rating.name, **given}
    return Told(parse_event(line), line, tracked=True, digest=digest_of(line))
