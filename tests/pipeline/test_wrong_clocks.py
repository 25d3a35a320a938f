"""Lines by a wrong clock: set right where it can be known, else kept aside with a reason until it can be."""

from datetime import UTC, datetime, timedelta

import pytest

from booklore_core.pipeline.clock import Contact
from booklore_core.testing import FakeTarget, SampleReader, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
YEARS = [1970, 2000, 2010, 2012, 2017]


@pytest.fixture
def bookworm():
    return FakeTarget()


@pytest.fixture
def core(open_core, bookworm):
    return open_core(bookworm)


@pytest.fixture
def hand_over(core, clock):
    """Hands over what a reader wrote since the last time, at the core's now; until then the device slept."""
    done = {}

    def hand(reader, wrong=timedelta(), boot=None, is_all=True):
        now = reader.now - wrong
        assert clock() >= now
        reader.sleep((clock() - now).total_seconds())
        first, done[reader.device] = done.get(reader.device, 0), len(reader.lines)
        contact = Contact(reader.device, up=reader.up, boot=reader.boot, is_all=is_all)
        taken = core.ingest.take(reader.lines[first:], f"device {reader.device}", clock(), contact)
        core.derive.lead()
        return taken

    return hand


def sessions(core, bookworm):
    core.sync()
    return sorted((item.body["start"], item.body["end"], item.body["duration"]) for item in bookworm.received)


def waiting(core):
    return [(line.field, line.reason) for line in reversed(core.quarantine.lines())]


def remarks(core):
    return [row["remark"] for row in core.database.rows("SELECT remark FROM remarks ORDER BY key")]


READ = ("2026-11-20T08:00:00Z", "2026-11-20T08:06:40Z", 400)


@pytest.mark.parametrize("wrong", [timedelta(hours=5), -timedelta(hours=3), timedelta(days=700), -timedelta(days=9000)])
@pytest.mark.parametrize("boot", [None, "1a2b3c4d"])
def test_what_is_handed_over_in_the_boot_in_which_it_was_read_is_set_right(core, bookworm, hand_over, wrong, boot):
    reader = SampleReader(up=1000, boot=boot)
    reader.now += wrong
    reader.read(DUNE)

    taken = hand_over(reader, wrong)

    assert (taken.accepted, taken.rejected) == (2, [])
    assert sessions(core, bookworm) == [READ]
    (remark,) = remarks(core)
    assert ("ahead" if wrong > timedelta() else "behind") in remark and "Dune" in remark


def test_what_the_device_told_is_kept_beside_the_truth_and_known_again(core, hand_over):
    reader = SampleReader(up=1000)
    reader.now += timedelta(hours=5)
    lines = reader.read(DUNE)
    hand_over(reader, timedelta(hours=5))

    kept = core.database.rows("SELECT line FROM events ORDER BY id")

    assert all('"told_at":"2026-11-20T13:0' in row["line"] for row in kept)
    assert core.take(lines, "again").repeated == 2


def test_a_clock_that_is_right_leaves_no_remark_and_no_trace(core, bookworm, hand_over):
    reader = SampleReader(up=1000)
    reader.read(DUNE)

    hand_over(reader, timedelta(seconds=0))

    assert (sessions(core, bookworm), remarks(core)) == ([READ], [])
    assert core.database.value("SELECT COUNT(*) FROM events WHERE line LIKE '%told_at%'") == 0


def test_of_many_lines_by_a_wrong_clock_one_book_has_one_remark(core, hand_over):
    reader = SampleReader(up=1000)
    reader.now += timedelta(hours=5)
    for _ in range(10):
        reader.read(DUNE)

    hand_over(reader, timedelta(hours=5))

    assert len(remarks(core)) == 1


def good_day(reader, day):
    reader.now = datetime(2026, 11, day, 8, tzinfo=UTC)
    return reader.read(DUNE)


def spool_with_lost_years(years=YEARS):
    """Good days around days on which the clock stood at its makers' birthday."""
    reader = SampleReader()
    good_day(reader, 18)
    for year in years:
        reader.now = datetime(year, 1, 1, 0, 2, tzinfo=UTC)
        reader.read(EMMA)
    good_day(reader, 19)
    return reader.lines


def test_from_a_file_exactly_the_good_days_arrive_and_the_rest_waits_with_its_reason(core, bookworm):
    lines = spool_with_lost_years()

    taken = core.take(lines, "spool.jsonl")

    assert taken.acknowledged == [line["id"] for line in lines[:2] + lines[-2:]]
    assert [start[:10] for start, _, _ in sessions(core, bookworm)] == ["2026-11-18", "2026-11-19"]
    assert {field for field, _ in waiting(core)} == {"at"} and len(waiting(core)) == 10
    assert "1970-01-01 00:02 UTC: that clock had been reset" in waiting(core)[0][1]
    assert core.status().as_json()["quarantine"]["lines"] == 10


