"""Highlights: ranges, checked against their text and searched for where it is not."""

import pytest
from cfi_world import book, chapter, packaged, pointer

from booklore_targets.booklore.cfi import Unplaceable, anchor, point, resolve

PAGES = (
    '<h1><span epub:type="pagebreak" id="page7" title="7"></span>First Watch</h1><p><span epub:type="pagebreak"'
    ' id="page8" role="doc-pagebreak" title="8"/>We left the harbour before the fog came in.</p><p>\n  <span'
    ' epub:type="pagebreak" id="page9" title="9"/>Nobody spoke until noon.</p><p>Then the <em>bell</em> rang<span'
    ' epub:type="pagebreak" id="page10" title="10"/> twice, and once more.</p>'
)
AFTER_ANCHORS = [
    ("h1/text().0", "h1/text().5", "First", "epubcfi(/6/2!/4/2,/3:0,/3:5)"),
    ("p[1]/text().12", "p[1]/text().19", "harbour", "epubcfi(/6/2!/4/4,/3:12,/3:19)"),
    ("p[2]/text().0", "p[2]/text().6", "Nobody", "epubcfi(/6/2!/4/6,/3:0,/3:6)"),
    ("p[3]/text()[3].1", "p[3]/text()[3].6", "twice", "epubcfi(/6/2!/4/8,/5:1,/5:6)"),
]


@pytest.mark.parametrize(("start", "end", "text", "cfi"), AFTER_ANCHORS, ids=[text for *_, text, _ in AFTER_ANCHORS])
def test_text_after_an_anchor_of_a_page_is_another_step_than_text_node(start, end, text, cfi):
    epub = book(PAGES)

    found = anchor(epub, f"/body/DocFragment[1]/body/{start}", f"/body/DocFragment[1]/body/{end}", text)

    assert (found.cfi, found.text, found.how) == (cfi, text, "exact")
    assert resolve(epub, found.cfi) == text


TWO = "<p>In <i>the</i> end.</p>\n<p>It was the end.</p>"
RANGES = {
    "within a text": ("p[1]/text()[1].0", "p[1]/text()[1].2", "In", "/4/2,/1:0,/1:2"),
    "within a paragraph": ("p[1]/text()[1].0", "p[1]/text()[2].4", "In the end", "/4/2,/1:0,/3:4"),
    "from an inline element": ("p[1]/i[1]/text()[1].0", "p[1]/text()[2].4", "the end", "/4/2,/2/1:0,/3:4"),
    "across paragraphs": ("p[1]/text()[2].1", "p[2]/text()[1].6", "end.\nIt was", "/4,/2/3:1,/4/1:6"),
    "the other way round": ("p[2]/text()[1].6", "p[1]/text()[2].1", "end.\nIt was", "/4,/2/3:1,/4/1:6"),
    "punctuation that was left out": ("p[1]/i[1]/text()[1].0", "p[1]/text()[2].5", "the end", "/4/2,/2/1:0,/3:5"),
    "punctuation that was added": ("p[1]/i[1]/text()[1].0", "p[1]/text()[2].4", "“the end.”", "/4/2,/2/1:0,/3:4"),
    "other white space": ("p[1]/text()[1].0", "p[1]/text()[2].4", "In\u00a0the\u00ad\n end", "/4/2,/1:0,/3:4"),
    "a text that a person changed": ("p[1]/text()[1].0", "p[1]/text()[2].4", "", "/4/2,/1:0,/3:4"),
    "from an element": ("p[1].0", "p[1]/text()[2].4", "In the end", "/4/2,/1:0,/3:4"),
    "to an element": ("p[1]/text()[2].1", "p[2].0", "end.", "/4/2,/3:1,/3:5"),
}


@pytest.mark.parametrize(("start", "end", "text", "ways"), RANGES.values(), ids=RANGES)
def test_a_highlight_is_a_range(start, end, text, ways):
    epub = book(TWO)

    found = anchor(epub, pointer(start), pointer(end), text)

    assert (found.cfi, found.how) == (f"epubcfi(/6/2!{ways})", "exact")
    assert resolve(epub, found.cfi) == found.text


