"""`leaks`: which images of one split of a data set are, however altered, in another.  Changes no file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from augnet_cli.duplicates.crossing import cross, nearest_across
from augnet_cli.duplicates.groups import IDENTICAL, NEAR
from augnet_cli.duplicates.scope import Rows, Scope
from augnet_cli.duplicates.told import UNVERIFIED, described
from augnet_cli.duplicates.verify import distance_of
from augnet_cli.errors import UsageError
from augnet_cli.geometry.derivation import derivation
from augnet_cli.images.names import shown
from augnet_cli.pipeline.by_distance import check_search, pairs_by_distance
from augnet_cli.pipeline.calibrate import auto_threshold
from augnet_cli.pipeline.gathered import Gathered, Layout, gathered, holds, spread
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.pipeline.verification import Sizes, blocks_of, proving
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import AUTO, DEFAULT_PRECISION, EXACT, GIVEN, Pairs, Recall, Transform
from augnet_cli.report.paths import write_paths
from augnet_cli.report.target import Target, check_target, written_whole
from augnet_cli.report.text import count
from augnet_cli.results import Leak, LeaksResult, Split, Suspect
from augnet_cli.search.distance import check_threshold
from augnet_cli.store.place import checked_folder

TRAIN, TEST, VAL = "train", "test", "val"
# Of two splits that share a picture the earlier of these loses it: test is what all others are judged by.
LOSES = (TRAIN, VAL, TEST)
CLEAN = Target("--write-clean", (".txt",), "")  # any text file may be written over


def leaks(
    request: FolderRequest,
    folders: Sequence[str],
    threshold: float | None = None,
    progress: Progress = SILENT,
    verify: bool = True,
    write_clean: str | None = None,
    search: str = EXACT,
) -> LeaksResult:
    """Find images of one split that show the picture of one of another; pairs within a split don't count.

    Args:
        request: its folder is not looked at.
        folders: of train, test, and, if there is one, val.
        threshold, verify, search: as in `dedupe`; without both, the distance is calibrated on train.
        write_clean: a `.txt` to write: the images of train that are in no other split, a path a line.

    Raises:
        UsageError: a threshold out of its range; splits that lie in each other; `write_clean` is no `.txt`.
        FolderError: a folder is missing or holds no image; `write_clean` can't be written.
        StoreError, EncoderError: as `refreshed`.
        SearchError: the threshold makes a pair of nearly everything.
    """
    if threshold is not None:
        check_threshold(threshold)
    check_search(search, verify)
    if write_clean is not None:
        check_target(write_clean, CLEAN)
    layout, recall = _layout(request, folders), None
    with gathered(layout, progress) as place:
        limit, source = threshold, GIVEN if threshold is not None else AUTO
        if verify:
            likely = place.first.embedder.card.threshold_for(DEFAULT_PRECISION)[1]
            found, unproved = _proved(
                place, request, limit, likely if limit is None else min(limit, likely), progress
            )
        else:
            if limit is None:
                limit, source = auto_threshold(place.first, *place.of_first, DEFAULT_PRECISION, progress)
            found, recall = _by_distance(place, limit, search, progress)
            unproved = ()
    labelled = _are_labelled(layout, place)
    told = sorted(_told(layout, place, found, labelled), key=_order)
    met = {path for leak in told for path in (leak.path, leak.other)}
    paths = place.collection.images.paths
    splits = tuple(_split(layout, number, folder, paths, met) for number, folder in enumerate(folders))
    result = LeaksResult(
        folder=layout.folder,
        encoder=place.first.embedder.id,
        threshold=limit,
        threshold_from=source,
        splits=splits,
        leaks=tuple(told),
        unverified=unproved,
        skipped=place.skipped,
        verified=verify,
        labelled=labelled,
        search=search,
        recall=recall,
        typed_encoder=request.encoder,
    )
    if write_clean is not None:
        _write_clean(result, layout, paths, met, write_clean, progress)
    return result


@dataclass(frozen=True)
class _Found:
    """Two rows that are the same picture; the first's split is the one that loses it."""

    row: int
    other: int
    distance: float
    verified: bool
    verdict: tuple[str, ...]
    transform: Transform | None = None


def _layout(request: FolderRequest, folders: Sequence[str]) -> Layout:
    for folder in folders:
        checked_folder(folder)
    names = (TRAIN, TEST, VAL)[: len(folders)]
    sides: dict[str, str] = {}
    for folder, name in zip(folders, names, strict=True):
        real = os.path.realpath(folder)
        if real in sides:
            raise UsageError(
                f"{sides[real]} and {name} are the same folder, {shown(folder)}",
                "name a folder for each split: augnet leaks data/train data/test",
            )
        for other, of_other in sides.items():
            if holds(real, other) or holds(other, real):
                raise UsageError(
                    f"{shown(folder)} and the split {of_other} lie in each other",
                    "name folders apart: augnet leaks data/train data/test",
                )
        sides[real] = name
    # Readers of data sets take each folder in a split for a class: a store is none.
    request = replace(request, store_beside=False)
    return spread(request, sides, Scope(inside=False))


