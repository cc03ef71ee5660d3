"""Bring a folder's store up to date: only new and changed files are read, what is gone leaves.

Every verb that answers for a whole folder starts here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.duplicates.sketching import Kept
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import Embedded, embed_files
from augnet_cli.encoder.locate import choose_encoder
from augnet_cli.errors import FolderError, StoreError
from augnet_cli.images.decode import MAX_MEGAPIXELS, decoder_id
from augnet_cli.images.files import Walk, is_excluded, is_image, walk
from augnet_cli.images.names import shown
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Collection, FoundFile, Skip
from augnet_cli.results import EmbedResult
from augnet_cli.search.neighbours import build_index
from augnet_cli.store.entries import FileEntry, KnownFile
from augnet_cli.store.finding import remember_folder
from augnet_cli.store.lock import writing
from augnet_cli.store.place import Place, existing_store, place_for
from augnet_cli.store.store import Store

# A kill loses at most this many files' work, or this much time's.
SAVE_FILES = 256
SAVE_SECONDS = 2.0


@dataclass(frozen=True)
class FolderRequest:
    """What every verb over a folder may be told; None takes the default.

    Attributes:
        folder: as the user typed it.
        encoder: an encoder file, `shipped`, or None for the folder's own, else the shipped one.
        exclude: globs of paths or names to leave out of the answer; the store keeps what it has of them.
        max_megapixels: larger images are skipped.
        workers: threads; None for the cores this process may use.
        only: paths, relative to the folder, of the files that the request is about; None is all.
        always: folders, relative to the folder, of files that it is about whatever `only` says.
        store_beside: whether a new store may lie beside the images; else it goes to the user's cache folder.
    """

    folder: str
    encoder: str | None = None
    exclude: Sequence[str] = ()
    max_megapixels: float | None = None
    workers: int | None = None
    only: frozenset[str] | None = None
    always: tuple[str, ...] = ()
    store_beside: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether it is about all images of the folder."""
        return not self.exclude and self.only is None

    def is_about(self, path: str) -> bool:
        """Whether it is about the file at a path relative to the folder."""
        return self._is_listed(path) and not is_excluded(path, self.exclude)

    def _is_listed(self, path: str) -> bool:
        if self.only is None or path in self.only:
            return True
        return any(path.startswith(folder + "/") for folder in self.always)


@dataclass(frozen=True)
class Fresh:
    """An open store that matches the folder, and how it came to."""

    store: Store
    embedder: Embedder
    result: EmbedResult
    request: FolderRequest

    def collection(self) -> Collection:
        """The embedded images that the request is about."""
        whole = self.store.collection(self.embedder.id)
        if self.request.is_whole:
            return whole
        wanted = [row for row, image in enumerate(whole.images) if self.request.is_about(image.path)]
        contents, rows = np.unique(whole.content_rows[wanted], return_inverse=True)
        images = tuple(whole.images[row] for row in wanted)
        return Collection(images, rows.astype(np.int64), whole.embeddings[contents])


@contextmanager
def refreshed(
    request: FolderRequest, progress: Progress = SILENT, kept: Kept | None = None
) -> Iterator[Fresh]:
    """Walk the folder, embed what is missing, forget what is gone, and lend the store, open.

    Small pictures that come along with embedding go into `kept`.

    Raises:
        FolderError: no such folder, or no image in it.
        StoreError: another augnet is writing, or the store is broken or newer.
        EncoderError: the encoder can't be used.
    """
    started = time.monotonic()
    walked = _walked(request)
    if existing_store(request.folder) is None:
        # Before a store is made: a folder without images is left as it was.
        _require_image(request, walked)
    # A named encoder that can't be used leaves the folder as it was, too.
    named = Embedder.load(choose_encoder(request.encoder, "")) if request.encoder is not None else None
    place = place_for(request.folder, create=True, beside=request.store_beside)
    if place.note and request.store_beside:
        progress.note(place.note)
    embedder = named or Embedder.load(choose_encoder(None, place.data))
    with writing(place), Store.open(place, write=True) as store:
        known = store.known_files()
        contents = store.embedded_hashes(embedder.id)
        limit = request.max_megapixels or MAX_MEGAPIXELS
        tag = f"{decoder_id()}, up to {limit:g} megapixels"
        waiting = [found for found in walked.files if not _is_settled(found, known, contents, tag)]
        embedded = _embed(request, waiting, embedder, contents, limit, tag, store, progress, kept)
        _save_walk_skips(store, walked.skips, known)
        present = {found.path for found in walked.files} | {skip.path for skip in walked.skips}
        gone = [path for path in known if path not in present and request.is_about(path)]
        removed = store.forget(gone)
        store.forget_unreferenced()
        note = _build_index(place, store, embedder)
        kinds = _kinds(store, request)
        skipped = tuple(skip for skip in store.skips() if request.is_about(skip.path))
        if kinds["image"] + len(skipped) == 0:
            raise no_image(request)
        if note and kinds["image"]:
            progress.note(note)
        remember_folder(request.folder)
        result = EmbedResult(
            folder=place.folder,
            typed_folder=request.folder,
            encoder=embedder.id,
            images=kinds["image"],
            embedded=embedded,
            known=kinds["image"] - embedded,
            removed=removed,
            others=kinds["other"],
            skipped=skipped,
            seconds=time.monotonic() - started,
        )
        yield Fresh(store, embedder, result, request)


