"""When lines were written: set right by the boot clock, judged by their neighbours, or left to a person."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booklore_core.pipeline.boots import SLACK, Stamp
from booklore_core.pipeline.clock import AHEAD, EARLIEST, KNOWN, Contact, begun, longest_run, settle
from booklore_core.pipeline.quarantine import spread

NOW = datetime(2026, 11, 26, 20, 0, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86400.0
NEVER = [datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1970, 2000, 2010, 2012, 2017, 2023)]


def lines(*told, first=1):
    """Stamps of lines, each told as (at, up, boot) with as much of it as matters."""
    return [Stamp(f"{number:020d}", *one) for number, one in enumerate(told, first)]


def journal(*times, first=1):
    return [Stamp(one.order, one.at, weight=KNOWN) for one in lines(*((at,) for at in times), first=first)]


def times(settled):
    """The time of each line, None for one that waits."""
    return [None if one.reason else one.at for one in settled]


def handed_over(*told, up, boot=None, is_all=True, known=()):
    return times(settle(lines(*told), known, NOW, Contact("kobo", up=up, boot=boot, is_all=is_all)))


def from_file(*told, known=(), first=1):
    return times(settle(lines(*told, first=first), known, NOW))


@pytest.mark.parametrize("wrong_by", [5 * HOUR, -3 * HOUR, 400 * DAY, -9000 * DAY])
def test_lines_of_the_boot_of_the_hand_over_are_set_right(wrong_by):
    told = [(NOW - 600 + wrong_by, 1000.0), (NOW - 60 + wrong_by, 1540.0)]

    assert handed_over(*told, up=1600.0) == [NOW - 600, NOW - 60]


@pytest.mark.parametrize("wrong_by", [-119, 0, 100])
def test_a_clock_that_is_nearly_right_is_believed(wrong_by):
    assert handed_over((NOW - 600 + wrong_by, 1000.0), up=1600.0) == [NOW - 600 + wrong_by]


def test_a_clock_that_is_nearly_right_is_not_believed_where_that_turned_two_lines_round():
    told = [(NOW - 100 + 119, 1500.0), (NOW - 90 + 121, 1510.0)]

    assert handed_over(*told, up=1600.0) == [NOW - 100, NOW - 90]


def test_a_clock_that_was_set_back_in_the_middle_changes_nothing_after_that():
    told = [(NOW - 900 + 5 * HOUR, 700.0), (NOW - 600 + 5 * HOUR, 1000.0), (NOW - 60, 1540.0)]

    assert handed_over(*told, up=1600.0) == [NOW - 900, NOW - 600, NOW - 60]


def test_lines_before_the_boot_clock_fell_are_of_another_boot():
    told = [(NOW - DAY, 500.0), (NOW - DAY + 60, 560.0), (NOW - 60 + HOUR, 40.0)]

    assert handed_over(*told, up=100.0) == [NOW - DAY, NOW - DAY + 60, NOW - 60]


def test_parts_of_a_second_are_no_new_start():
    assert handed_over((NOW - 600 + HOUR, 1000.9), (NOW - 60 + HOUR, 1540.0), up=1539.5) == [NOW - 539, NOW]


def test_another_boot_is_told_by_its_name_whatever_its_clock_says():
    told = [(NOW - DAY, 50.0, "aaaaaaaa"), (NOW - 60 + HOUR, 1540.0, "bbbbbbbb")]

    assert handed_over(*told, up=1600.0, boot="bbbbbbbb") == [NOW - DAY, NOW - 60]


def test_while_more_lines_wait_on_the_device_another_start_may_lie_among_them():
    told = [(NOW - 5 * DAY, 50.0), (NOW - 5 * DAY + 60, 110.0)]

    assert handed_over(*told, up=90_000.0, is_all=False) == [NOW - 5 * DAY, NOW - 5 * DAY + 60]
    assert handed_over((NOW + HOUR, 50.0, "b"), up=110.0, boot="b", is_all=False) == [NOW - 60]


def test_lines_without_a_boot_clock_do_not_end_the_boot():
    told = [(NOW - 600 + HOUR, 1000.0), (NOW - 300,), (NOW - 60 + HOUR, 1540.0)]

    assert handed_over(*told, up=1600.0) == [NOW - 600, NOW - 300, NOW - 60]


def test_a_core_that_lost_its_own_clock_sets_nothing_by_it_and_says_so():
    told = lines((NOW - 600, 1000.0))

    (waits,) = settle(told, (), NEVER[0], Contact("kobo", up=1600.0))

    assert "yet to come" in waits.reason and "1970-01-01" in waits.reason


def test_a_hand_over_by_a_core_whose_clock_went_back_moves_no_line_before_older_ones():
    known = journal(NOW + 3 * DAY)

    assert times(settle(lines((NOW + 4 * DAY, 1000.0), first=2), known, NOW, Contact("kobo", up=1600.0))) == [None]


@pytest.mark.parametrize("never", NEVER)
def test_a_year_before_there_was_a_shim_is_never_believed(never):
    assert from_file((never,)) == [None]
    assert from_file((NOW - DAY,), (never,), (never + 400,), (NOW - HOUR,)) == [NOW - DAY, None, None, NOW - HOUR]


def test_what_is_yet_to_come_waits_and_condemns_nothing():
    assert from_file((NOW - DAY,), (NOW + 5 * HOUR,), (NOW - HOUR,)) == [NOW - DAY, None, NOW - HOUR]
    assert from_file((NOW + AHEAD - 1,)) == [NOW + AHEAD - 1]


def test_one_line_out_of_order_condemns_none_of_those_that_follow():
    good = [NOW - DAY + minutes * 60 for minutes in range(10)]

    told = [(good[0],), (good[0] + 5 * HOUR,), *((at,) for at in good[1:])]

    assert from_file(*told) == [good[0], None, *good[1:]]


def test_two_minutes_out_of_order_are_none():
    assert from_file((NOW - HOUR,), (NOW - HOUR - SLACK,)) == [NOW - HOUR, NOW - HOUR - SLACK]
    assert None in from_file((NOW - HOUR,), (NOW - HOUR - SLACK - 1,))


def test_of_two_equal_claims_the_one_nearer_to_the_hand_over_is_believed():
    assert from_file((NOW - DAY,), (NOW - 600 * DAY,)) == [NOW - DAY, None]
    assert from_file((NOW - 600 * DAY,), (NOW - DAY,), (NOW - 300 * DAY,)) == [NOW - 600 * DAY, NOW - DAY, None]


def test_of_two_equal_claims_of_one_day_the_later_lines_are_believed_for_clocks_are_set_right():
    told = [NOW - HOUR * 3, NOW - HOUR * 3 + 60, NOW - HOUR * 4, NOW - HOUR * 4 + 60]

    assert from_file(*((at,) for at in told)) == [None, None, *told[2:]]


def test_the_journal_weighs_more_than_what_is_new():
    known = journal(NOW - 3 * DAY, NOW - 2 * DAY)

    assert from_file(*(((NOW - 600 * DAY + at),) for at in range(12)), known=known, first=3) == [None] * 12


def test_a_few_wrong_lines_of_the_journal_do_not_condemn_a_long_spool():
    known = journal(NOW - 3 * DAY, NOW - 2 * DAY, NOW - HOUR)
    new = [(NOW - DAY + at,) for at in range(60)]

    assert from_file(*new, known=known, first=4) == [at for (at,) in new]


def test_in_a_boot_whose_clock_was_corrected_the_last_line_stands_for_the_hand_over():
    told = [(NEVER[1], 30.0), (NEVER[1] + 400, 430.0), (NOW - HOUR, 500.0)]

    assert from_file((NOW - DAY,), *told) == [NOW - DAY, NOW - HOUR - 470, NOW - HOUR - 70, NOW - HOUR]


def test_a_clock_that_was_ahead_and_set_back_is_set_right_by_the_last_line():
    told = [(NOW - DAY + 5 * HOUR, 100.0), (NOW - DAY + 5 * HOUR + 400, 500.0), (NOW - DAY + 500, 600.0)]

    assert from_file(*told) == [NOW - DAY, NOW - DAY + 400, NOW - DAY + 500]


def test_a_last_line_that_contradicts_the_other_boots_does_not_stand_for_anything():
    told = [(NOW - DAY, 100.0), (NOW - DAY + 400, 500.0), (NEVER[2], 600.0)]

    assert from_file((NOW - 2 * DAY,), *told, (NOW - HOUR, 20.0)) == [
        NOW - 2 * DAY, NOW - DAY, NOW - DAY + 400, NOW - DAY + 500, NOW - HOUR,
    ]  # fmt: skip


def test_a_boot_whose_clock_was_wrong_from_end_to_end_waits():
    told = [(NEVER[3], 30.0), (NEVER[3] + 400, 430.0)]

    assert from_file((NOW - DAY,), *told, (NOW - HOUR, 12.0)) == [NOW - DAY, None, None, NOW - HOUR]


def test_lines_that_are_placed_keep_their_distances():
    told = lines((NEVER[1], 10.0, "a"), (NEVER[2], 70.0, "a"), (NEVER[2] + 50,), (NEVER[1],))

    assert spread(told, NOW) == [NOW, NOW + 60, NOW + 110, NOW + 110]
    assert spread([], NOW) == []


CLOCKS = st.lists(st.tuples(st.floats(0, 100), st.sampled_from([1.0, KNOWN])), max_size=9)


@given(CLOCKS)
def test_the_longest_run_is_the_heaviest_that_there_is(told):
    moments, weights = [at * 60 for at, _ in told], [weight for _, weight in told]

    def in_order(run):
        return all(moments[other] >= moments[one] - SLACK for one, other in zip(run, run[1:], strict=False))

    runs = ([i for i in range(len(told)) if chosen >> i & 1] for chosen in range(1 << len(told)))
    heaviest = max(sum(weights[i] for i in run) for run in runs if in_order(run))
    found = longest_run(moments, weights)

    assert in_order(found)
    assert sum(weights[i] for i in found) == heaviest


BOOTS = st.lists(
    st.lists(st.tuples(st.integers(1, 5000), st.sampled_from([0, 0, 5 * 3600, -5 * 3600])), min_size=1, max_size=5),
    min_size=1,
    max_size=4,
)


@settings(max_examples=200)
@given(BOOTS)
def test_whatever_the_clock_says_in_the_boot_of_the_hand_over_its_lines_get_their_true_times(boots):
    """Each boot is a list of (seconds since the line before, by how much the clock is wrong)."""
    true, told, now = [], [], NOW - 10 * DAY
    for number, boot in enumerate(boots):
        now, up = now + HOUR, 0
        for passed, wrong in boot:
            now, up = now + passed, up + passed
            true.append(now)
            told.append((now + wrong, float(up), f"boot{number}"))
    known = lines(*told)

    settled = times(settle(known, (), now + 60, Contact("kobo", up=up + 60, boot=f"boot{len(boots) - 1}")))

    last = len(boots[-1])
    assert settled[-last:] == true[-last:]
    assert all(at is None or EARLIEST <= at <= now + 60 + AHEAD for at in settled)
    in_order = [at for at in settled if at is not None]
    assert all(other >= one - SLACK for one, other in zip(in_order, in_order[1:], strict=False))


GLITCHES = [(0.0, 400.0), (17.0, 417.0), (99_999_999.0, 99_999_999.0), (370_000.0, 370_400.0)]


@pytest.mark.parametrize("glitch", GLITCHES)
@pytest.mark.parametrize("boot", [None, "1a2b3c4d"])
@pytest.mark.parametrize("up", [None, 369_900.0])
def test_a_boot_clock_that_cannot_be_costs_nothing(glitch, boot, up):
    """A clock that is right on every line; four days after its start one session tells a start of its own."""
    opened = [NOW - 4000, NOW - 3600, NOW - 2400, NOW - 2000, NOW - 500, NOW - 100]
    ups = [366_000.0, 366_400.0, *glitch, 369_500.0, 369_900.0]
    told = [(at, its_up, boot) for at, its_up in zip(opened, ups, strict=True)]

    assert handed_over(*told, up=up, boot=boot) == opened
    assert from_file(*told) == opened


def test_a_boot_clock_that_cannot_be_just_before_the_hand_over_moves_none():
    told = [(NOW - 4000, 366_000.0), (NOW - 3600, 366_400.0), (NOW - 500, 0.0)]

    assert handed_over(*told, up=370_000.0) == [NOW - 4000, NOW - 3600, NOW - 500]


def test_a_start_by_a_clock_that_was_reset_anew_is_no_boot_clock_that_cannot_be():
    """Both boots begin in 2000 and so agree on when they began; between them the clock was right."""
    told = [(NEVER[1] + 30, 30.0), (NOW - HOUR, 500.0), (NEVER[1] + 450, 450.0), (NOW - 600, 900.0)]

    assert from_file(*told) == [NOW - HOUR - 470, NOW - HOUR, NOW - 600 - 450, NOW - 600]


@pytest.mark.parametrize("wrong_by", [2 * HOUR, -16 * DAY, NEVER[3] - NOW])
def test_lines_of_a_boot_that_the_journal_has_placed_are_placed_after_the_next_start_too(wrong_by):
    placed = [Stamp(one.order, one.at, one.up, one.boot, KNOWN) for one in lines((NOW - 5 * HOUR, 1000.0, "k1"))]
    told = lines((NOW - HOUR + wrong_by, 1000.0 + 4 * HOUR, "k1"), (NOW - 300 + wrong_by, 10.0, "k2"), first=2)

    settled = settle(told, placed, NOW, Contact("kobo", up=310.0, boot="k2"))

    assert times(settled) == [NOW - HOUR, NOW - 300]


def test_lines_of_a_boot_of_which_a_file_tells_the_start_are_set_right_though_the_rest_is_not_there():
    told = [(NOW - DAY + 5 * HOUR, 100.0, "b1"), (NOW - DAY + 5 * HOUR + 400, 500.0, "b1")]
    rest = [(NOW - DAY + 500, 600.0, "b1"), (NOW - HOUR, 20.0, "b2")]

    start = begun(lines(*told, *rest), NOW)

    assert start == {"b1": NOW - DAY - 100}
    assert times(settle(lines(*told), (), NOW, Contact(begun=start))) == [NOW - DAY, NOW - DAY + 400]


def test_a_file_tells_no_start_of_a_boot_whose_clock_nobody_corrected():
    assert begun(lines((NEVER[1], 10.0, "b1"), (NEVER[1] + 400, 410.0, "b1"), (NOW - HOUR, 20.0, "b2")), NOW) == {}
    assert begun(lines((NOW - HOUR, 10.0, "b1"), (NOW - 9, 3601.0, "b1"), (NOW - 5, 3605.0)), NOW) == {}
