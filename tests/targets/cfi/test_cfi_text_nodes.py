"""Which text node of the file an xpointer means, and how a CFI counts it."""

import pytest
from cfi_world import book, pointer

from booklore_targets.booklore.cfi import anchor, point

SPLITS = {
    "plain": ("<p>In the end</p>", "p[1]/text()[1].3", "/4/2/1:3", "the end"),
    "after an inline element": ("<p>In <i>the</i> end</p>", "p[1]/text()[2].1", "/4/2/3:1", "end"),
    "within an inline element": ("<p>In <i>the</i> end</p>", "p[1]/i[1]/text()[1].1", "/4/2/2/1:1", "he end"),
    "after an empty anchor": ('<p><a id="x"/>In the end</p>', "p[1]/text()[1].3", "/4/2/3:3", "the end"),
    "after adjacent inlines": ("<p><b>In</b><i>the</i> end</p>", "p[1]/text()[1].1", "/4/2/5:1", "end"),
    "after a comment": ("<p>In <!-- b -->the end</p>", "p[1]/text()[2].4", "/4/2/1:7", "end"),
    "before a comment": ("<p>In <!-- b -->the end</p>", "p[1]/text()[1].1", "/4/2/1:1", "n the end"),
    "after an instruction": ("<p>In <?x y?>the end</p>", "p[1]/text()[2].0", "/4/2/1:3", "the end"),
    "in CDATA": ("<p>In <![CDATA[<the>]]> end</p>", "p[1]/text()[2].1", "/4/2/1:4", "the> end"),
    "after CDATA": ("<p>In <![CDATA[<the>]]> end</p>", "p[1]/text()[3].1", "/4/2/1:9", "end"),
    "a reference in CDATA is text": ("<p><![CDATA[&amp;]]> end</p>", "p[1]/text()[2].1", "/4/2/1:6", "end"),
    "an entity is one character": ("<p>In&nbsp;&mdash;the end</p>", "p[1]/text()[1].4", "/4/2/1:4", "the end"),
    "a numbered one too": ("<p>In&#8212;&#x2014;the end</p>", "p[1]/text()[1].4", "/4/2/1:4", "the end"),
    "one that nobody knows stays": ("<p>In &what; end</p>", "p[1]/text()[1].3", "/4/2/1:3", "&what; end"),
    "an emoji is two units of a CFI": ("<p>😀 In the end</p>", "p[1]/text()[1].2", "/4/2/1:3", "In the end"),
    "one before a comment counts too": ("<p>😀<!-- x -->In the end</p>", "p[1]/text()[2].3", "/4/2/1:5", "the end"),
    "a soft hyphen counts": ("<p>In\u00ad the&shy;end</p>", "p[1]/text()[1].7", "/4/2/1:7", "\u00adend"),
    "a script counts for itself only": (
        "<script>1</script><p>In the end</p>",
        "p[1]/text()[1].3",
        "/4/4/1:3",
        "the end",
    ),
    "text of the body itself": ("In the <i>end</i>", "text()[1].3", "/4/1:3", "the end"),
    "a tag in an attribute is none": ('<p title="a > b">In the end</p>', "p[1]/text()[1].3", "/4/2/1:3", "the end"),
    "an element of another kind": ("<h1>A</h1><p>In the end</p>", "p[1]/text()[1].3", "/4/4/1:3", "the end"),
}


@pytest.mark.parametrize(("body", "path", "way", "words"), SPLITS.values(), ids=SPLITS)
def test_a_text_node_is_found(body, path, way, words):
    found = point(book(body), pointer(path))

    assert found.cfi == f"epubcfi(/6/2!{way})"
    assert found.text == words


