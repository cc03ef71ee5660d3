"""Fixtures of the tests of training."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from exported_once import Exporter


@pytest.fixture(scope="session")
def exporter() -> Exporter:
    return Exporter()


@pytest.fixture(scope="module")
def exported_once(exporter: Exporter) -> Iterator[None]:
    """Each network is exported once in all tests that ask for this, whatever its weights are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", exporter)
        yield
