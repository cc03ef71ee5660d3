"""`dedupe`: which images of a folder show the same picture, and which of them may go. Changes no file."""

from __future__ import annotations

from augnet_cli.duplicates.groups import group
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import DedupeResult
from augnet_cli.search.exact import pairs_within


def dedupe(
    request: FolderRequest, threshold: float | None = None, progress: Progress = SILENT
) -> DedupeResult:
    """Find identical files by content and near duplicates by distance.

    Args:
        threshold: cosine distance in [0, 2], inclusive; None takes the one the encoder's card names.

    Raises:
        FolderError, StoreError, EncoderError: as `refreshed`.
        SearchError: the threshold makes a pair of nearly everything.
    """
    with refreshed(request, progress) as fresh:
        collection = fresh.collection()
        result = fresh.result
        limit = fresh.embedder.card.threshold if threshold is None else threshold
    pairs = pairs_within(collection.embeddings, limit, progress)
    groups = group(collection.images, collection.content_rows, pairs)
    sizes = {image.path: image.size_bytes for image in collection.images}
    return DedupeResult(
        folder=result.folder,
        typed_folder=result.typed_folder,
        encoder=result.encoder,
        threshold=limit,
        images=len(collection.images),
        groups=groups,
        skipped=result.skipped,
        redundant_bytes=sum(sizes[image.path] for star in groups for image in star.redundant),
    )
