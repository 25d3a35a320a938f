"""The e-reader, and a core for it to talk to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from core_on_loopback import LoopbackCore, serving
from ereader import EReader


@pytest.fixture
def reader(tmp_path: Path) -> EReader:
    """An e-reader that has never heard of a core."""
    return EReader(tmp_path)


@pytest.fixture
def core(request: pytest.FixtureRequest) -> Iterator[LoopbackCore]:
    """A core, of the kind that a test names."""
    with serving(getattr(request, "param", LoopbackCore)()) as core:
        yield core


@pytest.fixture
def paired(tmp_path: Path, core: LoopbackCore) -> EReader:
    """An e-reader with a token for the core on loopback."""
    return EReader(tmp_path, config={"url": core.url, "token": "secret"})
