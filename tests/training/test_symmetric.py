"""The network of symmetries: what a turn of the picture does to it, and how its kernels are made."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from augnet_cli.errors import EncoderError
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.symmetric import (
    ORDER,
    ORDERS,
    FieldConv,
    FieldNorm,
    Lift,
    moved,
    symmetric_resnet,
)

SYMMETRIES = range(ORDER)


def settled(network: nn.Module) -> nn.Module:
    """In use, with statistics and scales that are not all alike."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, FieldNorm):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            with torch.no_grad():
                module.weight.uniform_(0.5, 1.5, generator=generator)
                module.bias.normal_(0, 0.2, generator=generator)
    return network.eval()


def small_network() -> nn.Module:
    torch.manual_seed(0)
    return settled(symmetric_resnet((2, 3, 3, 4), 5)[0])


def pictures(side: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(3))


def orientations_moved(maps: torch.Tensor, symmetry: int) -> torch.Tensor:
    """What a field does under a symmetry, from its definition: orientation h comes from where g^-1 h was.

    Found by asking which orientation of a lone kernel each turned one is, not by the table of the package.
    """
    kernel = torch.arange(9.0).view(3, 3)
    oriented = [moved(kernel, g) for g in SYMMETRIES]
    turned = [moved(one, symmetry) for one in oriented]
    order = [next(h for h in SYMMETRIES if torch.equal(turned[h], oriented[g])) for g in SYMMETRIES]
    by_field = moved(maps, symmetry).unflatten(1, (-1, ORDER))
    return by_field[:, :, order].flatten(1, 2)


def test_the_eight_symmetries_are_eight_and_closed() -> None:
    square = torch.arange(16.0).view(4, 4)
    elements = {tuple(moved(square, g).flatten().tolist()) for g in SYMMETRIES}
    assert len(elements) == ORDER
    for g in SYMMETRIES:
        for h in SYMMETRIES:
            assert tuple(moved(moved(square, g), h).flatten().tolist()) in elements


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (4, 2, 1), (1, 1, 0), (6, 2, 2)])
def test_a_turned_input_turns_what_convolutions_give(
    symmetry: int, kernel: int, stride: int, padding: int
) -> None:
    torch.manual_seed(kernel)
    lift, conv = Lift(3, 2, kernel, stride, padding), FieldConv(2, 3, kernel, stride, padding)
    images, fields = pictures(16), torch.rand(2, 2 * ORDER, 16, 16)
    torch.testing.assert_close(
        lift(moved(images, symmetry)), orientations_moved(lift(images), symmetry), rtol=1e-5, atol=1e-5
    )
    torch.testing.assert_close(
        conv(orientations_moved(fields, symmetry)),
        orientations_moved(conv(fields), symmetry),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_features_turn_with_the_picture_and_their_mean_stays(symmetry: int) -> None:
    network = small_network()
    with torch.no_grad():
        still, turned = network(pictures()), network(moved(pictures(), symmetry))
    assert float(still.std()) > 0.01
    torch.testing.assert_close(turned, moved(still, symmetry), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(turned.mean((2, 3)), still.mean((2, 3)), rtol=1e-4, atol=1e-5)


def test_another_picture_and_a_tilted_one_give_other_features() -> None:
    network = small_network()
    with torch.no_grad():
        means = network(pictures()).mean((2, 3))
        shifted = network(pictures().roll(9, 3)).mean((2, 3))
    assert float((means[0] - means[1]).abs().max()) > 0.01
    assert float((means - shifted).abs().max()) > 0.001


def test_norm_shares_scale_and_shift_while_training_and_statistics_in_use() -> None:
    norm = FieldNorm(2)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([2.0, 3.0]))
        norm.bias.copy_(torch.tensor([-1.0, 1.0]))
    maps = torch.randn(64, 2 * ORDER, 4, 4) * torch.linspace(1, 3, 16)[None, :, None, None]
    made = norm(maps)
    expected = functional.batch_norm(maps, None, None, training=True)
    scale = torch.tensor([2.0] * 8 + [3.0] * 8)[None, :, None, None]
    shift = torch.tensor([-1.0] * 8 + [1.0] * 8)[None, :, None, None]
    torch.testing.assert_close(made, expected * scale + shift, rtol=1e-4, atol=1e-4)
    norm.eval()
    same = norm(torch.ones(1, 16, 1, 1)).flatten()
    assert len(set(same[:8].tolist())) == 1 and len(set(same[8:].tolist())) == 1


@pytest.mark.parametrize("kernel", [1, 3, 4])
def test_kernels_are_turned_and_their_channels_reordered_number_by_number(kernel: int) -> None:
    conv = FieldConv(2, 3, kernel)
    made = conv.full_weight().detach()
    weight = conv.weight.detach()
    assert made.shape == (3 * ORDER, 2 * ORDER, kernel, kernel)
    for field, g, before, h in itertools.product(range(3), SYMMETRIES, range(2), SYMMETRIES):
        expected = moved(weight[field, before * ORDER + ORDERS[g][h]], g)
        assert torch.equal(made[field * ORDER + g, before * ORDER + h], expected)


def test_a_state_holds_each_kernel_once() -> None:
    network = symmetric_resnet((2, 3, 3, 4), 5)[0]
    made = [
        module.full_weight().numel() for module in network.modules() if isinstance(module, Lift | FieldConv)
    ]
    kept = [value.numel() for value in network.state_dict().values() if value.dim() == 4]
    assert [number * ORDER for number in kept] == made
    assert not any(name.endswith(("places", "field")) for name in network.state_dict())


@pytest.mark.parametrize("size", [16, 48, 80])
def test_sides_that_are_cut_unevenly_are_refused_with_one_that_is_not(size: int) -> None:
    with pytest.raises(EncoderError, match="multiples of 32") as error:
        Encoder(EncoderSpec("symmetric_resnet", size, 16))
    Encoder(EncoderSpec("symmetric_resnet", int(error.value.hint.removeprefix("--size ")), 16))
