"""From the container to the chapters: which document a DocFragment is, and which step of the CFI."""

import io
import zipfile

import pytest
from cfi_world import CONTAINER, PACKAGE_TYPE, XHTML, archive, book, chapter, packaged, pointer

from booklore_targets.booklore.cfi import Epub, Unplaceable, UnreadableEpub, anchor, point

PREFIXED = """<?xml version="1.0"?><!-- odd --><opf:package xmlns:opf="http://www.idpf.org/2007/opf"><opf:metadata/>
<opf:manifest>{items}</opf:manifest><opf:spine>{references}</opf:spine></opf:package>"""


def odd_book(items: dict[str, str], spine: list[str], **texts: str) -> Epub:
    """items: id → href, all XHTML. spine: idrefs. texts: id → words of that chapter, at its place in the archive."""
    listed = "".join(f'<opf:item id="{name}" href="{href}" media-type="{XHTML}"/>' for name, href in items.items())
    references = "".join(f"<opf:itemref {one}/>" if "=" in one else f'<opf:itemref idref="{one}"/>' for one in spine)
    files = {path: chapter(f"<p>{words}</p>") for path, words in texts.items()}
    return packaged(PREFIXED.format(items=listed, references=references), files, "OPS/deep/p.opf")


def test_chapters_are_found_in_folders_by_prefixed_and_percent_encoded_names():
    epub = odd_book(
        {"a": "one%20%C3%BC.xhtml", "b": "./sub/two.xhtml", "c": "../up.xhtml", "d": "three&amp;.xhtml"},
        ["a", "b", "c", "d"],
        **{
            "OPS/deep/one ü.xhtml": "First",
            "OPS/deep/sub/two.xhtml": "Second",
            "OPS/up.xhtml": "Third",
            "OPS/deep/three&.xhtml": "Fourth",
        },
    )

    found = [point(epub, pointer("p[1]/text()[1].0", number)) for number in (1, 2, 3, 4)]

    assert [one.text for one in found] == ["First", "Second", "Third", "Fourth"]
    assert [one.cfi for one in found] == [f"epubcfi(/6/{step}!/4/2/1:0)" for step in (2, 4, 6, 8)]


def test_items_that_no_manifest_knows_have_a_step_and_no_fragment():
    epub = odd_book({"a": "a.xhtml", "b": "b.xhtml"}, ["a", "nobody", "b"], **{"OPS/deep/b.xhtml": "Second"})

    assert point(epub, pointer("p[1]/text()[1].0", 2)).cfi == "epubcfi(/6/6!/4/2/1:0)"


def test_what_is_not_linear_counts_like_any_other():
    epub = odd_book(
        {"a": "a.xhtml", "b": "b.xhtml"}, ["a", 'idref="a" linear="no"', "b"], **{"OPS/deep/b.xhtml": "Second"}
    )

    assert point(epub, pointer("p[1]/text()[1].0", 3)).cfi == "epubcfi(/6/6!/4/2/1:0)"


def test_of_two_items_with_one_id_the_first_counts():
    package = (
        f'<package><manifest><item id="a" href="a.xhtml" media-type="{XHTML}"/>'
        f'<item id="a" href="b.xhtml" media-type="{XHTML}"/></manifest><spine><itemref idref="a"/></spine></package>'
    )
    epub = packaged(package, {"OPS/a.xhtml": chapter("<p>First</p>"), "OPS/b.xhtml": chapter("<p>Second</p>")})

    assert point(epub, pointer("p[1]/text()[1].0")).text == "First"


def test_a_file_that_is_twice_in_the_spine_is_two_chapters():
    epub = odd_book({"a": "a.xhtml", "b": "b.xhtml"}, ["a", "b", "a"], **{"OPS/deep/a.xhtml": "First"})

    assert point(epub, pointer("p[1]/text()[1].0", 3)).cfi == "epubcfi(/6/6!/4/2/1:0)"


