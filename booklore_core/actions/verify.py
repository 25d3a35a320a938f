"""Ledger against remote: what a target has taken, compared with what it holds."""

import logging
from dataclasses import dataclass, field
from typing import Any

from booklore_core.actions.match import ADVANCED, wanted_book
from booklore_core.core import Core, close
from booklore_core.flows import Action, Flow, Request, Result
from booklore_core.targets import AuditableTarget, BookUnmatched, Finding, ItemFailed, TargetUnavailable

log = logging.getLogger(__name__)


@dataclass
class Verification:
    """findings: per target. checked: how many items were compared. unavailable: target → why it was not asked."""

    findings: list[tuple[str, Finding]] = field(default_factory=list)
    checked: int = 0
    unavailable: dict[str, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return not self.findings and not self.unavailable

    @property
    def summary(self) -> str:
        """`2 items compared: 0 missing, 1 duplicate, 0 overlapping`."""
        counts = {what: len(found) for what, found in self.as_json().items() if isinstance(found, list)}
        items = "1 item" if self.checked == 1 else f"{self.checked} items"
        return f"{items} compared: " + ", ".join(f"{count} {what}" for what, count in counts.items())

    def as_json(self) -> dict[str, Any]:
        """The shape that `booklore verify --json` prints."""
        found: dict[str, Any] = {"missing": [], "duplicate": [], "overlapping": []}
        for target, finding in self.findings:
            found.setdefault(finding.what, []).append(finding_json(target, finding))
        return {**found, "checked": self.checked, "unavailable": self.unavailable}


def finding_json(target: str, finding: Finding) -> dict[str, Any]:
    names = ("kind", "key", "detail", "advice")
    book = {"book": finding.book.title or finding.book.partial_md5, "md5": finding.book.partial_md5}
    return {"target": target, **book, **{name: getattr(finding, name) for name in names}}


def verify(core: Core, md5: str | None = None) -> Verification:
    """Compares every enabled target that can be compared, for all books or one."""
    verification = Verification()
    for target in core.targets.values():
        if isinstance(target, AuditableTarget):
            try:
                _audit(core, target, [md5] if md5 else core.ledger.books(target.name), verification)
            except TargetUnavailable as error:
                verification.unavailable[target.name] = error.reason
            finally:
                close(target)
    return verification


def _audit(core: Core, target: AuditableTarget, md5s: list[str], verification: Verification) -> None:
    """A book that cannot be compared does not keep the others from it."""
    for md5 in md5s:
        items = core.ledger.taken(target.name, md5)
        try:
            findings = target.audit(items[0].book, items) if items else []
        except (BookUnmatched, ItemFailed) as error:
            title = items[0].book.title or md5
            verification.unavailable[target.name] = f"{title} could not be compared: {error.reason}"
            continue
        verification.findings += [(target.name, finding) for finding in findings]
        verification.checked += len(items)


def resend(core: Core, verification: Verification) -> int:
    """Makes what is missing due again; the next sync looks before it sends. Returns how many items that are."""
    missing = [(target, finding) for target, finding in verification.findings if finding.what == "missing"]
    for target, finding in missing:
        core.ledger.owe_again(target, finding.kind, finding.key)
    return len(missing)


def compare(core: Core, request: Request) -> Flow:
    """Verify: what was sent, compared with what the targets hold; `resend` in args makes due what is missing."""
    yield from ()
    if not any(isinstance(target, AuditableTarget) for target in core.targets.values()):
        return Result("no enabled target can be looked into; see `booklore plugins list`", ok=False)
    book = wanted_book(core, request).partial_md5 if request.book or request.args.get("book") else None
    found = verify(core, book)
    resent = {"resent": resend(core, found)} if request.args.get("resend") else {}
    return Result(found.summary, ok=found.is_clean, title="Verify", data={**found.as_json(), **resent})


VERIFY = Action(
    "verify", "Verify", compare, "Compares what was sent with what the targets hold.", order=3, menu=ADVANCED
)
