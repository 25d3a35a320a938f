"""A book's list of annotations goes into a line only when it differs from the last one written down."""

from __future__ import annotations

from typing import Any

from core_on_loopback import LoopbackCore
from ereader import EReader

FIRST = {"datetime": "2026-11-20 13:41:02", "text": "Fear is the mind-killer", "drawer": "lighten"}
SECOND = FIRST | {"datetime": "2026-11-20 13:45:00", "text": "The spice must flow"}


def read(reader: EReader, *annotations: dict[str, Any], name: str = "dune.epub") -> None:
    reader.open(name, annotations=list(annotations))
    reader.close()


def lists(reader: EReader) -> list[Any]:
    return [line.get("annotations", "as told") for line in reader.spool("book_close")]


def test_the_same_list_is_written_once(reader: EReader) -> None:
    for _ in range(3):
        read(reader, FIRST)

    assert lists(reader) == [[FIRST], "as told", "as told"]


def test_a_list_that_has_changed_is_written_again(reader: EReader) -> None:
    read(reader, FIRST)
    read(reader, FIRST, SECOND)
    read(reader, FIRST | {"note": "edited"}, SECOND)
    read(reader)
    read(reader)
    read(reader, FIRST)

    assert [len(one) for one in lists(reader)[:4]] == [1, 2, 2, 0]
    assert lists(reader)[4:] == ["as told", [FIRST]]


def test_each_book_has_a_list_of_its_own(reader: EReader) -> None:
    reader.put_book("emma.epub", b"another book")
    for _ in range(2):
        read(reader, FIRST)
        read(reader, SECOND, name="emma.epub")

    assert lists(reader) == [[FIRST], [SECOND], "as told", "as told"]


def test_a_restart_forgets_nothing(reader: EReader) -> None:
    read(reader, FIRST)
    reader.restart()
    read(reader, FIRST)

    assert lists(reader) == [[FIRST], "as told"]


def test_what_the_core_has_is_known_after_its_segment_is_gone(paired: EReader, core: LoopbackCore) -> None:
    read(paired, FIRST)
    paired.pass_time(4)
    assert [line["event"] for line in paired.spool()] == ["device"]
    read(paired, FIRST)
    paired.pass_time(4)
    paired.restart()
    read(paired, FIRST)
    paired.pass_time(4)

    closed = [line.get("annotations") for line in core.lines if line["event"] == "book_close"]
    assert closed == [[FIRST], None, None]


def test_a_list_that_was_lost_with_its_segment_is_written_again(reader: EReader) -> None:
    read(reader, FIRST)
    reader.lose_spool()
    read(reader, FIRST)
    reader.restart()
    reader.lose_spool()
    read(reader, FIRST)

    assert lists(reader) == [[FIRST]]


def test_a_list_that_the_disk_did_not_take_is_not_counted_as_written(reader: EReader) -> None:
    reader.open(annotations=[FIRST])
    reader.full = True
    reader.close()
    reader.restart()
    reader.full = False
    read(reader, FIRST)

    assert lists(reader) == [[FIRST]]


def test_a_core_that_is_paired_anew_is_told_again(paired: EReader, core: LoopbackCore) -> None:
    read(paired, FIRST)
    paired.pass_time(4)
    paired.remember(device={"id": "kobo-7f3a"}, url=core.url, token="old", code="123456")
    paired.restart()
    paired.send("NetworkConnected")
    paired.pass_time(4)
    read(paired, FIRST)

    assert lists(paired) == [[FIRST]]


def test_positions_are_told_with_the_digits_that_the_sidecar_keeps(reader: EReader) -> None:
    """Else the same highlight is another one as soon as the book was opened again."""
    book = reader.open("paper.pdf", paged=True, annotations=[FIRST | {"page": 2, "pos0": {"page": 2, "x": 271 / 3}}])
    reader.close()
    sidecar = reader.ko.doc_settings.findSidecarFile(reader.ko.doc_settings, book.file)
    (kept,) = reader.ko.doc_settings.openSettingsFile(sidecar).data.annotations.values()
    reader.open("paper.pdf", paged=True, annotations=[FIRST | {"page": 2, "pos0": {"page": 2, "x": kept.pos0.x}}])
    reader.close()

    first, second = lists(reader)
    assert (first[0]["pos0"], second) == ({"page": 2, "x": 90.333333333333}, "as told")


def test_without_a_digest_of_the_book_the_list_is_written_each_time(reader: EReader) -> None:
    for _ in range(2):
        reader.open(file="/mnt/onboard/Books/gone.epub", annotations=[FIRST], settings={"partial_md5_checksum": ""})
        reader.close()

    assert lists(reader) == [[FIRST], [FIRST]]


def test_what_is_remembered_is_bounded(reader: EReader) -> None:
    told = reader.setting("told")
    told.write_text("".join(f"{i:032x} {i:032x} -\n" for i in range(1500)))
    reader.restart()
    read(reader, FIRST)
    reader.restart()
    read(reader, FIRST)

    assert lists(reader) == [[FIRST], "as told"]
    assert told.stat().st_size <= 32 * 1024 + 100
