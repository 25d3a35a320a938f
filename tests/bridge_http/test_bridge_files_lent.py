"""A file that an e-reader sent belongs to the action that it was sent for, until that is done."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from bridge_world import EReader, paired, toasts
from files_world import COUNT, NOON, STATISTICS, TAKE_OVER, kept, put, sent, statistics, with_actions

from booklore_core import Action, Result
from booklore_core.core import Core

LENT: list[str] = []


def read_slowly(core: Core, request: Any) -> Any:
    """Reads half, waits, reads the rest."""
    LENT.append(request.args["path"])
    yield from ()
    with Path(request.args["path"]).open("rb") as file:
        half = file.read(4)
        MAY_GO_ON.wait(20)
        return Result((half + file.read()).decode())


MAY_GO_ON = threading.Event()
SLOWLY = Action("read_slowly", "Read slowly", read_slowly)


@pytest.fixture
def core(open_core: Any) -> Core:
    return with_actions(open_core(), COUNT, TAKE_OVER, SLOWLY)


@pytest.fixture
def database(tmp_path: Path) -> bytes:
    return statistics(tmp_path, rows=70).read_bytes()


def the_question(answer: dict[str, Any]) -> dict[str, Any]:
    (question,) = answer["effects"]
    assert question["type"] == "question", question
    return question


def test_the_file_stays_while_a_person_thinks_and_goes_with_the_answer(
    core: Core, ereader: EReader, database: bytes
) -> None:
    sent(ereader, database)

    question = the_question(ereader.act("count_pages", file=STATISTICS, asks=True))
    assert question["text"] == "Keep 70 pages?" and kept(core)

    assert toasts(ereader.answer(question, True)) == ["70 pages"]
    assert kept(core) == [] and not list((core.places.home / "uploads").iterdir())


@pytest.mark.parametrize("answer", [None, False])
def test_a_no_is_the_end_too(core: Core, ereader: EReader, database: bytes, answer: Any) -> None:
    sent(ereader, database)

    ereader.answer(the_question(ereader.act("count_pages", file=STATISTICS, asks=True)), answer)

    assert kept(core) == []


def test_an_action_that_fails_leaves_nothing(core: Core, ereader: EReader, database: bytes) -> None:
    sent(ereader, database)

    assert toasts(ereader.act("count_pages", file=STATISTICS, fails=True))[0].startswith(
        "The plugin third_party failed"
    )
    assert kept(core) == []


def test_a_question_that_nobody_answers_leaves_nothing_and_takes_nothing_from_the_next_try(
    core: Core, ereader: EReader, clock: Any, database: bytes
) -> None:
    """As after an answer that was lost on its way: the person begins again, and the file needs not be sent twice."""
    sent(ereader, database)
    the_question(ereader.act("count_pages", file=STATISTICS, asks=True))

    clock.forward(minutes=9)
    assert sent(ereader, database) == [len(database)]
    second = the_question(ereader.act("count_pages", file=STATISTICS, asks=True))
    clock.forward(minutes=2)

    assert toasts(ereader.answer(second, True)) == ["70 pages"]
    ereader.act("about")
    for thread in threading.enumerate():
        if thread.name == "given up":
            thread.join(20)
    assert kept(core) == []


def test_what_is_sent_meanwhile_is_another_file(core: Core, url: str, serve: Any) -> None:
    MAY_GO_ON.clear()
    ereader = paired(core, serve(core, action=0.05))
    sent(ereader, b"one state of it")

    assert "background" in toasts(ereader.act("read_slowly", file=STATISTICS))[0]
    sent(ereader, b"and another", changed=NOON + 9)
    MAY_GO_ON.set()

    heard: list[str] = []
    while not heard:
        heard = toasts(ereader.act("set_setting", name="sync.silent", value=False))
    assert heard == ["one state of it"]
    assert [path.name for path in kept(core)] == [STATISTICS, f"{STATISTICS}.json"]
    assert toasts(ereader.act("take_over", file=STATISTICS)) == ["11 bytes taken over"]


def test_an_action_is_told_nothing_but_a_path_that_ends_in_the_files_name(
    core: Core, ereader: EReader, database: bytes
) -> None:
    sent(ereader, database)
    LENT.clear()
    MAY_GO_ON.set()

    ereader.post("/v1/actions/read_slowly", {"args": {"file": STATISTICS}})

    (path,) = map(Path, LENT)
    assert path.name == STATISTICS and path.is_relative_to(core.places.home / "uploads") and not path.exists()


def test_an_action_for_a_file_that_is_not_there_or_not_whole_is_refused_in_a_sentence(
    ereader: EReader, database: bytes
) -> None:
    missing = ereader.post("/v1/actions/count_pages", {"args": {"file": STATISTICS}})
    put(ereader, STATISTICS, database[:100], size=len(database))
    half = ereader.post("/v1/actions/count_pages", {"args": {"file": STATISTICS}})

    for refused in (missing, half):
        assert refused.status_code == 422
        assert refused.json()["detail"] == "statistics.sqlite3 has not arrived whole; try again"


@pytest.mark.parametrize("path", ["statistics.sqlite3", "", None, 7])
def test_a_device_can_name_no_path_of_the_computer(core: Core, ereader: EReader, tmp_path: Path, path: Any) -> None:
    statistics(tmp_path, rows=1)
    for args in ({"path": str(tmp_path / STATISTICS)}, {"path": path}, {"path": path, "file": STATISTICS}):
        refused = ereader.post("/v1/actions/count_pages", {"args": args})

        assert refused.status_code == 422
        assert refused.json()["detail"].startswith("path: an e-reader cannot name a file of this computer")


@pytest.mark.parametrize(
    "name", ["../statistics.sqlite3", "/etc/passwd", "a\0.sqlite3", "x" * 300, "", 7, [], f"{STATISTICS}-wal", ".json"]
)
def test_a_file_by_a_name_that_is_none_is_refused(core: Core, ereader: EReader, name: Any) -> None:
    refused = ereader.post("/v1/actions/count_pages", {"args": {"file": name}})

    assert refused.status_code == 422
    assert "is no file that an e-reader sends" in refused.json()["detail"]


def test_one_device_does_not_get_what_another_has_sent(core: Core, url: str, ereader: EReader, database: bytes) -> None:
    sent(ereader, database)

    other = paired(core, url, "kindle")

    assert other.post("/v1/actions/count_pages", {"args": {"file": STATISTICS}}).status_code == 422
    assert toasts(ereader.act("count_pages", file=STATISTICS)) == ["70 pages"]
