"""A pytest plugin: how many workers run the tests, and what they report in words that can travel."""

import json
from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """As many as there are cores, but none where one process is better.

    Measurements would disturb each other, and a single file is mostly through before workers have started.
    """
    measures = "bench" in config.option.markexpr.replace("not bench", "")
    is_small = len(config.args) == 1 and not (config.invocation_params.dir / config.args[0]).is_dir()
    return 0 if measures or is_small else None


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any], dict[str, Any]]:
    """Half a character, as tests give to plugins and these to their logs, is no UTF-8: it would end the worker."""
    report = yield
    text = json.dumps(report, ensure_ascii=False)
    return dict(json.loads(text.encode(errors="replace")))
