"""Rotation feature decoupling: its terms against slow loops, its late weights, settings and recipe."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods.decouple import (
    Decouple,
    DecoupleConfig,
    steady_loss,
    turn_weights,
    weighted_turn_loss,
)
from augnet_cli.training.methods.method import Batch

IMAGES = 6


def numbers(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def method_of(**options: object) -> Decouple:
    torch.manual_seed(0)
    config = DecoupleConfig(**options)  # type: ignore[arg-type]
    method = Decouple(Encoder(EncoderSpec("resnet18_slim", 32, 0, Decouple.head(config))), config)
    method.begin(IMAGES)
    return method


def test_weighted_turns_agree_with_a_double_loop() -> None:
    logits, weights = numbers(3, 4, 4), torch.rand(3, 4, dtype=torch.float64)
    total = 0.0
    for image in range(3):
        for turn in range(4):
            row = logits[image, turn].tolist()
            share = math.exp(row[turn]) / sum(math.exp(value) for value in row)
            total -= float(weights[image, turn]) * math.log(share)
    assert float(weighted_turn_loss(logits, weights)) == pytest.approx(total / 12, rel=1e-12)


def test_steady_half_agrees_with_a_double_loop() -> None:
    halves = numbers(2, 4, 3)
    total = 0.0
    for image in halves.tolist():
        mean = [sum(turned[place] for turned in image) / 4 for place in range(3)]
        total += sum((turned[place] - mean[place]) ** 2 for turned in image for place in range(3))
    assert float(steady_loss(halves)) == pytest.approx(total / 24, rel=1e-12)
    assert float(steady_loss(halves[:, :1].expand(2, 4, 3))) == pytest.approx(0, abs=1e-30)


def test_gradients_agree_with_finite_differences() -> None:
    """The mean is taken as given, so only differences at a fixed mean agree."""
    logits, weights = numbers(2, 4, 4).requires_grad_(), torch.rand(2, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: weighted_turn_loss(x, weights), (logits,))
    halves = numbers(2, 4, 3).requires_grad_()
    steady_loss(halves).backward()
    mean, given = halves.detach().mean(1, keepdim=True), halves.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: ((x - mean) ** 2).mean(), (given,))
    torch.testing.assert_close(halves.grad, 2 * (halves.detach() - mean) / 24)


def test_weights_fall_with_the_square_and_upright_pictures_count_fully() -> None:
    weights = turn_weights(torch.tensor([[0.9, 0.0, 0.5, 1.0]]))
    assert weights.tolist() == [[1, 1, 0.75, 0]]


def slow_terms(method: Decouple, batch: Batch) -> dict[str, float]:
    """All three terms, picture by picture."""
    with torch.no_grad():
        features = torch.stack(
            [method.encoder(torch.rot90(batch.views[:, 0], turn, (2, 3)).contiguous()) for turn in range(4)],
            dim=1,
        )
        half = method.encoder.dim // 2
        names = functional.normalize(method.naming(features[:, :, half:].mean(1)), dim=1)
        assert method.bank is not None
        logits = names @ method.bank.rows.T / method.config.temperature
        turns = method.turn(features[:, :, :half])
        each = [
            method.weights[row, turn] * functional.cross_entropy(turns[place, turn], torch.tensor(turn))
            for place, row in enumerate(batch.rows.tolist())
            for turn in range(4)
        ]
        steady = features[:, :, half:]
        return {
            "turn": float(torch.stack(each).mean()),
            "steady": float((steady - steady.mean(1, keepdim=True)).square().mean()),
            "name": float(functional.cross_entropy(logits, batch.rows)),
        }


def test_terms_are_those_of_the_two_halves_with_and_without_weights() -> None:
    method = method_of().eval()
    views = torch.rand(3, 1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    batch = Batch(torch.tensor([5, 0, 2]), views)
    for weights in (torch.ones(IMAGES, 4), torch.rand(IMAGES, 4)):
        method.weights.copy_(weights)
        made = {name: float(value.detach()) for name, value in method.loss(batch).items()}
        assert made == pytest.approx(slow_terms(method, batch), rel=1e-4)


class Pictures:
    """A pass over all pictures, and how often it was asked for."""

    def __init__(self) -> None:
        self.images = torch.rand(IMAGES, 3, 32, 32, generator=torch.Generator().manual_seed(3))
        self.calls = 0

    def __call__(self, rows_of: Any = None, viewed: bool = False) -> np.ndarray:
        self.calls += 1
        with torch.no_grad():
            return rows_of(self.images).numpy()  # type: ignore[no-any-return]


def test_turned_pictures_are_weighted_once_by_how_upright_they_look_late_in_the_run() -> None:
    method, pictures, rng = method_of(late=0.8).eval(), Pictures(), np.random.default_rng(0)
    for progress in (0.0, 0.5, 0.79):
        method.progress = progress
        method.start_epoch(3, pictures, rng)
    assert pictures.calls == 0 and bool((method.weights == 1).all())
    for progress in (0.81, 0.9):
        method.progress = progress
        method.start_epoch(4, pictures, rng)
    assert pictures.calls == 1
    with torch.no_grad():
        for image in range(IMAGES):
            for turn in (1, 2, 3):
                turned = torch.rot90(pictures.images[image : image + 1], turn, (2, 3))
                logits = method.turn(method.encoder(turned)[:, : method.encoder.dim // 2])
                q = float(logits.softmax(1)[0, 0])
                assert float(method.weights[image, turn]) == pytest.approx(1 - q * q, abs=1e-5)
    assert method.weights[:, 0].tolist() == [1] * IMAGES
    assert bool(method.state_dict()["is_weighted"])


def test_late_of_one_never_weights() -> None:
    method, pictures = method_of(late=1.0), Pictures()
    method.progress = 1.0
    method.start_epoch(9, pictures, np.random.default_rng(0))
    assert pictures.calls == 0


def test_faithful_noise_temperature_and_recipe_are_the_published_ones() -> None:
    method = method_of(faithful=True)
    assert (method.config.nce_k, method.config.temperature) == (4096, 0.07)
    recipe = method.recipe
    assert (recipe.optimiser, recipe.lr, recipe.images_per_step, recipe.epochs) == ("sgd", 0.01, 192, 245)
    rates = [0.01 * recipe.rate(epoch / 245) for epoch in (0, 89, 90, 130, 190, 210, 230, 244)]
    assert rates == pytest.approx([1e-2, 1e-2, 1e-3, 1e-4, 1e-5, 1e-4, 1e-5, 1e-5])
    assert (recipe.momentum, recipe.weight_decay, recipe.nesterov) == (0.9, 5e-4, True)


@pytest.mark.parametrize(
    "options",
    [
        {"nce_k": -1},
        {"bank_dim": 0},
        {"temperature": 0.0},
        {"momentum": 1.0},
        {"late": 1.5},
        {"flip": -0.5},
        {"min_area": 0.0},
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        DecoupleConfig(**options)  # type: ignore[arg-type]
