"""Nearly all pairs at or under a distance, in a small part of the time: by lists, as wide as recall demands.

How many visitors a list must have depends on the rows at hand, so it is measured on them: some rows, drawn
at random, are compared with all others, and the margin for visitors is the one by which enough of the pairs
found so are met.  Where that would take as long as the exact search, the exact search serves.
Letters: m rows, d dim.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Pairs, Recall
from augnet_cli.search import recall, side_by_side, tiles
from augnet_cli.search.exact import all_pairs
from augnet_cli.search.lists import LISTS_AT_ONCE, Lists, in_lists, margins, visitors
from augnet_cli.search.near_pairs import Found, NearPairs, as_pairs, in_order, joined
from augnet_cli.search.tiles import Scratch, blocks_of, parts_of, scratch

SEED = 0
# The first draw, in blocks; it is worth it where it takes at most a quarter of the exact search's products.
FIRST_BLOCKS = 8
LEAST_BLOCKS = 8 * FIRST_BLOCKS
# No larger share of the rows is drawn: it would take half of the exact search's products.
MOST_DRAWN = 1 / 4
# So many more rows are drawn than the first ones say that it takes.
MORE = 1.02
# Of so many rows the visits are counted.
COUNTED = 4096
# Rows of lists have to be fetched from all over the memory, which makes a product so much dearer.
FETCHING = 2.0
# By how much a product in float32 may differ from the same in another tile.
ROUNDING = 1e-5

MayPair = Callable[[np.ndarray, np.ndarray], np.ndarray]


def pairs_mostly(
    embeddings: np.ndarray, threshold: float, may_pair: MayPair | None = None, progress: Progress = SILENT
) -> tuple[Pairs, Recall | None]:
    """Find nearly all pairs of rows whose cosine distance is at or under a threshold.

    Args:
        embeddings: (m, d) float32, unit rows.
        threshold: cosine distance in [0, 2], inclusive.
        may_pair: of pairs of rows, (p,) int32 each, which ones matter for the recall, (p,) bool; None: all.

    Returns:
        pairs: as those of `exact.pairs_within`, some of them missing.
        recall: how many may be missing; None if the search was exact, as it is for few rows.

    Raises:
        UsageError: the threshold is outside [0, 2].
        SearchError: more than `near_pairs.MAX_PAIRS` pairs, where one that is found twice counts twice.
    """
    search = NearPairs(embeddings, threshold)
    drawn = _drawn(search, may_pair, progress)
    if drawn is not None:
        lists = in_lists(embeddings)
        one, other, _ = drawn.counted
        needed = np.sort(margins(embeddings, lists, one, other))
        missed = math.floor(recall.may_be_missed(recall.worth(one)) * len(needed))
        margin = float(needed[len(needed) - 1 - missed]) + ROUNDING
        if FETCHING * _products(embeddings, lists, drawn.rows[:COUNTED], margin) < len(embeddings) ** 2 / 2:
            found = _once(joined([_by_lists(search, lists, margin, progress), drawn.found]))
            met = int(np.count_nonzero(needed <= margin))
            return as_pairs(found), Recall(
                len(drawn.rows), len(needed), met, recall.RECALL, recall.CONFIDENCE
            )
    progress.note("exact search serves: here it takes no longer than to measure the recall of another")
    return all_pairs(search, progress), None


@dataclass(frozen=True)
class _Drawn:
    """Rows drawn at random, all pairs of theirs (each other row second), and those that matter."""

    rows: np.ndarray
    found: Found
    counted: Found


def _drawn(search: NearPairs, may_pair: MayPair | None, progress: Progress) -> _Drawn | None:
    """Rows with enough pairs to judge by; None where that would take too many rows."""
    count = len(search.embeddings)
    blocks = blocks_of(search.embeddings)
    if len(blocks) < LEAST_BLOCKS:
        return None
    order = np.random.default_rng(SEED).permutation(count).astype(np.int32)
    parts: list[np.ndarray] = []
    wanted = FIRST_BLOCKS * tiles.BLOCK_ROWS
    all_found, all_counted = joined([]), joined([])

    def pairs_of(number: int, room: Scratch) -> Found:
        one, other, distance = search.between(parts[number], blocks, room)
        progress.advance(len(parts[number]))
        return _where(one != other, (one, other, distance))

    while wanted <= MOST_DRAWN * count:
        before = sum(map(len, parts))
        more = parts_of(order[before:wanted])
        progress.start("measuring", wanted - before)
        parts += more
        found = joined(side_by_side.each(pairs_of, range(len(parts) - len(more), len(parts)), scratch))
        progress.finish()
        counted = found if may_pair is None else _where(may_pair(found[0], found[1]), found)
        all_found, all_counted = joined([all_found, found]), joined([all_counted, counted])
        pairs = recall.worth(all_counted[0])
        if pairs >= recall.needed_pairs():
            return _Drawn(order[:wanted], all_found, all_counted)
        if pairs == 0:
            break
        wanted = math.ceil(MORE * wanted * recall.needed_pairs() / pairs)
    return None


def _products(embeddings: np.ndarray, lists: Lists, some: np.ndarray, margin: float) -> float:
    """How many products the search by lists takes, from the visits of some rows."""
    near = embeddings[some] @ lists.centres.T >= lists.nearness[some, None] - margin
    sizes = np.array([len(rows) for rows in lists.members], np.float64)
    return float((near @ sizes).mean()) * len(embeddings)


def _by_lists(search: NearPairs, lists: Lists, margin: float, progress: Progress) -> Found:
    """The pairs within lists and with their visitors; one of two lists may come twice."""
    progress.start("comparing", len(search.embeddings))

    def pairs_of(first: int, room: Scratch) -> Found:
        chosen = slice(first, first + LISTS_AT_ONCE)
        found = []
        guests = visitors(search.embeddings, lists, chosen, margin)
        for members, of_others in zip(lists.members[chosen], guests, strict=True):
            parts = parts_of(members)
            for place, part in enumerate(parts):
                found.append(search.between(part, [*parts[place:], *parts_of(of_others)], room))
            progress.advance(len(members))
        return joined(found)

    firsts = range(0, len(lists.members), LISTS_AT_ONCE)
    found = joined(side_by_side.each(pairs_of, firsts, scratch))
    progress.finish()
    return found


def _once(found: Found) -> Found:
    """Each pair once, left < right, in order."""
    one, other, distance = found
    left, right, distance = in_order((np.minimum(one, other), np.maximum(one, other), distance))
    first = np.ones(len(left), bool)
    first[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    return _where(first, (left, right, distance))


def _where(chosen: np.ndarray, found: Found) -> Found:
    left, right, distance = found
    return left[chosen], right[chosen], distance[chosen]
