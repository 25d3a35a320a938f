"""Installing the shim: where it belongs, ready to pair, and upgraded without losing its token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bridge_world import EReader

from booklore_core.bridge.install import CannotInstall, install
from booklore_core.core import Core

URL = "http://192.168.1.20:8765"
NAME = "booklorebridge.koplugin"


@pytest.fixture
def koreader(tmp_path: Path) -> Path:
    folder = tmp_path / "koreader"
    (folder / "plugins").mkdir(parents=True)
    return folder


def config(folder: Path) -> dict[str, str]:
    return json.loads((folder / "booklorebridge.json").read_text())


def test_the_shim_is_put_among_the_plugins_with_address_and_code(core: Core, url: str, koreader: Path) -> None:
    folder = install(core, koreader, url + "/")

    assert folder == koreader / "plugins" / NAME
    assert (folder / "main.lua").is_file() and (folder / "_meta.lua").is_file()
    assert config(folder).keys() == {"url", "code"} and config(folder)["url"] == url
    assert EReader(url).pair(config(folder)["code"]).status_code == 200


@pytest.mark.parametrize("given", ["", "plugins", f"plugins/{NAME}", "plugins/other.koplugin", ".."])
def test_koreader_is_found_from_what_is_given(core: Core, koreader: Path, given: str) -> None:
    (koreader / "plugins" / NAME).mkdir()
    (koreader / "plugins" / "other.koplugin").mkdir()

    assert install(core, (koreader / given).resolve(), URL) == koreader / "plugins" / NAME


def test_a_folder_with_reader_lua_gets_a_plugins_folder(core: Core, tmp_path: Path) -> None:
    (tmp_path / "reader.lua").touch()

    assert install(core, tmp_path, URL) == tmp_path / "plugins" / NAME


@pytest.mark.parametrize("given", ["books", "nowhere"])
def test_any_other_folder_is_refused_and_left_alone(core: Core, tmp_path: Path, given: str) -> None:
    (tmp_path / "books").mkdir()

    with pytest.raises(CannotInstall, match=given):
        install(core, tmp_path / given, URL)
    assert list((tmp_path / "books").iterdir()) == []


def test_an_address_that_is_none_is_refused(core: Core, koreader: Path) -> None:
    with pytest.raises(CannotInstall, match="is no address such as http"):
        install(core, koreader, "ftp://192.168.1.20")
    assert list((koreader / "plugins").iterdir()) == []


def test_an_upgrade_replaces_the_files_and_keeps_the_token(core: Core, koreader: Path) -> None:
    folder = install(core, koreader, "http://old:1")
    known = {"url": "http://old:1", "token": "t", "start_command": "booklore serve", "code": "123456"}
    (folder / "booklorebridge.json").write_text(json.dumps(known))
    (folder / "gone.lua").touch()

    install(core, koreader, URL)

    assert config(folder) == {"url": URL, "token": "t", "start_command": "booklore serve"}
    assert not (folder / "gone.lua").exists()
    assert [path.name for path in folder.parent.iterdir()] == [NAME]


def test_an_upgrade_that_was_interrupted_is_made_good(core: Core, koreader: Path) -> None:
    folder = install(core, koreader, URL)
    (folder / "booklorebridge.json").write_text('{"token": "t"}')
    folder.rename(folder.with_name(f"{NAME}.old"))
    folder.with_name(f"{NAME}.new").mkdir()

    install(core, koreader, URL)

    assert config(folder)["token"] == "t"
    assert [path.name for path in folder.parent.iterdir()] == [NAME]
