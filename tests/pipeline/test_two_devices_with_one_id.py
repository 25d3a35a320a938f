"""Settings that were copied or lost: whose lines are whose, and each of them once."""

import json
import random
import re
from datetime import timedelta

import pytest

from booklore_core.pipeline.clock import Contact
from booklore_core.testing import MORNING, FakeTarget, SampleReader, sample_book

DUNE, EMMA, PERSUASION = sample_book("Dune"), sample_book("Emma"), sample_book("Persuasion")


def written(*titles, device="kobo-1a2b3c4d", start=0):
    """What a reader wrote about these books, its counter beginning after start."""
    reader = SampleReader(device, MORNING + timedelta(minutes=10 * start), _counter=start)
    for title in titles:
        reader.read(sample_book(title))
        reader.sleep(600)
    return reader.lines


def hand_over(core, lines, device="kobo-1a2b3c4d", former_ids=()):
    return core.ingest.take(lines, f"device {device}", core.clock(), Contact(device, former_ids))


def devices(core):
    """Device → the titles of its lines, each once."""
    found = core.database.rows("SELECT e.device, b.title FROM events e JOIN books b ON b.partial_md5 = e.book_md5")
    return {
        device: {row["title"] for row in found if row["device"] == device} for device in {r["device"] for r in found}
    }


def sent(core, bookworm):
    core.sync()
    return sorted(item.book.title for item in bookworm.received)


@pytest.fixture
def bookworm():
    return FakeTarget()


@pytest.fixture
def core(open_core, bookworm):
    return open_core(bookworm)


def test_of_two_devices_with_one_id_both_arrive(core, bookworm):
    core.take(written("Dune"), "old.jsonl")

    taken = core.take(written("Emma"), "new.jsonl")

    ((told, given),) = taken.devices.items()
    assert (taken.accepted, taken.rejected, told) == (2, [], "kobo-1a2b3c4d")
    assert re.fullmatch("kobo-[0-9a-f]{8}", given) and given != told
    assert devices(core) == {told: {"Dune"}, given: {"Emma"}}
    assert sent(core, bookworm) == ["Dune", "Emma"]


def test_both_files_again_change_nothing(core, bookworm):
    old, new = written("Dune", "Dune"), written("Emma", "Dune")
    core.take(old, "old.jsonl")
    core.take(new, "new.jsonl")

    again = [core.take(lines, "again") for lines in (new, old, new)]

    assert [(taken.accepted, taken.repeated) for taken in again] == [(0, 4)] * 3
    assert sent(core, bookworm) == ["Dune", "Dune", "Dune", "Emma"]


def test_two_devices_in_one_file_are_told_apart(core):
    spool = [*written("Dune"), *written("Emma"), *written("Persuasion")]

    first, again = core.take(spool, "all.jsonl"), core.take(spool, "all.jsonl")

    assert (first.accepted, again.accepted, again.repeated) == (6, 0, 6)
    assert sorted(map(sorted, devices(core).values())) == [["Dune"], ["Emma"], ["Persuasion"]]


def test_once_it_is_known_whose_a_file_is_the_rest_of_it_is_too(core):
    core.take(written("Dune"), "old.jsonl")
    clone = written("Emma", "Persuasion")

    first = core.take(clone[:2], "new.jsonl")
    core.take(clone[2:], "new.jsonl", first.devices)

    assert sorted(map(sorted, devices(core).values())) == [["Dune"], ["Emma", "Persuasion"]]


def test_what_both_devices_remember_of_the_time_before_is_taken_once(core, bookworm):
    before = written("Dune")
    core.take([*before, *written("Emma", start=2)], "old.jsonl")

    taken = core.take([*before, *written("Persuasion", start=2)], "new.jsonl")

    assert (taken.accepted, taken.repeated) == (2, 2)
    assert sent(core, bookworm) == ["Dune", "Emma", "Persuasion"]


