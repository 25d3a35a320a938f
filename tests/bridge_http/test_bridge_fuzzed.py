"""The bridge, asked whatever its own OpenAPI document allows and what it does not: never a fault of its own."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from bridge_world import EReader, wait_for_workers
from hypothesis import HealthCheck, Phase, given, settings

from booklore_core.actions import OWN

schemathesis = pytest.importorskip("schemathesis", reason="no schemathesis here: `pip install -e '.[dev]'`")

EACH, MANY = 12, 1000
"""Cases of each operation, and with `-m soak`."""

OPERATIONS = [
    ("GET", "/v1/health"),
    ("POST", "/v1/pair"),
    ("POST", "/v1/events"),
    ("POST", "/v1/actions/{name}"),
    ("POST", "/v1/answers/{id}"),
    ("PUT", "/v1/files/{name}"),
    ("GET", "/v1/menu"),
    ("PUT", "/kosync/syncs/progress"),
    ("GET", "/kosync/syncs/progress/{document}"),
]

MODES = ("POSITIVE", "NEGATIVE")
"""What the document allows, and what it does not."""

ALWAYS_RIGHT = [("GET", "/v1/health"), ("GET", "/kosync/syncs/progress/{document}")]
"""Calls that cannot be asked wrongly."""

CALLS = [(*call, mode) for call in OPERATIONS for mode in MODES if mode == "POSITIVE" or call not in ALWAYS_RIGHT]


def faults(ereader: EReader, method: str, path: str, mode: str, cases: int, **fixed: Any) -> list[str]:
    """What was asked where the bridge itself failed. fixed: what is always asked with."""
    document = requests.get(f"{ereader.url}/openapi.json", timeout=30).json()
    operation = schemathesis.openapi.from_dict(document)[path][method]
    failed: list[str] = []

    @settings(
        max_examples=cases, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode[mode], **fixed))
    def ask(case: Any) -> None:
        device = case.body.get("device") if isinstance(case.body, dict) else None
        if mode == "POSITIVE" and isinstance(device, dict):
            device["id"] = ereader.id  # or its token would be refused before anything is looked at
        answer = case.call(base_url=ereader.url, headers=ereader.headers, timeout=30)
        if answer.status_code >= 500:
            failed.append(f"{method} {case.formatted_path}: {answer.status_code} {answer.text[:200]}")

    ask()
    wait_for_workers()
    return failed


def test_every_operation_of_the_document_is_asked(ereader: EReader) -> None:
    document = requests.get(f"{ereader.url}/openapi.json", timeout=30).json()
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}

    assert set(OPERATIONS) <= told
    assert {path for _, path in told} >= {path for _, path in OPERATIONS}
    assert not [path for _, path in told if not path.startswith(("/v1/", "/kosync/"))]


@pytest.mark.parametrize(("method", "path", "mode"), CALLS)
def test_no_call_is_answered_with_a_fault(ereader: EReader, method: str, path: str, mode: str) -> None:
    assert faults(ereader, method, path, mode, EACH) == []


@pytest.mark.parametrize("name", sorted(OWN))
def test_no_action_is(ereader: EReader, name: str) -> None:
    for mode in MODES:
        path = {"path_parameters": {"name": name}}
        assert faults(ereader, "POST", "/v1/actions/{name}", mode, EACH // 4, **path) == []


@pytest.mark.soak
@pytest.mark.parametrize(("method", "path", "mode"), CALLS)
def test_nor_many_of_them(ereader: EReader, method: str, path: str, mode: str) -> None:
    assert faults(ereader, method, path, mode, MANY) == []
