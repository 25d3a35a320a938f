"""Bookmarks: the odd places at which a page begins, and the four generations of xpointers."""

import pytest
from cfi_world import book, chapter, packaged, pointer

from booklore_targets.booklore.cfi import Unplaceable, point, resolve

TABLE = "<table><tr><td>In</td></tr><tr><td>the</td></tr></table><p>End</p>"
POINTS = {
    "before a picture": ('<p>In <img src="a.png"/> end</p>', "p[1]/img[1].0", "/4/2/2", "end"),
    "before a line break": ("<p>In<br/>the end</p>", "p[1]/br[1].0", "/4/2/2", "the end"),
    "before a drawing": ("<div><svg><title>x</title></svg></div><p>End</p>", "div[1]/svg[1].0", "/4/2/2", "End"),
    "before a table": (TABLE, "table[1].0", "/4/2", "IntheEnd"),
    "within a table": (TABLE, "table[1].1", "/4/2/4", "theEnd"),
    "after the last row of a table": (TABLE, "table[1].2", "/4/2/4/2/1:3", "End"),
    "an element without an offset": ('<h1>In</h1><h2 id="h">the end</h2>', "h2[1]", "/4/4[h]", "the end"),
    "a text without an offset": ("<p>In the end</p>", "p[1]/text()[1]", "/4/2/1:0", "In the end"),
    "a child by its number that is text": ("<p>In <b>the</b> end</p>", "p[1].2", "/4/2/3:0", "end"),
    "the end of a text": ("<p>In</p><p>the end</p>", "p[1]/text()[1].2", "/4/2/1:2", "the end"),
    "the body": ("<p>In the end</p>", ".0", "/4", "In the end"),
}


@pytest.mark.parametrize(("body", "path", "way", "words"), POINTS.values(), ids=POINTS)
def test_a_page_may_begin_at_any_node(body, path, way, words):
    epub = book(body)
    found = point(epub, pointer(path).replace("]/.0", "].0"))

    assert (found.cfi, found.text, found.how) == (f"epubcfi(/6/2!{way})", words, "exact")
    assert resolve(epub, found.cfi) == ""


def test_a_chapter_itself_is_a_place():
    epub = book("<p>In</p>", '<body id="b"><p>the end</p></body>')

    found = [point(epub, xpointer) for xpointer in ("/body/DocFragment[2].0", "/body[1]/DocFragment[2]")]

    assert {(one.cfi, one.text) for one in found} == {("epubcfi(/6/4!/4[b])", "the end")}


PICTURES = {
    "a drawing": ("image/svg+xml", {"OPS/b": "<svg><title>x</title></svg>"}, "epubcfi(/6/4!/2)"),
    "a drawing of nothing": ("image/svg+xml", {"OPS/b": "<svg/>"}, "epubcfi(/6/4!/0)"),
    "no file": ("application/xhtml+xml", {}, "epubcfi(/6/4!/4)"),
    "a text": ("text/plain", {"OPS/b": "plain words"}, "epubcfi(/6/4!/4)"),
}


