"""NT-Xent against the published value and a double loop; SimCLR's settings, projection and recipe."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods.method import Batch
from augnet_cli.training.methods.simclr import Simclr, SimclrConfig, nt_xent


def golden_rows() -> Tensor:
    """X[i, j] = sin(1 + 3 i + 7 j), 12 x 5, each row of unit length."""
    rows = [[math.sin(1 + 3 * i + 7 * j) for j in range(5)] for i in range(12)]
    return functional.normalize(torch.tensor(rows, dtype=torch.float64), dim=1)


def slow_one_sided(first: list[list[float]], second: list[list[float]], temperature: float) -> float:
    def weight(a: list[float], b: list[float]) -> float:
        return math.exp(sum(x * y for x, y in zip(a, b, strict=True)) / temperature)

    total = 0.0
    for i, anchor in enumerate(first):
        others = [weight(anchor, row) for j, row in enumerate(first) if j != i]
        others += [weight(anchor, row) for row in second]
        total -= math.log(weight(anchor, second[i]) / sum(others))
    return total / len(first)


def test_one_sided_loss_has_the_value_of_the_published_code() -> None:
    rows = golden_rows()
    assert float(nt_xent(rows[0::2], rows[1::2], 0.1, symmetric=False)) == pytest.approx(
        20.083545691069265, rel=1e-12
    )


@pytest.mark.parametrize("temperature", [0.1, 0.7])
def test_loss_agrees_with_a_double_loop_and_the_symmetric_one_is_the_mean_of_both_sides(
    temperature: float,
) -> None:
    drawn = torch.randn(10, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows = functional.normalize(drawn, dim=1)
    first, second = rows[:5], rows[5:]
    there = slow_one_sided(first.tolist(), second.tolist(), temperature)
    back = slow_one_sided(second.tolist(), first.tolist(), temperature)
    assert float(nt_xent(first, second, temperature, symmetric=False)) == pytest.approx(there, rel=1e-12)
    both = float(nt_xent(first, second, temperature, symmetric=True))
    assert both == pytest.approx((there + back) / 2, rel=1e-12)


@pytest.mark.parametrize("symmetric", [True, False])
def test_gradient_agrees_with_finite_differences(symmetric: bool) -> None:
    rows = golden_rows()[:6].clone().requires_grad_()

    def loss(values: Tensor) -> Tensor:
        unit = functional.normalize(values, dim=1)
        return nt_xent(unit[0::2], unit[1::2], 0.5, symmetric)

    assert torch.autograd.gradcheck(loss, (rows,))


def test_coinciding_rows_cost_the_log_of_the_number_of_candidates() -> None:
    rows = functional.normalize(torch.ones(6, 4), dim=1)
    assert float(nt_xent(rows, rows, 0.1, symmetric=True)) == pytest.approx(math.log(11), rel=1e-6)


def method_of(**options: object) -> Simclr:
    torch.manual_seed(0)
    config = SimclrConfig(**options)  # type: ignore[arg-type]
    return Simclr(Encoder(EncoderSpec("resnet18_slim", 32, 0, Simclr.head(config))), config)


def test_loss_is_that_of_projections_and_faithful_is_one_sided() -> None:
    batch = Batch(torch.arange(4), torch.rand(4, 2, 3, 32, 32, generator=torch.Generator().manual_seed(2)))
    one, both = method_of(faithful=True).eval(), method_of(projection=128).eval()
    first, second = (
        functional.normalize(one.projection(one.encoder.pooled(batch.views[:, view])), dim=1)
        for view in (0, 1)
    )
    assert first.shape == (4, 128)
    for method, symmetric in ((one, False), (both, True)):
        expected = nt_xent(first, second, 0.1, symmetric)
        torch.testing.assert_close(method.loss(batch)["pick"], expected, rtol=1e-4, atol=1e-5)


def test_faithful_recipe_is_scans_and_there_is_no_norm_in_the_projection() -> None:
    recipe = method_of(faithful=True).recipe
    assert (recipe.optimiser, recipe.lr, recipe.images_per_step, recipe.epochs) == ("sgd", 0.4, 512, 500)
    assert (recipe.momentum, recipe.nesterov, recipe.weight_decay) == (0.9, False, 1e-4)
    assert recipe.rate(0.0) == 1 and recipe.rate(1.0) == pytest.approx(1e-3)
    kinds = [type(layer).__name__ for layer in method_of().projection]
    assert kinds == ["Linear", "ReLU", "Linear"]


@pytest.mark.parametrize("options", [{"temperature": 0.0}, {"temperature": math.nan}, {"projection": 0}])
def test_settings_that_mean_nothing_are_refused_by_name(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        SimclrConfig(**options)  # type: ignore[arg-type]
