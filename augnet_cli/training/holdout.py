"""Which images of a folder are never trained on, because they are to judge what was learnt.

The choice follows from the images' contents: each run on a folder holds out the same ones, whatever they
are called, and a folder that grows keeps nearly all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.errors import TrainingError

SHARE = 0.1
# Fewer show little (a third of them only watches the training), more cost minutes for digits nobody needs.
LEAST, MOST = 12, 1000
LARGEST_SHARE = 0.25  # of a small folder: what is held out is lost to training
WATCHES_EVERY = 3  # of those held out one; whoever judges must not have been looked at while choosing
FEWEST = 8  # pictures: 2 of them held out, 6 to learn from
SALT = b"augnet held out"  # so that the choice has nothing in common with any other order of hashes


@dataclass(frozen=True)
class Parts:
    """Rows of the images of a folder, by what they are for, ascending; no row is in two parts.

    `train`: learnt from.  `watched`: looked at during training, to stop in time.  `judged`: looked at
    before and after, and never meanwhile.
    """

    train: np.ndarray
    watched: np.ndarray
    judged: np.ndarray


def split(contents: Sequence[str]) -> Parts:
    """Hold out a part of n different pictures, given by the hashes of their contents.

    A tenth, at least 12 and at most 1,000 of them, but never more than a quarter: of 50 pictures 12, of
    20 pictures 5, of 8 pictures 2.

    Raises:
        TrainingError: there are fewer than 8.
    """
    count = len(contents)
    if count < FEWEST:
        raise TrainingError(
            f"training needs at least {FEWEST} different pictures, and here are {count}: "
            "some are held out to judge what was learnt",
            "give a folder with more pictures",
        )
    held_out = min(max(round(count * SHARE), LEAST), MOST, int(count * LARGEST_SHARE))
    keys = [hashlib.blake2b(content.encode(), key=SALT).digest() for content in contents]
    order = np.array(sorted(range(count), key=keys.__getitem__), dtype=np.int64)
    # Every third watches: which part an image falls in hardly changes as the folder grows.
    chosen = order[:held_out]
    watching = np.arange(held_out) % WATCHES_EVERY == WATCHES_EVERY - 1
    return Parts(np.sort(order[held_out:]), np.sort(chosen[watching]), np.sort(chosen[~watching]))
