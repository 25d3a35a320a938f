"""The facts that travel."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from booklore_core import BookRef, Item

DUNE = BookRef("ec549edd15e40cfc506269777a36b559", "Dune")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rating(stars=4, at=NOON, key="dune"):
    return Item("rating", key, DUNE, {"stars": stars}, at)


@pytest.mark.parametrize("digest", ["", "EC549EDD15E40CFC506269777A36B559", "ec549edd", None])
def test_a_book_without_a_proper_digest_is_no_book(digest):
    with pytest.raises((ValueError, TypeError)):
        BookRef(digest)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"kind": "Rating"}, "kind"),
        ({"key": ""}, "key"),
        ({"body": {"stars": float("nan")}}, "body"),
        ({"body": {"stars": object()}}, "body"),
        ({"occurred_at": datetime(2026, 1, 1)}, "occurred_at"),
    ],
)
def test_an_item_that_cannot_travel_is_refused_with_the_name_of_the_field(fields, named):
    given = {"kind": "rating", "key": "dune", "book": DUNE, "body": {}, "occurred_at": NOON, **fields}

    with pytest.raises(ValueError, match=named):
        Item(**given)


def test_the_idempotency_key_is_the_same_for_the_same_revision_only():
    assert rating().idempotency_key == rating().idempotency_key
    assert rating().idempotency_key != rating(stars=5).idempotency_key
    assert rating().idempotency_key != rating(at=NOON + timedelta(seconds=1)).idempotency_key


def test_times_are_kept_in_utc():
    assert rating(at=datetime(2026, 11, 20, 14, tzinfo=timezone(timedelta(hours=2)))).occurred_at == NOON


def test_a_body_cannot_be_changed_through_the_mapping_it_was_made_from():
    body = {"stars": [4]}
    item = Item("rating", "dune", DUNE, body, NOON)
    body["stars"].append(5)

    assert item.body == {"stars": [4]}


@pytest.mark.parametrize(
    "body", [{}, {"b": 1, "a": "é"}, {"stars": [4, None, {"x": 1.5}]}, {"a": True, "b": 10**30}, {2: 1, 10: (1, 2)}]
)
def test_a_body_is_kept_as_its_text_and_is_the_same_whenever_it_is_asked_for(body):
    one, other = (Item("rating", "dune", DUNE, body, NOON) for _ in range(2))

    assert json.loads(one.text) == one.body == json.loads(json.dumps(body))
    assert one.body is one.body
    assert one == other
    assert replace(one, key="emma").body == one.body


def test_what_an_item_has_not_is_no_attribute():
    assert not hasattr(rating(), "stars")
