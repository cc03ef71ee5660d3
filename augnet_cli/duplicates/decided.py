"""What a person said of two images outweighs their distance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from augnet_cli.duplicates.scope import Rows
from augnet_cli.records import Pairs


def decided_pairs(rows: Rows, said: Mapping[tuple[str, str], bool]) -> dict[tuple[int, int], bool]:
    """Pairs of rows (left < right) that a person spoke of, and whether they are the same picture.

    Args:
        said: by two content hashes in order.  Contents that no row has are passed over.
    """
    if not said:
        return {}
    rows_of = rows.rows_of({content for pair in said for content in pair})
    return {
        (min(one, other), max(one, other)): same
        for (first, second), same in said.items()
        if first != second
        for one in rows_of.get(first, ())
        for other in rows_of.get(second, ())
        if rows.may_pair(one, other)
    }


def as_decided(
    pairs: Pairs, rows: Rows, embeddings: np.ndarray, said: Mapping[tuple[str, str], bool]
) -> Pairs:
    """Leave out the pairs that were decided to be different, and add those that were decided to be the same.

    Args:
        pairs: of content rows.
        rows: what the m rows are; embeddings: (m, d) unit rows.
        said: as in `decided_pairs`.
    """
    known = decided_pairs(rows, said)
    if not known:
        return pairs
    met = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    stays = np.array([known.get(pair, True) for pair in met], bool)
    new = sorted({pair for pair, same in known.items() if same} - set(met))
    left, right = (np.array([pair[side] for pair in new], np.int64) for side in (0, 1))
    apart = 1 - np.einsum("pd,pd->p", embeddings[left].astype(np.float64), embeddings[right])
    whole = Pairs(
        np.concatenate([pairs.left[stays], left]),
        np.concatenate([pairs.right[stays], right]),
        np.concatenate([pairs.distance[stays], np.clip(apart, 0, 2).astype(np.float32)]),
    )
    order = np.lexsort((whole.right, whole.left))
    return Pairs(whole.left[order], whole.right[order], whole.distance[order])
