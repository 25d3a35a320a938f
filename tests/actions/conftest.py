"""A core that has two sessions of two books for its target."""

from collections.abc import Callable

import pytest

from booklore_core.core import Core
from booklore_core.testing import FakeTarget, SampleReader, sample_book


@pytest.fixture
def core(open_core: Callable[..., Core], target: FakeTarget) -> Core:
    core, reader = open_core(target), SampleReader()
    reader.read(sample_book("Dune"))
    reader.sleep(600)
    reader.read(sample_book("Emma"))
    core.take(reader.lines, "test")
    return core
