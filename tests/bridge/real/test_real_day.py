"""The whole way: an unmodified KOReader, the shim, and the real bridge of a real core."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from koreader_process import Visit, visit, why_not

from booklore_core import TargetUnavailable
from booklore_core.bridge import serving
from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core
from booklore_core.storage.places import Places
from booklore_core.testing import FakePlugin, FakeTarget

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """A core whose only server is asleep, so that all that was read waits."""
    home = tmp_path_factory.mktemp("core")
    environment = {"BOOKLORE_SESSIONS__MIN_DURATION": "1"}
    core = Core(Places.from_environment({"BOOKLORE_HOME": str(home)}), lambda: datetime.now(UTC), environment)
    core.plugins.register("bookworm_plugin", FakePlugin([FakeTarget(fails_with=TargetUnavailable("asleep"))]))
    core.refresh()
    yield core
    core.close()


@pytest.fixture(scope="module")
def day(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    home = tmp_path_factory.mktemp("koreader")
    with serving(core) as url:
        return visit("day", home, url, new_code(core)[0])


def test_what_was_read_waits_in_the_core_and_nothing_on_the_device(day: Visit, core: Core) -> None:
    assert core.pending()["session"] == 1
    assert [line["event"] for line in day.spool()] == ["device"]
    assert core.devices.paired()[0]["model"] == "Headless"


def test_the_menu_is_the_cores(day: Visit) -> None:
    assert day.report["menu"]["items"][0] == "Enable sync"
    assert {"Sync Settings", "Sync & Cache", "Plugins", "Preferences", "About"} <= set(day.report["menu"]["items"])


def test_labels_count_what_waits(day: Visit) -> None:
    assert "Sync Pending Now (1S, 1R, 1P)" in day.report["cache"]["items"]


def test_what_waits_can_be_looked_at_and_kept(day: Visit, core: Core) -> None:
    assert "Sessions: 1" in day.report["pending"]["text"]
    assert core.pending()["session"] == 1


def test_a_setting_is_changed_in_the_menu(day: Visit, core: Core) -> None:
    assert day.report["silent"]["checked"] is True
    assert core.settings["sync.silent"] is True


def test_a_gesture_switches_sync_off(day: Visit, core: Core) -> None:
    assert core.settings["sync.enabled"] is False
