"""From pairs to groups: stars around the image that is kept, never chains.

The walk goes from the image most worth keeping to the least.
An image stays unless it is a pair with one that already stays; its witness is the nearest of those.
So no two kept images are a pair, each redundant image is a real pair (or the same bytes) with its witness,
and no witness is worth less than what it justifies.
Everything is decided for contents, not for files: copies of one file always share a witness.

This file trusts what it is given: distances of `search.exact` in `group`, proofs of `stars` in `form`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.duplicates.keep import DEFAULT_RULES, Rule, keep_order, keep_reason
from augnet_cli.records import Group, ImageRecord, Kept, Pairs, Redundant, Transform

IDENTICAL = ("identical-bytes",)
NEAR = ("near",)
NO_WITNESS = -1  # a content that is kept


@dataclass(frozen=True, slots=True)
class Edge:
    """Why a content may go: the row of its witness, and what is told of it in `records.Redundant`."""

    witness: int
    distance: float
    verified: bool
    verdict: tuple[str, ...]
    transform: Transform | None = None


def group(
    images: Sequence[ImageRecord],
    content_rows: np.ndarray,
    pairs: Pairs,
    threshold: float = math.inf,
    rules: Sequence[Rule] = DEFAULT_RULES,
    levels: Sequence[int] | np.ndarray | None = None,
    may_be_copies: Callable[[int], bool] = lambda row: True,
) -> tuple[Group, ...]:
    """Form stars of images that show the same picture; images without a duplicate are in none.

    The result depends neither on the order of `images` nor on that of `pairs`.

    Args:
        images: n image files, each path once.
        content_rows: (n,) int64, the row of each image's content.
        pairs: pairs of content rows, each pair once.
        threshold: pairs farther apart than this do not count; by default all do.
        rules: which image stays; the best of a content's files stands for them all.
        levels: (n,) steps of editing between each image and its source; None is 0 for all.
        may_be_copies: as `form`.

    Returns:
        groups by the kept image's path; in each the redundant images by distance, then path.
    """
    levels = np.zeros(len(images), np.int64) if levels is None else levels
    paired = np.concatenate([pairs.left, pairs.right])
    members = members_of(images, content_rows, rules, levels, paired)
    rows = np.fromiter(members, np.int64, len(members))
    witnesses, distances = _witnesses(rows, pairs, threshold)
    edges = {
        int(rows[rank]): Edge(int(rows[witness]), float(distances[rank]), False, NEAR)
        for rank, witness in enumerate(witnesses.tolist())
        if witness != NO_WITNESS
    }
    return form(images, members, edges, rules, levels, may_be_copies)


def form(
    images: Sequence[ImageRecord],
    members: Mapping[int, Sequence[int]],
    edges: Mapping[int, Edge],
    rules: Sequence[Rule],
    levels: Sequence[int] | np.ndarray,
    may_be_copies: Callable[[int], bool] = lambda row: True,
) -> tuple[Group, ...]:
    """Groups from what is known of contents.

    Args:
        members: of `members_of`, at least of all rows that `edges` speak of.
        edges: of each content row that may go, why; no witness may go itself, or be worth less.
        levels: (n,) as in `group`.
        may_be_copies: whether the files of a row, all of one content, may go for each other.

    Returns:
        as `group`.
    """
    stars: dict[int, list[tuple[int, Edge]]] = {}
    for row, positions in members.items():
        edge = edges.get(row)
        if edge is not None:
            witness = images[members[edge.witness][0]]
            if images[positions[0]].content_hash == witness.content_hash:
                edge = Edge(edge.witness, 0.0, True, IDENTICAL)
            stars.setdefault(edge.witness, []).extend((position, edge) for position in positions)
        elif len(positions) > 1 and may_be_copies(row):
            twin = Edge(row, 0.0, True, IDENTICAL)
            stars.setdefault(row, []).extend((position, twin) for position in positions[1:])
    groups = (_group(images, members[row][0], star, rules, levels) for row, star in stars.items())
    return tuple(sorted(groups, key=lambda found: os.fsencode(found.kept.path)))


def members_of(
    images: Sequence[ImageRecord],
    content_rows: np.ndarray,
    rules: Sequence[Rule],
    levels: Sequence[int] | np.ndarray,
    rows: np.ndarray,
) -> dict[int, list[int]]:
    """Positions of the images of some content rows, and of those that several images share.

    Args:
        rows: int64, in any order; the images of all others are in no group, and are left out.

    Returns:
        rows and positions both in keep order.
    """
    wanted = np.bincount(content_rows) > 1
    wanted[rows[rows < len(wanted)]] = True
    positions = np.flatnonzero(wanted[content_rows]).tolist()
    members: dict[int, list[int]] = {}
    chosen = [images[position] for position in positions]
    for place in keep_order(chosen, rules, [int(levels[position]) for position in positions]):
        members.setdefault(int(content_rows[positions[place]]), []).append(positions[place])
    return members


def _witnesses(rows: np.ndarray, pairs: Pairs, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Walk the contents in keep order and give each redundant one its nearest kept witness.

    Args:
        rows: (c,) int64, content rows in keep order; a content's place in it is its rank.

    Returns:
        witnesses: (c,) int64, rank of the witness, `NO_WITNESS` for a kept content.
        distances: (c,) float32, distance to the witness, infinite for a kept content.
    """
    better, worse, distance = _edges(rows, pairs, threshold)
    sources, starts = np.unique(better, return_index=True)
    ends = np.append(starts, len(better))[1:]

    witnesses = np.full(len(rows), NO_WITNESS, np.int64)
    distances = np.full(len(rows), np.inf, np.float32)
    for source, start, end in zip(sources.tolist(), starts.tolist(), ends.tolist(), strict=True):
        if witnesses[source] != NO_WITNESS:
            continue  # what is redundant justifies nothing: this is where a chain would begin
        reached = worse[start:end]
        # Strictly nearer: among equals the witness earlier in keep order stays.
        nearer = distance[start:end] < distances[reached]
        distances[reached[nearer]] = distance[start:end][nearer]
        witnesses[reached[nearer]] = source
    return witnesses, distances


