"""Settings: declared once with type, default, range and help; environment > config.toml > database > default."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from booklore_core.flows import in_range, range_text
from booklore_core.kinds import check_fields

TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class BadSetting(ValueError):
    """A setting that does not exist or a value that does not fit; the text names the setting and what fits."""


@dataclass(frozen=True)
class Setting:
    """One setting of a plugin. name: without the section, which is the plugin's name. Raises ValueError as `Kind` does.

    choices: the texts allowed; words: the menu's; warns: what a person agrees to first. low, high: of a number. fits:
    raises ValueError for what else is none, of a secret a BadSetting without it; a text that it returns is the value as
    it should be. secret: in the secrets file, never shown. env: another name for its variable. label: the menu's text,
    else the help. menu: its submenus. forgets: secrets that a device which changes this is asked for. local: of this
    computer, such as a folder: a device sees it and cannot change it. needed: its plugin does nothing as long as none
    of those that are needed has a value.
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
    fits: Callable[[Any], object] = bool
    words: tuple[str, ...] = ()
    local: bool = False
    needed: bool = False
    warns: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_fields(self, help=str, unit=str, env=str, label=str, secret=bool, words=tuple, warns=Mapping)
        check_fields(self, choices=tuple, menu=tuple, forgets=tuple, fits=Callable, local=bool, needed=bool)
        types, number = (bool,) if self.name == "enabled" else (bool, int, float, str), int | float
        if self.type not in types:
            raise BadSetting(f"setting {self.name!r}: type: expected {' or '.join(one.__name__ for one in types)}")
        check_fields(self, low=number | None, high=number | None, default=number if self.type is float else self.type)
        self.check(self.default, f"setting {self.name!r}: default")

    def check(self, value: Any, full_name: str) -> Any:
        """value in the setting's type; texts are read as the environment writes them. Raises BadSetting."""
        typed = self._typed(value)
        is_out = isinstance(typed, int | float) and not (abs(typed) < math.inf and in_range(typed, self.low, self.high))
        if typed is None or (self.choices and typed not in self.choices) or is_out:
            shown = "" if self.secret else f", got {value!r}"
            raise BadSetting(f"{full_name}: expected {self.expected}{shown}")
        try:
            written = self.fits(typed)
        except Exception as error:  # noqa: BLE001 a plugin's rule may fail in any way; a secret's may tell the secret
            told = error if not self.secret or isinstance(error, BadSetting) else "it does not fit"
            raise BadSetting(f"{full_name}: {told}") from None
        return written if isinstance(written, str) else typed

    @property
    def expected(self) -> str:
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {bool: "true or false", int: "a whole number", float: "a number"}.get(self.type, "a text")
        return f"{words} {range_text(self.low, self.high)}".strip()

    @property
    def type_name(self) -> str:
        return "choice" if self.choices else {bool: "bool", int: "int", float: "float"}.get(self.type, "text")

    def _typed(self, value: Any) -> Any:
        if self.type is bool or isinstance(value, bool):
            word = str(value).strip().lower() if self.type is bool and isinstance(value, str | bool) else ""
            return True if word in TRUE else False if word in FALSE else None
        if self.type is str:
            return value if isinstance(value, str) else None
        try:
            return self.type(value) if isinstance(value, str | int) or self.type is float else None
        except (TypeError, ValueError, OverflowError):
            return None


ENABLED = Setting("enabled", bool, True, "Whether this plugin works")
HISTORY = "history"
"""Where it is stored what the settings that warn people were: name → [since, value] in their order."""

Source = Callable[[str, Setting], Any | None]
"""Tells what is preset for a setting by its full name, None for nothing. Raises BadSetting for what cannot be read."""


class Layer(Protocol):
    """Where values that a person has set are kept: the database, or the secrets file."""

    def get(self, name: str) -> Any | None: ...
    def set(self, name: str, value: Any) -> None: ...
    def remove(self, name: str) -> None: ...


@dataclass(frozen=True)
class SettingFault:
    """A value that does not fit and was passed over. source: env, file or database. text: what is wrong, for people."""

    name: str
    source: str
    text: str


@dataclass(frozen=True)
class Value:
    """A setting's value and where it comes from: env, file, database or default. faults: of the sources before that."""

    name: str
    value: Any = field(repr=False)  # it may be a secret
    source: str
    setting: Setting
    faults: tuple[SettingFault, ...] = ()


