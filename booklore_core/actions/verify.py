"""Ledger against remote: what a target has taken, compared with what it holds."""

from dataclasses import dataclass, field
from typing import Any

from booklore_core.actions.match import asked, targets_with, wanted_book
from booklore_core.actions.own import ADVANCED, action
from booklore_core.core import Core
from booklore_core.flows import Request, Result
from booklore_core.pipeline.gateway import Gateway
from booklore_core.targets import AuditableTarget, BookUnmatched, Finding, ItemFailed


@dataclass
class Verification:
    """findings: per target. checked: how many items were compared. unavailable: target → why it was not asked."""

    findings: list[tuple[str, Finding]] = field(default_factory=list)
    checked: int = 0
    unavailable: dict[str, str] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return not self.findings and not self.unavailable

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


@action("Verify", "Compares what was sent with what the targets hold.", order=3, menu=ADVANCED)
def verify(core: Core, request: Request) -> Result:
    """Compares what was sent with what the targets hold. args: book, the only one; resend, to have what is missing sent
    again at the next sync. ok: nothing was found."""
    if not targets_with(core, AuditableTarget):
        return Result("no enabled target can be looked into; see `booklore plugins list`", ok=False)
    is_for_one = request.book or request.args.get("book")
    verification = compare(core, wanted_book(core, request).partial_md5 if is_for_one else None)
    data = verification.as_json()
    if request.args.get("resend"):
        data["resent"] = resend(core, verification)
    counts = ", ".join(f"{len(found)} {what}" for what, found in data.items() if isinstance(found, list))
    items = "1 item" if verification.checked == 1 else f"{verification.checked} items"
    lines = [f"{items} compared: {counts}", *(f"{name}: {why}" for name, why in verification.unavailable.items())]
    return Result("\n".join(lines), ok=verification.is_clean, title="Verify", data=data)


def compare(core: Core, md5: str | None = None) -> Verification:
    """Compares every enabled target that can be compared, for all books or one."""
    verification = Verification()
    for target in targets_with(core, AuditableTarget):
        with asked(target, verification.unavailable):
            audit_books(core, target, [md5] if md5 else core.ledger.books(target.name), verification)
    return verification


def audit_books(core: Core, target: Gateway, md5s: list[str], verification: Verification) -> None:
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
