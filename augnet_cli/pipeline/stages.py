"""The stages of embedding, timed: each alone, and the pipeline from its start to the end of each.

The functions, the batches and the number of threads are those by which `embed` works.
Nothing is written anywhere, and only a part of the images is in memory at a time.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import BATCH, embed_files
from augnet_cli.errors import FolderError
from augnet_cli.images.decode import decode
from augnet_cli.images.files import content_hash, read_bytes
from augnet_cli.images.names import shown
from augnet_cli.images.unusable import Unusable
from augnet_cli.records import FoundFile
from augnet_cli.results import DECODE, EMBED, READ

STAGES = (READ, DECODE, EMBED)
# Bytes of files that are held at once, for each thread; what is decoded of them is less.
PORTION_BYTES = 64 << 20

Speeds = dict[str, float]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Course:
    """What is run, on how many threads; `cold`: files come from the disk, not from the system's cache."""

    folder: str
    files: Sequence[FoundFile]
    embedder: Embedder
    threads: int
    max_megapixels: float
    cold: bool = False


@dataclass(frozen=True)
class _Bytes:
    """A file that has been read."""

    name: str
    data: bytes


def alone(course: Course) -> Speeds:
    """Images a second of each stage while nothing else runs, what it works on already in memory.

    Raises:
        FolderError: an image can't be used any more.
    """
    took = dict.fromkeys(STAGES, 0.0)
    for portion in portions(course.files, PORTION_BYTES * course.threads):
        _cool(course, portion)
        # To keep what was read takes memory that is new to the process, which is no part of reading.
        seconds, _ = _on_threads(course, lambda found: len(_read(course, found).data), portion)
        took[READ] += seconds
        _, files = _on_threads(course, lambda found: _read(course, found), portion)
        seconds, pixels = _on_threads(course, lambda file: _decoded(course, file), files)
        took[DECODE] += seconds
        batches = [np.stack(pixels[start : start + BATCH]) for start in range(0, len(pixels), BATCH)]
        seconds, _ = _on_threads(course, course.embedder.embed, batches)
        took[EMBED] += seconds
    return {stage: len(course.files) / took[stage] for stage in STAGES}


def up_to_each(course: Course) -> Speeds:
    """Images a second of the pipeline from its start to the end of each stage; the last one is the whole.

    Raises:
        FolderError: an image can't be used any more.
    """

    def read(found: FoundFile) -> _Bytes:
        file = _read(course, found)
        content_hash(file.data)
        return file

    took = {}
    _cool(course, course.files)
    took[READ], _ = _on_threads(course, lambda found: len(read(found).data), course.files)
    _cool(course, course.files)
    took[DECODE], _ = _on_threads(course, lambda found: len(_decoded(course, read(found))), course.files)
    _cool(course, course.files)
    started = time.perf_counter()
    embedding = embed_files(
        course.folder, course.files, course.embedder, (), course.threads, course.max_megapixels
    )
    with closing(embedding) as steps:
        if any(step.embedding is None for step in steps):
            raise _gone(course)
    took[EMBED] = time.perf_counter() - started
    return {stage: len(course.files) / took[stage] for stage in STAGES}


def portions(files: Sequence[FoundFile], most_bytes: int) -> Iterator[list[FoundFile]]:
    """The files in order, in lists of at most so many bytes together; a larger file is a list of its own."""
    portion: list[FoundFile] = []
    held = 0
    for each in files:
        if portion and held + each.size_bytes > most_bytes:
            yield portion
            portion, held = [], 0
        portion.append(each)
        held += each.size_bytes
    if portion:
        yield portion


def can_cool() -> bool:
    """Whether this system can be told to forget what it has cached of a file."""
    return hasattr(os, "posix_fadvise")


def _cool(course: Course, files: Sequence[FoundFile]) -> None:
    """Have the system forget what it has cached of the files, if that is wanted; they stay as they are."""
    if not course.cold:
        return
    for found in files:
        try:
            descriptor = os.open(os.path.join(course.folder, found.path), os.O_RDONLY)
        except OSError as error:
            raise _gone(course) from error
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def _read(course: Course, found: FoundFile) -> _Bytes:
    try:
        return _Bytes(found.path, read_bytes(os.path.join(course.folder, found.path), follow_links=False))
    except Unusable as error:
        raise _gone(course) from error


def _decoded(course: Course, file: _Bytes) -> np.ndarray:
    try:
        return decode(file.data, course.embedder.resize, course.max_megapixels, file.name).pixels
    except Unusable as error:
        raise _gone(course) from error


def _gone(course: Course) -> FolderError:
    return FolderError(
        f"images of {shown(course.folder)} changed while they were measured", "run it again when they rest"
    )


def _on_threads(
    course: Course, work: Callable[[Item], Result], items: Sequence[Item]
) -> tuple[float, list[Result]]:
    """Seconds, and what the work makes of each item, in order.

    Each thread takes the next item when it is free: none waits for another before the last item.
    """
    made: list[Result | None] = [None] * len(items)
    waiting = deque(range(len(items)))

    def drain() -> None:
        while True:
            try:
                number = waiting.popleft()  # several threads may: one step of the interpreter
            except IndexError:
                return
            made[number] = work(items[number])

    with ThreadPoolExecutor(course.threads, thread_name_prefix="augnet-bench") as pool:
        started = time.perf_counter()
        for thread in [pool.submit(drain) for _ in range(course.threads)]:
            thread.result()
        seconds = time.perf_counter() - started
    return seconds, cast("list[Result]", made)  # every item was taken by a thread
