"""BookLore Sync's public API: everything that a plugin author needs, loaded on first use."""
# mypy: implicit-reexport
# ruff: noqa: F401

from importlib import import_module
from typing import TYPE_CHECKING, Any

# fmt: off
# isort: off
if TYPE_CHECKING:
    from booklore_core.events import (
        UNKNOWN, Book, BookClose, BookOpen, Delete, Device, Event, NetworkConnected, PageTurns, Rating, Reading, Resume,
    )
    from booklore_core.flows import (
        Action, Ask, AskReader, Choose, Confirm, Effect, Flow, GoTo, Info, Pick, Question, Request, Result, Schedule,
        Toast,
    )
    from booklore_core.hookspecs import API_VERSION, hookimpl
    from booklore_core.isbn import find_isbn, normalize_isbn
    from booklore_core.items import TOMBSTONE, BookRef, Item, Remark, canonical_json
    from booklore_core.kinds import Kind
    from booklore_core.pipeline.facts import Fact, Facts
    from booklore_core.pipeline.gateway import Gateway
    from booklore_core.pipeline.journal import Journal
    from booklore_core.settings import Section, Setting
    from booklore_core.storage.store import Store
    from booklore_core.targets import (
        AccountTarget, AuditableTarget, BatchTarget, Before, BookUnmatched, Candidate, Check, CheckableTarget, Declined,
        Finding, ItemFailed, ItemRejected, Match, MatchingTarget, ProgressTarget, RemotePosition, SearchableTarget,
        Superseded, Target, TargetUnavailable,
    )
# isort: on
# fmt: on

EXPORTS = {
    "events": "Book BookClose BookOpen Delete Device Event NetworkConnected PageTurns Rating Reading Resume UNKNOWN",
    "flows": "Action Ask AskReader Choose Confirm Effect Flow GoTo Info Pick Question Request Result Schedule Toast",
    "hookspecs": "API_VERSION hookimpl",
    "isbn": "find_isbn normalize_isbn",
    "items": "BookRef Item Remark TOMBSTONE canonical_json",
    "kinds": "Kind",
    "pipeline.facts": "Fact Facts",
    "pipeline.gateway": "Gateway",
    "pipeline.journal": "Journal",
    "settings": "Section Setting",
    "storage.store": "Store",
    "targets": "AccountTarget AuditableTarget BatchTarget Before BookUnmatched Candidate Check CheckableTarget Declined"
    " Finding ItemFailed ItemRejected Match MatchingTarget ProgressTarget RemotePosition SearchableTarget Superseded"
    " Target TargetUnavailable",
}
HOMES = {name: module for module, names in EXPORTS.items() for name in names.split()}

__all__ = sorted(HOMES)


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first asked for: `booklore --help` must not wait for pydantic or SQL."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
