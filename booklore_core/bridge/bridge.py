"""One open bridge: what all calls share, and what each of them does."""

import threading
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from booklore_core.actions import all_actions
from booklore_core.actions.settings import sync_mode
from booklore_core.actions.sync import sync_book
from booklore_core.bridge import models, pairing
from booklore_core.bridge.accounts import Accounts
from booklore_core.bridge.dialogs import DEADLINE, Dialogs
from booklore_core.bridge.effects import Effects, LateEffects
from booklore_core.bridge.intake import receive
from booklore_core.bridge.menu import build_menu
from booklore_core.bridge.newcomers import given_name
from booklore_core.bridge.offers import offers
from booklore_core.bridge.replies import LATE_REPLY, Replies
from booklore_core.bridge.sidecar import take_sidecar
from booklore_core.bridge.standing import note_targets
from booklore_core.bridge.triggers import WAIT, WAKE_SYNC, Triggers
from booklore_core.bridge.uploads import Uploads
from booklore_core.bridge.watch import SettingsWatch
from booklore_core.bridge.workers import BackgroundWorker, Workers, is_done_within, value_or
from booklore_core.core import Core
from booklore_core.flows import HandOver, Question, Request
from booklore_core.pipeline.ingest import Taken
from booklore_core.storage.database import DatabaseUnusable

REFRESH_WITHIN = 1.0
"""Seconds that a call waits for changed settings to take effect; a run in progress goes first."""

BEHIND_OTHERS = 0.05
"""Seconds that features are waited for while they are led on for others, who may have handed over much."""

LONG = 20
"""Lines. Longer lists are taken in one after the other, so that those with little to tell are not kept waiting."""


@dataclass(frozen=True)
class Deadlines:
    """How many seconds a call waits: for an action, for a sync that nobody asked for, for features and replies."""

    action: float = DEADLINE
    sync: float = WAIT
    replies: float = 2.0


