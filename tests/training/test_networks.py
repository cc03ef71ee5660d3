"""Networks by name: the weights, operations and maps that their papers and other makers of them have."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from augnet_cli.training.backbones import BACKBONES, build_backbone
from augnet_cli.training.networks.googlenet import INCEPTIONS, ResponseNorm


def on_paper(name: str, width: int = 0) -> nn.Module:
    """A network of shapes alone, which costs nothing to make or to run."""
    with torch.device("meta"):
        return build_backbone(name, width)[0].eval()


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def maps_of(network: nn.Module, side: int) -> tuple[list[int], tuple[int, ...], int]:
    """Sides of the maps after each module, the last shape, and multiplications in convolutions."""
    sides: list[int] = []
    products = 0

    def seen(module: nn.Module, _: object, made: Tensor) -> None:
        nonlocal products
        if isinstance(module, nn.Conv2d):
            products += module.weight.numel() * made.shape[2] * made.shape[3]

    for module in network.modules():
        module.register_forward_hook(seen)
    for child in network.children():
        child.register_forward_hook(lambda module, _, made: sides.append(made.shape[-1]))
    last = network(torch.empty(1, 3, side, side, device="meta"))
    return sides, tuple(last.shape), products


@pytest.mark.parametrize(("name", "expected"), [("resnet18", 11_176_512), ("resnet50", 23_508_032)])
def test_residual_network_is_that_of_torchvision(name: str, expected: int) -> None:
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
    own = on_paper(name)
    assert parameters(own) == parameters(theirs) - parameters(theirs.fc) == expected
    shapes = [each.shape for key, each in theirs.state_dict().items() if not key.startswith("fc.")]
    assert [each.shape for each in own.state_dict().values()] == shapes


def test_residual_network_computes_what_that_of_torchvision_does() -> None:
    theirs, images = torchvision.models.resnet18().eval(), torch.rand(2, 3, 40, 40)
    own = build_backbone("resnet18")[0].eval()
    own.load_state_dict(
        dict(zip(own.state_dict(), theirs.state_dict().values(), strict=False))  # without the classes
    )
    with torch.no_grad():
        pooled = own(images).mean(dim=(2, 3))
        torch.testing.assert_close(theirs.fc(pooled), theirs(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("width", "depth"), [(64, 2), (16, 2)])
def test_small_pictures_residual_network_has_the_weights_of_its_formula(width: int, depth: int) -> None:
    expected, before = 3 * 9 * width + 2 * width, width
    for stage in range(4):
        now = width * 2**stage
        expected += (before * 9 * now + 2 * now) + (2 * depth - 1) * (9 * now * now + 2 * now)
        expected += 0 if now == before else before * now + 2 * now
        before = now
    assert parameters(on_paper("resnet18_cifar", width)) == expected
    assert width != 64 or expected == 11_168_832


@pytest.mark.parametrize(
    ("name", "side", "maps", "giga"),
    [
        ("resnet18_cifar", 32, [32, 16, 8, 4], 0.56),
        ("resnet18_stl", 96, [49, 25, 13, 7], 1.46),
        ("resnet18", 224, [56, 28, 14, 7], 1.81),
        ("nin4", 32, [16, 8, 8, 8], None),
    ],
)
def test_maps_and_operations_are_the_published_ones(
    name: str, side: int, maps: list[int], giga: float | None
) -> None:
    sides, last, products = maps_of(on_paper(name), side)
    assert sides[-4:] == maps
    assert last[1] == (192 if name == "nin4" else 512)
    assert giga is None or round(products / 1e9, 2) == giga


def test_network_in_network_has_the_weights_of_its_table() -> None:
    def block(before: int, widths: tuple[int, int, int], kernel: int) -> int:
        one, two, three = widths
        return (before * kernel**2 * one + 3 * one) + (one * two + 3 * two) + (two * three + 3 * three)

    same = (192, 192, 192)
    two = block(3, (192, 160, 96), 5) + block(96, same, 5)
    for blocks in (3, 4, 5):
        expected = two + (blocks - 2) * block(192, same, 3)
        assert parameters(on_paper(f"nin{blocks}")) == expected


def test_googlenet_has_the_weights_of_its_table() -> None:
    own = on_paper("googlenet")
    shapes = [(3, 64, 7), (64, 64, 1), (64, 192, 3)]
    before = 192
    for into, one, less_three, three, less_five, five, pooled in INCEPTIONS.values():
        assert into == before
        shapes += [(into, one, 1), (into, less_three, 1), (less_three, three, 3)]
        shapes += [(into, less_five, 1), (less_five, five, 5), (into, pooled, 1)]
        before = one + three + five + pooled
    assert before == 1024 and len(own.state_dict()) == 2 * len(shapes) == 114
    assert parameters(own) == sum((a * side**2 + 1) * b for a, b, side in shapes) == 5_973_552
    for side in (224, 227):
        assert maps_of(own, side)[1] == (1, 1024, 7, 7)


def test_response_norm_is_that_of_torch() -> None:
    maps = 50 * torch.randn(2, 9, 3, 3, generator=torch.Generator().manual_seed(0))
    theirs = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)
    torch.testing.assert_close(ResponseNorm()(maps), theirs(maps))


@pytest.mark.parametrize("name", [name for name, network in BACKBONES.items() if network.width])
def test_half_the_width_is_about_a_quarter_of_the_weights(name: str) -> None:
    whole, half = on_paper(name), on_paper(name, BACKBONES[name].width // 2)
    first = next(module for module in half.modules() if isinstance(module, nn.Conv2d))
    assert first.out_channels == BACKBONES[name].width // 2
    assert 0.24 < parameters(half) / parameters(whole) < 0.27
