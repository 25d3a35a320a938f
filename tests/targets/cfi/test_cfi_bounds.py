"""Whatever is wrong with a file, a sentence says so; whoever made it, reading takes a bounded while."""

import io
import struct
import zipfile

import pytest
from cfi_world import CONTAINER, PACKAGE_TYPE, archive, book, pointer

from booklore_targets.booklore.cfi import Epub, UnreadableEpub, point

FILES: dict[str, str | bytes] = {
    "META-INF/container.xml": CONTAINER.format(package="p.opf", type=PACKAGE_TYPE) * 50,
    "p.opf": "<package><manifest/><spine/></package>",
}


def compressed(method: int) -> bytes:
    """An EPUB whose first file is damaged behind what it begins with."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as zipped:
        for name, content in FILES.items():
            zipped.writestr(name, content)
    begin = 45 + len("META-INF/container.xml")
    return spoilt(data.getvalue(), dict.fromkeys(range(begin, begin + 40), 0x5A))


def spoilt(data: bytes, changes: dict[int, int]) -> bytes:
    """With these bytes turned over, by their offset; a negative one is from the end."""
    changed = bytearray(data)
    for at, mask in changes.items():
        changed[at] ^= mask
    return bytes(changed)


def displaced() -> bytes:
    """An EPUB that says of itself to begin before its first byte."""
    data = archive(FILES)
    (offset,) = struct.unpack("<L", data[-6:-2])
    return data[:-6] + struct.pack("<L", offset + 5) + data[-2:]


def marked(flags: int, method: int) -> bytes:
    """An EPUB whose first file is said to be encrypted, or packed in another way."""
    data = archive(FILES)
    at = data.index(b"PK\x01\x02")
    return spoilt(data, {6: flags, 8: method, at + 8: flags, at + 10: method})


DAMAGED = {
    "deflated": compressed(zipfile.ZIP_DEFLATED),
    "packed as bzip2": compressed(zipfile.ZIP_BZIP2),
    "packed as LZMA": compressed(zipfile.ZIP_LZMA),
    "cut off within": archive(FILES).replace(b"\x00\x00META-INF", b"\xff\xffMETA-INF", 1),
    "begun before its beginning": displaced(),
    "encrypted": marked(1, 0),
    "packed in an unknown way": marked(0, 0x55),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_archive_is_told_whether_from_bytes_or_a_path(data, tmp_path):
    path = tmp_path / "book.epub"
    path.write_bytes(data)

    for source in (data, path):
        with pytest.raises(UnreadableEpub, match="damaged"):
            Epub.open(source)


def test_any_byte_of_an_archive_may_be_wrong():
    data = archive(FILES)

    for at in range(len(data)):
        for mask in (0x01, 0x80, 0xFF):
            try:
                Epub.open(spoilt(data, {at: mask}))
            except UnreadableEpub as error:
                assert str(error).endswith(".")


def test_a_path_that_cannot_be_read_is_no_damaged_epub(tmp_path):
    with pytest.raises(FileNotFoundError):
        Epub.open(tmp_path / "nowhere.epub")


MEGABYTE = 1024 * 1024
SHEETS = {
    "without a brace": "a" * MEGABYTE,
    "of one long value": "@font-face { src: url(data:font/woff2;base64," + "A" * MEGABYTE,
    "of comments that never end": "/*" * (MEGABYTE // 2),
    "with a rule beyond its first megabyte": "p { color: red } " * 70_000 + "span { display: inline }",
}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
@pytest.mark.parametrize("head", ["<style>{}</style>", '<link rel="stylesheet" href="a.css"/>'])
def test_a_style_sheet_is_gone_through_once_and_its_first_megabyte_counts(head, sheet):
    epub = book(
        "<div>\n<span>In</span> the end</div>",
        head="<style>span { display: block }</style>" + head.format(sheet),
        **{"a.css": sheet},
    )

    assert point(epub, pointer("div[1]/text()[1].1")).text == "the end"


def test_a_rule_behind_a_long_value_counts():
    font = "@font-face { src: url(data:font/woff2;base64," + "A" * 100_000 + ") }"
    epub = book("<div>\n<span>In</span> the end</div>", head=f"<style>{font} span {{ display: block }}</style>")

    assert point(epub, pointer("div[1]/text()[1].1")).text == "the end"


NAMES = "".join(f"span.c{one}, " for one in range(9_999))
BOUNDED = {
    "elements": ("", "<b/>" * 200_001, "more than 200,000 elements"),
    "pieces of text": ("", "x<!-- -->" * 300_001, "more than 300,000 pieces"),
    "rules": ("*{float:left}" * 10_001, "", "more than 10,000 rules"),
    "selectors of a rule": (f"{NAMES} b, i {{ float: left }}", "", "more than 10,000 rules"),
    "comparisons": ("*{float:left}" * 9_000, "<i>x</i>" * 600, "take too long"),
    "comparisons with ancestors": ("x *{float:left}" * 1_000, "<i>" * 110 + "x" + "</i>" * 110, "take too long"),
}


@pytest.mark.parametrize(("sheet", "more", "reason"), BOUNDED.values(), ids=BOUNDED)
def test_a_chapter_of_more_than_any_book_needs_is_refused_each_time(sheet, more, reason):
    head = f"<style>{sheet}</style>"
    epub = book(f"<p>In the end</p>{head}{more}")

    for _ in range(2):
        with pytest.raises(UnreadableEpub, match=rf"“OPS/c1\.xhtml” in the EPUB has .*{reason}.*\."):
            point(epub, pointer("p[1]/text()[1].0"))


def test_one_sheet_that_is_named_again_and_again_counts_each_time():
    epub = book(
        "<p>In the end</p>", head='<link rel="stylesheet" href="a.css"/>' * 11, **{"a.css": "b{float:left}" * 1000}
    )

    with pytest.raises(UnreadableEpub, match="more than 10,000 rules"):
        point(epub, pointer("p[1]/text()[1].0"))


def test_a_very_large_chapter_with_a_very_large_sheet_is_read():
    rules = "".join(f".c{one} {{ float: left }}" for one in range(9_999)) + "span { display: block }"
    epub = book(
        "<div>\n<span>In</span> the end</div>" + '<p class="c1">x<b/></p>' * 50_000, head=f"<style>{rules}</style>"
    )

    assert point(epub, pointer("div[1]/text()[1].1")).text.startswith("the end")
