"""Ratings: stars doubled whenever they change, and the rating that a reader is asked for."""

import pytest
from deciding_world import DUNE, EMMA, FEATURES, Deciding, library

from booklore_core.actions import start
from booklore_core.flows import Ask, Request
from booklore_core.testing import FakeTarget, SampleReader, answer_all, sample_book


@pytest.fixture
def deciding(open_core):
    return Deciding(open_core)


def ratings(deciding):
    return [body["rating"] for body in deciding.sent()]


def rate(core, *answers, book=DUNE["partial_md5"], device="kobo", **args):
    return answer_all(start(core, "rate_book", Request(book, args, device)), answers)


def test_stars_are_told_doubled(deciding):
    deciding.take(*deciding.visit(stars=None), *deciding.visit(stars=4))

    assert deciding.sent() == [{"rating": 8, "stars": 4, "device": "kobo", "how": "scaled"}]
    (item,) = deciding.target.received
    assert (item.kind, item.key) == ("rating", DUNE["partial_md5"])


def test_stars_that_a_device_merely_had_say_so(deciding):
    deciding.take(*deciding.visit(stars=4))

    assert deciding.sent() == [{"rating": 8, "stars": 4, "device": "kobo", "how": "found"}]


def test_stars_that_a_device_merely_had_outdo_no_rating_that_was_asked_for(deciding):
    deciding.take(*deciding.visit())
    rate(deciding.core, 7)
    deciding.sent()

    deciding.take(*deciding.visit(stars=2, device="kindle"))

    assert (deciding.sent(), deciding.held("rating")["rating"]) == ([], 7)


def test_stars_that_change_are_told_again_and_stars_that_stay_are_not(deciding):
    """The existing plugin told a book's stars once (lua-plugin-behaviour §10 A16)."""
    deciding.take(*deciding.visit(stars=4))
    first = ratings(deciding)

    deciding.take(*deciding.visit(stars=4))
    same = ratings(deciding)
    deciding.take(*deciding.visit(stars=2))

    assert (first, same, ratings(deciding)) == ([8], [], [4])


def test_stars_that_are_taken_away_take_the_rating_away(deciding):
    deciding.take(*deciding.visit(stars=4))
    deciding.sent()

    deciding.take(*deciding.visit(stars=None))

    assert deciding.sent() == [{"rating": None, "stars": None, "device": "kobo", "how": "scaled", "earlier": [8]}]


def test_a_rating_tells_which_ones_the_devices_gave_before(deciding):
    """A target may hold one of these from an earlier database, and none that somebody has given there since."""
    deciding.take(*deciding.visit(stars=4), *deciding.visit(stars=None), *deciding.visit(stars=2))
    deciding.take(*deciding.visit(stars=4), *deciding.visit(stars=5))

    assert (deciding.held("rating")["rating"], deciding.held("rating")["earlier"]) == (10, [8, 4])


def test_only_the_latest_rating_goes_to_a_target_that_was_down(deciding):
    for stars in (1, 5, 3):
        deciding.take(*deciding.visit(stars=stars))

    assert ratings(deciding) == [6]


def test_a_rating_of_a_book_that_no_server_knows_waits(open_core):
    deciding = Deciding(open_core, library(EMMA))

    deciding.take(*deciding.visit(stars=4))

    assert (deciding.sent(), deciding.core.pending()) == ([], {"rating": 1})
    deciding.target.shelf[DUNE["partial_md5"]] = "42"
    assert ratings(deciding) == [8]


def test_an_older_rating_that_arrives_late_changes_nothing(deciding):
    deciding.take(*deciding.visit(stars=None), *deciding.visit(stars=None, device="kindle"))
    early, late = deciding.visit(stars=2), deciding.visit(stars=5, device="kindle")

    deciding.take(*late)
    deciding.take(*early)

    assert ratings(deciding) == [10]


@pytest.mark.parametrize(
    ("sidecar", "expected"),
    [(3.5, [7]), (8, []), ("4", [8]), (0, [])],
    ids=["R1 half a star", "R2 no rating of KOReader", "R3 a text", "R4 cleared"],
)
def test_whatever_stands_in_the_sidecar_costs_no_session(open_core, sidecar, expected):
    target, reader = FakeTarget(kinds={"rating", "session"}), SampleReader(stars=sidecar)
    core = open_core(target, plugins=("sessions", "ratings"))

    core.take(reader.read(DUNE), "test")
    core.sync()

    assert [item.body["rating"] for item in target.received if item.kind == "rating"] == expected
    assert [item.kind for item in target.received].count("session") == 1
    remarks = core.database.rows("SELECT remark FROM remarks WHERE key LIKE 'core%stars%'")
    assert len(remarks) == (sidecar == 8)


