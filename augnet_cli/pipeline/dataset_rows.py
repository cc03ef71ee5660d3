"""From a split of a data set to rows: each image decoded once and given to every encoder that is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from augnet_cli.datasets.pixels import short_side_of, square_of
from augnet_cli.datasets.record import Images, Split
from augnet_cli.encoder.flow import BATCH
from augnet_cli.images.unusable import Unusable
from augnet_cli.progress import Progress
from augnet_cli.records import Resize, Skip

# Batches in work at a time for each thread, so that memory stays bounded.
AHEAD = 4


class Encodes(Protocol):
    """An encoder in use: `encoder.embedder.Embedder`, or one that torch computes."""

    @property
    def id(self) -> str: ...

    @property
    def resize(self) -> Resize: ...

    def embed(self, pixels: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Placed:
    """The m images of a split that could be used.

    `numbers` (m,): their places in the split.  `rows`: by the name of the encoder (m, d) unit rows.
    `assignments`: of encoders that have clusters of their own (m,) numbers or (m, C) scores.
    """

    numbers: np.ndarray
    rows: Mapping[str, np.ndarray]
    assignments: Mapping[str, np.ndarray]
    skipped: tuple[Skip, ...]


def placed(
    images: Images,
    numbers: Sequence[int],
    encoders: Mapping[str, Encodes],
    workers: int,
    progress: Progress,
) -> Placed:
    """Embed the images `numbers`; all encoders must take the same size."""
    resize = next(iter(encoders.values())).resize
    used: list[int] = []
    skips: list[Skip] = []
    rows: dict[str, list[np.ndarray]] = {name: [] for name in encoders}
    assigned: dict[str, list[np.ndarray]] = {name: [] for name in encoders if clusters_of(encoders[name])}

    def work(part: Sequence[int]) -> tuple[list[int], list[Skip], dict[str, Any], dict[str, Any]]:
        own, pixels, missed = [], [], []
        for number in part:
            try:
                pixels.append(square_of(images, number, resize))
                own.append(number)
            except Unusable as error:
                missed.append(Skip(images.name(number), error.reason))
        stacked = np.stack(pixels) if pixels else np.empty((0, resize.size, resize.size, 3), np.uint8)
        made = {name: encoder.embed(stacked) for name, encoder in encoders.items()}
        told = {name: encoders[name].assignments(stacked) for name in assigned}  # type: ignore[attr-defined]
        return own, missed, made, told

    progress.start("embedding", len(numbers))
    with ThreadPoolExecutor(workers) as pool:
        for block in _blocks(numbers, BATCH * AHEAD * workers):
            parts = [block[start : start + BATCH] for start in range(0, len(block), BATCH)]
            for own, missed, made, told in pool.map(work, parts):
                used += own
                skips += missed
                for name, found in made.items():
                    rows[name].append(found)
                for name, found in told.items():
                    assigned[name].append(found)
                progress.advance(len(own) + len(missed), skipped=len(missed))
    progress.finish()
    return Placed(
        np.array(used, np.int64),
        {name: np.concatenate(parts) for name, parts in rows.items()},
        {name: np.concatenate(parts) for name, parts in assigned.items()},
        tuple(skips),
    )


def clusters_of(encoder: Encodes) -> int:
    """How many clusters of its own an encoder tells apart; 0: it has none."""
    return int(getattr(encoder, "clusters", 0) or 0)


def with_class(split: Split) -> list[int]:
    """Places of the images that have a class."""
    found: list[int] = np.flatnonzero(split.labels >= 0).tolist()
    return found


def names_of(split: Split) -> set[str]:
    """The names of the classes that occur."""
    return {split.classes[label] for label in split.present}


def some_squares(images: Images, count: int, resize: Resize, seed: int) -> np.ndarray:
    """(at most count, S, S, 3) uint8: usable images drawn at random."""
    found: list[np.ndarray] = []
    for number in np.random.default_rng(seed).permutation(len(images)).tolist():
        if len(found) == count:
            break
        try:
            found.append(square_of(images, number, resize))
        except Unusable:
            continue
    return np.stack(found) if found else np.empty((0, resize.size, resize.size, 3), np.uint8)


def some_pictures(images: Images, count: int, side: int, seed: int) -> tuple[list[np.ndarray], list[Skip]]:
    """At most `count` usable images (h, w, 3) uint8 drawn at random, and those that could not be used."""
    found: list[np.ndarray] = []
    skips: list[Skip] = []
    for number in np.random.default_rng(seed).permutation(len(images)).tolist():
        if len(found) == count:
            break
        try:
            found.append(short_side_of(images, number, side))
        except Unusable as error:
            skips.append(Skip(images.name(number), error.reason))
    return found, skips


def _blocks(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
