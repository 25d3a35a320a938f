"""What `booklore doctor` finds out about the data folder, the secrets and the settings."""

import os
import re
import shutil
import stat
import tomllib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from booklore_core.core import Core
    from booklore_core.storage.places import Places
    from booklore_core.targets import Check

ROOM = 100 * 1024 * 1024
"""Bytes that should be free where the data lies."""

VARIABLE = re.compile(r"BOOKLORE_([A-Z0-9_]+?)__([A-Z0-9_]+)")


def line(check: str, ok: bool, detail: str, advice: str = "") -> "Check":
    from booklore_core.targets import Check

    return Check(check, ok, detail, advice)


def check_home(places: "Places") -> "Check":
    home = places.home
    if not home.exists():
        return line("data folder", True, f"{home}, not made yet")
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        return line("data folder", False, f"{home} may not be written", "correct its owner, or set BOOKLORE_HOME")
    free = shutil.disk_usage(home).free
    if free < ROOM:
        return line("data folder", False, f"{home}: {free // 1024 // 1024} MiB left on the disk", "free some space")
    return line("data folder", True, str(home))


def check_secrets(places: "Places") -> "Check":
    path = places.secrets
    if not path.exists():
        return line("secrets", True, "none stored")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return line("secrets", False, f"{path} can be read by others (mode {mode:04o})", f"chmod 600 {path}")
    return line("secrets", True, f"{path}, mode {mode:04o}")


def check_config(core: "Core") -> "Check":
    """config.toml, which nobody else tells when it holds a name that there is not."""
    path = core.places.config
    if not path.is_file():
        return line("config file", True, f"{path} is not there")
    tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    given = [f"{section}.{key}" for section, table in tables.items() if isinstance(table, dict) for key in table]
    unknown = unknown_names(core, given)
    if unknown:
        advice = "correct the name: `booklore config show` lists them"
        return line("config file", False, f"{path}: no such setting: {', '.join(unknown)}", advice)
    return line("config file", True, f"{path}, {len(given)} settings")


def check_settings(core: "Core") -> "Check":
    """Whether every value fits, and every variable is known. Raises BadSetting naming one that does not."""
    matches = [VARIABLE.fullmatch(name) for name in os.environ]
    given = {match.group(0): f"{match[1]}.{match[2]}".lower() for match in matches if match}
    unknown = set(unknown_names(core, [name for name in given.values() if name not in EARLY]))
    if unknown:
        variables = sorted(variable for variable, name in given.items() if name in unknown)
        advice = "correct the name: `booklore config show` lists the settings"
        return line("settings", False, f"no such setting: {', '.join(variables)}", advice)
    changed = sum(value.source != "default" for value in core.settings)
    return line("settings", True, f"{changed} differ from the defaults" if changed else "all at their defaults")


EARLY = ("database.wal",)
"""Read before there are any declarations."""


def unknown_names(core: "Core", names: Iterable[str]) -> list[str]:
    """Those of names that nobody declared, nor a plugin that could not be loaded."""
    known = {value.name.lower() for value in core.settings}
    unloaded = {name.lower() for name, plugin in core.plugins.plugins.items() if plugin.module is None}
    return sorted(name for name in names if name.lower() not in known and name.partition(".")[0] not in unloaded)
