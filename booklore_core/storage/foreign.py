"""Code that others wrote: whether it fits, run for a limited time, and found by file and line when it fails."""

import inspect
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar, cast

from booklore_core.hookspecs import API_VERSION
from booklore_core.settings import BadSetting

T = TypeVar("T")

MACHINERY = ("booklore_core", "pluggy", "importlib", "threading")
"""Packages that stand in every traceback and are to blame for none."""


class TookTooLong(Exception):
    """The work was given up."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """What work returns or raises. Raises TookTooLong after so long: the work goes on, and nobody waits for it."""
    box: list[tuple[T | None, Exception | None]] = []

    def attempt() -> None:
        try:
            box.append((work(), None))
        except Exception as error:  # noqa: BLE001 handed over to the thread that waits
            box.append((None, error))
        except BaseException as error:  # noqa: BLE001 nobody else's code ends the program
            ended = RuntimeError(f"tried to end the program ({type(error).__name__}: {error})")
            box.append((None, ended.with_traceback(error.__traceback__)))

    thread = threading.Thread(target=attempt, daemon=True, name="foreign")
    thread.start()
    thread.join(seconds)
    if not box:
        raise TookTooLong(f"took longer than {seconds:g} s")
    result, error = box[0]
    if error is not None:
        raise error
    return cast(T, result)


def told(error: BaseException, package: str, function: Any = None) -> str:
    """One line: what was raised, and the last file and line of package that led to it, else of any other than ours.

    function: what was called, named when it returned and its answer was at fault.
    """
    if isinstance(error, TookTooLong):
        return str(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    steps = [
        (frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if package_of(frame) not in MACHINERY
    ]
    own = [step for step in steps if package_of(step[0]) == package]
    if steps:
        frame, line = (own or steps)[-1]
        return f"{text} ({frame.f_code.co_filename}, line {line})"
    code = getattr(function, "__code__", None)
    return f"{text} ({code.co_filename}, line {code.co_firstlineno})" if code else text


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
