"""A target that fails in its own code keeps nobody else from being asked, and is named."""

import pytest

from booklore_core.actions import start
from booklore_core.flows import Request
from booklore_core.settings import BadSetting
from booklore_core.targets import Candidate, Check, Finding
from booklore_core.testing import FakeLibrary, SampleReader, answer_all, sample_book

DUNE, EMMA = sample_book("Dune"), sample_book("Emma")
MD5 = DUNE["partial_md5"]


class Library(FakeLibrary):
    """A library with a connection test and an audit; `broken` are the parts that fail, named with what they raise."""

    def __init__(self, name, **broken):
        super().__init__({MD5: "7"}, {"7": "Dune"}, name=name)
        self.broken = broken

    def _act(self, what):
        if what in self.broken:
            raise self.broken[what]

    def match(self, books):
        self._act("match")
        return super().match(books)

    def search(self, text, limit):
        self._act("search")
        return super().search(text, limit)

    def book(self, remote_id):
        self._act("book")
        return super().book(remote_id)

    def check(self):
        self._act("check")
        return [Check(f"{self.name} server", True)]

    def audit(self, book, items):
        self._act("audit")
        return [Finding("missing", "session", book, items[0].key, "gone")]


@pytest.fixture(params=["a_broken", "z_broken"])
def libraries(request, open_core):
    """A core with a library that works and one that breaks in the parts named, asked before it or after it."""

    def open_with(*parts, error=None):
        broken = Library(request.param, **dict.fromkeys(parts, error or KeyError("id")))
        core = open_core(Library("m_well"), broken)
        core.take(SampleReader().read(DUNE), "test")
        return core, request.param

    return open_with


def act(core, name, *answers, **args):
    return answer_all(start(core, name, Request(args=args)), answers)


ERRORS = pytest.mark.parametrize("error", [KeyError("id"), SystemExit(3)], ids=repr)


@ERRORS
def test_matching_goes_on_with_the_next_target(libraries, error):
    core, broken = libraries("match", error=error)

    result = act(core, "match_unmatched", auto=True)

    assert core.books.matches("m_well") == {MD5: "7"}
    assert list(result.data["unavailable"]) == [broken]
    assert f"{broken}: match failed: " in result.message and "m_well: 1 matched" in result.message


def test_matching_by_hand_goes_on_with_the_next_target(libraries):
    core, broken = libraries("search")
    core.targets[broken]._target.shelf.clear()

    result = act(core, "match_unmatched", True)

    assert core.books.matches("m_well") == {MD5: "7"}
    assert "search failed: KeyError" in result.data["unavailable"][broken]


@ERRORS
def test_the_connection_test_has_a_line_for_each_target(libraries, error):
    core, broken = libraries("check", error=error)

    lines = {line["check"]: line for line in act(core, "test_connection").data}

    assert lines["m_well server"]["ok"] is True
    assert lines[broken]["ok"] is False
    assert lines[broken]["detail"].startswith("check failed: ")


@ERRORS
def test_the_verification_compares_the_other_targets(libraries, error):
    core, broken = libraries("audit", error=error)
    core.sync()

    data = act(core, "verify").data

    assert [found["target"] for found in data["missing"]] == ["m_well"]
    assert list(data["unavailable"]) == [broken]


def test_a_book_that_cannot_be_compared_does_not_keep_the_others_from_it(open_core):
    class Forgetful(Library):
        def audit(self, book, items):
            if book.title == "Dune":
                raise KeyError("id")
            return super().audit(book, items)

    library, reader = Forgetful("library"), SampleReader()
    library.shelf[EMMA["partial_md5"]] = "8"
    core = open_core(library)
    core.take([*reader.read(DUNE), *reader.read(EMMA)], "test")
    core.sync()

    data = act(core, "verify").data

    assert ([found["book"] for found in data["missing"]], data["checked"]) == (["Emma"], 1)
    assert data["unavailable"]["library"].startswith("Dune could not be compared: audit failed: KeyError")


@ERRORS
def test_a_sync_delivers_to_the_other_targets(libraries, error):
    core, broken = libraries("match", error=error)

    report = core.sync()

    assert {run.target: run.delivered for run in report.runs} == {"m_well": {"session": 1}, broken: {}}
    assert core.pending() == {"session": 1}


@pytest.mark.parametrize(("part", "args"), [("search", {}), ("book", {"id": "7"})])
def test_matching_one_book_says_in_a_line_what_failed(open_core, part, args):
    core = open_core(Library("broken", **{part: KeyError("id")}))
    core.take(SampleReader().read(DUNE), "test")

    result = act(core, "match_book", book=MD5, **args)

    assert not result.ok
    assert result.message.startswith(f"broken: {part} failed: KeyError: 'id' (")
    assert "\n" not in result.message


def test_a_candidate_that_is_none_is_a_failed_search(open_core):
    library = Library("odd")
    library.search = lambda text, limit: [Candidate("7", None)]
    core = open_core(library)
    core.take(SampleReader().read(DUNE), "test")

    assert act(core, "match_book", book=MD5).message.startswith("odd: search failed: TypeError: Candidate: title")


def test_about_tells_of_every_target(open_core):
    class Silent(Library):
        @property
        def about(self):
            raise KeyError("version")

    core = open_core(Silent("silent"), Library("well"))

    assert {"silent: enabled", "well: enabled"} <= set(act(core, "about").message.splitlines())


def test_a_target_whose_parts_cannot_even_be_looked_at_has_none(open_core):
    class Cursed(Library):
        @property
        def credentials(self):
            raise KeyError("account")

        def log_in(self):
            return []

    core = open_core(Cursed("cursed"), Library("well"))
    core.take(SampleReader().read(DUNE), "test")

    with pytest.raises(BadSetting, match="cursed has no account"):
        act(core, "log_in", target="cursed")
    assert core.sync().total("delivered") == {"session": 2}