def test_a_device_that_is_told_its_new_id_too_late_repeats_itself_to_no_effect(core):
    hand_over(core, written("Dune"))
    clone = written("Emma")

    first, again = hand_over(core, clone), hand_over(core, clone)

    assert first.devices == again.devices != {"kobo-1a2b3c4d": "kobo-1a2b3c4d"}
    assert again.acknowledged == [line["id"] for line in clone]
    assert len(devices(core)) == 2


def test_under_its_new_id_it_hands_over_what_it_wrote_under_the_old_one(core, bookworm):
    hand_over(core, written("Dune"))
    clone = written("Emma", "Persuasion")
    given = hand_over(core, clone[:2]).devices["kobo-1a2b3c4d"]

    taken = hand_over(core, [*clone, *written("Dune", device=given, start=4)], given, ["kobo-1a2b3c4d"])

    assert (taken.accepted, taken.repeated, taken.devices) == (4, 2, {given: given})
    assert devices(core) == {"kobo-1a2b3c4d": {"Dune"}, given: {"Emma", "Persuasion", "Dune"}}
    assert sent(core, bookworm) == ["Dune", "Dune", "Emma", "Persuasion"]


def test_a_stretch_that_began_under_the_old_id_ends_under_the_new_one(core, bookworm):
    opened, closed = written("Emma")
    hand_over(core, written("Dune"))
    given = hand_over(core, [opened]).devices["kobo-1a2b3c4d"]
    closed = {**closed, "device": given, "id": closed["id"].replace("kobo-1a2b3c4d", given)}

    hand_over(core, [closed], given, ["kobo-1a2b3c4d"])
    core.derive.lead()

    assert sent(core, bookworm) == ["Dune", "Emma"]


def test_a_device_that_lost_its_settings_is_the_same_as_before(core):
    lines = written("Dune", "Emma")
    core.take(lines[:2], "spool")

    first = hand_over(core, lines, "kobo-ffffffff", ["kobo-1a2b3c4d"])
    again = core.take(lines, "spool")

    assert (first.accepted, first.repeated, again.accepted, again.repeated) == (2, 2, 0, 4)
    assert devices(core) == {"kobo-1a2b3c4d": {"Dune"}, "kobo-ffffffff": {"Emma"}}


def test_what_was_refused_for_a_used_id_before_is_taken_when_it_is_tried_again(core, clock):
    core.take(written("Dune"), "old.jsonl")
    for line in written("Emma"):
        core.database.run(
            "INSERT INTO quarantine (digest, source, line, field, reason, seen_at, version) "
            "VALUES (:digest, 'usb', :line, 'id', 'was used by another line', 0, '0.1')",
            digest=line["id"], line=json.dumps(line),
        )  # fmt: skip

    core.catch_up()

    assert core.quarantine.count() == 0
    assert sorted(map(sorted, devices(core).values())) == [["Dune"], ["Emma"]]


@pytest.mark.parametrize("seed", range(20))
def test_three_devices_with_one_id_in_any_order_lose_nothing_and_double_nothing(core, bookworm, seed):
    rng = random.Random(seed)
    spools = [written(title, title, title) for title in ("Dune", "Emma", "Persuasion")]
    ids, done = ["kobo-1a2b3c4d"] * 3, [0, 0, 0]
    while any(count < 6 for count in done):
        one = rng.choice([number for number, count in enumerate(done) if count < 6])
        until = min(6, done[one] + rng.choice((2, 4)))
        former_ids = [] if ids[one] == "kobo-1a2b3c4d" else ["kobo-1a2b3c4d"]
        taken = hand_over(core, spools[one][done[one] : until], ids[one], former_ids)
        if rng.random() < 0.7:  # otherwise the answer is lost
            done[one], ids[one] = until, taken.devices[ids[one]]
    core.derive.lead()

    assert core.quarantine.count() == 0
    assert sent(core, bookworm) == ["Dune"] * 3 + ["Emma"] * 3 + ["Persuasion"] * 3
