"""What an encoder with clusters of its own says of each image: probabilities, made once and kept by content.

They stand beside the index, a file an encoder, and can be made again.  Letters: m contents, C clusters.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import BATCH
from augnet_cli.errors import EncoderError
from augnet_cli.images.decode import MAX_MEGAPIXELS, decode
from augnet_cli.images.files import content_hash, read_bytes
from augnet_cli.images.names import pasted, shown
from augnet_cli.images.unusable import Unusable
from augnet_cli.pipeline.refresh import FolderRequest, Fresh
from augnet_cli.progress import Progress
from augnet_cli.store.columns import Images, places_of
from augnet_cli.store.place import Place

PREFIX, SUFFIX = "assignments-", ".npz"
MOST_KEPT = 4  # encoders whose probabilities are kept, the newest files


def check_clusters(embedder: Embedder, folder: str) -> None:
    """Refuse an encoder that tells no clusters apart.

    Raises:
        EncoderError: it does not.
    """
    if embedder.clusters:
        return
    raise EncoderError(
        f"the encoder {shown(embedder.file)} has no clusters of its own, which --method scan shows",
        f"make one: augnet train {pasted(folder)} --method scan --set clusters=N --replace always, "
        "or name one: --encoder FILE",
    )


def assignments(fresh: Fresh, images: Images, progress: Progress) -> np.ndarray:
    """(m, C) float32 probabilities of each content of `images`; NaN where its file can't be read any more.

    Only what is not kept is decoded.

    Raises:
        EncoderError: the encoder has no clusters.
    """
    embedder, place = fresh.embedder, fresh.store.place
    check_clusters(embedder, fresh.request.folder)
    wanted = images.contents.hashes
    known, kept = _kept(place, embedder)
    places, met = places_of(wanted, known)
    made = np.full((len(wanted), embedder.clusters), np.nan, np.float32)
    made[met] = kept[places[met]]
    missing = np.flatnonzero(~met)
    if not len(missing):
        return made
    progress.start("sorting into clusters", len(missing))
    first = np.unique(images.rows, return_index=True)[1]  # each content has a file
    try:
        # Closed at once: an interrupt ends the threads' work too.
        with closing(_made(fresh.request, embedder, images, first[missing])) as batches:
            for start, rows in zip(range(0, len(missing), BATCH), batches, strict=True):
                made[missing[start : start + len(rows)]] = rows
                progress.advance(len(rows))
    finally:
        progress.finish()
        _keep(place, embedder, wanted, made, known, kept)
    return made


def _made(
    request: FolderRequest, embedder: Embedder, images: Images, files: np.ndarray
) -> Generator[np.ndarray]:
    """Probabilities of files, by numbers (f,), BATCH at a time and in order."""
    limit = request.max_megapixels or MAX_MEGAPIXELS

    def work(start: int) -> np.ndarray:
        numbers = files[start : start + BATCH]
        rows = np.full((len(numbers), embedder.clusters), np.nan, np.float32)
        read = [_pixels(request.folder, images, int(number), embedder, limit) for number in numbers]
        good = [place for place, pixels in enumerate(read) if pixels is not None]
        if good:
            rows[good] = embedder.assignments(np.stack([one for one in read if one is not None]))
        return rows

    pool = ThreadPoolExecutor(request.workers or usable_cores(), thread_name_prefix="augnet-assign")
    try:
        yield from pool.map(work, range(0, len(files), BATCH))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pixels(folder: str, images: Images, number: int, embedder: Embedder, limit: float) -> np.ndarray | None:
    """The encoder's input from a file; None if it changed or went since the folder was looked through."""
    path = images.paths[number]
    try:
        data = read_bytes(os.path.join(folder, path), follow_links=False)
        if content_hash(data).encode() != images.contents.hashes[images.rows[number]]:
            return None
        return decode(data, embedder.resize, limit, path).pixels
    except Unusable:
        return None


def _file(place: Place, encoder: str) -> str:
    return os.path.join(place.cache, f"{PREFIX}{encoder}{SUFFIX}")


def _kept(place: Place, embedder: Embedder) -> tuple[np.ndarray, np.ndarray]:
    """Hashes in order, and the probabilities of each; none where nothing is kept that can be read."""
    try:
        with np.load(_file(place, embedder.id), allow_pickle=False) as file:
            hashes, shares = file["hashes"], file["shares"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        hashes, shares = np.empty(0, "S1"), np.empty(0)
    if shares.shape != (len(hashes), embedder.clusters):
        return np.empty(0, "S1"), np.empty((0, embedder.clusters), np.float32)
    return hashes, shares.astype(np.float32)


def _keep(
    place: Place,
    embedder: Embedder,
    hashes: np.ndarray,
    made: np.ndarray,
    known: np.ndarray,
    kept: np.ndarray,
) -> None:
    """Keep what was made, and what was kept of other contents; a disk that is full costs the next run time.

    What is of no file any more stays until the encoder changes: 4 C bytes a content.
    """
    done = ~np.isnan(made[:, 0])
    others = ~np.isin(known, hashes)
    every = np.concatenate([hashes[done], known[others]]) if len(known) else hashes[done]
    shares = np.concatenate([made[done], kept[others]])
    order = np.argsort(every, kind="stable")
    file = _file(place, embedder.id)
    with suppress(OSError):
        with open(f"{file}.tmp", "wb") as stream:
            np.savez(stream, hashes=every[order], shares=shares[order])
        os.replace(f"{file}.tmp", file)
        _forget_old(place)


def _forget_old(place: Place) -> None:
    with os.scandir(place.cache) as entries:
        files = [one for one in entries if one.name.startswith(PREFIX) and one.name.endswith(SUFFIX)]
    for old in sorted(files, key=lambda one: one.stat().st_mtime_ns, reverse=True)[MOST_KEPT:]:
        os.unlink(old.path)
