"""An unmodified KOReader's own progress sync, with the bridge of a real core as its server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from koreader_process import BOOK, Visit, visit, why_not

from booklore_core.bridge import serving
from booklore_core.bridge.accounts import new_account
from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import SampleReader, sample_book

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

DIGEST = hashlib.md5(BOOK).hexdigest()
DUNE = sample_book("Dune", pages=30, partial_md5=DIGEST)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    home = tmp_path_factory.mktemp("core")
    core = Core(Places.from_environment({"BOOKLORE_HOME": str(home)}), lambda: datetime.now(UTC), {})
    yield core
    core.close()


@pytest.fixture(scope="module")
def visited(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """A device with the shim has read to page 11 an hour ago."""
    reader = SampleReader("kobo-7f3a", now=datetime.now(UTC) - timedelta(hours=2))
    for line in reader.read(DUNE, pages=10):
        line["reading"]["position"] = str(line["reading"]["page"])
    core.take(reader.lines, "a file")
    with serving(core) as url:
        account = f"{url}/kosync anna {new_account(core, 'anna')}"
        return visit("stock", tmp_path_factory.mktemp("koreader"), url, "000000", KOSYNC_ACCOUNT=account)


def test_it_shows_why_nobody_is_registered(visited: Visit) -> None:
    assert "`booklore bridge kosync-user`" in visited.report["registering"]["text"]


def test_it_logs_in_with_the_right_password_only(visited: Visit) -> None:
    assert visited.report["a wrong password"]["text"] == "Unauthorized"
    assert visited.report["logging in"]["text"] == "Logged in to KOReader server."


def test_it_goes_to_where_a_device_with_the_shim_read(visited: Visit) -> None:
    told = visited.report["the shim's place"]

    assert (told["page"], told["text"]) == (11, "Progress has been synchronized.")


def test_it_pushes_and_knows_its_own_place_again(visited: Visit, core: Core) -> None:
    assert visited.report["pushing"]["text"] == "Progress has been pushed."
    assert visited.report["its own place"]["text"] == "Latest progress is coming from this device."
    names = {row["name"] for row in core.database.rows("SELECT name FROM devices WHERE id LIKE 'kosync:anna:%'")}
    assert names == {"Headless", "Boox"}


def test_it_goes_to_where_another_device_read_later(visited: Visit) -> None:
    pushed, told = visited.report["another device"], visited.report["the other's place"]

    assert (pushed["ok"], pushed["status"], pushed["document"]) == (True, 200, DIGEST)
    assert (told["page"], told["text"]) == (25, "Progress has been synchronized.")


def test_of_a_book_that_nobody_read_it_is_told_nothing(visited: Visit) -> None:
    assert visited.report["a book that nobody read"] == {
        "step": "a book that nobody read",
        "ok": True,
        "is_empty": True,
    }


def test_a_wrong_key_is_the_one_failure_that_it_does_not_repeat(visited: Visit) -> None:
    told = visited.report["a wrong key"]

    assert (told["ok"], told["status"], told["text"]) == (False, 401, "Unauthorized")
