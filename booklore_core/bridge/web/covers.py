"""Covers: asked of a target once, kept in a bounded folder, and shown only when they are pictures."""

import hashlib
import os
import time
from pathlib import Path

from booklore_core.core import Core
from booklore_core.targets import Declined

MOST = 2 * 1024 * 1024
"""Bytes of a cover."""

KEPT = 7 * 24 * 3600.0
"""Seconds for which a cover is not asked for again, and neither is one that there is not."""

PICTURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


def cover_of(core: Core, target: str, remote_id: str) -> bytes | None:
    """A target's picture of a book of its own, None where it has none, or cannot say."""
    gateway = core.targets.get(target)
    if gateway is None:
        return None
    name = hashlib.sha256(f"{target}\n{gateway.address}\n{remote_id}".encode()).hexdigest()
    file = core.store("page-covers").cache / name
    known = kept(file)
    if known is not None:
        return known or None
    try:
        with gateway.session():
            body = gateway.cover(remote_id)
    except Declined:
        return None
    fits = isinstance(body, bytes) and len(body) <= MOST and kind_of(body) is not None
    keep(file, body if body and fits else b"")
    return body if fits else None


def kind_of(body: bytes) -> str | None:
    """The content type that the bytes themselves tell; None for what is no picture."""
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in PICTURES.items() if body.startswith(start)), None)


def kept(file: Path) -> bytes | None:
    try:
        is_fresh = time.time() - file.stat().st_mtime < KEPT
        return file.read_bytes() if is_fresh else None
    except OSError:
        return None


def keep(file: Path, body: bytes) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(body)
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
