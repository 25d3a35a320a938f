"""Large libraries and long lists of strangers: one listing, few ranges, little memory, and nobody is held up."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from library_world import LISTING, Household, OpenHousehold, on_device

from booklore_core import BookRef
from booklore_core.testing import partial_digest, sample_book

STRANGERS, BOOKS = 200, 5_000
MEGABYTE = 1 << 20
MOST_MEMORY = 60 * MEGABYTE
RANGES_PER_PROOF = 12


def read_strangers(household: Household, count: int = STRANGERS) -> None:
    reader_lines = []
    for number in range(count):
        household.readers.setdefault("kobo-1", SampleReader("kobo-1")).read(sample_book(f"Unknown {number}"), pages=1)
        household.readers["kobo-1"].sleep(900)
    reader_lines = household.readers["kobo-1"].lines
    assert household.core.take(reader_lines, "test").rejected == []