def test_with_select_at_complete_stars_are_not_told(deciding):
    deciding.set("ratings.mode", "select_at_complete")

    deciding.take(*deciding.visit(stars=4))

    assert (deciding.sent(), deciding.held("rating")) == ([], None)


def test_a_rating_that_is_asked_for_is_told_and_outdoes_stars(deciding, clock):
    deciding.take(*deciding.visit(stars=4))

    result = rate(deciding.core, 7)

    assert result.message == "“Dune” is rated 7 of 10"
    assert deciding.sent() == [{"rating": 7, "stars": 3.5, "device": "kobo", "how": "asked"}]


def test_the_question_begins_with_the_rating_that_there_is(deciding):
    deciding.take(*deciding.visit(stars=4))

    question = next(start(deciding.core, "rate_book", Request(DUNE["partial_md5"])))

    assert question == Ask("How do you rate “Dune”, from 1 to 10?", 8, low=1, high=10)


def test_whoever_cancels_rates_nothing(deciding):
    deciding.take(*deciding.visit())

    result = rate(deciding.core, None)

    assert (result.message, result.ok, deciding.sent()) == ("", True, [])


def test_a_rating_can_be_given_without_a_question(deciding):
    deciding.take(*deciding.visit())

    assert rate(deciding.core, rating=9, book="dune").ok
    assert ratings(deciding) == [9]


@pytest.mark.parametrize("rating", [0, 11, 7.5, "8", True])
def test_what_is_no_rating_is_refused(deciding, rating):
    deciding.take(*deciding.visit())

    result = rate(deciding.core, rating=rating)

    assert (result.ok, result.message) == (False, f"rating: expected a whole number from 1 to 10, got {rating!r}")
    assert deciding.held("rating") is None


@pytest.mark.parametrize(
    ("book", "said"),
    [("Emma", "no device has told of this book yet"), ("", "no device has"), ("u", "one of several books")],
)
def test_a_book_that_cannot_be_told_is_not_rated(deciding, book, said):
    deciding.take(*deciding.visit(), *deciding.visit(sample_book("Ulysses")))

    result = rate(deciding.core, book=book)

    assert (result.ok, said in result.message) == (False, True)


def test_with_read_on_rating_a_rating_that_is_asked_for_says_that_the_book_is_read(open_core):
    target = FakeTarget(kinds={"progress", "rating"})
    deciding = Deciding(open_core, target, plugins=("ratings", "progress"))
    deciding.set("progress.read_on_rating", True)
    deciding.take(*deciding.visit())

    rate(deciding.core, 7)
    rate(deciding.core, 8)

    deciding.core.sync()
    told = [item.body["percent"] for item in target.received if item.key.endswith("/read")]
    assert told == [1.0]


def test_without_it_the_position_stays_as_it_is(open_core):
    target = FakeTarget(kinds={"progress", "rating"})
    deciding = Deciding(open_core, target, plugins=("ratings", "progress"))
    deciding.take(*deciding.visit())

    rate(deciding.core, 7)
    deciding.core.sync()

    assert not [item for item in target.received if item.key.endswith("/read")]


def test_another_feature_that_fails_at_a_rating_costs_the_rating_nothing(deciding):
    from function_features import add_feature

    def on_rating(event):
        raise OSError("no stars tonight")

    add_feature(deciding.core, on_rating=on_rating)
    deciding.take(*deciding.visit())

    assert rate(deciding.core, 7).ok
    assert ratings(deciding) == [7]


def test_the_three_are_declared_in_the_order_of_the_labels(open_core):
    shipped = ("sessions", "annotations", "bookmarks", "progress", *FEATURES)
    kinds = open_core(plugins=shipped).kinds

    counts = {"deletion": 1, "status": 1, "session": 3, "annotation": 1, "rating": 2, "bookmark": 1, "progress": 4}
    assert kinds.short_counts(counts) == "3S, 1A, 2R, 1B, 4P, 1F, 1D"
    by_rank = sorted(counts, key=lambda name: kinds[name].rank)
    assert by_rank == ["rating", "annotation", "bookmark", "progress", "status", "session", "deletion"]


def test_the_queue_and_the_history_are_there_as_documented(deciding):
    rows = deciding.core.database.rows
    deciding.take(*deciding.visit(stars=4), *deciding.visit(EMMA, stars=3.5))
    assert [row["rating"] for row in rows("SELECT * FROM pending_ratings ORDER BY id")] == [8, 7]

    deciding.sent()
    deciding.take(*deciding.visit(stars=None))
    deciding.sent()

    assert rows("SELECT * FROM pending_ratings") == []
    history = rows("SELECT id, book_cache_id, rating, synced_at, status, error_message FROM rating_sync_history")
    assert [(row["rating"], row["status"]) for row in history] == [(None, "success"), (7, "success")]
    assert deciding.core.kinds["rating"].history_name == "Rating sync history"
