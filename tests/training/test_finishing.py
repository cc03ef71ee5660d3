"""Finishing an encoder: on its own copies the cut means what it says; too few images change nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_examples import CPU, picture_folder, pixels_of, small_encoder

from augnet_cli.duplicates.calibrate import threshold_for_precision
from augnet_cli.training import finishing
from augnet_cli.training.embedding import embed_all
from augnet_cli.training.finishing import finish
from augnet_cli.training.scoring import sample_distances
from augnet_cli.training.whitening import CUT, CUT_PRECISION


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_folder(tmp_path_factory.mktemp("finishing") / "photos", 40)


def test_too_few_images_leave_the_encoder_as_it_was(photos: Path) -> None:
    encoder, pixels = small_encoder(), pixels_of(photos)
    before = embed_all(encoder, pixels, CPU)
    finish(encoder, pixels, 0, CPU)
    assert encoder.whitening is None and not encoder.spec.whitened
    np.testing.assert_array_equal(embed_all(encoder, pixels, CPU), before)


def test_finished_encoder_has_its_precision_at_the_cut_or_nearer(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "IMAGES_PER_AXIS", 1)
    encoder, pixels = small_encoder(), pixels_of(photos)
    finish(encoder, pixels, 0, CPU)
    assert encoder.spec.whitened and encoder.whitening is not None
    own, others = sample_distances(encoder, pixels, 0, CPU)
    reached, _ = threshold_for_precision(own, others, CUT_PRECISION)
    if float(encoder.whitening.constant) > 0:
        assert reached == pytest.approx(CUT, abs=1e-4)
    else:
        assert reached <= CUT + 1e-4


def test_finishing_again_starts_from_the_network_and_not_from_the_last_whitening(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "IMAGES_PER_AXIS", 1)
    encoder, pixels = small_encoder(), pixels_of(photos)
    finish(encoder, pixels, 0, CPU)
    once = embed_all(encoder, pixels, CPU)
    finish(encoder, pixels, 0, CPU)
    torch.testing.assert_close(torch.from_numpy(embed_all(encoder, pixels, CPU)), torch.from_numpy(once))
