"""The spool's folder: segments that only grow, what takes them over, and who may write to one or delete it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from core_on_loopback import LoopbackCore
from ereader import EReader
from lupa.luajit21 import LuaError

POWER_CUT = (OSError, LuaError)
LIMIT = 256 * 1024
LINE = '{{"v":1,"id":"kobo-7f3a-{:06d}","event":"resume","at":"2026-11-20T14:00:00Z","device":"kobo-7f3a"}}\n'


def numbers(lines: list[dict[str, Any]]) -> list[int]:
    return [int(line["id"].rpartition("-")[2]) for line in lines]


def names(reader: EReader) -> list[str]:
    return [segment.name for segment in reader.segments()]


def read_a_lot(reader: EReader, books: int = 6) -> None:
    for number in range(books):
        reader.open(annotations=[{"datetime": f"2026-11-20 13:41:{number:02d}", "text": "x" * 100_000}])
        reader.close()


def arrived(core: LoopbackCore) -> dict[str, Any]:
    """Lines by their id; a line that came twice was the same both times."""
    told: dict[str, Any] = {}
    for line in core.lines:
        assert told.setdefault(line["id"], line) == line
    return told


def second_process(reader: EReader, core: LoopbackCore) -> EReader:
    return EReader(reader.root, device="", config={"url": core.url, "token": "secret"})


def test_a_segment_is_at_most_a_quarter_of_a_mebibyte_and_begins_with_the_device(reader: EReader) -> None:
    read_a_lot(reader)

    assert len(reader.segments()) > 2
    assert max(segment.stat().st_size for segment in reader.segments()) <= LIMIT
    for segment in reader.segments():
        assert json.loads(segment.read_bytes().splitlines()[0])["event"] == "device"


def test_in_the_order_of_their_names_segments_are_in_the_order_of_their_lines(reader: EReader) -> None:
    for _ in range(3):
        read_a_lot(reader, books=3)
        reader.restart()
    reader.send("Resume")

    assert numbers(reader.spool()) == sorted(set(numbers(reader.spool())))
    assert len(reader.segments()) >= 4


def test_more_than_a_thousand_lines_go_into_several_segments(reader: EReader) -> None:
    for _ in range(1200):
        reader.send("NetworkConnected")

    assert [len(segment.read_bytes().splitlines()) for segment in reader.segments()] == [1000, 202]
    assert numbers(reader.spool()) == list(range(1, 1203))


def test_a_line_longer_than_a_segment_goes_alone(reader: EReader) -> None:
    reader.open(annotations=[{"text": "x" * 400_000}])
    reader.close()
    reader.send("Resume")

    assert [line["event"] for line in reader.spool()] == [
        *["device", "book_open", "device", "book_close", "device", "resume"]
    ]


def test_nothing_is_ever_rewritten(paired: EReader, core: LoopbackCore) -> None:
    core.status = 503
    seen: dict[int, bytes] = {}
    for _ in range(4):
        read_a_lot(paired, books=2)
        paired.pass_time(4)
        for segment in paired.segments():
            inode, content = segment.stat().st_ino, segment.read_bytes()
            assert content.startswith(seen.get(inode, b""))
            seen[inode] = content


def takes_one_part_at_a_time(core: LoopbackCore) -> None:
    """From now on, after one part the core is busy until its status is 200 again."""
    answer, taken = core.answer, []

    def then_busy(method: str, path: str, body: Any) -> Any:
        if path != "/v1/events" or core.status != 200:
            return answer(method, path, body)
        taken.append(path)
        core.status = 200 if len(taken) % 2 else 503
        return answer(method, path, body)

    core.answer = then_busy  # type: ignore[method-assign]


def test_what_the_core_has_as_a_whole_is_deleted_and_the_rest_stays(paired: EReader, core: LoopbackCore) -> None:
    core.status = 503
    read_a_lot(paired, books=20)
    paired.pass_time(4)
    before, core.status = len(paired.segments()), 200
    takes_one_part_at_a_time(core)
    paired.send("NetworkConnected")
    paired.pass_time(4)

    first, second = core.bodies("/v1/events")[-2:]
    kept = [line["id"] for line in paired.spool() if line["event"] != "device"]
    assert len(paired.segments()) < before
    assert {line["id"] for line in second["lines"]} <= set(kept)
    assert len(set(kept) & {line["id"] for line in first["lines"]}) <= 4


def test_lines_that_the_core_has_are_not_handed_over_again_while_their_segment_lives(
    paired: EReader, core: LoopbackCore
) -> None:
    paired.put_segment("".join(LINE.format(i) for i in range(1, 3501)))
    paired.restart()
    takes_one_part_at_a_time(core)
    for _ in range(5):
        core.status = 200
        paired.send("NetworkConnected")
        paired.pass_time(4)

    firsts = [body["lines"][0]["id"] for body in core.bodies("/v1/events")]
    assert firsts[:6:2] == ["kobo-7f3a-000001", "kobo-7f3a-001001", "kobo-7f3a-002001"]


@pytest.mark.parametrize("lasts", [*range(12), 1000])
def test_the_single_file_of_an_older_version_is_taken_over_wherever_the_power_fails(
    tmp_path: Path, core: LoopbackCore, lasts: int
) -> None:
    settings = tmp_path / "settings"
    settings.mkdir()
    head = '{"v":1,"id":"kobo-7f3a-000001","event":"device","at":"2026-11-20T14:00:00Z","device":"kobo-7f3a"}\n'
    old = head + "".join(LINE.format(i) for i in range(2, 1700))
    settings.joinpath("booklorebridge.spool").write_text(old + '{"v":1,"id":"kobo-7f3a-001700","ev')
    config = {"url": core.url, "token": "secret"}
    reader = EReader.__new__(EReader)
    with suppress(*POWER_CUT):
        reader.__init__(tmp_path, config=config, power_lasts=lasts)  # type: ignore[misc]
    reader.power_lasts = 10**6
    reader.plugin.joinpath("booklorebridge.json").write_text(json.dumps(config))
    reader.restart()
    reader.send("NetworkConnected")
    reader.pass_time(4)

    torn, whole = core.lines[1698], [line for line in core.lines if isinstance(line, dict)]
    assert [line["id"] for line in whole[:1698]] == [f"kobo-7f3a-{i:06d}" for i in range(2, 1700)]
    assert torn == '{"v":1,"id":"kobo-7f3a-001700","ev'
    assert numbers(whole)[-1] > 1700
    assert [line["event"] for line in reader.spool()] == ["device"]


def test_ids_of_two_processes_differ_and_no_line_of_either_is_lost(paired: EReader, core: LoopbackCore) -> None:
    other = second_process(paired, core)
    for number in range(6):
        for reader in (paired, other):
            reader.open()
            reader.read(pages=6, seconds=5)
            reader.close()
            if number % 2:
                reader.pass_time(4)
    for reader in (paired, other):
        reader.send("NetworkConnected")
        reader.pass_time(4)

    told = list(arrived(core).values())
    assert [line["event"] for line in told].count("book_close") == 12
    assert len({(line["id"]) for line in told}) == 2 * (6 * 3 + 1)
    assert {line["event"] for line in paired.spool()} == {"device"}


def test_a_segment_that_another_process_has_handed_over_and_deleted_is_left_for_a_new_one(
    paired: EReader, core: LoopbackCore
) -> None:
    paired.connected = True
    paired.open()
    other = second_process(paired, core)
    other.send("NetworkConnected")
    other.pass_time(4)
    assert "book_open" in core.events()

    paired.read(pages=5, seconds=5)
    paired.close()
    paired.pass_time(4)
    assert core.events().count("page_turns") == core.events().count("book_close") == 1
    assert len(arrived(core)) == 4


def test_lines_that_a_writer_adds_while_its_segment_is_sealed_are_in_another_one_too(paired: EReader) -> None:
    paired.open()
    paired.segments()[0].rename(paired.setting("spool") / "00000001-0001.jsonl")
    paired.close()

    assert [line["event"] for line in paired.spool()] == ["device", "book_open", "device", "book_close"]


def test_a_segment_that_grew_behind_the_childs_back_is_not_deleted(paired: EReader, core: LoopbackCore) -> None:
    paired.send("Resume")
    later = paired.put_segment(LINE.format(5001), "00000006-0001.jsonl")
    answer = core.answer

    def meanwhile(*request: Any) -> Any:
        if request[1] == "/v1/events" and later.exists():
            later.write_text(later.read_text() + LINE.format(5002))
        return answer(*request)

    core.answer = meanwhile  # type: ignore[method-assign]
    paired.pass_time(4)
    assert later.exists()

    core.answer = answer  # type: ignore[method-assign]
    paired.send("NetworkConnected")
    paired.pass_time(4)
    assert "kobo-7f3a-005002" in arrived(core)
    assert [line["event"] for line in paired.spool()] == ["device"]


@pytest.mark.parametrize("lasts", range(1, 40, 2))
def test_wherever_the_power_fails_each_line_arrives_as_it_was_written(
    paired: EReader, core: LoopbackCore, lasts: int
) -> None:
    core.status = 503
    read_a_lot(paired, books=3)
    core.status = 200
    paired.power_lasts = paired.operations + lasts
    written = {line["id"]: line for line in paired.spool() if line["event"] != "device"}
    with suppress(*POWER_CUT):
        paired.send("NetworkConnected")
        paired.pass_time(4)
        paired.open()
        paired.close()
        paired.pass_time(4)
    written |= {line["id"]: line for line in paired.spool() if line["event"] != "device"}

    paired.power_lasts = 10**6
    paired.restart()
    paired.send("NetworkConnected")
    paired.pass_time(4)
    told = arrived(core)
    assert {id_: told.get(id_) for id_ in written} == written
    assert [line["event"] for line in paired.spool()] == ["device"]


def test_the_folder_may_be_deleted_while_koreader_runs(paired: EReader) -> None:
    paired.open()
    paired.lose_spool()
    paired.close()

    assert [line["event"] for line in paired.spool()] == ["device", "book_close"]


def test_other_files_in_the_folder_are_nobodys_business(paired: EReader, core: LoopbackCore) -> None:
    paired.put_segment("what is this?\n", "notes.txt")
    paired.restart()
    paired.open()
    paired.close()
    paired.pass_time(4)

    assert core.events() == ["book_open", "book_close"]
    assert paired.setting("spool").joinpath("notes.txt").exists()
