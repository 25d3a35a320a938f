"""A package for a new plugin, written from the templates beside this file: it installs, and its tests pass."""

import keyword
import re
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import booklore_core
from booklore_core.cli.errors import Refused
from booklore_core.hookspecs import PROJECT

NAME = re.compile(r"[a-z](-?[a-z0-9])*")
OWN = {"sync", "database", "config", "core"}
"""Sections of the core, which no plugin can have."""

SAYS = {"target": "A sync target", "feature": "A feature"}
PLACES = {
    "any/pyproject.toml": "pyproject.toml",
    "any/README.md": "README.md",
    "any/gitignore": ".gitignore",
    "any/ci.yml": ".github/workflows/test.yml",
    "{kind}/module.py": "{module}.py",
    "{kind}/test_plugin.py": "tests/test_{module}.py",
}
"""Template → where it goes."""


def write_package(name: str, kind: str, folder: Path | None = None) -> Path:
    """Writes a package and returns its folder. kind: target or feature. Raises Refused; nothing is written then."""
    module = f"{PROJECT}_{name.replace('-', '_')}"
    fault = fault_of(name, module)
    if fault:
        raise Refused(fault)
    place = folder or Path(f"{PROJECT}-{name}")
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise Refused(f"{place} is there already and is no empty folder; name another one by --folder")
    try:
        for path, text in contents(name, module, kind):
            file = place / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{place}: cannot be written ({error.strerror})") from error
    return place


def fault_of(name: str, module: str) -> str:
    """Why a plugin cannot have a name, empty when it can."""
    if not NAME.fullmatch(name) or keyword.iskeyword(module):
        return f"{name!r} is no name for a new plugin: expected small letters, digits and single -, such as reading-log"
    if name in OWN:
        return f"the settings of {name!r} are the core's own; choose another name"
    taken = entry_points(group=PROJECT, name=name)
    if taken:
        holder = next(iter(taken)).dist
        return (
            f"there is a plugin {name} already, of {holder.name if holder else 'another package'}; choose another name"
        )
    if find_spec(module):
        return f"there is a module {module} already; choose another name"
    return ""


def contents(name: str, module: str, kind: str) -> Iterator[tuple[str, str]]:
    """Path and text of each file."""
    words = {
        "NAME": name,
        "MODULE": module,
        "CLASS": class_of(name),
        "KIND": f"{name.replace('-', '_')}_day",
        "VERSION": version("booklore-sync"),
        "WHAT": SAYS[kind],
    }
    templates = files("booklore_core.cli") / "templates"
    for template, path in PLACES.items():
        text = (templates / f"{template.format(kind=kind)}.template").read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        yield path.format(module=module), text


def class_of(name: str) -> str:
    """A name that the module does not use for something of the core."""
    written = "".join(word.capitalize() for word in name.split("-"))
    return f"{written}Target" if hasattr(booklore_core, written) else written
