"""The pairs that `--no-verify` takes for the same picture: near each other, and as a person decided."""

from __future__ import annotations

import numpy as np

from augnet_cli.duplicates.decided import as_decided
from augnet_cli.duplicates.scope import WHOLE
from augnet_cli.errors import UsageError
from augnet_cli.pipeline.gathered import Gathered
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import EXACT, PARTITIONED, Pairs, Recall
from augnet_cli.search.exact import pairs_within
from augnet_cli.search.partitioned import pairs_mostly


def check_search(search: str, verify: bool) -> None:
    """Refuse a search that there is not, or that proofs do without.

    Raises:
        UsageError: it is neither EXACT nor PARTITIONED, or the latter and pairs are to be proved.
    """
    if search not in (EXACT, PARTITIONED):
        raise UsageError(f"there is no search named {search}", f"choose {EXACT} or {PARTITIONED}")
    if search == PARTITIONED and verify:
        raise UsageError(
            "--search partitioned is for the distance alone; here every pair is proved",
            "leave it out, or add --no-verify",
        )


def pairs_by_distance(
    place: Gathered, limit: float, search: str, progress: Progress = SILENT
) -> tuple[Pairs, Recall | None]:
    """Pairs of rows within a distance that may be pairs, and those a person named; the recall of a search
    that was not exact."""
    rows, embeddings = place.rows, place.collection.embeddings

    def may_pair(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        both = zip(left.tolist(), right.tolist(), strict=True)
        return np.fromiter((rows.may_pair(*pair) for pair in both), bool, len(left))

    is_whole = rows.scope == WHOLE
    recall = None
    if search == PARTITIONED:
        pairs, recall = pairs_mostly(embeddings, limit, None if is_whole else may_pair, progress)
    else:
        pairs = pairs_within(embeddings, limit, progress)
    if not is_whole:
        good = may_pair(pairs.left, pairs.right)
        pairs = Pairs(pairs.left[good], pairs.right[good], pairs.distance[good])
    return as_decided(pairs, rows, embeddings, place.said), recall