@pytest.mark.parametrize(("number", "step"), [(1, 2), (2, 6)])
def test_older_koreaders_count_no_chapter_without_a_file(number, step):
    epub = odd_book({"a": "a.xhtml", "gone": "gone.xhtml", "b": "b.xhtml"}, ["a", "gone", "b"], **{
        "OPS/deep/a.xhtml": "First words", "OPS/deep/b.xhtml": "Second words",
    })  # fmt: skip
    place = f"/body/DocFragment[{number}]/body/p/text()"

    found = anchor(epub, f"{place}.0", f"{place}.5", ["First", "Secon"][number - 1])

    assert (found.cfi, found.how) == (f"epubcfi(/6/{step}!/4/2,/1:0,/1:5)", "exact")


def test_ids_are_asserted_where_they_occur_once():
    package = (
        f'<package><metadata/><manifest><item id="a" href="a.xhtml" media-type="{XHTML}"/></manifest>'
        '<guide/><spine><itemref id="first" idref="a"/></spine></package>'
    )
    body = '<body id="b[1]"><div id="twice"><p id="p,1">In the end</p></div><p id="twice"/></body>'
    epub = packaged(package, {"OPS/a.xhtml": chapter(body)})

    found = point(epub, pointer("div[1]/p[1]/text()[1].3"))

    assert found.cfi == "epubcfi(/8/2[first]!/4[b^[1^]]/2/2[p^,1]/1:3)"


def test_a_single_chapter_has_no_number_in_short_xpointers():
    assert point(book("<p>In the end</p>"), "/body/DocFragment/body/p/text().3").cfi == "epubcfi(/6/2!/4/2/1:3)"


def test_a_long_name_is_left_out_before_a_cfi_becomes_too_long():
    epub = book(f'<div id="{"x" * 990}"><p>In the end</p></div>')

    assert point(epub, pointer("div[1]/p[1]/text()[1].3")).cfi == "epubcfi(/6/2!/4/2/2/1:3)"


def test_a_place_too_deep_for_the_server_is_told():
    depth, path = 250, "i[1]/" * 250 + "text()[1].0"
    epub = book("<i>" * depth + "In the end" + "</i>" * depth)
    broader = book(("<b/>" * 50 + "<i>") * depth + "In the end" + "</i>" * depth)

    assert len(point(epub, pointer(path)).cfi) < 1000
    with pytest.raises(Unplaceable, match="longer than 1,000 characters"):
        point(broader, pointer(path))


