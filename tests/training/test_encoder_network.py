"""The encoder as a torch network, and its normalisation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_examples import picture_folder, pixels_of, small_encoder

from augnet_cli.errors import EncoderError
from augnet_cli.training.backbones import BACKBONES
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.initial import fit_normalisation, with_head

IMAGES = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_is_as_wide_as_it_says(backbone: str) -> None:
    with torch.device("meta"):  # shapes alone: nothing is computed
        encoder = Encoder(EncoderSpec(backbone, 32, 24)).eval()
        maps = encoder.features(torch.empty(4, 3, 32, 32))
        assert maps.shape[:2] == (4, encoder.width)
        assert encoder(torch.empty(4, 3, 32, 32)).shape == (4, 24)


@pytest.mark.parametrize("backbone", ["resnet18_slim", "nin3"])
def test_embeddings_lie_within_the_range_of_tanh(backbone: str) -> None:
    with torch.no_grad():
        embeddings = Encoder(EncoderSpec(backbone, 32, 24, width=12)).eval()(IMAGES)
    assert embeddings.shape == (4, 24) and float(embeddings.abs().max()) < 1


def test_slim_resnet_fits_the_limit_of_a_weights_file() -> None:
    encoder = Encoder(EncoderSpec())
    assert encoder.spec.backbone == "resnet18_slim"
    assert sum(weight.numel() * 4 for weight in encoder.parameters()) < 8_000_000


def test_published_head_gives_half_of_what_tanh_can() -> None:
    torch.manual_seed(0)
    encoder = Encoder(EncoderSpec("resnet18_slim", 32, 0, "tanh"))
    made = encoder(IMAGES)
    assert made.shape == (4, encoder.dim) and encoder.dim == 176
    assert float(made.min()) >= 0 and float(made.max()) < 1
    assert not any("head" in name for name, _ in encoder.named_parameters())


def test_linear_head_uses_both_halves() -> None:
    made = small_encoder()(IMAGES)
    assert float(made.min()) < -0.1 and float(made.max()) > 0.1


def test_dim_0_takes_the_width_of_the_backbone() -> None:
    assert Encoder(EncoderSpec("resnet18_slim", 32, 0)).dim == 176


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        (EncoderSpec("alexnet"), "resnet18_slim"),
        (EncoderSpec(head="softmax"), "linear_tanh"),
        (EncoderSpec("resnet18_slim", 32, 64, "tanh"), "176"),
        (EncoderSpec("resnet18_cifar", width=2), "--width 4"),
        (EncoderSpec("mobilenet_v3_small", width=8), "leave out --width"),
    ],
)
def test_what_can_not_be_built_is_refused_with_what_can(spec: EncoderSpec, word: str) -> None:
    with pytest.raises(EncoderError) as error:
        Encoder(spec)
    assert word in error.value.hint


@pytest.mark.parametrize("scalar", [False, True])
def test_normalisation_is_that_of_all_pixels(scalar: bool, tmp_path: Path) -> None:
    pixels = pixels_of(picture_folder(tmp_path / "photos", 6))
    everything = np.stack([pixels.image(row) for row in range(6)]).reshape(-1, 3) / 255
    encoder = small_encoder()
    fit_normalisation(encoder, pixels, 0, scalar)
    mean = np.full(3, everything.mean()) if scalar else everything.mean(0)
    std = np.full(3, everything.std()) if scalar else everything.std(0)
    np.testing.assert_allclose(encoder.mean.numpy(), mean, rtol=1e-6)
    np.testing.assert_allclose(encoder.std.numpy(), std, rtol=1e-6)


def test_input_is_normalised_by_mean_and_deviation() -> None:
    encoder = small_encoder()
    plain = encoder(IMAGES)
    encoder.mean.add_(0.1)
    torch.testing.assert_close(encoder(IMAGES + 0.1), plain, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(encoder(IMAGES), plain, atol=1e-3)


def test_new_head_stands_on_the_old_backbone() -> None:
    before = small_encoder()
    before.mean.add_(0.1)
    before.add_clusters(3)
    after = with_head(before, "pooled")
    assert after.spec.head == "pooled" and after.dim == after.width and after.clusters is None
    torch.testing.assert_close(after.eval().features(IMAGES), before.features(IMAGES), rtol=0, atol=0)
    assert with_head(before, "linear").dim == EncoderSpec().dim
    assert with_head(before, "linear", 24)(IMAGES).shape == (4, 24)
