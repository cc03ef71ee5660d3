"""Windows of a stretched picture: where they may lie, and how often they are mirrored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from augnet_cli.training.window_views import SHARE, WindowViews


def ramp(height: int = 96, width: int = 128) -> np.ndarray:
    """Red tells how far right a pixel is, green how far down: 0 to 255 over the picture."""
    across = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    down = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    return np.stack([across, down, np.zeros((height, width))], axis=2).round().astype(np.uint8)


def test_windows_lie_anywhere_within_and_are_stretched_to_a_square() -> None:
    views, begins = WindowViews(32, flip=0), []
    for seed in range(40):
        view = views.crop(ramp(), np.random.default_rng(seed)).astype(float)
        assert view.shape == (32, 32, 3)
        for colour, axis in ((0, 1), (1, 0)):
            line = view[:, :, colour].mean(axis=1 - axis)
            # Between the centres of the first and last pixel lie 31 of 32 parts of the window.
            assert line[-1] - line[0] == pytest.approx(255 * SHARE * 31 / 32, abs=4)
            begins.append((line[0] - 255 * SHARE / 64) / (255 * (1 - SHARE)))
    assert -0.1 < min(begins) < 0.15 and 0.85 < max(begins) < 1.1


def test_three_of_four_are_mirrored() -> None:
    views = WindowViews(8)
    made = [views.crop(ramp(), np.random.default_rng(seed)) for seed in range(400)]
    mirrored = np.mean([view[0, 0, 0] > view[0, -1, 0] for view in made])
    assert mirrored == pytest.approx(0.75, abs=0.08)


def test_colours_stay() -> None:
    batch = torch.rand(2, 3, 8, 8)
    assert torch.equal(WindowViews(8).finish(batch, torch.Generator()), batch)
