"""What a person said of two images outweighs their distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from augnet_cli.records import Pairs


def as_decided(
    pairs: Pairs, contents: Sequence[str], embeddings: np.ndarray, said: Mapping[tuple[str, str], bool]
) -> Pairs:
    """Leave out the pairs that were decided to be different, and add those that were decided to be the same.

    Args:
        pairs: of content rows.
        contents: (m,) content hash of each row; embeddings: (m, d) unit rows.
        said: by two content hashes in order, whether they are the same picture.  Others are passed over.
    """
    rows = {content: row for row, content in enumerate(contents)}
    known = {
        (min(rows[one], rows[other]), max(rows[one], rows[other])): same
        for (one, other), same in said.items()
        if one in rows and other in rows
    }
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
