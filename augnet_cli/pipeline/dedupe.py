"""`dedupe`: which images of a folder show the same picture, and which of them may go. Changes no file."""

from __future__ import annotations

from augnet_cli.acting.decisions import decided
from augnet_cli.acting.plan import check_plan_file, save_plan
from augnet_cli.duplicates.decided import as_decided
from augnet_cli.duplicates.groups import group
from augnet_cli.duplicates.keep import DEFAULT_RULES, folders_without_images, parse_rules
from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.calibrate import auto_threshold, check_precision
from augnet_cli.pipeline.refresh import FolderRequest, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import DEFAULT_PRECISION, GIVEN, DedupeResult
from augnet_cli.search.exact import pairs_within


def dedupe(
    request: FolderRequest,
    threshold: float | None = None,
    progress: Progress = SILENT,
    precision: float | None = None,
    plan: str | None = None,
    keep: str | None = None,
) -> DedupeResult:
    """Find identical files by content and near duplicates by distance; what a person decided outweighs it.

    Args:
        threshold: cosine distance in [0, 2], inclusive; None takes the one at which `calibrate` estimates
            the precision, or the encoder's own where the images are too few for that.
        precision: wanted share of true ones among the redundant images; None is 0.99.
        plan: a `.jsonl` to write for `apply`: an image a line that may go.
        keep: rules for which image of a group stays, as `parse_rules` reads them; None is `DEFAULT_RULES`.

    Raises:
        UsageError: a threshold and a precision, or either out of its range; `plan` has another suffix;
            `keep` has a rule that there is not.
        PlanError: the plan can't be written.
        FolderError, StoreError, EncoderError: as `refreshed`.
        SearchError: the threshold makes a pair of nearly everything.
    """
    if threshold is not None and precision is not None:
        raise UsageError("--threshold and --precision exclude each other", "leave one of them out")
    wanted = DEFAULT_PRECISION if precision is None else precision
    check_precision(wanted)
    rules = DEFAULT_RULES if keep is None else parse_rules(keep)
    if plan is not None:
        check_plan_file(plan)
    with refreshed(request, progress) as fresh:
        collection = fresh.collection()
        result = fresh.result
        if threshold is None:
            limit, source = auto_threshold(fresh, collection, request, wanted, progress)
        else:
            limit, source = threshold, GIVEN
        said = {pair: one.same for pair, one in decided(fresh.store.place).by_pair.items()}
    for folder in folders_without_images(rules, collection.images):
        progress.note(f"--keep folder:{shown(folder)} decides nothing: no image lies below such a folder")
    pairs = pairs_within(collection.embeddings, limit, progress)
    contents = [""] * len(collection.embeddings)
    for image, row in zip(collection.images, collection.content_rows.tolist(), strict=True):
        contents[row] = image.content_hash
    pairs = as_decided(pairs, contents, collection.embeddings, said)
    groups = group(collection.images, collection.content_rows, pairs, rules=rules)
    sizes = {image.path: image.size_bytes for image in collection.images}
    found = DedupeResult(
        folder=result.folder,
        typed_folder=result.typed_folder,
        encoder=result.encoder,
        threshold=limit,
        images=len(collection.images),
        groups=groups,
        skipped=result.skipped,
        redundant_bytes=sum(sizes[image.path] for star in groups for image in star.redundant),
        threshold_from=source,
        keep=keep,
    )
    if plan is not None:
        save_plan(found, collection.images, plan)
    return found
