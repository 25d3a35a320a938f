"""The fake BookOrbit answers what the real one was recorded to answer, wherever a target asks."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from one_clock import Clock

from booklore_core.testing import BookOrbitServer

CAPTURES = Path(__file__).parents[1] / "captures" / "bookorbit"
DIFFERS = re.compile(r"^\[(\w+)\] (.*?): (?:GET|POST|PUT|PATCH|DELETE) ", re.MULTILINE)

LEFT_OUT = {
    "sessions": ["sessions after: backwards"],
    "progress": ["attempts", "book progress, bearer", "devices, bearer"],
    "annotations": [
        "trash, bearer",
        "restore, bearer",
        "annotations after: odd ones",
        "a first page of adds for a new device",
        "web create",
        "web create again",
        "annotations after: web create",
        "web annotation, second call",
        "web create that fits",
        "fits, second call",
        "ack",
        "ack again",
        "web edit",
        "edit comes down",
        "web delete",
        "delete comes down",
        "ack of the deletion",
        "ack failed",
        "the old one-way upload",
        "the old one-way upload again",
        "annotation hub",
        "empty complete keys delete all of this device",
    ],
    "bookmarks": ["web bookmark comes down"],
    "states": [
        "status on the web before",
        "book after: status of tomorrow",
        "attempts of it",
        "book after: rating",
        "book after: rating changed",
        "book after: rating null",
        "attempts after",
    ],
}
"""What a browser asks for and does that nothing here needs, and what devices are told of it afterwards. It may only
become shorter."""

AREAS = ("detection", "matching", "sessions", "progress", "annotations", "bookmarks", "states")


def load_replay(clock: Clock) -> ModuleType:
    """The recordings' own replay tool. Which books are similar to one, the fake does not know."""
    spec = importlib.util.spec_from_file_location("replay", CAPTURES / "replay.py")
    assert spec is not None
    assert spec.loader is not None
    replay = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(replay)
    differ = replay.differ
    replay.differ = lambda *told: (one for one in differ(*told) if "relatedSections" not in one)
    day = SimpleNamespace(sleep=clock.forward, time=clock, strftime=replay.time.strftime, gmtime=replay.time.gmtime)
    replay.time = day  # type: ignore[attr-defined]
    return replay


@pytest.fixture
def server(clock: Clock) -> Iterator[BookOrbitServer]:
    with BookOrbitServer(CAPTURES / "library.json", now=clock) as running:
        yield running


def test_the_recording_is_answered_alike(
    server: BookOrbitServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = [word for area in AREAS for word in ("--area", area)]
    monkeypatch.setattr(sys, "argv", ["replay.py", server.url, str(CAPTURES / "exchanges.json"), *asked])

    load_replay(clock).main()

    told = capsys.readouterr().out
    differing: dict[str, list[str]] = {}
    for area, name in DIFFERS.findall(told):
        differing.setdefault(area, []).append(name)
    assert differing == LEFT_OUT, told