@pytest.mark.parametrize(("kind", "files", "cfi"), PICTURES.values(), ids=PICTURES)
def test_a_spine_item_that_is_no_chapter_has_a_place_of_its_own(kind, files, cfi):
    package = (
        '<package><metadata/><manifest><item id="a" href="a" media-type="application/xhtml+xml"/>'
        f'<item id="b" href="b" media-type="{kind}"/></manifest>'
        '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    epub = packaged(package, {"OPS/a": chapter("<p>In the end</p>"), **files})

    assert point(epub, "/body[1]/DocFragment[2]/body[1]/pre[1]/text()[1].4").cfi == cfi
    assert resolve(epub, cfi) == ""


MIXED = "<div>In <i>the</i> <p>end</p> of <b>it</b></div><div>all</div><ul><li>or <p>not</p></li></ul>"
BOXED = {
    "a box before a block": ("div[1]/autoBoxing[1]/text().1", "/4/2/1:1"),
    "an element in a box": ("div[1]/autoBoxing[1]/i/text().1", "/4/2/2/1:1"),
    "a block beside boxes": ("div[1]/p/text().1", "/4/2/4/1:1"),
    "a box after a block": ("div[1]/autoBoxing[2]/text().2", "/4/2/5:2"),
    "a box itself": ("div[1]/autoBoxing[1].0", "/4/2/2"),
    "no box in a list item": ("ul/li/text().1", "/4/6/2/1:1"),
    "no box": ("div[2]/text().1", "/4/4/1:1"),
}


@pytest.mark.parametrize(("path", "way"), BOXED.values(), ids=BOXED)
def test_boxes_of_the_engine_are_part_of_the_oldest_xpointers(path, way):
    assert point(book(MIXED), f"/body/DocFragment/body/{path}").cfi == f"epubcfi(/6/2!{way})"


def test_what_floats_has_a_box_of_its_own_there():
    epub = book('<p>In</p><div class="fl">the</div><p>end</p>', head="<style>.fl { float: left }</style>")

    assert point(epub, "/body/DocFragment/body/floatBox/div/text().1").cfi == "epubcfi(/6/2!/4/4/1:1)"
    assert point(epub, "/body/DocFragment/body/p[2]/text().1").cfi == "epubcfi(/6/2!/4/6/1:1)"


SHORT = {
    "an index only where there are several": ("<p>In</p><h1>the</h1><p>end</p>", "h1/text().1", "/4/4/1:1"),
    "with an index where there are": ("<p>In</p><h1>the</h1><p>end</p>", "p[2]/text().1", "/4/6/1:1"),
    "several text nodes": ("<p>In <b>the</b> end</p>", "p/text()[2].1", "/4/2/3:1"),
}


@pytest.mark.parametrize(("body", "path", "way"), SHORT.values(), ids=SHORT)
def test_short_xpointers_leave_the_first_index_out(body, path, way):
    assert point(book(body), f"/body/DocFragment/body/{path}").cfi == f"epubcfi(/6/2!{way})"


def test_of_two_generations_the_one_counts_that_would_write_it_so():
    epub = book("<div><p>In</p> the <p>end</p></div>")

    flat, boxed = ("/body/DocFragment/body/div/text().1", "/body/DocFragment/body/div/autoBoxing/text().1")

    assert point(epub, flat).cfi == point(epub, boxed).cfi == "epubcfi(/6/2!/4/2/3:1)"


def test_of_two_chapters_that_it_may_be_a_bookmark_is_in_the_one_of_its_title():
    package = "<package><metadata/><manifest>{}</manifest><spine>{}</spine></package>"
    listed = "".join(f'<item id="{one}" href="{one}" media-type="application/xhtml+xml"/>' for one in "abcd")
    spine = "".join(f'<itemref idref="{one}"/>' for one in "abcd")
    files = {f"OPS/{one}": chapter(f"<h1>Part {one.upper()}</h1><p>In the end</p>") for one in "acd"}
    epub = packaged(package.format(listed, spine), files)
    xpointer = "/body/DocFragment[3]/body/p/text().3"

    assert point(epub, xpointer, "Part C").cfi == "epubcfi(/6/6!/4/4/1:3)"
    assert point(epub, xpointer, "Part D").cfi == "epubcfi(/6/8!/4/4/1:3)"


NOWHERE = [
    pointer("p[2]/text()[1].0"),
    pointer("p[1]/text()[1].11"),
    pointer("p[1]/text()[0].1"),
    pointer("p[1].9"),
    pointer("p[1]/text()[1].0", 2),
    pointer("p[1]/text()[1].0", 0),
    "/body[1]/DocFragment[1]/body[2]/p[1].0",
    "/FictionBook/body/section/p/text().0",
    "/body/DocFragment/body/p[/text().0",
    "17",
    "",
    "/body/DocFragment" + "/b" * 5000 + ".0",
]


@pytest.mark.parametrize("xpointer", NOWHERE, ids=range(len(NOWHERE)))
def test_a_bookmark_that_is_nowhere_in_the_file_says_so(xpointer):
    with pytest.raises(Unplaceable, match=r"is at no place of this EPUB"):
        point(book("<p>In the end</p>"), xpointer)
