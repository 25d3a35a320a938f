"""Puts the shim into a KOReader folder or an archive, with the address of the bridge and a token of its own."""

import json
import os
import re
import shutil
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from booklore_core.bridge.newcomers import token_for
from booklore_core.core import Core
from booklore_core.storage.secrets import private
from booklore_core.targets import Declined

SHIM = "booklorebridge.koplugin"
CONFIG, SETTINGS = "booklorebridge.json", "booklorebridge.lua"
"""What an installation tells the shim, and where KOReader keeps what the shim has taken over of it."""

TOKEN = re.compile(r'^ *\["token"\] = "([^"\\]+)"', re.MULTILINE)
KOREADER_FOLDERS = (".adds/koreader", "koreader", "applications/koreader")
"""Where KOReader lies on a mounted Kobo, Kindle and PocketBook."""


class CannotInstall(Exception):
    """The shim cannot be put there; the text says why and what to do."""


def install(core: Core, directory: Path, url: str, headers: dict[str, str] | None = None) -> Path:
    """Installs or upgrades the shim. Returns its folder. Raises CannotInstall.

    url: where the device reaches the bridge. headers: what an access proxy before it wants, by name; None for those
    that are there. A device that has a token keeps it; else it gets one that lives until it is used.
    """
    address, folder = checked_address(url), shim_folder(directory)
    old = folder.with_name(f"{SHIM}.old")
    try:
        if not folder.exists() and old.exists():
            old.rename(folder)  # an earlier upgrade was interrupted
        config = configured(read_config(folder / CONFIG), address, headers)
        with token_for(core, str(folder.parents[1]), [*held(config), *taken_over(folder)]) as token:
            replace_folder(folder, old, {**config, "token": token})
    except OSError as error:
        raise CannotInstall(f"{folder}: {error.strerror or error}") from error
    return folder


def archive(core: Core, file: Path, url: str, headers: dict[str, str] | None = None, place: str = "") -> None:
    """Writes an archive that is unpacked into `plugins`, as `install`. Raises CannotInstall.

    place: what people read of where it is, until its device has said its name; otherwise its path.

    An archive that was made before gives way, and its token, when nobody has used that.
    """
    address, draft = checked_address(url), file.with_name(f"{file.name}.new")
    config = configured(config_in(file), address, headers)
    try:
        with token_for(core, place or str(file.absolute()), held(config)) as token:
            write_archive(draft, {**config, "token": token})
            draft.replace(file)
    except OSError as error:
        raise CannotInstall(f"{file}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def configured(known: dict[str, Any], address: str, headers: dict[str, str] | None) -> dict[str, Any]:
    """What the shim is told. A code of an earlier version has no meaning beside a token."""
    kept = {name: value for name, value in known.items() if name != "code"}
    return {**kept, "url": address, **({} if headers is None else {"headers": headers})}


def held(config: dict[str, Any]) -> list[str]:
    token = config.get("token")
    return [token] if isinstance(token, str) else []


def taken_over(folder: Path) -> list[str]:
    """The token that a device has taken over into its settings."""
    settings = folder.parents[1] / "settings" / SETTINGS
    return TOKEN.findall(settings.read_text(encoding="utf-8", errors="replace")) if settings.is_file() else []


def replace_folder(folder: Path, old: Path, config: dict[str, Any]) -> None:
    """The new shim beside the old one first, so that a pulled plug leaves one of them whole."""
    new = folder.with_name(f"{SHIM}.new")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    shutil.copytree(shim_source(), new, copy_function=shutil.copyfile)
    with open(new / CONFIG, "w", encoding="utf-8", opener=private) as file:
        file.write(json.dumps(config, indent=1))
    sync_to_disk(new)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def write_archive(file: Path, config: dict[str, Any]) -> None:
    with open(file, "wb", opener=private) as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(shim_source().iterdir()):
            packed.writestr(f"{SHIM}/{path.name}", path.read_bytes())
        packed.writestr(f"{SHIM}/{CONFIG}", json.dumps(config, indent=1))


def config_in(file: Path) -> dict[str, Any]:
    """What an archive of ours knows; nothing when there is none. Raises CannotInstall for any other file."""
    if not file.exists():
        return {}
    try:
        with zipfile.ZipFile(file) as packed:
            return config_of(packed.read(f"{SHIM}/{CONFIG}").decode("utf-8", "replace"))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise CannotInstall(f"{file}: is there already and no archive of the shim; give another name") from error


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
        return config_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def config_of(text: str) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError:
        return {}
    return config if isinstance(config, dict) else {}


def checked_address(url: str) -> str:
    from booklore_core.http import normalize_url

    try:
        return normalize_url(url)
    except Declined as error:
        raise CannotInstall(error.reason) from error
