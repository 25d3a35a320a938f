"""Ledger against remote: what a target has taken, compared with what it holds."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from booklore_core.actions.by_hand import one_line, title_of
from booklore_core.actions.match import targets_with, wanted_book
from booklore_core.actions.own import ADVANCED, action
from booklore_core.core import Core
from booklore_core.flows import Request, Result
from booklore_core.items import BookRef, Item
from booklore_core.kinds import quantity
from booklore_core.pipeline.gateway import Gateway
from booklore_core.pipeline.lease import Lease, LeaseLost
from booklore_core.targets import AuditableTarget, BookUnmatched, Declined, Finding, ItemFailed, SearchableTarget


@dataclass
class Verification:
    """findings: per target. checked: how many items were compared. elsewhere: per target, what it was given for another
    book than the one that is matched now. unavailable: target → why it was not asked."""

    findings: list[tuple[str, Finding]] = field(default_factory=list)
    checked: int = 0
    elsewhere: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    uncompared: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unavailable: dict[str, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return not self.findings and not self.unavailable

    def as_json(self) -> dict[str, Any]:
        """The shape that `booklore verify --json` prints."""
        found: dict[str, Any] = {"missing": [], "duplicate": [], "overlapping": []}
        for target, finding in self.findings:
            found.setdefault(finding.what, []).append(finding_json(target, finding))
        more = {"elsewhere": dict(self.elsewhere), "uncompared": {one: dict(n) for one, n in self.uncompared.items()}}
        told = {name: what for name, what in more.items() if what}
        return {**found, "checked": self.checked, **told, "unavailable": self.unavailable}


def finding_json(target: str, finding: Finding) -> dict[str, Any]:
    names = ("kind", "key", "detail", "advice")
    book = {"book": finding.book.title or finding.book.partial_md5, "md5": finding.book.partial_md5}
    return {"target": target, **book, **{name: getattr(finding, name) for name in names}}


@action("Verify", "Compares what was sent with what the targets hold.", order=3, menu=ADVANCED)
def verify(core: Core, request: Request) -> Result:
    """Compares what was sent with what the targets hold. args: book, target: the only one; resend, to have what is
    missing sent again at the next sync. ok: nothing was found."""
    if not targets_with(core, AuditableTarget, name := request.args.get("target")):
        return Result("no enabled target can be looked into; see `booklore plugins list`", ok=False)
    is_for_one = request.book or request.args.get("book")
    verification = compare(core, wanted_book(core, request).partial_md5 if is_for_one else None, name)
    data, pending = verification.as_json(), core.kinds.in_words(core.pending())
    if request.args.get("resend"):
        data["resent"] = resend(core, verification)
    counts = ", ".join(f"{len(found)} {what}" for what, found in data.items() if isinstance(found, list))
    lines = [f"{quantity(verification.checked, 'item')} compared: {counts}"]
    lines += [f"{name}: {text}" for name, texts in verification.elsewhere.items() for text in texts]
    lines += [f"{name}: {why}" for name, why in verification.unavailable.items()]
    lines += [f"{name}: not compared: {core.kinds.in_words(n)}" for name, n in verification.uncompared.items()]
    lines += [f"not sent yet, so not compared: {pending}"] if pending else []
    return Result("\n".join(lines), ok=verification.is_clean, title="Verify", data=data)


def compare(core: Core, md5: str | None = None, name: str | None = None) -> Verification:
    """Compares every enabled target that can be compared, or the one of that name, for all books or one. A look may
    mend what it finds, so nobody delivers to the target meanwhile."""
    verification = Verification()
    for target in targets_with(core, AuditableTarget, name):
        lease = Lease(core.database, target.name, core.clock)
        lease.take()
        try:
            with target.session():
                for given_to, md5s in core.ledger.books(target.name).items():
                    if md5 is None or md5 in md5s:
                        lease.renew()
                        items = [item for one in md5s for item in core.ledger.taken(target.name, one)]
                        given = [item for item in items if given_to in (item.book.match, item.book.partial_md5)]
                        audit(core, target, lease, given, md5, verification)
        except (Declined, LeaseLost) as error:
            verification.unavailable[target.name] = error.reason
        finally:
            lease.drop()
    return verification


def audit(core: Core, target: Gateway, lease: Lease, given: Sequence[Item], md5: str | None, out: Verification) -> None:
    """All that a target was given for one book of its own; a person is told about that of the book md5, or of all.

    A book that cannot be compared does not keep the others from it.
    """
    items = [item for item in given if item.kind in target.audited]
    told = [item for item in items if md5 in (None, item.book.partial_md5)]
    others = [item.kind for item in given if item.kind not in target.audited and md5 in (None, item.book.partial_md5)]
    if others:
        out.uncompared[target.name].update(others)
    if not told:
        return
    try:
        findings, strays = audited(core, target, lease, items), stray_texts(core, target, told)
    except (BookUnmatched, ItemFailed) as error:
        title, before = told[0].book.title or told[0].book.partial_md5, out.unavailable.get(target.name)
        why = f"{title} could not be compared: {error.reason}"
        out.unavailable[target.name] = f"{before}; {why}" if before else why
        return
    books = {item.key: item.book for item in items}
    found = [replace(one, book=books.get(one.key, one.book)) for one in findings]
    out.findings += [(target.name, one) for one in found if md5 in (None, one.book.partial_md5)]
    out.checked += len(told)
    if strays:
        out.elsewhere[target.name] += strays


def audited(core: Core, target: Gateway, lease: Lease, items: Sequence[Item]) -> Sequence[Finding]:
    """What differs. All is missing that was given to a book which is gone, where theirs is matched with another now."""
    try:
        return target.audit(items[0].book, items, lease.renew)
    except BookUnmatched as error:
        md5s = {item.book.partial_md5 for item in items}
        if {core.books.match_of(one, target.name) for one in md5s} & {None, items[0].book.match}:
            raise
        live = [item for item in items if not item.is_tombstone]
        return [Finding("missing", item.kind, item.book, item.key, error.reason) for item in live]


def stray_texts(core: Core, target: Gateway, items: Sequence[Item]) -> list[str]:
    """What of the items was given to another book than the one that theirs is matched with now. Raises Declined."""
    matches, strays = core.books.matches(target.name), defaultdict[BookRef, Counter[str]](Counter)
    for item in items:
        if item.book.match != matches.get(item.book.partial_md5, item.book.match):
            strays[item.book][item.kind] += 1
    if not strays:
        return []
    remote_id = items[0].book.match or ""
    found = target.book(remote_id) if target.has(SearchableTarget) else None
    name = f"“{one_line(found.title)}” ({remote_id})" if found else remote_id
    return [
        f"{title_of(book)}: {core.kinds.in_words(counts)} given to {name}, which it is not matched with any more"
        for book, counts in strays.items()
    ]


def resend(core: Core, verification: Verification) -> int:
    """Makes what is missing due again; the next sync looks before it sends. Returns how many items that are."""
    missing = [(target, finding) for target, finding in verification.findings if finding.what == "missing"]
    for target, finding in missing:
        core.ledger.owe_again(target, finding.kind, finding.key)
    return len(missing)
