"""Instance discrimination: what its bank holds and when, its views, settings and recipe."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.memory_bank import MemoryBank
from augnet_cli.training.methods.instance import Instance, InstanceConfig
from augnet_cli.training.methods.method import Batch
from augnet_cli.training.simclr_views import SimclrViews


def method_of(**options: object) -> Instance:
    torch.manual_seed(0)
    config = InstanceConfig(**options)  # type: ignore[arg-type]
    method = Instance(Encoder(EncoderSpec("resnet18_slim", 32, 16, Instance.head(config))), config)
    method.begin(10)
    return method


def bank_of(method: Instance) -> MemoryBank:
    assert method.bank is not None
    return method.bank


def batch_of(rows: list[int]) -> Batch:
    generator = torch.Generator().manual_seed(sum(rows))
    return Batch(torch.tensor(rows), torch.rand(len(rows), 1, 3, 32, 32, generator=generator))


def test_bank_holds_the_space_of_the_exported_rows() -> None:
    """With a momentum of 0, a row is what the encoder makes of its image; before the step it is not."""
    method = method_of(momentum=0.0).eval()
    batch = batch_of([3, 5])
    before = bank_of(method).rows.clone()
    method.loss(batch)
    assert torch.equal(bank_of(method).rows, before)
    method.after_step()
    unit = method.encoder.unit_rows(batch.views[:, 0])
    torch.testing.assert_close(bank_of(method).rows[[3, 5]], unit.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("nce_k", [0, 6])
def test_gradient_is_that_of_the_bank_as_it_was(nce_k: int) -> None:
    method = method_of(nce_k=nce_k).train()
    terms = method.loss(batch_of([1, 2, 4]))
    terms["name"].backward()
    method.after_step()
    gradients = [parameter.grad for parameter in method.encoder.parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)
    assert (float(bank_of(method).constant) > 0) == bool(nce_k)


def test_a_method_read_back_has_the_same_next_loss_with_drawn_images() -> None:
    method, other = method_of(nce_k=6).train(), method_of(nce_k=6)
    for rows in ([0, 1, 2], [3, 4, 5]):
        method.loss(batch_of(rows))
        method.after_step()
    other.load_state_dict(method.state_dict())
    losses = []
    for each in (method, other):
        torch.manual_seed(3)
        losses.append(float(each.eval().loss(batch_of([0, 4]))["name"].detach()))
    assert losses[0] == losses[1]


def test_similarities_are_not_computed_in_bf16_under_autocast() -> None:
    method = method_of()
    rows = functional.normalize(torch.randn(2, 16), dim=1)

    class Fixed(torch.nn.Module):
        def forward(self, _: torch.Tensor) -> torch.Tensor:
            return rows

    method.encoder = Fixed()  # type: ignore[assignment]
    with torch.autocast("cpu", torch.bfloat16):
        made = method.loss(batch_of([1, 2]))["name"]
    expected = bank_of(method).instance_loss(torch.tensor([1, 2]), rows, 0.1, 0)
    torch.testing.assert_close(made, expected, rtol=1e-6, atol=1e-9)


def test_faithful_views_and_recipe_are_the_published_ones() -> None:
    method = method_of(faithful=True)
    assert method.view_transform(32) == SimclrViews(32, flip=0.0, jitter=1.0, hue=0.4)
    recipe = method.recipe
    assert (recipe.optimiser, recipe.lr, recipe.images_per_step, recipe.epochs) == ("sgd", 0.03, 128, 200)
    shares = [recipe.rate(epoch / 200) for epoch in (0, 119, 120, 159, 160, 199)]
    assert shares == [1, 1, 0.1, 0.1, 0.01, 0.01]
    assert (recipe.momentum, recipe.weight_decay, recipe.nesterov) == (0.9, 5e-4, False)
    assert method_of(flip=0.25).view_transform(32) == SimclrViews(32, flip=0.25)


@pytest.mark.parametrize(
    "options",
    [
        {"nce_k": -1},
        {"temperature": 0.0},
        {"momentum": 1.0},
        {"momentum": float("nan")},
        {"flip": 1.1},
        {"jitter": -0.1},
        {"hue": 0.6},
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        InstanceConfig(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "is_filled"), [({}, True), ({"fill": False}, False), ({"faithful": True}, False)]
)
def test_bank_begins_with_the_images_own_embeddings_once(options: dict[str, bool], is_filled: bool) -> None:
    method, rng = method_of(**options), np.random.default_rng(0)
    drawn = bank_of(method).rows.clone()
    own = functional.normalize(torch.randn(10, 16), dim=1)

    def embed_all(rows_of: object = None, viewed: bool = False) -> np.ndarray:
        return own.numpy()

    for epoch, expected in ((1, drawn), (0, own if is_filled else drawn)):
        method.start_epoch(epoch, embed_all, rng)
        assert torch.equal(bank_of(method).rows, expected)
