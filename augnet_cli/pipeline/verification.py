"""Verification for `dedupe`: from a collection to groups that geometry proves, suspects and stacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.duplicates.decided import decided_pairs
from augnet_cli.duplicates.groups import Edge, form, members_of
from augnet_cli.duplicates.keep import Rule
from augnet_cli.duplicates.memory import HOW, as_texts, from_texts
from augnet_cli.duplicates.prover import Prover
from augnet_cli.duplicates.scope import WHOLE, Rows
from augnet_cli.duplicates.sketching import Sketches
from augnet_cli.duplicates.stars import Stage, anyone
from augnet_cli.duplicates.told import UNVERIFIED, add_unproved, described, edges_of
from augnet_cli.duplicates.twins import Twins
from augnet_cli.duplicates.verify import Block, Verified, distance_of, verify
from augnet_cli.geometry.sketch import Size
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.pipeline.gathered import Gathered
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.pipeline.remembered import Remembering
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Group, ImageRecord
from augnet_cli.results import PARTIAL, Stack, Suspect
from augnet_cli.store.columns import Collection, Contents


@dataclass(frozen=True)
class Terms:
    """What a search for duplicates is told.

    Attributes:
        rules: which image of a group stays.
        threshold: cosine distance in [0, 2] of the farthest candidates; None takes all that are likely.
        suspicious: cosine distance at or under which a pair that nothing proves is told of.
        include_unverified: whether such pairs are grouped all the same.
        said: by two content hashes in order, whether a person said that they are the same picture.
    """

    rules: Sequence[Rule]
    threshold: float | None
    suspicious: float
    include_unverified: bool = False
    said: Mapping[tuple[str, str], bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    groups: tuple[Group, ...]
    suspects: tuple[Suspect, ...]
    stacks: tuple[Stack, ...]


def verified(place: Gathered, request: FolderRequest, terms: Terms, progress: Progress = SILENT) -> Found:
    """Find duplicates and prove them; findings are remembered in the first store."""
    collection, rows = place.collection, place.rows
    sizes = Sizes(collection.images.contents)
    with proving(place, request, terms.said) as stage:
        levels: dict[int, int] = {}

        def in_keep_order(found: Mapping[int, int]) -> list[int]:
            levels.update(found)
            return [row for row in _members(collection, terms.rules, levels, found) if row in found]

        find = Remembering(place.first.store.place, collection.images.contents, place.first.embedder.id)
        seen = verify(
            stage, in_keep_order, terms.threshold, terms.suspicious, progress, blocks_of(rows), find
        )
        edges = edges_of(stage, seen.stars, sizes)
        members = _members(collection, terms.rules, levels, seen.rows)
        if terms.include_unverified:
            rank = {row: place for place, row in enumerate(members)}
            add_unproved(edges, seen.unproved, rank, stage.prover.holds_more)
        return _told(stage, place, members, edges, seen, terms, levels, sizes)


@contextmanager
def proving(place: Gathered, request: FolderRequest, said: Mapping[tuple[str, str], bool]) -> Iterator[Stage]:
    """A stage on which rows are proved; what was found is remembered at the end, whatever it is."""
    collection, rows, store = place.collection, place.rows, place.first.store
    contents = rows.distinct
    files = FilesOfContents(collection.images, rows.numbers[collection.content_rows])
    sketches = Sketches(place.layout.folder, files, request.max_megapixels or MAX_MEGAPIXELS, place.kept)
    decided = decided_pairs(rows, said)
    known = from_texts(store.findings(HOW), contents)
    with Prover(sketches, known, request.workers or usable_cores()) as prover:
        try:
            yield Stage(
                prover=Twins(prover, rows.numbers.tolist()) if rows.have_twins else prover,
                embeddings=collection.embeddings,
                pixels=pixels_of(collection),
                same=frozenset(pair for pair, same in decided.items() if same),
                apart=frozenset(pair for pair, same in decided.items() if not same),
                may_pair=anyone if rows.scope == WHOLE else rows.may_pair,
                fixed=rows.fixed,
            )
        finally:
            if texts := as_texts(prover.new, contents):
                store.save_findings(HOW, texts)


def blocks_of(rows: Rows) -> list[Block] | None:
    """The blocks among which neighbours are looked for; None: all rows among all."""
    return None if rows.scope == WHOLE else rows.blocks()


def _told(
    stage: Stage,
    place: Gathered,
    members: Mapping[int, Sequence[int]],
    edges: Mapping[int, Edge],
    seen: Verified,
    terms: Terms,
    levels: Mapping[int, int],
    sizes: Mapping[int, Size],
) -> Found:
    images = place.collection.images
    by_image = _by_image(place.collection, levels)
    groups = form(images, members, edges, terms.rules, by_image, place.rows.may_be_copies)
    paths = {row: images[positions[0]].path for row, positions in members.items()}
    return Found(
        groups, tuple(_suspects(stage, paths, edges, seen, sizes)), _stacks(images, members, edges, seen)
    )


def _suspects(
    stage: Stage,
    paths: Mapping[int, str],
    edges: Mapping[int, Edge],
    seen: Verified,
    sizes: Mapping[int, Size],
) -> list[Suspect]:
    """Pairs of images that both stay: parts of one picture, and what nothing proves; by distance."""
    suspects = []
    for (row, other), relation in seen.stars.partial.items():
        if row in edges or other in edges:
            continue
        words, transform = described(sizes[row], sizes[other], relation)
        distance = distance_of(stage, row, other)
        suspects.append(Suspect(paths[row], paths[other], distance, (PARTIAL, *words), transform))
    unproved = seen.unproved
    for left, right, apart in zip(
        unproved.left.tolist(), unproved.right.tolist(), unproved.distance.tolist(), strict=True
    ):
        if left not in edges and right not in edges:
            suspects.append(Suspect(paths[left], paths[right], apart, UNVERIFIED))
    return sorted(suspects, key=lambda suspect: (suspect.distance, suspect.path, suspect.other))


def _stacks(
    images: Sequence[ImageRecord],
    members: Mapping[int, Sequence[int]],
    edges: Mapping[int, Edge],
    seen: Verified,
) -> tuple[Stack, ...]:
    stacks = []
    for rows in seen.scenes:
        paths = sorted(images[place].path for row in rows if row not in edges for place in members[row][:1])
        if len(paths) > 1:
            stacks.append(Stack(tuple(paths)))
    return tuple(sorted(stacks, key=lambda stack: stack.paths))


class FilesOfContents(Sequence[Sequence[ImageRecord]]):
    """The files of each content, in path order, by number.

    Args:
        images: n.
        numbers: (n,) int64, the number of each one's content.
    """

    def __init__(self, images: Sequence[ImageRecord], numbers: np.ndarray) -> None:
        self._images = images
        self._order = np.argsort(numbers, kind="stable")
        count = int(numbers.max()) + 1 if len(numbers) else 0
        self._starts = np.searchsorted(numbers[self._order], np.arange(count + 1))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        places = self._order[self._starts[number] : self._starts[number + 1]]
        return [self._images[place] for place in places.tolist()]


class Sizes(Mapping[int, Size]):
    """The size of each row's picture."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def __getitem__(self, row: int) -> Size:
        return Size(int(self._contents.widths[row]), int(self._contents.heights[row]))

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self._contents)


def pixels_of(collection: Collection) -> np.ndarray:
    """(m,) int64: how many pixels each row's picture has."""
    contents = collection.images.contents
    return contents.widths.astype(np.int64) * contents.heights


def _members(
    collection: Collection, rules: Sequence[Rule], levels: Mapping[int, int], rows: Iterable[int]
) -> dict[int, list[int]]:
    wanted = np.fromiter(rows, np.int64)
    by_image = _by_image(collection, levels)
    return members_of(collection.images, collection.content_rows, rules, by_image, wanted)


def _by_image(collection: Collection, levels: Mapping[int, int]) -> np.ndarray:
    """(n,) the level of each image's content."""
    by_row = np.zeros(len(collection.embeddings), np.int64)
    by_row[np.fromiter(levels.keys(), np.int64)] = np.fromiter(levels.values(), np.int64)
    return by_row[collection.content_rows]