def test_the_device_may_begin_with_a_lost_clock(core, bookworm):
    core.take(spool_with_lost_years()[2:], "spool.jsonl")

    assert [start[:10] for start, _, _ in sessions(core, bookworm)] == ["2026-11-19"]


def test_the_same_file_again_changes_nothing(core, bookworm):
    lines = spool_with_lost_years()
    core.take(lines, "spool.jsonl")

    again = core.take(lines, "spool.jsonl")

    assert (again.accepted, again.repeated, len(again.rejected)) == (0, 4, 10)
    assert len(waiting(core)) == 10


def test_what_waits_is_taken_by_itself_when_its_boot_is_handed_over_after_all(core, bookworm, clock, hand_over):
    reader = SampleReader(up=50, boot="1a2b3c4d")
    wrong = reader.now - datetime(2012, 1, 1, tzinfo=UTC)
    reader.now -= wrong
    core.take(reader.read(DUNE), "spool.jsonl")
    assert len(waiting(core)) == 2
    reader.network()

    hand_over(reader, -wrong)

    assert waiting(core) == []
    assert sessions(core, bookworm) == [READ]


def test_a_hand_over_of_nothing_new_tells_when_its_boot_began_all_the_same(core, bookworm, hand_over):
    reader, other = SampleReader(up=50, boot="1a2b3c4d"), SampleReader(up=50, boot="1a2b3c4d")
    line = reader.network()
    other.network()
    hand_over(reader)
    other.now = datetime(2012, 1, 1, tzinfo=UTC)
    core.take(other.read(DUNE), "spool.jsonl")
    contact = Contact(reader.device, up=reader.up, boot=reader.boot)

    core.ingest.take([line], "device", core.clock(), contact)
    core.derive.lead()

    assert waiting(core) == []
    assert sessions(core, bookworm) == [READ]


def test_what_waits_is_set_right_when_a_later_file_has_the_end_of_its_boot(core, bookworm):
    reader = SampleReader(up=50, boot="1a2b3c4d")
    wrong = reader.now - datetime(2012, 1, 1, tzinfo=UTC)
    reader.now -= wrong
    core.take(reader.read(DUNE), "1.jsonl")
    reader.now += wrong

    core.take([reader.network()], "2.jsonl")
    core.derive.lead()

    assert waiting(core) == []
    assert sessions(core, bookworm) == [READ]


def test_what_is_yet_to_come_waits_until_it_has_come(core, bookworm, clock):
    """The core may be the one whose clock is wrong: nothing of what was read may be lost by that."""
    now = clock()
    clock.now = datetime(2024, 7, 4, tzinfo=UTC)
    reader = SampleReader()

    assert len(core.take(reader.read(DUNE), "spool").rejected) == 2
    assert "by this computer's it is 2024-07-04 00:00 UTC" in waiting(core)[0][1]
    clock.now = now
    core.take([reader.network()], "spool")
    core.derive.lead()

    assert waiting(core) == []
    assert sessions(core, bookworm) == [READ]


def test_a_person_may_try_again_once_the_computers_clock_is_right(core, bookworm, clock):
    now, clock.now = clock(), datetime(2020, 1, 1, tzinfo=UTC)
    core.take(SampleReader().read(DUNE), "spool")
    clock.now = now

    assert core.retry_quarantine().accepted == 2
    assert sessions(core, bookworm) == [READ]


def test_what_is_put_away_does_not_come_back(core, bookworm):
    lines = spool_with_lost_years()
    core.take(lines, "spool.jsonl")
    core.quarantine.dismiss(None, core.clock())

    core.take(lines, "spool.jsonl")

    assert waiting(core) == []


def test_lines_are_placed_by_a_person(core, bookworm, clock):
    core.take(spool_with_lost_years([2012]), "spool.jsonl")
    ids = [line.id for line in core.quarantine.lines()]

    taken = core.place_quarantine(ids, datetime(2026, 11, 18, 21, 30, tzinfo=UTC))

    assert (taken.accepted, waiting(core)) == (2, [])
    assert ("2026-11-18T21:30:00Z", "2026-11-18T21:36:40Z", 400) in sessions(core, bookworm)
    assert core.take(spool_with_lost_years([2012]), "spool.jsonl").repeated == 6


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (datetime(2026, 11, 17, tzinfo=UTC), "written before it"),
        (datetime(2026, 11, 19, 12, tzinfo=UTC), "written after it"),
        (datetime(2027, 1, 1, tzinfo=UTC), "yet to come"),
        (datetime(2010, 1, 1, tzinfo=UTC), "reset"),
    ],
)
def test_a_place_at_which_a_line_cannot_have_been_written_is_refused(core, at, why):
    core.take(spool_with_lost_years([2012]), "spool.jsonl")

    taken = core.place_quarantine([line.id for line in core.quarantine.lines()], at)

    assert taken.accepted == 0 and len(waiting(core)) == 2
    assert why in taken.rejected[0].reason


