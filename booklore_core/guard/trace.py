"""Tells whoever writes a plugin of every call of a hook, on standard error."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

TRACE = "BOOKLORE_TRACE_HOOKS"


def traced(ask: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """ask, told a plugin, a hook and its arguments; where TRACE is set it writes a line about each call: what it was
    about and what came of it, by name and not by value, which may be a secret."""

    @wraps(ask)
    def tell(manager: Any, plugin: Any, hook: str, arguments: Any) -> list[Any]:
        if not os.environ.get(TRACE):
            return ask(manager, plugin, hook, arguments)
        event, came = arguments.get("event"), "failed"
        try:
            answers = ask(manager, plugin, hook, arguments)
            came = ", ".join(name_of(one) for some in answers if isinstance(some, list) for one in some) or "nothing"
        finally:
            sys.stderr.write(f"hook: {plugin.name}.{hook}({f'{event.name} {event.id}' if event else ''}) → {came}\n")
        return answers

    return tell


def name_of(value: Any) -> str:
    return f"{type(value).__name__} {getattr(value, 'kind', getattr(value, 'name', ''))}".strip()
