"""One visit of KOReader for all tests of a file, to a core of its class CORE, by its scenario SCENARIO."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from core_on_loopback import LoopbackCore, serving
from koreader_process import Visit, visit


@pytest.fixture(scope="module")
def core(request: pytest.FixtureRequest) -> Iterator[LoopbackCore]:
    with serving(request.module.CORE()) as core:
        yield core


@pytest.fixture(scope="module")
def visited(request: pytest.FixtureRequest, core: LoopbackCore, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    return visit(request.module.SCENARIO, tmp_path_factory.mktemp("koreader"), core.url, "123456")
