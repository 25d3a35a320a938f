"""The shim in an unmodified KOReader: its plugin loader, dispatcher, file manager, reader, menus and dialogs.

Runs where KOREADER_DIR names a checkout of KOReader (with `base`) or an installation, and luajit with lua-filesystem and
lua-socket is there. What KOReader needs native libraries for is stood in for by `headless.lua`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from core_on_loopback import LoopbackCore, serving
from ereader import SHIM

HERE = Path(__file__).parent
KOREADER = Path(os.environ.get("KOREADER_DIR", ""))
LUAJIT = shutil.which("luajit")
NEEDS = "require('lfs'); require('socket.http')"


def why_not() -> str:
    """What is missing to run KOReader, in a sentence; empty if nothing is."""
    if "KOREADER_DIR" not in os.environ:
        return "KOREADER_DIR names no KOReader checkout"
    if not any((KOREADER / place / "ffi" / "util.lua").is_file() for place in ("base", "")):
        return f"KOREADER_DIR: {KOREADER} has no ffi/util.lua, nor base/ffi/util.lua (a submodule)"
    if LUAJIT is None or subprocess.run([LUAJIT, "-e", NEEDS], capture_output=True, check=False).returncode:
        return "luajit with lua-filesystem and lua-socket is not installed"
    return ""


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

QUESTION = {"type": "question", "id": "7", "text": "Which?"}
QUESTIONS = {
    "choose": {"options": ["Dune", "Dune Messiah"], "default": 0},
    "pick": {"options": ["Dune", "Dune Messiah"], "default": [0]},
    "ask": {"default": "Caladan"},
    "confirm": {"ok": "OK", "cancel": "Keep"},
}
MENU: dict[str, Any] = {
    "version": "on",
    "items": [
        {"id": "toggle_sync", "text": "Enable sync", "checked": True, "action": "toggle_sync"},
        *({"id": kind, "text": f"Ask: {kind}", "action": f"ask_{kind}", "help": "A question"} for kind in QUESTIONS),
        {"id": "cache", "text": "Sync & Cache", "items": [{"id": "clear", "text": "Clear Cache", "enabled": False}]},
    ],
    "actions": [{"id": "sync_pending", "title": "Sync"}, {"id": "night_report", "title": "Night report"}],
}


class TalkativeCore(LoopbackCore):
    """Asks and tells what the scenario waits for."""

    def answer(self, method: str, path: str, body: Any) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        if name == "toggle_sync":
            self.state = self.state | {"enabled": body["args"]["enabled"]}
        on = self.state.get("enabled", True)
        self.state = self.state | {"enabled": on, "menu": "on" if on else "off"}
        first, *rest = MENU["items"]
        self.menu = MENU | {"version": self.state["menu"], "items": [first | {"checked": on}, *rest]}
        return super().answer(method, path, body) | self.says(name, body)

    def says(self, name: str, body: Any) -> dict[str, Any]:
        texts = {"sync_pending": "Synced 3 items", "night_report": "Good night", "7": "Answered"}
        if name in texts:
            return {"effects": [{"type": "toast", "text": texts[name]}]}
        kind = name.removeprefix("ask_")
        if kind in QUESTIONS:
            return {"effects": [QUESTION | {"kind": kind} | QUESTIONS[kind]]}
        lines = body["lines"] if name == "events" else []
        if resumed := [line for line in lines if line["event"] == "resume"]:
            jump = {"type": "goto", "book": resumed[0]["book"]["partial_md5"], "position": None, "percent": 0.5}
            return {"effects": [{"type": "info", "title": "Welcome back", "text": "…"}, jump]}
        return {}


@dataclass
class Visit:
    core: TalkativeCore
    report: dict[str, dict[str, Any]]
    home: Path
    output: str

    def answers(self) -> list[Any]:
        return [body["answer"] for body in self.core.bodies("/v1/answers/7")]

    def lines(self, *events: str) -> list[dict[str, Any]]:
        return [line for line in self.core.lines if line["event"] in events]


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    home = tmp_path_factory.mktemp("koreader")
    (home / "books").mkdir()
    (home / "books" / "dune.gif").write_bytes(b"no picture, but thirty pages to the stand-in")
    plugin = home / "plugins" / SHIM.name
    shutil.copytree(SHIM, plugin)
    with serving(TalkativeCore()) as core:
        (plugin / "booklorebridge.json").write_text(json.dumps({"url": core.url, "code": "123456"}))
        assert LUAJIT is not None
        command = [LUAJIT, str(HERE / "headless.lua"), str(home / "books"), str(home / "report.jsonl")]
        environment = {**os.environ, "KO_HOME": str(home), "LC_ALL": "C.UTF-8"}
        run = subprocess.run(
            command, cwd=KOREADER, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        output = run.stdout + run.stderr
        assert run.returncode == 0, output
        steps = [json.loads(line) for line in (home / "report.jsonl").read_text().splitlines()]
        yield Visit(core, {step["step"]: step for step in steps}, home, output)


def test_the_shim_loads_in_file_manager_and_reader(visit: Visit) -> None:
    assert visit.report["file manager"]["loaded"]
    assert visit.report["reader"]["loaded"]
    assert visit.report["end"]["plugin"]


def test_nothing_went_wrong_inside(visit: Visit) -> None:
    assert "BookLore Sync:" not in visit.output
    assert "handler" not in visit.output.lower()


def test_the_dispatcher_runs_a_gesture_and_the_core_is_paired_first(visit: Visit) -> None:
    assert visit.core.paths()[0] == "/v1/pair"
    assert "/v1/actions/sync_pending" in visit.core.paths()
    assert {token for *_, token in visit.core.requests[1:]} == {"Bearer token for 123456"}


def test_the_actions_of_the_cores_plugins_are_gestures_too(visit: Visit) -> None:
    assert "/v1/actions/night_report" in visit.core.paths()


@pytest.mark.parametrize("place", ["file manager", "reader"])
def test_the_menu_opens(visit: Visit, place: str) -> None:
    texts = [item["text"] for item in MENU["items"]]

    assert visit.report[f"{place}'s menu"]["items"] == texts


def test_questions_are_answered_in_real_dialogs(visit: Visit) -> None:
    assert visit.answers() == [1, [0, 1], "Arrakis", True]


def test_a_switch_shows_in_the_open_menu(visit: Visit) -> None:
    assert visit.report["switched off"]["checked"] is False


def test_reading_is_written_down(visit: Visit) -> None:
    opened, closed, resumed = (visit.lines(event)[0] for event in ("book_open", "book_close", "resume"))

    assert opened["reading"] | {"page": 1, "pages": 30, "turns": 0} == opened["reading"]
    assert (closed["reason"], closed["reading"]["turns"], closed["reading"]["page"]) == ("suspend", 6, 7)
    assert (closed["reading"]["stars"], closed["annotations"]) == (4, [])
    assert resumed["reading"]["page"] == 7
    assert [line["reason"] for line in visit.lines("book_close")] == ["suspend", "close"]


def test_the_core_moves_the_reader_without_a_page_turn(visit: Visit) -> None:
    last = visit.lines("book_close")[-1]

    assert visit.report["moved"]["page"] == 15
    assert (last["reading"]["page"], last["reading"]["turns"]) == (15, 1)


def test_a_book_deleted_in_the_file_manager_is_told(visit: Visit) -> None:
    (deleted,) = visit.lines("delete")

    assert deleted["book"]["partial_md5"] == visit.lines("book_open")[0]["book"]["partial_md5"]


def test_everything_was_handed_over_and_nothing_is_left_behind(visit: Visit) -> None:
    spool = visit.home / "settings" / "booklorebridge.spool"

    assert [json.loads(line)["event"] for line in spool.read_text().splitlines()] == ["device"]
    assert visit.report["end"]["windows"] == 1