def _edges(rows: np.ndarray, pairs: Pairs, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs within the threshold as (better rank, worse rank, distance), in order of better rank."""
    size = max((int(part.max()) + 1 for part in (rows, pairs.left, pairs.right) if len(part)), default=0)
    ranks = np.full(size, -1, np.int64)  # -1: a content that no image has
    ranks[rows] = np.arange(len(rows))
    left, right = ranks[pairs.left], ranks[pairs.right]
    better, worse = np.minimum(left, right), np.maximum(left, right)
    # A row paired with itself would be its own witness and its picture would be lost: never an edge.
    usable = (pairs.distance <= threshold) & (better >= 0) & (better != worse)
    better, worse, distance = better[usable], worse[usable], pairs.distance[usable]
    order = np.argsort(better, kind="stable")
    return better[order], worse[order], distance[order]


def _group(
    images: Sequence[ImageRecord],
    kept: int,
    star: Sequence[tuple[int, Edge]],
    rules: Sequence[Rule],
    levels: Sequence[int] | np.ndarray,
) -> Group:
    witness = images[kept].path
    redundant = [
        Redundant(images[place].path, edge.distance, witness, edge.verified, edge.verdict, edge.transform)
        for place, edge in star
    ]
    redundant.sort(key=lambda image: (image.distance, os.fsencode(image.path)))
    others = [position for position, _ in star]
    reason = keep_reason(
        images[kept],
        [images[position] for position in others],
        rules,
        [int(levels[position]) for position in (kept, *others)],
    )
    return Group(Kept(witness, reason), tuple(redundant))
