"""`embed`: bring the store up to date, and export the embeddings if asked."""

from __future__ import annotations

import os
import zipfile
from typing import IO, Any

import numpy as np

from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.results import EmbedResult
from augnet_cli.store.columns import BLOCK, Collection
from augnet_cli.whole import whole_file

SUFFIX = ".npz"
MEMBERS = ["paths.npy", "embeddings.npy"]


def embed(request: FolderRequest, out: str | None = None, progress: Progress = SILENT) -> EmbedResult:
    """Embed every image of a folder that has no embedding yet.

    Args:
        out: a `.npz` to write: `paths` (n,) unicode and `embeddings` (n, d) float32, one row a file.

    Raises:
        UsageError: `out` has another suffix.
        FolderError, StoreError, EncoderError: as `refreshed`; FolderError too where `out` can't be written.
    """
    if out is not None:
        _check_out(out)
    with refreshed(request, progress, new_index=True) as fresh:
        if out is not None:
            write_npz(fresh.collection(), fresh.embedder.dim, out)
        return fresh.result


def write_npz(collection: Collection, dim: int, out: str) -> None:
    """Write paths and embeddings, whole or not at all, and some rows at a time."""
    paths, count = collection.images.paths, len(collection.images)
    width = max(map(len, paths), default=1)
    try:
        with whole_file(out) as whole, zipfile.ZipFile(whole, "w", allowZip64=True) as file:
            with file.open(MEMBERS[0], "w", force_zip64=True) as stream:
                _write_head(stream, np.dtype((np.str_, width)), (count,))
                for start in range(0, count, BLOCK):
                    stream.write(np.array(paths[start : start + BLOCK], (np.str_, width)).tobytes())
            with file.open(MEMBERS[1], "w", force_zip64=True) as stream:
                _write_head(stream, np.dtype(np.float32), (count, dim))
                for start in range(0, count, BLOCK):
                    rows = collection.content_rows[start : start + BLOCK]
                    stream.write(collection.embeddings[rows].tobytes())
    except OSError as error:
        raise _not_writable(out, (error.strerror or "unknown reason").lower()) from error


def _write_head(stream: IO[bytes], kind: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """What stands in a .npy before its values."""
    head = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, head)


def _check_out(out: str) -> None:
    """Refuse before the work what can't be written after it, and a name that could be a photo's."""
    if not out.lower().endswith(SUFFIX):
        raise UsageError(f"{shown(out)} does not end in {SUFFIX}", "--out FILE.npz")
    if os.path.isdir(out):
        raise _not_writable(out, "it is a folder")
    if not os.path.isdir(os.path.dirname(out) or "."):
        raise _not_writable(out, "its folder does not exist")
    if os.path.lexists(out) and not _is_ours(out):
        raise _not_writable(out, "there is another file of that name")


def _is_ours(out: str) -> bool:
    """Whether an earlier run wrote it: another's arrays must not be lost."""
    if not os.path.isfile(out):  # a pipe would wait for ever
        return False
    try:
        with zipfile.ZipFile(out) as file:
            return file.namelist() == MEMBERS
    except (OSError, zipfile.BadZipFile):
        return False


def _not_writable(out: str, why: str) -> FolderError:
    return FolderError(
        f"{shown(out)} can't be written: {why}", "name a file in a folder you can write: --out FILE.npz"
    )
