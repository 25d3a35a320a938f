"""A month of one reader with two devices and, now and then, a third way to read; everything goes wrong by chance."""

from __future__ import annotations

import hashlib
import importlib.metadata
import math
import random
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from one_clock import Clock, OnClock

from booklore_core.bridge.bridge import Bridge, Deadlines
from booklore_core.bridge.models import ActionRequest, HandOff
from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import MORNING, BookLoreServer, SampleReader, partial_digest, sample_book, small_epub

PAGES = 2000
PATH = "/api/koreader/syncs/progress"
TROUBLES = ("close_before", "close_after", "half_body", "status:500", "commit_then_500", "status:502_html", "html_200",
            "commit_then_html_200", "status:401_empty", "late:60", "late:590")  # fmt: skip
OTHER = "another reader"


class EReader:
    """A device and what it has not got rid of yet."""

    def __init__(self, name: str, book: dict[str, Any]) -> None:
        self.reader, self.book, self.spool = SampleReader(name, MORNING), book, list[dict[str, Any]]()
        self.asked: dict[int, int] = {}
        """page → the last step at which the reader was asked whether to go there."""


class Month:
    """Everything is counted in steps: places are told apart by when somebody came to them.

    came: reader → page → the last step at which he came there. last: reader → the page at which he stopped.
    """

    def __init__(self, seed: int, dialect: str, folder: Path) -> None:
        self.rng, self.clock = random.Random(seed), Clock(MORNING)
        content = small_epub("Dune")
        self.book = sample_book("Dune", PAGES, partial_md5=partial_digest(content), size=len(content))
        self.server = BookLoreServer(dialect, now=self.clock, lock_patience=0).start()
        (self.id,) = [one.id for one in self.server.books.values() if one.partial_md5 == self.book["partial_md5"]]
        self.has_web = dialect.startswith("grimmory")
        self.core, self.bridge = self._open(folder)
        self.devices = [EReader(name, self.book) for name in ("kobo", "boox")]
        self.came: dict[str, dict[int, int]] = defaultdict(dict)
        self.last: dict[str, int] = {}
        self.page, self.step, self.questions = 1, 0, 0
        self.story: list[str] = []

    def _open(self, folder: Path) -> tuple[Core, Bridge]:
        account = {"BOOKLORE_USERNAME": self.server.username, "BOOKLORE_PASSWORD": self.server.password}
        environ = {"BOOKLORE_HOME": str(folder), "BOOKLORE_URL": self.server.url, **account}
        entries = [one for one in importlib.metadata.entry_points(group="booklore") if one.name == "progress"]
        core = Core(Places.from_environment(environ), self.clock.utc, environ, entries)
        core.plugins.register("booklore", OnClock(self.clock))
        core.refresh()
        core.settings.set("sync.manual_only", True)
        return core, Bridge(core, Deadlines(replies=60.0))

    def close(self) -> None:
        self.bridge.close()
        self.core.close()
        self.server.stop()

    # What happens

    def live(self, days: int) -> None:
        for day in range(1, days + 1):
            self._tell(f"day {day}")
            self._sleep()
            if self.rng.random() < 0.4:
                self._upset()
            for _ in range(self.rng.randint(1, 2)):
                self._read(self.rng.choice(self.devices), is_online=self.rng.random() < 0.7)
                if self.rng.random() < 0.7:
                    self._sync()
            if self.rng.random() < 0.15:
                self.read_elsewhere()
            if day % 7 == 0:
                self.calm_day(self.rng.choice(self.devices))
            self._sleep()

    def calm_day(self, device: EReader) -> None:
        """Nothing goes wrong: the device is told what it should know, and the server where the reader is after that."""
        self.settle()
        self._read(device, is_online=True, is_calm=True)
        self.settle()
        self._claim(self.told() == percent_of(self.page), f"the server is at {self.told()}, the reader at {self.page}")

    def finish(self, days: int = 8) -> None:
        """One device comes to the end; after that both leaf through the book's beginning and its last pages."""
        device, after = self.rng.choice(self.devices), []
        self._leaf(device, PAGES)
        self.settle()
        before = self.shown()
        self._claim(before[0] == "READ" and before[1] is not None, f"the server shows {before}")
        for _ in range(days):
            self.clock.forward(86_400)
            self._upset()
            one = self.rng.choice(self.devices)
            self._leaf(one, self.rng.choice((None, None, 1, 2)), is_online=self.rng.random() < 0.7)
            self._sync()
            after.append(self.shown())
        self.settle()
        self._claim({*after, self.shown()} == {before}, f"the server showed {before}, then {after}")

    def shown(self) -> tuple[str, str | None]:
        """What the web page shows: the book's status, and when it was finished."""
        self.server.recover()
        book = self._signed("GET", f"/api/v1/books/{self.id}").json()
        return book["readStatus"], book.get("dateFinished")

    def _leaf(self, device: EReader, page: int | None, is_online: bool = True) -> None:
        """Opens the book, looks at a page, None: at the one where it opens, and closes it there."""
        reader = device.reader
        reader.now = self.clock.utc()
        device.spool.append(reader.open(self.book))
        question = self._offer(device, is_online)
        if question:
            self._answer(device, question)
        reader.page = page or reader.page
        self.clock.forward(60)
        reader.wait(60)
        device.spool.append(reader.close())
        self._came(reader.device, reader.page)
        self._offer(device, is_online)

    def settle(self) -> None:
        self.server.recover()
        self.clock.forward(3600)
        for device in self.devices:
            self._hand_over(device)
        for _ in range(6):
            self._sync()
            if not self.core.pending():
                return
            self.clock.forward(600)
        self._claim(False, f"still waiting: {self.core.status().waiting}")

    def read_elsewhere(self, pages: int | None = None) -> None:
        """On the web page, where what is read there reaches devices; with another program elsewhere. Nothing is late
        then: what the server carries out after that would be lost upon it."""
        self.server.recover()
        self.clock.forward(600)
        self.server.carry_out_late()
        page = self.page = self._clamped(self.page + (pages or self.rng.randint(-10, 60)))
        self._read_on_the_web(page) if self.has_web else self._read_with_another_program(page)
        self._came(OTHER, page)

    def _read_on_the_web(self, page: int) -> None:
        place = {"progressPercent": percent_of(page) * 100, "positionData": f"epubcfi(/6/{2 * page}!/4/2:0)"}
        self._signed("PATCH", "/api/v1/koreader-users/me/sync-progress-with-booklore?enabled=true")
        self._signed("POST", "/api/v1/books/progress", {"bookId": self.id, "fileProgress": place})

    def _signed(self, method: str, path: str, body: Any = None) -> requests.Response:
        """A call of the web page."""
        self.clock.forward(5)
        account = {"username": self.server.username, "password": self.server.password}
        login = requests.post(f"{self.server.url}/api/v1/auth/login", json=account, timeout=30).json()
        headers = {"Authorization": f"Bearer {login['accessToken']}"}
        answer = requests.request(method, self.server.url + path, json=body, headers=headers, timeout=30)
        assert answer.status_code in (200, 204), answer.text
        return answer

    def _read_with_another_program(self, page: int) -> None:
        body = {"document": self.book["partial_md5"], "percentage": percent_of(page), "progress": f"/body/p[{page}].0"}
        about = {"device": "ipad", "device_id": "ipad-1", "timestamp": int(self.clock())}
        answer = requests.put(self.server.url + PATH, json={**body, **about}, headers=self._key, timeout=30)
        assert answer.status_code == 200, answer.text

    @property
    def _key(self) -> dict[str, str]:
        digest = hashlib.md5(self.server.koreader_password.encode()).hexdigest()
        return {"x-auth-user": self.server.koreader_username, "x-auth-key": digest}

    def _sleep(self) -> None:
        """What is late arrives, and is stamped, within the first ten minutes."""
        self.clock.forward(600)
        self.server.carry_out_late()
        self.clock.forward(8 * 3600)

    def _upset(self) -> None:
        if self.rng.random() < 0.3:
            self.server.recover()
        where = self.rng.choice(("* /", f"PUT {PATH}", f"PUT {PATH}", f"GET {PATH}"))
        fault, times = self.rng.choice(TROUBLES), self.rng.choice((1, 2, 5, None))
        self._tell(f"trouble: {fault} {times} times at {where}")
        self.server.fail(fault, where, times)

    def _sync(self) -> None:
        self.clock.forward(5)
        report = self.core.sync()
        self._tell(f"sync: {[(run.delivered, run.waiting, run.unavailable) for run in report.runs]}")

    # A stretch of reading

    def _read(self, device: EReader, is_online: bool, is_calm: bool = False) -> None:
        reader = device.reader
        reader.now = self.clock.utc()
        device.spool.append(reader.open(self.book))
        self._tell(f"{reader.device} opens at {reader.page}, {'on' if is_online else 'off'}line; reader {self.page}")
        self._go_on(device, is_online, is_calm)
        if self.rng.random() < 0.2:
            self._turn(device, is_online)
            device.spool.append(reader.suspend())
            self._came(reader.device, reader.page)
            self._offer(device, is_online, is_calm)
            self.clock.forward(1800)
            reader.now = self.clock.utc()
            device.spool.append(reader.resume())
            self._go_on(device, is_online, is_calm)
        self._turn(device, is_online)
        device.spool.append(reader.close())
        self._came(reader.device, reader.page)
        self._offer(device, is_online, is_calm)

    def _turn(self, device: EReader, is_online: bool) -> None:
        for _ in range(self.rng.randint(1, 2)):
            device.reader.turn(self.rng.randint(1, 25))
            self.clock.seconds = device.reader.now.timestamp()
            if self.rng.random() < 0.4:
                device.spool.append(device.reader.checkpoint())
                self._came(device.reader.device, device.reader.page)
                self._offer(device, is_online)

    def _go_on(self, device: EReader, is_online: bool, is_calm: bool) -> None:
        """Where the reader is led, goes by hand, or begins."""
        reader = device.reader
        question = self._offer(device, is_online, is_calm)
        if is_calm:
            self._check_led(device, question)
        if question:
            self._answer(device, question)
        elif self.rng.random() < 0.5:
            reader.page = self._clamped(self.page - (self.rng.randint(5, 60) if self.rng.random() < 0.2 else 0))
            self._tell(f"by hand to {reader.page}")

    def _offer(self, device: EReader, is_online: bool, is_calm: bool = False) -> dict[str, Any] | None:
        """Hands over, unless the device is offline. Now and then the answer is lost: nothing was acknowledged then."""
        if not is_online:
            return None
        effects = self._hand_over(device, is_lost=not is_calm and self.rng.random() < 0.15)
        asked = [effect for effect in effects if effect["type"] == "confirm"]
        assert len(asked) == len(effects) <= 1, effects
        return asked[0] if asked else None

    def _hand_over(self, device: EReader, is_lost: bool = False) -> list[dict[str, Any]]:
        if not device.spool:
            return []
        about = {"id": device.reader.device, "name": device.reader.device.title(), "model": "kobo"}
        request = HandOff.model_validate({"device": about, "lines": device.spool})
        answer = self.bridge.hand_off(request, device.reader.device)
        if is_lost:
            return []
        assert answer["rejected"] == []
        device.spool.clear()
        return list(answer["effects"])

    def _answer(self, device: EReader, question: dict[str, Any]) -> None:
        reader, (goto, *_) = device.reader, question["on_ok"]
        page = round(goto["percent"] * PAGES)
        self._check_question(device, page, question["text"])
        self.questions += 1
        device.asked[page] = self.step
        goes = self.rng.random() < 0.7
        self._tell(f"{question['text']} -> {goes}")
        if goes:
            reader.page = page
        for then in question["on_ok" if goes else "on_cancel"]:
            if then["type"] == "schedule":
                given = ActionRequest(book=then["book"], args=then["args"])
                assert self.bridge.act(reader.device, then["action"], given)["effects"] == []

    # What must hold

    def _check_question(self, device: EReader, page: int, text: str) -> None:
        name = device.reader.device
        others = max((came.get(page, 0) for one, came in self.came.items() if one != name), default=0)
        self._claim(others > 0, f"nobody else was ever there: {text}")
        self._claim(others > self.came[name].get(page, 0), f"its own echo: {text}")
        self._claim(others > device.asked.get(page, 0), f"asked about before: {text}")

    def _check_led(self, device: EReader, question: dict[str, Any] | None) -> None:
        """Whoever is behind the furthest of the others is asked, unless he was asked about as much after that, on
        either device where only the server knew of it."""
        name = device.reader.device
        places = {page: self.came[one][page] for one, page in self.last.items() if one != name}
        furthest = max(places, default=0)
        asked = [one for one in self.devices if one is device or self.last.get(OTHER) == furthest]
        steps = [(page, step) for one in asked for page, step in one.asked.items()]
        knows = any(page >= furthest and step >= places[furthest] for page, step in steps)
        is_led = question is not None or furthest <= device.reader.page + 1 or knows
        self._claim(is_led, f"{name} at {device.reader.page} hears nothing of {furthest}")

    def told(self) -> float:
        """Where the server says that the reader is."""
        url = f"{self.server.url}{PATH}/{self.book['partial_md5']}"
        return round(float(requests.get(url, headers=self._key, timeout=30).json()["percentage"]), 4)

    def _came(self, name: str, page: int) -> None:
        self.step += 1
        self.came[name][page], self.last[name], self.page = self.step, page, page
        self._tell(f"{name} is at {page}")

    def _clamped(self, page: int) -> int:
        return min(max(page, 8), PAGES - 20)

    def _tell(self, text: str) -> None:
        self.story.append(f"{datetime.fromtimestamp(self.clock(), UTC):%d %H:%M:%S} {text}")

    def _claim(self, holds: bool, text: str) -> None:
        assert holds, "\n".join([*self.story[-60:], text])


def percent_of(page: int) -> float:
    return math.floor(page / PAGES * 10_000) / 10_000
