"""How a sample day gets from the e-reader to the server, with all that happens to it on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from booklore_core.bridge import serving
from booklore_core.bridge.pairing import new_code
from booklore_core.cli.demo_day import DEVICE, Day

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.testing import BookLoreServer

TIMEOUT = 20.0


@dataclass(frozen=True)
class Step:
    """What the reader did. lines: how many the e-reader handed over. toasts: what it then showed."""

    what: str
    lines: int = 0
    toasts: Sequence[str] = ()


class EReader:
    """What the shim does on an e-reader: pairs, hands its spool over and shows what it is told."""

    def __init__(self, url: str, code: str) -> None:
        self._url = url
        self._device = {"id": DEVICE, "name": "Demo e-reader", "model": "Demo"}
        self._session = requests.Session()
        token = self._post("/v1/pair", {"code": code, "device": self._device})["token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def hand_over(self, what: str, lines: list[dict[str, Any]]) -> Step:
        answer = self._post("/v1/events", {"device": self._device, "lines": lines})
        return Step(what, len(lines), toasts(answer))

    def tap(self, what: str, action: str) -> Step:
        return Step(what, 0, toasts(self._post(f"/v1/actions/{action}", {"book": None, "args": {}})))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self._session.post(self._url + path, json=body, timeout=TIMEOUT)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer


def toasts(answer: dict[str, Any]) -> list[str]:
    return [effect["text"] for effect in answer["effects"] if effect["type"] == "toast"]


def tell(day: Day, core: "Core", server: "BookLoreServer") -> list[Step]:
    """Plays the day through the real bridge over HTTP, and lets the server be away when the reader comes home."""
    with serving(core) as url:
        ereader = EReader(url, new_code(core)[0])
        day.read_in_bed()
        steps = [ereader.hand_over("reads Dune in bed, then the e-reader falls asleep", day.reader.lines)]
        told = len(day.reader.lines)
        day.read_until_the_battery_dies()
        steps.append(Step("reads on until the battery dies"))
        day.read_offline()
        steps.append(Step("reads Emma for an hour without network"))
        day.come_home()
        server.stop()
        steps.append(ereader.hand_over("comes home, where the server is down", day.reader.lines[told:]))
        steps.append(ereader.hand_over("the same again: the e-reader got no answer", day.reader.lines[told:]))
        server.start()
        steps.append(ereader.tap("server is up again; taps Sync Pending Now", "sync_pending"))
    return steps
