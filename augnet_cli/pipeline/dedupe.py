"""`dedupe`: which images of a folder show the same picture, and which of them may go. Changes no file.

What only some runs need (proofs, plans, calibration) is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

from augnet_cli.duplicates.groups import group
from augnet_cli.duplicates.keep import DEFAULT_RULES, REFERENCE, Rule, folders_without_images, parse_rules
from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown
from augnet_cli.pipeline.by_distance import check_search, pairs_by_distance
from augnet_cli.pipeline.gathered import Gathered, ScopeRequest, gathered, layout_of
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import AUTO, DEFAULT_PRECISION, EXACT, GIVEN, Group, Recall
from augnet_cli.results import DedupeResult, Stack, Suspect
from augnet_cli.search.distance import check_threshold

EVERYTHING = ScopeRequest()


def dedupe(
    request: FolderRequest,
    threshold: float | None = None,
    progress: Progress = SILENT,
    precision: float | None = None,
    plan: str | None = None,
    keep: str | None = None,
    verify: bool = True,
    include_unverified: bool = False,
    stacks: bool = False,
    scope: ScopeRequest = EVERYTHING,
    search: str = EXACT,
) -> DedupeResult:
    """Find identical files by content and altered copies by proof; what a person decided outweighs both.

    Args:
        threshold: cosine distance in [0, 2], inclusive: no pair farther apart is looked at.  None takes each
            image's nearest ones and all within a wide radius; without `verify`, the distance at which
            `calibrate` estimates the precision, or the encoder's own where the images are too few for that.
        precision: wanted share of true ones among the redundant images, for `verify=False`; None is 0.99.
        plan: a `.jsonl` to write for `apply`: an image a line that may go.
        keep: rules for which image of a group stays, as `parse_rules` reads them; None is `DEFAULT_RULES`.
        verify: whether geometry has to prove that two images are the same picture; else the distance decides.
        include_unverified: whether images go, too, that are near enough but too plain for a proof.
        stacks: whether to tell of photos of one scene.
        scope: which images may be pairs, and which stay; the folder may be "" where it names two.
        search: for `verify=False`, EXACT or PARTITIONED: nearly all pairs, in a part of the time where the
            images are very many.

    Raises:
        UsageError: options that exclude each other, or one out of its range; `plan` has another suffix;
            `keep` has a rule that there is not; folders that lie in each other.
        PlanError: the plan can't be written.
        FolderError, StoreError, EncoderError: as `refreshed`.
        SearchError: the threshold makes a pair of nearly everything.
    """
    _check_options(threshold, precision, verify, include_unverified or stacks)
    check_search(search, verify)
    rules = DEFAULT_RULES if keep is None else parse_rules(keep)
    if plan is not None:
        from augnet_cli.acting.plan import check_plan_file, save_plan

        check_plan_file(plan)
    layout = layout_of(request, scope, progress)
    with gathered(layout, progress, to_prove=verify) as place:
        fresh, images = place.first, place.collection.images
        for folder in folders_without_images(rules, images):
            progress.note(f"--keep folder:{shown(folder)} decides nothing: no image lies below such a folder")
        if layout.fixed_folders:
            rules = (Rule(REFERENCE, layout.fixed_folders), *rules)
        limit, source = threshold, GIVEN if threshold is not None else AUTO
        recall: Recall | None = None
        suspects: tuple[Suspect, ...] = ()
        found_stacks: tuple[Stack, ...] = ()
        if verify:
            from augnet_cli.pipeline.verification import Terms, verified

            likely = fresh.embedder.card.threshold_for(DEFAULT_PRECISION)[1]
            terms = Terms(
                rules, limit, likely if limit is None else min(limit, likely), include_unverified, place.said
            )
            proved = verified(place, request, terms, progress)
            groups, suspects, found_stacks = proved.groups, proved.suspects, proved.stacks
        else:
            if limit is None:
                from augnet_cli.pipeline.calibrate import auto_threshold

                wanted = DEFAULT_PRECISION if precision is None else precision
                limit, source = auto_threshold(fresh, *place.of_first, wanted, progress)
            groups, recall = _by_distance(place, limit, rules, search, progress)
    going = [images.at(image.path) for star in groups for image in star.redundant]
    result = DedupeResult(
        folder=layout.folder,
        typed_folder=layout.typed_folder,
        encoder=fresh.result.encoder,
        threshold=limit,
        images=len(images),
        groups=groups,
        skipped=place.skipped,
        redundant_bytes=sum(image.size_bytes for image in going),
        threshold_from=source,
        suspects=suspects,
        stacks=found_stacks if stacks else (),
        keep=keep,
        verified=verify,
        include_unverified=include_unverified,
        typed=_typed(request, scope),
        searched=tuple(source.request.folder for source in layout.sources),
        plan=plan,
        search=search,
        recall=recall,
        typed_encoder=request.encoder,
    )
    if plan is not None:
        save_plan(result, [*going, *(images.at(star.kept.path) for star in groups)], plan)
    return result


def _check_options(
    threshold: float | None, precision: float | None, verify: bool, needs_proofs: bool
) -> None:
    if threshold is not None:
        check_threshold(threshold)
    if threshold is not None and precision is not None:
        raise UsageError("--threshold and --precision exclude each other", "leave one of them out")
    if precision is not None:
        from augnet_cli.pipeline.calibrate import check_precision

        check_precision(precision)
        if verify:
            raise UsageError(
                "--precision is for the distance alone; here every pair is proved",
                "leave it out, or add --no-verify",
            )
    if needs_proofs and not verify:
        raise UsageError(
            "--include-unverified and --stacks need proofs, which --no-verify leaves out",
            "leave --no-verify out",
        )


def _typed(request: FolderRequest, scope: ScopeRequest) -> tuple[str, ...]:
    """What was typed of where to look, and of what not to look at."""
    words = [request.folder] if request.folder else []
    for reference in scope.reference:
        words += ["--reference", reference]
    if scope.between is not None:
        words += ["--between", *scope.between]
    if scope.within_subfolders:
        words.append("--within-subfolders")
    if scope.files_from is not None:
        words += ["--files-from", scope.files_from]
    for pattern in request.exclude:
        words += ["--exclude", pattern]
    if request.max_megapixels is not None:
        words += ["--max-megapixels", f"{request.max_megapixels:.10g}"]
    return tuple(words)


def _by_distance(
    place: Gathered, limit: float, rules: Sequence[Rule], search: str, progress: Progress
) -> tuple[tuple[Group, ...], Recall | None]:
    collection = place.collection
    pairs, recall = pairs_by_distance(place, limit, search, progress)
    may_be_copies = place.rows.may_be_copies
    groups = group(
        collection.images, collection.content_rows, pairs, rules=rules, may_be_copies=may_be_copies
    )
    return groups, recall
