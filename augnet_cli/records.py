"""Frozen records that travel between stages.

A stage knows the stage before it through these alone.
Paths are `str` as `os.fsdecode` gives them (surrogate escapes for bytes that are no UTF-8),
relative to the folder, with `/` between parts; the store keeps them as bytes.
A distance is always cosine distance, 1 - cos, in [0, 2].
Letters used in shapes: n images, m contents (distinct file contents), p pairs, S side, d dim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np  # named in annotations alone: the command line starts without it


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One regular file met on a walk; nothing of it has been read."""

    path: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Skip:
    """One image that was not used, with its reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Resize:
    """How any image becomes the encoder's input; written in the card, done by `images.decode`.

    Attributes:
        size: side S of the square input in pixels.
        fit: `stretch`: the whole image, both sides scaled to S.
        filter: `bilinear`: Pillow's antialiased triangle filter.
        draft: a JPEG may be decoded at a reduced scale whose sides are still at least `draft * S`; 0 forbids
            it.  At 1.5 a photo of 500 pixels is decoded at half its scale, which finds as many copies as its
            full scale does, and what comes of it serves the proofs of most photos as well.
    """

    size: int
    fit: str = "stretch"
    filter: str = "bilinear"
    draft: float = 1.5


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels of one image after the EXIF turn, and what its header says.

    `pixels` is (h, w, 3) uint8 RGB; `width`, `height` are those of the turned original;
    `taken_at` is EXIF DateTimeOriginal as `YYYY-MM-DDTHH:MM:SS`, with `.mmm` where known, or None;
    `mutter` is what decoders wrote on the process's own stderr meanwhile, or '';
    `beside` is a second, smaller or larger picture that came of the same decoding, (h, w, 3) uint8, or None;
    `kind` is the format by its bytes, such as `JPEG`; `camera` its maker and model by EXIF, or None.
    """

    pixels: np.ndarray
    width: int
    height: int
    taken_at: str | None
    mutter: str = ""
    beside: np.ndarray | None = None
    kind: str = ""
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image file of a folder as the store knows it."""

    path: str
    content_hash: str
    width: int
    height: int
    size_bytes: int
    mtime_ns: int
    taken_at: str | None

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows at or under a threshold: `left < right`, each (p,) int64; `distance` (p,) float32.

    Sorted by (left, right).
    """

    left: np.ndarray
    right: np.ndarray
    distance: np.ndarray

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True, slots=True)
class Recall:
    """What share of the near pairs a search that is not exact finds, measured on the rows it searched.

    `rows` drawn at random were compared with all others, which gave `pairs`; of these the search finds
    `found`, from which follows, but for the chance 1 - `confidence`, that it finds `at_least` of all.
    """

    rows: int
    pairs: int
    found: int
    at_least: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Kept:
    """The image of a group that stays, and which rule decided."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Transform:
    """How one image lies in another, in pixels of both after their EXIF turns.

    x runs right, y down, from the corner of the first pixel.

    Attributes:
        matrix: (a, b, c, d, e, f): (x, y) of the first is (a x + b y + c, d x + e y + f) of the second.
        box: left, top, right, bottom of what the first shows, in the second; parts outside it are cut off.
        degrees: how far the second was turned, counter-clockwise, to look like the first, in (-180, 180].
        mirrored: whether it was mirrored left to right before that turn.
        changed_share: share of what both show in which they differ, in [0, 1].
    """

    matrix: tuple[float, float, float, float, float, float]
    box: tuple[float, float, float, float]
    degrees: float
    mirrored: bool
    changed_share: float


@dataclass(frozen=True, slots=True)
class Redundant:
    """An image that may go, and the kept image that justifies it.

    `verified`: bytes, pixels or geometry prove it; `verdict` says in words how it differs from its witness,
    `transform` how it lies in it (None where nothing was moved or nothing is known).
    """

    path: str
    distance: float
    witness: str
    verified: bool
    verdict: tuple[str, ...]
    transform: Transform | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Images held to be the same picture: a star around the kept one."""

    kept: Kept
    redundant: tuple[Redundant, ...]


# Who chose a threshold; AUTO: there is none, each pair is proved.
GIVEN, CALIBRATED, CARD, AUTO = "given", "calibrated", "card", "auto"
DEFAULT_PRECISION = 0.99
# How the pairs within a distance are looked for: all of them, or by parts of the rows that lie together.
EXACT, PARTITIONED = "exact", "partitioned"
