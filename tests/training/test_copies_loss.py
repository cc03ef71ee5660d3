"""The losses of the method copies against double loops written from the formulas, and its bank."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods.copies import NO_ROW, Copies, CopiesConfig, pick_the_sister, spreading
from augnet_cli.training.methods.method import Batch

GENERATOR_SEED = 4


def unit_rows(*shape: int, seed: int = GENERATOR_SEED) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def slow_pick(
    views: Tensor, rows: list[int], bank: Tensor, bank_rows: list[int], temperature: float
) -> float:
    """NT-Xent, term by term: for every view, minus the log of the share of its sister."""
    total = 0.0
    for image, pair in enumerate(views.tolist()):
        for which in (0, 1):
            own, sister = pair[which], pair[1 - which]
            weights = [math.exp(cosine(own, sister) / temperature)]
            for other, other_pair in enumerate(views.tolist()):
                if other != image:
                    weights += [math.exp(cosine(own, view) / temperature) for view in other_pair]
            for row, old in zip(bank_rows, bank.tolist(), strict=True):
                if row not in (NO_ROW, rows[image]):
                    weights.append(math.exp(cosine(own, old) / temperature))
            total -= math.log(weights[0] / sum(weights))
    return total / (2 * len(rows))


@settings(max_examples=30, deadline=None)
@given(
    images=st.integers(2, 6),
    dim=st.integers(2, 9),
    places=st.integers(0, 7),
    temperature=st.floats(0.05, 1.0),
    seed=st.integers(0, 99),
)
def test_picking_agrees_with_a_double_loop(
    images: int, dim: int, places: int, temperature: float, seed: int
) -> None:
    views, bank = unit_rows(images, 2, dim, seed=seed), unit_rows(places, dim, seed=seed + 1)
    rows = torch.arange(images) + 10
    # Some of the bank's rows are images of the batch, some others, some empty.
    bank_rows = torch.tensor([(10, NO_ROW, 99, 11)[place % 4] for place in range(places)], dtype=torch.int64)
    fast = pick_the_sister(views, rows, bank, bank_rows, temperature)
    slow = slow_pick(views, rows.tolist(), bank, bank_rows.tolist(), temperature)
    assert float(fast) == pytest.approx(slow, rel=1e-9)


def test_spreading_agrees_with_a_double_loop() -> None:
    unit, bank = unit_rows(5, 3), unit_rows(4, 3, seed=9)
    rows, bank_rows = torch.arange(5), torch.tensor([0, NO_ROW, 77, 3])
    total = 0.0
    for image in range(5):
        others = [unit[other] for other in range(5) if other != image]
        others += [
            old for row, old in zip(bank_rows.tolist(), bank, strict=True) if row not in (NO_ROW, image)
        ]
        total -= math.log(min(math.dist(unit[image].tolist(), other.tolist()) for other in others))
    assert float(spreading(unit, rows, bank, bank_rows)) == pytest.approx(total / 5, rel=1e-9)


def test_coinciding_embeddings_have_a_finite_loss_and_gradient() -> None:
    views = functional.normalize(torch.ones(4, 2, 8), dim=2).requires_grad_()
    rows, bank = torch.arange(4), torch.zeros(0, 8)
    loss = pick_the_sister(views, rows, bank, rows[:0], 0.05) + spreading(views[:, 0], rows, bank, rows[:0])
    loss.backward()
    assert torch.isfinite(loss) and views.grad is not None and torch.isfinite(views.grad).all()


def method_of(**options: object) -> Copies:
    torch.manual_seed(0)
    config = CopiesConfig(**options)  # type: ignore[arg-type]
    return Copies(Encoder(EncoderSpec("resnet18_slim", 32, 16)), config)


def batch_of(rows: list[int]) -> Batch:
    generator = torch.Generator().manual_seed(sum(rows))
    return Batch(torch.tensor(rows), torch.rand(len(rows), 2, 3, 32, 32, generator=generator))


def test_bank_holds_the_latest_embeddings_and_says_whose_they_are() -> None:
    method = method_of(bank=5)
    assert method.bank_rows.tolist() == [NO_ROW] * 5
    for rows in ([1, 2, 3], [4, 5, 6], [7, 8]):
        method.loss(batch_of(rows))
    assert sorted(method.bank_rows.tolist()) == [4, 5, 6, 7, 8]
    torch.testing.assert_close(method.bank.norm(dim=1), torch.ones(5))
    assert not method.bank.requires_grad


def test_a_batch_larger_than_the_bank_fills_it() -> None:
    method = method_of(bank=3)
    method.loss(batch_of([1, 2, 3, 4, 5]))
    assert sorted(method.bank_rows.tolist()) == [3, 4, 5]


def test_bank_counts_as_other_images_in_the_next_loss() -> None:
    method = method_of(bank=8, spread=0.0, temperature=1.0)
    first, second = batch_of([1, 2, 3]), batch_of([4, 5, 6])
    method.loss(first)
    with_bank = method.eval().loss(second)["pick"].detach()
    alone = method_of(bank=0, spread=0.0, temperature=1.0)
    alone.load_state_dict({k: v for k, v in method.state_dict().items() if "bank" not in k}, strict=False)
    assert float(with_bank) > float(alone.eval().loss(second)["pick"].detach())


def test_outside_training_the_bank_stays() -> None:
    method = method_of(bank=4).eval()
    method.loss(batch_of([1, 2]))
    assert method.bank_rows.tolist() == [NO_ROW] * 4


def test_similarities_are_not_computed_in_bf16_under_autocast() -> None:
    method = method_of(bank=0)
    views = functional.normalize(torch.randn(4, 1, 16) + 0.01 * torch.randn(4, 2, 16), dim=2)

    class Fixed(torch.nn.Module):
        def forward(self, _: Tensor) -> Tensor:
            return views.flatten(0, 1)

    method.encoder = Fixed()  # type: ignore[assignment]
    with torch.autocast("cpu", torch.bfloat16):
        terms = method.loss(batch_of([0, 1, 2, 3]))
    rows, none = torch.arange(4), torch.zeros(0, 16)
    expected = pick_the_sister(views, rows, none, rows[:0], method.config.temperature)
    torch.testing.assert_close(terms["pick"], expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "options",
    [{"temperature": 0.0}, {"temperature": math.nan}, {"spread": -0.1}, {"spread": math.nan}, {"bank": -1}],
)
def test_settings_that_mean_nothing_are_refused_by_name(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        CopiesConfig(**options)  # type: ignore[arg-type]
