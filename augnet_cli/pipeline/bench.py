"""`bench`: how fast each stage of embedding is on a folder's own images, and which one holds the others back.

In each round every stage is measured alone, then the pipeline up to each stage, then the search for pairs:
a busy minute of the machine strikes all alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import BATCH, Embedded, embed_files
from augnet_cli.encoder.locate import choose_encoder
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.decode import MAX_MEGAPIXELS
from augnet_cli.images.files import is_image, walk
from augnet_cli.images.names import pasted, shown
from augnet_cli.pipeline.refresh import FolderRequest, no_image
from augnet_cli.pipeline.stages import STAGES, Course, Speeds, alone, can_cool, up_to_each
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import FoundFile, Skip
from augnet_cli.results import BenchResult, StageSpeed
from augnet_cli.search.exact import pairs_within
from augnet_cli.store.place import checked_folder, existing_store

# 16 batches: what a thread waits at the end for another one's last batch is a thirtieth of the time.
IMAGES_A_THREAD = 16 * BATCH
# A median of fewer is no median; of small images there are more rounds, until SECONDS are over.
LEAST_ROUNDS = 3
SECONDS = 10.0
# All pairs of so many take about a second; of more the time grows with the square.
MOST_PAIRS_ROWS = 20_000
PAIRS_SEED = 0


def bench(
    request: FolderRequest,
    images: int | None = None,
    seconds: float | None = None,
    cold: bool = False,
    progress: Progress = SILENT,
) -> BenchResult:
    """Measure the stages of embedding on images of a folder, which stays as it is, its store included.

    Args:
        images: how many to measure, evenly over the folder; None takes IMAGES_A_THREAD for each thread.
        seconds: how long to go on, for LEAST_ROUNDS at least; None is SECONDS.
        cold: whether files are read from the disk each time, not from the system's cache.

    Raises:
        UsageError: `images` is under 1, or `cold` is asked for where the system knows no way.
        FolderError: no such folder, no image in it, none that can be used, or they change meanwhile.
        EncoderError: the encoder can't be used.
    """
    if images is not None and images < 1:
        raise UsageError(f"{images} images can't be measured", "take at least one: --images 1")
    if cold and not can_cool():
        raise UsageError("this system can't be told to forget files", "leave --cold out")
    folder = checked_folder(request.folder)
    found = [each for each in walk(folder, request.exclude).files if is_image(folder, each)]
    if not found:
        raise no_image(request)
    place = existing_store(folder)
    embedder = Embedder.load(choose_encoder(request.encoder, "" if place is None else place.data))
    threads = request.workers or usable_cores()
    limit = request.max_megapixels or MAX_MEGAPIXELS
    chosen = spread_evenly(found, images or IMAGES_A_THREAD * threads)
    # This first time brings the files into memory, and tells which of them can be used.
    seen = list(embed_files(folder, chosen, embedder, (), threads, limit))
    usable = [each.found for each in seen if each.embedding is not None]
    if not usable:
        raise _none_usable(request, seen)
    course = Course(folder, usable, embedder, threads, limit, cold)
    rows = _unit_rows(min(len(found), MOST_PAIRS_ROWS), embedder.dim)
    rounds = _measured(course, rows, SECONDS if seconds is None else seconds, progress)
    return BenchResult(
        folder=folder,
        typed_folder=request.folder,
        encoder=embedder.id,
        threads=threads,
        rounds=len(rounds),
        cold=cold,
        images=len(found),
        measured=len(usable),
        measured_bytes=sum(each.size_bytes for each in usable),
        stages=tuple(
            StageSpeed(
                stage,
                limit=statistics.median(each.limits[stage] for each in rounds),
                reached=statistics.median(each.reached[stage] for each in rounds),
            )
            for stage in STAGES
        ),
        pairs_rows=len(rows),
        pairs_seconds=statistics.median(each.pairs_seconds for each in rounds),
        skipped=tuple(Skip(each.found.path, each.reason) for each in seen if each.reason is not None),
    )


def spread_evenly(found: Sequence[FoundFile], wanted: int) -> list[FoundFile]:
    """At most `wanted` of the files, in their order and at equal steps."""
    if wanted >= len(found):
        return list(found)
    return [found[number * len(found) // wanted] for number in range(wanted)]


@dataclass(frozen=True)
class _Round:
    """Everything measured once: images a second by stage, and seconds for all pairs."""

    limits: Speeds
    reached: Speeds
    pairs_seconds: float


def _measured(course: Course, rows: np.ndarray, seconds: float, progress: Progress) -> list[_Round]:
    rounds: list[_Round] = []
    started = time.perf_counter()
    progress.start("measuring", None)
    while len(rounds) < LEAST_ROUNDS or time.perf_counter() - started < seconds:
        limits, reached = alone(course), up_to_each(course)
        before = time.perf_counter()
        pairs_within(rows, course.embedder.card.threshold)
        rounds.append(_Round(limits, reached, time.perf_counter() - before))
        progress.advance(len(course.files), detail=f"round {len(rounds)}")
    progress.finish()
    return rounds


def _unit_rows(count: int, dim: int) -> np.ndarray:
    """(count, dim) float32 unit rows in random directions: as in most folders, hardly two are near.

    What a search compares does not matter to its time, only how many are near enough to be reported.
    """
    rows = np.random.default_rng(PAIRS_SEED).standard_normal((count, dim), np.float32)
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _none_usable(request: FolderRequest, seen: Sequence[Embedded]) -> FolderError:
    why = next(f"{shown(each.found.path)}: {each.reason}" for each in seen if each.reason is not None)
    return FolderError(
        f"no image can be used of those taken from {shown(request.folder)}, such as {why}",
        f"`augnet embed {pasted(request.folder)} --format json` lists each with its reason",
    )
