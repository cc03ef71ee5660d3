"""What is said at the end of a run on a data set."""

from __future__ import annotations

from typing import Any

import pytest

from augnet_cli.cli.training_told import tell_of_dataset
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.training.outcome import DatasetOutcome


@pytest.mark.parametrize("replaced", [True, False])
def test_the_set_is_named_as_it_was_typed_and_a_file_that_goes_is_mentioned(
    replaced: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    card = Embedder.load(shipped_encoder()).card
    report: Any = None  # of which nothing is told
    outcome = DatasetOutcome(
        file="made.onnx",
        card=card,
        dataset="folder",
        report=report,
        images=1234,
        curve=(),
        settings={},
        record="training.json",
        skipped=(),
    )
    tell_of_dataset(outcome, "folder:my pictures", replaced, quiet=False)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"augnet: encoder {card.id} learnt from 1,234 images of folder:my pictures"
    assert ("augnet: it replaces the file that was made.onnx" in said) is replaced
    tell_of_dataset(outcome, "folder:my pictures", replaced, quiet=True)
    assert capsys.readouterr().err == ""