BLANKS = {
    "a run is one character": ("<p>In \n\t the end</p>", "p[1]/text()[1].3", "/4/2/1:6", "the end"),
    "the first of a paragraph is kept": ("<p>\n  In the end</p>", "p[1]/text()[1].4", "/4/2/1:6", "the end"),
    "a written one is none of the run": ("<p>In &#32; the end</p>", "p[1]/text()[1].5", "/4/2/1:5", "the end"),
    "of three kinds of line end": ("<p>In\r\nthe\rend</p>", "p[1]/text()[1].7", "/4/2/1:7", "end"),
    "first in a block is no node": ("<p> <i>In</i> the end</p>", "p[1]/text()[1].1", "/4/2/3:1", "the end"),
    "first in an inline element is one": ("<p><i> <b>In</b> the</i></p>", "p[1]/i[1]/text()[2].1", "/4/2/2/3:1", "the"),
    "between inlines is one": ("<p><b>In</b> <i>the</i> end</p>", "p[1]/text()[2].1", "/4/2/5:1", "end"),
    "between blocks is none": ("<div>\n<p>In</p>\n the end\n</div>", "div[1]/text()[1].1", "/4/2/3:2", "the end"),
    "at the side of a block is none": (
        "<div>In <p>the</p> <i>or</i> end</div>",
        "div[1]/text()[2].1",
        "/4/2/5:1",
        "end",
    ),
    "in pre all count": ("<pre>In  the\n  end</pre>", "pre[1]/text()[1].10", "/4/2/1:10", "end"),
    "in pre the first line end is none": ("<pre>\nIn the end</pre>", "pre[1]/text()[1].3", "/4/2/1:4", "the end"),
    "a tab of pre reaches to the next eighth": ("<pre>In\tthe</pre>", "pre[1]/text()[1].8", "/4/2/1:3", "the"),
    "a line end is a column for a tab": ("<pre>In\n\tthe</pre>", "pre[1]/text()[1].10", "/4/2/1:4", "the"),
    "kept by a style": ('<p style="white-space: pre-wrap">In  the</p>', "p[1]/text()[1].4", "/4/2/1:4", "the"),
    "between table rows is none": (
        "<table>\n<tr>\n<td>In the end</td>\n</tr></table>",
        "table[1]/tr[1]/td[1]/text()[1].3",
        "/4/2/2/2/1:3",
        "the end",
    ),
}


@pytest.mark.parametrize(("body", "path", "way", "words"), BLANKS.values(), ids=BLANKS)
def test_white_space_counts_as_in_koreader(body, path, way, words):
    found = point(book(body), pointer(path))

    assert found.cfi == f"epubcfi(/6/2!{way})"
    assert found.text == words


@pytest.mark.parametrize(
    "sheet", ["span { display: block }", ".b { display:block }", "p ~ x, div > .b{display: block}"]
)
def test_what_is_a_block_is_said_by_the_style_sheets(sheet):
    epub = book(
        '<div>\n<span class="b">In</span> the end</div>',
        head='<link rel="stylesheet" href="style.css"/>',
        **{"style.css": f"/* p {{ float: left }} */ {sheet} @media print {{ i {{ color: red }} }}"},
    )

    assert point(epub, pointer("div[1]/text()[1].1")).cfi == "epubcfi(/6/2!/4/2/3:1)"


def test_a_style_sheet_is_found_beside_its_document_and_the_heavier_rule_counts():
    head = (
        '<link rel="stylesheet" href="../OPS/a%20b.css"/><style>.b { display: inline } span { display: inline }</style>'
    )
    sheet = "div span.b { display: block }"
    epub = book('<div>\n<span class="b">In</span> the end</div>', head=head, **{"a b.css": sheet})

    assert point(epub, pointer("div[1]/text()[1].1")).text == "the end"


WORDS = "wander " * 1200


@pytest.mark.parametrize(
    ("body", "path", "offset"),
    [
        (f"<p>{WORDS}end</p>", "text()[2].0", 8190),
        (f"<p>{'&amp;x ' * 1400}end</p>", "text()[2].0", 3 * 1170),
        (f"<p>{'x' * 8200} end</p>", "text()[2].3", 8195),
        (f"<p>{'wander' * 1000}\n{'wander' * 1000}</p>", "text()[2].0", 6001),
    ],
    ids=["after the last blank", "in characters of the source", "anywhere where there is none", "after a line end"],
)
def test_a_text_node_is_cut_after_8192_characters(body, path, offset):
    assert point(book(body), pointer(f"p[1]/{path}")).cfi == f"epubcfi(/6/2!/4/2/1:{offset})"


def test_a_highlight_across_all_of_these_is_told_as_the_file_has_it():
    epub = book('<p>In <!-- x --><a id="n"/>the &amp; <![CDATA[<last>]]> 😀&shy;end.</p>')

    found = anchor(epub, pointer("p[1]/text()[1].0"), pointer("p[1]/text()[4].6"), "In the & <last> 😀end")

    assert (found.cfi, found.how) == ("epubcfi(/6/2!/4/2,/1:0,/3:19)", "exact")
    assert found.text == "In the & <last> 😀\u00adend"
