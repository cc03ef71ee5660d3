"""What a new head begins with: principal axes, against NumPy's singular values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from augnet_cli.training.new_head import begin_as_axes


def features(count: int, width: int) -> np.ndarray:
    """(n, c) float32, not centred, with a variance of its own along each of c slanted axes."""
    rng = np.random.default_rng(0)
    slant = np.linalg.qr(rng.normal(size=(width, width)))[0]
    spread = np.linspace(3, 0.1, width)
    return ((rng.normal(size=(count, width)) * spread) @ slant + 5).astype(np.float32)


def test_outputs_are_the_widest_axes_and_their_mean_is_nothing() -> None:
    rows, head = features(400, 12), nn.Linear(12, 5)
    length = head.weight.square().mean().sqrt()
    assert begin_as_axes(head, rows, power=0.0)
    made = head(torch.from_numpy(rows)).detach().double().numpy()
    np.testing.assert_allclose(made.mean(0), 0, atol=1e-5)
    singular = np.linalg.svd(rows - rows.mean(0), compute_uv=False)
    scale = np.linalg.norm(made[:, 0]) / singular[0]
    np.testing.assert_allclose(np.linalg.norm(made, axis=0), scale * singular[:5], rtol=1e-4)
    uncorrelated = made.T @ made
    np.testing.assert_allclose(uncorrelated - np.diag(np.diag(uncorrelated)), 0, atol=1e-3 * scale**2)
    torch.testing.assert_close(head.weight.square().mean().sqrt(), length)


def test_half_of_the_variance_evens_all_axes_out_and_a_full_head_keeps_angles() -> None:
    rows, head = features(400, 6), nn.Linear(6, 6)
    assert begin_as_axes(head, rows, power=0.5)
    made = head(torch.from_numpy(rows)).detach().numpy()
    np.testing.assert_allclose(made.std(0), made.std(0).mean(), rtol=1e-3)
    assert begin_as_axes(head, rows, power=0.0)
    made = head(torch.from_numpy(rows)).detach().numpy()
    centred = rows - rows.mean(0)
    ours, theirs = (each @ each.T / np.square(each).sum() for each in (made, centred))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(("count", "is_done"), [(7, False), (8, True)])
def test_too_few_images_leave_the_head_as_it_was_and_outputs_beyond_the_backbone_begin_at_0(
    count: int, is_done: bool
) -> None:
    head = nn.Linear(4, 6)
    before = head.weight.detach().clone()
    assert begin_as_axes(head, features(count, 4)) == is_done
    assert torch.equal(head.weight, before) != is_done
    if is_done:
        assert not head.weight[4:].any() and not head.bias[4:].any()
