"""What `benchmarks/flags.py` computes itself."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from conftest import drawn_picture
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import flags


def test_smearing_is_a_convolution_with_its_edges_repeated() -> None:
    from scipy.ndimage import convolve

    rng = np.random.default_rng(0)
    pixels, kernel = rng.uniform(0, 255, (20, 30, 3)), rng.uniform(0, 1, (5, 5))
    kernel /= kernel.sum()
    wanted = convolve(pixels, kernel[::-1, ::-1, None], mode="nearest")
    assert np.abs(flags.convolved(pixels, kernel) - wanted).max() <= 0.5 + 1e-9
    picture = Image.new("RGB", (40, 30), (10, 200, 90))
    assert np.array_equal(flags.shaken(9)(picture, rng), picture)


def test_a_column_has_a_cell_a_row_and_counts_what_is_flagged(tmp_path: Path) -> None:
    for seed in range(2):
        drawn_picture(seed, 96, 80).save(tmp_path / f"{seed}.png")
    lines = flags.table([tmp_path], 2).splitlines()
    assert len(lines) == 2 + 4 + len(flags.CHANGES) and lines[2].endswith("| 2 |")
    assert next(line for line in lines if "without colour" in line).endswith("| 100 % |")


def test_small_shares_keep_a_decimal() -> None:
    assert [flags.percent([True] * hits + [False] * (1000 - hits)) for hits in (0, 7, 100, 1000)] == [
        "0 %", "0.7 %", "10 %", "100 %"
    ]  # fmt: skip
