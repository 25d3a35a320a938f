"""Weeks without a core cost disk, not time: what the UI thread does and writes does not grow with what waits.

The figures are printed by `pytest -m bench -s tests/bridge/test_weeks_without_a_core.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader

from booklore_core.bridge import serving
from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core
from booklore_core.storage.places import Places

LINE = (
    '{{"v":1,"id":"kobo-7f3a-{:06d}","event":"page_turns","at":"2026-11-20T14:00:00Z","book":{{"authors":["Frank '
    'Herbert"],"file":"/mnt/onboard/Books/dune.epub","identifiers":"ISBN:9780441013593","pages":612,"partial_md5":'
    '"e05f384d9923259355f79a6bf9125710","size":1048576,"title":"Dune"}},"boot":"4cc1d7e2","device":"kobo-7f3a",'
    '"reading":{{"dwell":[41,38,52,40,39],"page":257,"pages":612,"percent":0.42,"position":"/body/DocFragment[8]/body'
    '/p[3]/text().0","stars":4,"status":"reading","turns":31}},"up":{}}}\n'
)


def highlight(number: int) -> dict[str, Any]:
    place = f"/body[1]/DocFragment[{number // 20}]/body[1]/p[{number}]/text()[1]"
    return {
        "datetime": f"2026-11-{number % 28 + 1:02d} 13:41:{number % 60:02d}",
        "drawer": "lighten",
        "color": "yellow",
        "page": f"{place}.0",
        "pos0": f"{place}.0",
        "pos1": f"{place}.120",
        "pageno": number,
        "chapter": "Book One",
        "text": f"{number}: I must not fear. Fear is the mind-killer. Fear is the little-death that brings total.",
    }


def waiting(reader: EReader, count: int) -> None:
    """So many lines wait in full segments, as a process before this one has left them."""
    for first in range(1, count + 1, 450):
        numbers = range(first, min(first + 450, count + 1))
        text = "".join(LINE.format(number, 60 * number) for number in numbers)
        reader.put_segment(text, f"{first // 450 + 1:08d}-{len(numbers):04d}.jsonl")
    reader.restart()


def a_stretch(reader: EReader) -> None:
    reader.send("Resume")
    reader.read(pages=6, seconds=30)
    reader.send("Suspend")
    reader.spend_asleep(3600)


def weeks(reader: EReader, days: int, suspends: int) -> None:
    """So many days of reading in a book with 400 highlights, with another one each day."""
    book = reader.open(annotations=[highlight(number) for number in range(400)], pages=2000)
    reader.send("Suspend")
    for day in range(days):
        book.annotations[401 + day] = reader.table(highlight(401 + day))
        for _ in range(suspends):
            a_stretch(reader)


def ui_opens(reader: EReader, action: Callable[[], object]) -> list[str]:
    """The names of the spool's files that are opened outside of child processes, and how."""
    before, in_children = len(list(reader.ko.opened.values())), reader.ko.child.opened
    action()
    opened = [f"{Path(file.path).name} {file.mode}" for file in list(reader.ko.opened.values())[before:]]
    assert len(opened) >= reader.ko.child.opened - in_children
    return opened


def written(reader: EReader) -> float:
    """All bytes that were written for each byte of the lines."""
    files = sum(file.stat().st_size for file in [*reader.segments(), reader.setting("told")])
    return (files + reader.ko.flushed_bytes) / len(reader.spool_bytes())


def test_reading_opens_the_newest_segment_and_no_other_however_many_wait(reader: EReader) -> None:
    waiting(reader, 10_000)
    reader.open()
    opened = ui_opens(reader, lambda: (reader.read(pages=30, seconds=20), reader.close()))

    newest = reader.segments()[-1].name
    assert set(opened) == {f"{newest} r+b", "booklorebridge.told ab", "booklorebridge.json rb"}


def test_the_menu_counts_what_waits_without_reading_it(reader: EReader) -> None:
    waiting(reader, 10_000)

    assert ui_opens(reader, lambda: None) == ui_opens(reader, reader.menu) == []
    assert reader.menu()[0].text == "Events that wait on this device: 10000"


def test_the_count_follows_what_is_written_and_handed_over(paired: EReader, core: LoopbackCore) -> None:
    paired.restart()
    core.status = 503
    for _ in range(3):
        paired.send("Resume")
    assert paired.menu()[0].text.endswith(": 3")
    paired.restart()
    paired.open()
    assert paired.menu()[0].text.endswith(": 4")

    core.status = 200
    paired.pass_time(4)
    assert paired.lua.eval("require('booklorebridge_spool').waiting()") == 0


def test_a_start_reads_no_segment_that_is_sealed(reader: EReader) -> None:
    waiting(reader, 10_000)

    opened = [file.path for file in reader.ko.opened.values() if file.path.endswith(".jsonl")]
    assert opened == []


