"""Taking in a device's lines: its own only; torn and foreign ones go into quarantine."""

import json
from typing import Any

from booklore_core.core import Core
from booklore_core.pipeline.ingest import Taken
from booklore_core.pipeline.spool import BadLine, decode_line, id_of


def receive(core: Core, device: str, lines: list[Any]) -> tuple[Taken, list[dict[str, Any]]]:
    """Takes in lines of one device: what became of them, and what the answer says about those in quarantine.

    Each is durable or in quarantine when this returns. Foreign ones first: once a line is durable nothing may come that
    could fail.
    """
    sound = [decoded_or_text(line) for line in lines]
    own = [index for index, line in enumerate(sound) if not is_foreign(line, device)]
    foreign = sorted(set(range(len(sound))) - set(own))
    rejected = [put_in_quarantine(core, device, index, sound[index]) for index in foreign]
    taken = core.ingest.take([sound[index] for index in own], f"device {device}", core.clock())
    rejected += [rejection(own[one.line - 1], one.id, one.error) for one in taken.rejected]
    return taken, sorted(rejected, key=lambda one: one["index"])


def put_in_quarantine(core: Core, device: str, index: int, line: Any) -> dict[str, Any]:
    error = BadLine("device", f"expected {device!r}, the device that the token was given to")
    core.quarantine.put(line, f"device {device}", error, core.clock())
    return rejection(index, id_of(line), str(error))


def decoded_or_text(line: Any) -> Any:
    """The line decoded, by the strict rules of a spool file; as text where it is torn or breaks them."""
    text = line if isinstance(line, str) else json.dumps(line)
    try:
        return decode_line(text)
    except BadLine:
        return text


def is_foreign(line: Any, device: str) -> bool:
    return isinstance(line, dict) and isinstance(line.get("device"), str) and line["device"] != device


def rejection(index: int, event_id: Any, error: str) -> dict[str, Any]:
    return {"index": index, **({"id": event_id} if isinstance(event_id, str) else {}), "error": error}
