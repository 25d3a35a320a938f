"""The fake BookOrbit answers what the real one was recorded to answer."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from one_clock import Clock

from booklore_core.testing import BookOrbitServer

CAPTURES = Path(__file__).parents[1] / "captures" / "bookorbit"
SIMILAR = re.compile(r"\.relatedSections\[0]\.books\[\d]\.(id|title|authors|seriesIndex|detailUrl)\b")
DIFFERS = re.compile(r"^\[(\w+)\] (.*?): (?:GET|POST|PUT|PATCH|DELETE) ", re.MULTILINE)

LEFT_OUT = {
    "catalogue": ["manifest"],
    "content": ["thumbnail of a comic"],
    "more": ["library before", "manifest after the rewrite"],
}
"""Where a manifest goes on, which is for nobody but the server to read; the JPEG that it makes of a comic's first page;
the settings of a library; and how large a file is once the server has packed it anew. No target asks for these."""


def load_replay(clock: Clock) -> ModuleType:
    """The recordings' own replay tool, on the clock of the test. It does not compare which books are similar to one:
    an index of the real server's database tells that, from nothing that it answers."""
    spec = importlib.util.spec_from_file_location("replay", CAPTURES / "replay.py")
    assert spec is not None
    assert spec.loader is not None
    replay = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(replay)
    differ = replay.differ
    replay.differ = lambda *told: (one for one in differ(*told) if not SIMILAR.match(one))
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
    monkeypatch.setattr(sys, "argv", ["replay.py", server.url, str(CAPTURES / "exchanges.json")])

    load_replay(clock).main()

    told = capsys.readouterr().out
    differing: dict[str, list[str]] = {}
    for area, name in DIFFERS.findall(told):
        differing.setdefault(area, []).append(name)
    assert differing == LEFT_OUT, told
    assert " asked, " in told.splitlines()[-1]