def test_ten_thousand_lines_go_in_one_child_with_bounded_requests(paired: EReader, core: LoopbackCore) -> None:
    waiting(paired, 10_000)
    paired.send("NetworkConnected")
    paired.pass_time(4)

    assert [len(body["lines"]) for body in core.bodies("/v1/events")] == [1000] * 10 + [1]
    assert [body["waiting"] for body in core.bodies("/v1/events")][:2] == [10_001, 9_001]
    assert len(list(paired.ko.pipes.values())) == 1
    assert [line["event"] for line in paired.spool()] == ["device"]


def test_a_core_that_is_slow_gets_the_rest_from_the_next_child(paired: EReader, core: LoopbackCore) -> None:
    waiting(paired, 5_000)
    answer = core.answer

    def slowly(*request: Any) -> Any:
        paired.slept += 8
        return answer(*request)

    core.answer = slowly  # type: ignore[method-assign]
    paired.send("NetworkConnected")
    paired.pass_time(10)

    assert len(list(paired.ko.pipes.values())) == 2
    assert [line["event"] for line in paired.spool()] == ["device"]
    assert len({line["id"] for line in core.lines}) == len(core.lines) == 5001


def test_what_is_written_is_little_more_than_the_lines(reader: EReader) -> None:
    weeks(reader, days=3, suspends=10)

    assert written(reader) < 1.2
    assert sum("annotations" in line for line in reader.spool("book_close")) == 4


class Stopwatch:
    """Measures each turn of the UI loop and each event, without what children do."""

    def __init__(self, reader: EReader) -> None:
        self.reader, self.stalls = reader, [0.0]
        reader.send = self._timed(reader.send)  # type: ignore[method-assign]
        reader.menu = self._timed(reader.menu)  # type: ignore[method-assign]
        reader.ko.step = self._timed(reader.ko.step)

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any) -> Any:
            began, child = time.perf_counter(), self.reader.ko.child.seconds
            result = call(*args)
            self.stalls.append(time.perf_counter() - began - (self.reader.ko.child.seconds - child))
            return result

        return timed

    def longest(self, action: Callable[[], object], times: int = 5) -> float:
        """Milliseconds of the longest stall, in the calmest of several times."""
        found = []
        for _ in range(times):
            self.stalls = [0.0]
            action()
            found.append(max(self.stalls) * 1000)
        return min(found)


@pytest.mark.bench
def test_stalls_do_not_grow_with_what_waits(tmp_path: Path) -> None:
    figures = {}
    for lines in (10, 10_000):
        reader = EReader(tmp_path / str(lines))
        waiting(reader, lines)
        reader.open(annotations=[highlight(number) for number in range(400)])
        watch = Stopwatch(reader)
        figures[lines] = {
            "stretch ms": watch.longest(lambda: a_stretch(reader)),  # noqa: B023
            "menu ms": watch.longest(reader.menu),
        }
    print(figures)  # noqa: T201
    assert figures[10_000]["stretch ms"] < 2 * figures[10]["stretch ms"]


@pytest.mark.bench
def test_three_weeks_of_suspends(tmp_path: Path) -> None:
    reader = EReader(tmp_path)
    weeks(reader, days=1, suspends=10)
    watch = Stopwatch(reader)
    first = watch.longest(lambda: a_stretch(reader))
    weeks(reader, days=21, suspends=10)
    last = watch.longest(lambda: a_stretch(reader))
    size = len(reader.spool_bytes()) / 1e6
    print(f"stall {first:.1f} → {last:.1f} ms, spool {size:.1f} MB, written {written(reader):.2f} ×")  # noqa: T201
    assert last < 2 * first
    assert written(reader) < 1.2


@pytest.mark.bench
def test_a_backlog_goes_to_a_real_core(tmp_path: Path) -> None:
    home = {"BOOKLORE_HOME": str(tmp_path / "core")}
    core = Core(Places.from_environment(home), lambda: datetime.now(UTC), {})
    peaks = {}
    with serving(core) as url:
        for lines in (10, 10_000):
            reader = EReader(
                tmp_path / str(lines), device=f"kobo-{lines}", config={"url": url, "code": new_code(core)[0]}
            )
            waiting(reader, lines)
            reader.lua.execute("collectgarbage() collectgarbage()")
            watch = Stopwatch(reader)
            began = time.perf_counter()
            reader.send("NetworkConnected")
            reader.pass_time(30)
            seconds = time.perf_counter() - began
            assert [line["event"] for line in reader.spool()] == ["device"]
            peaks[lines], stall = reader.ko.child.kib / 1024, max(watch.stalls) * 1000
            print(f"{lines} lines: {seconds:.1f} s, {peaks[lines]:.1f} MiB, stall {stall:.1f} ms")  # noqa: T201
    core.close()
    assert seconds < 15
    assert peaks[10_000] - peaks[10] < 24