def test_a_line_whose_time_cannot_be_read_can_be_placed_too(core):
    line = {**SampleReader().network(), "at": "noon"}
    core.take([line], "spool")
    (kept,) = core.quarantine.lines()

    assert core.place_quarantine([kept.id], datetime(2026, 11, 20, 12, tzinfo=UTC)).accepted == 1


def test_a_clock_that_is_set_back_between_two_sessions_costs_none_of_those_that_follow(core, bookworm, clock):
    clock.forward(days=1)
    reader = SampleReader()
    reader.read(DUNE)
    reader.now += timedelta(hours=5)
    reader.read(EMMA)
    reader.now -= timedelta(hours=5)
    for _ in range(3):
        reader.read(DUNE)

    core.take(reader.lines, "spool")

    assert len(sessions(core, bookworm)) == 4
    assert len(waiting(core)) == 2


@pytest.mark.parametrize("wrong", [timedelta(hours=2), -timedelta(days=16), -timedelta(days=5400)])
def test_what_a_known_boot_wrote_is_placed_exactly_after_the_next_start_too(core, bookworm, clock, hand_over, wrong):
    clock.forward(days=2)
    reader = SampleReader(up=50, boot="1a2b3c4d")
    reader.now += wrong
    reader.read(DUNE)
    hand_over(reader, wrong)
    reader.read(DUNE)
    end = f"{reader.now - wrong:%Y-%m-%dT%H:%M:%SZ}"
    reader.start("2b3c4d5e")

    clock.forward(hours=1)
    hand_over(reader, wrong)

    assert waiting(core) == []
    assert [of for _, of, _ in sessions(core, bookworm)] == [READ[1], end]


@pytest.mark.parametrize("up", [0, 17, 99_999_999])
def test_a_boot_clock_that_cannot_be_moves_no_other_line(core, bookworm, clock, up):
    clock.forward(days=10)
    reader = SampleReader(up=360_000)
    true = []
    for _ in range(6):
        reader.sleep(3600)
        true.append(f"{reader.now:%Y-%m-%dT%H:%M:%SZ}")
        reader.read(DUNE)
    reader.lines[6] |= {"up": up}
    reader.lines[7] |= {"up": up + 400}

    core.take(reader.lines, "spool")

    assert waiting(core) == []
    assert [start for start, _, _ in sessions(core, bookworm)] == true


@pytest.fixture
def set_back_between_two_files(core):
    """Five hours ahead in the first file, right in the second one: what is right contradicts what was taken in."""
    reader = SampleReader(up=50, boot="1a2b3c4d")
    reader.now += timedelta(hours=5)
    core.take(reader.read(EMMA), "1.jsonl")
    reader.now -= timedelta(hours=4)
    lines = reader.read(DUNE)
    core.take(lines, "2.jsonl")
    return lines


def test_what_was_written_by_a_clock_that_was_right_again_waits(core, set_back_between_two_files):
    assert len(waiting(core)) == 2
    assert "but lines that were written before it say 2026-11-20 13:06 UTC" in waiting(core)[0][1]


def test_a_person_who_insists_is_believed_against_lines_that_were_taken_in(core, bookworm, set_back_between_two_files):
    ids, at = [line.id for line in core.quarantine.lines()], datetime(2026, 11, 20, 9, 6, 40, tzinfo=UTC)
    before = waiting(core)

    slip = core.place_quarantine(ids, at)
    told, word = waiting(core), core.place_quarantine(ids, at, insists=True)

    assert (slip.accepted, told) == (0, before)
    assert "by your word it was written at 2026-11-20 09:06 UTC" in slip.rejected[0].reason
    assert slip.rejected[0].reason.endswith("say 2026-11-20 13:06 UTC; if you are sure, say --insist")
    assert (word.accepted, waiting(core)) == (2, [])
    assert ("2026-11-20T09:06:40Z", "2026-11-20T09:13:20Z", 400) in sessions(core, bookworm)


@pytest.mark.parametrize("year", [2010, 2031])
def test_nobody_can_insist_on_what_cannot_be(core, set_back_between_two_files, year):
    ids = [line.id for line in core.quarantine.lines()]

    taken = core.place_quarantine(ids, datetime(year, 1, 1, tzinfo=UTC), insists=True)

    assert (taken.accepted, len(waiting(core))) == (0, 2)
