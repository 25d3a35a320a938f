"""The test kit: a fake BookLore that answers as the real one does, fake targets, and a reader who writes events."""

from booklore_core.testing.answers import answer_all
from booklore_core.testing.core_with import core_with
from booklore_core.testing.orbit import BookOrbitServer
from booklore_core.testing.reader import MORNING, SampleReader, sample_book
from booklore_core.testing.server import (
    DIALECTS,
    FAULTS,
    BookLoreServer,
    Record,
    ServerBook,
    partial_digest,
    small_epub,
)
from booklore_core.testing.targets import FakeLibrary, FakePlugin, FakeRemote, FakeTarget, ForgetfulTarget

__all__ = [
    "DIALECTS",
    "FAULTS",
    "MORNING",
    "ServerBook",
    "BookLoreServer",
    "BookOrbitServer",
    "FakeLibrary",
    "FakeTarget",
    "FakePlugin",
    "FakeRemote",
    "ForgetfulTarget",
    "Record",
    "SampleReader",
    "answer_all",
    "core_with",
    "partial_digest",
    "sample_book",
    "small_epub",
]
