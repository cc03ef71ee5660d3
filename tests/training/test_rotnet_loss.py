"""RotNet: the loss against a slow loop, pictures moved before they are turned, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from training_examples import smooth_picture

from augnet_cli.errors import UsageError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.methods.decouple import Decouple, DecoupleConfig
from augnet_cli.training.methods.method import Batch
from augnet_cli.training.methods.rotnet import Rotnet, RotnetConfig
from augnet_cli.training.methods.udml_ss import UdmlSs, UdmlSsConfig
from augnet_cli.training.rotation import turn_loss


def method_of(**options: object) -> Rotnet:
    torch.manual_seed(0)
    config = RotnetConfig(**options)  # type: ignore[arg-type]
    return Rotnet(Encoder(EncoderSpec("resnet18_slim", 32, 0, Rotnet.head(config))), config)


def test_loss_is_that_of_every_turn_of_every_picture() -> None:
    method = method_of().eval()
    views = torch.rand(3, 1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    total = 0.0
    with torch.no_grad():
        for picture in views[:, 0]:
            for turn in range(4):
                turned = torch.from_numpy(np.rot90(picture.numpy(), turn, (1, 2)).copy())
                logits = method.turn(method.encoder(turned[None]))[0].double()
                total -= float(logits[turn] - logits.exp().sum().log())
        loss = float(method.loss(Batch(torch.arange(3), views))["turn"])
    assert loss == pytest.approx(total / 12, rel=1e-5)


def test_gradient_of_the_loss_agrees_with_finite_differences() -> None:
    logits = torch.randn(8, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert torch.autograd.gradcheck(turn_loss, (logits.requires_grad_(),))
    assert float(turn_loss(torch.zeros(8, 4))) == pytest.approx(math.log(4))


def test_black_comes_in_before_the_turn_so_that_each_turn_shows_it_at_another_edge() -> None:
    """Moved first, then turned: the views themselves are never turned."""
    picture = np.full((32, 32, 3), 200, np.uint8)
    picture[:4] = 255  # the upper edge
    views = method_of(flip=1.0).view_transform(32)
    for seed in range(20):
        crop = views.crop(picture, np.random.default_rng(seed)).astype(int)
        # What was above is never found at the left, right or lower edge alone.
        rows = crop.sum(2).max(1)
        assert rows[0] in (0, 600, 765) and (rows[8:28] == 600).all()


def test_flip_and_padding_reach_the_views() -> None:
    picture = np.asarray(smooth_picture(1, 32, 32))
    still = method_of(flip=0.0, padding=0).view_transform(32)
    assert np.array_equal(still.crop(picture, np.random.default_rng(0)), picture)
    moved = method_of().view_transform(32)
    assert not all(np.array_equal(moved.crop(picture, np.random.default_rng(n)), picture) for n in range(4))


def test_faithful_recipe_is_the_published_one() -> None:
    recipe = method_of(faithful=True).recipe
    assert (recipe.optimiser, recipe.lr, recipe.images_per_step, recipe.epochs) == ("sgd", 0.1, 128, 200)
    rates = [0.1 * recipe.rate(epoch / 200) for epoch in (0, 59, 60, 120, 160, 199)]
    assert rates == pytest.approx([0.1, 0.1, 0.02, 0.004, 0.0008, 0.0008])
    assert (recipe.momentum, recipe.weight_decay, recipe.nesterov) == (0.9, 5e-4, True)


def test_a_network_that_sees_no_turns_is_refused_with_the_way_out() -> None:
    encoder = Encoder(EncoderSpec("symmetric_resnet", 32, 0, "pooled"))
    for refused in (lambda: Rotnet(encoder, RotnetConfig()), lambda: Decouple(encoder, DecoupleConfig())):
        with pytest.raises(UsageError, match="turns") as caught:
            refused()
        assert "--backbone" in caught.value.hint
    encoder = Encoder(EncoderSpec("symmetric_resnet", 32, 8, "linear"))
    with pytest.raises(UsageError, match="turns") as caught:
        UdmlSs(encoder, UdmlSsConfig())
    assert "rotation=0" in caught.value.hint
    assert UdmlSs(encoder, UdmlSsConfig(rotation=0)).turns_head is None


@pytest.mark.parametrize("options", [{"padding": -1}, {"flip": 1.5}, {"flip": math.nan}])
def test_settings_that_mean_nothing_are_refused_by_name(options: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        RotnetConfig(**options)  # type: ignore[arg-type]