def test_what_is_hidden_is_not_in_the_way():
    epub = book('<p>In<script>1</script> <b hidden="">not</b>the</p><p style="display:none">no</p><p>end.</p>')

    found = anchor(epub, pointer("p[1]/text()[1].0"), pointer("p[3]/text()[1].3"), "In the\nend")

    assert (found.cfi, found.text) == ("epubcfi(/6/2!/4,/2/1:0,/6/1:3)", "In theend")


@pytest.mark.parametrize("text", ["漢字は the end", "漢(かん)字は the end"], ids=["of the newest", "of others"])
def test_ruby_is_no_part_of_what_is_selected(text):
    epub = book("<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字</ruby>は the end</p>")

    found = anchor(epub, pointer("p[1]/ruby[1]/text()[1].0"), pointer("p[1]/text()[1].9"), text)

    assert (found.cfi, found.how) == ("epubcfi(/6/2!/4/2,/2/1:0,/3:9)", "exact")
    assert found.text == "漢字は the end"


def test_a_highlight_that_begins_in_ruby_keeps_that():
    epub = book("<p><ruby>漢<rt>かん</rt>字</ruby>は the end</p>")

    found = anchor(epub, pointer("p[1]/ruby[1]/rt[1]/text()[1].1"), pointer("p[1]/text()[1].1"), "ん字は")

    assert (found.cfi, found.text, found.how) == ("epubcfi(/6/2!/4/2,/2/2/1:1,/3:1)", "ん字は", "exact")


def test_across_a_chapter_end_its_part_in_the_first_chapter_is_anchored():
    epub = book("<p>In the</p><p>end of it\n</p>\n", "<p>all</p>")

    found = anchor(epub, pointer("p[1]/text()[1].3"), pointer("p[1]/text()[1].3", 2), "the\nend of it\nall")

    assert (found.cfi, found.how) == ("epubcfi(/6/2!/4,/2/1:3,/4/1:9)", "first part")
    assert found.text == "theend of it"


def test_a_first_chapter_without_a_word_left_is_passed_over():
    epub = book("<p>In the</p>", "<p>  </p>", "<p>end</p>")

    found = anchor(epub, pointer("p[1]/text()[1].6"), pointer("p[1]/text()[1].3", 3), "end")

    assert (found.cfi, found.how) == ("epubcfi(/6/6!/4/2,/1:0,/1:3)", "exact")


def test_a_text_that_is_elsewhere_in_the_chapter_is_searched_for_nearest():
    epub = book("<p>It was the end.</p><p>And this is</p><p>the <b>end</b> of all</p><p>or</p><p>or</p><p>the end</p>")

    found = anchor(epub, pointer("p[2]/text()[1].5"), pointer("p[2]/text()[1].9"), "the end")

    assert (found.cfi, found.how) == ("epubcfi(/6/2!/4/6,/1:0,/2/1:3)", "searched")


def test_a_text_that_is_once_in_a_neighbouring_chapter_is_found_there():
    epub = book("<p>In the end of days</p>", "<p>or</p>", "<p>In the end of it all</p>", "<p>In the end of it all</p>")

    found = anchor(epub, pointer("p[7]/text()[1].0", 2), pointer("p[7]/text()[1].9", 2), "the end of it")

    assert (found.cfi, found.how) == ("epubcfi(/6/6!/4/2,/1:3,/1:16)", "searched")


KEPUB = (
    '<div id="book-columns"><div id="book-inner"><h1><span class="koboSpan" id="kobo.1.1">One</span></h1><p><span'
    ' class="koboSpan" id="kobo.2.1">In the end. </span><span class="koboSpan" id="kobo.2.2">It was the end.</span>'
    '</p><p><span class="koboSpan" id="kobo.3.1">Then the end came.</span></p></div></div>'
)
SERVERS = "<h1>One</h1><p>In the end. It was the end.</p><p>Then the end came.</p>"
KEPUB_PLACES = {
    "in its paragraph": ("p[2]/span[1]/text().5", "p[2]/span[1]/text().12", "the end", "/4/6,/1:5,/1:12"),
    "in a title": ("h1/span/text().0", "h1/span/text().3", "One", "/4/2,/1:0,/1:3"),
    "across sentences": ("p[1]/span[1]/text().7", "p[1]/span[2]/text().6", "end. It was", "/4/4,/1:7,/1:18"),
    "across paragraphs": ("p[1]/span[2]/text().11", "p[2]/span/text().4", "end.\nThen", "/4,/4/1:23,/6/1:4"),
}


