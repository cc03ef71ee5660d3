"""The one definition of a distance that every search reports, and how far a product may be from it."""

from __future__ import annotations

import numpy as np

from augnet_cli.errors import UsageError

# Rows recomputed at once in float64 take about 1 MB a side, which stays in cache; of 4 to 32 MB most of the
# time goes into memory that is new to the process.
EXACT_BYTES = 1 << 20
FARTHEST = 2.0


def check_threshold(threshold: float) -> None:
    """Refuse what is no cosine distance.

    Raises:
        UsageError: it is outside [0, 2].
    """
    if not 0 <= threshold <= FARTHEST:
        raise UsageError(
            f"a threshold of {threshold:g} is outside 0 to 2", "choose a cosine distance, as --threshold 0.2"
        )


def distances_between(
    left_rows: np.ndarray, left: np.ndarray, right_rows: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Cosine distances of row pairs, the one definition every search reports: (p,) float32 in [0, 2].

    `left` is (p,), `right` (p,), or (1,) for all.

    Half the squared distance of the two directions, in float64: equals 1 - cos, but is exactly 0 for
    identical rows and keeps its digits near 0.
    """
    result = np.empty(len(left), np.float32)
    chunk = max(1, EXACT_BYTES // (8 * max(1, left_rows.shape[1])))
    for start in range(0, len(left), chunk):
        part = slice(start, start + chunk)
        one = right if len(right) == 1 else right[part]
        apart = _directions(left_rows[left[part]]) - _directions(right_rows[one])
        result[part] = np.minimum(np.einsum("ij,ij->i", apart, apart) / 2, FARTHEST)
    return result


def product_slack(embeddings: np.ndarray, others: np.ndarray) -> float:
    """How far a float32 product of two rows may be from their cosine.

    Rounding of a sum of d products (Higham, Accuracy and Stability, section 3.1), doubled,
    and rows whose length is not quite 1.

    Raises:
        ValueError: rows that are no numbers, or far from length 1.
    """
    if len(embeddings) == 0 or len(others) == 0:
        return 0.0
    rounding = 2 * (embeddings.shape[1] + 2) * float(np.finfo(np.float32).eps)
    different = (embeddings,) if others is embeddings else (embeddings, others)
    lengths = (np.einsum("ij,ij->i", rows, rows) for rows in different)
    unevenness = max(float(np.abs(squares - 1).max()) for squares in lengths)
    if not unevenness < 1:
        raise ValueError("embeddings must be finite unit rows")
    return rounding + 2 * unevenness


def _directions(rows: np.ndarray) -> np.ndarray:
    exact = rows.astype(np.float64)
    return exact / np.sqrt(np.einsum("ij,ij->i", exact, exact))[:, None]
