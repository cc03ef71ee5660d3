"""`inspect`: of what a folder of images is made, and which of its pictures look wrong."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from augnet_cli.errors import SearchError, UsageError
from augnet_cli.pipeline.looking import flags_by_content, look_at, looks_of_contents
from augnet_cli.pipeline.refresh import FolderRequest, Fresh, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.quality.look import Look
from augnet_cli.records import Skip
from augnet_cli.results import Extremes, InspectedImage, InspectResult, Near
from augnet_cli.results.inspect import FLAGS, commonest
from augnet_cli.search.exact import pairs_within
from augnet_cli.store.columns import Images


def inspect(request: FolderRequest, only: Sequence[str] = (), progress: Progress = SILENT) -> InspectResult:
    """Look at each picture of a folder once, and sum up what is there; changes no image.

    Args:
        only: flags; the images with one of them are listed, the counts are of all.

    Raises:
        UsageError: `only` names no flag.
        FolderError, StoreError, EncoderError: as `refreshed`.
    """
    wanted = checked_flags(only)
    with refreshed(request, progress) as fresh:
        images = fresh.images()
        seen, unread = look_at(fresh, images, progress)
        near = _near(fresh, images, progress)
        looks = looks_of_contents(images, seen)
    return _summed_up(fresh, _inspected(images, looks), images, near, unread, wanted)


def checked_flags(only: Sequence[str]) -> tuple[str, ...]:
    """The flags asked for, in the order of FLAGS.

    Raises:
        UsageError: one of them is none.
    """
    unknown = [flag for flag in only if flag not in FLAGS]
    if unknown:
        raise UsageError(f"there is no flag {unknown[0]!r}", f"choose from {', '.join(FLAGS)}")
    return tuple(flag for flag in FLAGS if flag in only)


def _near(fresh: Fresh, images: Images, progress: Progress) -> Near | None:
    """Pairs within the encoder's own threshold; None where there are more than anyone would look through."""
    threshold = fresh.embedder.card.threshold
    if not len(images):
        return None
    try:
        pairs = pairs_within(fresh.with_embeddings(images).embeddings, threshold, progress)
    except SearchError:
        return None
    return Near(threshold, len(pairs), len(np.union1d(pairs.left, pairs.right)))


def _inspected(images: Images, looks: Sequence[Look | None]) -> tuple[InspectedImage, ...]:
    flags = flags_by_content(images, looks)
    found = []
    for row, image in zip(images.rows.tolist(), images, strict=True):
        look = looks[row]
        found.append(
            InspectedImage(
                path=image.path,
                width=image.width,
                height=image.height,
                size_bytes=image.size_bytes,
                taken_at=image.taken_at,
                format="" if look is None else look.format,
                camera=None if look is None else look.camera,
                measures=None if look is None else look.measures,
                flags=flags[row],
            )
        )
    return tuple(found)


def _summed_up(
    fresh: Fresh,
    found: tuple[InspectedImage, ...],
    images: Images,
    near: Near | None,
    unread: tuple[Skip, ...],
    only: tuple[str, ...],
) -> InspectResult:
    result = fresh.result
    met = Counter(flag for image in found for flag in image.flags)
    dated = [image for image in found if image.taken_at is not None]
    files = np.bincount(images.rows, minlength=len(images.contents))
    spare = {row: files[row] - 1 for row in np.flatnonzero(files > 1).tolist()}
    size_of = dict(zip(images.rows.tolist(), images.sizes.tolist(), strict=True))
    return InspectResult(
        folder=result.folder,
        typed_folder=result.typed_folder,
        encoder=result.encoder,
        images=tuple(image for image in found if set(image.flags) & set(only)) if only else found,
        total=len(found),
        total_bytes=sum(image.size_bytes for image in found),
        counts={flag: met[flag] for flag in FLAGS},
        formats=commonest(Counter(image.format for image in found if image.format)),
        cameras=commonest(Counter(image.camera for image in found if image.camera)),
        folders=commonest(Counter(os.path.dirname(image.path) for image in found)),
        by_pixels=_extremes(found, lambda image: image.pixels),
        by_bytes=_extremes(found, lambda image: image.size_bytes),
        first_taken=min(dated, key=_moment, default=None),
        last_taken=max(dated, key=_moment, default=None),
        dated=len(dated),
        identical_groups=len(spare),
        identical_files=sum(int(number) + 1 for number in spare.values()),
        identical_bytes=sum(int(number) * size_of[row] for row, number in spare.items()),
        near=near,
        others=result.others,
        skipped=result.skipped,
        unread=unread,
        only=only,
    )


def _extremes(found: Sequence[InspectedImage], number_of: Callable[[InspectedImage], int]) -> Extremes | None:
    """Smallest, middle (of an even number the smaller of the two) and largest; of equal ones the first."""
    if not found:
        return None
    ordered = sorted(found, key=number_of)
    largest = number_of(ordered[-1])
    return Extremes(
        ordered[0],
        ordered[(len(ordered) - 1) // 2],
        next(image for image in ordered if number_of(image) == largest),
    )


def _moment(image: InspectedImage) -> str:
    return image.taken_at or ""
