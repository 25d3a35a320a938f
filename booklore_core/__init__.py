"""BookLore Sync's public API: everything that a plugin author needs, loaded on first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booklore_core.events import UNKNOWN as UNKNOWN
    from booklore_core.events import Book as Book
    from booklore_core.events import BookClose as BookClose
    from booklore_core.events import BookOpen as BookOpen
    from booklore_core.events import Delete as Delete
    from booklore_core.events import Device as Device
    from booklore_core.events import Event as Event
    from booklore_core.events import NetworkConnected as NetworkConnected
    from booklore_core.events import PageTurns as PageTurns
    from booklore_core.events import Rating as Rating
    from booklore_core.events import Reading as Reading
    from booklore_core.events import Resume as Resume
    from booklore_core.flows import Action as Action
    from booklore_core.flows import Ask as Ask
    from booklore_core.flows import AskReader as AskReader
    from booklore_core.flows import Choose as Choose
    from booklore_core.flows import Confirm as Confirm
    from booklore_core.flows import Effect as Effect
    from booklore_core.flows import Flow as Flow
    from booklore_core.flows import GoTo as GoTo
    from booklore_core.flows import Info as Info
    from booklore_core.flows import Pick as Pick
    from booklore_core.flows import Question as Question
    from booklore_core.flows import Request as Request
    from booklore_core.flows import Result as Result
    from booklore_core.flows import Schedule as Schedule
    from booklore_core.flows import Toast as Toast
    from booklore_core.hookspecs import API_VERSION as API_VERSION
    from booklore_core.hookspecs import hookimpl as hookimpl
    from booklore_core.isbn import find_isbn as find_isbn
    from booklore_core.isbn import normalize_isbn as normalize_isbn
    from booklore_core.items import TOMBSTONE as TOMBSTONE
    from booklore_core.items import BookRef as BookRef
    from booklore_core.items import Item as Item
    from booklore_core.items import Remark as Remark
    from booklore_core.items import canonical_json as canonical_json
    from booklore_core.kinds import Kind as Kind
    from booklore_core.pipeline.facts import Fact as Fact
    from booklore_core.pipeline.facts import Facts as Facts
    from booklore_core.pipeline.gateway import Gateway as Gateway
    from booklore_core.pipeline.journal import Journal as Journal
    from booklore_core.settings import Section as Section
    from booklore_core.settings import Setting as Setting
    from booklore_core.storage.store import Store as Store
    from booklore_core.targets import AccountTarget as AccountTarget
    from booklore_core.targets import AuditableTarget as AuditableTarget
    from booklore_core.targets import BatchTarget as BatchTarget
    from booklore_core.targets import Before as Before
    from booklore_core.targets import BookUnmatched as BookUnmatched
    from booklore_core.targets import Candidate as Candidate
    from booklore_core.targets import Check as Check
    from booklore_core.targets import CheckableTarget as CheckableTarget
    from booklore_core.targets import Declined as Declined
    from booklore_core.targets import Finding as Finding
    from booklore_core.targets import ItemFailed as ItemFailed
    from booklore_core.targets import ItemRejected as ItemRejected
    from booklore_core.targets import Match as Match
    from booklore_core.targets import MatchingTarget as MatchingTarget
    from booklore_core.targets import ProgressTarget as ProgressTarget
    from booklore_core.targets import RemotePosition as RemotePosition
    from booklore_core.targets import SearchableTarget as SearchableTarget
    from booklore_core.targets import Superseded as Superseded
    from booklore_core.targets import Target as Target
    from booklore_core.targets import TargetUnavailable as TargetUnavailable

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
