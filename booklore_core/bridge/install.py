"""Puts the shim into a KOReader folder, ready to pair by itself at its first contact."""

import json
import os
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

from booklore_core.bridge.pairing import new_code
from booklore_core.core import Core
from booklore_core.targets import Declined

SHIM = "booklorebridge.koplugin"
CONFIG = "booklorebridge.json"
KOREADER_FOLDERS = (".adds/koreader", "koreader", "applications/koreader")
"""Where KOReader lies on a mounted Kobo, Kindle and PocketBook."""


class CannotInstall(Exception):
    """The shim cannot be put there; the text says why and what to do."""


def install(core: Core, directory: Path, url: str) -> Path:
    """Installs or upgrades the shim. url: where the device reaches the bridge. Returns the shim's folder.

    A new installation gets a fresh pairing code; one that holds a token keeps it. Raises CannotInstall.
    """
    address, folder = checked_address(url), shim_folder(directory)
    old = folder.with_name(f"{SHIM}.old")
    if not folder.exists() and old.exists():
        old.rename(folder)  # an earlier upgrade was interrupted
    config = {**read_config(folder / CONFIG), "url": address}
    config.pop("code", None)
    if not config.get("token"):
        config["code"] = new_code(core)[0]
    try:
        replace_folder(folder, old, config)
    except OSError as error:
        raise CannotInstall(f"{folder}: {error.strerror or error}") from error
    return folder


def replace_folder(folder: Path, old: Path, config: dict[str, Any]) -> None:
    """The new shim beside the old one first, so that a pulled plug leaves one of them whole."""
    new = folder.with_name(f"{SHIM}.new")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    shutil.copytree(shim_source(), new, copy_function=shutil.copyfile)
    (new / CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")
    sync_to_disk(new)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def sync_to_disk(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def shim_folder(directory: Path) -> Path:
    """Where the shim belongs, given KOReader's folder, its `plugins`, a plugin in there, or the device's root."""
    if not directory.is_dir():
        raise CannotInstall(f"{directory}: there is no such folder")
    if directory.name == "plugins":
        return directory / SHIM
    if directory.suffix == ".koplugin":
        return directory.parent / SHIM
    for place in (directory, *(directory / name for name in KOREADER_FOLDERS)):
        if (place / "plugins").is_dir() or (place / "reader.lua").is_file():
            return place / "plugins" / SHIM
    raise CannotInstall(f"{directory}: this is no KOReader folder; it should hold `plugins` or `reader.lua`")


def shim_source() -> Path:
    """The shim as it was packaged, or as it lies in the repository. Raises CannotInstall."""
    package = Path(str(files("booklore_core.bridge")))
    for place in (package / SHIM, package.parents[1] / "bridge_lua" / SHIM):
        if (place / "main.lua").is_file():
            return place
    raise CannotInstall("the shim is missing from this installation; install booklore-sync again")


def read_config(path: Path) -> dict[str, Any]:
    """What an existing installation knows; a damaged file knows nothing."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def checked_address(url: str) -> str:
    from booklore_core.http import normalize_url

    try:
        return normalize_url(url)
    except Declined as error:
        raise CannotInstall(error.reason) from error
