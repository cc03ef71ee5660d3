"""SCAN's strong views: each change against one made by other means, the piece that is cut out."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as of_torchvision
from training_examples import smooth_picture

from augnet_cli.training.crop_views import CropViews
from augnet_cli.training.strong_views import CHANGES, NAMES, StrongViews, cut_out, longest_cut
from augnet_cli.training.views import EachItsOwn, kind_of

SIZE = 32
DRAWS = (0.0, 0.2, 0.5, 0.71, 0.999)  # no shift by half a pixel, which rounding decides


@functools.cache
def picture() -> Tensor:
    """(3, 32, 32) uint8, with a little noise that edges and sharpness can be told by."""
    smooth = np.asarray(smooth_picture(5, SIZE, SIZE)).astype(np.int16)
    noise = np.random.default_rng(0).integers(-12, 13, smooth.shape)
    return torch.from_numpy(np.clip(smooth + noise, 0, 255).astype(np.uint8)).permute(2, 0, 1)


def changed(name: str, u: float) -> Tensor:
    image = CHANGES[name](Image.fromarray(picture().permute(1, 2, 0).numpy()), u)
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)


def blended(ground: Tensor, u: float) -> Tensor:
    factor = 0.05 + 0.9 * u
    return ground + factor * (picture().double() - ground)


def grey() -> Tensor:
    weights = torch.tensor([299, 587, 114], dtype=torch.float64) / 1000
    return (picture().double() * weights[:, None, None]).sum(0, keepdim=True).floor()


def equalized(channel: np.ndarray) -> np.ndarray:
    """A slow loop over Pillow's description: as many pixels in each step as can be."""
    counts = np.bincount(channel.ravel(), minlength=256)
    step = (counts.sum() - counts[counts > 0][-1]) // 255
    table, total = [], step // 2
    for count in counts:
        table.append(min(255, total // step))
        total += count
    return np.array(table)[channel]


def stretched(channel: np.ndarray) -> np.ndarray:
    low, high = int(channel.min()), int(channel.max())
    return np.clip((channel.astype(float) - low) * 255 / (high - low), 0, 255).astype(int)


def each_channel(of: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack([of(channel) for channel in picture().numpy()]))


def moved_by(source: Callable[[int, int], tuple[float, float]]) -> Tensor:
    """A slow loop: where in the picture each pixel's middle comes from; black beyond the edge."""
    made = torch.zeros(3, SIZE, SIZE, dtype=torch.uint8)
    for y in range(SIZE):
        for x in range(SIZE):
            from_x, from_y = source(x, y)
            if 0 <= from_x < SIZE and 0 <= from_y < SIZE:
                made[:, y, x] = picture()[:, int(from_y), int(from_x)]
    return made


def by(u: float) -> float:
    return -0.1 + 0.2 * u


ORACLES: dict[str, Callable[[float], Tensor]] = {
    "identity": lambda u: picture(),
    "autocontrast": lambda u: each_channel(stretched),
    "equalize": lambda u: each_channel(equalized),
    "rotate": lambda u: of_torchvision.rotate(picture(), -30 + 60 * u),
    "solarize": lambda u: torch.where(picture() < int(256 * u), picture(), 255 - picture()),
    "colour": lambda u: blended(grey(), u),
    "contrast": lambda u: blended(grey().mean().add(0.5).floor(), u),
    "brightness": lambda u: blended(torch.zeros(1, dtype=torch.float64), u),
    "sharpness": lambda u: of_torchvision.adjust_sharpness(picture(), 0.05 + 0.9 * u),
    "shear_x": lambda u: moved_by(lambda x, y: (x + 0.5 + by(u) * (y + 0.5), y + 0.5)),
    "shear_y": lambda u: moved_by(lambda x, y: (x + 0.5, y + 0.5 + by(u) * (x + 0.5))),
    "translate_x": lambda u: moved_by(lambda x, y: (x + 0.5 + by(u) * SIZE, y + 0.5)),
    "translate_y": lambda u: moved_by(lambda x, y: (x + 0.5, y + 0.5 + by(u) * SIZE)),
    "posterize": lambda u: picture() & (256 - (1 << (8 - int(4 + 4 * u)))),
}


@pytest.mark.parametrize("name", NAMES)
def test_change_is_the_one_that_another_way_gives(name: str) -> None:
    for u in DRAWS:
        got, expected = changed(name, u).double(), ORACLES[name](u).double()
        # A rounding of levels; of what is moved a few pixels on a border between two.
        apart = (got - expected).abs().amax(0)
        assert float((apart > 1).double().mean()) < (0.02 if name == "rotate" else 0.005), (name, u)
        assert u == 0.5 or name in ("identity", "autocontrast", "equalize") or (got != picture()).any()


def test_all_fourteen_changes_of_the_paper_are_there_and_drawn_alike() -> None:
    assert set(ORACLES) == set(NAMES) and len(NAMES) == 14


def test_enhancing_only_ever_reduces() -> None:
    for u in DRAWS:
        assert (changed("brightness", u) <= picture()).all()
        assert changed("contrast", u).double().std() < picture().double().std()


def test_piece_is_cut_out_around_its_centre_up_to_the_edge_in_one_colour() -> None:
    batch = torch.zeros(3, 3, 8, 8)
    colour = torch.tensor([0.1, 0.2, 0.3])
    cut = cut_out(batch, torch.tensor([[4, 4], [0, 7], [3, 3]]), torch.tensor([4, 5, 1]), colour)
    expected = batch.clone()
    expected[0, :, 2:6, 2:6] = colour[:, None, None]
    expected[1, :, 0:2, 5:8] = colour[:, None, None]  # a side of 5 reaches 2 to either way
    assert torch.equal(cut, expected)  # a side of 1 reaches nowhere


@pytest.mark.parametrize(("size", "longest"), [(32, 16), (96, 32), (224, 75)])
def test_longest_side_cut_out_is_that_of_the_paper(size: int, longest: int) -> None:
    assert longest_cut(size) == longest


def test_view_is_whole_before_it_is_cut_and_filled_with_the_mean() -> None:
    views = StrongViews(SIZE, (0.1, 0.2, 0.3), 16)
    source = np.asarray(smooth_picture(1, 60, 40))
    crops = [views.crop(source, np.random.default_rng(seed)) for seed in range(20)]
    assert {crop.shape for crop in crops} == {(SIZE, SIZE, 3)} and {crop.dtype.name for crop in crops} == {
        "uint8"
    }
    assert len({crop.tobytes() for crop in crops}) == 20
    batch = torch.full((64, 3, SIZE, SIZE), 0.9)
    made = views.finish(batch, torch.Generator().manual_seed(0))
    cut = made[:, 0] != 0.9
    assert torch.allclose(made.permute(0, 2, 3, 1)[cut], torch.tensor([0.1, 0.2, 0.3]))
    assert int(cut.sum((1, 2)).max()) <= 16 * 16 and 0 < float(cut.double().mean()) < 0.12


def test_each_view_of_an_image_may_be_of_its_own_kind() -> None:
    kinds = EachItsOwn((CropViews(SIZE), StrongViews(SIZE, (0.5, 0.5, 0.5), 16)))
    assert kind_of(kinds, 1) is kinds.kinds[1] and kind_of(kinds.kinds[0], 1) is kinds.kinds[0]
    batch = torch.full((8, 3, SIZE, SIZE), 0.9)  # of 4 images
    made = kinds.finish(batch, torch.Generator().manual_seed(0)).unflatten(0, (4, 2))
    alone = kinds.kinds[1].finish(batch[1::2], torch.Generator().manual_seed(0))
    assert torch.equal(made[:, 0], batch[0::2]) and torch.equal(made[:, 1], alone)
