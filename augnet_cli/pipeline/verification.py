"""Verification for `dedupe`: from a collection to groups that geometry proves, suspects and stacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.duplicates.groups import Edge, form, members_of
from augnet_cli.duplicates.keep import Rule
from augnet_cli.duplicates.memory import HOW, as_texts, from_texts
from augnet_cli.duplicates.prover import Pair, Prover
from augnet_cli.duplicates.sketching import Sketches
from augnet_cli.duplicates.stars import Stage
from augnet_cli.duplicates.told import UNVERIFIED, add_unproved, described, edges_of
from augnet_cli.duplicates.verify import Verified, distance_of, verify
from augnet_cli.geometry.sketch import Size
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Collection, Group, ImageRecord
from augnet_cli.results import PARTIAL, Stack, Suspect
from augnet_cli.store.store import Store


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


def verified(
    store: Store, collection: Collection, request: FolderRequest, terms: Terms, progress: Progress = SILENT
) -> Found:
    """Find duplicates and prove them; findings are remembered in the store."""
    images, rows = collection.images, collection.content_rows
    files = _files_of_rows(images, rows, len(collection.embeddings))
    contents = [of_row[0].content_hash for of_row in files]
    sketches = Sketches(store.place.folder, files, request.max_megapixels or MAX_MEGAPIXELS)
    same, apart = _decided(contents, terms.said)
    workers = request.workers or usable_cores()
    known = from_texts(store.findings(HOW), contents)
    sizes = {row: Size(of_row[0].width, of_row[0].height) for row, of_row in enumerate(files)}
    with Prover(sketches, known, workers) as prover:
        stage = Stage(
            prover=prover,
            embeddings=collection.embeddings,
            pixels={row: of_row[0].pixels for row, of_row in enumerate(files)},
            same=same,
            apart=apart,
        )
        levels: dict[int, int] = {}

        def in_keep_order(found: Mapping[int, int]) -> list[int]:
            levels.update(found)
            return [row for row in _members(collection, terms.rules, levels) if row in found]

        try:
            seen = verify(stage, in_keep_order, terms.threshold, terms.suspicious, progress)
            edges = edges_of(stage, seen.stars, sizes)
        finally:  # what was found stays found, whatever interrupts the rest
            if texts := as_texts(prover.new, contents):
                store.save_findings(HOW, texts)
        members = _members(collection, terms.rules, levels)
        if terms.include_unverified:
            add_unproved(edges, seen.unproved, {row: place for place, row in enumerate(members)})
        return _told(stage, collection, members, edges, seen, terms, levels, sizes)


def _told(
    stage: Stage,
    collection: Collection,
    members: Mapping[int, Sequence[int]],
    edges: Mapping[int, Edge],
    seen: Verified,
    terms: Terms,
    levels: Mapping[int, int],
    sizes: Mapping[int, Size],
) -> Found:
    images = collection.images
    by_image = [levels.get(row, 0) for row in collection.content_rows.tolist()]
    groups = form(images, members, edges, terms.rules, by_image)
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


def _files_of_rows(
    images: Sequence[ImageRecord], rows: np.ndarray, count: int
) -> tuple[tuple[ImageRecord, ...], ...]:
    files: list[list[ImageRecord]] = [[] for _ in range(count)]
    for image, row in zip(images, rows.tolist(), strict=True):
        files[row].append(image)
    return tuple(tuple(of_row) for of_row in files)


def _members(
    collection: Collection, rules: Sequence[Rule], levels: Mapping[int, int]
) -> dict[int, list[int]]:
    by_image = [levels.get(row, 0) for row in collection.content_rows.tolist()]
    return members_of(collection.images, collection.content_rows, rules, by_image)


def _decided(
    contents: Sequence[str], said: Mapping[tuple[str, str], bool]
) -> tuple[frozenset[Pair], frozenset[Pair]]:
    """Pairs of rows that a person held to be the same, and to be different."""
    rows = {content: row for row, content in enumerate(contents)}
    decided: dict[bool, set[Pair]] = {True: set(), False: set()}
    for (one, other), same in said.items():
        if one in rows and other in rows and one != other:
            left, right = sorted((rows[one], rows[other]))
            decided[same].add((left, right))
    return frozenset(decided[True]), frozenset(decided[False])
