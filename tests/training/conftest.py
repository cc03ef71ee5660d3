"""Fixtures of the tests of training."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch
from exported_once import Exporter


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Exporter:
    """Processes that test side by side have folders of their own in one that is this run's."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "exported"
    folder.mkdir(exist_ok=True)
    return Exporter(folder)


@pytest.fixture(scope="module")
def exported_once(exporter: Exporter) -> Iterator[None]:
    """Each network is exported once in all tests that ask for this, whatever its weights are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", exporter)
        yield
