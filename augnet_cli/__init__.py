"""augnet as a library: the verbs of the command line as functions.

    from augnet_cli import dedupe, encode, index, query

    index("photos")                                  # embed what is new, keep it in photos/.augnet
    for group in dedupe("photos").groups:
        print(group.kept.path, [image.path for image in group.redundant])
    print(query("img.png", k=5, folder="photos").hits)
    vectors = encode(["a.jpg", "b.jpg"])             # (2, dim) float32 unit rows

Nothing heavy is imported before a function is called. Errors are `AugnetError`s.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from augnet_cli.errors import AugnetError
from augnet_cli.progress import SILENT, Progress
from augnet_cli.version import __version__

if TYPE_CHECKING:
    import numpy as np

    from augnet_cli import results
    from augnet_cli.acting.outcome import Action, ApplyResult, Decision, UndoResult

    # Text, or what has a path as text: a pathlib.Path.
    Path = str | os.PathLike[str]

__all__ = [
    "Action",
    "ApplyResult",
    "AugnetError",
    "CalibrationResult",
    "ClusterResult",
    "Decision",
    "DedupeResult",
    "EmbedResult",
    "InspectResult",
    "LeaksResult",
    "Progress",
    "QueryResult",
    "UndoResult",
    "__version__",
    "apply",
    "calibrate",
    "cluster",
    "decide",
    "dedupe",
    "encode",
    "index",
    "inspect",
    "leaks",
    "query",
    "undo",
]
_OUTCOMES = ("Action", "ApplyResult", "Decision", "UndoResult")


def __getattr__(name: str) -> object:
    """A record: made when one is asked for (PEP 562), for that takes a start as long as all else in it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{'acting.outcome' if name in _OUTCOMES else 'results'}"), name)
    globals()[name] = found
    return found


def encode(images: Sequence[Path], encoder: Path | None = None) -> np.ndarray:
    """Embed image files: (n, d) float32 unit rows in the order given; distance is 1 - dot product.

    Args:
        images: paths; none may fail.
        encoder: an encoder file; None takes the shipped one.
    """
    from augnet_cli.pipeline.encode import encode as verb

    return verb([os.fspath(image) for image in images], _text(encoder))


def index(
    folder: Path,
    out: Path | None = None,
    encoder: Path | None = None,
    exclude: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress = SILENT,
) -> results.EmbedResult:
    """Embed what is new or changed in `folder` and keep it in `folder`/.augnet; `out` is an .npz to write."""
    from augnet_cli.pipeline.embed import embed
    from augnet_cli.pipeline.refresh import FolderRequest

    return embed(
        FolderRequest(os.fspath(folder), _text(encoder), exclude, workers=workers), _text(out), progress
    )


def dedupe(
    folder: Path | None,
    threshold: float | None = None,
    encoder: Path | None = None,
    exclude: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress = SILENT,
    precision: float | None = None,
    plan: Path | None = None,
    keep: str | None = None,
    verify: bool = True,
    include_unverified: bool = False,
    stacks: bool = False,
    reference: Sequence[Path] = (),
    between: tuple[Path, Path] | None = None,
    within_subfolders: bool = False,
    files: Sequence[Path] | None = None,
    search: str = "exact",
) -> results.DedupeResult:
    """Find images of `folder` that show the same picture; changes no file.

    Args:
        threshold: cosine distance in [0, 2], inclusive; pairs farther apart are not looked at, None looks at
            all that are likely.  Without `verify` None takes the one that `calibrate` finds for `precision`,
            or the one the encoder's card names where there are fewer than 1,000 different images.
        precision: without `verify`, wanted share of true ones among the redundant images; None is 0.99.
        plan: a `.jsonl` to write for `apply`.
        keep: rules for which image of a group stays, such as `folder:originals,resolution`; None is
            `unedited,resolution,bytes,shortest-path`.
        verify: whether geometry has to prove each pair; else the distance alone decides.
        include_unverified: whether near pairs count that show too little for a proof.
        stacks: whether to tell of photos of one scene.
        reference: folders, in `folder` or elsewhere, whose images always stay; others may go for them.
        between: two folders; only pairs with an image in each count.  `folder` may then be None: images of
            both may go, and paths are relative to the folder that holds both.
        within_subfolders: only pairs of images that lie in one directory count.
        files: the only files of `folder` that count; those of a reference do in any case.
        search: without `verify`, "exact" or "partitioned": at least 0.999 of the pairs, measured on them, in
            a part of the time among hundreds of thousands of images.

    Images outside of `folder` never go; their paths are absolute.
    """
    from augnet_cli.pipeline.dedupe import dedupe as verb
    from augnet_cli.pipeline.gathered import ScopeRequest
    from augnet_cli.pipeline.refresh import FolderRequest

    scope = ScopeRequest(
        tuple(os.fspath(path) for path in reference),
        None if between is None else (os.fspath(between[0]), os.fspath(between[1])),
        within_subfolders,
        None if files is None else tuple(os.fspath(path) for path in files),
    )
    return verb(
        FolderRequest(_text(folder) or "", _text(encoder), exclude, workers=workers),
        threshold,
        progress,
        precision,
        _text(plan),
        keep,
        verify,
        include_unverified,
        stacks,
        scope,
        search,
    )


