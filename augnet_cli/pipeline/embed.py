"""`embed`: bring the store up to date, and export the embeddings if asked."""

from __future__ import annotations

import os

import numpy as np

from augnet_cli.errors import FolderError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Collection, EmbedResult


def embed(request: FolderRequest, out: str | None = None, progress: Progress = SILENT) -> EmbedResult:
    """Embed every image of a folder that has no embedding yet.

    Args:
        out: a `.npz` to write: `paths` (n,) unicode and `embeddings` (n, d) float32, one row a file.

    Raises:
        FolderError, StoreError, EncoderError: as `refreshed`; FolderError too where `out` can't be written.
    """
    with refreshed(request, progress) as fresh:
        if out is not None:
            write_npz(fresh.store.collection(fresh.embedder.id), out)
        return fresh.result


def write_npz(collection: Collection, out: str) -> None:
    """Write paths and embeddings, whole or not at all."""
    paths = np.array([image.path for image in collection.images], dtype=np.str_)
    temporary = f"{out}.new"
    try:
        with open(temporary, "wb") as file:
            np.savez(file, paths=paths, embeddings=collection.image_embeddings)
        os.replace(temporary, out)
    except OSError as error:
        raise FolderError(
            f"{shown(out)} can't be written: {(error.strerror or 'unknown reason').lower()}",
            "name a file in a folder you can write: --out FILE.npz",
        ) from error
