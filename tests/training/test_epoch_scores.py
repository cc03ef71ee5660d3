"""What labels say while training: due when asked for, and the figures of the encoder as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from dataset_files import class_folders
from training_examples import CPU, small_encoder

from augnet_cli.datasets.record import TRAIN
from augnet_cli.datasets.registry import read_dataset
from augnet_cli.evaluation.clustering import clustering_accuracy
from augnet_cli.evaluation.protocols import judge_while_training
from augnet_cli.training.epoch_scores import EpochScores, scores_on


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> EpochScores:
    """Of 20 pictures; one more is broken, and left out."""
    folder = class_folders(tmp_path_factory.mktemp("epoch-scores"), ["a", "b"], 12, 32)
    split = read_dataset(str(folder)).splits[TRAIN]
    Path(folder, split.images.name(3)).write_bytes(b"broken")
    return scores_on(split, 5, 32, seed=0, workers=1)


def test_labels_are_asked_every_so_many_epochs_and_after_the_last(scores: EpochScores) -> None:
    assert [epoch for epoch in range(1, 13) if scores.is_due(epoch, epoch == 12)] == [5, 10, 12]


def test_figures_are_of_the_rows_and_leave_the_encoder_as_it_was(scores: EpochScores) -> None:
    encoder = small_encoder().train()
    state = {name: value.clone() for name, value in encoder.state_dict().items()}
    found = scores.measured(encoder, CPU)
    assert encoder.training
    assert all(torch.equal(value, state[name]) for name, value in encoder.state_dict().items())
    with torch.no_grad():
        images = torch.from_numpy(scores.squares).permute(0, 3, 1, 2).float() / 255
        rows = encoder.eval().unit_rows(images).numpy()
    wanted = judge_while_training(rows, scores.labels, 2, 0)
    assert found == pytest.approx(wanted, abs=1e-4) and len(scores.labels) == len(scores.squares) == 19


def test_an_encoder_with_clusters_of_its_own_is_judged_by_them_too(scores: EpochScores) -> None:
    encoder = small_encoder()
    encoder.add_clusters(2)
    assert encoder.clusters is not None
    found = scores.measured(encoder, CPU)
    with torch.no_grad():
        images = torch.from_numpy(scores.squares).permute(0, 3, 1, 2).float() / 255
        taken = encoder.clusters(encoder(images)).argmax(1).numpy()
    assert found["own_acc"] == pytest.approx(clustering_accuracy(scores.labels, taken), abs=1e-4)
    assert np.isfinite(list(found.values())).all()
    encoder.clusters.requires_grad_(False)
    assert "own_acc" not in scores.measured(encoder, CPU)