def _walked(request: FolderRequest) -> Walk:
    walked = walk(request.folder, request.exclude)
    if request.only is None:
        return walked
    files = (found for found in walked.files if request.is_about(found.path))
    return Walk(tuple(files), tuple(skip for skip in walked.skips if request.is_about(skip.path)))


def _kinds(store: Store, request: FolderRequest) -> Counter[str]:
    """How many files of each kind the request is about."""
    if request.is_whole:
        counts = store.counts()
        return Counter(image=counts.images, other=counts.others)
    known = store.known_files().items()
    return Counter(file.kind for path, file in known if request.is_about(path))


def _require_image(request: FolderRequest, walked: Walk) -> None:
    if not walked.skips and not any(is_image(request.folder, found) for found in walked.files):
        raise no_image(request)


def no_image(request: FolderRequest) -> FolderError:
    """What a user is told whose folder holds no image that the request is about."""
    folder = shown(request.folder)
    if request.always and not request.only:
        below = " or ".join(map(shown, request.always))
        return FolderError(f"{folder} holds no image below {below}", "name folders of pictures")
    if request.only is not None:
        return FolderError(f"{folder} holds no image that is listed", "list images below it, a path a line")
    if request.exclude:
        return FolderError(f"{folder} holds no image beside what --exclude leaves out", "leave out less")
    return FolderError(
        f"{folder} holds no image",
        "name a folder of pictures; the folders below it are looked through too",
    )


def _is_settled(found: FoundFile, known: dict[str, KnownFile], contents: set[str], tag: str) -> bool:
    """Whether the store already says all there is to say about an unchanged file."""
    before = known.get(found.path)
    if before is None or before.found != found:
        return False
    if before.kind == "image":
        return before.content_hash in contents
    # A skip is settled under the decoder that gave it up; one that could not be read is always tried again.
    return before.kind == "other" or before.decoder == tag


def _embed(
    request: FolderRequest,
    waiting: Sequence[FoundFile],
    embedder: Embedder,
    contents: set[str],
    limit: float,
    tag: str,
    store: Store,
    progress: Progress,
    kept: Kept | None,
) -> int:
    """Embed and save; returns how many contents got an embedding. What was done survives an interrupt.

    `contents` grows with what is embedded, so that a copy met later is not embedded again.
    """
    count, saved_at = 0, time.monotonic()
    batch: list[FileEntry] = []
    if waiting:
        progress.start("embedding", len(waiting))
    workers, beside = request.workers or usable_cores(), None if kept is None else kept.side
    embedding = embed_files(request.folder, waiting, embedder, contents, workers, limit, beside)
    try:
        # Closed at once, not when the garbage is collected: an interrupt ends the threads' work too.
        with closing(embedding) as steps:
            for step in steps:
                batch.append(_entry(step, embedder.id, tag))
                if step.content_hash is not None and step.content_hash not in contents:
                    contents.add(step.content_hash)
                    count += 1
                    if kept is not None and step.beside is not None:
                        kept.keep(step.content_hash, step.beside)
                progress.advance(1, skipped=step.kind == "skip")
                if len(batch) >= SAVE_FILES or time.monotonic() - saved_at > SAVE_SECONDS:
                    store.save(batch)
                    batch, saved_at = [], time.monotonic()
    finally:
        progress.finish()
        store.save(batch)
    return count


def _build_index(place: Place, store: Store, embedder: Embedder) -> str | None:
    try:
        return build_index(place, store, embedder.id, embedder.dim)
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise StoreError(
            f"the index in {shown(place.cache)} can't be written: {why}",
            "check that the folder is still there and its disk has room, then run it again",
        ) from error


def _entry(step: Embedded, encoder: str, tag: str) -> FileEntry:
    return FileEntry(
        found=step.found,
        kind=step.kind,
        content_hash=step.content_hash,
        reason=step.reason,
        decoder=tag if step.kind == "skip" and not step.transient else None,
        width=step.width,
        height=step.height,
        taken_at=step.taken_at,
        embedding=step.embedding,
        encoder=encoder if step.embedding is not None else None,
    )


def _save_walk_skips(store: Store, skips: Sequence[Skip], known: dict[str, KnownFile]) -> None:
    """Keep what the walk itself could not use: links, pipes, unreadable folders."""
    new = [
        skip
        for skip in skips
        if skip.path not in known or (known[skip.path].kind, known[skip.path].reason) != ("skip", skip.reason)
    ]
    store.save([FileEntry(FoundFile(skip.path, 0, 0, 0, 0), "skip", reason=skip.reason) for skip in new])
