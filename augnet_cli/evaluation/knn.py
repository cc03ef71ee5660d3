"""Whether an image's nearest neighbours are of its class: what an encoder knows without being told.

Labels judge only; nothing here is seen by training.
Letters: n images, d dim, c classes, b images of one block.
"""

from __future__ import annotations

import numpy as np

# Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination" (2018), section 3.4:
# each neighbour votes with exp(cosine / 0.07). They ask 200 of a million images; on the thousands that are
# judged here a class may have few more than 20.
NEIGHBOURS = 20
TEMPERATURE = 0.07
# Similarities held at a time; with what sorting takes, 28 bytes each: 120 MB.
BLOCK_VALUES = 1 << 22


def knn_accuracy(
    embeddings: np.ndarray, labels: np.ndarray, k: int = NEIGHBOURS, temperature: float = TEMPERATURE
) -> float:
    """Share of images that their k nearest other images name rightly (leave one out, weighted votes).

    Args:
        embeddings: (n, d) unit rows.
        labels: (n,) classes, integers or text.
        k: neighbours asked; all others where there are fewer.
        temperature: a neighbour's vote is exp(cosine / temperature).

    Returns:
        In [0, 1]; 0 where n is 0. Equal sums of votes go to the class whose name comes first.
    """
    if len(labels) == 0:
        return 0.0
    classes, numbers = np.unique(labels, return_inverse=True)
    right = 0
    step = _rows_of_block(len(numbers))
    for start in range(0, len(numbers), step):
        own = np.arange(start, min(start + step, len(numbers)))
        votes = _votes(embeddings, numbers, own, len(classes), k, temperature)
        right += int((votes.argmax(axis=1) == numbers[own]).sum())
    return right / len(numbers)


def named_by_neighbours(
    known: np.ndarray,
    labels: np.ndarray,
    asked: np.ndarray,
    k: int = NEIGHBOURS,
    temperature: float = TEMPERATURE,
) -> np.ndarray:
    """The class that the k nearest known images give to each other image.

    Args:
        known: (n, d) unit rows, of which `labels` (n,) are known; asked: (m, d) unit rows.
        k, temperature: as `knn_accuracy`.

    Returns:
        (m,) of the kind of `labels`; equal sums of votes go to the class whose name comes first.
    """
    classes, numbers = np.unique(labels, return_inverse=True)
    named = np.empty(len(asked), np.int64)
    step = _rows_of_block(len(known))
    for start in range(0, len(asked), step):
        block = asked[start : start + step]
        votes = _counted((block @ known.T).astype(np.float64), numbers, len(classes), k, temperature)
        named[start : start + step] = votes.argmax(axis=1)
    given: np.ndarray = classes[named]
    return given


def _rows_of_block(count: int) -> int:
    """How many rows are compared with `count` others at a time."""
    return max(1, BLOCK_VALUES // max(count, 1))


def _votes(
    embeddings: np.ndarray, numbers: np.ndarray, own: np.ndarray, classes: int, k: int, temperature: float
) -> np.ndarray:
    """(b, c) float64: the votes that the neighbours of the rows `own` give to each class."""
    similarities = (embeddings[own] @ embeddings.T).astype(np.float64)
    similarities[np.arange(len(own)), own] = -np.inf
    return _counted(similarities, numbers, classes, min(k, len(numbers) - 1), temperature)


def _counted(
    similarities: np.ndarray, numbers: np.ndarray, classes: int, k: int, temperature: float
) -> np.ndarray:
    """(b, c) float64: votes of the k most similar of n images, by (b, n) similarities."""
    nearest = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
    votes = np.zeros((len(similarities), classes))
    # A cosine is at most 1: no vote is more than exp(0).
    weights = np.exp((np.take_along_axis(similarities, nearest, axis=1) - 1) / temperature)
    np.add.at(votes, (np.arange(len(similarities))[:, None], numbers[nearest]), weights)
    return votes
