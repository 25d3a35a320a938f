"""An unmodified KOReader in a process of its own, without a screen: runs a scenario and reports on it.

KOREADER_DIR names a checkout of KOReader (with its submodule `base`) or an installation. What KOReader needs native
libraries for is stood in for by `headless.lua`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ereader import SHIM

HERE = Path(__file__).parent
KOREADER = Path(os.environ.get("KOREADER_DIR", ""))
LUAJIT = shutil.which("luajit") or "luajit"
BOOK = b"no picture, but thirty pages to the stand-in"
NEEDS = "require('lfs'); require('socket.http'); require('ssl.https')"


def why_not() -> str:
    """What is missing to run KOReader, in a sentence; empty if nothing is."""
    if not os.environ.get("KOREADER_DIR"):
        return "KOREADER_DIR names no KOReader checkout"
    if not any((KOREADER / place / "ffi" / "util.lua").is_file() for place in ("base", "")):
        return f"{KOREADER} has neither base/ffi/util.lua (a submodule) nor ffi/util.lua"
    if shutil.which("luajit") is None:
        return "luajit is not installed"
    if subprocess.run([LUAJIT, "-e", NEEDS], capture_output=True, check=False).returncode:
        return "lua-filesystem, lua-socket or lua-sec is not installed"
    return ""


@dataclass(frozen=True)
class Visit:
    """What a scenario told, by its steps, and what KOReader printed. home: its data folder."""

    report: dict[str, dict[str, Any]]
    output: str
    home: Path

    def spool(self) -> list[dict[str, Any]]:
        segments = sorted((self.home / "settings" / "booklorebridge.spool").glob("*.jsonl"))
        return [json.loads(line) for segment in segments for line in segment.read_text().splitlines()]


def visit(scenario: str, home: Path, url: str, code: str, book: str = "dune.gif", **environ: str) -> Visit:
    """Runs the scenario with the shim as it is after `booklore bridge install`. One book is on the device.

    environ: for the scenario.
    """
    books, report, plugin = home / "books", home / "report.jsonl", home / "plugins" / SHIM.name
    books.mkdir()
    (books / book).write_bytes(BOOK)
    shutil.copytree(SHIM, plugin)
    (plugin / "booklorebridge.json").write_text(json.dumps({"url": url, "code": code}))
    command = [LUAJIT, str(HERE / "headless.lua"), str(books), str(report), scenario]
    environment = {**os.environ, "KO_HOME": str(home), "LC_ALL": "C.UTF-8", **environ}
    run = subprocess.run(
        command, cwd=KOREADER, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    steps = [json.loads(line) for line in report.read_text().splitlines()]
    return Visit({step["step"]: step for step in steps}, run.stdout + run.stderr, home)
