"""One open bridge: what all calls share, and what each of them does."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from booklore_core.actions import CORE_ACTIONS, report_json, summary
from booklore_core.actions.settings import sync_mode
from booklore_core.bridge import models, pairing
from booklore_core.bridge.about import ABOUT
from booklore_core.bridge.conversations import DEADLINE, Conversations
from booklore_core.bridge.errands import Errands, is_done_within
from booklore_core.bridge.intake import receive
from booklore_core.bridge.mailbox import Mailbox
from booklore_core.bridge.menu import build_menu
from booklore_core.bridge.replies import Replies
from booklore_core.bridge.syncer import Syncer
from booklore_core.bridge.triggers import WAIT, WAKE_SYNC, Triggers
from booklore_core.core import Core
from booklore_core.flows import Action, Request, Result
from booklore_core.storage.counts import LETTERS

SETTINGS = "SELECT name, value FROM settings ORDER BY name"

REFRESH_WITHIN = 1.0
"""Seconds that a call waits for changed settings to take effect; a run in progress goes first."""


@dataclass(frozen=True)
class Patience:
    """How many seconds a call waits: for an action, for a sync that nobody asked for, for the plugins' replies."""

    action: float = DEADLINE
    sync: float = WAIT
    replies: float = 2.0


class Bridge:
    """Serves the devices of one core. Every thread may use it."""

    def __init__(self, core: Core, patience: Patience = Patience()) -> None:
        self.core = core
        self.pairings = pairing.Pairings(core)
        self._mailbox, self._syncer, errands = Mailbox(), Syncer(core), Errands()
        self._replies = Replies(core, errands, patience.replies)
        self._triggers = Triggers(core, self._syncer, self._mailbox, patience.sync)
        self._own = {action.name: action for action in (self._sync_action(), ABOUT)}
        self._conversations = Conversations(core, errands, self._mailbox, self._own, patience.action)
        self._known_settings = self._stored_settings()

    def _sync_action(self) -> Action:
        """Sync Pending Now, by the worker: a run in progress is not joined by a second one."""

        def run(core: Core, request: Request) -> Generator[Any, Any, Result]:
            yield from ()
            report = self._syncer.request().result()
            return Result(summary(report), ok=report.is_complete, data=report_json(report))

        action = next(action for action in CORE_ACTIONS if action.name == "sync_pending")
        return replace(action, run=run)

    @property
    def is_ready(self) -> bool:
        return self._syncer.is_working and self.core.database.value("SELECT 1") == 1

    def hand_off(self, request: models.HandOff) -> dict[str, Any]:
        """Takes lines in, and answers what is durable now, what to show and how things stand."""
        device = request.device
        self._keep_fresh()
        received = receive(self.core, device.id, request.lines)
        left = None if request.waiting is None else max(0, request.waiting - len(request.lines))
        pairing.note_contact(self.core, device, left)
        receipt = {"ack": received.taken.acknowledged, "rejected": received.rejected}
        effects = []
        if self.core.settings["sync.enabled"]:
            effects = self._unless_silent(self._replies.gather(received.taken.events))
            effects += self._triggers.follow(device.id, received.taken)
        return {**receipt, **self._outcome(device.id, effects)}

    def act(self, device: str, name: str, wish: models.Wish) -> dict[str, Any]:
        """Runs an action. Raises BadSetting for one that there is not, or for arguments that do not fit."""
        self._keep_fresh()
        if name == WAKE_SYNC:
            return self._outcome(device, self._triggers.run_wake_sync(device))
        book = wish.book.partial_md5 if isinstance(wish.book, models.Book) else wish.book
        request = Request(book, wish.args, device)
        return self._outcome(device, self._conversations.begin(device, self._conversations.find(name), request))

    def has_action(self, name: str) -> bool:
        return name == WAKE_SYNC or self._conversations.knows(name)

    def answer(self, device: str, question: str, answer: Any) -> dict[str, Any]:
        """Goes on after a question. Raises NoSuchDialog, BadAnswer."""
        return self._outcome(device, self._conversations.answer(device, question, answer))

    def menu(self) -> dict[str, Any]:
        self._keep_fresh()
        return build_menu(self.core, self._own)

    def _outcome(self, device: str, effects: list[dict[str, Any]]) -> dict[str, Any]:
        """The end of every call: what became known meanwhile comes first."""
        self._keep_fresh()
        return {"effects": self._mailbox.collect(device) + effects, "state": self._state()}

    def _state(self) -> dict[str, Any]:
        settings, pending = self.core.settings, self.core.pending()
        return {
            "enabled": settings["sync.enabled"],
            "manual_only": sync_mode(self.core) == "manual",
            "ask_wifi": settings["sync.ask_wifi"],
            "silent": settings["sync.silent"],
            "pending": {letter: pending[kind] for kind, letter in LETTERS.items() if pending.get(kind)},
            "menu": build_menu(self.core, self._own)["version"],
        }

    def _unless_silent(self, effects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Silent mode hides messages that nobody asked for; it never changes what is synced (design §12)."""
        silent = self.core.settings["sync.silent"]
        return [effect for effect in effects if not (silent and effect["type"] == "toast")]

    def _keep_fresh(self) -> None:
        """Lets changed settings take effect, whoever changed them: the menu, or the command line beside the bridge."""
        stored = self._stored_settings()
        if stored != self._known_settings:
            self._known_settings = stored
            is_done_within(self._syncer.refresh(), REFRESH_WITHIN)

    def _stored_settings(self) -> Any:
        rows = self.core.database.rows(SETTINGS)
        return [tuple(row.values()) for row in rows], modified(self.core)

    def close(self) -> None:
        self._syncer.stop()


def modified(core: Core) -> float | None:
    """When the secrets were last changed."""
    try:
        return core.secrets.path.stat().st_mtime
    except OSError:
        return None
