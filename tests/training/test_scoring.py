"""Scores of an encoder on copies that are made for it, and that the pixels are those of use."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from training_examples import CPU, picture_folder, pixels_of, small_encoder, smooth_picture

from augnet_cli.images.decode import decode
from augnet_cli.images.squares import square
from augnet_cli.records import Resize
from augnet_cli.training.distinct import THUMBNAIL_SIDE, same_pictures
from augnet_cli.training.embedding import embed_all, embed_images
from augnet_cli.training.encoder import Encoder, EncoderSpec
from augnet_cli.training.scoring import (
    PRECISIONS,
    copy_distances,
    sample_squares,
    score_copies,
    stricter,
)

NONE = np.zeros((5, 5), bool)


class ColourGrid(Encoder):
    """An encoder that needs no training: the colours of 4 x 4 fields."""

    def __init__(self) -> None:
        super().__init__(EncoderSpec("resnet18_slim", 32, 16))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(images, 4).flatten(1) - 0.5


def test_distances_are_those_of_a_double_loop() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((5, 4, 6))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    originals, copies = rows[:, 0], rows[:, 1:]
    own, others = copy_distances(originals, copies, NONE)
    expected = [1 - originals[i] @ copies[i, c] for i in range(5) for c in range(3)]
    np.testing.assert_allclose(own, expected, atol=1e-6)
    among = [1 - originals[i] @ originals[k] for i in range(5) for k in range(i + 1, 5)]
    across = [1 - originals[i] @ copies[k, c] for i in range(5) for k in range(5) if i != k for c in range(3)]
    np.testing.assert_allclose(np.sort(others), np.sort(among + across), atol=1e-6)


def test_equal_rows_are_at_distance_0_and_not_below() -> None:
    rows = np.random.default_rng(0).standard_normal((50, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    own, others = copy_distances(rows, rows[:, None], np.zeros((50, 50), bool))
    assert own.min() >= 0 and others.min() >= 0 and others.max() <= 2


def test_pairs_known_to_be_the_same_are_no_others() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((4, 2, 6))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    same = np.zeros((4, 4), bool)
    same[1, 3] = same[3, 1] = True
    own, others = copy_distances(rows[:, 0], rows[:, 1:], same)
    pairs = [(i, k) for i in range(4) for k in range(4) if i != k and {i, k} != {1, 3}]
    among = [1 - rows[i, 0] @ rows[k, 0] for i, k in pairs if i < k]
    across = [1 - rows[i, 0] @ rows[k, 1] for i, k in pairs]
    np.testing.assert_allclose(np.sort(others), np.sort(among + across), atol=1e-6)
    assert len(own) == 4


def test_same_picture_is_known_by_its_pixels(sample_photos: dict[str, Image.Image]) -> None:
    china, flower = sample_photos.values()
    file = io.BytesIO()
    china.save(file, "JPEG", quality=30)
    saved = Image.open(file)
    plain, other_plain = Image.new("RGB", (90, 90), "white"), Image.new("RGB", (90, 90), "blue")
    pictures = [china, flower, saved, china.resize((200, 130)), china.rotate(180), plain, other_plain]
    same = same_pictures([square(np.asarray(picture), THUMBNAIL_SIDE) for picture in pictures])
    expected = np.zeros((7, 7), bool)
    expected[np.ix_([0, 2, 3], [0, 2, 3])] = True
    expected[[1, 4], [1, 4]] = True
    assert np.array_equal(same, expected)


def test_duplicates_in_the_folder_do_not_make_every_copy_a_false_alarm(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 16, width=80, height=64)
    clean = score_copies(ColourGrid(), pixels_of(folder), 0, CPU)
    for number in range(8):
        smooth_picture(number, 80, 64).save(folder / f"again-{number}.jpg", quality=85)
    pixels = pixels_of(folder)
    assert len(pixels) == 24
    score = score_copies(ColourGrid(), pixels, 0, CPU)
    assert clean.thresholds["0.9"] > 0
    assert score.thresholds["0.9"] == pytest.approx(clean.thresholds["0.9"], rel=0.5)


def test_scores_are_thresholds_and_recalls_that_fall_with_precision(tmp_path: Path) -> None:
    pixels = pixels_of(picture_folder(tmp_path / "photos", 12))
    encoder = ColourGrid()
    scores = score_copies(encoder, pixels, 0, CPU)
    assert scores == score_copies(encoder, pixels, 0, CPU)
    assert list(scores.thresholds) == [str(precision) for precision in PRECISIONS]
    assert scores.sample == 12
    recalls, thresholds = list(scores.recalls.values()), list(scores.thresholds.values())
    assert recalls == sorted(recalls, reverse=True) and thresholds == sorted(thresholds, reverse=True)
    assert all(0 <= value <= 2 for value in thresholds) and recalls[0] > 0


def test_collapsed_encoder_is_told_as_one(tmp_path: Path) -> None:
    """All embeddings alike: no distance tells copies from others, and none is named."""
    pixels = pixels_of(picture_folder(tmp_path / "photos", 12))
    encoder = small_encoder()
    with torch.no_grad():
        for weight in encoder.backbone.parameters():
            weight.zero_()
        encoder.head[1].bias.fill_(1.0)
    scores = score_copies(encoder, pixels, 0, CPU)
    assert set(scores.recalls.values()) == {0.0} and set(scores.thresholds.values()) == {0.0}


def test_embedding_leaves_the_mode_of_the_encoder_and_does_not_depend_on_batches(tmp_path: Path) -> None:
    pixels = pixels_of(picture_folder(tmp_path / "photos", 5))
    encoder = small_encoder()
    encoder.train()
    rows = embed_all(encoder, pixels, CPU)
    assert encoder.training
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    alone = np.concatenate([embed_images(encoder, lambda _, n=n: pixels.image(n), 1, CPU) for n in range(5)])
    np.testing.assert_allclose(rows, alone, atol=1e-5)


def test_training_and_use_see_the_same_pixels_of_a_picture_of_working_size(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 3, width=150, height=64)
    squares = sample_squares(pixels_of(folder, side=64), 32, 3)
    for made, file in zip(squares, sorted(folder.iterdir()), strict=True):
        assert np.array_equal(made, decode(file.read_bytes(), Resize(32)).pixels)


def test_a_sample_of_squares_is_spread_over_all_images(tmp_path: Path) -> None:
    pixels = pixels_of(picture_folder(tmp_path / "photos", 9))
    every = sample_squares(pixels, 32, 9)
    np.testing.assert_array_equal(sample_squares(pixels, 32, 3), every[[0, 4, 8]])
    np.testing.assert_array_equal(sample_squares(pixels, 32, 99), every)


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_of_larger_photographs_they_differ_by_the_second_resize_alone(
    format: str, sample_photos: dict[str, Image.Image], tmp_path: Path
) -> None:
    """Training keeps twice the side and shrinks that; use shrinks once. A soft edge more or less."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, photo in sample_photos.items():
        file = io.BytesIO()
        photo.save(file, format)
        (folder / f"{name}.{format.lower()}").write_bytes(file.getvalue())
    files = sorted(folder.iterdir())
    for made, file in zip(sample_squares(pixels_of(folder, 192), 96, 2), files, strict=True):
        used = decode(file.read_bytes(), Resize(96)).pixels
        difference = np.abs(made.astype(int) - used.astype(int))
        assert difference.mean() < 4
        similarity = np.corrcoef(made.ravel(), used.ravel())[0, 1]
        assert similarity > 0.99


def test_pictures_are_turned_before_training_as_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    picture = smooth_picture(1, 60, 40)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    picture.save(folder / "turned.png", exif=exif)
    pixels = pixels_of(folder)
    assert pixels.image(0).shape == (60, 40, 3)
    assert np.array_equal(
        sample_squares(pixels, 32, 1)[0], decode((folder / "turned.png").read_bytes(), Resize(32)).pixels
    )


def test_of_two_distances_for_a_precision_the_stricter_one_counts() -> None:
    assert stricter({"0.9": 0.3, "0.99": 0.1}, {"0.9": 0.2, "0.99": 0.15}) == {"0.9": 0.2, "0.99": 0.1}
    assert stricter({"0.9": 0.3}, {}) == {"0.9": 0.3}
