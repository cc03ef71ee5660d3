"""Bring a folder's store up to date: only new and changed files are read, what is gone leaves.

Every verb that answers for a whole folder starts here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from augnet_cli.cores import usable_cores
from augnet_cli.duplicates.sketching import Kept
from augnet_cli.encoder.devices import AUTO, check_device
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import Embedded, embed_files
from augnet_cli.encoder.locate import choose_encoder
from augnet_cli.errors import FolderError, StoreError
from augnet_cli.images.decode import MAX_MEGAPIXELS, decoder_id
from augnet_cli.images.files import is_excluded, is_image, met
from augnet_cli.images.names import shown
from augnet_cli.pipeline.changes import changes
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import FoundFile, Skip
from augnet_cli.results import EmbedResult
from augnet_cli.search.neighbours import see_to_index
from augnet_cli.store.columns import Collection, Images
from augnet_cli.store.entries import FileEntry
from augnet_cli.store.finding import remember_folder
from augnet_cli.store.lock import writing
from augnet_cli.store.place import Place, existing_store, place_for
from augnet_cli.store.store import Store

# A kill loses at most this many files' work, or this much time's.
SAVE_FILES = 256
SAVE_SECONDS = 2.0
# From so many images on other devices are tried: to open one takes about a second.
WORTH_A_TRIAL = 1000


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
        device: what computes embeddings, one of `encoder.devices.PROVIDERS` or `auto`.
    """

    folder: str
    encoder: str | None = None
    exclude: Sequence[str] = ()
    max_megapixels: float | None = None
    workers: int | None = None
    only: frozenset[str] | None = None
    always: tuple[str, ...] = ()
    store_beside: bool = True
    device: str = AUTO

    @property
    def is_whole(self) -> bool:
        """Whether it is about all images of the folder."""
        return not self.exclude and self.only is None

    @property
    def chosen(self) -> Callable[[str], bool] | None:
        """`is_about`, or None where it is about all."""
        return None if self.is_whole else self.is_about

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
        return self.store.collection(self.embedder.id, self.request.chosen)

    def images(self) -> Images:
        """The images of `collection`, without their embeddings."""
        return self.store.images(self.embedder.id, self.request.chosen)

    def with_embeddings(self, images: Images) -> Collection:
        """The collection of those images."""
        return self.store.with_embeddings(self.embedder.id, images)


@contextmanager
def refreshed(
    request: FolderRequest,
    progress: Progress = SILENT,
    kept: Kept | None = None,
    new_index: bool = False,
) -> Iterator[Fresh]:
    """Walk the folder, embed what is missing, forget what is gone, and lend the store, open.

    Small pictures that come along with embedding go into `kept`.  An index that serves queries is kept in
    step; with `new_index` one is built where there is none that can be.

    Raises:
        FolderError: no such folder, or no image in it.
        StoreError: another augnet is writing, or the store is broken or newer.
        EncoderError: the encoder can't be used.
    """
    started = time.monotonic()
    check_device(request.device)
    if existing_store(request.folder) is None:
        # Before a store is made: a folder without images is left as it was.
        _require_image(request)
    # A named encoder that can't be used leaves the folder as it was, too.
    named = Embedder.load(choose_encoder(request.encoder, "")) if request.encoder is not None else None
    place = place_for(request.folder, create=True, beside=request.store_beside)
    if place.note and request.store_beside:
        progress.note(place.note)
    embedder = named or Embedder.load(choose_encoder(None, place.data))
    with writing(place), Store.open(place, write=True) as store:
        limit = request.max_megapixels or MAX_MEGAPIXELS
        tag = f"{decoder_id()}, up to {limit:g} megapixels"
        new = changes(_met(request), store.known_files(embedder.id), request.chosen, tag)
        embedded = _embed(request, new.waiting, embedder, limit, tag, store, progress, kept)
        store.save(
            [FileEntry(FoundFile(one.path, 0, 0, 0, 0), "skip", reason=one.reason) for one in new.skips]
        )
        removed = store.forget(new.gone)
        if removed or new.replaced:
            store.forget_unreferenced()
        note = _see_to_index(place, store, embedder, new_index)
        kinds = _kinds(store, request, embedder.id)
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


def _met(request: FolderRequest) -> Iterator[FoundFile | Skip]:
    """What of the folder the request is about."""
    walked = met(request.folder, request.exclude)
    return walked if request.only is None else (one for one in walked if request.is_about(one.path))


def _kinds(store: Store, request: FolderRequest, encoder: str) -> Counter[str]:
    """How many files of each kind the request is about."""
    if request.is_whole:
        counts = store.counts()
        return Counter(image=counts.images, other=counts.others)
    return Counter(file.kind for file in store.known_files(encoder) if request.is_about(file.found.path))


def _require_image(request: FolderRequest) -> None:
    if not any(isinstance(one, Skip) or is_image(request.folder, one) for one in _met(request)):
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


def _embed(
    request: FolderRequest,
    waiting: Sequence[FoundFile],
    embedder: Embedder,
    limit: float,
    tag: str,
    store: Store,
    progress: Progress,
    kept: Kept | None,
) -> int:
    """Embed and save; returns how many contents got an embedding. What was done survives an interrupt."""
    if not waiting:
        return 0
    # It grows with what is embedded, so that a copy met later is not embedded again.
    contents = store.embedded_hashes(embedder.id)
    if request.device != AUTO or len(waiting) >= WORTH_A_TRIAL:
        embedder = embedder.on(request.device)
    count, saved_at = 0, time.monotonic()
    batch: list[FileEntry] = []
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


def _see_to_index(place: Place, store: Store, embedder: Embedder, may_be_new: bool) -> str | None:
    try:
        return see_to_index(place, store, embedder.id, embedder.dim, may_be_new)
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
