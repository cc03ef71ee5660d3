"""`info`: what augnet knows of a folder, and what it works with."""

from __future__ import annotations

import os

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import choose_encoder
from augnet_cli.errors import StoreError
from augnet_cli.images.decode import decoder_id
from augnet_cli.images.names import pasted, shown
from augnet_cli.results import FolderInfo
from augnet_cli.search import annoy_index
from augnet_cli.store.entries import Counts
from augnet_cli.store.place import checked_folder, existing_store, place_for
from augnet_cli.store.store import Store
from augnet_cli.version import __version__


def info(folder: str, encoder: str | None = None) -> FolderInfo:
    """Look at a folder's store without changing it; where only training was here, at its encoder.

    Raises:
        FolderError: no such folder.
        StoreError: nothing is known of it yet, or its store is broken.
    """
    path = checked_folder(folder)
    place = existing_store(folder) or place_for(folder, create=False)
    has_store = os.path.isfile(place.store_file)
    if not os.path.isdir(place.data) and not has_store:
        raise StoreError(f"{shown(folder)} has no store yet", f"augnet embed {pasted(folder)}")
    file = choose_encoder(encoder, place.data)
    card = Embedder.load(file).card
    counts, facts = Counts(images=0, skips=0, others=0), None
    if has_store:
        with Store.open(place, write=False) as store:
            counts, facts = store.counts(), store.index_facts()
    return FolderInfo(
        version=1,
        augnet=__version__,
        folder=path,
        store=place.cache if has_store else None,
        store_bytes=_size(place.cache) if has_store else 0,
        images=counts.images,
        skipped=counts.skips,
        others=counts.others,
        encoder=card.id,
        encoder_file=file,
        encoder_method=card.method,
        dim=card.dim,
        threshold=card.threshold,
        index=facts,
        annoy=annoy_index.works(),
        decoders=decoder_id(),
    )


def _size(folder: str) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.stat().st_size for entry in entries if entry.is_file())
