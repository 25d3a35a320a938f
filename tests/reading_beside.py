"""The month of a reader whose books are at a BookLore and at a BookOrbit. He reads on the pages of both now and then,
and both fail by chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orbit_world import SECRET, OrbitOnClock
from reading_month import OTHER, TROUBLES, EReader, Month, percent_of

from booklore_core.bridge.bridge import Bridge, Deadlines
from booklore_core.core import Core
from booklore_core.testing import BookOrbitServer

PLACES = "/api/v1/koreader/syncs/progress"
CHAPTER = {"place": "/body/DocFragment[1]/body", "cfi": "epubcfi(/6/2!/4/2)"}
"""All that the page of a BookOrbit tells devices of where in a book a reader is, beside the percent."""

OPENINGS = 3


class MonthBeside(Month):
    """Both servers are asked about at an opening."""

    def _open(self, folder: Path) -> tuple[Core, Bridge]:
        one = self.server.books[self.id]
        listed = {"id": 1, "libraryId": 1, "title": one.title, "authors": one.authors, "sizeBytes": self.book["size"]}
        listed |= {"fileName": "dune.epub", "md5": self.book["partial_md5"]}
        accounts = {"web_login": {"username": "admin", "password": "adminadmin"}, "books": [listed]}
        accounts |= {"koreader_account": {"username": "reader", "password": SECRET}}
        self.orbit = BookOrbitServer(accounts, now=self.clock).start()
        core, bridge = super()._open(folder)
        bridge.close()
        core.plugins.register("bookorbit", OrbitOnClock(self.clock))
        core.refresh()
        for name, value in {"url": self.orbit.url, "username": "reader", "password": SECRET}.items():
            core.settings.set(f"bookorbit.{name}", value)
        core.refresh()
        assert {"booklore", "bookorbit"} <= set(core.targets)
        return core, Bridge(core, Deadlines(replies=60.0))

    def close(self) -> None:
        super().close()
        self.orbit.stop()

    def settle(self) -> None:
        self.orbit.recover()
        self.orbit.carry_out_late(self.clock() + 700)
        super().settle()

    def calm_day(self, device: EReader) -> None:
        """The reader is asked about the newest place only. One at the other server that lies further on is asked about
        at the next opening, and stays until then."""
        there: list[float] = []
        for _ in range(OPENINGS):
            self.settle()
            self._read(device, is_online=True, is_calm=True)
            self.settle()
            there = [self.told(), self.told_by_orbit()]
            if there == [percent_of(self.page)] * 2:
                return
        self._claim(False, f"the servers are at {there}, the reader at {self.page}")

    def read_elsewhere(self, pages: int | None = None) -> None:
        if self.rng.random() < 0.5:
            super().read_elsewhere(pages)
            return
        self.orbit.recover()
        self.clock.forward(600)
        self.orbit.carry_out_late()
        page = self.page = self._clamped(self.page + (pages or self.rng.randint(-10, 60)))
        told: dict[str, Any] = {"percent": 100 * percent_of(page), **CHAPTER}
        with self.orbit.state.lock:
            told |= {"at": self.clock(), "read": self.clock(), "written": next(self.orbit.state.written)}
            self.orbit.state.shared[1, 1] = {**told, "is_web": True}
        self._came(OTHER, page)

    def _sleep(self) -> None:
        super()._sleep()
        self.orbit.carry_out_late()

    def _upset(self) -> None:
        super()._upset()
        if self.rng.random() < 0.5:
            self.orbit.recover()
        where = self.rng.choice(("* /", f"PUT {PLACES}", f"GET {PLACES}"))
        self.orbit.fail(self.rng.choice(TROUBLES), where, self.rng.choice((1, 2, 5, None)))

    def _check_led(self, device: EReader, question: dict[str, Any] | None) -> None:
        """Who stayed after he was asked about the newest, and once about one as far, has declined what was there."""
        places = {page: self.came[one][page] for one, page in self.last.items() if one != device.reader.device}
        furthest = max(places, default=0)
        has_stayed = max(device.asked.values(), default=0) >= places.get(furthest, 0)
        if not (has_stayed and max(device.asked, default=0) >= furthest):
            super()._check_led(device, question)

    def told_by_orbit(self) -> float:
        with self.orbit.state.lock:
            rows = list(self.orbit.state.places.get((1, 1), {}).values())
            shared = self.orbit.state.shared.get((1, 1))
        newest = max([*rows, *([shared] if shared else [])], key=lambda one: one["written"])
        return round(float(newest["percent"]) / 100, 4)