class Bridge:
    """Serves the devices of one core. Every thread may use it."""

    def __init__(self, core: Core, deadlines: Deadlines = Deadlines()) -> None:
        self.core = core
        self.pairings, self.accounts = pairing.Pairings(core), Accounts(core)
        self._late, self._worker, self._workers = LateEffects(), BackgroundWorker(core), Workers()
        self._leader, self._long_list = BackgroundWorker(core), threading.Lock()
        self._deadlines, self._replies = deadlines, Replies(core, self._workers)
        self._triggers = Triggers(core, self._worker, self._late, deadlines.sync)
        self.uploads = Uploads(core)
        self._dialogs = Dialogs(core, self._workers, self._late, self.uploads, deadlines.action)
        self._watch = SettingsWatch(core)

    @property
    def is_ready(self) -> bool:
        """Whether events can be taken in: also that the database is still there, for whoever restarts what is not."""
        try:
            self.core.database.check_file()
            return self._worker.is_working and self.core.database.value("SELECT 1") == 1
        except DatabaseUnusable:
            return False

    def devices_of(self, token: str) -> list[str]:
        """The devices that a token belongs to."""
        return pairing.devices_of(self.core, token)

    def hand_off(self, request: models.HandOff, device: str) -> dict[str, Any]:
        """Takes lines in, and answers what is durable now, what to show and how things stand. device: the one that the
        token was given to, which may be another id of the one that speaks.

        Once the lines are durable nothing that goes wrong may keep that from the device: what follows from them is
        told as far as it is known; to a device that has more lines in its hands, with the last of them.
        """
        value_or(None, self._keep_fresh)
        with self._long_list if len(request.lines) > LONG else nullcontext():
            taken, rejected, effects = receive(self.core, request)
        value_or(None, lambda: self._note_contact(request))
        goes_on = request.waiting is not None and request.waiting > len(request.lines)
        offered: Effects = value_or([], lambda: offers(self.core, request.found or ()))
        outcome = self._outcome(device, offered if goes_on else self._follow(device, taken) + offered)
        return {"ack": taken.acknowledged, "rejected": rejected, **outcome, "effects": effects + outcome["effects"]}

    def _note_contact(self, request: models.HandOff) -> None:
        device = request.device
        left = None if request.waiting is None else max(0, request.waiting - len(request.lines))
        name = given_name(self.core, device.id) or device.name
        told = {"name": name, "model": device.model, "shim": device.shim, "waiting": left}
        self.core.devices.contact(device.id, self.core.clock(), **told)

    def _follow(self, device: str, taken: Taken) -> Effects:
        """What follows from lines that are durable: what features make of them, what plugins reply, and a sync.

        Features and replies are waited for two seconds together, unless others come first: then hardly, and not for a
        sync, which leads the features first. What is not done then goes on behind the answer; a late reply is fetched.
        """
        is_first = not self.core.derive.leading.locked()
        until = monotonic() + (self._deadlines.replies if is_first else BEHIND_OTHERS)
        led = self._leader.lead()
        is_led = is_done_within(led, until - monotonic())
        has_news = value_or(True, lambda: led.result() > 0) if is_led else True
        if not value_or(False, lambda: bool(self.core.settings["sync.enabled"])):
            return []
        events = taken.events
        replies: Effects = value_or([], lambda: self._replies.gather(device, events, until - monotonic()))
        follows: Effects = value_or([], lambda: self._triggers.follow(device, events, has_news, is_led or is_first))
        return self._unless_silent(replies) + follows

    def follow_later(self, device: str, taken: Taken) -> None:
        """The same for who waits for nothing and is shown nothing. It is not kept waiting by a sync in progress."""

        def follow(led: "Future[int]") -> None:
            if not led.cancelled():
                has_news = led.exception() is not None or led.result() > 0
                value_or(None, lambda: self._triggers.follow(device, taken.events, has_news))

        self._leader.lead().add_done_callback(follow)

    def act(self, device: str, name: str, given: models.ActionRequest) -> dict[str, Any]:
        """Runs an action. Raises BadSetting for one that there is not, or for arguments that do not fit, and Busy."""
        self._keep_fresh()
        if name == WAKE_SYNC:
            return self._outcome(device, self._triggers.run_wake_sync(device))
        if name == LATE_REPLY:
            return self._outcome(device, self._unless_silent(self._replies.fetch(device)))
        book = given.book.partial_md5 if isinstance(given.book, models.BookInfo) else given.book
        told = take_sidecar(self.core, device, given) if name == sync_book.name else []
        return self._outcome(device, told + self._dialogs.begin(device, name, Request(book, given.args, device)))

    def has_action(self, name: str) -> bool:
        return name in (WAKE_SYNC, LATE_REPLY) or name in all_actions(self.core)

    def answer(self, device: str, question: str, answer: Any) -> dict[str, Any]:
        """Goes on after a question. Raises NoSuchQuestion; BadAnswer and Busy, after which the question stays."""
        return self._outcome(device, self._dialogs.answer(device, question, answer))

    def begin(self, browser: str, name: str, request: Request) -> Effects:
        """Runs an action for a browser, as `act` does for a device. What it changes holds when this returns."""
        self._keep_fresh()
        return self._for_browser(browser, self._dialogs.begin(browser, name, request))

    def go_on(self, browser: str, question: str, answer: Any) -> Effects:
        """The same after a question, as `answer`."""
        return self._for_browser(browser, self._dialogs.answer(browser, question, answer))

    def question(self, browser: str, question: str) -> Question:
        """What a browser was asked. Raises NoSuchQuestion."""
        return self._dialogs.question(browser, question)

    def _for_browser(self, browser: str, effects: Effects) -> Effects:
        self._keep_fresh()
        return effects

    def late(self, browser: str) -> Effects:
        """What became known since its last view, of what went on behind an answer."""
        return self._late.collect(browser)

    def menu(self) -> dict[str, Any]:
        self._keep_fresh()
        return build_menu(self.core)

    def _outcome(self, device: str, effects: Effects) -> dict[str, Any]:
        """The end of every call that did something: what became known meanwhile comes first, then how things stand."""
        state: dict[str, Any] = value_or({}, self._state)
        return {"effects": self._late.collect(device) + effects, **({"state": state} if state else {})}

    def _state(self) -> dict[str, Any]:
        self._keep_fresh()
        core, settings = self.core, self.core.settings
        with core.database.transaction():
            return {
                "enabled": settings["sync.enabled"],
                "manual_only": sync_mode(core) == "manual",
                "ask_wifi": settings["sync.ask_wifi"],
                "silent": settings["sync.silent"],
                "pending": {kind.letter: count for kind, count in core.kinds.counted(core.pending()) if kind.letter},
                "menu": build_menu(core)["version"],
                "hand_over": self._hand_over(),
            }

    def _hand_over(self) -> dict[str, float] | None:
        """When a checkpoint shall be handed over by itself: as soon as any plugin wants it."""
        core = self.core
        if not core.settings["sync.enabled"] or sync_mode(core) == "manual":
            return None
        asked = [(one, partial(core.plugins.call, one, "hand_over")) for one in core.plugins.with_hook("hand_over")]
        wanted = [wish for plugin, ask in asked for wish in core.plugins.guard(plugin, "hand_over", ask) or ()]
        wanted = [wish for wish in wanted if isinstance(wish, HandOver)]
        if not wanted:
            return None
        return {"pages": min(one.pages for one in wanted), "seconds": min(one.seconds for one in wanted)}

    def _unless_silent(self, effects: Effects) -> Effects:
        """Silent mode hides messages that nobody asked for; it never changes what is synced (design §12)."""
        silent = self.core.settings["sync.silent"]
        return [effect for effect in effects if not (silent and effect["type"] == "toast")]

    def _keep_fresh(self) -> None:
        """Lets changed settings take effect, whoever changed them."""
        if self._watch.sees_change():
            is_done_within(self._worker.refresh(), REFRESH_WITHIN)

    def catch_up(self) -> None:
        """Begins, behind the first answers, what every start has to do."""
        value_or(None, self.uploads.sweep)
        self._worker.catch_up()
        self._workers.begin(lambda: note_targets(self.core))

    def close(self) -> None:
        self._leader.stop()
        self._worker.stop()
        self._dialogs.close()
