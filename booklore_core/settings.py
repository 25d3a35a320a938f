"""Settings: declared once with type, default, range and help; environment > config.toml > database > default."""

import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from booklore_core.flows import range_text

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class BadSetting(ValueError):
    """A setting that does not exist or a value that does not fit; the text names the setting and what fits."""


@dataclass(frozen=True)
class Setting:
    """One setting of a plugin. name: without the section, which is the plugin's name.

    type: bool, int, float or str. choices: the texts allowed. low, high: the range of a number. unit: for people.
    secret: kept in the secrets file, never shown. env: another name for its environment variable.
    label: the menu's text, the help's first words by default. menu: the submenus below Tools → BookLore Sync where it
    stands, in the order of declaration; empty: the plugin's own place.
    forgets: secrets of the section that go where this setting says; when a device changes it they are forgotten and
    asked for anew, so that nobody sends them elsewhere with a device's token (design §9).
    """

    name: str
    type: type
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""
    secret: bool = False
    env: str = ""
    label: str = ""
    menu: tuple[str, ...] = ()
    forgets: tuple[str, ...] = ()

    def check(self, value: Any, full_name: str) -> Any:
        """value in the setting's type; texts are read as the environment writes them. Raises BadSetting."""
        typed = self._typed(value)
        if typed is None or (self.choices and typed not in self.choices) or not self._in_range(typed):
            shown = "" if self.secret else f", got {value!r}"
            raise BadSetting(f"{full_name}: expected {self.expected}{shown}")
        return typed

    @property
    def expected(self) -> str:
        if self.choices:
            return "one of " + ", ".join(self.choices)
        name = {bool: "true or false", int: "a whole number", float: "a number"}.get(self.type, "a text")
        return f"{name} {range_text(self.low, self.high)}".strip()

    @property
    def type_name(self) -> str:
        return "choice" if self.choices else {bool: "bool", int: "int", float: "float"}.get(self.type, "text")

    def _in_range(self, value: Any) -> bool:
        if isinstance(value, str):
            return True
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return bool(low <= value <= high and -math.inf < value < math.inf)

    def _typed(self, value: Any) -> Any:
        if self.type is bool:
            return value if isinstance(value, bool) else _bool(value)
        if self.type is str:
            return value if isinstance(value, str) else None
        if isinstance(value, bool):
            return None
        try:
            return self.type(value) if isinstance(value, str | int) or self.type is float else None
        except (TypeError, ValueError, OverflowError):
            return None


def _bool(value: Any) -> bool | None:
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if word in TRUE else False if word in FALSE else None


ENABLED = Setting("enabled", bool, True, "Whether this plugin works")

SYNC = (
    Setting("enabled", bool, True, "Write down and sync what is read", label="Enable sync"),
    Setting("manual_only", bool, False, "Queue everything and send only when asked", label="Manual only"),
    Setting("mode", str, "automatic", "What starts a sync", ("automatic", "manual", "custom"), label="Sync triggers"),
    Setting("on_suspend", bool, True, "Sync what is known when the device goes to sleep", label="Sync on suspend"),
    Setting("wifi_on_suspend", bool, False, "Enable Wi-Fi for the sync on suspend", label="Connect WiFi on suspend"),
    Setting("ask_wifi", bool, False, "Ask before enabling WiFi", label="Ask before enabling WiFi"),
    Setting("wake_delay", int, 15, "Wait after waking up before a sync", low=0, high=3600, unit="seconds"),
    Setting("wake_cooldown", int, 300, "Least time between two wake syncs", low=0, high=86400, unit="seconds"),
    Setting("silent", bool, False, "Show no messages on the device", label="Silent mode"),
)


class Layer(Protocol):
    """Where values that a person has set are kept: the database, or the secrets file."""

    def read(self, name: str) -> Any | None: ...
    def write(self, name: str, value: Any) -> None: ...
    def remove(self, name: str) -> None: ...


@dataclass(frozen=True)
class Value:
    """A setting's value and where it comes from: env, file, database or default."""

    name: str
    value: Any = field(repr=False)  # it may be a secret
    source: str
    setting: Setting


