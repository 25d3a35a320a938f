"""Who speaks: a device that lost its settings, one whose settings were copied, and what it handed over before."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from bridge_world import DUNE, EReader, ok, paired

from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core
from booklore_core.testing import FakeTarget, SampleReader, sample_book

EMMA = sample_book("Emma")


def copied(ereader: EReader) -> EReader:
    """A second device that was set up with a copy of the first one's settings: the same id, the same token."""
    return EReader(ereader.url, ereader.id, ereader.token, SampleReader(ereader.id))


def told_id(answer: dict[str, Any]) -> str | None:
    return next((effect["id"] for effect in answer["effects"] if effect["type"] == "device"), None)


def speak_as(ereader: EReader, id_: str, *lines: Any) -> dict[str, Any]:
    """Hands over under a new id, as the same token lets it."""
    former_ids, ereader.id = [ereader.id], id_
    body = {"device": {**ereader.device, "former_ids": former_ids}, "lines": list(lines)}
    answer: dict[str, Any] = ereader.post("/v1/events", body).json()
    return answer


def titles(bookworm: FakeTarget) -> list[tuple[str, str]]:
    return sorted((item.book.title or "", item.body["device"]) for item in bookworm.received)


def test_a_copied_device_is_told_its_new_id_and_goes_on_under_it(ereader: EReader, bookworm: FakeTarget) -> None:
    clone = copied(ereader)
    ereader.hand_off(*ereader.reader.read(DUNE))
    first, last = clone.reader.read(EMMA), clone.reader.read(DUNE)

    answer = clone.hand_off(*first)
    given = told_id(answer)

    assert given and given != ereader.id and answer["ack"] == [line["id"] for line in first]
    assert answer["effects"][0]["type"] == "device"
    assert speak_as(clone, given, *last)["ack"] == [line["id"] for line in last]
    assert clone.act("view_pending")["effects"]
    assert titles(bookworm) == [("Dune", "kobo-7f3a"), ("Dune", given), ("Emma", given)]
    assert told_id(ereader.hand_off()) is None


def test_after_a_lost_answer_it_is_told_the_same_id(core: Core, ereader: EReader) -> None:
    clone = copied(ereader)
    ereader.hand_off(*ereader.reader.read(DUNE))
    clone.reader.read(EMMA)

    first, again = clone.hand_off(), clone.hand_off()

    assert told_id(first) == told_id(again) is not None
    assert core.quarantine.count() == 0 and core.event_log.end == 4


def test_a_device_that_was_told_apart_in_a_file_may_speak_once_it_is_paired(core: Core, url: str) -> None:
    one, other = SampleReader(), SampleReader()
    core.take(one.read(DUNE), "old.jsonl")
    core.take(other.read(EMMA), "new.jsonl")
    ereader = paired(core, url)
    clone = copied(ereader)

    given = told_id(clone.hand_off(*other.lines))

    assert given and speak_as(clone, given, other.network())["ack"]


def test_revoking_a_device_takes_the_token_from_its_copy_too(core: Core, ereader: EReader) -> None:
    clone = copied(ereader)
    ereader.hand_off(*ereader.reader.read(DUNE))
    given = told_id(clone.hand_off(*clone.reader.read(EMMA)))

    core.devices.revoke(str(given))

    assert requests.get(f"{ereader.url}/v1/menu", headers=ereader.headers, timeout=5).status_code == 401


def test_a_token_speaks_for_no_other_id(core: Core, url: str, ereader: EReader) -> None:
    other = paired(core, url, "kindle")
    other.token = ereader.token

    assert other.post("/v1/events", {"device": other.device, "lines": []}).status_code == 403


@pytest.mark.parametrize("told", ["at pairing", "with the lines"])
def test_lines_of_a_former_id_are_the_devices_own(core: Core, url: str, bookworm: FakeTarget, told: str) -> None:
    lost = SampleReader("kobo-1a2b3c4d")
    ereader = EReader(url, "kobo-ffffffff", reader=SampleReader("kobo-ffffffff"))
    device = {**ereader.device, "former_ids": ["kobo-1a2b3c4d"]}
    ereader.token = ereader.post("/v1/pair", {"code": new_code(core)[0], "device": device}).json()["token"]
    lines = lost.read(DUNE)

    answer = ereader.post("/v1/events", {"device": device, "lines": lines}).json()

    assert (answer["ack"], answer["rejected"]) == ([line["id"] for line in lines], [])
    assert titles(bookworm) == [("Dune", "kobo-ffffffff")]


def test_a_copy_of_a_device_that_lost_its_settings_does_not_become_that_one(core: Core, url: str) -> None:
    """The first one has a token of its own by now, by which the copy may not speak."""
    before = paired(core, url)
    clone = copied(before)
    before.hand_off(*before.reader.read(DUNE))
    after = paired(core, url, "kobo-ffffffff")
    ok(after.post("/v1/events", {"device": {**after.device, "former_ids": [before.id]}, "lines": []}))

    given = told_id(clone.hand_off(*clone.reader.read(EMMA)))

    assert given not in (None, before.id, after.id)
    assert after.hand_off(after.reader.network())["ack"]
    assert speak_as(clone, str(given), clone.reader.network())["ack"]


def test_what_was_refused_as_anothers_is_taken_once_the_other_turns_out_to_be_the_same(core: Core, url: str) -> None:
    lost, ereader = SampleReader("kobo-1a2b3c4d"), paired(core, url, "kobo-ffffffff")
    refused = ereader.hand_off(*lost.read(DUNE), "{torn")
    assert len(refused["rejected"]) == 3

    device = {**ereader.device, "former_ids": ["kobo-1a2b3c4d"]}
    ereader.post("/v1/events", {"device": device, "lines": []})

    assert [line.field for line in core.quarantine.lines()] == ["line"]
    assert core.pending() == {} and core.event_log.end == 2
