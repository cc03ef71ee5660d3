"""`query`: the images of a folder that look most like one image."""

from __future__ import annotations

import os

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import choose_encoder
from augnet_cli.images.files import content_hash
from augnet_cli.images.names import shown
from augnet_cli.pipeline.encode import pixels_of, read_named
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import Answer, Hit, QueryResult
from augnet_cli.search.neighbours import open_nearest
from augnet_cli.store.finding import find_folder, remember_folder
from augnet_cli.store.place import Place, existing_store, place_for
from augnet_cli.store.store import Store

DEFAULT_K = 10


def query(
    image: str,
    k: int = DEFAULT_K,
    folder: str | None = None,
    encoder: str | None = None,
    refresh: bool = False,
    progress: Progress = SILENT,
) -> QueryResult:
    """Find the `k` images nearest to `image`, nearest first; the file itself is left out.

    The folder is not walked again unless `refresh` says so, or it has no embeddings yet under the encoder.

    Args:
        image: a file, in the folder or anywhere else.
        k: hits wanted, at least 1.
        folder: where to search; None looks for a store as `store.finding.find_folder` says.

    Raises:
        ImageError: the image can't be used.
        FolderError, StoreError, EncoderError: as `refreshed`.
    """
    data = read_named(image)
    found, how = find_folder(image, folder, os.getcwd())
    place = existing_store(found) or place_for(found, create=False)
    embedder = Embedder.load(choose_encoder(encoder, place.data))
    # Before the folder's turn, which may take long: an image that can't be used is told at once.
    pixels = pixels_of(image, data, embedder.resize)
    up_to_date = not refresh and _has_embeddings(place, embedder)
    if folder is None:
        progress.note(f"searching {shown(found)} ({how})")
    if not up_to_date:
        with refreshed(FolderRequest(found, encoder=encoder), progress, new_index=True) as fresh:
            place = fresh.store.place
    row = embedder.embed(pixels[None])[0]
    with Store.open(place, write=False) as store:
        nearest = open_nearest(place, store, embedder.id)
        # One more than wanted: the query's own content is among them if its file is in the folder.
        hashes, distances = nearest.nearest(row, k + 1)
        if nearest.note:
            progress.note(nearest.note)
        paths = store.paths_of(hashes)
    own, own_content = os.path.realpath(image), content_hash(data)
    hits = [
        Hit(path, 0.0 if content == own_content else float(distance))
        for content, distance in zip(hashes, distances, strict=True)
        for path in paths.get(content, ())
        if os.path.realpath(os.path.join(place.folder, path)) != own
    ]
    remember_folder(found)
    return QueryResult(
        folder=place.folder,
        typed_folder=found,
        encoder=embedder.id,
        answers=(Answer((image,), tuple(sorted(hits, key=lambda hit: hit.distance)[:k])),),
    )


def _has_embeddings(place: Place, embedder: Embedder) -> bool:
    """Whether the store was last brought up to date under this encoder."""
    if existing_store(place.folder) is None:
        return False
    with Store.open(place, write=False) as store:
        facts = store.index_facts()
    return facts is not None and facts.get("encoder") == embedder.id