def _proved(
    place: Gathered, request: FolderRequest, limit: float | None, suspicious: float, progress: Progress
) -> tuple[list[_Found], tuple[Suspect, ...]]:
    rows, sizes, found = place.rows, Sizes(place.collection.images.contents), []
    with proving(place, request, place.said) as stage:
        crossings = cross(stage, rows, limit, suspicious, progress, blocks_of(rows))
        for (one, other), relation in crossings.same.items():
            row, far = _in_order(rows, one, other)
            distance = distance_of(stage, row, far)
            if rows.contents[row] == rows.contents[far]:
                found.append(_Found(row, far, 0.0, True, IDENTICAL))
            elif relation is None:  # a person said so
                found.append(_Found(row, far, distance, False, NEAR))
            else:
                lies = relation if row == one else relation.reversed()
                words, transform = described(sizes[row], sizes[far], lies)
                if derivation(lies) < 0:  # the words say what was done to the one that was made
                    words, _ = described(sizes[far], sizes[row], lies.reversed())
                found.append(_Found(row, far, distance, True, words, transform))
    return found, tuple(_suspects(place, crossings.unproved))


def _by_distance(
    place: Gathered, limit: float, search: str, progress: Progress
) -> tuple[list[_Found], Recall | None]:
    rows, found = place.rows, []
    pairs, recall = pairs_by_distance(place, limit, search, progress)
    for pair, distance in nearest_across(pairs, rows):
        row, far = _in_order(rows, *pair)
        same = rows.contents[row] == rows.contents[far]
        found.append(_Found(row, far, distance, same, IDENTICAL if same else NEAR))
    return found, recall


def _in_order(rows: Rows, one: int, other: int) -> tuple[int, int]:
    """First the row whose split loses the picture."""
    first, second = sorted((one, other), key=lambda row: LOSES.index(rows.sides[row]))
    return first, second


def _told(layout: Layout, place: Gathered, found: Sequence[_Found], labelled: bool) -> Iterator[Leak]:
    """Each file of each row once at least."""
    paths = _paths_of_rows(place, [row for one in found for row in (one.row, one.other)])
    for one in found:
        first, second = paths[one.row], paths[one.other]
        pairs = [*((path, second[0]) for path in first), *((first[0], path) for path in second[1:])]
        split, other_split = place.rows.sides[one.row], place.rows.sides[one.other]
        for path, other in pairs:
            yield Leak(
                path=path,
                split=split,
                other=other,
                other_split=other_split,
                distance=one.distance,
                verified=one.verified,
                verdict=one.verdict,
                transform=one.transform,
                label=_label(layout, path) if labelled else None,
                other_label=_label(layout, other) if labelled else None,
            )


def _suspects(place: Gathered, pairs: Pairs) -> Iterator[Suspect]:
    paths = _paths_of_rows(place, [*pairs.left.tolist(), *pairs.right.tolist()])
    for place_ in np.lexsort((pairs.right, pairs.left, pairs.distance)).tolist():
        row, far = _in_order(place.rows, int(pairs.left[place_]), int(pairs.right[place_]))
        yield Suspect(paths[row][0], paths[far][0], float(pairs.distance[place_]), UNVERIFIED)


def _paths_of_rows(place: Gathered, rows: Sequence[int]) -> dict[int, list[str]]:
    collection, paths = place.collection, dict[int, list[str]]()
    for number in np.flatnonzero(np.isin(collection.content_rows, rows)).tolist():
        paths.setdefault(int(collection.content_rows[number]), []).append(collection.images.paths[number])
    return paths


def _order(leak: Leak) -> tuple[int, int, bytes, bytes]:
    splits = LOSES.index(leak.split), LOSES.index(leak.other_split)
    return (*splits, os.fsencode(leak.path), os.fsencode(leak.other))


def _inside(layout: Layout, path: str) -> str:
    """The path of an image from its split on."""
    prefix = next(one.prefix for one in layout.sources if path.startswith(one.prefix + "/"))
    return path[len(prefix) + 1 :]


def _label(layout: Layout, path: str) -> str | None:
    """The first folder below the split: the class, in the layout of ImageFolder."""
    folder, slash, _ = _inside(layout, path).partition("/")
    return folder if slash else None


def _are_labelled(layout: Layout, place: Gathered) -> bool:
    """Whether the splits are laid out by class: no image beside the classes, some in all of them."""
    labels: dict[str, set[str | None]] = {}
    for path in place.collection.images.paths:
        side = layout.side(path)
        assert side is not None
        labels.setdefault(side, set()).add(_label(layout, path))
    return all(None not in found for found in labels.values()) and bool(set.intersection(*labels.values()))


def _split(layout: Layout, number: int, folder: str, paths: Sequence[str], met: set[str]) -> Split:
    source = layout.sources[number]
    own = sum(path.startswith(source.prefix + "/") for path in paths)
    leaked = sum(path.startswith(source.prefix + "/") for path in met)
    name = layout.side(source.path("x"))
    assert name is not None
    return Split(name, source.request.folder, folder, own, leaked)


def _write_clean(
    result: LeaksResult,
    layout: Layout,
    paths: Sequence[str],
    met: set[str],
    file: str,
    progress: Progress,
) -> None:
    train = layout.sources[0].prefix + "/"
    clean = [_inside(layout, path) for path in paths if path.startswith(train) and path not in met]
    with written_whole(file, CLEAN) as stream:
        left_out = write_paths(clean, result.splits[0].typed_folder, stream, null=False)
    rest = f"; {count(left_out, 'path')} with a line break left out" if left_out else ""
    progress.note(f"{shown(file)}: {count(len(clean) - left_out, 'image')} of train may stay{rest}")
