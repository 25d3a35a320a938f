"""Installing the shim: where it belongs, with a token of its own, and upgraded without losing it."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from bridge_world import EReader, paired

from booklore_core.bridge import newcomers
from booklore_core.bridge.install import CannotInstall, archive, install
from booklore_core.core import Core

URL = "http://192.168.1.20:8765"
NAME = "booklorebridge.koplugin"


@pytest.fixture
def koreader(tmp_path: Path) -> Path:
    folder = tmp_path / "koreader"
    (folder / "plugins").mkdir(parents=True)
    return folder


def config(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "booklorebridge.json").read_text())


def told_to(folder: Path, url: str, device: str = "kobo-7f3a") -> EReader:
    """The device that the folder belongs to, as it shows up."""
    return EReader(url, device, config(folder)["token"])


def speaks(ereader: EReader) -> bool:
    answer = ereader.post("/v1/events", {"device": ereader.device, "lines": [ereader.reader.network()]})
    assert answer.status_code in (200, 401, 403)
    return answer.status_code == 200


def test_the_shim_is_put_among_the_plugins_with_address_and_token(core: Core, url: str, koreader: Path) -> None:
    folder = install(core, koreader, url + "/")

    assert folder == koreader / "plugins" / NAME
    assert (folder / "main.lua").is_file() and (folder / "_meta.lua").is_file()
    assert config(folder).keys() == {"url", "token"} and config(folder)["url"] == url
    assert told_to(folder, url).get("/v1/menu").status_code == 200


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_only_the_owner_reads_the_token_where_a_file_system_has_modes(core: Core, koreader: Path) -> None:
    archive(core, koreader / "shim.zip", URL)

    files = (install(core, koreader, URL) / "booklorebridge.json", koreader / "shim.zip")

    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]


def test_the_token_works_whenever_the_e_reader_first_shows_up(core: Core, url: str, koreader: Path, clock) -> None:
    ereader = told_to(install(core, koreader, URL), url)
    clock.forward(days=90)

    [before] = newcomers.listed(core)
    assert speaks(ereader)
    [after] = newcomers.listed(core)

    assert (before["name"], before["last_seen"]) == (str(koreader), None) and before["id"].startswith("installed:")
    assert (after["id"], after["name"], after["last_seen"]) == ("kobo-7f3a", "Libra", "2027-02-18T20:00:00Z")


def test_the_token_is_for_the_first_device_that_speaks_by_it(core: Core, url: str, koreader: Path) -> None:
    folder = install(core, koreader, URL)

    assert speaks(told_to(folder, url, "kobo-7f3a"))
    assert not speaks(told_to(folder, url, "kindle-1234"))
    assert speaks(told_to(folder, url, "kobo-7f3a"))


def test_a_device_that_shows_up_keeps_what_it_told_before_its_settings_were_lost(
    core: Core, url: str, koreader: Path
) -> None:
    ereader = told_to(install(core, koreader, URL), url, "kobo-ffffffff")
    device = {**ereader.device, "former_ids": ["kobo-7f3a"]}

    lines = [ereader.reader.network()]
    answer = ereader.post("/v1/events", {"device": device, "lines": lines}).json()

    assert answer["ack"] == [line["id"] for line in lines]


def test_installing_again_ends_the_token_that_nobody_used(core: Core, url: str, koreader: Path) -> None:
    unused = told_to(install(core, koreader, URL), url)

    used = told_to(install(core, koreader, URL), url)

    assert len(newcomers.listed(core)) == 1
    assert not speaks(unused) and speaks(used)


@pytest.mark.parametrize("known", [False, True], ids=["not seen yet", "seen"])
def test_what_the_e_reader_has_taken_over_counts(core: Core, url: str, koreader: Path, known: bool) -> None:
    folder = install(core, koreader, URL)
    ereader = told_to(folder, url)
    (folder / "booklorebridge.json").unlink()
    (koreader / "settings").mkdir()
    (koreader / "settings" / "booklorebridge.lua").write_text(f'return {{\n    ["token"] = "{ereader.token}",\n}}\n')
    assert not known or speaks(ereader)

    again = told_to(install(core, koreader, URL), url)

    assert (again.token == ereader.token) == known
    assert len(newcomers.listed(core)) == 1 and speaks(again)


def test_an_unused_token_can_be_revoked_and_the_folder_gets_another(core: Core, url: str, koreader: Path) -> None:
    revoked = told_to(install(core, koreader, URL), url)

    core.devices.revoke(newcomers.listed(core)[0]["id"])

    assert not speaks(revoked) and newcomers.listed(core) == []
    assert speaks(told_to(install(core, koreader, URL), url))


def test_the_token_is_not_stored(core: Core, koreader: Path) -> None:
    token = config(install(core, koreader, URL))["token"]

    assert token not in json.dumps(core.database.rows("SELECT * FROM devices"))


def test_an_installation_that_fails_leaves_no_token_behind(core: Core, url: str, koreader: Path) -> None:
    unused = told_to(install(core, koreader, URL), url)
    (koreader / "plugins" / f"{NAME}.new").write_text("no folder, and not ours to remove")

    with pytest.raises(CannotInstall):
        install(core, koreader, URL)

    assert len(newcomers.listed(core)) == 1 and speaks(unused)


def test_headers_for_a_proxy_are_written_kept_and_taken_away(core: Core, koreader: Path) -> None:
    told = [config(install(core, koreader, URL, given)).get("headers") for given in ({"A": "b"}, None, {}, None)]

    assert told == [{"A": "b"}, {"A": "b"}, {}, {}]


def test_an_archive_holds_the_shim_with_a_token_of_its_own(core: Core, url: str, tmp_path: Path) -> None:
    archive(core, tmp_path / "shim.zip", url, {"A": "b"})
    first = unpacked(tmp_path / "shim.zip", tmp_path / "first")
    archive(core, tmp_path / "shim.zip", url)
    second = unpacked(tmp_path / "shim.zip", tmp_path / "second")

    assert {path.name for path in first.iterdir()} == {path.name for path in second.iterdir()} > {"main.lua"}
    assert config(second) == {"url": url, "token": config(second)["token"], "headers": {"A": "b"}}
    assert not speaks(told_to(first, url)) and speaks(told_to(second, url))
    assert [one.name for one in tmp_path.iterdir() if "zip" in one.name] == ["shim.zip"]


def unpacked(file: Path, folder: Path) -> Path:
    with zipfile.ZipFile(file) as packed:
        packed.extractall(folder)
    return folder / NAME


@pytest.mark.parametrize("content", [b"a book", b""])
def test_a_file_that_is_no_archive_of_the_shim_is_left_alone(core: Core, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "dune.zip"
    file.write_bytes(content)

    with pytest.raises(CannotInstall, match="give another name"):
        archive(core, file, URL)

    assert file.read_bytes() == content and newcomers.listed(core) == []


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


def test_an_upgrade_replaces_the_files_and_keeps_the_token(core: Core, url: str, koreader: Path) -> None:
    folder, token = install(core, koreader, "http://old:1"), paired(core, url).token
    known = {"url": "http://old:1", "token": token, "start_command": "booklore serve", "code": "123456"}
    (folder / "booklorebridge.json").write_text(json.dumps(known))
    (folder / "gone.lua").touch()

    install(core, koreader, URL)

    assert config(folder) == {"url": URL, "token": token, "start_command": "booklore serve"}
    assert not (folder / "gone.lua").exists()
    assert [path.name for path in folder.parent.iterdir()] == [NAME]


def test_an_upgrade_that_was_interrupted_is_made_good(core: Core, url: str, koreader: Path) -> None:
    folder, token = install(core, koreader, URL), paired(core, url).token
    (folder / "booklorebridge.json").write_text(json.dumps({"token": token}))
    folder.rename(folder.with_name(f"{NAME}.old"))
    folder.with_name(f"{NAME}.new").mkdir()

    install(core, koreader, URL)

    assert config(folder)["token"] == token
    assert [path.name for path in folder.parent.iterdir()] == [NAME]
