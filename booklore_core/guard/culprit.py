"""Code that others wrote: whether it fits, and the file and line that is to blame when it fails."""

import inspect
import traceback
from types import FrameType
from typing import Any

from booklore_core.guard.deadline import TookTooLong
from booklore_core.guard.shape import short_text
from booklore_core.hookspecs import API_VERSION
from booklore_core.settings import BadSetting

MACHINERY = ("booklore_core", "pluggy", "importlib", "threading", "concurrent")
"""Packages that stand in every traceback and are to blame for none."""


def told(error: BaseException, package: str, function: Any = None) -> str:
    """One line: what was raised, and the last file and line of package that led to it, else of any other than ours.

    function: what was called, named when it returned and its answer was at fault.
    """
    text = f"{'' if isinstance(error, TookTooLong) else f'{type(error).__name__}: '}{words_of(error)}"
    steps = [step for step in traceback.walk_tb(error.__traceback__) if package_of(step[0]) not in MACHINERY]
    blamed = [step for step in steps if package_of(step[0]) == package] or steps
    code, line = (blamed[-1][0].f_code, blamed[-1][1]) if blamed else (getattr(function, "__code__", None), 0)
    where = f" ({code.co_filename}, line {line or code.co_firstlineno})" if code else ""
    return " ".join(text.split()) + where


def words_of(error: BaseException) -> str:
    """What an error says; its own code may fail at that, too."""
    try:
        return short_text(error) or ""
    except Exception:  # noqa: BLE001 a plugin may fail in any way
        return "it cannot even say what"


def package_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def package_of_module(module: Any) -> str:
    """The top-level module of a plugin that is a module or an object."""
    return str(getattr(module, "__name__", type(module).__module__)).partition(".")[0]


def check_fit(module: Any) -> None:
    """Raises when a plugin cannot belong to this version, before anything of it is called."""
    wanted = getattr(module, "API_VERSION", API_VERSION)
    if wanted != API_VERSION:
        raise BadSetting(f"made for plugin API {wanted}, this is {API_VERSION}")
    if inspect.isgeneratorfunction(getattr(module, "import_history", None)):
        raise TypeError("import_history must not be a generator: it returns None for a file that is not its own")
