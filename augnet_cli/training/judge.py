"""What an encoder can do on images of a folder that were kept from it: before training and after, alike.

Each held-out image is changed in every way of `images.changes`, which shares nothing with the views that
are trained on, and its copies are looked for among the folder's other pictures.  The copies depend on the
image's content alone, so both encoders judge the very same ones.
Near-identical images of the folder were left out before (`distinct`): no true pair counts as false.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from augnet_cli.encoder.card import Card
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.images.changes import CHANGES, altered
from augnet_cli.images.squares import square
from augnet_cli.progress import SILENT, Progress
from augnet_cli.training.evidence import Evidence, gather, micro_ap, precision_within, threshold_at
from augnet_cli.training.pixels import PixelCache

PRECISION = 0.99  # at which recall is told: what `dedupe` promises
RECALL_K = 32  # of the benchmark of copies
# Other pictures of the folder to look among: with the copies of 10 held-out images a million false pairs.
MOST_OTHERS = 5000
EMBED_ROWS = 64  # images a thread embeds at once
MOST_PAIRED = 2000  # rows whose pairs give the uniformity: 2 million pairs
DIGITS = 4  # of a score: more would be noise


@dataclass(frozen=True)
class FolderScores:
    """How one encoder does on a folder's held-out images.

    Attributes:
        encoder: id of the encoder.
        held_out, copies, others: images judged, their copies, the pictures they are looked for among.
        micro_ap: µAP of the copies among all pairs.
        threshold: distance at which precision is still 0.99; -1 if it never is.
        recall: share of copies found there; `by_change` the same for each kind of change.
        own_precision, own_recall: share of true ones among all pairs within the distance that the encoder's
            card names for use, and share of copies found there.
        nearest: share of copies whose original is nearer than any other picture; `among_32` among 32.
        alignment: mean squared distance of an image to its copies; smaller is better.
        uniformity: log of the mean of exp(-2 |x - y|^2) over pairs of pictures; smaller is better.
            Both after Wang and Isola, "Understanding Contrastive Representation Learning through Alignment
            and Uniformity on the Hypersphere" (2020), alpha = 2, t = 2.
        effective_rank: exp of the entropy of the singular values, after Roy and Vetterli, "The Effective
            Rank" (2007); 1 is a collapsed encoder, `dim` the most there can be.
    """

    encoder: str
    dim: int
    held_out: int
    copies: int
    others: int
    micro_ap: float
    threshold: float
    recall: float
    own_precision: float
    own_recall: float
    nearest: float
    among_32: float
    alignment: float
    uniformity: float
    effective_rank: float
    by_change: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Bench:
    """What encoders are judged on.

    `rows`: of `pixels`, the pictures looked among; `held`: positions in `rows` of those that are judged.
    """

    pixels: PixelCache
    rows: np.ndarray
    held: np.ndarray


def bench_for(pixels: PixelCache, judged: np.ndarray, others: np.ndarray, most: int = MOST_OTHERS) -> Bench:
    """The bench of (h,) `judged` rows among `others`, of which at most `most` are taken, by content."""
    keys = np.array([pixels.contents[row] for row in others])
    taken = others[np.argsort(keys, kind="stable")[:most]]
    return Bench(pixels, np.concatenate([judged, taken]), np.arange(len(judged)))


def judge(
    embedder: Embedder, bench: Bench, workers: int, progress: Progress = SILENT
) -> tuple[FolderScores, Evidence]:
    """Measure an encoder file as it will be used: by ONNX Runtime, on `workers` threads."""
    progress.start("measuring", len(bench.rows) + len(bench.held))
    size = embedder.resize.size

    def embed(position: int) -> np.ndarray:
        rows = bench.rows[position : position + EMBED_ROWS]
        made = embedder.embed(np.stack([square(bench.pixels.image(row), size) for row in rows]))
        progress.advance(len(rows))
        return made

    def embed_copies(row: int) -> np.ndarray:
        made = embedder.embed(copies_of(bench.pixels, int(row), size))
        progress.advance(1)
        return made

    with ThreadPoolExecutor(workers) as pool:
        gallery = np.concatenate(list(pool.map(embed, range(0, len(bench.rows), EMBED_ROWS))))
        copies = np.stack(list(pool.map(embed_copies, bench.rows[bench.held])))
    progress.finish()
    evidence = gather(gallery, bench.held, copies)
    return scores_of(embedder.card, gallery, bench.held, copies, evidence), evidence


def copies_of(pixels: PixelCache, row: int, size: int) -> np.ndarray:
    """(c, size, size, 3) uint8: an image changed in every way, each drawn by its content and the kind."""
    made = []
    for kind in CHANGES:
        seed = hashlib.blake2b(f"{kind} {pixels.contents[row]}".encode(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(seed, "little"))
        made.append(square(altered(pixels.image(row), kind, rng), size))
    return np.stack(made)


def scores_of(
    card: Card, gallery: np.ndarray, held: np.ndarray, copies: np.ndarray, evidence: Evidence
) -> FolderScores:
    """All figures of one encoder from (g, d) pictures, (h,) which are held out, (h, c, d) copies."""
    threshold = threshold_at(evidence, PRECISION)
    found = evidence.own <= threshold
    return FolderScores(
        encoder=card.id,
        dim=gallery.shape[1],
        held_out=len(held),
        copies=evidence.own.size,
        others=len(gallery) - 1,
        micro_ap=_short(micro_ap(evidence)[0]),
        threshold=threshold,
        recall=_short(found.mean()),
        own_precision=_short(precision_within(evidence, card.threshold)),
        own_recall=_short((evidence.own <= card.threshold).mean()),
        nearest=_short((evidence.closer < 1).mean()),
        among_32=_short((evidence.closer < RECALL_K).mean()),
        alignment=_short(alignment(gallery[held], copies)),
        uniformity=_short(uniformity(gallery[:MOST_PAIRED])),
        effective_rank=round(effective_rank(gallery), 1),
        by_change={kind: _short(found[:, number].mean()) for number, kind in enumerate(CHANGES)},
    )


def alignment(originals: np.ndarray, copies: np.ndarray) -> float:
    """Mean |x - y|^2 of (h, d) unit rows and their (h, c, d) copies."""
    return float(np.square(originals[:, None] - copies).sum(2).mean())


def uniformity(rows: np.ndarray) -> float:
    """Log of the mean of exp(-2 |x - y|^2) over the pairs of (n, d) unit rows, n at least 2."""
    apart = 2 - 2 * (rows @ rows.T).astype(np.float64)
    left, right = np.triu_indices(len(rows), 1)
    return float(np.log(np.exp(-2 * apart[left, right]).mean()))


def effective_rank(rows: np.ndarray) -> float:
    """Exp of the entropy of the normalised singular values of (n, d) rows: in [1, min(n, d)]."""
    values = np.linalg.svd(rows.astype(np.float64), compute_uv=False)
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _short(value: Any) -> float:
    return round(float(value), DIGITS)