class Settings:
    """All settings that were declared. Raises BadSetting for a name that was not, and for a value that does not fit."""

    def __init__(
        self, stored: Layer, secrets: Layer, config_file: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self._stored, self._secrets, self._config_file = stored, secrets, config_file
        self.environ = os.environ if environ is None else environ
        self._declared: dict[str, Setting] = {}
        self.declare("sync", SYNC)

    def declare(self, section: str, settings: Iterable[Setting]) -> None:
        """Adds settings below section, all or none. Raises BadSetting when one is declared twice."""
        declared = dict(self._declared)
        for setting in settings:
            name = f"{section}.{setting.name}"
            if name in declared:
                raise BadSetting(f"{name}: declared twice")
            declared[name] = setting
        self._declared = declared

    @property
    def declared(self) -> Mapping[str, Setting]:
        """Every setting by its full name, in the order of declaration."""
        return self._declared

    def section(self, name: str) -> "Section":
        return Section(self, name)

    def __contains__(self, name: str) -> bool:
        return name in self._declared

    def __getitem__(self, name: str) -> Any:
        return self.value(name).value

    def __iter__(self) -> Iterator[Value]:
        return (self.value(name) for name in sorted(self._declared))

    def value(self, name: str) -> Value:
        return self._look_up(name, self.declaration(name))

    def declaration(self, name: str) -> Setting:
        if name not in self._declared:
            raise BadSetting(f"{name}: no such setting; `booklore config show` lists them")
        return self._declared[name]

    def set(self, name: str, value: Any) -> Value:
        """Stores a value in the database, a secret in the secrets file. Returns what holds now."""
        setting = self.declaration(name)
        self._layer(setting).write(name, setting.check(value, name))
        return self.value(name)

    def unset(self, name: str) -> Value:
        """Forgets the stored value. Returns what holds now."""
        self._layer(self.declaration(name)).remove(name)
        return self.value(name)

    def enabled(self, plugin: str) -> bool:
        """Whether a plugin works, also one that could not be loaded and so declared nothing."""
        name = f"{plugin}.enabled"
        return bool(self._look_up(name, self._declared.get(name, ENABLED)).value)

    def _look_up(self, name: str, setting: Setting) -> Value:
        for source, raw in self._sources(name, setting):
            if raw is not None:
                return Value(name, setting.check(raw, f"{name} ({source})"), source, setting)
        return Value(name, setting.default, "default", setting)

    def _layer(self, setting: Setting) -> Layer:
        return self._secrets if setting.secret else self._stored

    def _sources(self, name: str, setting: Setting) -> Iterator[tuple[str, Any]]:
        section, _, key = name.partition(".")
        yield "env", self._from_environment(variable_name(section, key), setting)
        yield "file", self._from_file(section, key)
        yield "database", self._layer(setting).read(name)

    def _from_environment(self, variable: str, setting: Setting) -> str | None:
        for name in (variable, setting.env):
            if name and self.environ.get(name):
                return self.environ[name]
            if name and setting.secret and self.environ.get(f"{name}_FILE"):
                return read_secret_file(Path(self.environ[f"{name}_FILE"]), f"{name}_FILE")
        return None

    def _from_file(self, section: str, key: str) -> Any:
        table = self._file.get(section, {})
        if not isinstance(table, dict):
            raise BadSetting(f"{self._config_file}: {section}: expected a table such as [{section}]")
        return table.get(key)

    @cached_property
    def _file(self) -> dict[str, Any]:
        if self._config_file is None or not self._config_file.is_file():
            return {}
        try:
            return tomllib.loads(self._config_file.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadSetting(f"{self._config_file}: {error}") from error


def variable_name(section: str, key: str) -> str:
    """The environment variable of a setting; what a variable's name cannot hold becomes an underscore."""
    return re.sub(r"\W", "_", f"BOOKLORE_{section}__{key}").upper()


def read_secret_file(path: Path, name: str) -> str:
    """The text of a secret's file without its last line end. Raises BadSetting naming the variable or option."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise BadSetting(f"{name}: cannot read {path} ({reason})") from error


@dataclass(frozen=True)
class Section:
    """A plugin's own settings: `settings["min_duration"]`. A name with a dot reaches any other plugin's."""

    settings: Settings
    name: str

    def __getitem__(self, key: str) -> Any:
        return self.settings[self._full_name(key)]

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or default where no such setting is declared (its plugin is not there)."""
        return self[key] if self._full_name(key) in self.settings else default

    def set(self, key: str, value: Any) -> None:
        """Stores one of the plugin's own settings."""
        self.settings.set(f"{self.name}.{key}", value)

    def _full_name(self, key: str) -> str:
        return key if "." in key else f"{self.name}.{key}"
