"""The memory bank: its losses against slow loops, how its rows begin and follow, when the constant is set."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from augnet_cli.training.memory_bank import MemoryBank, name_losses, noise_losses, similarities

IMAGES, DIM = 9, 4


def unit_rows(count: int, seed: int) -> Tensor:
    drawn = torch.randn(count, DIM, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return functional.normalize(drawn, dim=1)


def bank_of(images: int = IMAGES, dim: int = DIM, momentum: float = 0.5) -> MemoryBank:
    torch.manual_seed(1)
    return MemoryBank(images, dim, momentum).double()


def dot(a: Tensor, b: Tensor) -> float:
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


def slow_noise_loss(
    unit: Tensor, rows: Tensor, images: list[int], drawn: list[list[int]], z: float, temperature: float
) -> float:
    """Equations 6 and 7 of the paper, term by term."""
    total, count = 0.0, len(rows)
    for row, image, noise in zip(unit, images, drawn, strict=True):
        share = len(noise) / count
        own = math.exp(dot(row, rows[image]) / temperature) / z
        total -= math.log(own / (own + share))
        for other in noise:
            total -= math.log(share / (math.exp(dot(row, rows[other]) / temperature) / z + share))
    return total / len(images)


def slow_name_loss(unit: Tensor, rows: Tensor, images: list[int], temperature: float) -> float:
    total = 0.0
    for row, image in zip(unit, images, strict=True):
        weights = [math.exp(dot(row, other) / temperature) for other in rows]
        total -= math.log(weights[image] / sum(weights))
    return total / len(images)


def test_softmax_over_all_images_agrees_with_a_double_loop() -> None:
    bank, unit = bank_of(), unit_rows(3, 2)
    loss = bank.instance_loss(torch.tensor([4, 0, 8]), unit, 0.3, 0)
    assert float(loss) == pytest.approx(slow_name_loss(unit, bank.rows, [4, 0, 8], 0.3), rel=1e-12)


@pytest.mark.parametrize("noise", [1, 5, 40])
def test_noise_loss_agrees_with_a_double_loop_for_the_images_that_were_drawn(noise: int) -> None:
    """The constant is the mean over what was looked at first, times n, and stays after that."""
    bank, temperature = bank_of().train(), 0.5
    constant = 0.0
    for seed, images in ((2, [4, 0, 8]), (3, [1, 2, 3])):
        unit = unit_rows(3, seed)
        torch.manual_seed(seed)
        drawn = bank.drawn(3, noise).tolist()
        looked = [[image, *others] for image, others in zip(images, drawn, strict=True)]
        exponentials = [
            math.exp(dot(row, bank.rows[other]) / temperature)
            for row, others in zip(unit, looked, strict=True)
            for other in others
        ]
        constant = constant or IMAGES * sum(exponentials) / len(exponentials)
        torch.manual_seed(seed)
        loss = bank.instance_loss(torch.tensor(images), unit, temperature, noise)
        expected = slow_noise_loss(unit, bank.rows, images, drawn, constant, temperature)
        assert float(loss) == pytest.approx(expected, rel=1e-5)  # the guard of 1e-7 shows
        assert float(bank.constant) == pytest.approx(constant, rel=1e-12)


def test_outside_training_the_constant_is_not_kept() -> None:
    bank = bank_of().eval()
    bank.instance_loss(torch.tensor([1]), unit_rows(1, 2), 0.5, 3)
    assert float(bank.constant) == -1


def test_many_drawn_images_estimate_the_same_gradient_as_all_of_them() -> None:
    """With Z exact and m large its gradient nears that of the softmax (Gutmann & Hyvärinen, 2010)."""
    rows, images = bank_of().rows, torch.tensor([4, 0, 8])
    unit = unit_rows(3, 2)
    all_logits = unit @ rows.T / 0.7
    noise = 20_000
    gradients = []
    for sampled in (False, True):
        logits = all_logits.clone().requires_grad_()
        if sampled:
            each = []
            for number, image in enumerate(images.tolist()):
                # All images drawn equally often: the estimate without its noise.
                own = logits[number : number + 1]
                drawn = torch.cat([own[:, image : image + 1], own.repeat(1, noise // IMAGES)], dim=1)
                each.append(noise_losses(drawn, own.detach().exp().sum(), IMAGES))
            torch.cat(each).sum().backward()
        else:
            name_losses(logits, images).sum().backward()
        gradients.append(logits.grad)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0, atol=2e-3)


def test_gradients_agree_with_finite_differences() -> None:
    logits = (unit_rows(2, 5) / 0.3).requires_grad_()
    constant = torch.tensor(7.0, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: noise_losses(x, constant, 11), (logits,))
    assert torch.autograd.gradcheck(lambda x: name_losses(x, torch.tensor([3, 0])), (logits,))


def test_both_ways_to_the_similarities_agree() -> None:
    """Few of many rows are fetched, many of few come out of one product."""
    few = torch.randint(100, (3, 2))
    rows, unit = unit_rows(100, 6), unit_rows(3, 7)
    expected = torch.stack([rows[chosen] @ row for row, chosen in zip(unit, few, strict=True)])
    torch.testing.assert_close(similarities(unit, rows, few), expected)
    many = few.repeat(1, 20)
    torch.testing.assert_close(similarities(unit, rows, many), expected.repeat(1, 20))


def test_rows_begin_about_one_long_and_evenly_spread() -> None:
    rows = bank_of(2000, 128).rows
    reach = 1 / math.sqrt(128 / 3)
    assert float(rows.abs().max()) <= reach and float(rows.abs().max()) > 0.999 * reach
    assert abs(float(rows.norm(dim=1).mean()) - 1) < 0.01 and abs(float(rows.mean())) < 1e-3


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_rows_follow_their_images_alone_and_stay_unit(momentum: float) -> None:
    bank, unit = bank_of(momentum=momentum), unit_rows(2, 8)
    before = bank.rows.clone()
    bank.follow(torch.tensor([7, 2]), unit)
    for image, row in ((7, unit[0]), (2, unit[1])):
        moved = [
            momentum * old + (1 - momentum) * new
            for old, new in zip(before[image].tolist(), row.tolist(), strict=True)
        ]
        length = math.hypot(*moved)
        assert bank.rows[image].tolist() == pytest.approx([value / length for value in moved])
    others = [image for image in range(IMAGES) if image not in (7, 2)]
    assert torch.equal(bank.rows[others], before[others])


def test_drawn_images_are_even() -> None:
    counts = torch.bincount(bank_of().drawn(30, 300).flatten(), minlength=IMAGES)
    assert counts.min() > 850 and counts.max() < 1150
