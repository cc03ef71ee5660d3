"""A trial of copies: pictures, the copies that everyday changes make of some, and all pairs to be told apart.

The changes are those of `images.changes`, which share nothing with views for training.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from augnet_cli.evaluation.copies import CopyResult, CopyTruth, judge_copies
from augnet_cli.evaluation.protocols import Judged
from augnet_cli.images.changes import CHANGES, altered
from augnet_cli.images.squares import square

# Short side that pictures are altered at, in pixels: more than any encoder's side, so that crops stay sharp
# where the picture is, and a thousand of them fit in the memory.
SIDE = 256
# As the near-duplicate benchmark takes them: pictures with copies, and pictures without.
ORIGINALS, OTHERS = 120, 1720


def trial(
    originals: Sequence[np.ndarray], others: Sequence[np.ndarray], seed: int, size: int, workers: int
) -> tuple[CopyTruth, np.ndarray]:
    """Each original, its copy by every kind of change, and the other pictures.

    Args:
        originals, others: pictures (h, w, 3) uint8.
        size: side S of what is returned.

    Returns:
        What is known of them, and (n, S, S, 3) uint8 in that order.
    """
    kinds = list(CHANGES)

    def family(number: int) -> list[np.ndarray]:
        image = originals[number]
        rng = np.random.default_rng([seed, number])
        return [square(each, size) for each in (image, *(altered(image, kind, rng) for kind in kinds))]

    with ThreadPoolExecutor(workers) as pool:
        families = list(pool.map(family, range(len(originals))))
    pixels = [each for made in families for each in made] + [square(image, size) for image in others]
    group = np.repeat(np.arange(len(originals)), len(kinds) + 1)
    original = np.tile(np.arange(len(kinds) + 1) == 0, len(originals))
    none = np.full(len(others), -1)
    truth = CopyTruth(
        paths=tuple(map(str, range(len(pixels)))),
        group=np.concatenate([group, none]),
        original=np.concatenate([original, none == 0]),
        transform=(*(["original", *kinds] * len(originals)), *["other"] * len(others)),
    )
    return truth, np.stack(pixels)


def judge_trial(truth: CopyTruth, rows: np.ndarray) -> Judged:
    """The measures of copy detection by the distances of (n, d) unit rows, in the order of `truth`."""
    found = judge_copies(truth, 1 - rows @ rows.T)
    return Judged(_figures(found))


def _figures(found: CopyResult) -> dict[str, float]:
    figures = {"micro_ap": found.micro_ap}
    figures |= {f"recall_at_precision_{level:g}": recall for level, recall in found.recall.items()}
    figures["recall_at_32"] = found.recall_at_k
    return figures | {f"found_{kind}": share for kind, share in found.by_transform.items()}
