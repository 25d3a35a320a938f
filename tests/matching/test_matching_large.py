"""Large libraries and long lists of strangers: one listing, few ranges, little memory, and nobody is held up."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from library_world import LISTING, Household, OpenHousehold, large_library, on_device

from booklore_core import Candidate
from booklore_core.testing import SampleReader, ServerBook, sample_book

STRANGERS, BOOKS = 100, 5_000
MOST_MEMORY = 60 * 1024 * 1024
RANGES_PER_PROOF = 12
QUESTIONS_PER_RUN = 10
"""How many strangers the image is asked about by digest in one run."""

CHILD = """
import json, sys
from pathlib import Path
from booklore_core.core import Core
from booklore_core.storage.places import Places

core = Core(Places.from_environment())
core.take([json.loads(line) for line in sys.stdin], "test")
report = core.sync()
core.close()
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps([int(status["VmHWM"].split()[0]), report.total("delivered"), report.requests]))
"""


def stock(household: Household) -> list[ServerBook]:
    """Three real files of 3 MiB and less, each as large as two others that are not read."""
    contents = [bytes(range(number, 250)) * 1024 * size for number, size in enumerate((12, 5, 1))]
    return [household.server.add_book(content, f"{content[0]}.epub", "Real") for content in contents]


def reading_of(books: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of one session of each book."""
    reader = SampleReader()
    for book in books:
        reader.read(book)
        reader.sleep(900)
    return reader.lines


def strangers(count: int = STRANGERS) -> list[dict[str, Any]]:
    return [sample_book(f"Unknown {number}", size=50_000_000 + number) for number in range(count)]


def test_strangers_cost_one_listing_a_sync_and_hold_nobody_up(household: Household) -> None:
    known = [on_device(book) for book in household.server.books.values()]
    household.core.take(reading_of([*strangers(), *known, *strangers(5)]), "test")

    first = household.sync()
    asked = len(household.server.requests)
    later = household.sync()

    assert sorted(household.arrived()) == [1, 2, 3, 4]
    assert (first.total("waiting"), later.total("waiting")) == ({"session": STRANGERS + 5},) * 2
    assert household.asked(LISTING) == 2
    by_digest = household.asked("/api/v1/books/by-hash/")
    assert by_digest <= 1 + 2 * QUESTIONS_PER_RUN + len(known)
    assert len(household.server.requests) - asked <= 2 + QUESTIONS_PER_RUN


@pytest.mark.parametrize("dialect", ["custom"])
def test_strangers_take_turns_in_being_asked_for(household: Household) -> None:
    late = household.server.books[2]
    untold = {**on_device(late), "title": None, "file": None, "size": None}
    household.read(untold, device="kobo-2")
    household.clock.forward(60)
    household.core.take(reading_of(strangers(35)), "test")

    runs = [household.sync().total("delivered") for _ in range(5)]

    assert {"session": 1} in runs


def test_large_library_costs_one_listing_few_ranges_and_little_memory(
    open_household: OpenHousehold, dialect: str
) -> None:
    household = open_household(dialect, {"books": large_library(BOOKS)})
    real = stock(household)
    household.core.take(reading_of([on_device(book) for book in real] + strangers(20)), "test")
    household.core.targets["booklore"].search("warm up the server", 1)  # type: ignore[attr-defined]
    household.core.targets["booklore"].close()  # type: ignore[attr-defined]
    listed, ranges = household.asked(LISTING), household.ranges()

    tracemalloc.start()
    report = household.sync()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert report.total("delivered") == {"session": 3}
    assert household.asked(LISTING) - listed == 1
    candidates = {one.path for one in household.server.requests if one.path.endswith("/content")}
    assert household.ranges() - ranges <= RANGES_PER_PROOF * len(candidates) <= RANGES_PER_PROOF * 9
    assert peak < MOST_MEMORY


def test_search_in_a_large_library_finds_the_book(open_household: OpenHousehold) -> None:
    household = open_household("grimmory", {"books": large_library(BOOKS)})
    household.server.add_book(b"needle", "needle.epub", "A Needle in the Hay", ["Ann Author"])
    target: Any = household.core.targets["booklore"]

    found = target.search("needle in hay", 5)

    assert found[0] == Candidate(str(BOOKS + 1), "A Needle in the Hay", ("Ann Author",), found[0].score)
    assert household.asked(LISTING) == 1


@pytest.mark.bench
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell")
def test_memory_of_a_whole_sync_with_a_large_library(
    open_household: OpenHousehold, dialect: str, tmp_path: Path
) -> None:
    sizes = []
    for count in (5, BOOKS):
        household = open_household(dialect, {"books": large_library(count)})
        lines = reading_of([on_device(book) for book in stock(household)] + strangers(20))
        sizes.append(sync_in_a_child(household, lines, tmp_path / f"child{count}"))

    more = (sizes[1] - sizes[0]) * 1024
    print(f"{dialect}: {BOOKS} books take {more / 2**20:.1f} MiB more")  # noqa: T201 what was measured
    assert more < MOST_MEMORY


def sync_in_a_child(household: Household, lines: list[dict[str, Any]], home: Path) -> int:
    """The most memory that a process of its own took for it, in KiB."""
    account = {"BOOKLORE_USERNAME": household.server.username, "BOOKLORE_PASSWORD": household.server.password}
    environ = {"BOOKLORE_HOME": str(home), "BOOKLORE_URL": household.server.url, **account, "PATH": ""}
    spool = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=spool, capture_output=True, text=True, env=environ, timeout=120, check=True
    )
    memory, delivered, _ = json.loads(done.stdout)
    assert delivered == {"session": 3}
    return int(memory)
