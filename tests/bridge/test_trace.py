"""What the shim writes down of a session that a real KOReader recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trace_replay import Replay, spool_from_trace

from booklore_core.pipeline.spool import parse_line

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture
def lines(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in spool_from_trace(tmp_path).read_bytes().splitlines()]


def test_the_lines_are_the_golden_ones_byte_for_byte(tmp_path: Path) -> None:
    assert spool_from_trace(tmp_path).read_bytes() == (GOLDEN / "trace.jsonl").read_bytes()


def test_no_handler_failed(tmp_path: Path) -> None:
    assert Replay(tmp_path).run().log() == []


def test_events_come_in_the_order_in_which_they_happened(lines: list[dict[str, Any]]) -> None:
    assert [f"{line['event']} {line.get('reason', '')}".strip() for line in lines] == [
        "device",
        *["book_open", "page_turns", "page_turns", "network_connected", "book_close suspend"],
        *["resume", "network_connected", "book_close suspend"],
        *["resume", "network_connected", "book_close close"],
        *["book_open", "book_close close"],
        *["book_open", "book_close close"],
        *["book_open", "book_close close"],
        "delete",
        *["book_open", "book_close exit"],
    ]


def test_twelve_turns_a_font_change_and_a_jump_are_twelve_page_turns(lines: list[dict[str, Any]]) -> None:
    first = next(line for line in lines if line["event"] == "book_close")

    assert first["reading"]["turns"] == 12
    assert (first["reading"]["page"], first["reading"]["pages"]) == (3, 32)


def test_a_jump_to_the_last_page_that_is_shown_again_is_no_turn(lines: list[dict[str, Any]]) -> None:
    closes = [line for line in lines if line["event"] == "book_close"]

    assert (closes[2]["reading"]["turns"], closes[2]["reading"]["percent"]) == (0, 1)


def test_a_checkpoint_has_the_position_of_its_own_page(lines: list[dict[str, Any]]) -> None:
    sixth, eleventh = (line["reading"] for line in lines if line["event"] == "page_turns")

    assert (sixth["page"], sixth["position"]) == (6, "/body[1]/DocFragment[1]/body[1]/p[10]/text()[1].0")
    assert (eleventh["page"], eleventh["position"]) == (11, "/body[1]/DocFragment[2]/body[1]/p[6]/text()[1].37")


def test_stars_and_annotations_are_read_live_because_the_sidecar_is_stale_on_close(lines: list[dict[str, Any]]) -> None:
    opened, closed = (next(line for line in lines if line["event"] == event) for event in ("book_open", "book_close"))

    assert opened["reading"]["stars"] is None
    assert (closed["reading"]["stars"], closed["reading"]["status"]) == (4, "complete")
    assert [item["drawer"] for item in closed["annotations"]] == ["lighten"]


def test_the_many_updates_before_a_pdf_is_ready_are_no_page_turns(lines: list[dict[str, Any]]) -> None:
    pdf = [line for line in lines if line.get("book", {}).get("file", "").endswith(".pdf")]

    assert [line["reading"]["turns"] for line in pdf] == [0, 1, 0, 0]
    assert [line["reading"]["page"] for line in pdf] == [1, 2, 1, 1]
    assert {line["reading"]["position"] for line in pdf} == {"1"}  # scrolling: the page at the top


def test_a_renamed_book_that_is_deleted_is_told_with_its_digest(lines: list[dict[str, Any]]) -> None:
    (deleted,) = [line for line in lines if line["event"] == "delete"]

    assert deleted["book"]["partial_md5"] == "62f9d8938aec49aaaca1d8d44c9b3156"
    assert deleted["book"]["title"] == "Ruby and Notes"


def test_ids_are_unique_and_rise(lines: list[dict[str, Any]]) -> None:
    ids = [line["id"] for line in lines]

    assert ids == sorted(set(ids))
    assert all(line["device"] == "kobo-7f3a" and line["at"].endswith("Z") for line in lines)


@pytest.mark.parametrize("golden", ["trace.jsonl", "highlights.jsonl"])
def test_the_core_understands_every_golden_line(golden: str) -> None:
    lines = (GOLDEN / golden).read_text(encoding="utf-8").splitlines()

    assert [parse_line(line).event.name for line in lines] == [json.loads(line)["event"] for line in lines]