def apply(
    plan: Path,
    action: Action | str = "quarantine",
    include_unverified: bool = False,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> ApplyResult:
    """Carry out a plan that `dedupe` wrote; does not ask, whatever the action.

    Args:
        action: `quarantine`, `trash`, `hardlink`, `symlink`, or `delete`, which alone can't be undone.
        include_unverified: act also where only a distance says that two images are the same picture.
        dry_run: look at everything and change nothing.
    """
    from augnet_cli.acting.outcome import Action
    from augnet_cli.pipeline.apply import apply as verb

    return verb(os.fspath(plan), Action(action), include_unverified, dry_run, progress)


def undo(folder: Path, which: str = "last", progress: Progress = SILENT) -> UndoResult:
    """Bring back what `apply` took from `folder`; `which` is `last`, `all`, or the name of a run."""
    from augnet_cli.pipeline.undo import undo as verb

    return verb(os.fspath(folder), which, progress)


def decide(folder: Path, first: Path, second: Path, same: bool | None) -> Decision:
    """Remember, by content, that two images of `folder` are the same picture or are not; None forgets it."""
    from augnet_cli.pipeline.decide import decide as verb

    return verb(os.fspath(folder), os.fspath(first), os.fspath(second), same)


def leaks(
    train: Path,
    test: Path,
    val: Path | None = None,
    threshold: float | None = None,
    encoder: Path | None = None,
    exclude: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress = SILENT,
    verify: bool = True,
    write_clean: Path | None = None,
    search: str = "exact",
) -> results.LeaksResult:
    """Find images of one split of a data set that are, however altered, in another; changes no image.

    Args:
        threshold, verify, search: as in `dedupe`.
        encoder: an encoder file for all splits; None takes the shipped one.
        write_clean: a `.txt` to write: the images of `train` that are in no other split, a path a line.
    """
    from augnet_cli.pipeline.leaks import leaks as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    folders = [os.fspath(folder) for folder in (train, test, val) if folder is not None]
    request = FolderRequest("", _text(encoder), exclude, workers=workers)
    return verb(request, folders, threshold, progress, verify, _text(write_clean), search)


def calibrate(
    folder: Path,
    precision: float = 0.99,
    encoder: Path | None = None,
    exclude: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress = SILENT,
) -> results.CalibrationResult:
    """Say what each distance means in `folder`: precision, recall, and the threshold for `precision`."""
    from augnet_cli.pipeline.calibrate import calibrate as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    request = FolderRequest(os.fspath(folder), _text(encoder), exclude, workers=workers)
    return verb(request, precision, progress)


def cluster(
    folder: Path,
    k: int | None = None,
    seed: int = 0,
    encoder: Path | None = None,
    exclude: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress = SILENT,
    method: str = "kmeans",
    dedupe_first: bool = True,
    outliers: int = 0,
    spread: bool = False,
) -> results.ClusterResult:
    """Split the images of `folder` into clusters that belong together, and large ones into sub-clusters.

    Args:
        k: how many; None finds out.
        method: `kmeans`, `agglomerative`, `hdbscan`, which may leave images out, or `scan`, for the clusters
            of an encoder that was trained so.
        dedupe_first: whether near copies are counted once.
        outliers: how many of the images least like any other to tell.
        spread: whether to tell where each image lies: its place on a map, its neighbours.
    """
    from augnet_cli.pipeline.cluster import ClusterRequest
    from augnet_cli.pipeline.cluster import cluster as verb
    from augnet_cli.pipeline.parting import Wish
    from augnet_cli.pipeline.refresh import FolderRequest

    request = FolderRequest(os.fspath(folder), _text(encoder), exclude, workers=workers)
    asked = ClusterRequest(Wish(method, k, seed, dedupe_first), outliers, spread)
    return verb(request, asked, progress)


def inspect(
    folder: Path,
    only: Sequence[str] = (),
    encoder: Path | None = None,
    exclude: Sequence[str] = (),
    workers: int | None = None,
    progress: Progress = SILENT,
) -> results.InspectResult:
    """Say what `folder` is made of, and which of its pictures look wrong; changes no image.

    Args:
        only: flags such as "blurred": the images with one of them are listed; the counts are of all.
    """
    from augnet_cli.pipeline.inspect import inspect as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    request = FolderRequest(os.fspath(folder), _text(encoder), exclude, workers=workers)
    return verb(request, only, progress)


def query(
    image: Path | Sequence[Path],
    k: int = 10,
    folder: Path | None = None,
    encoder: Path | None = None,
    refresh: bool = False,
    progress: Progress = SILENT,
    average: bool = False,
    without: Path | Sequence[Path] = (),
    threshold: float | None = None,
    crop: tuple[int, int, int, int] | None = None,
    verify: bool = False,
) -> results.QueryResult:
    """Find the `k` images of `folder` nearest to `image`, or to each of several; a folder is all its images.

    Args:
        folder: where to search; None looks for a folder as the command does.
        average: one answer to all query images together.
        without: images to push the queries away from.
        threshold: cosine distance in [0, 2] of the farthest hits, inclusive; None is any.
        crop: left, top, width, height: the part of the only query image to ask by, in pixels as it is shown.
        verify: whether geometry says of each hit if it is the same picture (`Hit.same`, `Hit.verdict`).

    Of several images those that can't be used are in `QueryResult.skipped`; if none can, that is an error.
    """
    from augnet_cli.pipeline.query import QueryRequest
    from augnet_cli.pipeline.query import query as verb

    request = QueryRequest(
        images=_texts(image),
        k=k,
        folder=_text(folder),
        encoder=_text(encoder),
        refresh=refresh,
        average=average,
        without=_texts(without),
        threshold=threshold,
        crop=crop,
        verify=verify,
    )
    return verb(request, progress)


def _texts(paths: Path | Sequence[Path]) -> tuple[str, ...]:
    if isinstance(paths, str | os.PathLike):
        return (os.fspath(paths),)
    return tuple(os.fspath(path) for path in paths)


def _text(path: Path | None) -> str | None:
    return None if path is None else os.fspath(path)
