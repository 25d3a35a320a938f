"""What the contract of targets takes for facts of ours is what the features make."""

import json

import pytest

from booklore_core.testing import SampleReader, sample_book
from booklore_core.testing.target_contract import sample_body

PLACE = "/body/DocFragment[8]/body/p[3]/text().{}"
MARKED = {"datetime": "2026-11-20 13:41:02", "page": PLACE.format(0), "chapter": "Book One"}
HIGHLIGHT = {**MARKED, "pos0": PLACE.format(0), "pos1": PLACE.format(20), "text": "Fear is", "drawer": "lighten"}
FEATURES = ("sessions", "progress", "annotations", "bookmarks", "ratings", "reviews", "finished", "deletions")


@pytest.fixture
def made(open_core):
    """kind → body of what follows from a day on which everything was done."""
    core, reader = open_core(plugins=FEATURES), SampleReader(stars=4, review="A desert planet")
    reader.open(sample_book("Dune"))
    reader.turn(20)
    marks = [{**HIGHLIGHT, "note": "Mine", "color": "yellow"}, {**MARKED, "datetime": "2026-11-20 13:42:02"}]
    reader.close(annotations=marks)
    reader.open(sample_book("Emma"))
    reader.close()["reading"]["status"] = "complete"
    reader.delete(sample_book("Emma"))
    core.take(reader.lines, "test")
    return {row["kind"]: json.loads(row["body"]) for row in core.database.rows("SELECT kind, body FROM items")}


@pytest.mark.parametrize(
    "kind", ["session", "progress", "annotation", "bookmark", "rating", "review", "status", "deletion"]
)
def test_a_sample_has_the_fields_that_the_feature_gives(made, kind):
    sample = sample_body(kind, 0)

    assert sample.keys() == made[kind].keys()
    for name, value in made[kind].items():
        alike = type(value) if not isinstance(value, int | float) else int | float
        assert value is None or sample[name] is None or isinstance(sample[name], alike), name


def test_of_another_kind_there_is_no_sample():
    assert sample_body("quote", 0) is None
