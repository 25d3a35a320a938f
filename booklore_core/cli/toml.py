"""Writes settings as TOML."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(sections: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The lines of a file that `config.toml` can take over. Values: bool, int, float, str."""
    for number, (section, values) in enumerate(sections.items()):
        if number:
            yield ""
        yield f"[{key(section)}]"
        yield from (f"{key(name)} = {literal(value)}" for name, value in values.items())


def key(name: str) -> str:
    return name if BARE.fullmatch(name) else literal(name)


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped as well.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
