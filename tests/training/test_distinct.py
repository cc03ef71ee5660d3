"""Images that show the same picture are told by their pixels, and one of each set is left."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from training_examples import picture_folder, pixels_of, smooth_picture

from augnet_cli.images.squares import square
from augnet_cli.training import distinct
from augnet_cli.training.distinct import (
    SAME_CORRELATION,
    THUMBNAIL_SIDE,
    distinct_rows,
    first_of_each,
    same_pictures,
)


def thumbnails_of(seeds: list[int], noise: float = 0.0) -> np.ndarray:
    """Thumbnails of pictures, equal seeds of the same one; each with some noise of its own."""
    rng = np.random.default_rng(0)
    made = [square(np.asarray(smooth_picture(seed)), THUMBNAIL_SIDE).astype(float) for seed in seeds]
    noisy = [np.clip(image + rng.normal(0, noise, image.shape), 0, 255) for image in made]
    return np.stack(noisy).astype(np.uint8)


def slow_first_of_each(thumbnails: np.ndarray) -> list[int]:
    """By all correlations, one pair after another."""
    kept: list[int] = []
    for number, image in enumerate(thumbnails):
        plain = image.reshape(-1, 3).std(0).max() == 0
        for other in kept:
            pair = np.stack([image, thumbnails[other]]).astype(np.float64)
            pair -= pair.mean(axis=(1, 2), keepdims=True)
            lengths = np.linalg.norm(pair.reshape(2, -1), axis=1)
            if plain and lengths[1] == 0 and np.array_equal(image, thumbnails[other]):
                break
            if lengths.all() and (pair[0] * pair[1]).sum() / lengths.prod() >= SAME_CORRELATION:
                break
        else:
            kept.append(number)
    return kept


@settings(max_examples=30, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 6), min_size=1, max_size=25),
    noise=st.sampled_from([0.0, 4.0, 8.0, 10.0, 14.0]),
    plain=st.lists(st.sampled_from([0, 9]), max_size=4),
    block=st.sampled_from([1, 3, 1024]),
)
def test_those_kept_are_those_of_a_slow_loop(
    seeds: list[int], noise: float, plain: list[int], block: int
) -> None:
    """Noise of 10 makes correlations of about 0.98: on both sides of the bound."""
    flat = [np.full((1, THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3), level, np.uint8) for level in plain]
    thumbnails = np.concatenate([thumbnails_of(seeds, noise), *flat])
    thumbnails = thumbnails[np.random.default_rng(1).permutation(len(thumbnails))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "BLOCK_ROWS", block)
        assert first_of_each(thumbnails).tolist() == slow_first_of_each(thumbnails)


def test_one_of_each_picture_stays_whatever_the_files_are_called(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "photos", 6, width=80, height=64)
    file = io.BytesIO()
    smooth_picture(2, 80, 64).save(file, "JPEG", quality=85)
    (folder / "again.jpg").write_bytes(file.getvalue())
    smooth_picture(4, 80, 64).resize((60, 48)).save(folder / "small.png")
    for name, colour in (("white.png", "white"), ("black.png", "black")):
        Image.new("RGB", (50, 40), colour).save(folder / name)
    Image.new("RGB", (40, 40), "white").save(folder / "white again.png")
    pixels = pixels_of(folder)
    rows = distinct_rows(pixels, 2)
    assert len(pixels) == 11 and len(rows) == 8
    assert np.array_equal(rows, np.unique(rows))
    kept = pixels.subset(rows)
    same = same_pictures([square(kept.image(row), THUMBNAIL_SIDE) for row in range(len(kept))])
    assert not same.any() or np.array_equal(same, same & np.eye(len(kept), dtype=bool))

    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for number, path in enumerate(sorted(folder.iterdir(), reverse=True)):
        shutil.copy(path, renamed / f"{number}{path.suffix}")
    others = pixels_of(renamed)
    assert set(others.subset(distinct_rows(others, 1)).contents) == set(kept.contents)
