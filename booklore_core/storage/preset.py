"""Values of settings that are preset outside of the program, which never writes them: environment and config.toml."""

import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from booklore_core.settings import BadSetting, Setting, Source


def preset(
    config_file: Path | None = None, environ: Mapping[str, str] | None = None, must_exist: bool = False
) -> dict[str, Source]:
    """What goes before the database, in this order. config_file is read once; raises BadSetting when it is none."""
    if config_file and must_exist and not config_file.exists():
        raise BadSetting(f"{config_file}: there is no such file; BOOKLORE_CONFIG names it")
    sources: dict[str, Source] = {"env": partial(from_environment, os.environ if environ is None else environ)}
    if config_file:
        sources["file"] = partial(from_tables, read_config(config_file), config_file)
    return sources


def from_environment(environ: Mapping[str, str], name: str, setting: Setting) -> str | None:
    """`BOOKLORE_<SECTION>__<SETTING>`, or the variable that a setting names besides; a secret's also with `_FILE`."""
    for variable in filter(None, (variable_name(name), setting.env)):
        if environ.get(variable):
            return environ[variable]
        if setting.secret and environ.get(f"{variable}_FILE"):
            return read_secret_file(Path(environ[f"{variable}_FILE"]), f"{variable}_FILE")
    return None


def from_tables(tables: Mapping[str, Any], path: Path, name: str, setting: Setting) -> Any | None:
    """What the file at path says, a table per plugin; tables: what it holds."""
    section, _, key = name.partition(".")
    table = tables.get(section, {})
    if not isinstance(table, dict):
        raise BadSetting(f"{path}: {section}: expected a table such as [{section}]")
    return table.get(key)


def read_config(path: Path) -> dict[str, Any]:
    """What a config.toml holds, nothing when there is none. Raises BadSetting naming the file and the line."""
    try:
        return tomllib.loads(read_text(path)) if path.is_file() or path.is_dir() else {}
    except (OSError, tomllib.TOMLDecodeError, RecursionError) as error:
        reason = f"cannot be read ({error.strerror})" if isinstance(error, OSError) else error
        raise BadSetting(f"{path}: {reason}") from error


def read_text(path: Path) -> str:
    """A file without its byte order mark. Raises OSError, and BadSetting naming it when it is not UTF-8."""
    content = path.read_bytes()
    if b"\0" in content:
        raise BadSetting(f"{path}: not a text in UTF-8 (from line 1 on, perhaps UTF-16); save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadSetting(f"{path}: not a text in UTF-8 (at line {line}); save it as UTF-8") from error


@cache
def variable_name(name: str) -> str:
    """The environment variable of a setting; what a variable's name cannot hold becomes an underscore."""
    return re.sub(r"\W", "_", f"BOOKLORE_{name.replace('.', '__', 1)}").upper()


def read_secret_file(path: Path, name: str) -> str:
    """The text of a secret's file without byte order mark and last line end. Raises BadSetting naming both, for an
    empty one, too."""
    try:
        if text := read_text(path).rstrip("\r\n"):
            return text
        raise BadSetting(f"{path} is empty")
    except OSError as error:
        user = getattr(os, "geteuid", os.getlogin)()
        raise BadSetting(f"{name}: cannot read {path} as user {user} ({error.strerror})") from error
    except BadSetting as error:
        raise BadSetting(f"{name}: {error}") from error