PACKAGE = "<package><manifest/><spine/></package>"
BROKEN = {
    "no archive": (b"%PDF-1.7", "not a ZIP archive"),
    "no container": (archive({"mimetype": "application/epub+zip"}), "META-INF/container.xml"),
    "a container that names nothing": (archive({"META-INF/container.xml": "<container/>"}), "names no package"),
    "no package": (
        archive({"META-INF/container.xml": CONTAINER.format(package="p.opf", type=PACKAGE_TYPE)}),
        "no readable “p.opf”",
    ),
    "a package without a spine": (
        archive({
            "META-INF/container.xml": CONTAINER.format(package="p.opf", type=PACKAGE_TYPE), "p.opf": "<package/>",
        }),
        "has no spine",
    ),
    "more chapters than a book has": (
        archive({
            "META-INF/container.xml": CONTAINER.format(package="p.opf", type=PACKAGE_TYPE),
            "p.opf": PACKAGE.replace("<spine/>", f"<spine>{'<itemref/>' * 10_001}</spine>"),
        }),
        "more than 10,000 items",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_epub_says_why(data, reason):
    with pytest.raises(UnreadableEpub, match=reason):
        Epub.open(data)


def test_a_chapter_that_unpacks_to_far_too_much_is_refused():
    epub = book("<p>" + "x" * 17 * 1024 * 1024 + "</p>")

    with pytest.raises(UnreadableEpub, match="unpacks to more"):
        point(epub, pointer("p[1]/text()[1].0"))


def test_a_damaged_chapter_is_named():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as zipped:
        zipped.writestr("META-INF/container.xml", CONTAINER.format(package="p.opf", type=PACKAGE_TYPE))
        zipped.writestr("p.opf", f'<package><manifest><item id="a" href="a.xhtml" media-type="{XHTML}"/></manifest>'
                                 '<spine><itemref idref="a"/></spine></package>')  # fmt: skip
        zipped.writestr("a.xhtml", chapter("<p>In the end</p>"))
    epub = Epub.open(data.getvalue().replace(b"In the end", b"in THE end"))

    with pytest.raises(UnreadableEpub, match=r"“a\.xhtml” in the EPUB cannot be read"):
        point(epub, pointer("p[1]/text()[1].0"))


SHORT = "/body/DocFragment[{}]/body/p/text()"
ELSEWHERE = {
    "too large": "x" * (16 * 1024 * 1024 + 1),
    "in a notation for names of hosts": '<?xml version="1.0" encoding="idna"?><p/>',
    "in no encoding": '<?xml version="1.0" encoding="undefined"?><p/>',
}


@pytest.mark.parametrize("other", ELSEWHERE.values(), ids=ELSEWHERE)
@pytest.mark.parametrize(("spine", "number"), [("ab?", 1), ("ab?", 2), ("?ab", 3)])
def test_a_chapter_that_cannot_be_read_is_in_the_way_of_no_other(other, spine, number):
    items = "".join(f'<opf:item id="{one}" href="{one}" media-type="{XHTML}"/>' for one in "ab")
    items += f'<opf:item id="?" href="other" media-type="{XHTML}"/>'
    references = "".join(f'<opf:itemref idref="{one}"/>' for one in spine)
    files = {"OPS/a": chapter("<p>In the</p>"), "OPS/b": chapter("<p>end</p>"), "OPS/other": other}
    epub = packaged(PREFIXED.format(items=items, references=references), files)
    words = {"a": "In the", "b": "end"}[spine[number - 1]]

    found = anchor(epub, SHORT.format(number) + ".0", SHORT.format(number) + f".{len(words)}", words)

    assert (found.cfi, found.how) == (f"epubcfi(/6/{2 * number}!/4/2,/1:0,/1:{len(words)})", "exact")


def test_a_chapter_that_cannot_be_read_is_told_each_time():
    epub = book("<p>" + "x" * 17 * 1024 * 1024 + "</p>", "<p>Second</p>")

    for _ in range(9):
        with pytest.raises(UnreadableEpub, match="unpacks to more"):
            point(epub, pointer("p[1]/text()[1].0"))

    assert point(epub, SHORT.format(2) + ".0").text == "Second"


def test_no_chapter_is_read_behind_the_next_one():
    # Nine such chapters are more than is read of one book.
    heavy = "<p>" + "x" * 15 * 1024 * 1024 + "</p>"
    epub = book("<p>First</p>", "<p>Second</p>", *[heavy] * 9)

    assert point(epub, SHORT.format(1) + ".0").text == "First"
    assert point(epub, SHORT.format(2) + ".0").text == "Second"


def test_an_epub_is_read_from_a_path_too(tmp_path):
    path = tmp_path / "book.epub"
    path.write_bytes(archive({
        "META-INF/container.xml": CONTAINER.format(package="p.opf", type=PACKAGE_TYPE), "p.opf": PACKAGE,
    }))  # fmt: skip

    with Epub.open(path) as epub:
        assert epub.documents == []


HOSTILE = {
    "a tag that never ends": "<p a='" * 100_001,
    "comments that never end": "<!--" * 50_000,
    "depth": "<div>" * 100_000,
    "declarations that never end": "<!DOCTYPE x [" * 50_000,
    "a bomb of entities": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><html><body><p>&b;</p></body></html>',
    "nothing": "",
    "a null": "<html><body><p>\x00</p></body></html>",
    "a number that is no character": "<html><body><p>&#1114112;&#xD800;</p></body></html>",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_chapter_is_no_place_and_no_harm(text):
    package = (
        f'<package><manifest><item id="a" href="a.xhtml" media-type="{XHTML}"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    epub = packaged(package, {"OPS/a.xhtml": text})

    with pytest.raises(Unplaceable):
        anchor(epub, pointer("p[9]/text()[1].0"), pointer("p[9]/text()[1].5"), "In the end")
