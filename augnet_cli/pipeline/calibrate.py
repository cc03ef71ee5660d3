"""`calibrate`: what distances mean in one folder, and the one at which a precision is reached.

Measured once and kept in the store with its curve; `dedupe` asks here for its threshold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from augnet_cli.cores import usable_cores
from augnet_cli.duplicates.calibrate import Sample, calibrated_threshold, precision_curve
from augnet_cli.duplicates.tail import NEIGHBOURS
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.errors import UsageError
from augnet_cli.images.changes import CHANGES, altered
from augnet_cli.images.decode import MAX_MEGAPIXELS, decode_short_side
from augnet_cli.images.files import content_hash, read_bytes
from augnet_cli.images.names import pasted
from augnet_cli.images.squares import square
from augnet_cli.images.unusable import Unusable
from augnet_cli.pipeline.refresh import FolderRequest, Fresh, refreshed
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import CALIBRATED, CARD, DEFAULT_PRECISION
from augnet_cli.results import CalibrationResult, CurvePoint
from augnet_cli.store.columns import Collection, Images, Texts

# Fewer different images have too few pairs of different ones to say how near those come.
MIN_IMAGES = 1000
# Altered in every way there is: about 2,400 pictures to embed, a few seconds.  Recall is good to 0.04 of each
# kind of change and to 0.02 over all; the shape of the copies' distances needs no more.
PROBES = 128
PROBE_SCALE = (
    2  # they are altered at twice the encoder's size: large enough to be sharp, small enough to be fast
)
AMONG = 40  # distances between altered copies of one image, of the 171 there are: enough for their spread
ROWS = 4000  # images whose neighbours are looked at; of more images a sample
BLOCK_BYTES = 16 << 20  # similarities computed at once; a few times as much is in use
SEED = 0
STALE_SHARE = 0.05  # a calibration is made again when this share of the images is new or gone
# Contents by which that share is told, those with the smallest hashes: it is good to 0.01, and exact where
# the folder has no more.  After Broder, "On the Resemblance and Containment of Documents" (1997).
SKETCHED = 1024
VERSION = 2  # of what is kept in the store
DECIMALS = 6  # of its shares and counts

Load = Callable[[Images], Collection]


@dataclass(frozen=True)
class Kept:
    """A calibration as the store has it."""

    altered: int
    curve: tuple[CurvePoint, ...]


def calibrate(
    request: FolderRequest, precision: float = DEFAULT_PRECISION, progress: Progress = SILENT
) -> CalibrationResult:
    """Estimate precision and recall at each distance, and choose the threshold for a precision.

    Args:
        precision: wanted share of true ones among the redundant images, over 0 and under 1.

    Raises:
        UsageError: the precision is no such share.
        FolderError, StoreError, EncoderError: as `refreshed`.
    """
    check_precision(precision)
    with refreshed(request, progress) as fresh:
        images = fresh.images()
        made = calibration(fresh, images, fresh.with_embeddings, request, progress)
    threshold, source = _threshold(made, precision, fresh)
    kept = made if isinstance(made, Kept) else None
    return CalibrationResult(
        folder=fresh.result.folder,
        typed_folder=fresh.result.typed_folder,
        encoder=fresh.result.encoder,
        contents=len(images.contents),
        altered=kept.altered if kept else 0,
        precision=precision,
        threshold=threshold,
        threshold_from=source,
        curve=kept.curve if kept else (),
        skipped=fresh.result.skipped,
        why_not=made if isinstance(made, str) else "",
        typed_encoder=fresh.request.encoder,
    )


def auto_threshold(
    fresh: Fresh, images: Images, load: Load, precision: float, progress: Progress
) -> tuple[float, str]:
    """The threshold for a precision on an open, fresh store, and where it is from; a note says so.

    Args:
        images, load: as in `calibration`.
    """
    request = fresh.request
    made = calibration(fresh, images, load, request, progress)
    threshold, source = _threshold(made, precision, fresh)
    if isinstance(made, str):
        level, _ = fresh.embedder.card.threshold_for(precision)
        progress.note(f"threshold {threshold:g}, the encoder's own for precision {level}: {made}")
    else:
        table = f"`augnet calibrate {pasted(request.folder)}` shows the table"
        progress.note(f"threshold {threshold:g}, calibrated here for precision {precision:g}; {table}")
    return threshold, source


def check_precision(precision: float) -> None:
    """Refuse what is no share.

    Raises:
        UsageError: it is not over 0 and under 1.
    """
    if not 0 < precision < 1:
        raise UsageError(
            f"a precision of {precision:g} is not between 0 and 1",
            "choose a share of true ones, as --precision 0.99",
        )


def calibration(
    fresh: Fresh, images: Images, load: Load, request: FolderRequest, progress: Progress = SILENT
) -> Kept | str:
    """A folder's calibration, made first where there is none or it is stale; or why there can be none.

    Args:
        images: of the folder.
        load: gives them with their embeddings, which are only read where a calibration is to be made.
    """
    if len(images.contents) < MIN_IMAGES:
        return _too_few(len(images.contents))
    key, state = _key(fresh), _state(images)
    kept = _parsed(fresh.store.meta(key), state)
    if kept is not None:
        return kept
    made = _made(fresh.embedder, load(images), request, fresh.result.folder, progress)
    if isinstance(made, str):
        return made
    text = _text(made, state)
    fresh.store.set_meta(key, text)
    # As the next run will read it, so that both say the same to the last digit.
    return _parsed(text, state) or made


def _too_few(images: int) -> str:
    return f"{images:,} different images are too few to calibrate on, {MIN_IMAGES:,} are needed"


def _threshold(made: Kept | str, precision: float, fresh: Fresh) -> tuple[float, str]:
    if isinstance(made, str):
        return fresh.embedder.card.threshold_for(precision)[1], CARD
    return calibrated_threshold(made.curve, precision), CALIBRATED


def _made(
    embedder: Embedder, collection: Collection, request: FolderRequest, folder: str, progress: Progress
) -> Kept | str:
    rng = np.random.default_rng(SEED)
    distinct = _distinct(collection.embeddings)
    if len(distinct) < MIN_IMAGES:
        return _too_few(len(distinct))
    distinct = rng.permutation(distinct)
    rows = distinct[:ROWS]
    paths = _paths(collection, rows[:PROBES])
    progress.start("calibrating", len(paths))
    probes: list[int] = []
    embedded: list[np.ndarray] = []
    try:
        for probe, copies in enumerate(_altered(embedder, folder, paths, request)):
            if copies is not None:
                probes.append(probe)
                embedded.append(copies)
            progress.advance(1, skipped=copies is None)
    finally:
        progress.finish()
    if 2 * len(probes) < len(paths):
        return f"{len(paths) - len(probes)} of {len(paths)} images can't be read any more"
    own, copies = collection.embeddings[rows[probes]], np.stack(embedded)
    left, right = _some_pairs(len(CHANGES), rng)
    sample = Sample(
        images=len(distinct),
        neighbours=_neighbours(collection.embeddings, distinct, len(rows)),
        probes=np.array(probes),
        copies=_distances(own[:, None], copies),
        among=_distances(copies[:, left], copies[:, right]),
    )
    return Kept(len(probes), precision_curve(sample, tuple(CHANGES), SEED))


def _distinct(embeddings: np.ndarray) -> np.ndarray:
    """One row of each embedding, ascending: what no distance tells apart is found at any threshold."""
    hashes = np.fromiter((hash(row.tobytes()) for row in embeddings), np.int64, len(embeddings))
    return np.sort(np.unique(hashes, return_index=True)[1])


def _paths(collection: Collection, rows: np.ndarray) -> list[str]:
    """A file of each content row."""
    wanted = dict.fromkeys(rows.tolist(), "")
    for number in np.flatnonzero(np.isin(collection.content_rows, rows)).tolist():
        wanted[int(collection.content_rows[number])] = collection.images.paths[number]
    return list(wanted.values())


def _altered(
    embedder: Embedder, folder: str, paths: Sequence[str], request: FolderRequest
) -> Iterator[np.ndarray | None]:
    """For each file (k, d) embeddings of its altered copies, or None where it can't be used any more."""
    limit = request.max_megapixels or MAX_MEGAPIXELS
    size = embedder.resize.size

    def work(number: int) -> np.ndarray | None:
        name = paths[number]
        try:
            data = read_bytes(os.path.join(folder, name), follow_links=False)
            pixels = decode_short_side(data, PROBE_SCALE * size, limit, name=name).pixels
        except Unusable:
            return None
        rng = np.random.default_rng([SEED, number])
        return embedder.embed(np.stack([square(altered(pixels, kind, rng), size) for kind in CHANGES]))

    pool = ThreadPoolExecutor(request.workers or usable_cores(), thread_name_prefix="augnet-calibrate")
    try:
        yield from pool.map(work, range(len(paths)))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _some_pairs(kinds: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    left, right = np.triu_indices(kinds, 1)
    chosen = rng.permutation(len(left))[:AMONG]
    return left[chosen], right[chosen]


def _distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine distances along the last axis of two arrays of unit rows that broadcast."""
    return np.clip(1 - (left * right).sum(axis=-1), 0, 2)


def _neighbours(embeddings: np.ndarray, distinct: np.ndarray, count: int) -> np.ndarray:
    """(r, K) distances of the first `count` of some rows to their K nearest others of those, ascending."""
    own = embeddings[distinct[:count]]
    found = np.full((count, NEIGHBOURS), np.inf, np.float32)
    block = max(NEIGHBOURS, BLOCK_BYTES // (4 * count))
    for start in range(0, len(distinct), block):
        distances = 1 - own @ embeddings[distinct[start : start + block]].T
        # The row itself, where it is among these.
        selves = np.arange(start, min(start + block, count))
        distances[selves, selves - start] = np.inf
        nearest = np.concatenate([found, distances], axis=1)
        found = np.partition(nearest, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
    return np.sort(np.clip(found, 0, 2), axis=1)


def _key(fresh: Fresh) -> str:
    """Where the store keeps it: each encoder and each selection has its own."""
    request = fresh.request
    chosen: list[object] = [*sorted(request.exclude)]
    if request.only is not None:
        chosen = [chosen, sorted(request.only), sorted(request.always)]
    selection = b"" if request.is_whole else json.dumps(chosen).encode()
    return f"calibration:{fresh.embedder.id}" + (f":{content_hash(selection)}" if selection else "")


def _state(images: Images) -> dict[str, object]:
    """What a calibration was made on."""
    return {
        "version": VERSION,
        "kinds": list(CHANGES),
        "contents": list(Texts(images.contents.hashes[:SKETCHED])),
    }


def _changed_share(before: Sequence[str], now: Sequence[str]) -> float:
    """Share of two folders' contents that only one of them holds, told by their sketches."""
    # Beyond the end of a full sketch it says nothing of what is there.
    ends = [max(sketch) for sketch in (before, now) if len(sketch) == SKETCHED]
    reach = min(ends, default=max([*before, *now], default=""))
    old, new = ({content for content in sketch if content <= reach} for sketch in (before, now))
    return 1 - len(old & new) / max(1, len(old | new))


def _text(kept: Kept, state: dict[str, object]) -> str:
    rows = []
    for point in kept.curve:
        figures = (point.found, point.false, point.precision, point.low, point.high, point.recall)
        shares = (*figures, *(point.recall_of[kind] for kind in CHANGES))
        rows.append([point.distance, *(round(share, DECIMALS) for share in shares)])
    return json.dumps({**state, "altered": kept.altered, "curve": rows})


def _parsed(text: str | None, state: dict[str, object]) -> Kept | None:
    """The calibration in a store's words, or None where it is another's, stale or can't be read."""
    if text is None:
        return None
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        facts = json.loads(text)
        same = all(facts[key] == state[key] for key in ("version", "kinds"))
        if same and _changed_share(facts["contents"], _sketch(state)) <= STALE_SHARE:
            return Kept(int(facts["altered"]), tuple(_point(row) for row in facts["curve"]))
    return None


def _sketch(state: dict[str, object]) -> Sequence[str]:
    contents = state["contents"]
    assert isinstance(contents, list)
    return contents


def _point(row: Sequence[float]) -> CurvePoint:
    distance, found, false, precision, low, high, recall, *shares = map(float, row)
    recall_of = dict(zip(CHANGES, shares, strict=True))
    return CurvePoint(distance, found, false, precision, low, high, recall, recall_of)
