"""Xpointers and CFIs are two notations of one place: whatever a chapter looks like, each turns back into the other."""

import string

import pytest
from cfi_world import book
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booklore_targets.booklore.cfi import Epub, anchor, point, resolve
from booklore_targets.booklore.cfi.cfi import places
from booklore_targets.booklore.cfi.crengine import Chunk
from booklore_targets.booklore.cfi.generations import GENERATIONS
from booklore_targets.booklore.cfi.places import BookPlace
from booklore_targets.booklore.cfi.source import Element, utf16
from booklore_targets.booklore.cfi.views import view
from booklore_targets.booklore.cfi.xpointer import place_of, read, write

LETTERS = st.text(string.ascii_letters + "äß漢字😀👩\u00ad\u00a0", min_size=1, max_size=8)
BLANKS = st.text(" \t\n", min_size=1, max_size=4)
MARKUP = st.sampled_from(
    ["<!-- c -->", "<?p i?>", "<![CDATA[ <c> & ]]>", "<br/>", '<a id="a"/>', "<script>1</script>", "<b hidden=''>h</b>"]
)
REFERENCES = st.sampled_from(["&amp;", "&nbsp;", "&what;", "&#32;", "&#x1F600;", "&shy;"])
LINES = st.one_of(LETTERS, BLANKS, MARKUP, REFERENCES)
INLINE = ("b", "i", "span", "ruby")
BLOCK = ("p", "div", "section", "ul", "pre", "blockquote")
STYLES = ("", ' class="fl"', ' style="display: block"', ' style="display:none"', ' style="white-space: pre"', ' id="x"')


def elements(names: tuple[str, ...], within: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    made = st.tuples(st.sampled_from(names), st.sampled_from(STYLES), st.lists(within, max_size=5).map("".join))
    return made.map(lambda one: f"<{one[0]}{one[1]}>{one[2]}</{one[0]}>")


BODIES = st.lists(
    st.recursive(LINES, lambda within: st.one_of(elements(INLINE, within), elements(BLOCK, within)), max_leaves=25),
    min_size=1,
    max_size=8,
).map("".join)
FLOATING = "<style>.fl { float: left }</style>"

any_time = settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def opened(body: str) -> Epub:
    return book(body, "<p>Another chapter.</p>", head=FLOATING)


def nodes(epub: Epub, generation) -> list[Chunk]:
    """The text nodes of the first chapter, as a generation sees them."""
    return [chunk for chunk in view(epub.documents[0], generation).body.chunks() if chunk.text]


def spot(place: BookPlace) -> tuple[Element, int, int]:
    """A place by what is before it: the end of a text is the beginning of the next one behind a comment."""
    before = place.node.before + utf16(place.node.value[: place.offset])
    return place.node.parent, place.node.step, before


def is_within(part: str, whole: str) -> bool:
    """Whether a text is what is left of another when characters are taken out of it."""
    characters = iter(whole)
    return all(one in characters for one in part)


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: one.version)
@any_time
@given(body=BODIES, data=st.data())
def test_a_place_in_a_text_node_turns_into_an_xpointer_and_back(generation, body, data):
    epub = opened(body)
    for chunk in nodes(epub, generation)[:40]:
        offset = data.draw(st.integers(0, len(chunk.text) - 1))
        place = BookPlace(epub.documents[0], chunk.source, chunk.place(offset))

        written = write(epub, place, generation)

        again = place_of(epub, read(written), generation)
        assert generation in read(written).generations
        assert (again.node, again.offset) == (place.node, place.offset), written


@any_time
@given(body=BODIES, data=st.data())
def test_a_place_turns_into_a_cfi_and_back(body, data):
    epub = opened(body)
    for chunk in nodes(epub, GENERATIONS[0])[:40]:
        offset = data.draw(st.integers(1, len(chunk.text)))
        place = BookPlace(epub.documents[0], chunk.source, chunk.place(offset))

        found = point(epub, write(epub, place, GENERATIONS[0]))

        (again,) = places(epub, found.cfi)
        assert again.document is place.document
        assert spot(again) == spot(place), found.cfi


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda one: one.version)
@any_time
@given(body=BODIES, data=st.data())
def test_a_highlight_of_any_generation_has_its_text_at_its_cfi(generation, body, data):
    epub = opened(body)
    told = [chunk for chunk in nodes(epub, generation) if chunk.parent.shown and chunk.text.strip()]
    if not told:
        return
    first = data.draw(st.integers(0, len(told) - 1))
    last = data.draw(st.integers(first, len(told) - 1))
    start = BookPlace(epub.documents[0], told[first].source, told[first].place(0))
    end = BookPlace(epub.documents[0], told[last].source, told[last].end)
    text = "".join(chunk.text for chunk in told[first : last + 1])

    found = anchor(epub, write(epub, start, generation), write(epub, end, generation), text)

    at_the_cfi = "".join(resolve(epub, found.cfi).split())
    assert found.how == "exact"
    # The oldest engine dropped text that stands directly in a section or list.
    assert at_the_cfi == "".join(text.split()) or generation is GENERATIONS[-1]
    assert is_within("".join(text.split()), at_the_cfi)
