"""Copies of pictures as people make them, and how well encoder files find them; for the other scripts.

The changes are those of `augnet_cli.images.changes`, which share nothing with views for training.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import BATCH
from augnet_cli.evaluation import altered_copies
from augnet_cli.evaluation.altered_copies import SIDE
from augnet_cli.evaluation.copies import CopyResult, CopyTruth, judge_copies
from augnet_cli.images.decode import decode_short_side
from augnet_cli.images.files import is_image, read_bytes, walk


def image_files(folder: Path) -> list[Path]:
    """The images of a folder, by path."""
    found = walk(str(folder)).files
    return [folder / each.path for each in found if is_image(str(folder), each)]


def pictures(files: Sequence[Path]) -> list[np.ndarray]:
    """(h, w, 3) uint8 of each file, the short side SIDE at most."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        return list(pool.map(lambda file: decode_short_side(read_bytes(str(file)), SIDE).pixels, files))


def trial(
    originals: Sequence[np.ndarray], others: Sequence[np.ndarray], seed: int, size: int
) -> tuple[CopyTruth, np.ndarray]:
    """As `evaluation.altered_copies.trial`, on all cores."""
    return altered_copies.trial(originals, others, seed, size, usable_cores())


def embedded(embedder: Embedder, pixels: np.ndarray) -> np.ndarray:
    """(n, d) unit rows of (n, S, S, 3) uint8, as `augnet embed` computes them: small batches on all cores."""
    parts = [pixels[start : start + BATCH] for start in range(0, len(pixels), BATCH)]
    with ThreadPoolExecutor(usable_cores()) as pool:
        return np.concatenate(list(pool.map(embedder.embed, parts)))


def judged(embedder: Embedder, truth: CopyTruth, pixels: np.ndarray) -> CopyResult:
    """The measures of copy detection on what `trial` made."""
    rows = embedded(embedder, pixels)
    return judge_copies(truth, 1 - rows @ rows.T)