@pytest.mark.parametrize(("start", "end", "text", "ways"), KEPUB_PLACES.values(), ids=KEPUB_PLACES)
def test_a_highlight_of_a_kepub_is_found_in_the_servers_file(start, end, text, ways):
    below = "/body/DocFragment[1]/body/div/div/"
    first = anchor(book(KEPUB, "<p/>"), below + start, below + end, text)
    second = anchor(book(SERVERS, "<p/>"), below + start, below + end, text)

    assert first.how == "exact"
    assert (second.cfi, second.how) == (f"epubcfi(/6/2!{ways})", "searched")


def test_a_highlight_of_a_kepub_across_a_chapter_end_is_found_too():
    below = "/body/DocFragment[{}]/body/div/div/p[9]/span/text().{}"
    epub = book("<p>So it was the end of it.</p>", "<p>all</p>")

    found = anchor(epub, below.format(1, 4), below.format(2, 3), "the end of it.\nall")

    assert (found.cfi, found.how) == ("epubcfi(/6/2!/4/2,/1:10,/1:24)", "first part")


def test_a_text_without_a_known_place_that_occurs_twice_is_not_guessed():
    epub = book("<p>In the end it was the end</p>")

    with pytest.raises(Unplaceable, match="“the end” is not at its place .* in several places"):
        anchor(epub, "/body/DocFragment[1]/body/main/p/text().0", None, "the end")


def test_a_text_that_is_nowhere_says_so():
    with pytest.raises(Unplaceable, match="“In the beginning” is not at its place .* nowhere in it"):
        anchor(book(TWO), pointer("p[1]/text()[1].0"), pointer("p[1]/text()[2].4"), "In the beginning")


def test_a_text_of_koreader_itself_is_told_from_one_of_the_book():
    item = '<item id="{0}" href="{0}" media-type="application/xhtml+xml"/>'
    package = f"<package><manifest>{item.format('a')}{item.format('gone')}</manifest><spine>{{}}</spine></package>"
    epub = packaged(package.format('<itemref idref="a"/><itemref idref="gone"/>'), {"OPS/a": chapter("<p>In</p>")})

    with pytest.raises(
        Unplaceable, match="“Failed to show” was highlighted in “OPS/gone”, a part of this EPUB that has"
    ):
        anchor(epub, pointer("pre[1]/text()[1].0", 2), pointer("pre[1]/text()[1].9", 2), "Failed to show")


def test_a_highlight_of_neither_place_nor_text_says_so():
    with pytest.raises(Unplaceable, match="no text to search for"):
        anchor(book(TWO), pointer("p[9]/text()[1].0"), pointer("p[9]/text()[2].4"))


UNCLOSED = "<p>In<br>the <img src='a.png'>end &what; of</p><p class=x>it</p>"


def test_a_chapter_that_is_not_well_formed_is_read_all_the_same():
    epub = book(UNCLOSED)

    found = anchor(epub, pointer("p[1]/text()[2].0"), pointer("p[1]/text()[3].10"), "the end &what;")

    assert (found.cfi, found.how) == ("epubcfi(/6/2!/4/2,/3:0,/5:10)", "exact")


@pytest.mark.parametrize("tag", ["<img alt='x > y' src='a.png'>", '<img alt="x > y"/>', "<img alt='>'></img>"])
def test_an_attribute_of_a_chapter_that_is_not_well_formed_may_hold_the_end_of_a_tag(tag):
    epub = book(f"<p>In<br>the {tag}</p><p title='<br'>end</p>")

    found = point(epub, pointer("p[2]/text()[1].0"))

    assert (found.cfi, found.text) == ("epubcfi(/6/2!/4/4/1:0)", "end")


def test_a_cfi_of_another_program_is_resolved_with_its_assertions_or_refused():
    epub = book('<p id="a">In the 😀 end</p>')

    assert resolve(epub, "epubcfi(/6[x]/2[c^]1]!/4/2[a],/1:3[In,^]],/1:9)") == "the 😀"
    for wrong in (
        "/4/2",
        "epubcfi(/6/2)",
        "epubcfi(/6/4!/4/2/1:0)",
        "epubcfi(/6/2!/4/9/1:0)",
        "epubcfi(/6/2!/4/2/1:99)",
    ):
        with pytest.raises(ValueError, match=r"CFI"):
            resolve(epub, wrong)
