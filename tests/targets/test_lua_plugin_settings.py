"""Settings from the Lua plugin: raw texts, none over what was set here, no secret where it was not meant to go."""

import pytest
from lua_database import LuaDatabase
from lua_world import open_world

from booklore_core.storage.secrets import Secrets

PASSWORD, OTHER = "0x1F", "another-password"


@pytest.fixture
def world(tmp_path, open_core, clock):
    yield from open_world(tmp_path, open_core, clock)


def database_of(world, **settings):
    """A plugin's database with these settings and no others."""
    return LuaDatabase(world.folder / "of-settings.sqlite", 14).settings(**settings)


def value(world, name):
    return world.core.settings[name]


def test_what_has_a_counterpart_is_taken_over(world):
    database = database_of(
        world,
        session_detection_mode="pages",
        min_duration="45",
        min_pages="3.0",
        progress_decimal_places="1",
        rating_sync_enabled="false",
        rating_sync_mode="select_at_complete",
        highlights_notes_sync_enabled="true",
        bookmarks_sync_enabled="false",
        notes_destination="both",
        upload_strategy="on_complete",
        booklore_shelf_name="Kobo",
        ask_wifi_enable="true",
        silent_messages="true",
    )

    result = world.take_over(database)

    names = ("sessions.mode", "sessions.min_duration", "sessions.min_pages", "sessions.decimals")
    assert [value(world, name) for name in names] == ["pages", 45, 3, 1]
    assert [value(world, f"{name}.enabled") for name in ("ratings", "annotations", "bookmarks")] == [False, True, False]
    assert value(world, "annotations.destination") == "both"
    assert value(world, "annotations.upload") == "on_complete"
    assert [value(world, name) for name in ("deletions.shelf", "sync.ask_wifi", "sync.silent")] == ["Kobo", True, True]
    assert "ratings.mode" in {*result.data["settings"]["taken"], *result.data["settings"]["unknown"]}


@pytest.mark.parametrize(
    ("told", "mode", "is_manual"),
    [
        ({"sync_mode": "manual", "manual_sync_only": "true"}, "manual", True),
        ({"sync_mode": "custom", "force_push_session_on_suspend": "true"}, "custom", False),
        ({"force_push_session_on_suspend": "true", "connect_network_on_suspend": "true"}, "automatic", False),
        ({"force_push_session_on_suspend": "false"}, "custom", False),
        ({"manual_sync_only": "true"}, "manual", True),
    ],
)
def test_when_it_syncs_stays_as_it_was(world, told, mode, is_manual):
    world.take_over(database_of(world, **told))

    assert (value(world, "sync.mode"), value(world, "sync.manual_only")) == (mode, is_manual)


@pytest.mark.parametrize("password", ["00123", "1e5", "0x1F", "true", "inf", " x ", "päss\tword"])
def test_a_password_is_never_read_as_anything_else(world, password):
    world.take_over(database_of(world, server_url="http://books.example", booklore_username="me",
                                booklore_password=password))  # fmt: skip

    assert value(world, "booklore.password") == password
    assert Secrets(world.core.places.secrets).get("booklore.password") == password


def test_what_a_person_has_set_here_stays_and_is_told(world):
    world.core.settings.set("sessions.min_duration", 30)

    result = world.take_over(database_of(world, min_duration="45", min_pages="3"))

    assert value(world, "sessions.min_duration") == 30
    assert result.data["settings"] == {"taken": ["sessions.min_pages"], "kept": ["sessions.min_duration"], "unfit": [],
                                       "unknown": []}  # fmt: skip
    assert "sessions.min_duration" in result.message


def test_what_does_not_fit_or_has_no_counterpart_is_told_by_name(world):
    result = world.take_over(
        database_of(world, min_duration="often", server_url="not an address", shelf_id="7", download_dir="/mnt/onboard")
    )

    assert sorted(result.data["settings"]["unfit"]) == ["booklore.url", "sessions.min_duration"]
    assert result.data["settings"]["unknown"] == ["shelf_id", "download_dir"]


def test_a_password_goes_to_no_other_server(world):
    world.core.settings.set("booklore.url", "http://here.example")

    result = world.take_over(database_of(world, server_url="http://there.example", booklore_username="me",
                                         booklore_password=PASSWORD))  # fmt: skip

    assert value(world, "booklore.url") == "http://here.example"
    assert value(world, "booklore.password") == value(world, "booklore.username") == ""
    assert result.data["settings"]["kept"] == ["booklore.url", "booklore.username", "booklore.password"]


def test_a_password_goes_with_no_other_name(world):
    world.core.settings.set("booklore.username", "somebody")

    world.take_over(database_of(world, server_url="http://there.example", booklore_username="me",
                                booklore_password=PASSWORD))  # fmt: skip

    assert value(world, "booklore.url") == "http://there.example"
    assert (value(world, "booklore.username"), value(world, "booklore.password")) == ("somebody", "")


def test_what_is_secret_here_is_sent_to_no_address_of_the_file(world):
    world.core.settings.set("booklore.password", OTHER)

    world.take_over(database_of(world, server_url="http://there.example", booklore_username="me"))

    assert value(world, "booklore.url") == ""


def test_an_address_in_other_words_is_the_same(world):
    world.core.settings.set("booklore.url", "http://books.example/base")

    world.take_over(database_of(world, server_url="http://books.example/base/", booklore_username="me",
                                booklore_password=PASSWORD))  # fmt: skip

    assert value(world, "booklore.password") == PASSWORD


def test_neither_password_nor_token_is_told_anywhere(world, caplog):
    caplog.set_level("DEBUG")
    database = database_of(world, server_url="http://127.0.0.1:9", booklore_username="me", booklore_password=PASSWORD,
                           username="koreader", password=OTHER, hardcover_token="hc-token")  # fmt: skip

    results = [world.take_over(database, dry_run=True), world.take_over(database), world.take_over(database)]

    told = f"{results} {caplog.text} {world.everything_kept()}"
    assert not any(secret in told for secret in (PASSWORD, OTHER, "hc-token"))
    assert world.core.places.secrets.stat().st_mode & 0o777 == 0o600


def test_an_account_that_is_taken_over_works(world):
    database = world.database()

    assert world.take_over(database).ok

    assert {check.check: check.ok for check in world.core.targets["booklore"].check()}["account"]