class Settings:
    """All settings that were declared. A value that does not fit gives way to the next source's and is in `faults`.
    preset: by its name, what goes before stored and secret. Raises BadSetting for a name that was not declared.
    """

    def __init__(self, stored: Layer, secret: Layer, preset: Mapping[str, Source] | None = None) -> None:
        self._stored, self._secret, self._preset = stored, secret, preset or {}
        self._declared: dict[str, Setting] = {}
        self._bare: set[str] = set()

    def declare(self, section: str, settings: Iterable[Setting]) -> None:
        """Adds settings below section, all or none. Raises BadSetting when one is declared twice."""
        bare = f"{section}.enabled" if section in self._bare else None
        declared = {name: one for name, one in self._declared.items() if name != bare}
        for setting in settings:
            if (name := f"{section}.{setting.name}") in declared:
                raise BadSetting(f"{name}: declared twice")
            declared[name] = setting
        self._declared = declared
        self._bare.discard(section)

    def declare_switch(self, plugin: str, label: str = "") -> None:
        """Keeps a plugin that cannot declare anything itself, being off or broken, able to be switched on and off."""
        self.declare(plugin, [replace(ENABLED, label=label)])
        self._bare.add(plugin)

    def section(self, name: str) -> "Section":
        return Section(self, name)

    def __contains__(self, name: str) -> bool:
        return name in self._declared

    @property
    def warning(self) -> list[str]:
        """The names of those that warn people."""
        return [name for name, setting in self._declared.items() if setting.warns]

    def __getitem__(self, name: str) -> Any:
        return self.value(name).value

    def __iter__(self) -> Iterator[Value]:
        """All values, in the order in which they were declared."""
        return (self.value(name) for name in self._declared)

    def faults(self) -> list[SettingFault]:
        return [fault for value in self for fault in value.faults]

    def value(self, name: str) -> Value:
        return self._look_up(name, self.declaration(name))

    def declaration(self, name: str) -> Setting:
        if name in self._declared:
            return self._declared[name]
        section, reason = name.partition(".")[0], "no such setting; `booklore config show` lists them"
        if section in self._bare:
            broken = f"{section} could not be loaded: see `booklore plugins doctor`"
            reason = broken if self.enabled(section) else f"{section} is off: `booklore plugins enable {section}`"
        raise BadSetting(f"{name}: {reason}")

    def set(self, name: str, value: Any) -> Value:
        """Stores a value in the database, a secret in the secrets file. Returns what holds now."""
        self._layer(setting := self.declaration(name)).set(name, setting.check(value, name))
        return self.value(name)

    def unset(self, name: str) -> Value:
        self._layer(self.declaration(name)).remove(name)
        return self.value(name)

    def value_at(self, name: str, at: float) -> Any:
        """See `Section.at`. at: unix seconds."""
        history = (self._stored.get(HISTORY) or {}).get(name) or [[at, None]]
        since, value = next((one for one in reversed(history) if one[0] <= at), history[0])
        is_agreed = since == history[-1][0] <= at and value == self[name]
        setting = self.declaration(name)
        return setting.default if value is None or (value in setting.warns and not is_agreed) else value

    def enabled(self, plugin: str) -> bool:
        """Whether a plugin works, also one that has declared nothing yet."""
        return bool(self._look_up(name := f"{plugin}.enabled", self._declared.get(name, ENABLED)).value)

    def _look_up(self, name: str, setting: Setting) -> Value:
        faults: list[SettingFault] = []
        sources: dict[str, Source] = {**self._preset, "database": lambda name, _: self._layer(setting).get(name)}
        for source, read in sources.items():
            try:
                raw = read(name, setting)
                if raw is not None:
                    return Value(name, setting.check(raw, f"{name} ({source})"), source, setting, tuple(faults))
            except BadSetting as error:
                faults.append(SettingFault(name, source, str(error)))
                if setting.forgets:
                    break  # nothing goes to an address that the one meant to come before it
        return Value(name, setting.default, "default", setting, tuple(faults))

    def _layer(self, setting: Setting) -> Layer:
        return self._secret if setting.secret else self._stored


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

    def at(self, key: str, moment: datetime) -> Any:
        """What a setting was at a moment, of those that warn people; what they warn of counts from when it was last
        agreed to, and while it holds. The default where nobody knows."""
        return self.settings.value_at(self._full_name(key), moment.timestamp())

    def _full_name(self, key: str) -> str:
        return key if "." in key else f"{self.name}.{key}"
