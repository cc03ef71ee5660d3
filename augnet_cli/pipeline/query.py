"""`query`: the images of a folder that look most like one image, like each of several, or like them all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import choose_encoder
from augnet_cli.errors import ImageError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.asked import Asked, Crop, Failure, ask, images_named
from augnet_cli.pipeline.encode import read_named
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Skip
from augnet_cli.results import Answer, Hit, QueryResult
from augnet_cli.search.distance import check_threshold
from augnet_cli.search.neighbours import open_nearest
from augnet_cli.store.finding import find_folder, remember_folder
from augnet_cli.store.place import existing_store, place_for
from augnet_cli.store.store import Store

DEFAULT_K = 10
# By which an image pushes a query away: the weight that Rocchio's formula gives to what is not wanted, as
# Salton and Buckley found it best ("Improving Retrieval Performance by Relevance Feedback", 1990).  Of 506
# photos of birds with another species among their hits, that species lost a third of its hits so, the own one
# a twentieth; at 0.5 six and two tenths.  Under 1 an image pushed away from itself still has a direction.
AWAY = 0.25
NO_LENGTH = 1e-6  # of a mean of unit rows: shorter ones point nowhere
SKIPS_TOLD = 5  # queries; a folder may hold thousands, and --format json lists all


@dataclass(frozen=True)
class QueryRequest:
    """What is asked.

    Attributes:
        images: files and folders of query images, anywhere.
        k: hits wanted of each, at least 1.
        folder: where to search; None looks for a store as `store.finding.find_folder` says.
        encoder: an encoder file, `shipped`, or None for the folder's own, else the shipped one.
        refresh: look for new and changed images first.
        average: one answer to all queries together, by the mean of their embeddings.
        without: images to push the queries away from.
        threshold: cosine distance in [0, 2] of the farthest hits, inclusive; None is any.
        crop: the part of the only query to ask by; None is all of it.
        verify: whether to find out which hits are the same picture.
    """

    images: tuple[str, ...]
    k: int = DEFAULT_K
    folder: str | None = None
    encoder: str | None = None
    refresh: bool = False
    average: bool = False
    without: tuple[str, ...] = ()
    threshold: float | None = None
    crop: Crop | None = None
    verify: bool = False


@dataclass(frozen=True)
class Near:
    """An image file near to a query, and the hash of its content."""

    content: str
    path: str
    distance: float


def query(request: QueryRequest, progress: Progress = SILENT) -> QueryResult:
    """Find the `k` images nearest to each query, nearest first; the queries' own files are left out.

    The folder is not walked again unless `refresh` says so, or it has no embeddings yet under the encoder.
    Of several queries those that can't be used are told of and left out.

    Raises:
        ImageError: no query can be used, or one of `without` can't.
        UsageError: the threshold is no distance; the crop is no part of the one picture.
        FolderError, StoreError, EncoderError: as `refreshed`.
    """
    if request.threshold is not None:
        check_threshold(request.threshold)
    names, skips = images_named(request.images)
    _check(request, names, skips)
    found, how = find_folder(names[0], request.folder, os.getcwd())
    place = existing_store(found) or place_for(found, create=False)
    embedder = Embedder.load(choose_encoder(request.encoder, place.data))
    # Before the folder's turn, which may take long: an image that can't be used is told at once.
    asked, failures = ask(names, embedder, request.crop, progress)
    skipped = _told(names, asked, skips, failures, progress)
    away = _all_of(request.without, embedder)
    searching = None if request.folder is not None else f"searching {shown(found)} ({how})"
    groups = [tuple(asked)] if request.average else [(one,) for one in asked]
    with _opened(found, embedder, request, searching, progress) as store:
        folder = store.place.folder
        near = _nearest(store, embedder, groups, away, request, progress)
    remember_folder(found)
    hits = [tuple(Hit(one.path, one.distance) for one in each) for each in near]
    if request.verify:
        from augnet_cli.pipeline.same_picture import same_pictures

        hits = same_pictures(folder, groups, near, request.crop, progress)
    without = tuple(one.typed for one in away)
    answers = (
        Answer(tuple(one.typed for one in group), found_hits, without, request.crop)
        for group, found_hits in zip(groups, hits, strict=True)
    )
    return QueryResult(folder, found, embedder.id, tuple(answers), request.threshold, skipped)


def _check(request: QueryRequest, names: Sequence[str], skips: Sequence[Skip]) -> None:
    """Refuse what can be refused before anything is read.

    Raises:
        ImageError, UsageError: as `query`.
    """
    if not names:
        why = f": {skips[0].reason}" if skips else ""
        asked = ", ".join(map(shown, request.images)) or "nothing"
        raise ImageError(
            f"{asked} holds no image to ask by{why}", "name an image file, or a folder of images"
        )
    if request.crop is not None and len(names) > 1:
        raise UsageError(f"a part of {len(names):,} pictures was asked for", "--crop with one query image")
    if not any(map(os.path.exists, names)):
        read_named(names[0])  # says that there is no such file


def _told(
    names: Sequence[str],
    asked: Sequence[Asked],
    skips: Sequence[Skip],
    failures: Sequence[Failure],
    progress: Progress,
) -> tuple[Skip, ...]:
    """The queries that can't be used, some of them told.

    Raises:
        ImageError: none can be used.
    """
    if not asked:
        raise failures[0].error
    skipped = (*skips, *(failure.skip for failure in failures))
    for skip in skipped[:SKIPS_TOLD]:
        progress.note(f"left out {shown(skip.path)}: {skip.reason}")
    if len(skipped) > SKIPS_TOLD:
        progress.note(f"left out {len(skipped) - SKIPS_TOLD:,} more (--format json lists all)")
    return skipped


def _all_of(images: Sequence[str], embedder: Embedder) -> list[Asked]:
    """Images to push away from, all of them.

    Raises:
        ImageError: one can't be used.
    """
    if not images:
        return []
    names, skips = images_named(images)
    asked, failures = ask(names, embedder)
    if failures:
        raise failures[0].error
    if not asked:
        why = f": {skips[0].reason}" if skips else ""
        raise ImageError(f"{', '.join(map(shown, images))} holds no image{why}", "name an image after --not")
    return asked


@contextmanager
def _opened(
    found: str, embedder: Embedder, request: QueryRequest, searching: str | None, progress: Progress
) -> Iterator[Store]:
    """The store of the folder, open to read, brought up to date first where that was asked for or is due.

    Which folder is searched is told once it is known that it can be.
    """
    place = existing_store(found)
    if place is not None and not request.refresh:
        with Store.open(place, write=False) as store:
            facts = store.index_facts()
            if facts is not None and facts.get("encoder") == embedder.id:
                if searching is not None:
                    progress.note(searching)
                yield store
                return
    if searching is not None:
        progress.note(searching)
    wanted = FolderRequest(found, encoder=request.encoder)
    with refreshed(wanted, progress, new_index=True) as fresh:
        place = fresh.store.place
    with Store.open(place, write=False) as store:
        yield store


def _nearest(
    store: Store,
    embedder: Embedder,
    groups: Sequence[tuple[Asked, ...]],
    away: Sequence[Asked],
    request: QueryRequest,
    progress: Progress,
) -> list[tuple[Near, ...]]:
    """The files nearest to each group of queries, without the queries' own and those of `away`."""
    nearest = open_nearest(store.place, store, embedder.id)
    folder = os.path.realpath(store.place.folder)
    own = [{os.path.realpath(one.typed) for one in (*group, *away)} for group in groups]
    # So many more than wanted: the contents of files that are left out are among them.
    left_out = max(sum(path.startswith(os.path.join(folder, "")) for path in files) for files in own)
    rows = np.stack([_direction(group, away) for group in groups])
    found = nearest.nearest_of_each(rows, request.k + left_out)
    if nearest.note:
        progress.note(nearest.note)
    contents = dict.fromkeys(content for hashes, _ in found for content in hashes)
    paths = store.paths_of(contents)
    reals = {path: os.path.realpath(os.path.join(folder, path)) for held in paths.values() for path in held}
    answers = []
    for group, files, (hashes, distances) in zip(groups, own, found, strict=True):
        same = group[0].content if len(group) == 1 and not away and request.crop is None else None
        near = [
            Near(content, path, 0.0 if content == same else float(distance))
            for content, distance in zip(hashes, distances, strict=True)
            for path in paths.get(content, ())
            if reals[path] not in files
        ]
        near.sort(key=lambda one: one.distance)
        answers.append(tuple(one for one in near[: request.k] if _is_within(one, request.threshold)))
    return answers


def _is_within(one: Near, threshold: float | None) -> bool:
    """Inclusive, in the precision of distances."""
    return threshold is None or bool(np.float32(one.distance) <= np.float32(threshold))


def _direction(group: Sequence[Asked], away: Sequence[Asked]) -> np.ndarray:
    """The unit row (d,) to search by: the mean of the queries, pushed away from the mean of `away`.

    Rocchio, "Relevance Feedback in Information Retrieval", 1971.

    Raises:
        ImageError: the queries point in opposite directions and have no mean.
    """
    if len(group) == 1 and not away:
        return group[0].row
    row = _unit(np.mean([one.row for one in group], axis=0, dtype=np.float64), group)
    if away:
        row = _unit(row - AWAY * np.mean([one.row for one in away], axis=0, dtype=np.float64), group)
    return row.astype(np.float32)


def _unit(row: Any, group: Sequence[Asked]) -> np.ndarray:
    length = float(np.linalg.norm(row))
    if length < NO_LENGTH:
        raise ImageError(
            f"the {len(group):,} queries are so unlike that they have no average",
            "ask by each of them, without --average",
        )
    return row / length
