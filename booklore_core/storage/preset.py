"""Values of settings that are preset outside of the program, which never writes them: environment and config.toml."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from booklore_core.settings import BadSetting, Setting, Source


def preset(
    config_file: Path | None = None, environ: Mapping[str, str] | None = None, must_exist: bool = False
) -> dict[str, Source]:
    """What goes before the database, in this order. Raises BadSetting when config_file is none."""
    if config_file and must_exist and not config_file.exists():
        raise BadSetting(f"{config_file}: there is no such file; BOOKLORE_CONFIG names it")
    environment = Environment(os.environ if environ is None else environ)
    return {"env": environment} | ({"file": ConfigFile(config_file)} if config_file else {})


class Environment:
    """`BOOKLORE_<SECTION>__<SETTING>`, or the variable that a setting names besides; a secret's also with `_FILE`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def read(self, name: str, setting: Setting) -> str | None:
        for variable in filter(None, (variable_name(name), setting.env)):
            if self._environ.get(variable):
                return self._environ[variable]
            if setting.secret and self._environ.get(f"{variable}_FILE"):
                return read_secret_file(Path(self._environ[f"{variable}_FILE"]), f"{variable}_FILE")
        return None


class ConfigFile:
    """A table per plugin. The file is read once, when this is made; raises BadSetting when it is none."""

    def __init__(self, path: Path) -> None:
        self._path, self._tables = path, read_config(path)

    def read(self, name: str, setting: Setting) -> Any | None:
        section, _, key = name.partition(".")
        table = self._tables.get(section, {})
        if not isinstance(table, dict):
            raise BadSetting(f"{self._path}: {section}: expected a table such as [{section}]")
        return table.get(key)


def read_config(path: Path) -> dict[str, Any]:
    """What a config.toml holds, nothing when there is none. Raises BadSetting naming the file and the line."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig")) if path.is_file() or path.is_dir() else {}
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadSetting(f"{path}: not a text in UTF-8 (at line {line})") from error
    except OSError as error:
        raise BadSetting(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadSetting(f"{path}: {error}") from error


def variable_name(name: str) -> str:
    """The environment variable of a setting; what a variable's name cannot hold becomes an underscore."""
    section, _, key = name.partition(".")
    return re.sub(r"\W", "_", f"BOOKLORE_{section}__{key}").upper()


def read_secret_file(path: Path, name: str) -> str:
    """The text of a secret's file without byte order mark and last line end. Raises BadSetting naming the variable."""
    try:
        return path.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise BadSetting(f"{name}: cannot read {path} ({reason})") from error
